/* test_quant_k.c - Q2_K to Q6_K: blocks written weight by weight from the formats'
 * definitions, with every scale, minimum and code chosen, decode to what they mean. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "quant/quant.h"
#include "support/tolerance.h"

enum { N = 256 };

/* f16 numbers of d and dmin, and what they are: ordinary ones, the least subnormal
 * with a negative one, the largest with zero. */
static const struct {
    uint16_t d, dmin;
    float d_value, dmin_value;
} factor[] = {
    {0x2e66, 0x211f, 1638 * 0x1p-14f, 1311 * 0x1p-17f},
    {0x0001, 0xb800, 0x1p-24f, -0.5f},
    {0x7bff, 0x0000, 65504.0f, 0.0f},
};
enum { N_FACTOR = sizeof factor / sizeof *factor };

/* A block under construction. `off` is 1: a file promises no alignment. */
struct block {
    uint8_t file[1 + 210];
    uint8_t *at;
};

static void start(struct block *b)
{
    memset(b->file, 0, sizeof b->file);
    b->at = b->file + 1;
}

static void put_u16(uint8_t *at, uint16_t v)
{
    at[0] = (uint8_t)(v & 255);
    at[1] = (uint8_t)(v >> 8);
}

static void put_bits(uint8_t *at, uint32_t value, uint32_t shift)
{
    *at = (uint8_t)(*at | value << shift);
}

static void check(uint32_t type, const struct block *b, const float *want)
{
    float got[N];
    quant_find(type)->decode(b->at, got, N);
    assert_bits(got, want, N);
}

/* Codes that take every value below `n` in each quarter, in no simple order. */
static uint32_t code_of(uint32_t i, uint32_t n)
{
    return (i * 7 + i / 64 * 3 + i / 32) % n;
}

/* ggml's Q2_K: 16 bytes of scales; byte l of 32 has the columns l, l + 32, l + 64 and
 * l + 96 of 128 from low to high bits; d; dmin. */
static void q2_k_is_decoded(void **state)
{
    (void)state;
    for (uint32_t f = 0; f < N_FACTOR; f++) {
        struct block b;
        float want[N];
        start(&b);
        for (uint32_t i = 0; i < N; i++) {
            const uint32_t s = i / 16, scale = s, min = (s * 5 + 3) % 16;
            const uint32_t q = code_of(i, 4);
            b.at[s] = (uint8_t)(scale | min << 4);
            put_bits(&b.at[16 + i / 128 * 32 + i % 32], q, i % 128 / 32 * 2);
            want[i] = factor[f].d_value * (float)(scale * q) -
                      factor[f].dmin_value * (float)min;
        }
        put_u16(b.at + 80, factor[f].d);
        put_u16(b.at + 82, factor[f].dmin);
        check(QUANT_Q2_K, &b, want);
    }
}

/* ggml's Q3_K: bit i / 32 of high[i % 32]; low bits as in Q2_K; 12 bytes with sixteen
 * scales of 6 bits, low nibbles first; d. Codes less 4, scales less 32. */
static void q3_k_is_decoded(void **state)
{
    (void)state;
    for (uint32_t f = 0; f < N_FACTOR; f++) {
        struct block b;
        float want[N];
        start(&b);
        for (uint32_t s = 0; s < 16; s++) {
            const uint32_t scale = (s * 9 + 2) % 64;
            put_bits(&b.at[96 + s % 8], scale & 15, s / 8 * 4);
            put_bits(&b.at[104 + s % 4], scale >> 4, s / 4 * 2);
        }
        for (uint32_t i = 0; i < N; i++) {
            const uint32_t q = code_of(i, 8);
            const int scale = (int)((i / 16 * 9 + 2) % 64) - 32;
            put_bits(&b.at[i % 32], q >> 2, i / 32);
            put_bits(&b.at[32 + i / 128 * 32 + i % 32], q & 3, i % 128 / 32 * 2);
            want[i] = factor[f].d_value * (float)scale * (float)((int)q - 4);
        }
        put_u16(b.at + 108, factor[f].d);
        check(QUANT_Q3_K, &b, want);
    }
}

/* The 12 bytes of Q4_K and Q5_K: scales and minimums 0..3 in 6 bits, what is left of
 * 4..7 in bytes 8..11 and above those 6 bits. */
static uint32_t scale_of(uint32_t s)
{
    return (s * 19 + 5) % 64;
}

static uint32_t min_of(uint32_t s)
{
    return (s * 13 + 40) % 64;
}

static void put_scales(uint8_t *at)
{
    for (uint32_t s = 0; s < 8; s++) {
        const uint32_t scale = scale_of(s), min = min_of(s);
        if (s < 4) {
            put_bits(&at[s], scale, 0);
            put_bits(&at[s + 4], min, 0);
        } else {
            put_bits(&at[s + 4], (scale & 15) | (min & 15) << 4, 0);
            put_bits(&at[s - 4], scale >> 4, 6);
            put_bits(&at[s], min >> 4, 6);
        }
    }
}

static float want_k(uint32_t f, uint32_t i, uint32_t code)
{
    return factor[f].d_value * (float)(scale_of(i / 32) * code) -
           factor[f].dmin_value * (float)min_of(i / 32);
}

/* ggml's Q4_K: d; dmin; scales; byte l of 32 has the columns l and l + 32 of 64. */
static void q4_k_is_decoded(void **state)
{
    (void)state;
    for (uint32_t f = 0; f < N_FACTOR; f++) {
        struct block b;
        float want[N];
        start(&b);
        put_u16(b.at, factor[f].d);
        put_u16(b.at + 2, factor[f].dmin);
        put_scales(b.at + 4);
        for (uint32_t i = 0; i < N; i++) {
            const uint32_t q = code_of(i, 16);
            put_bits(&b.at[16 + i / 64 * 32 + i % 32], q, i % 64 / 32 * 4);
            want[i] = want_k(f, i, q);
        }
        check(QUANT_Q4_K, &b, want);
    }
}

/* ggml's Q5_K: as Q4_K, with bit i / 32 of high[i % 32] before the nibbles. */
static void q5_k_is_decoded(void **state)
{
    (void)state;
    for (uint32_t f = 0; f < N_FACTOR; f++) {
        struct block b;
        float want[N];
        start(&b);
        put_u16(b.at, factor[f].d);
        put_u16(b.at + 2, factor[f].dmin);
        put_scales(b.at + 4);
        for (uint32_t i = 0; i < N; i++) {
            const uint32_t q = code_of(i, 32);
            put_bits(&b.at[16 + i % 32], q >> 4, i / 32);
            put_bits(&b.at[48 + i / 64 * 32 + i % 32], q & 15, i % 64 / 32 * 4);
            want[i] = want_k(f, i, q);
        }
        check(QUANT_Q5_K, &b, want);
    }
}

/* ggml's Q6_K, of each 128 columns: byte l of 64 has the low nibbles of l and l + 64;
 * byte l of 32 the high bits of l, l + 32, l + 64, l + 96. Then 16 signed scales; d.
 * Codes less 32. */
static void q6_k_is_decoded(void **state)
{
    (void)state;
    for (uint32_t f = 0; f < N_FACTOR; f++) {
        struct block b;
        float want[N];
        start(&b);
        for (uint32_t i = 0; i < N; i++) {
            const uint32_t half = i / 128, l = i % 128, q = code_of(i, 64);
            const int scale = (int)(i / 16) * 17 - 128; /* -128 to 127 */
            put_bits(&b.at[half * 64 + l % 64], q & 15, l / 64 * 4);
            put_bits(&b.at[128 + half * 32 + l % 32], q >> 4, l / 32 * 2);
            b.at[192 + i / 16] = (uint8_t)(scale & 255);
            want[i] = factor[f].d_value * (float)scale * (float)((int)q - 32);
        }
        put_u16(b.at + 208, factor[f].d);
        check(QUANT_Q6_K, &b, want);
    }
}

/* Rows of several superblocks: the second begins behind the first. */
static void superblocks_follow_each_other(void **state)
{
    (void)state;
    for (uint32_t type = QUANT_Q2_K; type <= QUANT_Q6_K; type++) {
        const struct quant_info *q = quant_find(type);
        uint8_t file[3 * 210];
        float whole[3 * N], single[3 * N];
        uint64_t seed = type;
        for (size_t i = 0; i < sizeof file; i++)
            file[i] = (uint8_t)random_u32(&seed);
        q->decode(file, whole, 3 * N);
        for (uint32_t k = 0; k < 3; k++)
            q->decode(file + k * q->block_bytes, single + k * N, N);
        assert_bits(whole, single, 3 * N);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(q2_k_is_decoded),
        cmocka_unit_test(q3_k_is_decoded),
        cmocka_unit_test(q4_k_is_decoded),
        cmocka_unit_test(q5_k_is_decoded),
        cmocka_unit_test(q6_k_is_decoded),
        cmocka_unit_test(superblocks_follow_each_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
