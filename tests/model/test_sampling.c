/* test_sampling.c - tokens drawn from what the device picked: the same as from whole
 * rows, bit for bit; rows that stay on the device come when asked for. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lemnos/profile.h"
#include "model/run_model.h"
#include "support/gpu_fixture.h"
#include "support/tolerance.h"

enum { N_CTX = 48, N_PROMPT = 11 };

static struct lem_session *open_session(struct run_model *r, enum lem_sampling sampling,
                                        enum lem_logits_rows rows)
{
    struct lem_session *s = NULL;
    const struct lem_session_params p = {.weights = r->weights,
                                         .n_ctx = N_CTX,
                                         .n_batch = 8,
                                         .logits = rows,
                                         .stages = true,
                                         .sampling = sampling,
                                         .log = capture_log(&r->said)};
    if (lem_session_open(&p, &s) != LEM_OK)
        fail_msg("%s", r->said.error);
    return s;
}

static void open_tiny(struct run_model *r, void **state, const char *name)
{
    const struct gpu_fixture *fx = *state;
    run_model_open_tiny(r, fx->device, tiny_find(name));
}

/* Dispatches of the plan at the stage "sampling". */
static uint32_t n_pick(struct lem_session *s, enum lem_phase phase)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < lem_session_plan_length(s, phase); i++) {
        struct lem_plan_row row;
        assert_int_equal(lem_session_plan_row(s, phase, i, &row), LEM_OK);
        const bool pick = strcmp(row.stage, "sampling") == 0;
        assert_int_equal(pick, strcmp(row.kernel, "pick") == 0);
        n += pick;
    }
    return n;
}

/* Some answered by the best alone, some by whole rows. */
static const struct lem_sample_params ways[] = {
    {0},
    {.temperature = 0.8f, .top_k = 40, .top_p = 0.95f, .min_p = 0.05f, .seed = 3},
    {.temperature = 1.5f, .seed = 4},
    {.temperature = 1, .top_k = 64, .repeat_penalty = 1.3f, .seed = 5},
    {.temperature = 1, .min_p = 0.3f, .seed = 6},
    {.repeat_penalty = 1.2f, .repeat_last_n = 8},
    {.temperature = 1, .top_p = 0.7f, .repeat_penalty = 0.8f, .seed = 7},
};
enum { N_WAY = sizeof ways / sizeof *ways };

static void check_model(void **state, const char *name)
{
    struct run_model r;
    open_tiny(&r, state, name);
    assert_true(r.n_vocab > 64);
    int32_t ids[N_PROMPT];
    run_random_ids(ids, N_PROMPT, r.n_vocab, 21);
    struct lem_session *s[] = {open_session(&r, LEM_SAMPLING_HOST, LEM_LOGITS_LAST),
                               open_session(&r, LEM_SAMPLING_DEVICE, LEM_LOGITS_LAST),
                               open_session(&r, LEM_SAMPLING_AUTO, LEM_LOGITS_LAST)};
    for (int k = 0; k < 3; k++)
        assert_int_equal(lem_session_append(s[k], ids, N_PROMPT), LEM_OK);
    for (int i = 0; N_PROMPT + i < N_CTX; i++) {
        for (int w = 0; w < N_WAY; w++) {
            struct lem_sampled drawn[3];
            for (int k = 0; k < 3; k++)
                assert_int_equal(lem_session_sample(s[k], &ways[w], &drawn[k]), LEM_OK);
            assert_memory_equal(&drawn[1], &drawn[0], sizeof drawn[0]);
            assert_memory_equal(&drawn[2], &drawn[0], sizeof drawn[0]);
            ids[0] = drawn[0].id;
        }
        /* Every second token without asking for the row. */
        if (i % 2 == 0) {
            uint32_t n_row = 0;
            const float *row = lem_session_logits(s[1], &n_row);
            assert_int_equal(n_row, 1);
            assert_bits(row, lem_session_logits(s[0], NULL), r.n_vocab);
            assert_ptr_equal(lem_session_logits(s[1], NULL), row);
        }
        for (int k = 0; k < 3; k++)
            assert_int_equal(lem_session_append(s[k], ids, 1), LEM_OK);
    }
    for (int k = 0; k < 3; k++)
        lem_session_close(&s[k]);
    run_model_close(&r);
}

static void tokens_and_rows_are_the_same(void **state)
{
    check_model(state, "olmoe");
    check_model(state, "gemma4"); /* its logits are capped after the product */
}

static void only_where_it_is_asked_for(void **state)
{
    struct gpu_fixture *fx = *state;
    struct run_model r;
    open_tiny(&r, state, "olmoe");
    const bool apart = !gpu_is_unified(fx->device);
    struct lem_session *host = open_session(&r, LEM_SAMPLING_HOST, LEM_LOGITS_LAST);
    struct lem_session *device = open_session(&r, LEM_SAMPLING_DEVICE, LEM_LOGITS_LAST);
    struct lem_session *choice = open_session(&r, LEM_SAMPLING_AUTO, LEM_LOGITS_LAST);
    struct lem_session *all = open_session(&r, LEM_SAMPLING_DEVICE, LEM_LOGITS_ALL);
    for (int phase = LEM_PHASE_PROMPT; phase <= LEM_PHASE_TOKEN; phase++) {
        const enum lem_phase p = (enum lem_phase)phase;
        assert_int_equal(n_pick(host, p), 0);
        assert_int_equal(n_pick(device, p), 1);
        assert_int_equal(n_pick(choice, p), apart ? 1 : 0);
        assert_int_equal(n_pick(all, p), 0);
        assert_int_equal(lem_session_plan_length(device, p),
                         lem_session_plan_length(host, p) + 1);
    }
    lem_session_close(&host);
    lem_session_close(&choice);
    lem_session_close(&all);
    const struct lem_session_params bad = {.weights = r.weights,
                                           .sampling = (enum lem_sampling)3,
                                           .log = capture_log(&r.said)};
    assert_int_equal(lem_session_open(&bad, &all), LEM_ERR_ARGUMENT);
    assert_said(&r.said, "3 is no enum lem_sampling");

    /* Its time is a stage of its own, besides the host's. */
    const int32_t id = 7;
    struct lem_sampled drawn;
    struct lem_stage stage[64];
    struct lem_stage_total total;
    assert_int_equal(lem_session_append(device, &id, 1), LEM_OK);
    assert_int_equal(lem_session_sample(device, &ways[0], &drawn), LEM_OK);
    assert_int_equal(lem_session_stages(device, LEM_PHASE_TOKEN, stage, 64, &total),
                     LEM_OK);
    uint32_t n_device = 0, n_host = 0;
    for (uint32_t i = 0; i < total.n_stage; i++) {
        const bool sampling = strcmp(stage[i].name, "sampling") == 0;
        n_host += sampling && stage[i].on_host;
        n_device += sampling && !stage[i].on_host ? stage[i].n_dispatch : 0;
    }
    assert_int_equal(n_device, 1);
    assert_int_equal(n_host, 1);
    lem_session_close(&device);
    run_model_close(&r);
}

static void rows_follow_the_text(void **state)
{
    struct run_model r;
    open_tiny(&r, state, "olmoe");
    int32_t ids[N_PROMPT];
    run_random_ids(ids, N_PROMPT, r.n_vocab, 22);
    struct lem_session *s = open_session(&r, LEM_SAMPLING_DEVICE, LEM_LOGITS_LAST);
    struct lem_sampled drawn, again;
    float *kept = calloc(r.n_vocab, sizeof *kept);
    assert_non_null(kept);
    uint32_t n_row = 1;
    assert_null(lem_session_logits(s, &n_row));
    assert_int_equal(n_row, 0);
    assert_int_equal(lem_session_append(s, ids, N_PROMPT), LEM_OK);
    assert_int_equal(lem_session_sample(s, &ways[2], &drawn), LEM_OK);
    memcpy(kept, lem_session_logits(s, NULL), r.n_vocab * sizeof *kept);
    assert_int_equal(lem_session_append(s, &drawn.id, 1), LEM_OK);
    assert_memory_not_equal(lem_session_logits(s, NULL), kept, r.n_vocab * sizeof *kept);
    assert_int_equal(lem_session_rewind(s, N_PROMPT - 1), LEM_OK);
    assert_null(lem_session_logits(s, NULL));
    assert_int_equal(lem_session_sample(s, &ways[0], &again), LEM_ERR_ARGUMENT);
    assert_said(&r.said, "no logits");
    assert_int_equal(lem_session_append(s, &ids[N_PROMPT - 1], 1), LEM_OK);
    assert_int_equal(lem_session_sample(s, &ways[2], &again), LEM_OK);
    assert_int_equal(again.id, drawn.id);
    lem_session_close(&s);
    free(kept);
    run_model_close(&r);
}

/* A model whose logits are no numbers, sampled in both ways. */
static void broken_logits_are_told(void **state)
{
    struct gpu_fixture *fx = *state;
    static const struct tiny_change broken[] = {
        {.name = "output_norm.weight", .what = TINY_FILL, .number = NAN}, TINY_END};
    struct scratch scratch;
    struct run_model r;
    scratch_open(&scratch);
    const char *path = scratch_path(&scratch, "tiny.gguf");
    tiny_save(tiny_find("olmoe"), path, broken);
    run_model_open(&r, fx->device, path);
    scratch_close(&scratch);
    const int32_t id = 1;
    for (int k = LEM_SAMPLING_HOST; k <= LEM_SAMPLING_DEVICE; k++) {
        struct lem_session *s = open_session(&r, (enum lem_sampling)k, LEM_LOGITS_LAST);
        struct lem_sampled drawn;
        assert_int_equal(lem_session_append(s, &id, 1), LEM_OK);
        for (int w = 0; w < N_WAY; w++) {
            assert_int_equal(lem_session_sample(s, &ways[w], &drawn), LEM_ERR_ARGUMENT);
            assert_said(&r.said, "the logit of token 0 is not finite");
        }
        lem_session_close(&s);
    }
    run_model_close(&r);
}

/* Where the row has stayed on a device that is gone, it is not to be had. */
static void a_row_may_be_lost(void **state)
{
    struct capture said = {0};
    struct run_model r;
    struct lem_device *device = gpu_fixture_second_device(*state, 0, &said);
    run_model_open_tiny(&r, device, tiny_find("olmoe"));
    struct lem_session *s = open_session(&r, LEM_SAMPLING_DEVICE, LEM_LOGITS_LAST);
    const int32_t id = 5;
    struct lem_sampled drawn;
    assert_int_equal(lem_session_append(s, &id, 1), LEM_OK);
    const bool apart = !gpu_is_unified(device);
    gpu_pretend_lost(device, 0);
    assert_int_equal(lem_session_sample(s, &ways[0], &drawn), LEM_OK); /* is here */
    const enum lem_status st = lem_session_sample(s, &ways[2], &drawn);
    assert_int_equal(st, apart ? LEM_ERR_DEVICE_LOST : LEM_OK);
    uint32_t n_row = 7;
    const float *row = lem_session_logits(s, &n_row);
    assert_int_equal(row != NULL, !apart);
    assert_int_equal(n_row, apart ? 0 : 1);
    if (apart)
        assert_int_equal(said.n_error, 2); /* one line each */
    lem_session_close(&s);
    run_model_close(&r);
    lem_device_close(&device);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tokens_and_rows_are_the_same),
        cmocka_unit_test(only_where_it_is_asked_for),
        cmocka_unit_test(rows_follow_the_text),
        cmocka_unit_test(broken_logits_are_told),
        cmocka_unit_test(a_row_may_be_lost),
    };
    return cmocka_run_group_tests_name("sampling", tests, gpu_fixture_open,
                                       gpu_fixture_close);
}
