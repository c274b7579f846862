/* lfm2moe.c - LFM2-MoE: most layers have a gated short convolution in the place of
 * attention; sigmoid scores with a bias for choosing; leading dense layers.
 *
 * Sources: LFM2 Technical Report, arXiv 2511.23404, section 2 (gated short
 * convolutions, GQA with QK-norm); config.json of LFM2-8B-A1B (conv_L_cache 3,
 * use_expert_bias, norm_topk_prob). The matrix of a convolution layer gives b, c and u
 * in this order. The last norm is called token_embd_norm. Rotary pairs are halves. */
#include "arch/families.h"
#include "arch/tensor_rows.h"

static const enum arch_step conv_moe[] = {
    STEP_ATTN_NORM, STEP_CONV_IN, STEP_CONV,    STEP_CONV_OUT,
    STEP_FFN_NORM,  STEP_ROUTER,  STEP_EXPERTS, STEP_END,
};

static const enum arch_step conv_dense[] = {
    STEP_ATTN_NORM, STEP_CONV_IN, STEP_CONV, STEP_CONV_OUT,
    STEP_FFN_NORM,  STEP_FFN,     STEP_END,
};

/* clang-format off */
static const struct arch_tensor own[] = {
    ROW(TOKEN_EMBD,  "token_embd.weight",         ALWAYS,   DIM_EMBD, DIM_VOCAB),
    ROW(OUTPUT_NORM, "token_embd_norm.weight",    ALWAYS,   DIM_EMBD),
    ROW(OUTPUT,      "output.weight",             OPTIONAL, DIM_EMBD, DIM_VOCAB),
    BLK(CONV_IN,     "shortconv.in_proj.weight",  IF_STATE, DIM_EMBD, DIM_EMBD_3),
    BLK(CONV,        "shortconv.conv.weight",     IF_STATE, DIM_CONV, DIM_EMBD),
    BLK(CONV_OUT,    "shortconv.out_proj.weight", IF_STATE, DIM_EMBD, DIM_EMBD),
    BLK(ROUTER_SELECT_BIAS, "exp_probs_b.bias",   IF_MOE,   DIM_EXPERT),
    END_OF_LIST
};
/* clang-format on */

const struct arch_desc arch_lfm2moe = {
    .names = {"lfm2moe"},
    .title = "LFM2-MoE",
    .qk_norm = QK_NORM_HEAD,
    .rope = ROPE_PAIRS_HALVES,
    .act = ACT_SILU,
    .router = {.score = SCORE_SIGMOID, .normalise = true, .norm_eps = 1e-6f},
    .layer_moe = arch_steps_moe,
    .layer_dense = arch_steps_dense,
    .state_moe = conv_moe,
    .state_dense = conv_dense,
    .tensors = {own, arch_tensors_attn, arch_tensors_head_norm, arch_tensors_ffn_norm,
                arch_tensors_ffn},
};
