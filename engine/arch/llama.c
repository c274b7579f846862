/* llama.c - Llama and Mistral (dense), and Mixtral, which is the same with experts:
 * llama.expert_count above 0 tells them apart.
 *
 * Sources: Llama, arXiv 2302.13971, section 2.2 (pre-norm, SwiGLU, rotary);
 * Mistral 7B, arXiv 2310.06825 (grouped queries); Mixtral, arXiv 2401.04088,
 * section 2.1 (softmax over the chosen logits, which is the softmax over all
 * experts renormalised over the chosen).
 *
 * Files hold the rows of W_q and W_k interleaved by the converter, so that the two
 * values of a rotary pair stand side by side. */
#include "arch/families.h"

const struct arch_desc arch_llama = {
    .names = {"llama"},
    .title = "Llama, Mistral, Mixtral",
    .qk_norm = QK_NORM_NONE,
    .rope = ROPE_PAIRS_ADJACENT,
    .act = ACT_SILU,
    .router = {.score = SCORE_SOFTMAX, .normalise = true},
    .layer_moe = arch_steps_moe,
    .layer_dense = arch_steps_dense,
    .tensors = {arch_tensors_io, arch_tensors_attn, arch_tensors_ffn_norm,
                arch_tensors_ffn},
};
