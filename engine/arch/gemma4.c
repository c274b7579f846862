/* gemma4.c - Gemma 4 with experts: a dense FFN and the experts side by side, each
 * branch normed before it is added; head sizes, key heads and rotary base differ
 * between layers with a window and layers without.
 *
 * Sources: config.json of gemma-4-26B-A4B (layer_types, global_head_dim,
 * final_logit_softcapping, gelu_pytorch_tanh, num_global_key_value_heads); Gemma 3,
 * arXiv 2503.19786, section 2 (windows, QK-norm); the reference cases decide the rest:
 * scores are not scaled, v is normed without weights, k before its norm is also v
 * where a layer has no attn_v. Rotary pairs are the halves of a head. */
#include "arch/families.h"
#include "arch/tensor_rows.h"

static const enum arch_step layer[] = {
    STEP_ATTN_NORM,     STEP_QKV,
    STEP_ROPE,          STEP_ATTN,
    STEP_ATTN_OUT,      STEP_ATTN_POST_NORM,
    STEP_ROUTER_NORM,   STEP_ROUTER,
    STEP_FFN_NORM,      STEP_FFN,
    STEP_FFN_POST_NORM, STEP_EXPERTS_NORM,
    STEP_EXPERTS,       STEP_EXPERTS_POST_NORM,
    STEP_POST_NORM,     STEP_END,
};

/* clang-format off */
static const struct arch_tensor attention[] = {
    BLK(ATTN_NORM,      "attn_norm.weight",           ALWAYS,   DIM_EMBD),
    BLK(ATTN_Q,         "attn_q.weight",              ALWAYS,   DIM_EMBD, DIM_Q),
    BLK(ATTN_K,         "attn_k.weight",              ALWAYS,   DIM_EMBD, DIM_KV),
    BLK(ATTN_V,         "attn_v.weight",              OPTIONAL, DIM_EMBD, DIM_KV),
    BLK(ATTN_OUT,       "attn_output.weight",         ALWAYS,   DIM_ATT, DIM_EMBD),
    BLK(ATTN_POST_NORM, "post_attention_norm.weight", ALWAYS,   DIM_EMBD),
    END_OF_LIST
};

static const struct arch_tensor ffn[] = {
    BLK(ROUTER_SCALE,      "ffn_gate_inp.scale",       ALWAYS, DIM_EMBD),
    BLK(ROUTER,            "ffn_gate_inp.weight",      ALWAYS, DIM_EMBD, DIM_EXPERT),
    BLK(FFN_NORM,          "ffn_norm.weight",          ALWAYS, DIM_EMBD),
    BLK(FFN_GATE,          "ffn_gate.weight",          ALWAYS, DIM_EMBD, DIM_FF),
    BLK(FFN_UP,            "ffn_up.weight",            ALWAYS, DIM_EMBD, DIM_FF),
    BLK(FFN_DOWN,          "ffn_down.weight",          ALWAYS, DIM_FF, DIM_EMBD),
    BLK(FFN_POST_NORM,     "post_ffw_norm_1.weight",   ALWAYS, DIM_EMBD),
    BLK(EXPERTS_NORM,      "pre_ffw_norm_2.weight",    ALWAYS, DIM_EMBD),
    BLK(GATE_UP_EXPS,      "ffn_gate_up_exps.weight",  ALWAYS, DIM_EMBD, DIM_FF_EXP_2, DIM_EXPERT),
    BLK(DOWN_EXPS,         "ffn_down_exps.weight",     ALWAYS, DIM_FF_EXP, DIM_EMBD, DIM_EXPERT),
    BLK(DOWN_EXPS_SCALE,   "ffn_down_exps.scale",      ALWAYS, DIM_EXPERT),
    BLK(EXPERTS_POST_NORM, "post_ffw_norm_2.weight",   ALWAYS, DIM_EMBD),
    BLK(POST_NORM,         "post_ffw_norm.weight",     ALWAYS, DIM_EMBD),
    BLK(LAYER_SCALE,       "layer_output_scale.weight", OPTIONAL, DIM_NONE),
    END_OF_LIST
};
/* clang-format on */

const struct arch_desc arch_gemma4 = {
    .names = {"gemma4"},
    .title = "Gemma 4",
    .keys = ARCH_LOGIT_CAP,
    .qk_norm = QK_NORM_HEAD,
    .v_norm = true,
    .rope = ROPE_PAIRS_HALVES,
    .attn_scale = 1,
    .window = {.period = 6},
    .embd_root = true,
    .branch_norm = true,
    .act = ACT_GELU_TANH,
    .router = {.score = SCORE_SOFTMAX, .normalise = true},
    .layer_moe = layer,
    .tensors = {arch_tensors_io, attention, arch_tensors_head_norm, ffn},
};
