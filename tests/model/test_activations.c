/* test_activations.c - a whole model whose activations are integers: near the one in f32,
 * the same from run to run, and f32 to the bit where integers cannot be had. */
#include "support/tolerance.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "gpu/gpu.h"
#include "run_model.h"
#include "support/gpu_fixture.h"

enum { N = 24 };

static struct lem_session *open_session(struct run_model *r, enum lem_activations kind,
                                        bool exact)
{
    const struct lem_session_params p = {.weights = r->weights,
                                         .n_ctx = N,
                                         .n_batch = 32,
                                         .logits = LEM_LOGITS_ALL,
                                         .activations = kind,
                                         .exact = exact,
                                         .log = capture_log(&r->said)};
    struct lem_session *s = NULL;
    if (lem_session_open(&p, &s) != LEM_OK)
        fail_msg("%s", r->said.error);
    return s;
}

/* Logits of N tokens, the first half as a prompt and then one by one. */
static float *logits_of(struct run_model *r, enum lem_activations kind, bool exact)
{
    int32_t ids[N];
    float *logits = malloc((size_t)N * r->n_vocab * sizeof *logits);
    assert_non_null(logits);
    run_random_ids(ids, N, r->n_vocab, 11);
    struct lem_session *s = open_session(r, kind, exact);
    run_append(r, s, ids, N / 2, 32, logits);
    run_append(r, s, ids + N / 2, N / 2, 1, logits + (size_t)N / 2 * r->n_vocab);
    lem_session_close(&s);
    return logits;
}

/* Root mean square of the difference over the spread of `want`. */
static double distance(const float *got, const float *want, size_t n)
{
    double off = 0, sum = 0, square = 0;
    for (size_t i = 0; i < n; i++) {
        off += ((double)got[i] - (double)want[i]) * ((double)got[i] - (double)want[i]);
        sum += (double)want[i];
        square += (double)want[i] * (double)want[i];
    }
    return sqrt(off / (square - sum * sum / (double)n));
}

static void integers_are_near_and_repeat(void **state)
{
    struct gpu_fixture *fx = *state;
    struct run_model r;
    run_model_open(&r, fx->device, LEM_TEST_ASSETS "/moe-tales-q8_0.gguf");
    const size_t n = (size_t)N * r.n_vocab, bytes = n * sizeof(float);
    float *want = logits_of(&r, LEM_ACTIVATIONS_F32, false);
    float *got = logits_of(&r, LEM_ACTIVATIONS_INT, false);
    float *again = logits_of(&r, LEM_ACTIVATIONS_INT, false);
    assert_memory_equal(got, again, bytes);
    const double off = distance(got, want, n);
    if (gpu_fetches_texels(fx->device)) {
        /* 16 bits: 256 times nearer than bytes. */
        assert_true(off > 4e-7);
        assert_true(off < 8e-4);
    } else if (gpu_caps(fx->device)->int_dot) {
        /* Each of 7 matrices in 6 layers adds 0.5 % of its output's spread at random, and
         * a different expert here and there; something wrong is off by 0.5 and more. */
        assert_true(off > 1e-4);
        assert_true(off < 0.08);
    } else {
        assert_memory_equal(got, want, bytes);
    }
    free(want), free(got), free(again);
    run_model_close(&r);
}

static void exact_overrules(void **state)
{
    struct gpu_fixture *fx = *state;
    struct run_model r;
    run_model_open(&r, fx->device, LEM_TEST_ASSETS "/moe-tales-q8_0.gguf");
    float *want = logits_of(&r, LEM_ACTIVATIONS_F32, true);
    float *got = logits_of(&r, LEM_ACTIVATIONS_INT, true);
    assert_memory_equal(got, want, (size_t)N * r.n_vocab * sizeof(float));
    free(want), free(got);
    run_model_close(&r);
}

/* Without being asked: integers of 16 bits, no bytes. */
static void fine_ones_are_the_rule(void **state)
{
    struct gpu_fixture *fx = *state;
    struct run_model r;
    run_model_open(&r, fx->device, LEM_TEST_ASSETS "/moe-tales-q8_0.gguf");
    float *want = logits_of(
        &r, gpu_fetches_texels(fx->device) ? LEM_ACTIVATIONS_INT : LEM_ACTIVATIONS_F32,
        false);
    float *got = logits_of(&r, LEM_ACTIVATIONS_AUTO, false);
    assert_memory_equal(got, want, (size_t)N * r.n_vocab * sizeof(float));
    free(want), free(got);
    run_model_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers_are_near_and_repeat),
        cmocka_unit_test(exact_overrules),
        cmocka_unit_test(fine_ones_are_the_rule),
    };
    return cmocka_run_group_tests_name("activations", tests, gpu_fixture_open,
                                       gpu_fixture_close);
}
