/* qwen2moe.c - Qwen1.5-MoE and Qwen2-MoE: biases on q, k and v, and beside the
 * routed experts a shared one that is switched by a sigmoid.
 *
 * Sources: Qwen2, arXiv 2407.10671, section 2.2.2 (experts, QKV bias); config.json of
 * Qwen1.5-MoE-A2.7B and Qwen2-57B-A14B (norm_topk_prob false). Rotary pairs are the
 * halves of a head. */
#include "arch/families.h"
#include "arch/tensor_rows.h"

/* clang-format off */
static const struct arch_tensor own[] = {
    BLK(SHARED_SWITCH, "ffn_gate_inp_shexp.weight", IF_MOE, DIM_EMBD),
    BLK(SHARED_GATE,   "ffn_gate_shexp.weight",     IF_MOE, DIM_EMBD, DIM_FF_SHARED),
    END_OF_LIST
};
/* clang-format on */

const struct arch_desc arch_qwen2moe = {
    .names = {"qwen2moe"},
    .title = "Qwen2-MoE",
    .keys = ARCH_SHARED,
    .rope = ROPE_PAIRS_HALVES,
    .act = ACT_SILU,
    .router = {.score = SCORE_SOFTMAX, .normalise = false},
    .layer_moe = arch_steps_moe_shared,
    .tensors = {arch_tensors_io, arch_tensors_attn, arch_tensors_ffn_norm,
                arch_tensors_ffn, arch_tensors_shared, own},
};
