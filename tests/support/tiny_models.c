/* tiny_models.c - the table of small models: every family, with sizes that fill no
 * subgroup, block or tile. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/make_tiny.h"

/* ---- keys of their own ------------------------------------------------------------ */

/* clang-format off */
#define U32(suffix, v) {suffix, TINY_U32, v, NULL}
#define F32(suffix, v) {suffix, TINY_F32, v, NULL}
#define YES(suffix) {suffix, TINY_BOOL, 1, NULL}
#define STR(suffix, v) {suffix, TINY_STR, 0, v}
#define END {NULL, 0, 0, NULL}

static const struct tiny_key granite[] = {
    F32("embedding_scale", 3), F32("residual_scale", 0.3f), F32("logit_scale", 2.5f),
    F32("attention.scale", 0.2f), U32("expert_shared_feed_forward_length", 20), END};
static const struct tiny_key ernie[] = {U32("interleave_moe_layer_step", 1), END};
static const struct tiny_key glm[] = {
    U32("rope.dimension_count", 8), U32("expert_gating_func", 2),
    U32("expert_shared_count", 1), YES("expert_weights_norm"),
    F32("expert_weights_scale", 1.5f), END};
static const struct tiny_key bailing[] = {
    U32("rope.dimension_count", 12), U32("expert_gating_func", 2),
    YES("expert_weights_norm"), F32("expert_weights_scale", 2.5f),
    U32("expert_group_count", 5), U32("expert_group_used_count", 2),
    U32("expert_shared_count", 1), END};
/* The sessions of the tests are longer than 20 tokens: the long factors apply. */
static const struct tiny_key phi[] = {
    U32("rope.scaling.original_context_length", 20), STR("rope.scaling.type", "longrope"),
    F32("rope.scaling.attn_factor", 1.19f), END};
static const struct tiny_key smallthinker[] = {
    U32("attention.sliding_window", 9), U32("expert_gating_func", 1), END};
static const struct tiny_key oss[] = {
    U32("attention.sliding_window", 7), STR("rope.scaling.type", "yarn"),
    F32("rope.scaling.factor", 8), U32("rope.scaling.original_context_length", 16), END};
static const struct tiny_key lfm2[] = {U32("expert_gating_func", 2), END};
static const struct tiny_key deepseek[] = {
    U32("expert_gating_func", 2), YES("expert_weights_norm"),
    F32("expert_weights_scale", 2.5f), U32("expert_group_count", 5),
    U32("expert_group_used_count", 3), U32("expert_shared_count", 2), END};
static const struct tiny_key deepseek_yarn[] = {
    STR("rope.scaling.type", "yarn"), F32("rope.scaling.factor", 8),
    U32("rope.scaling.original_context_length", 16),
    F32("rope.scaling.yarn_log_multiplier", 0.0707f), U32("expert_group_count", 3),
    U32("expert_group_used_count", 1), U32("expert_shared_count", 1), END};
static const struct tiny_key gemma[] = {
    U32("attention.sliding_window", 6), U32("attention.key_length_swa", 12),
    U32("attention.value_length_swa", 12), U32("rope.dimension_count", 20),
    U32("rope.dimension_count_swa", 8), F32("rope.freq_base_swa", 500),
    U32("attention.shared_kv_layers", 0), F32("final_logit_softcapping", 4), END};
/* clang-format on */

/* ---- the models ---------------------------------------------------------------------
 */

/* Head sizes that fill no subgroup, expert counts that are no power of two,
 * vocabularies that are no multiple of 8. */
/* clang-format off */
static const struct tiny models[] = {
    {.name = "olmoe", .arch = "olmoe", .seed = 1, .n_vocab = 301,
     .n_layer = 2, .n_embd = 36, .n_head = 3, .n_head_kv = 3, .head_dim = 12,
     .n_ff = 16, .n_expert = 10, .n_expert_used = 3, .q_norm = 36, .k_norm = 36,
     .embd = QUANT_F32, .attn = QUANT_F32, .ffn = QUANT_F32},
    {.name = "mixtral", .arch = "llama", .seed = 2, .n_vocab = 307, .spm = true,
     .n_layer = 2, .n_embd = 64, .n_head = 4, .n_head_kv = 2, .head_dim = 16,
     .n_ff = 96, .n_expert = 5, .n_expert_used = 2,
     .embd = QUANT_Q8_0, .attn = QUANT_Q8_0, .ffn = QUANT_Q8_0},
    {.name = "mixtral-lead", .arch = "llama", .seed = 3, .n_vocab = 299, .spm = true,
     .n_layer = 3, .n_embd = 64, .n_head = 2, .n_head_kv = 1, .head_dim = 32,
     .n_ff = 56, .n_ff_exp = 40, .n_expert = 3, .n_expert_used = 1,
     .n_layer_dense_lead = 1,
     .embd = QUANT_F16, .attn = QUANT_BF16, .ffn = QUANT_F16},
    {.name = "llama", .arch = "llama", .seed = 4, .n_vocab = 317, .spm = true,
     .n_layer = 2, .n_embd = 72, .n_head = 2, .n_head_kv = 1, .head_dim = 80,
     .n_ff = 100, .tied = true, .bias = true, .rope_freqs = true,
     .embd = QUANT_BF16, .attn = QUANT_F16, .ffn = QUANT_BF16},
    {.name = "qwen3moe", .arch = "qwen3moe", .seed = 5, .n_vocab = 303,
     .n_layer = 2, .n_embd = 96, .n_head = 4, .n_head_kv = 2, .head_dim = 32,
     .n_ff = 200, .n_ff_exp = 32, .n_expert = 10, .n_expert_used = 3,
     .q_norm = 32, .k_norm = 32,
     .embd = QUANT_Q8_0, .attn = QUANT_Q8_0, .ffn = QUANT_Q4_0},
    {.name = "qwen3", .arch = "qwen3", .seed = 6, .n_vocab = 310,
     .n_layer = 1, .n_embd = 64, .n_head = 4, .n_head_kv = 2, .head_dim = 20,
     .n_ff = 96, .tied = true, .q_norm = 20, .k_norm = 20,
     .embd = QUANT_Q4_0, .attn = QUANT_BF16, .ffn = QUANT_Q4_0},
    {.name = "one", .arch = "olmoe", .seed = 7, .n_vocab = 301,
     .n_layer = 1, .n_embd = 20, .n_head = 1, .n_head_kv = 1, .head_dim = 20,
     .n_ff = 12, .n_expert = 1, .n_expert_used = 1, .q_norm = 20, .k_norm = 20,
     .embd = QUANT_F32, .attn = QUANT_F32, .ffn = QUANT_F16},
    {.name = "all", .arch = "llama", .seed = 8, .n_vocab = 307, .spm = true,
     .n_layer = 2, .n_embd = 32, .n_head = 4, .n_head_kv = 1, .head_dim = 8,
     .n_ff = 36, .n_expert = 3, .n_expert_used = 3, .up_exps = QUANT_F32,
     .embd = QUANT_F16, .attn = QUANT_F16, .ffn = QUANT_BF16},
    {.name = "granitemoe", .arch = "granitemoe", .seed = 9, .n_vocab = 302,
     .n_layer = 1, .n_embd = 40, .n_head = 2, .n_head_kv = 1, .head_dim = 80,
     .n_ff = 12, .n_expert = 40, .n_expert_used = 8, .n_ff_shared = 20, .tied = true,
     .embd = QUANT_F16, .attn = QUANT_F16, .ffn = QUANT_F16, .keys = granite},
    {.name = "qwen2moe", .arch = "qwen2moe", .seed = 10, .n_vocab = 305,
     .n_layer = 2, .n_embd = 64, .n_head = 4, .n_head_kv = 2, .head_dim = 16,
     .n_ff = 100, .n_ff_exp = 32, .n_expert = 10, .n_expert_used = 3, .bias = true,
     .n_ff_shared = 96, .parts = TINY_SWITCH, .up_exps = QUANT_Q8_0,
     .embd = QUANT_Q8_0, .attn = QUANT_Q8_0, .ffn = QUANT_Q4_0},
    {.name = "ernie4_5-moe", .arch = "ernie4_5-moe", .seed = 11, .n_vocab = 299,
     .spm = true, .n_layer = 2, .n_embd = 44, .n_head = 3, .n_head_kv = 1, .head_dim = 28,
     .n_ff = 52, .n_ff_exp = 20, .n_expert = 7, .n_expert_used = 2,
     .n_layer_dense_lead = 1, .n_ff_shared = 40, .parts = TINY_SELECT, .tied = true,
     .embd = QUANT_F32, .attn = QUANT_BF16, .ffn = QUANT_F32, .keys = ernie},
    {.name = "glm4moe", .arch = "glm4moe", .seed = 12, .n_vocab = 301,
     .n_layer = 2, .n_layer_extra = 1, .n_embd = 36, .n_head = 4, .n_head_kv = 2,
     .head_dim = 20, .n_ff = 44, .n_ff_exp = 16, .n_expert = 6, .n_expert_used = 2,
     .n_layer_dense_lead = 1, .n_ff_shared = 16, .bias = true,
     .parts = TINY_SELECT | TINY_POST_NORM,
     .embd = QUANT_F32, .attn = QUANT_F32, .ffn = QUANT_F16, .keys = glm},
    {.name = "bailingmoe2", .arch = "bailingmoe2", .seed = 13, .n_vocab = 300,
     .n_layer = 3, .n_embd = 48, .n_head = 6, .n_head_kv = 2, .head_dim = 16,
     .n_ff = 40, .n_ff_exp = 12, .n_expert = 10, .n_expert_used = 3,
     .n_layer_dense_lead = 1, .n_ff_shared = 12, .q_norm = 16, .k_norm = 16,
     .parts = TINY_SELECT | TINY_FUSED_QKV,
     .embd = QUANT_F16, .attn = QUANT_F32, .ffn = QUANT_F16, .keys = bailing},
    {.name = "phimoe", .arch = "phimoe", .seed = 14, .n_vocab = 300, .spm = true,
     .n_layer = 2, .n_embd = 36, .n_head = 3, .n_head_kv = 1, .head_dim = 12,
     .n_ff = 20, .n_expert = 5, .n_expert_used = 2, .bias = true,
     .parts = TINY_NORM_BIAS,
     .embd = QUANT_F32, .attn = QUANT_F16, .ffn = QUANT_F32, .keys = phi},
    {.name = "smallthinker", .arch = "smallthinker", .seed = 15, .n_vocab = 304,
     .n_layer = 5, .n_embd = 36, .n_head = 4, .n_head_kv = 2, .head_dim = 12,
     .n_ff = 20, .n_expert = 6, .n_expert_used = 2,
     .embd = QUANT_F32, .attn = QUANT_F16, .ffn = QUANT_F16, .keys = smallthinker},
    {.name = "gpt-oss", .arch = "gpt-oss", .seed = 16, .n_vocab = 306,
     .n_layer = 3, .n_embd = 36, .n_head = 6, .n_head_kv = 2, .head_dim = 20,
     .n_ff = 20, .n_expert = 9, .n_expert_used = 3, .bias = true,
     .parts = TINY_OSS | TINY_POST_NORM, .up_exps = QUANT_F32,
     .embd = QUANT_F32, .attn = QUANT_F16, .ffn = QUANT_F16, .keys = oss},
    {.name = "lfm2moe", .arch = "lfm2moe", .seed = 17, .n_vocab = 308,
     .n_layer = 5, .n_embd = 44, .n_head = 2, .n_head_kv = 1, .head_dim = 20,
     .n_ff = 52, .n_ff_exp = 20, .n_expert = 6, .n_expert_used = 2,
     .n_layer_dense_lead = 2, .q_norm = 20, .k_norm = 20, .tied = true,
     .parts = TINY_SELECT, .per_layer = true, .heads_kv = {0, 1, 0, 0, 1}, .n_conv = 4,
     .embd = QUANT_F16, .attn = QUANT_F16, .ffn = QUANT_F16, .keys = lfm2},
    {.name = "deepseek2", .arch = "deepseek2", .seed = 18, .n_vocab = 309,
     .n_layer = 2, .n_embd = 40, .n_head = 3, .n_head_kv = 1, .head_dim = 1,
     .n_ff = 48, .n_ff_exp = 12, .n_expert = 10, .n_expert_used = 3,
     .n_layer_dense_lead = 1, .n_ff_shared = 40, .parts = TINY_SELECT,
     .q_lora = 28, .kv_lora = 36, .nope = 20, .value = 28, .n_rot = 12,
     .embd = QUANT_F32, .attn = QUANT_F16, .ffn = QUANT_F32, .keys = deepseek},
    {.name = "deepseek2-lite", .arch = "deepseek2", .seed = 19, .n_vocab = 309,
     .n_layer = 2, .n_embd = 64, .n_head = 5, .n_head_kv = 1, .head_dim = 1,
     .n_ff = 64, .n_ff_exp = 32, .n_expert = 6, .n_expert_used = 2,
     .n_layer_dense_lead = 1, .n_ff_shared = 32,
     .kv_lora = 96, .nope = 32, .value = 32, .n_rot = 8,
     .embd = QUANT_Q8_0, .attn = QUANT_Q8_0, .ffn = QUANT_Q8_0, .keys = deepseek_yarn},
    {.name = "gemma4", .arch = "gemma4", .seed = 20, .n_vocab = 311, .spm = true,
     .n_layer = 3, .n_embd = 36, .n_head = 4, .n_head_kv = 2, .head_dim = 28,
     .n_ff = 44, .n_ff_exp = 20, .n_expert = 7, .n_expert_used = 2,
     .q_norm = 28, .k_norm = 28, .tied = true, .rope_freqs = true, .n_rot = 20,
     .parts = TINY_BRANCH_NORM, .per_layer = true, .heads_kv = {2, 2, 1},
     .head_dim_window = 12, .windowed = {true, true, false}, .v_of_windows_only = true,
     .embd = QUANT_F32, .attn = QUANT_F16, .ffn = QUANT_F16, .keys = gemma},
};
/* clang-format on */

const struct tiny *tiny_models(size_t *n)
{
    *n = sizeof models / sizeof *models;
    return models;
}

const struct tiny *tiny_find(const char *name)
{
    for (size_t i = 0; i < sizeof models / sizeof *models; i++)
        if (strcmp(models[i].name, name) == 0)
            return &models[i];
    fprintf(stderr, "no tiny model \"%s\"\n", name);
    abort();
}
