/* ernie4_5moe.c - ERNIE 4.5 MoE: softmax scores with a bias for choosing only, shared
 * experts without a switch, leading dense layers.
 *
 * Sources: ERNIE 4.5 Technical Report (Baidu, 2025), section 2; config.json of
 * ERNIE-4.5-21B-A3B (moe_use_aux_free, moe_norm_min 1e-12, tied output). Rotary pairs
 * stand side by side. */
#include "arch/families.h"

const struct arch_desc arch_ernie4_5moe = {
    .names = {"ernie4_5-moe"},
    .title = "ERNIE 4.5 MoE",
    .keys = ARCH_SHARED,
    .rope = ROPE_PAIRS_ADJACENT,
    .act = ACT_SILU,
    .router = {.score = SCORE_SOFTMAX, .normalise = true, .norm_eps = 1e-12f},
    .layer_moe = arch_steps_moe_shared,
    .layer_dense = arch_steps_dense,
    .tensors = {arch_tensors_io, arch_tensors_attn, arch_tensors_ffn_norm,
                arch_tensors_ffn, arch_tensors_select, arch_tensors_shared},
};
