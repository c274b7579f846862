/* olmoe.c - OLMoE: 64 small experts, q and k normalised as whole rows.
 *
 * Sources: OLMoE, arXiv 2409.02060, section 2 (softmax over all experts, weights
 * used as they are: norm_topk_prob is false in config.json) and table 1 (QK-norm,
 * no weight tying). Rotary pairs are the halves of a head. */
#include "arch/families.h"

/* The output matrix is not optional here: without it a file is damaged, not tied. */
static const struct arch_tensor own[] = {
    {SLOT_OUTPUT, "output.weight", NEED_ALWAYS, {DIM_EMBD, DIM_VOCAB}},
    {.name = NULL},
};

const struct arch_desc arch_olmoe = {
    .names = {"olmoe"},
    .title = "OLMoE",
    .qk_norm = QK_NORM_ROW,
    .rope = ROPE_PAIRS_HALVES,
    .act = ACT_SILU,
    .router = {.score = SCORE_SOFTMAX, .normalise = false},
    .layer_moe = arch_steps_moe,
    .tensors = {arch_tensors_io, arch_tensors_attn, arch_tensors_row_norm,
                arch_tensors_ffn_norm, arch_tensors_ffn, own},
};
