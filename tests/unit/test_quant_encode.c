/* test_quant_encode.c - encoders: bytes worked out by hand, errors within what a type
 * can do, and values that break arithmetic. */
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "quant/quant.h"
#include "support/tolerance.h"

static const struct quant_info *next_written(const struct quant_info *after)
{
    for (uint32_t id = after ? after->type + 1 : 0; id <= QUANT_NVFP4; id++) {
        const struct quant_info *q = quant_find(id);
        if (q && q->encode)
            return q;
    }
    return NULL;
}

static void what_is_written_can_be_read(void **state)
{
    (void)state;
    uint32_t n = 0;
    for (const struct quant_info *q = NULL; (q = next_written(q)); n++)
        assert_non_null(q->decode);
    assert_int_equal(n, 11);
}

static void types_have_names(void **state)
{
    (void)state;
    assert_ptr_equal(quant_find_name("Q4_K"), quant_find(QUANT_Q4_K));
    assert_ptr_equal(quant_find_name("q4_k"), quant_find(QUANT_Q4_K));
    assert_ptr_equal(quant_find_name("iq4_Xs"), quant_find(QUANT_IQ4_XS));
    assert_null(quant_find_name(""));
    assert_null(quant_find_name("Q4"));
    assert_null(quant_find_name("Q4_K_M"));
}

/* d = 12.7 / 127 = 0.1, in f16 0x2e66; halves away from 0. */
static void q8_0_by_hand(void **state)
{
    (void)state;
    float x[32] = {12.7f, -12.7f, 0.1f, -0.1f, 0.04f, 0.06f, -6.35f, 0};
    uint8_t got[34];
    const uint8_t want[34] = {0x66, 0x2e, 127, 129, 1, 255, 0, 1, 0x100 - 64, 0};
    x[6] = -63.5f * (12.7f / 127.0f) * 1.00001f;
    quant_find(QUANT_Q8_0)->encode(x, got, 32);
    assert_memory_equal(got, want, 34);
}

/* The farthest value, -4, is code 0: d = 0.5 (0x3800). Others are x / d + 8, halves up.
 */
static void q4_0_by_hand(void **state)
{
    (void)state;
    float x[32] = {-4.0f, 3.9f, 0, 0.5f, -0.5f, 0.25f, -0.25f, 1.0f};
    uint8_t got[18], want[18] = {0x00, 0x38};
    static const uint8_t low[] = {0, 15, 8, 9, 7, 9, 8, 10};
    for (int i = 0; i < 16; i++)
        want[2 + i] = (uint8_t)((i < 8 ? low[i] : 8) | 8 << 4);
    x[16 + 3] = -3.5f;
    want[2 + 3] = 9 | 1 << 4;
    quant_find(QUANT_Q4_0)->encode(x, got, 32);
    assert_memory_equal(got, want, 18);
}

/* From -1 to 0.5 in 15 steps of 0.1: d 0x2e66, m 0xbc00. */
static void q4_1_by_hand(void **state)
{
    (void)state;
    float x[32];
    uint8_t got[20], want[20] = {0x66, 0x2e, 0x00, 0xbc};
    for (int i = 0; i < 32; i++)
        x[i] = -1 + 0.1f * (float)(i % 16);
    for (int i = 0; i < 16; i++)
        want[4 + i] = (uint8_t)(i | i << 4);
    quant_find(QUANT_Q4_1)->encode(x, got, 32);
    assert_memory_equal(got, want, 20);
}

/* Sum of three uniform values: more small ones than large ones, as weights are. */
static void bell(float *x, uint32_t n, uint64_t *seed)
{
    for (uint32_t i = 0; i < n; i++)
        x[i] = (random_f32(seed) + random_f32(seed) + random_f32(seed)) / 3;
}

static double rms(const float *a, const float *b, uint32_t n)
{
    double sum = 0;
    for (uint32_t i = 0; i < n; i++) {
        const double e = (double)a[i] - (b ? (double)b[i] : 0);
        sum += e * e;
    }
    return sqrt(sum / n);
}

enum { N = 64 * 256 };

/* Error over the values' own rms. A step of s gives s / sqrt(12); the steps are the
 * range of a block, of 5 to 6 rms here, over the number of codes. */
static void errors_are_what_the_type_allows(void **state)
{
    (void)state;
    static const struct {
        uint32_t type;
        double most;
    } limit[] = {{QUANT_F32, 0},       {QUANT_F16, 0.0003}, {QUANT_BF16, 0.0025},
                 {QUANT_Q8_0, 0.0065}, {QUANT_Q6_K, 0.022}, {QUANT_Q5_K, 0.042},
                 {QUANT_Q5_1, 0.042},  {QUANT_Q5_0, 0.048}, {QUANT_Q4_K, 0.078},
                 {QUANT_Q4_1, 0.085},  {QUANT_Q4_0, 0.1}};
    static float x[N], y[N];
    uint8_t *file = malloc((size_t)N * 4);
    assert_non_null(file);
    uint64_t seed = 5;
    bell(x, N, &seed);
    for (size_t i = 0; i < sizeof limit / sizeof *limit; i++) {
        const struct quant_info *q = quant_find(limit[i].type);
        q->encode(x, file, N);
        q->decode(file, y, N);
        const double error = rms(x, y, N) / rms(x, NULL, N);
        if (!(error <= limit[i].most) || error < limit[i].most / 2)
            fail_msg("%s: error %.5f, expected %.5f to %.5f", q->name, error,
                     limit[i].most / 2, limit[i].most);
    }
    free(file);
}

/* What a type holds exactly comes back exactly, or nearly so where scales are searched
 * for: the search may prefer other codes, but no worse ones. */
static void decoded_values_stay(void **state)
{
    (void)state;
    static float x[N], y[N];
    uint8_t *file = malloc((size_t)N * 4);
    assert_non_null(file);
    for (const struct quant_info *q = NULL; (q = next_written(q));) {
        uint64_t seed = q->type;
        bell(x, N, &seed);
        q->encode(x, file, N);
        q->decode(file, x, N);
        q->encode(x, file, N);
        q->decode(file, y, N);
        const bool search = q->block_weights == 256;
        assert_close_rms(y, x, N, search ? 0.01 : 0.0006, "%s twice", q->name);
    }
    free(file);
}

/* All the same, zero, one large among small, tiny ones: finite and near. */
static void odd_blocks(void **state)
{
    (void)state;
    float x[256], y[256];
    uint8_t file[256 * 4];
    for (const struct quant_info *q = NULL; (q = next_written(q));)
        for (int kind = 0; kind < 7; kind++) {
            for (int i = 0; i < 256; i++)
                x[i] = kind == 0   ? 0
                       : kind == 1 ? 0.75f
                       : kind == 2 ? -0.75f
                       : kind == 3 ? (i == 77 ? 8.0f : 0)
                       : kind == 4 ? (i == 77 ? -8.0f : 0.01f)
                       : kind == 5 ? 1e-30f * (float)(i % 5)
                                   : (float)i / 256;
            q->encode(x, file, 256);
            q->decode(file, y, 256);
            for (int i = 0; i < 256; i++) {
                const float block = kind == 3 || kind == 4 ? 8 : 1;
                if (!(fabsf(x[i] - y[i]) <= block / 14))
                    fail_msg("%s, kind %d, weight %d: %g became %g", q->name, kind, i,
                             (double)x[i], (double)y[i]);
            }
        }
}

/* NaN and infinities have no good answer, but no undefined one either: the sanitizers
 * look at this test. */
static void values_that_break_arithmetic(void **state)
{
    (void)state;
    static const float bad[] = {NAN, INFINITY, -INFINITY, FLT_MAX, -FLT_MAX, FLT_MIN / 4};
    float x[256], y[256];
    uint8_t file[256 * 4];
    for (const struct quant_info *q = NULL; (q = next_written(q));)
        for (size_t b = 0; b < sizeof bad / sizeof *bad; b++)
            for (int all = 0; all < 2; all++) {
                for (int i = 0; i < 256; i++)
                    x[i] = all || i == 100 ? bad[b] : 0.5f;
                memset(file, 0xee, sizeof file);
                q->encode(x, file, 256);
                q->decode(file, y, 256);
                /* blocks without such a value are not touched by it */
                if (!all && q->block_weights <= 32)
                    assert_close(y, (float[]){0.5f, 0.5f, 0.5f}, 3, 0, 0.01f, "%s",
                                 q->name);
            }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_can_be_read),
        cmocka_unit_test(types_have_names),
        cmocka_unit_test(q8_0_by_hand),
        cmocka_unit_test(q4_0_by_hand),
        cmocka_unit_test(q4_1_by_hand),
        cmocka_unit_test(errors_are_what_the_type_allows),
        cmocka_unit_test(decoded_values_stay),
        cmocka_unit_test(odd_blocks),
        cmocka_unit_test(values_that_break_arithmetic),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
