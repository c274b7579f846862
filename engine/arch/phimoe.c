/* phimoe.c - Phi-3.5-MoE: biases nearly everywhere, LongRoPE with factors for short
 * and for long contexts.
 *
 * Sources: Phi-3 Technical Report, arXiv 2404.14219, section 2.1 (phi-3.5-MoE);
 * config.json of Phi-3.5-MoE-instruct (attention_bias, lm_head_bias, rope_scaling
 * longrope with short_mscale and long_mscale). LongRoPE: arXiv 2402.13753.
 *
 * The model's own code has layer norms and a sparse mixer for choosing; the reference
 * cases have RMS norms with biases and a renormalised softmax, as the programs do
 * that make and run these files. The cases decide. */
#include "arch/families.h"
#include "arch/tensor_rows.h"

/* clang-format off */
static const struct arch_tensor own[] = {
    ROW(OUTPUT,           "output.weight",             ALWAYS,   DIM_EMBD, DIM_VOCAB),
    ROW(OUTPUT_BIAS,      "output.bias",               OPTIONAL, DIM_VOCAB),
    ROW(OUTPUT_NORM_BIAS, "output_norm.bias",          ALWAYS,   DIM_EMBD),
    ROW(ROPE_FREQS,       "rope_factors_short.weight", OPTIONAL, DIM_ROT_HALF),
    ROW(ROPE_LONG,        "rope_factors_long.weight",  OPTIONAL, DIM_ROT_HALF),
    BLK(ATTN_NORM_BIAS,   "attn_norm.bias",            ALWAYS,   DIM_EMBD),
    BLK(FFN_NORM_BIAS,    "ffn_norm.bias",             ALWAYS,   DIM_EMBD),
    END_OF_LIST
};
/* clang-format on */

const struct arch_desc arch_phimoe = {
    .names = {"phimoe"},
    .title = "Phi-3.5-MoE",
    .rope = ROPE_PAIRS_HALVES,
    .act = ACT_SILU,
    .router = {.score = SCORE_SOFTMAX, .normalise = true},
    .layer_moe = arch_steps_moe,
    .tensors = {arch_tensors_io, arch_tensors_attn, arch_tensors_ffn_norm,
                arch_tensors_ffn, own},
};
