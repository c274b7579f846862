/* granitemoe.c - Granite 3 MoE: multipliers on embeddings, branches, scores and
 * logits; weights are the softmax of the chosen logits; some have a shared expert.
 *
 * Sources: config.json of granite-3.1-1b-a400m and 3b-a800m (embedding_multiplier,
 * residual_multiplier, attention_multiplier; logits_scaling divides; tied output);
 * "Power scheduler", arXiv 2408.13359, section 4 (the MoE models). The converter
 * interleaves the rows of W_q and W_k, as for llama. */
#include "arch/families.h"

const struct arch_desc arch_granitemoe = {
    .names = {"granitemoe"},
    .title = "Granite MoE",
    .keys = ARCH_MULTIPLIERS | ARCH_SHARED,
    .rope = ROPE_PAIRS_ADJACENT,
    .act = ACT_SILU,
    .router = {.score = SCORE_LOGIT},
    .layer_moe = arch_steps_moe_shared,
    .tensors = {arch_tensors_io, arch_tensors_attn, arch_tensors_ffn_norm,
                arch_tensors_ffn, arch_tensors_shared},
};
