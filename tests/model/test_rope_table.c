/* test_rope_table.c - the speeds of rotary pairs under every kind of scaling, against
 * numbers worked out by hand from the papers' formulas. */
#include <math.h>

#include "model/model.h"
#include "support/capture.h"
#include "support/make_tiny.h"
#include "support/scratch.h"
#include "support/tolerance.h"

enum { N_PAIR = 8 }; /* of the model: heads of 16 values */

/* Opens "mixtral" with these changes. */
static void table_of(const struct tiny_change *changes, float *freq, float *mscale)
{
    struct scratch dir;
    struct capture said;
    struct lem_model *m = NULL;
    scratch_open(&dir);
    const char *path = scratch_path(&dir, "tiny.gguf");
    tiny_save(tiny_find("mixtral"), path, changes);
    const struct lem_model_params p = {.path = path, .log = capture_log(&said)};
    assert_int_equal(lem_model_open(&p, &m), LEM_OK);
    assert_int_equal(m->hp.n_rot, 2 * N_PAIR);
    model_rope_freqs(m, ROPE_MAIN, freq, mscale);
    lem_model_close(&m);
    scratch_close(&dir);
}

/* 10000^(-2i/16) */
static const float plain[N_PAIR] = {1,     0.31622777f,   0.1f,   0.031622777f,
                                    0.01f, 0.0031622777f, 0.001f, 0.00031622777f};

static void without_scaling(void **state)
{
    (void)state;
    float freq[N_PAIR], mscale;
    table_of(NULL, freq, &mscale);
    assert_close(freq, plain, N_PAIR, 0, 1e-6f, "plain");
    assert_true(mscale == 1);

    /* A type alone, or none with a factor, scales nothing. */
    const struct tiny_change none[] = {
        {"llama.rope.scaling.type", TINY_STR, .text = "none"},
        {"llama.rope.scaling.factor", TINY_F32, .number = 4},
        TINY_END,
    };
    table_of(none, freq, &mscale);
    assert_close(freq, plain, N_PAIR, 0, 1e-6f, "none");
}

static void linear_divides_all(void **state)
{
    (void)state;
    float freq[N_PAIR], want[N_PAIR], mscale;
    const struct tiny_change linear[] = {
        {"llama.rope.scaling.type", TINY_STR, .text = "linear"},
        {"llama.rope.scaling.factor", TINY_F32, .number = 4},
        TINY_END,
    };
    const struct tiny_change old_key[] = {
        {"llama.rope.scale_linear", TINY_F32, .number = 4}, TINY_END};
    for (uint32_t i = 0; i < N_PAIR; i++)
        want[i] = plain[i] / 4;
    table_of(linear, freq, &mscale);
    assert_close(freq, want, N_PAIR, 0, 1e-6f, "linear");
    assert_true(mscale == 1);
    table_of(old_key, freq, &mscale);
    assert_close(freq, want, N_PAIR, 0, 1e-6f, "the old key");
}

/* With base 10000, 8 pairs and an original context of 2048: 32 turns are made by pair
 * 8 ln(2048 / (32 2pi)) / ln 10000 = 2.016, rounded down to 2, and one turn by pair
 * 8 ln(2048 / 2pi) / ln 10000 = 5.03, rounded up to 6. So pairs 0 to 2 stay, 6 and 7
 * are divided by 4, and 3, 4, 5 keep 3/4, 2/4, 1/4 of their speed. */
static void yarn_keeps_fast_pairs(void **state)
{
    (void)state;
    float freq[N_PAIR], want[N_PAIR], mscale;
    static const float keeps[N_PAIR] = {1, 1, 1, 0.75f, 0.5f, 0.25f, 0, 0};
    const struct tiny_change yarn[] = {
        {"llama.rope.scaling.type", TINY_STR, .text = "yarn"},
        {"llama.rope.scaling.factor", TINY_F32, .number = 4},
        {"llama.rope.scaling.original_context_length", TINY_U32, .value = 2048},
        TINY_END,
    };
    for (uint32_t i = 0; i < N_PAIR; i++)
        want[i] = plain[i] * keeps[i] + plain[i] / 4 * (1 - keeps[i]);
    table_of(yarn, freq, &mscale);
    assert_close(freq, want, N_PAIR, 0, 1e-6f, "yarn");
    assert_close(&mscale, &(float){1.1386294f}, 1, 1e-6f, 0, "0.1 ln 4 + 1");
}

static void own_divisors(void **state)
{
    (void)state;
    struct scratch dir;
    struct capture said;
    struct lem_model *m = NULL;
    float freq[40], mscale;
    const struct tiny_change three[] = {{"rope_freqs.weight", TINY_FILL, .number = 3},
                                        TINY_END};
    scratch_open(&dir);
    const char *path = scratch_path(&dir, "tiny.gguf");
    tiny_save(tiny_find("llama"), path, three);
    const struct lem_model_params p = {.path = path, .log = capture_log(&said)};
    assert_int_equal(lem_model_open(&p, &m), LEM_OK);
    model_rope_freqs(m, ROPE_MAIN, freq, &mscale);
    for (uint32_t i = 0; i < 40; i++) {
        const float want = (float)(pow(10000, -2.0 * i / 80) / 3);
        assert_close(&freq[i], &want, 1, 0, 1e-6f, "pair %u", i);
    }
    lem_model_close(&m);
    scratch_close(&dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_scaling),
        cmocka_unit_test(linear_divides_all),
        cmocka_unit_test(yarn_keeps_fast_pairs),
        cmocka_unit_test(own_divisors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
