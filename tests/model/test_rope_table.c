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

/* Opens a tiny model and asks for one of its tables. */
static uint32_t table_in(const char *name, const struct tiny_change *changes,
                         enum rope_table table, float *freq, float *mscale,
                         float *attn_scale)
{
    struct scratch dir;
    struct capture said;
    struct lem_model *m = NULL;
    scratch_open(&dir);
    const char *path = scratch_path(&dir, "tiny.gguf");
    tiny_save(tiny_find(name), path, changes);
    const struct lem_model_params p = {.path = path, .log = capture_log(&said)};
    if (lem_model_open(&p, &m) != LEM_OK)
        fail_msg("%s", said.error);
    const uint32_t n_rot = model_rope_n_rot(m, table);
    if (n_rot)
        model_rope_freqs(m, table, freq, mscale);
    *attn_scale = m->hp.layer[0].attn_scale;
    lem_model_close(&m);
    scratch_close(&dir);
    return n_rot;
}

/* LongRoPE: two sets of divisors, and a factor that the file states. */
static void long_and_short_factors(void **state)
{
    (void)state;
    float freq[6], mscale, scale;
    const struct tiny_change both[] = {
        {"rope_factors_short.weight", TINY_FILL, .number = 2},
        {"rope_factors_long.weight", TINY_FILL, .number = 5},
        TINY_END};
    for (enum rope_table table = ROPE_MAIN; table <= ROPE_LONG; table++) {
        const uint32_t n_rot = table_in("phimoe", both, table, freq, &mscale, &scale);
        assert_int_equal(n_rot, 12);
        assert_float_equal(mscale, 1.19f, 1e-6f);
        for (uint32_t i = 0; i < 6; i++) {
            const float want =
                (float)(pow(10000, -2.0 * i / 12) / (table == ROPE_MAIN ? 2 : 5));
            assert_close(&freq[i], &want, 1, 0, 1e-6f, "table %d pair %u", (int)table, i);
        }
    }
    assert_int_equal(table_in("mixtral", NULL, ROPE_LONG, freq, &mscale, &scale), 0);
}

/* Layers with a window have a base and a size of their own, and no divisors. */
static void windows_have_their_own(void **state)
{
    (void)state;
    float freq[10], mscale, scale;
    assert_int_equal(table_in("gemma4", NULL, ROPE_WINDOW, freq, &mscale, &scale), 8);
    for (uint32_t i = 0; i < 4; i++) {
        const float want = (float)pow(500, -2.0 * i / 8);
        assert_close(&freq[i], &want, 1, 0, 1e-6f, "pair %u", i);
    }
    assert_float_equal(scale, 1, 0);
    assert_int_equal(table_in("gemma4", NULL, ROPE_MAIN, freq, &mscale, &scale), 20);
    assert_int_equal(table_in("gpt-oss", NULL, ROPE_WINDOW, freq, &mscale, &scale), 20);
}

/* With a multiplier for the logarithm, scores grow and cos and sin do not. */
static void yarn_on_the_scores(void **state)
{
    (void)state;
    float freq[4], mscale, scale;
    assert_int_equal(table_in("deepseek2-lite", NULL, ROPE_MAIN, freq, &mscale, &scale),
                     8);
    assert_float_equal(mscale, 1, 0);
    const double grow = 1 + 0.0707 * log(8);
    assert_float_equal(scale, (float)(grow * grow / sqrt(40)), 1e-6f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_scaling),
        cmocka_unit_test(linear_divides_all),
        cmocka_unit_test(yarn_keeps_fast_pairs),
        cmocka_unit_test(own_divisors),
        cmocka_unit_test(long_and_short_factors),
        cmocka_unit_test(windows_have_their_own),
        cmocka_unit_test(yarn_on_the_scores),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
