/* steps.c - what several families share: the steps of a layer, and the tensors that
 * go with them. A family's own file picks from these lists and adds its own. */
#include "arch/arch.h"

/* Pre-norm transformer block: attention, then the FFN, each added to x. */
const enum arch_step arch_steps_moe[] = {
    STEP_ATTN_NORM, STEP_QKV,    STEP_ROPE,    STEP_ATTN, STEP_ATTN_OUT,
    STEP_FFN_NORM,  STEP_ROUTER, STEP_EXPERTS, STEP_END,
};

const enum arch_step arch_steps_dense[] = {
    STEP_ATTN_NORM, STEP_QKV,      STEP_ROPE, STEP_ATTN,
    STEP_ATTN_OUT,  STEP_FFN_NORM, STEP_FFN,  STEP_END,
};

/* Tables: slot, name, need, sizes innermost first. BLK: one of each block, whose
 * number comes before the name. */
/* clang-format off */
#define ROW(slot, name, need, ...) {SLOT_##slot, name, NEED_##need, {__VA_ARGS__}}
#define BLK(slot, name, need, ...) ROW(slot, "blk.%u." name, need, __VA_ARGS__)
#define END_OF_LIST {.name = NULL}

const struct arch_tensor arch_tensors_io[] = {
    ROW(TOKEN_EMBD,  "token_embd.weight",  ALWAYS,   DIM_EMBD, DIM_VOCAB),
    ROW(OUTPUT_NORM, "output_norm.weight", ALWAYS,   DIM_EMBD),
    ROW(OUTPUT,      "output.weight",      OPTIONAL, DIM_EMBD, DIM_VOCAB),
    ROW(ROPE_FREQS,  "rope_freqs.weight",  OPTIONAL, DIM_ROT_HALF),
    END_OF_LIST
};

const struct arch_tensor arch_tensors_attn[] = {
    BLK(ATTN_NORM,     "attn_norm.weight",   ALWAYS,   DIM_EMBD),
    BLK(ATTN_Q,        "attn_q.weight",      ALWAYS,   DIM_EMBD, DIM_Q),
    BLK(ATTN_K,        "attn_k.weight",      ALWAYS,   DIM_EMBD, DIM_KV),
    BLK(ATTN_V,        "attn_v.weight",      ALWAYS,   DIM_EMBD, DIM_KV),
    BLK(ATTN_OUT,      "attn_output.weight", ALWAYS,   DIM_Q, DIM_EMBD),
    BLK(ATTN_Q_BIAS,   "attn_q.bias",        OPTIONAL, DIM_Q),
    BLK(ATTN_K_BIAS,   "attn_k.bias",        OPTIONAL, DIM_KV),
    BLK(ATTN_V_BIAS,   "attn_v.bias",        OPTIONAL, DIM_KV),
    BLK(ATTN_OUT_BIAS, "attn_output.bias",   OPTIONAL, DIM_EMBD),
    END_OF_LIST
};

const struct arch_tensor arch_tensors_ffn[] = {
    BLK(FFN_NORM,  "ffn_norm.weight",      ALWAYS,   DIM_EMBD),
    BLK(ROUTER,    "ffn_gate_inp.weight",  IF_MOE,   DIM_EMBD, DIM_EXPERT),
    BLK(GATE_EXPS, "ffn_gate_exps.weight", IF_MOE,   DIM_EMBD, DIM_FF_EXP, DIM_EXPERT),
    BLK(UP_EXPS,   "ffn_up_exps.weight",   IF_MOE,   DIM_EMBD, DIM_FF_EXP, DIM_EXPERT),
    BLK(DOWN_EXPS, "ffn_down_exps.weight", IF_MOE,   DIM_FF_EXP, DIM_EMBD, DIM_EXPERT),
    BLK(FFN_GATE,  "ffn_gate.weight",      IF_DENSE, DIM_EMBD, DIM_FF),
    BLK(FFN_UP,    "ffn_up.weight",        IF_DENSE, DIM_EMBD, DIM_FF),
    BLK(FFN_DOWN,  "ffn_down.weight",      IF_DENSE, DIM_FF, DIM_EMBD),
    END_OF_LIST
};

const struct arch_tensor arch_tensors_head_norm[] = {
    BLK(ATTN_Q_NORM, "attn_q_norm.weight", ALWAYS, DIM_HEAD),
    BLK(ATTN_K_NORM, "attn_k_norm.weight", ALWAYS, DIM_HEAD),
    END_OF_LIST
};

const struct arch_tensor arch_tensors_row_norm[] = {
    BLK(ATTN_Q_NORM, "attn_q_norm.weight", ALWAYS, DIM_Q),
    BLK(ATTN_K_NORM, "attn_k_norm.weight", ALWAYS, DIM_KV),
    END_OF_LIST
};
/* clang-format on */
