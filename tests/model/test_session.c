/* test_session.c - what a session promises: the reference's answers for every tiny
 * model however the tokens are cut, rewinding, the same bits every time, several
 * sessions and threads, cancelling, and clear refusals. */
#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/thread.h"
#include "model/run_model.h"
#include "support/gpu_fixture.h"
#include "support/tolerance.h"

enum { N = 40 };

/* f32 sums of up to a few hundred terms in another order than the reference's double
 * sums, through up to three layers: some 1e-6 of the logits' size. */
static const double rms_tolerance = 2e-5;
/* Below this distance of the last chosen score from the next, rounding may choose. */
static const float near_tie = 1e-5f;

/* Tokens before the first whose routing is a near tie in some layer: from there on
 * another choice would be fair. The seeds of the tiny models make this rare. */
static uint32_t n_clear(const struct run_model *r, const struct run_reference *ref,
                        uint32_t n)
{
    for (uint32_t t = 0; t < n; t++)
        for (uint32_t il = 0; il < r->n_layer_moe; il++)
            if (ref->margin[(size_t)t * r->n_layer_moe + il] < near_tie)
                return t;
    return n;
}

static void check_against_reference(struct run_model *r, const char *name)
{
    int32_t ids[N];
    run_random_ids(ids, N, r->n_vocab, 17);
    struct run_reference ref;
    run_reference_make(&ref, r, ids, N);
    const uint32_t n = n_clear(r, &ref, N);
    assert_true(n > N / 2);
    const size_t row = (size_t)r->n_layer_moe * r->n_used;
    float *logits = calloc((size_t)N * r->n_vocab, sizeof *logits);
    float *weights = calloc(N * row + 1, sizeof *weights);
    uint16_t *chosen = calloc(N * row + 1, sizeof *chosen);
    assert_true(logits && weights && chosen);

    static const uint32_t batch[] = {N, 1, 7};
    for (size_t i = 0; i < sizeof batch / sizeof *batch; i++) {
        struct lem_session *s = run_session(r, N, N, true);
        run_append(r, s, ids, N, batch[i], logits);
        assert_close_rms(logits, ref.logits, (size_t)n * r->n_vocab, rms_tolerance,
                         "%s in batches of %u", name, batch[i]);
        if (row) {
            assert_int_equal(lem_session_routing(s, 0, N, chosen, weights), LEM_OK);
            for (size_t k = 0; k < n * row; k++)
                assert_int_equal(chosen[k], ref.ids[k]);
            assert_close(weights, ref.weights, n * row, 1e-5f, 1e-4f, "%s weights", name);
        }
        lem_session_close(&s);
    }
    free(logits);
    free(weights);
    free(chosen);
    run_reference_free(&ref);
}

/* Room for one token: the answer of one token, then a refusal; and again after a reset.
 */
static void check_context_of_one(struct run_model *r, const char *name)
{
    const int32_t id = 5, more = 6;
    struct run_reference ref;
    run_reference_make(&ref, r, &id, 1);
    struct lem_session *s = run_session(r, 1, 1, true);
    for (int again = 0; again < 2; again++) {
        run_append(r, s, &id, 1, 1, NULL);
        assert_close_rms(lem_session_logits(s, NULL), ref.logits, r->n_vocab,
                         rms_tolerance, "%s in a context of 1", name);
        assert_int_equal(lem_session_append(s, &more, 1), LEM_ERR_CONTEXT_FULL);
        assert_said(&r->said, "holds 1");
        assert_int_equal(lem_session_length(s), 1);
        lem_session_reset(s);
    }
    lem_session_close(&s);
    run_reference_free(&ref);
}

static void every_tiny_model_agrees_with_the_reference(void **state)
{
    struct gpu_fixture *fx = *state;
    size_t n = 0;
    const struct tiny *tiny = tiny_models(&n);
    assert_true(n > 3);
    for (size_t i = 0; i < n; i++) {
        struct run_model r;
        run_model_open_tiny(&r, fx->device, &tiny[i]);
        check_against_reference(&r, tiny[i].name);
        check_context_of_one(&r, tiny[i].name);
        run_model_close(&r);
    }
}

/* ---- one model for the rest ----------------------------------------------------- */

static void open_olmoe(struct run_model *r, void **state)
{
    struct gpu_fixture *fx = *state;
    run_model_open_tiny(r, fx->device, tiny_find("olmoe"));
}

static void same_bits(struct lem_session *a, const float *want, uint32_t n_vocab)
{
    const float *got = lem_session_logits(a, NULL);
    assert_non_null(got);
    assert_memory_equal(got, want, n_vocab * sizeof *got);
}

static void rewinding_forgets(void **state)
{
    struct run_model r;
    open_olmoe(&r, state);
    int32_t ids[N], other[N];
    run_random_ids(ids, N, r.n_vocab, 1);
    run_random_ids(other, N, r.n_vocab, 2);
    memcpy(other, ids, 13 * sizeof *ids);

    struct lem_session *fresh = run_session(&r, N, 8, false);
    run_append(&r, fresh, other, 13, 13, NULL);
    run_append(&r, fresh, other + 13, N - 13, 9, NULL);

    struct lem_session *s = run_session(&r, N, 8, false);
    run_append(&r, s, ids, 13, 13, NULL);
    run_append(&r, s, ids + 13, N - 13, 5, NULL);
    assert_int_equal(lem_session_length(s), N);
    assert_int_equal(lem_session_rewind(s, 13), LEM_OK);
    assert_int_equal(lem_session_length(s), 13);
    assert_null(lem_session_logits(s, NULL));
    run_append(&r, s, other + 13, N - 13, 9, NULL);
    same_bits(s, lem_session_logits(fresh, NULL), r.n_vocab);
    assert_memory_equal(lem_session_ids(s), other, sizeof other);

    lem_session_reset(s);
    assert_int_equal(lem_session_length(s), 0);
    run_append(&r, s, other, 13, 13, NULL);
    run_append(&r, s, other + 13, N - 13, 9, NULL);
    same_bits(s, lem_session_logits(fresh, NULL), r.n_vocab);

    lem_session_close(&s);
    lem_session_close(&fresh);
    run_model_close(&r);
}

static void the_same_bits_twenty_times(void **state)
{
    struct run_model r;
    open_olmoe(&r, state);
    int32_t ids[N], text[20][8];
    run_random_ids(ids, N, r.n_vocab, 3);
    float *first = calloc(r.n_vocab, sizeof *first);
    assert_non_null(first);
    const struct lem_sample_params hot = {.temperature = 1.5f, .seed = 99};
    for (int run = 0; run < 20; run++) {
        struct lem_session *s = run_session(&r, N + 8, 16, false);
        run_append(&r, s, ids, N, N, NULL);
        for (int i = 0; i < 8; i++) {
            struct lem_sampled t;
            assert_int_equal(lem_session_sample(s, &hot, &t), LEM_OK);
            text[run][i] = t.id;
            run_append(&r, s, &t.id, 1, 1, NULL);
        }
        if (run == 0)
            memcpy(first, lem_session_logits(s, NULL), r.n_vocab * sizeof *first);
        same_bits(s, first, r.n_vocab);
        assert_memory_equal(text[run], text[0], sizeof text[0]);
        lem_session_close(&s);
    }
    free(first);
    run_model_close(&r);
}

/* Chains of a session's own answers, on a thread. */
struct chain {
    struct run_model *r;
    struct lem_session *session;
    int32_t ids[N];
    uint64_t seed;
};

static void run_chain(void *arg)
{
    struct chain *c = arg;
    const struct lem_sample_params p = {.temperature = 1, .seed = c->seed};
    int32_t id = (int32_t)(c->seed % c->r->n_vocab);
    for (int i = 0; i < N; i++) {
        struct lem_sampled t = {0};
        if (lem_session_append(c->session, &id, 1) != LEM_OK ||
            lem_session_sample(c->session, &p, &t) != LEM_OK)
            return; /* ids stay 0: the comparison fails */
        c->ids[i] = id = t.id;
    }
}

static void sessions_on_threads_do_not_disturb_each_other(void **state)
{
    enum { N_CHAIN = 4 };
    struct run_model r;
    open_olmoe(&r, state);
    struct chain alone[N_CHAIN], beside[N_CHAIN];
    struct thread thread[N_CHAIN];
    for (int i = 0; i < N_CHAIN; i++) {
        alone[i] = (struct chain){.r = &r, .seed = 7u + (uint64_t)i};
        beside[i] = alone[i];
        alone[i].session = run_session(&r, N, 4, false);
        beside[i].session = run_session(&r, N, 4, false);
        run_chain(&alone[i]);
    }
    for (int i = 0; i < N_CHAIN; i++)
        assert_true(thread_start(&thread[i], run_chain, &beside[i]));
    for (int i = 0; i < N_CHAIN; i++)
        thread_join(&thread[i]);
    for (int i = 0; i < N_CHAIN; i++) {
        assert_memory_equal(beside[i].ids, alone[i].ids, sizeof alone[i].ids);
        same_bits(beside[i].session, lem_session_logits(alone[i].session, NULL),
                  r.n_vocab);
        lem_session_close(&alone[i].session);
        lem_session_close(&beside[i].session);
    }
    run_model_close(&r);
}

static void the_tap_changes_nothing_and_off_means_off(void **state)
{
    struct run_model r;
    open_olmoe(&r, state);
    int32_t ids[N];
    run_random_ids(ids, N, r.n_vocab, 5);
    struct lem_session *on = run_session(&r, N, 16, false);
    struct lem_session *off = NULL;
    struct capture said = {0};
    const struct lem_session_params p = {.weights = r.weights,
                                         .n_ctx = N,
                                         .n_batch = 16,
                                         .cache_type = LEM_CACHE_F32,
                                         .log = capture_log(&said)};
    assert_int_equal(lem_session_open(&p, &off), LEM_OK);
    run_append(&r, on, ids, N, N, NULL);
    run_append(&r, off, ids, N, N, NULL);
    same_bits(on, lem_session_logits(off, NULL), r.n_vocab);

    uint16_t chosen[1024];
    assert_true(r.n_layer_moe * r.n_used <= 1024);
    assert_int_equal(lem_session_routing(on, N - 1, 1, chosen, NULL), LEM_OK);
    assert_int_equal(lem_session_routing(off, 0, 1, chosen, NULL), LEM_ERR_ARGUMENT);
    assert_said(&said, "tap");

    float margins[64];
    uint16_t next[64];
    assert_in_range(r.n_layer_moe, 1, 64);
    for (uint32_t pos = 0; pos < N; pos++) {
        assert_int_equal(lem_session_routing(on, pos, 1, chosen, NULL), LEM_OK);
        assert_int_equal(lem_session_margins(on, pos, 1, margins, next), LEM_OK);
        for (uint32_t i = 0; i < r.n_layer_moe; i++) {
            /* a difference of two probabilities, falling from slot to slot */
            assert_true(margins[i] >= 0 && margins[i] < 1);
            assert_true(next[i] != LEM_NO_EXPERT);
            for (uint32_t k = 0; k < r.n_used; k++)
                assert_int_not_equal(chosen[i * r.n_used + k], next[i]);
        }
    }
    assert_int_equal(lem_session_margins(off, 0, 1, margins, next), LEM_ERR_ARGUMENT);
    assert_said(&said, "tap");
    lem_session_close(&on);
    lem_session_close(&off);
    run_model_close(&r);
}

static void refusals_are_clear_and_change_nothing(void **state)
{
    struct run_model r;
    open_olmoe(&r, state);
    struct capture said = {0};
    const struct lem_log log = capture_log(&said);
    struct lem_session *s = NULL;
    struct lem_session_params p = {.weights = r.weights, .n_ctx = 8, .log = log};
    assert_int_equal(lem_session_open(&p, &s), LEM_OK);

    const int32_t many[9] = {0}, bad[2] = {1, (int32_t)r.n_vocab}, minus = -1;
    struct lem_sampled t;
    const struct lem_sample_params greedy = {0};
    assert_int_equal(lem_session_sample(s, &greedy, &t), LEM_ERR_ARGUMENT);
    assert_said(&said, "no logits");
    assert_int_equal(lem_session_append(s, many, 9), LEM_ERR_CONTEXT_FULL);
    assert_said(&said, "holds 8");
    assert_int_equal(lem_session_append(s, bad, 2), LEM_ERR_ARGUMENT);
    assert_said(&said, "outside the vocabulary");
    assert_int_equal(lem_session_append(s, &minus, 1), LEM_ERR_ARGUMENT);
    assert_said(&said, "-1");
    assert_int_equal(lem_session_append(s, many, 0), LEM_ERR_ARGUMENT);
    assert_said(&said, "no tokens");
    assert_int_equal(lem_session_rewind(s, 1), LEM_ERR_ARGUMENT);
    assert_said(&said, "there are 0");
    assert_int_equal(lem_session_length(s), 0);
    assert_int_equal(lem_session_append(s, many, 8), LEM_OK);
    assert_int_equal(lem_session_append(s, many, 1), LEM_ERR_CONTEXT_FULL);
    assert_said(&said, "8 are used");
    lem_session_close(&s);

    p.cache_type = (enum lem_cache_type)3;
    assert_int_equal(lem_session_open(&p, &s), LEM_ERR_ARGUMENT);
    assert_said(&said, "KV cache");
    p.cache_type = LEM_CACHE_F16;
    p.n_ctx = 1u << 30;
    assert_int_equal(lem_session_open(&p, &s), LEM_ERR_ARGUMENT);
    assert_said(&said, "context");
    assert_null(s);
    p = (struct lem_session_params){.log = log};
    assert_int_equal(lem_session_open(&p, &s), LEM_ERR_ARGUMENT);
    assert_said(&said, "weights");
    run_model_close(&r);
}

struct canceller {
    struct lem_session *session;
    atomic_bool go;
    uint32_t turns; /* to wait after that */
};

static void cancel_from_another_thread(void *arg)
{
    struct canceller *c = arg;
    while (!atomic_load(&c->go))
        ;
    for (volatile uint32_t i = 0; i < c->turns; i++)
        ;
    lem_session_cancel(c->session);
}

/* Tokens in the session after an append that is cancelled about `turns` after its start.
 */
static uint32_t cancel_after(struct lem_session *s, const int32_t *ids, uint32_t turns,
                             struct capture *said)
{
    struct canceller c = {.session = s, .turns = turns};
    struct thread thread;
    atomic_init(&c.go, false);
    lem_session_reset(s); /* also a cancel that came too late for the last one */
    assert_true(thread_start(&thread, cancel_from_another_thread, &c));
    atomic_store(&c.go, true);
    const enum lem_status st = lem_session_append(s, ids, N);
    thread_join(&thread);
    const uint32_t n = lem_session_length(s);
    if (st == LEM_OK) {
        assert_int_equal(n, N);
        return n;
    }
    assert_int_equal(st, LEM_ERR_CANCELLED);
    assert_said(said, "stopped as asked");
    assert_int_equal(n % 4, 0);
    return n;
}

static void cancelling_stops_between_submissions(void **state)
{
    struct run_model r;
    open_olmoe(&r, state);
    struct capture said = {0};
    struct lem_session *s = NULL;
    const struct lem_session_params p = {
        .weights = r.weights, .n_ctx = N, .n_batch = 4, .log = capture_log(&said)};
    assert_int_equal(lem_session_open(&p, &s), LEM_OK);
    int32_t ids[N];
    run_random_ids(ids, N, r.n_vocab, 6);
    /* Asked before, it does not begin; asked once, it stops once. */
    lem_session_cancel(s);
    assert_int_equal(lem_session_append(s, ids, N), LEM_ERR_CANCELLED);
    assert_said(&said, "stopped as asked");
    assert_int_equal(lem_session_length(s), 0);
    assert_int_equal(lem_session_append(s, ids, 4), LEM_OK);
    lem_session_cancel(s);
    lem_session_reset(s);
    assert_int_equal(lem_session_append(s, ids, 4), LEM_OK);
    /* Asked at later and later times, from too early to too late; in between, some of the
     * batches are done. How long that takes nobody knows: try until it was seen. */
    bool between = false;
    for (int sweep = 0; sweep < 100 && !between; sweep++)
        for (uint32_t turns = 1000, n = 0; n < N && !between; turns += turns / 2) {
            n = cancel_after(s, ids, turns, &said);
            between = n > 0 && n < N;
        }
    assert_true(between);
    lem_session_close(&s);
    run_model_close(&r);
}

static void generating_takes_no_device_memory(void **state)
{
    struct run_model r;
    open_olmoe(&r, state);
    uint64_t opened = 0, now = 0, peak_opened = 0, peak = 0;
    struct lem_session *s = run_session(&r, N, 8, false);
    struct lem_session_stats stats;
    lem_device_memory(r.device, &opened, &peak_opened);
    int32_t ids[N];
    run_random_ids(ids, N, r.n_vocab, 6);
    run_append(&r, s, ids, 20, 20, NULL);
    run_append(&r, s, ids + 20, 20, 1, NULL);
    lem_device_memory(r.device, &now, &peak);
    assert_int_equal(now, opened);
    assert_int_equal(peak, peak_opened);
    lem_session_get_stats(s, &stats);
    assert_int_equal(stats.n_prompt, 20);
    assert_int_equal(stats.n_generated, 20);
    assert_true(stats.prompt_ns > 0 && stats.generate_ns > 0 && stats.device_bytes > 0);
    lem_session_close(&s);
    run_model_close(&r);
}

static void too_little_memory_is_said(void **state)
{
    struct gpu_fixture *fx = *state;
    struct capture said = {0};
    struct lem_device *small = gpu_fixture_second_device(fx, 64 * 1024, &said);
    struct run_model r;
    run_model_open_tiny(&r, fx->device, tiny_find("olmoe"));
    struct lem_weights *w = NULL;
    const struct lem_weights_params p = {
        .model = r.model, .device = small, .log = capture_log(&said)};
    assert_int_equal(lem_weights_open(&p, &w), LEM_ERR_GPU_MEMORY);
    assert_null(w);
    assert_true(said.n_error >= 1);
    run_model_close(&r);
    lem_device_close(&small);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_tiny_model_agrees_with_the_reference),
        cmocka_unit_test(rewinding_forgets),
        cmocka_unit_test(the_same_bits_twenty_times),
        cmocka_unit_test(sessions_on_threads_do_not_disturb_each_other),
        cmocka_unit_test(the_tap_changes_nothing_and_off_means_off),
        cmocka_unit_test(refusals_are_clear_and_change_nothing),
        cmocka_unit_test(cancelling_stops_between_submissions),
        cmocka_unit_test(generating_takes_no_device_memory),
        cmocka_unit_test(too_little_memory_is_said),
    };
    return cmocka_run_group_tests_name("session", tests, gpu_fixture_open,
                                       gpu_fixture_close);
}
