/* qwen3moe.c - Qwen3, with experts and dense: q and k normalised per head, and a
 * head size that need not be n_embd / n_head.
 *
 * Sources: Qwen3, arXiv 2505.09388, section 2 (QK-norm, no QKV bias; 128 experts,
 * 8 used, none shared); config.json of Qwen3-30B-A3B (norm_topk_prob true,
 * head_dim 128 at hidden_size 2048). Rotary pairs are the halves of a head. */
#include "arch/families.h"

const struct arch_desc arch_qwen3moe = {
    .names = {"qwen3moe", "qwen3"},
    .title = "Qwen3, Qwen3-MoE",
    .qk_norm = QK_NORM_HEAD,
    .rope = ROPE_PAIRS_HALVES,
    .act = ACT_SILU,
    .router = {.score = SCORE_SOFTMAX, .normalise = true},
    .layer_moe = arch_steps_moe,
    .layer_dense = arch_steps_dense,
    .tensors = {arch_tensors_io, arch_tensors_attn, arch_tensors_head_norm,
                arch_tensors_ffn_norm, arch_tensors_ffn},
};
