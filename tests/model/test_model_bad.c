/* test_model_bad.c - models that must not open: the status, and one line that names
 * the key or the tensor. */
#include <math.h>
#include <string.h>

#include "model/model.h"
#include "support/capture.h"
#include "support/make_tiny.h"
#include "support/scratch.h"
#include "support/tolerance.h"

struct bad {
    const char *model;
    struct tiny_change change, change2;
    enum lem_status status;
    const char *says; /* part of the message */
};

#define FORMAT      LEM_ERR_FORMAT
#define UNSUPPORTED LEM_ERR_UNSUPPORTED

/* A table: one bad model, and what is said about it. */
/* clang-format off */
#define U32(key, v) {key, TINY_U32, .value = v}
#define F32(key, v) {key, TINY_F32, .number = v}
#define NOT(key) {.name = key, .what = TINY_REMOVE}
#define NONE TINY_END

static const struct bad rows[] = {
    /* architecture */
    {"olmoe", {"general.architecture", TINY_STR, .text = "nosuch"}, NONE,
     UNSUPPORTED, "architecture \"nosuch\" is not known. Known: llama, olmoe, qwen2moe"},
    {"olmoe", {"general.architecture", TINY_STR, .text = "qwen3next"}, NONE,
     UNSUPPORTED, "\"qwen3next\" is not yet supported: it needs gated DeltaNet layers"},
    {"olmoe", NOT("general.architecture"), NONE,
     FORMAT, "general.architecture is missing"},
    {"olmoe", U32("general.architecture", 1), NONE, FORMAT, "key general.architecture"},
    {"olmoe", {"general.architecture", TINY_STR, .text = ""}, NONE,
     FORMAT, "key general.architecture"},
    /* sizes */
    {"olmoe", NOT("olmoe.block_count"), NONE, FORMAT, "olmoe.block_count is missing"},
    {"olmoe", U32("olmoe.block_count", 0), NONE, FORMAT, "olmoe.block_count"},
    {"olmoe", U32("olmoe.block_count", 1), NONE,
     FORMAT, "is of block 1, but olmoe.block_count says 1"},
    {"olmoe", U32("olmoe.vocab_size", 0x7fffffff), NONE, FORMAT, "olmoe.vocab_size"},
    {"olmoe", U32("olmoe.block_count", 3), NONE,
     FORMAT, "tensor blk.2.attn_norm.weight is missing"},
    {"olmoe", U32("olmoe.block_count", 4000000000u), NONE,
     FORMAT, "is 4000000000, expected an integer from 1 to 4096"},
    {"olmoe", U32("olmoe.embedding_length", 1 << 30), NONE,
     FORMAT, "olmoe.embedding_length"},
    {"olmoe", U32("olmoe.embedding_length", 48), NONE,
     FORMAT, "token_embd.weight: shape [36][301], expected [48][301]: 48 is "
             "olmoe.embedding_length."},
    {"olmoe", NOT("olmoe.context_length"), NONE, FORMAT, "olmoe.context_length"},
    {"olmoe", {"olmoe.context_length", TINY_STR, .text = "long"}, NONE,
     FORMAT, "olmoe.context_length"},
    {"olmoe", F32("olmoe.attention.layer_norm_rms_epsilon", NAN), NONE,
     FORMAT, "olmoe.attention.layer_norm_rms_epsilon"},
    {"olmoe", F32("olmoe.attention.layer_norm_rms_epsilon", 0), NONE,
     FORMAT, "olmoe.attention.layer_norm_rms_epsilon"},
    {"olmoe", NOT("olmoe.attention.layer_norm_rms_epsilon"), NONE,
     FORMAT, "olmoe.attention.layer_norm_rms_epsilon is missing"},
    /* vocabulary */
    {"olmoe", {"token_embd.weight", TINY_DIM1, .value = 300}, NONE,
     FORMAT, "token_embd.weight has 300 rows, but tokenizer.ggml.tokens lists 301"},
    {"olmoe", {"output.weight", TINY_DIM1, .value = 302}, NONE,
     FORMAT, "output.weight: shape [36][302], expected [36][301]: 301 is the rows of "
             "token_embd.weight"},
    {"olmoe", NOT("token_embd.weight"), NONE, FORMAT, "token_embd.weight is missing"},
    /* heads */
    {"olmoe", U32("olmoe.attention.head_count", 0), NONE,
     FORMAT, "olmoe.attention.head_count"},
    {"olmoe", U32("olmoe.attention.head_count", 5), NONE,
     FORMAT, "olmoe.attention.head_count"},
    {"mixtral", U32("llama.attention.head_count_kv", 3), NONE,
     FORMAT, "no multiple of llama.attention.head_count_kv 3"},
    {"mixtral", U32("llama.attention.head_count_kv", 8), NONE,
     FORMAT, "llama.attention.head_count_kv"},
    {"mixtral",
     {"llama.attention.head_count_kv", TINY_U32_ARRAY, .value = 2, .value2 = 0},
     NONE,
     FORMAT, "llama.attention.head_count_kv is 0 in block 1, expected an integer from 1 to 4"},
    {"mixtral",
     {"llama.attention.head_count_kv", TINY_U32_ARRAY, .value = 2, .value2 = 4},
     NONE,
     FORMAT, "blk.1.attn_k.weight: shape [64][32], expected [64][64]"},
    {"mixtral", U32("llama.attention.key_length", 18), NONE,
     UNSUPPORTED, "llama.attention.key_length"},
    {"mixtral", U32("llama.attention.key_length", 20), NONE,
     FORMAT, "blk.0.attn_q.weight: shape [64][64], expected [64][80]"},
    {"mixtral", U32("llama.attention.value_length", 20), NONE,
     UNSUPPORTED, "llama.attention.value_length"},
    {"mixtral", U32("llama.rope.dimension_count", 17), NONE,
     FORMAT, "llama.rope.dimension_count"},
    {"mixtral", U32("llama.rope.dimension_count", 5), NONE,
     FORMAT, "llama.rope.dimension_count 5 is odd"},
    {"mixtral", F32("llama.attention.scale", INFINITY), NONE,
     FORMAT, "llama.attention.scale"},
    /* experts */
    {"olmoe", U32("olmoe.expert_count", 0), NONE, FORMAT, "olmoe.expert_count"},
    {"mixtral", U32("llama.expert_count", 0), NONE,
     FORMAT, "tensor blk.0.ffn_gate_inp.weight belongs to experts, but key "
             "llama.expert_count"},
    {"mixtral", U32("llama.expert_count", 65536), NONE, FORMAT, "llama.expert_count"},
    {"mixtral", U32("llama.expert_count", 8), NONE,
     FORMAT, "blk.0.ffn_gate_inp.weight: shape [64][5], expected [64][8]: 8 is "
             "llama.expert_count."},
    {"mixtral", U32("llama.expert_used_count", 6), NONE,
     FORMAT, "llama.expert_used_count"},
    {"mixtral", U32("llama.expert_used_count", 0), NONE,
     FORMAT, "llama.expert_used_count"},
    {"mixtral", NOT("llama.expert_used_count"), NONE,
     FORMAT, "llama.expert_used_count is missing"},
    {"llama", U32("llama.expert_count", 4), U32("llama.expert_used_count", 2),
     FORMAT, "tensor blk.0.ffn_gate_inp.weight is missing"},
    {"mixtral", NOT("llama.feed_forward_length"), NONE,
     FORMAT, "llama.feed_forward_length is missing"},
    {"llama", U32("llama.feed_forward_length", 0), NONE,
     FORMAT, "llama.feed_forward_length"},
    {"mixtral", U32("llama.expert_feed_forward_length", 64), NONE,
     FORMAT, "blk.0.ffn_gate_exps.weight: shape [64][96][5], expected [64][64][5]"},
    {"mixtral-lead", U32("llama.leading_dense_block_count", 3), NONE,
     FORMAT, "llama.leading_dense_block_count"},
    {"olmoe", U32("olmoe.leading_dense_block_count", 1), NONE,
     UNSUPPORTED, "olmoe.leading_dense_block_count"},
    {"mixtral", U32("llama.expert_shared_count", 1), NONE,
     UNSUPPORTED, "llama.expert_shared_count"},
    /* router */
    {"olmoe", U32("olmoe.expert_gating_func", 9), NONE,
     FORMAT, "olmoe.expert_gating_func"},
    {"olmoe", U32("olmoe.expert_weights_norm", 1), NONE,
     FORMAT, "olmoe.expert_weights_norm"},
    {"olmoe", F32("olmoe.expert_weights_scale", -1), NONE,
     FORMAT, "olmoe.expert_weights_scale"},
    {"olmoe", U32("olmoe.expert_group_count", 4), NONE,
     FORMAT, "olmoe.expert_group_count 4"},
    {"olmoe", U32("olmoe.expert_group_count", 5), U32("olmoe.expert_group_used_count", 1),
     FORMAT, "olmoe.expert_group_used_count"},
    /* rope */
    {"olmoe", F32("olmoe.rope.freq_base", 0), NONE, FORMAT, "olmoe.rope.freq_base"},
    {"olmoe", {"olmoe.rope.scaling.type", TINY_STR, .text = "longrope"}, NONE,
     UNSUPPORTED, "olmoe.rope.scaling.type is \"longrope\""},
    {"olmoe", F32("olmoe.rope.scaling.factor", NAN), NONE,
     FORMAT, "olmoe.rope.scaling.factor"},
    {"llama", {"rope_freqs.weight", TINY_FILL, .number = 0}, NONE,
     FORMAT, "rope_freqs.weight: value 0 is 0"},
    {"llama", {"rope_freqs.weight", TINY_DIM0, .value = 39}, NONE,
     FORMAT, "rope_freqs.weight: shape [39], expected [40]: 40 is half of "
             "llama.rope.dimension_count"},
    /* what no step computes */
    {"mixtral", U32("llama.attention.sliding_window", 64), NONE,
     UNSUPPORTED, "llama.attention.sliding_window"},
    {"mixtral", F32("llama.logit_scale", 0.5f), NONE,
     UNSUPPORTED, "llama.logit_scale is 0.5"},
    {"mixtral", F32("llama.final_logit_softcapping", 30), NONE,
     UNSUPPORTED, "llama.final_logit_softcapping"},
    /* families with parts of their own */
    {"granitemoe", F32("granitemoe.residual_scale", 0), NONE,
     FORMAT, "granitemoe.residual_scale"},
    {"granitemoe", U32("granitemoe.expert_shared_count", 1),
     NOT("blk.0.ffn_gate_shexp.weight"),
     FORMAT, "blk.0.ffn_gate_shexp.weight is missing, but key "
             "granitemoe.expert_shared_count is 1"},
    {"granitemoe", NOT("blk.0.ffn_down_shexp.weight"), NONE,
     FORMAT, "blk.0.ffn_down_shexp.weight is missing"},
    {"qwen2moe", NOT("blk.1.ffn_gate_inp_shexp.weight"), NONE,
     FORMAT, "blk.1.ffn_gate_inp_shexp.weight is missing"},
    {"ernie4_5-moe", U32("ernie4_5-moe.interleave_moe_layer_step", 2), NONE,
     UNSUPPORTED, "ernie4_5-moe.interleave_moe_layer_step is 2"},
    {"glm4moe", U32("glm4moe.nextn_predict_layers", 3), NONE,
     FORMAT, "glm4moe.nextn_predict_layers"},
    {"bailingmoe2", {"blk.0.attn_qkv.weight", TINY_DIM1, .value = 100}, NONE,
     FORMAT, "[48][100], expected [48][160]: 160 is (bailingmoe2.attention.head_count + 2"},
    {"phimoe", {"rope_factors_long.weight", TINY_FILL, .number = 0}, NONE,
     FORMAT, "rope_factors_long.weight: value 0 is 0"},
    {"gpt-oss", NOT("blk.2.ffn_down_exps.bias"), NONE,
     FORMAT, "blk.2.ffn_down_exps.bias is missing"},
    {"gpt-oss", {"blk.0.attn_sinks.weight", TINY_DIM0, .value = 5}, NONE,
     FORMAT, "blk.0.attn_sinks.weight: shape [5], expected [6]"},
    {"lfm2moe", NOT("lfm2moe.shortconv.l_cache"), NONE,
     FORMAT, "lfm2moe.shortconv.l_cache is missing"},
    {"lfm2moe", U32("lfm2moe.shortconv.l_cache", 1000), NONE,
     FORMAT, "lfm2moe.shortconv.l_cache"},
    {"lfm2moe", NOT("blk.2.shortconv.conv.weight"), NONE,
     FORMAT, "blk.2.shortconv.conv.weight is missing"},
    {"lfm2moe", NOT("blk.1.attn_k_norm.weight"), NONE,
     FORMAT, "blk.1.attn_k_norm.weight is missing"},
    {"deepseek2", NOT("deepseek2.attention.key_length_mla"), NONE,
     UNSUPPORTED, "in one matrix (attn_kv_b), an old layout"},
    {"deepseek2", U32("deepseek2.attention.key_length_mla", 12), NONE,
     FORMAT, "deepseek2.attention.key_length_mla"},
    {"deepseek2", U32("deepseek2.attention.kv_lora_rank", 0), NONE,
     FORMAT, "deepseek2.attention.kv_lora_rank"},
    {"deepseek2", U32("deepseek2.attention.kv_lora_rank", 35), NONE,
     UNSUPPORTED, "only multiples of 4 can run"},
    {"deepseek2", NOT("deepseek2.attention.q_lora_rank"), NONE,
     FORMAT, "blk.0.attn_q.weight is missing"},
    {"gemma4", U32("gemma4.attention.value_length_swa", 16), NONE,
     FORMAT, "gemma4.attention.value_length_swa"},
    {"gemma4", U32("gemma4.attention.shared_kv_layers", 1), NONE,
     UNSUPPORTED, "gemma4.attention.shared_kv_layers is 1"},
    {"gemma4", {"blk.2.ffn_gate_up_exps.weight", TINY_DIM1, .value = 20}, NONE,
     FORMAT, "expected [36][40][7]: 40 is 2 x gemma4.expert_feed_forward_length"},
    /* tensors */
    {"olmoe", NOT("blk.1.attn_q_norm.weight"), NONE,
     FORMAT, "blk.1.attn_q_norm.weight is missing"},
    {"olmoe", NOT("output.weight"), NONE, FORMAT, "output.weight is missing"},
    {"olmoe", {"blk.1.ffn_up_exps.weight", TINY_DIM2, .value = 9}, NONE,
     FORMAT, "blk.1.ffn_up_exps.weight: shape [36][16][9], expected [36][16][10]: 10 is "
             "olmoe.expert_count"},
    {"olmoe", {"blk.0.attn_norm.weight", TINY_DIM1, .value = 2}, NONE,
     FORMAT, "blk.0.attn_norm.weight: shape [36][2], expected [36]"},
    {"qwen3moe", {"blk.1.attn_k_norm.weight", TINY_DIM0, .value = 64}, NONE,
     FORMAT, "qwen3moe.attention.key_length"},
    {"mixtral", {"blk.1.ffn_down_exps.weight", TINY_TYPE, .value = QUANT_Q8_1}, NONE,
     UNSUPPORTED, "tensor blk.1.ffn_down_exps.weight is of type Q8_1"},
    {"mixtral", NOT("blk.0.ffn_gate_exps.weight"),
     {"blk.0.ffn_gate.0.weight", TINY_TYPE, .value = QUANT_F32},
     UNSUPPORTED, "one tensor per expert (blk.0.ffn_gate.0.weight)"},
};
/* clang-format on */

static enum lem_status open_bad(struct scratch *dir, struct capture *said,
                                const struct bad *b, bool facts_only,
                                struct lem_model **m)
{
    const char *path = scratch_path(dir, "bad.gguf");
    const struct tiny_change changes[] = {b->change, b->change2, TINY_END};
    tiny_save(tiny_find(b->model), path, changes);
    const struct lem_model_params p = {
        .path = path, .facts_only = facts_only, .log = capture_log(said)};
    return lem_model_open(&p, m);
}

static void bad_models_are_refused(void **state)
{
    struct scratch *dir = *state;
    struct capture said;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct lem_model *m = NULL;
        const enum lem_status st = open_bad(dir, &said, &rows[i], false, &m);
        if (st != rows[i].status)
            fail_msg("row %zu (%s): status %d, expected %d; said \"%s\"", i, rows[i].says,
                     (int)st, (int)rows[i].status, said.error);
        assert_null(m);
        if (!strstr(said.error, "bad.gguf"))
            fail_msg("row %zu: no file in \"%s\"", i, said.error);
        assert_said(&said, rows[i].says);
    }
}

/* The same files tell their facts, and the same words say what is missing. */
static void facts_only_tells_the_reason(void **state)
{
    struct scratch *dir = *state;
    struct capture said;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct lem_model *m = NULL;
        const enum lem_status st = open_bad(dir, &said, &rows[i], true, &m);
        if (strcmp(rows[i].change.name, "general.architecture") == 0 && st != LEM_OK) {
            assert_said(&said, rows[i].says); /* not even a family */
            continue;
        }
        assert_int_equal(st, LEM_OK);
        assert_silent(&said);
        if (!strstr(m->info.unsupported, rows[i].says))
            fail_msg("row %zu: \"%s\", expected \"%s\"", i, m->info.unsupported,
                     rows[i].says);
        lem_model_close(&m);
    }
}

static void unused_tensors_are_told_once(void **state)
{
    struct scratch *dir = *state;
    struct capture said;
    struct lem_model *m = NULL;
    const struct bad more = {
        .model = "olmoe",
        .change = {"blk.0.extra.weight", TINY_TYPE, .value = QUANT_F32},
        .change2 = {"blk.1.extra.weight", TINY_TYPE, .value = QUANT_F32}};
    assert_int_equal(open_bad(dir, &said, &more, false, &m), LEM_OK);
    assert_int_equal(said.n_other, 1);
    assert_silent(&said);
    lem_model_close(&m);
}

static void bad_arguments(void **state)
{
    (void)state;
    struct capture said;
    struct lem_model_params p = {.path = NULL, .log = capture_log(&said)};
    struct lem_model *m = (struct lem_model *)&p;
    assert_int_equal(lem_model_open(&p, &m), LEM_ERR_ARGUMENT);
    assert_null(m);
    assert_said(&said, "params->path");
    p.path = "/nowhere/at/all.gguf";
    assert_int_equal(lem_model_open(&p, &m), LEM_ERR_IO);
    assert_said(&said, "/nowhere/at/all.gguf");
    assert_int_equal(lem_model_open(NULL, &m), LEM_ERR_ARGUMENT);
    lem_model_close(&m);
    lem_model_close(NULL);
}

static int make_dir(void **state)
{
    static struct scratch dir;
    scratch_open(&dir);
    *state = &dir;
    return 0;
}

static int remove_dir(void **state)
{
    scratch_close(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bad_models_are_refused),
        cmocka_unit_test(facts_only_tells_the_reason),
        cmocka_unit_test(unused_tensors_are_told_once),
        cmocka_unit_test(bad_arguments),
    };
    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
