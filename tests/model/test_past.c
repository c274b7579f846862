/* test_past.c - what a session remembers: states of convolutions beside keys and
 * values, through every way of cutting and rewinding; and what depends on the size of
 * the context. */
#include <stdlib.h>
#include <string.h>

#include "cache/past.h"
#include "model/run_model.h"
#include "support/gpu_fixture.h"
#include "support/tolerance.h"

enum { N_LONG = 120, N_BATCH = 8 };

/* f32 sums in another order than the reference's double sums, as in test_session.c. */
static const double rms_tolerance = 2e-5;

static void open_tiny(struct run_model *r, void **state, const char *name)
{
    struct gpu_fixture *fx = *state;
    run_model_open_tiny(r, fx->device, tiny_find(name));
}

/* ---- the interface --------------------------------------------------------------- */

static void states_are_forgotten_in_order(void **state)
{
    struct gpu_fixture *fx = *state;
    struct run_model r;
    open_tiny(&r, state, "lfm2moe");
    struct past p;
    const struct hparams *hp = &r.model->hp;
    assert_int_equal(past_open(&p, fx->device, hp, 400, N_BATCH, LEM_CACHE_F32, NULL),
                     LEM_OK);
    const uint32_t n_ring = p.state.n_ring, before = hp->n_conv - 1;
    assert_true(n_ring >= N_BATCH + before);
    assert_non_null(p.state.ring[0]);
    assert_null(p.state.ring[1]); /* attends */
    assert_null(p.kv.layer[0].buf);
    assert_non_null(p.kv.layer[1].buf);
    assert_int_equal(p.bytes, p.kv.bytes + p.state.bytes);

    past_append(&p, 300);
    assert_int_equal(past_rewind(&p, 300), 300);
    /* Position 300 - n_ring is the oldest that is left. */
    assert_int_equal(past_rewind(&p, 300 - n_ring + before), 300 - n_ring + before);
    past_append(&p, 310); /* ten more are gone */
    assert_int_equal(past_rewind(&p, 310 - n_ring + before), 310 - n_ring + before);
    assert_int_equal(past_rewind(&p, 309 - n_ring + before), 0);
    past_append(&p, 4); /* run again from the start */
    assert_int_equal(past_rewind(&p, 1), 1);
    assert_int_equal(past_rewind(&p, 0), 0);
    past_close(&p);
    past_close(&p);
    run_model_close(&r);
}

static void without_states_rewinding_is_free(void **state)
{
    struct gpu_fixture *fx = *state;
    struct run_model r;
    open_tiny(&r, state, "deepseek2");
    struct past p;
    assert_int_equal(
        past_open(&p, fx->device, &r.model->hp, 400, N_BATCH, LEM_CACHE_F32, NULL),
        LEM_OK);
    past_append(&p, 400);
    assert_int_equal(past_rewind(&p, 1), 1);
    /* One row [kv_lora + n_rot] per position and layer, and no values beside it; whole
     * tiles of 64 positions. */
    assert_null(p.kv.layer[0].v.buf);
    assert_int_equal(p.bytes, 2ull * 448 * (36 + 12) * sizeof(float));
    past_close(&p);
    run_model_close(&r);
}

/* ---- sessions -----------------------------------------------------------------------
 */

/* The logits after ids[0 … n), run in one session from the start. */
static float *fresh_logits(struct run_model *r, const int32_t *ids, uint32_t cut,
                           uint32_t n)
{
    struct lem_session *s = run_session(r, N_LONG, N_BATCH, false);
    float *logits = calloc(r->n_vocab, sizeof *logits);
    assert_non_null(logits);
    if (cut)
        run_append(r, s, ids, cut, N_BATCH, NULL);
    run_append(r, s, ids + cut, n - cut, N_BATCH, NULL);
    memcpy(logits, lem_session_logits(s, NULL), r->n_vocab * sizeof *logits);
    lem_session_close(&s);
    return logits;
}

/* From a text of N_LONG tokens back to `to`, then on with other tokens. */
static void rewind_to(struct run_model *r, uint32_t to, uint32_t n)
{
    int32_t ids[N_LONG], other[N_LONG];
    run_random_ids(ids, N_LONG, r->n_vocab, 21);
    run_random_ids(other, N_LONG, r->n_vocab, 22);
    memcpy(other, ids, to * sizeof *ids);

    struct lem_session *s = run_session(r, N_LONG, N_BATCH, false);
    run_append(r, s, ids, N_LONG, N_BATCH, NULL);
    assert_int_equal(lem_session_rewind(s, to), LEM_OK);
    assert_int_equal(lem_session_rewind(s, to), LEM_OK); /* again: nothing new */
    assert_int_equal(lem_session_length(s), to);
    run_append(r, s, other + to, n - to, N_BATCH, NULL);
    assert_int_equal(lem_session_length(s), n);
    assert_memory_equal(lem_session_ids(s), other, n * sizeof *other);

    float *want = fresh_logits(r, other, to, n);
    if (memcmp(lem_session_logits(s, NULL), want, r->n_vocab * sizeof *want) != 0)
        fail_msg("back to %u of %d, then on to %u: other logits", to, N_LONG, n);
    free(want);
    lem_session_close(&s);
}

static void rewinding_near_and_far(void **state)
{
    struct run_model r;
    open_tiny(&r, state, "lfm2moe");
    static const uint32_t to[] = {N_LONG - 1, N_LONG - 2, N_LONG - 40, 33, 2, 1, 0};
    for (size_t i = 0; i < sizeof to / sizeof *to; i++)
        rewind_to(&r, to[i],
                  to[i] + (i == 0 ? 1 : 19) < N_LONG ? to[i] + (i == 0 ? 1 : 19)
                                                     : N_LONG);
    run_model_close(&r);
}

/* Two rewinds far back before anything is appended; then a third. */
static void rewinding_twice(void **state)
{
    struct run_model r;
    open_tiny(&r, state, "lfm2moe");
    int32_t ids[N_LONG];
    run_random_ids(ids, N_LONG, r.n_vocab, 23);
    struct lem_session *s = run_session(&r, N_LONG, N_BATCH, false);
    run_append(&r, s, ids, N_LONG, N_BATCH, NULL);
    assert_int_equal(lem_session_rewind(s, 20), LEM_OK);
    assert_int_equal(lem_session_rewind(s, 16), LEM_OK);
    run_append(&r, s, ids + 16, 8, N_BATCH, NULL);
    assert_int_equal(lem_session_rewind(s, 23), LEM_OK);
    run_append(&r, s, ids + 23, 1, 1, NULL);

    float *want = calloc(r.n_vocab, sizeof *want);
    assert_non_null(want);
    struct lem_session *fresh = run_session(&r, N_LONG, N_BATCH, false);
    run_append(&r, fresh, ids, 23, N_BATCH, NULL);
    run_append(&r, fresh, ids + 23, 1, 1, NULL);
    memcpy(want, lem_session_logits(fresh, NULL), r.n_vocab * sizeof *want);
    assert_close(lem_session_logits(s, NULL), want, r.n_vocab, 1e-4f, 1e-4f, "24 tokens");
    free(want);
    lem_session_close(&fresh);
    lem_session_close(&s);
    run_model_close(&r);
}

/* Texts cut shorter than what a convolution sees. */
static void cuts_of_one_to_three_tokens(void **state)
{
    enum { N = 17 };
    struct run_model r;
    open_tiny(&r, state, "lfm2moe");
    int32_t ids[N];
    run_random_ids(ids, N, r.n_vocab, 24);
    struct run_reference ref;
    run_reference_make(&ref, &r, ids, N);
    float *logits = calloc((size_t)N * r.n_vocab, sizeof *logits);
    assert_non_null(logits);
    for (uint32_t batch = 1; batch <= 3; batch++) {
        struct lem_session *s = run_session(&r, N, 3, true);
        run_append(&r, s, ids, N, batch, logits);
        assert_close_rms(logits, ref.logits, (size_t)N * r.n_vocab, rms_tolerance,
                         "in batches of %u", batch);
        lem_session_close(&s);
    }
    free(logits);
    run_reference_free(&ref);
    run_model_close(&r);
}

/* A context up to the original one has other rotary factors than a longer one; a
 * context of a single token works, too. */
static void the_context_picks_the_factors(void **state)
{
    struct run_model r;
    open_tiny(&r, state, "phimoe");
    assert_int_equal(r.model->hp.rope_ctx_orig, 20);
    assert_int_equal(model_rope_table(r.model, 0, 20), ROPE_MAIN);
    assert_int_equal(model_rope_table(r.model, 0, 21), ROPE_LONG);
    static const uint32_t n_ctx[] = {1, 16, 20, 21, 40};
    float *logits = calloc((size_t)40 * r.n_vocab, sizeof *logits);
    assert_non_null(logits);
    for (size_t i = 0; i < sizeof n_ctx / sizeof *n_ctx; i++) {
        int32_t ids[40];
        struct run_reference ref;
        const uint32_t n = n_ctx[i];
        run_random_ids(ids, n, r.n_vocab, 25);
        run_reference_make(&ref, &r, ids, n);
        struct lem_session *s = run_session(&r, n, n, true);
        run_append(&r, s, ids, n, n, logits);
        assert_close_rms(logits, ref.logits, (size_t)n * r.n_vocab, rms_tolerance,
                         "context of %u", n);
        lem_session_close(&s);
        run_reference_free(&ref);
    }
    free(logits);
    run_model_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(states_are_forgotten_in_order),
        cmocka_unit_test(without_states_rewinding_is_free),
        cmocka_unit_test(rewinding_near_and_far),
        cmocka_unit_test(rewinding_twice),
        cmocka_unit_test(cuts_of_one_to_three_tokens),
        cmocka_unit_test(the_context_picks_the_factors),
    };
    return cmocka_run_group_tests_name("past", tests, gpu_fixture_open,
                                       gpu_fixture_close);
}
