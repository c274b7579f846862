/* smallthinker.c - SmallThinker: the router reads the layer's input before attention,
 * experts are gated by ReLU, and every fourth layer sees all positions without a
 * rotary embedding while the others rotate and look through a window.
 *
 * Source: SmallThinker, arXiv 2507.20984, section 3 (pre-attention router, ReGLU
 * experts, NoPE and RoPE layers); config.json of SmallThinker-21BA3B-Instruct
 * (moe_primary_router_apply_softmax, norm_topk_prob). Rotary pairs are halves. Files
 * that state no window rotate in every layer. */
#include "arch/families.h"

static const enum arch_step layer[] = {
    STEP_ROUTER_RAW, STEP_ATTN_NORM, STEP_QKV,     STEP_ROPE, STEP_ATTN,
    STEP_ATTN_OUT,   STEP_FFN_NORM,  STEP_EXPERTS, STEP_END,
};

const struct arch_desc arch_smallthinker = {
    .names = {"smallthinker"},
    .title = "SmallThinker",
    .rope = ROPE_PAIRS_HALVES,
    .window = {.period = 4, .full_first = true, .full_unrotated = true},
    .act = ACT_RELU,
    .router = {.score = SCORE_SIGMOID, .normalise = true},
    .layer_moe = layer,
    .tensors = {arch_tensors_io, arch_tensors_attn, arch_tensors_ffn_norm,
                arch_tensors_ffn},
};
