/* deepseek2.c - DeepSeek-V2 and V3, and what is built like them (Moonlight, Kimi-K2,
 * GLM-4.7-Flash): latent attention, shared experts, leading dense layers.
 *
 * Sources: DeepSeek-V2, arXiv 2405.04434, section 2.1 (latent attention; W_kb and W_vb
 * may be moved to the query and the output, so that the cache holds the latent rows
 * alone), 2.2 (shared experts, groups judged by their best expert); DeepSeek-V3, arXiv
 * 2412.19437, section 2.1.2 (sigmoid scores, selection bias, groups judged by their
 * two best). Rotary pairs stand side by side. With YaRN, cos and sin keep their size
 * and the scores grow by (1 + m ln s)^2, m = 0.1 mscale_all_dim of config.json. */
#include "arch/families.h"
#include "arch/tensor_rows.h"

static const enum arch_step moe[] = {
    STEP_ATTN_NORM, STEP_MLA_Q,  STEP_MLA_KV,  STEP_ATTN,   STEP_MLA_V, STEP_ATTN_OUT,
    STEP_FFN_NORM,  STEP_ROUTER, STEP_EXPERTS, STEP_SHARED, STEP_END,
};

static const enum arch_step dense[] = {
    STEP_ATTN_NORM, STEP_MLA_Q,    STEP_MLA_KV, STEP_ATTN, STEP_MLA_V,
    STEP_ATTN_OUT,  STEP_FFN_NORM, STEP_FFN,    STEP_END,
};

/* clang-format off */
static const struct arch_tensor own[] = {
    BLK(ATTN_NORM,      "attn_norm.weight",      ALWAYS,      DIM_EMBD),
    BLK(ATTN_Q,         "attn_q.weight",         IF_Q_DIRECT, DIM_EMBD, DIM_Q),
    BLK(MLA_Q_A,        "attn_q_a.weight",       IF_Q_LORA,   DIM_EMBD, DIM_Q_LORA),
    BLK(MLA_Q_A_NORM,   "attn_q_a_norm.weight",  IF_Q_LORA,   DIM_Q_LORA),
    BLK(MLA_Q_B,        "attn_q_b.weight",       IF_Q_LORA,   DIM_Q_LORA, DIM_Q),
    BLK(MLA_KV_A,       "attn_kv_a_mqa.weight",  ALWAYS,      DIM_EMBD, DIM_KV_LORA_ROT),
    BLK(MLA_KV_A_NORM,  "attn_kv_a_norm.weight", ALWAYS,      DIM_KV_LORA),
    BLK(MLA_K_B,        "attn_k_b.weight",       ALWAYS,      DIM_NOPE, DIM_KV_LORA, DIM_N_HEAD),
    BLK(MLA_V_B,        "attn_v_b.weight",       ALWAYS,      DIM_KV_LORA, DIM_VALUE, DIM_N_HEAD),
    BLK(ATTN_OUT,       "attn_output.weight",    ALWAYS,      DIM_ATT, DIM_EMBD),
    END_OF_LIST
};
/* clang-format on */

const struct arch_desc arch_deepseek2 = {
    .names = {"deepseek2"},
    .title = "DeepSeek-V2/V3",
    .keys = ARCH_SHARED | ARCH_NEXTN | ARCH_YARN_LOG,
    .rope = ROPE_PAIRS_ADJACENT,
    .latent = true,
    .act = ACT_SILU,
    .router = {.score = SCORE_SOFTMAX,
               .normalise = false,
               .group_top = {1, 2, 1},
               .norm_eps = 1e-20f},
    .layer_moe = moe,
    .layer_dense = dense,
    .tensors = {arch_tensors_io, own, arch_tensors_ffn_norm, arch_tensors_ffn,
                arch_tensors_select, arch_tensors_shared},
};
