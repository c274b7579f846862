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
    assert_int_equal(n, 16);
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

/* Codes 0 to 3 with steps of 0.25 from 0 in even sub-blocks, from -0.5 in odd ones:
 * scales 15 of d = 0.25 / 15 (0x2444), minimums 0 or 15 of dmin = 0.5 / 15 (0x2844). */
static void q2_k_by_hand(void **state)
{
    (void)state;
    float x[256];
    uint8_t got[84], want[84];
    for (int i = 0; i < 256; i++)
        x[i] = 0.25f * (float)(i % 4) - (i / 16 % 2 ? 0.5f : 0);
    for (int s = 0; s < 16; s++)
        want[s] = s % 2 ? 0xff : 0x0f;
    for (int i = 0; i < 64; i++)
        want[16 + i] = (uint8_t)(i % 4 * 0x55); /* the same code in four columns */
    memcpy(want + 80, (uint8_t[]){0x44, 0x24, 0x44, 0x28}, 4);
    quant_find(QUANT_Q2_K)->encode(x, got, 256);
    assert_memory_equal(got, want, 84);
}

/* Codes -4 to 3 times 1 in all sub-blocks but the last, where they are times -31/32: d is
 * -1/32 (0xa800), the scales -32 and 31. */
static void q3_k_by_hand(void **state)
{
    (void)state;
    float x[256];
    uint8_t got[110], want[110] = {0};
    for (int i = 0; i < 256; i++)
        x[i] = (float)(i % 8 - 4) * (i < 240 ? 1 : -31.0f / 32);
    for (int l = 0; l < 32; l++)
        want[l] = l % 8 < 4 ? 0 : 0xff;
    for (int i = 0; i < 64; i++)
        want[32 + i] = (uint8_t)(i % 4 * 0x55);
    want[96 + 7] = 0xf0;  /* 31 + 32 = 63: nibble 15 */
    want[96 + 11] = 0xc0; /* and 3 */
    memcpy(want + 108, (uint8_t[]){0x00, 0xa8}, 2);
    quant_find(QUANT_Q3_K)->encode(x, got, 256);
    assert_memory_equal(got, want, 110);
}

/* Every value of the table twice, times 1/4: d is 0x3400, and codes are in order. */
static void iq4_by_hand(void **state)
{
    (void)state;
    static const int8_t value[] = {-127, -104, -83, -65, -49, -35, -22, -10,
                                   1,    13,   25,  38,  53,  69,  89,  113};
    float x[256];
    uint8_t got[136], want[136] = {0};
    for (int i = 0; i < 256; i++)
        x[i] = 0.25f * (float)value[i % 16];
    memcpy(want, (uint8_t[]){0x00, 0x34}, 2);
    for (int i = 0; i < 16; i++)
        want[2 + i] = (uint8_t)(i | i << 4);
    quant_find(QUANT_IQ4_NL)->encode(x, got, 32);
    assert_memory_equal(got, want, 18);

    /* d = 0.25 / -32 (0xa000), all scales -32: six bits of 0; but block 5 is four times
     * smaller: scale -8, bits 24 = 8 | 1 << 4. */
    memset(want, 0, sizeof want);
    memcpy(want, (uint8_t[]){0x00, 0xa0, 0x00, 0x04}, 4);
    want[4 + 2] = 0x80;
    for (int i = 0; i < 128; i++)
        want[8 + i] = (uint8_t)(i % 16 | i % 16 << 4);
    for (int i = 160; i < 192; i++)
        x[i] /= 4;
    quant_find(QUANT_IQ4_XS)->encode(x, got, 256);
    assert_memory_equal(got, want, 136);
}

/* The farthest is 6 * 2^-3: exponent 127 - 3. 0.26 is 2.08 of the scale, 0.32 is 2.56:
 * nearer to 3. In the second block 7.9 would be cut to 6: 4 * 2 is nearer. */
static void mxfp4_by_hand(void **state)
{
    (void)state;
    float x[64] = {0.75f, -0.75f, 0.26f, 0.32f, -0.0625f, 0.03f, 0.4999f};
    uint8_t got[34], want[34] = {124, 7, 15, 4, 5, 9, 0, 6};
    x[16 + 2] = -0.125f;
    want[1 + 2] |= 10 << 4;
    x[32] = 7.9f;
    x[33] = -2;
    want[17] = 128;
    want[18] = 6;
    want[19] = 10;
    quant_find(QUANT_MXFP4)->encode(x, got, 64);
    assert_memory_equal(got, want, 34);
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
                 {QUANT_Q4_1, 0.085},  {QUANT_Q4_0, 0.1},   {QUANT_IQ4_NL, 0.08},
                 {QUANT_IQ4_XS, 0.08}, {QUANT_MXFP4, 0.14}, {QUANT_Q3_K, 0.17},
                 {QUANT_Q2_K, 0.35}};
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
                /* MXFP4 has nothing between 4 and 6 parts of 6 */
                const float parts = q->type == QUANT_MXFP4 ? 6 : 14;
                if (!(fabsf(x[i] - y[i]) <= block / parts))
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
        cmocka_unit_test(q2_k_by_hand),
        cmocka_unit_test(q3_k_by_hand),
        cmocka_unit_test(iq4_by_hand),
        cmocka_unit_test(mxfp4_by_hand),
        cmocka_unit_test(errors_are_what_the_type_allows),
        cmocka_unit_test(decoded_values_stay),
        cmocka_unit_test(odd_blocks),
        cmocka_unit_test(values_that_break_arithmetic),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
