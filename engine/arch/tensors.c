/* tensors.c - the tensors that several families share, with their names and shapes. */
#include "arch/tensor_rows.h"

/* clang-format off */
const struct arch_tensor arch_tensors_io[] = {
    ROW(TOKEN_EMBD,  "token_embd.weight",  ALWAYS,   DIM_EMBD, DIM_VOCAB),
    ROW(OUTPUT_NORM, "output_norm.weight", ALWAYS,   DIM_EMBD),
    ROW(OUTPUT,      "output.weight",      OPTIONAL, DIM_EMBD, DIM_VOCAB),
    ROW(ROPE_FREQS,  "rope_freqs.weight",  OPTIONAL, DIM_ROT_HALF),
    END_OF_LIST
};

const struct arch_tensor arch_tensors_attn[] = {
    BLK(ATTN_NORM,     "attn_norm.weight",   ALWAYS,   DIM_EMBD),
    BLK(ATTN_Q,        "attn_q.weight",      IF_ATTN,  DIM_EMBD, DIM_Q),
    BLK(ATTN_K,        "attn_k.weight",      IF_ATTN,  DIM_EMBD, DIM_KV),
    BLK(ATTN_V,        "attn_v.weight",      IF_ATTN,  DIM_EMBD, DIM_KV),
    BLK(ATTN_OUT,      "attn_output.weight", IF_ATTN,  DIM_ATT, DIM_EMBD),
    BLK(ATTN_Q_BIAS,   "attn_q.bias",        OPTIONAL, DIM_Q),
    BLK(ATTN_K_BIAS,   "attn_k.bias",        OPTIONAL, DIM_KV),
    BLK(ATTN_V_BIAS,   "attn_v.bias",        OPTIONAL, DIM_KV),
    BLK(ATTN_OUT_BIAS, "attn_output.bias",   OPTIONAL, DIM_EMBD),
    END_OF_LIST
};

const struct arch_tensor arch_tensors_ffn[] = {
    BLK(ROUTER,    "ffn_gate_inp.weight",  IF_MOE,   DIM_EMBD, DIM_EXPERT),
    BLK(GATE_EXPS, "ffn_gate_exps.weight", IF_MOE,   DIM_EMBD, DIM_FF_EXP, DIM_EXPERT),
    BLK(UP_EXPS,   "ffn_up_exps.weight",   IF_MOE,   DIM_EMBD, DIM_FF_EXP, DIM_EXPERT),
    BLK(DOWN_EXPS, "ffn_down_exps.weight", IF_MOE,   DIM_FF_EXP, DIM_EMBD, DIM_EXPERT),
    BLK(FFN_GATE,  "ffn_gate.weight",      IF_DENSE, DIM_EMBD, DIM_FF),
    BLK(FFN_UP,    "ffn_up.weight",        IF_DENSE, DIM_EMBD, DIM_FF),
    BLK(FFN_DOWN,  "ffn_down.weight",      IF_DENSE, DIM_FF, DIM_EMBD),
    END_OF_LIST
};

const struct arch_tensor arch_tensors_ffn_norm[] = {
    BLK(FFN_NORM, "ffn_norm.weight", ALWAYS, DIM_EMBD),
    END_OF_LIST
};

const struct arch_tensor arch_tensors_post_norm[] = {
    BLK(FFN_NORM, "post_attention_norm.weight", ALWAYS, DIM_EMBD),
    END_OF_LIST
};

const struct arch_tensor arch_tensors_shared[] = {
    BLK(SHARED_GATE, "ffn_gate_shexp.weight", IF_SHARED, DIM_EMBD, DIM_FF_SHARED),
    BLK(SHARED_UP,   "ffn_up_shexp.weight",   IF_SHARED, DIM_EMBD, DIM_FF_SHARED),
    BLK(SHARED_DOWN, "ffn_down_shexp.weight", IF_SHARED, DIM_FF_SHARED, DIM_EMBD),
    END_OF_LIST
};

const struct arch_tensor arch_tensors_select[] = {
    BLK(ROUTER_SELECT_BIAS, "exp_probs_b.bias", OPTIONAL, DIM_EXPERT),
    END_OF_LIST
};

const struct arch_tensor arch_tensors_head_norm[] = {
    BLK(ATTN_Q_NORM, "attn_q_norm.weight", IF_ATTN, DIM_HEAD),
    BLK(ATTN_K_NORM, "attn_k_norm.weight", IF_ATTN, DIM_HEAD),
    END_OF_LIST
};

const struct arch_tensor arch_tensors_head_norm_if[] = {
    BLK(ATTN_Q_NORM, "attn_q_norm.weight", OPTIONAL, DIM_HEAD),
    BLK(ATTN_K_NORM, "attn_k_norm.weight", OPTIONAL, DIM_HEAD),
    END_OF_LIST
};

const struct arch_tensor arch_tensors_row_norm[] = {
    BLK(ATTN_Q_NORM, "attn_q_norm.weight", IF_ATTN, DIM_Q),
    BLK(ATTN_K_NORM, "attn_k_norm.weight", IF_ATTN, DIM_KV),
    END_OF_LIST
};
/* clang-format on */
