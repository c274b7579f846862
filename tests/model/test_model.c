/* test_model.c - good models of every family: what opens, what is told about them,
 * and that what the file states wins over the family's descriptor. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ref/ref.h"
#include "support/capture.h"
#include "support/make_tiny.h"
#include "support/scratch.h"
#include "support/tolerance.h"

/* The model called `name`, changed; fails the test when it does not open. */
static struct lem_model *open_tiny(const char *name, const struct tiny_change *changes,
                                   bool facts_only)
{
    struct scratch dir;
    struct capture said = {0};
    struct lem_model *m = NULL;
    scratch_open(&dir);
    const char *path = scratch_path(&dir, "tiny.gguf");
    tiny_save(tiny_find(name), path, changes);
    const struct lem_model_params p = {
        .path = path, .facts_only = facts_only, .log = capture_log(&said)};
    const enum lem_status st = lem_model_open(&p, &m);
    scratch_close(&dir); /* the mapping stays */
    if (st != LEM_OK)
        fail_msg("%s: %s", name, said.error);
    assert_silent(&said);
    m->log = (struct lem_log){0}; /* `said` goes away */
    m->file->log = m->log;
    return m;
}

static void every_family_opens_and_runs(void **state)
{
    (void)state;
    size_t n;
    const struct tiny *t = tiny_models(&n);
    for (size_t i = 0; i < n; i++) {
        struct lem_model *m = open_tiny(t[i].name, NULL, false);
        assert_string_equal(m->info.unsupported, "");
        assert_string_equal(m->info.architecture, t[i].arch);
        if (m->info.file_bytes > 300 * 1024)
            fail_msg("%s: %llu bytes", t[i].name, (unsigned long long)m->info.file_bytes);

        struct ref_state *s = ref_open(m, 3);
        float *logits = calloc(t[i].n_vocab, sizeof *logits);
        assert_true(s && logits);
        double sum = 0;
        for (int32_t id = 0; id < 3; id++) {
            ref_token(s, id * 100, logits, NULL, NULL, NULL);
            for (uint32_t v = 0; v < t[i].n_vocab; v++)
                sum += (double)logits[v] * (double)logits[v];
        }
        /* Norms and matrices keep sizes near 1, so logits are of that order. */
        const double rms = sqrt(sum / 3 / t[i].n_vocab);
        if (!(rms > 0.05 && rms < 20))
            fail_msg("%s: rms of the logits is %g", t[i].name, rms);
        free(logits);
        ref_close(&s);
        lem_model_close(&m);
        assert_null(m);
    }
}

static void facts_of_a_moe_model(void **state)
{
    (void)state;
    struct lem_model *m = open_tiny("mixtral-lead", NULL, false);
    struct lem_model_info i;
    lem_model_get_info(m, &i);

    assert_string_equal(i.name, "mixtral-lead");
    assert_string_equal(i.license, "MIT");
    assert_string_equal(i.tokenizer, "llama/default");
    assert_int_equal(i.gguf_version, 3);
    assert_int_equal(i.n_file, 1);
    assert_int_equal(i.n_layer, 3);
    assert_int_equal(i.n_layer_moe, 2);
    assert_int_equal(i.n_embd, 64);
    assert_int_equal(i.n_head, 2);
    assert_int_equal(i.n_head_kv, 1);
    assert_int_equal(i.head_dim, 32);
    assert_int_equal(i.n_vocab, 299);
    assert_int_equal(i.n_ctx_train, 128);
    assert_int_equal(i.n_ff, 56);
    assert_int_equal(i.n_ff_exp, 40);
    assert_int_equal(i.n_expert, 3);
    assert_int_equal(i.n_expert_used, 1);
    assert_int_equal(i.n_expert_shared, 0);

    const uint64_t embd = 64 * 299, q = 64 * 64, kv = 64 * 32, norm = 64;
    const uint64_t expert = 3 * 64 * 40;
    const uint64_t always =
        2 * embd + norm + 3 * (2 * q + 2 * kv + 2 * norm) + 3 * 64 * 56 + 2 * 3 * 64;
    assert_int_equal(i.n_param, always + 2 * 3 * expert);
    assert_int_equal(i.n_param_active, always + 2 * expert);
    assert_int_equal(i.n_tensor, 3 + 3 * 6 + 3 + 2 * 4);
    assert_string_equal(i.quant_mix, "F16 71.6 %, BF16 27.8 %, F32 0.6 %");

    assert_int_equal(lem_model_moe_layer(m, 0), 1);
    assert_int_equal(lem_model_moe_layer(m, 1), 2);
    assert_int_equal(lem_model_moe_layer(m, 2), UINT32_MAX);
    assert_false(m->layer[0].moe);
    assert_int_equal(m->layer[2].moe_index, 1);
    lem_model_close(&m);
}

static void tensors_as_the_file_states_them(void **state)
{
    (void)state;
    struct lem_model *m = open_tiny("olmoe", NULL, false);
    struct lem_tensor_info t;
    assert_int_equal(lem_model_get_tensor(m, 0, &t), LEM_OK);
    assert_string_equal(t.name, "token_embd.weight");
    assert_string_equal(t.type, "F32");
    assert_int_equal(t.n_dim, 2);
    assert_int_equal(t.dim[0], 36);
    assert_int_equal(t.dim[1], 301);
    assert_int_equal(t.bytes, 4 * 36 * 301);
    assert_int_equal(t.file_offset % 32, 0);
    assert_int_equal(lem_model_get_tensor(m, m->info.n_tensor, &t), LEM_ERR_ARGUMENT);
    lem_model_close(&m);
}

static void views_have_their_shapes(void **state)
{
    (void)state;
    struct lem_model *m = open_tiny("qwen3moe", NULL, false);
    const struct tensor *down = model_tensor(m, SLOT_DOWN_EXPS, 1);
    assert_int_equal(down->n_mat, 10);
    assert_int_equal(down->n_row, 96);
    assert_int_equal(down->n_col, 32);
    assert_string_equal(down->type->name, "Q4_0");
    assert_null(model_tensor(m, SLOT_FFN_GATE, 1)->file);
    assert_null(model_tensor(m, SLOT_ATTN_Q_BIAS, 0)->file);
    assert_ptr_equal(model_output(m), model_tensor(m, SLOT_OUTPUT, 0));

    /* A row of a bank is the same alone and with all others. */
    float *all = calloc(10 * 96 * 32, sizeof *all), row[32];
    assert_non_null(all);
    tensor_decode(down, all);
    tensor_decode_row(down, 7, 95, row);
    assert_memory_equal(row, all + (7 * 96 + 95) * 32, sizeof row);
    free(all);
    lem_model_close(&m);

    m = open_tiny("llama", NULL, false); /* tied */
    assert_ptr_equal(model_output(m), model_tensor(m, SLOT_TOKEN_EMBD, 0));
    assert_int_equal(model_tensor(m, SLOT_ATTN_OUT_BIAS, 1)->n_col, 72);
    lem_model_close(&m);
}

static void the_file_wins_over_the_descriptor(void **state)
{
    (void)state;
    struct lem_model *m = open_tiny("olmoe", NULL, false);
    assert_int_equal(m->hp.score, SCORE_SOFTMAX);
    assert_false(m->hp.router_normalise);
    assert_true(m->hp.router_scale == 1);
    assert_true(fabsf(m->hp.layer[0].attn_scale - 1 / sqrtf(12)) < 1e-7f);
    lem_model_close(&m);

    const struct tiny_change changes[] = {
        {"olmoe.expert_gating_func", TINY_U32, .value = 2},
        {"olmoe.expert_weights_norm", TINY_BOOL, .value = 1},
        {"olmoe.expert_weights_scale", TINY_F32, .number = 2.5f},
        {"olmoe.expert_group_count", TINY_U32, .value = 5},
        {"olmoe.expert_group_used_count", TINY_U32, .value = 2},
        {"olmoe.attention.scale", TINY_F32, .number = 0.125f},
        {"olmoe.rope.dimension_count", TINY_U32, .value = 8},
        {"olmoe.feed_forward_length", TINY_U32, .value = 999},
        {"olmoe.expert_feed_forward_length", TINY_U32, .value = 16},
        {"olmoe.attention.head_count", TINY_U32_ARRAY, .value = 3, .value2 = 3},
        TINY_END,
    };
    m = open_tiny("olmoe", changes, false);
    assert_int_equal(m->hp.score, SCORE_SIGMOID);
    assert_true(m->hp.router_normalise);
    assert_true(m->hp.router_scale == 2.5f);
    assert_int_equal(m->hp.n_group, 5);
    assert_int_equal(m->hp.n_group_used, 2);
    assert_true(m->hp.layer[0].attn_scale == 0.125f);
    assert_int_equal(m->hp.n_rot, 8);
    assert_int_equal(m->hp.n_ff, 0); /* no layer is dense */
    assert_int_equal(m->hp.n_ff_exp, 16);
    assert_int_equal(m->hp.n_head, 3);
    lem_model_close(&m);
}

/* ---- facts of files that cannot run -------------------------------------------- */

static void facts_of_an_unknown_family(void **state)
{
    (void)state;
    const struct tiny_change changes[] = {
        {"general.architecture", TINY_STR, .text = "mystery"},
        {"general.license", TINY_STR, .text = "a\nb"},
        {"mystery.block_count", TINY_U32, .value = 2},
        {"mystery.expert_count", TINY_U32, .value = 10},
        {"mystery.expert_used_count", TINY_U32, .value = 3},
        {"mystery.leading_dense_block_count", TINY_U32, .value = 1},
        TINY_END,
    };
    struct lem_model *m = open_tiny("olmoe", changes, true);
    assert_non_null(strstr(m->info.unsupported, "architecture \"mystery\" is not known"));
    assert_non_null(strstr(m->info.unsupported, "olmoe"));
    assert_null(m->arch);
    assert_string_equal(m->info.license, "a?b");
    assert_int_equal(m->info.n_layer, 2);
    assert_int_equal(m->info.n_layer_moe, 1);
    assert_int_equal(lem_model_moe_layer(m, 0), 1);
    assert_int_equal(m->info.n_expert, 10);
    assert_int_equal(m->info.n_vocab, 301);
    const uint64_t experts = 2 * 3 * 36 * 16;
    assert_int_equal(m->info.n_param - m->info.n_param_active, experts * 7);
    lem_model_close(&m);
}

static void facts_of_types_that_cannot_run(void **state)
{
    (void)state;
    struct lem_model *m = open_tiny("qwen3", NULL, true);
    assert_string_equal(m->info.unsupported, "");
    lem_model_close(&m);

    const struct tiny_change changes[] = {
        {"blk.0.ffn_down.weight", TINY_TYPE, .value = QUANT_Q8_1}, TINY_END};
    m = open_tiny("qwen3", changes, true);
    assert_non_null(strstr(m->info.unsupported, "blk.0.ffn_down.weight"));
    assert_non_null(strstr(m->info.unsupported, "Q8_1"));
    assert_non_null(strstr(m->info.quant_mix, "Q8_1"));
    assert_int_equal(m->info.n_layer, 1);
    lem_model_close(&m);
}

static void facts_of_a_vocabulary_without_weights(void **state)
{
    (void)state;
    const struct tiny_change changes[] = {{"token_embd.weight", TINY_REMOVE, .value = 0},
                                          TINY_END};
    struct lem_model *m = open_tiny("qwen3", changes, true);
    assert_non_null(strstr(m->info.unsupported, "token_embd.weight is missing"));
    assert_int_equal(m->info.n_vocab, 310);
    assert_string_equal(m->info.tokenizer, "gpt2/gpt-2");
    lem_model_close(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_family_opens_and_runs),
        cmocka_unit_test(facts_of_a_moe_model),
        cmocka_unit_test(tensors_as_the_file_states_them),
        cmocka_unit_test(views_have_their_shapes),
        cmocka_unit_test(the_file_wins_over_the_descriptor),
        cmocka_unit_test(facts_of_an_unknown_family),
        cmocka_unit_test(facts_of_types_that_cannot_run),
        cmocka_unit_test(facts_of_a_vocabulary_without_weights),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
