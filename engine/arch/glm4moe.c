/* glm4moe.c - GLM-4.5, 4.6 and Air: biases on q, k and v, q/k norm in the larger ones,
 * a part of each head rotated, sigmoid scores with a bias for choosing, a shared
 * expert, leading dense layers. Blocks for predicting further tokens are not run.
 *
 * Sources: GLM-4.5, arXiv 2508.06471, section 2.1; config.json of GLM-4.5-Air
 * (partial_rotary_factor 0.5, norm_topk_prob, routed_scaling_factor, use_qk_norm).
 * Rotary pairs are the halves of the rotated part. */
#include "arch/families.h"

const struct arch_desc arch_glm4moe = {
    .names = {"glm4moe"},
    .title = "GLM-4 MoE",
    .keys = ARCH_SHARED | ARCH_NEXTN,
    .qk_norm = QK_NORM_HEAD,
    .rope = ROPE_PAIRS_HALVES,
    .act = ACT_SILU,
    .router = {.score = SCORE_SIGMOID,
               .normalise = true,
               .group_top = {1, 2, 1},
               .norm_eps = 1e-20f},
    .layer_moe = arch_steps_moe_shared,
    .layer_dense = arch_steps_dense,
    .tensors = {arch_tensors_io, arch_tensors_attn, arch_tensors_head_norm_if,
                arch_tensors_post_norm, arch_tensors_ffn, arch_tensors_select,
                arch_tensors_shared},
};
