/* test_policy.c - ban, force, bias and limit through a session: what tokens choose,
 * layers that are not touched, changes between tokens, undoing, listing, refusals. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model/run_model.h"
#include "support/gpu_fixture.h"
#include "support/tolerance.h"

enum { N = 24, MAX_ROW = 64 };

static void open_olmoe(struct run_model *r, void **state)
{
    struct gpu_fixture *fx = *state;
    run_model_open_tiny(r, fx->device, tiny_find("olmoe"));
    assert_true(r->n_layer_moe >= 2 && r->n_used >= 2);
    assert_true(r->n_layer_moe * r->n_used <= MAX_ROW);
}

/* Experts of token `t` at routing layer `il`. */
static const uint16_t *chosen(const struct run_model *r, const struct lem_session *s,
                              uint32_t t, uint32_t il, float *weights)
{
    static uint16_t ids[MAX_ROW];
    static float w[MAX_ROW];
    assert_int_equal(lem_session_routing(s, t, 1, ids, w), LEM_OK);
    if (weights)
        memcpy(weights, w + il * r->n_used, r->n_used * sizeof *w);
    return ids + il * r->n_used;
}

static bool has(const struct run_model *r, const struct lem_session *s, uint32_t t,
                uint32_t il, uint16_t expert)
{
    const uint16_t *ids = chosen(r, s, t, il, NULL);
    for (uint32_t k = 0; k < r->n_used; k++)
        if (ids[k] == expert)
            return true;
    return false;
}

/* The same tokens in one batch, in batches of 5 and one at a time. */
static const uint32_t cuts[] = {N, 5, 1};

static void policy_holds_however_the_text_is_cut(void **state)
{
    struct run_model r;
    open_olmoe(&r, state);
    const uint32_t n_expert = r.model->info.n_expert;
    int32_t ids[N];
    run_random_ids(ids, N, r.n_vocab, 5);
    float *logits = calloc(3 * (size_t)r.n_vocab, sizeof *logits);
    assert_non_null(logits);
    for (int i = 0; i < 3; i++) {
        struct lem_session *s = run_session(&r, N, N, false);
        assert_int_equal(lem_session_force(s, 0, n_expert - 1), LEM_OK);
        for (uint32_t e = 0; e < n_expert; e++) /* one left at block 1 */
            if (e != 1)
                assert_int_equal(lem_session_ban(s, 1, e), LEM_OK);
        run_append(&r, s, ids, N, cuts[i], NULL);
        for (uint32_t t = 0; t < N; t++) {
            float w[MAX_ROW];
            const uint16_t *got = chosen(&r, s, t, 1, w);
            assert_int_equal(got[0], 1);
            for (uint32_t k = 1; k < r.n_used; k++) {
                assert_int_equal(got[k], LEM_NO_EXPERT);
                assert_true(w[k] == 0);
            }
            assert_int_equal(chosen(&r, s, t, 0, NULL)[0], n_expert - 1);
        }
        memcpy(logits + i * (size_t)r.n_vocab, lem_session_logits(s, NULL),
               r.n_vocab * sizeof *logits);
        lem_session_close(&s);
    }
    /* one expert for each token: grouped and single-token kernels agree */
    for (int i = 1; i < 3; i++)
        assert_close_rms(logits + i * (size_t)r.n_vocab, logits, r.n_vocab, 2e-5,
                         "batches of %u", cuts[i]);
    free(logits);
    run_model_close(&r);
}

/* A limit of 1 leaves the untouched layers before it bit for bit as they were. */
static void untouched_layers_stay(void **state)
{
    struct run_model r;
    open_olmoe(&r, state);
    const uint32_t last = r.n_layer_moe - 1;
    int32_t ids[N];
    run_random_ids(ids, N, r.n_vocab, 6);
    struct lem_session *plain = run_session(&r, N, N, false);
    struct lem_session *s = run_session(&r, N, N, false);
    assert_int_equal(lem_session_limit(s, last, 1), LEM_OK);
    run_append(&r, plain, ids, N, N, NULL);
    run_append(&r, s, ids, N, N, NULL);
    for (uint32_t t = 0; t < N; t++)
        for (uint32_t il = 0; il < r.n_layer_moe; il++) {
            float w[2][MAX_ROW];
            uint16_t want[MAX_ROW];
            memcpy(want, chosen(&r, plain, t, il, w[0]), r.n_used * sizeof *want);
            const uint16_t *got = chosen(&r, s, t, il, w[1]);
            if (il < last) {
                assert_memory_equal(got, want, r.n_used * sizeof *want);
                assert_memory_equal(w[0], w[1], r.n_used * sizeof(float));
            } else {
                assert_int_equal(got[0], want[0]);
                assert_int_equal(got[1], LEM_NO_EXPERT);
            }
        }
    /* Undone, with the text rewound: the very logits of the plain session. */
    assert_int_equal(lem_session_limit(s, last, 0), LEM_OK);
    assert_int_equal(lem_session_policy(s, NULL, 0), 0);
    lem_session_reset(s);
    run_append(&r, s, ids, N, N, NULL);
    assert_memory_equal(lem_session_logits(s, NULL), lem_session_logits(plain, NULL),
                        r.n_vocab * sizeof(float));
    lem_session_close(&s);
    lem_session_close(&plain);
    run_model_close(&r);
}

static void changes_between_tokens(void **state)
{
    struct run_model r;
    open_olmoe(&r, state);
    int32_t ids[N];
    run_random_ids(ids, N, r.n_vocab, 7);
    struct lem_session *s = run_session(&r, N, N, false);
    run_append(&r, s, ids, 8, 8, NULL);
    const uint16_t first = chosen(&r, s, 7, 0, NULL)[0];
    assert_int_equal(lem_session_ban(s, LEM_ALL_LAYERS, first), LEM_OK);
    assert_int_equal(lem_session_rewind(s, 7), LEM_OK); /* keeps the policy */
    run_append(&r, s, ids + 7, 1, 1, NULL);
    for (uint32_t il = 0; il < r.n_layer_moe; il++)
        assert_false(has(&r, s, 7, il, first));
    assert_int_equal(lem_session_unset(s, LEM_ALL_LAYERS, first), LEM_OK);
    assert_int_equal(lem_session_rewind(s, 7), LEM_OK);
    run_append(&r, s, ids + 7, 1, 1, NULL);
    assert_int_equal(chosen(&r, s, 7, 0, NULL)[0], first);
    /* a bias that is larger than any probability */
    const uint16_t other = (uint16_t)((first + 1) % r.model->info.n_expert);
    assert_int_equal(lem_session_bias(s, 0, other, 1.5f), LEM_OK);
    run_append(&r, s, ids + 8, 1, 1, NULL);
    assert_int_equal(chosen(&r, s, 8, 0, NULL)[0], other);
    assert_int_equal(lem_session_bias(s, 0, other, -1.5f), LEM_OK);
    run_append(&r, s, ids + 9, 1, 1, NULL);
    assert_false(has(&r, s, 9, 0, other));
    lem_session_close(&s);
    run_model_close(&r);
}

static void lists_what_is_in_force(void **state)
{
    struct run_model r;
    open_olmoe(&r, state);
    struct lem_session *s = run_session(&r, N, N, false);
    assert_int_equal(lem_session_bias(s, 1, 3, -0.25f), LEM_OK);
    assert_int_equal(lem_session_ban(s, 0, 4), LEM_OK);
    assert_int_equal(lem_session_force(s, 0, 2), LEM_OK);
    assert_int_equal(lem_session_limit(s, 1, 1), LEM_OK);
    assert_int_equal(lem_session_bias(s, 1, 5, 0), LEM_OK); /* no setting */
    struct lem_policy_entry e[4];
    assert_int_equal(lem_session_policy(s, e, 4), 4);
    assert_true(e[0].kind == LEM_POLICY_FORCE && e[0].layer == 0 && e[0].expert == 2);
    assert_true(e[1].kind == LEM_POLICY_BAN && e[1].layer == 0 && e[1].expert == 4);
    assert_true(e[2].kind == LEM_POLICY_LIMIT && e[2].layer == 1 && e[2].limit == 1);
    assert_true(e[3].kind == LEM_POLICY_BIAS && e[3].layer == 1 && e[3].expert == 3);
    assert_true(e[3].bias == -0.25f);
    e[1].layer = 77;
    assert_int_equal(lem_session_policy(s, e, 1), 4); /* writes no more than asked */
    assert_int_equal(e[1].layer, 77);
    lem_session_clear_policy(s);
    assert_int_equal(lem_session_policy(s, e, 4), 0);
    lem_session_close(&s);
    run_model_close(&r);
}

static void refuses(struct run_model *r, enum lem_status st, const char *says)
{
    assert_int_equal(st, LEM_ERR_ARGUMENT);
    assert_said(&r->said, says);
}

static void refuses_bad_arguments(void **state)
{
    struct run_model r;
    open_olmoe(&r, state);
    const uint32_t n_expert = r.model->info.n_expert;
    struct lem_session *s = run_session(&r, N, N, false);
    refuses(&r, lem_session_ban(s, 99, 0), "block 99 does not route");
    refuses(&r, lem_session_ban(s, 0, n_expert), "does not exist");
    refuses(&r, lem_session_bias(s, 0, 0, NAN), "not finite");
    refuses(&r, lem_session_limit(s, 0, r.n_used + 1), "a token of this model uses");
    assert_int_equal(lem_session_ban(NULL, 0, 0), LEM_ERR_ARGUMENT);

    for (uint32_t e = 1; e < n_expert; e++)
        assert_int_equal(lem_session_ban(s, 1, e), LEM_OK);
    refuses(&r, lem_session_ban(s, LEM_ALL_LAYERS, 0), "would be banned");
    /* … and nothing was changed, in no layer */
    assert_int_equal(lem_session_policy(s, NULL, 0), n_expert - 1);

    lem_session_clear_policy(s);
    for (uint32_t e = 0; e < r.n_used; e++)
        assert_int_equal(lem_session_force(s, 0, e), LEM_OK);
    refuses(&r, lem_session_force(s, 0, r.n_used), "one more than");
    refuses(&r, lem_session_limit(s, LEM_ALL_LAYERS, r.n_used - 1), "are forced");
    lem_session_close(&s);
    run_model_close(&r);
}

static void a_dense_model_has_no_policy(void **state)
{
    struct gpu_fixture *fx = *state;
    struct run_model r;
    run_model_open_tiny(&r, fx->device, tiny_find("llama"));
    struct lem_session *s = run_session(&r, N, N, false);
    refuses(&r, lem_session_ban(s, LEM_ALL_LAYERS, 0), "dense model");
    assert_int_equal(lem_session_policy(s, NULL, 0), 0);
    lem_session_clear_policy(s);
    lem_session_close(&s);
    run_model_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(policy_holds_however_the_text_is_cut),
        cmocka_unit_test(untouched_layers_stay),
        cmocka_unit_test(changes_between_tokens),
        cmocka_unit_test(lists_what_is_in_force),
        cmocka_unit_test(refuses_bad_arguments),
        cmocka_unit_test(a_dense_model_has_no_policy),
    };
    return cmocka_run_group_tests(tests, gpu_fixture_open, gpu_fixture_close);
}
