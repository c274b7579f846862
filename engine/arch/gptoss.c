/* gptoss.c - gpt-oss: biases on every matrix, attention sinks, windows in every other
 * layer, YaRN, a clamped SwiGLU; weights are the softmax of the chosen logits.
 *
 * Sources: gpt-oss model card, arXiv 2508.10925, section 2 (sinks, banded windows of
 * 128, top-4 of 32 or 128 experts, YaRN); config.json of gpt-oss-20b (swiglu_limit 7,
 * layer_types: sliding first); alpha 1.702 is that of the sigmoid form of GELU, arXiv
 * 1606.08415, section 2. Rotary pairs are the halves of a head. */
#include "arch/families.h"
#include "arch/tensor_rows.h"

/* clang-format off */
static const struct arch_tensor own[] = {
    BLK(ATTN_SINKS,     "attn_sinks.weight",  IF_ATTN, DIM_N_HEAD),
    BLK(ROUTER_BIAS,    "ffn_gate_inp.bias",  IF_MOE,  DIM_EXPERT),
    BLK(GATE_EXPS_BIAS, "ffn_gate_exps.bias", IF_MOE,  DIM_FF_EXP, DIM_EXPERT),
    BLK(UP_EXPS_BIAS,   "ffn_up_exps.bias",   IF_MOE,  DIM_FF_EXP, DIM_EXPERT),
    BLK(DOWN_EXPS_BIAS, "ffn_down_exps.bias", IF_MOE,  DIM_EMBD, DIM_EXPERT),
    END_OF_LIST
};
/* clang-format on */

const struct arch_desc arch_gptoss = {
    .names = {"gpt-oss", "gptoss"},
    .title = "gpt-oss",
    .rope = ROPE_PAIRS_HALVES,
    .window = {.period = 2},
    .act = ACT_SWIGLU_CLAMPED,
    .glu_alpha = 1.702f,
    .glu_limit = 7.0f,
    .router = {.score = SCORE_LOGIT},
    .layer_moe = arch_steps_moe,
    .tensors = {arch_tensors_io, arch_tensors_attn, arch_tensors_post_norm,
                arch_tensors_ffn, own},
};
