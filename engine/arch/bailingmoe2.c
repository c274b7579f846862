/* bailingmoe2.c - Ling 2 and Ring 2: q, k and v from one matrix, q/k norm per head, a
 * part of each head rotated, sigmoid scores with a bias for choosing and groups of
 * experts, shared experts, leading dense layers.
 *
 * Sources: "Every Activation Boosted", arXiv 2510.22115, section 2 (Ling 2.0);
 * config.json of Ling-mini-2.0 (use_qk_norm, partial_rotary_factor 0.5,
 * norm_topk_prob, n_group, topk_group, routed_scaling_factor). A group's score is the
 * sum of its two best. */
#include "arch/families.h"
#include "arch/tensor_rows.h"

/* clang-format off */
static const struct arch_tensor own[] = {
    BLK(ATTN_NORM, "attn_norm.weight",   ALWAYS,  DIM_EMBD),
    BLK(ATTN_QKV,  "attn_qkv.weight",    IF_ATTN, DIM_EMBD, DIM_QKV),
    BLK(ATTN_OUT,  "attn_output.weight", IF_ATTN, DIM_ATT, DIM_EMBD),
    END_OF_LIST
};
/* clang-format on */

const struct arch_desc arch_bailingmoe2 = {
    .names = {"bailingmoe2"},
    .title = "Bailing MoE 2 (Ling, Ring)",
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
    .tensors = {arch_tensors_io, own, arch_tensors_head_norm, arch_tensors_ffn_norm,
                arch_tensors_ffn, arch_tensors_select, arch_tensors_shared},
};
