/* test_quant_codes.c - Q4_1, Q5_0, Q5_1, IQ4_NL, IQ4_XS and MXFP4: blocks written from
 * the formats' definitions decode to what they mean. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "quant/quant.h"
#include "support/tolerance.h"

enum { N = 32 };

/* f16 scales and minimums: ordinary, least subnormal with negative, largest with 0. */
static const struct {
    uint16_t d, m;
    float d_value, m_value;
} factor[] = {
    {0x2e66, 0x211f, 1638 * 0x1p-14f, 1311 * 0x1p-17f},
    {0x0001, 0xb800, 0x1p-24f, -0.5f},
    {0x7bff, 0x0000, 65504.0f, 0.0f},
};
enum { N_FACTOR = sizeof factor / sizeof *factor };

static void put_u16(uint8_t *at, uint16_t v)
{
    at[0] = (uint8_t)(v & 255);
    at[1] = (uint8_t)(v >> 8);
}

/* Column i is in the low nibble of byte i, or in the high one of byte i - 16. */
static void put_nibble(uint8_t *at, uint32_t i, uint32_t code)
{
    at[i % 16] = (uint8_t)(at[i % 16] | code << (i / 16 * 4));
}

/* Bit i of four bytes. */
static void put_fifth(uint8_t *at, uint32_t i, uint32_t bit)
{
    at[i / 8] = (uint8_t)(at[i / 8] | bit << i % 8);
}

/* A different order of all nibbles in each half. */
static uint32_t code4(uint32_t i)
{
    return (i * 7 + i / 16 * 3) % 16;
}

/* Each of 0..31 once. */
static uint32_t code5(uint32_t i)
{
    return (i * 11 + 6) % 32;
}

static void q4_1_is_decoded(void **state)
{
    (void)state;
    uint8_t file[1 + N_FACTOR * 20] = {0};
    float got[N_FACTOR * N], want[N_FACTOR * N];
    for (uint32_t f = 0; f < N_FACTOR; f++) {
        uint8_t *p = file + 1 + f * 20;
        put_u16(p, factor[f].d);
        put_u16(p + 2, factor[f].m);
        for (uint32_t i = 0; i < N; i++) {
            put_nibble(p + 4, i, code4(i));
            want[f * N + i] = factor[f].d_value * (float)code4(i) + factor[f].m_value;
        }
    }
    quant_find(QUANT_Q4_1)->decode(file + 1, got, N_FACTOR * N);
    assert_bits(got, want, N_FACTOR * N);
}

static void q5_0_is_decoded(void **state)
{
    (void)state;
    uint8_t file[1 + N_FACTOR * 22] = {0};
    float got[N_FACTOR * N], want[N_FACTOR * N];
    for (uint32_t f = 0; f < N_FACTOR; f++) {
        uint8_t *p = file + 1 + f * 22;
        put_u16(p, factor[f].d);
        for (uint32_t i = 0; i < N; i++) {
            put_fifth(p + 2, i, code5(i) >> 4);
            put_nibble(p + 6, i, code5(i) & 15);
            want[f * N + i] = factor[f].d_value * (float)((int)code5(i) - 16);
        }
    }
    quant_find(QUANT_Q5_0)->decode(file + 1, got, N_FACTOR * N);
    assert_bits(got, want, N_FACTOR * N);
}

static void q5_1_is_decoded(void **state)
{
    (void)state;
    uint8_t file[1 + N_FACTOR * 24] = {0};
    float got[N_FACTOR * N], want[N_FACTOR * N];
    for (uint32_t f = 0; f < N_FACTOR; f++) {
        uint8_t *p = file + 1 + f * 24;
        put_u16(p, factor[f].d);
        put_u16(p + 2, factor[f].m);
        for (uint32_t i = 0; i < N; i++) {
            put_fifth(p + 4, i, code5(i) >> 4);
            put_nibble(p + 8, i, code5(i) & 15);
            want[f * N + i] = factor[f].d_value * (float)code5(i) + factor[f].m_value;
        }
    }
    quant_find(QUANT_Q5_1)->decode(file + 1, got, N_FACTOR * N);
    assert_bits(got, want, N_FACTOR * N);
}

/* The sixteen values, as ggml's kvalues_iq4nl has them. */
static const float iq4[16] = {-127, -104, -83, -65, -49, -35, -22, -10,
                              1,    13,   25,  38,  53,  69,  89,  113};

static void iq4_nl_is_decoded(void **state)
{
    (void)state;
    uint8_t file[1 + N_FACTOR * 18] = {0};
    float got[N_FACTOR * N], want[N_FACTOR * N];
    for (uint32_t f = 0; f < N_FACTOR; f++) {
        uint8_t *p = file + 1 + f * 18;
        put_u16(p, factor[f].d);
        for (uint32_t i = 0; i < N; i++) {
            put_nibble(p + 2, i, code4(i));
            want[f * N + i] = factor[f].d_value * iq4[code4(i)];
        }
    }
    quant_find(QUANT_IQ4_NL)->decode(file + 1, got, N_FACTOR * N);
    assert_bits(got, want, N_FACTOR * N);
}

/* d, 16 bits with the high two bits of eight scales, their nibbles, then the blocks. */
static void iq4_xs_is_decoded(void **state)
{
    (void)state;
    for (uint32_t f = 0; f < N_FACTOR; f++) {
        uint8_t file[1 + 136] = {0}, *p = file + 1;
        float got[8 * N], want[8 * N];
        uint32_t high = 0;
        put_u16(p, factor[f].d);
        for (uint32_t b = 0; b < 8; b++) {
            const uint32_t scale = (b * 27 + 1) % 64; /* 1, 28, 55, 18, … */
            high |= scale >> 4 << (2 * b);
            p[4 + b / 2] = (uint8_t)(p[4 + b / 2] | (scale & 15) << b % 2 * 4);
            for (uint32_t i = 0; i < N; i++) {
                const uint32_t q = (code4(i) + b) % 16;
                put_nibble(p + 8 + b * 16, i, q);
                want[b * N + i] = factor[f].d_value * (float)((int)scale - 32) * iq4[q];
            }
        }
        put_u16(p + 2, (uint16_t)high);
        quant_find(QUANT_IQ4_XS)->decode(p, got, 8 * N);
        assert_bits(got, want, 8 * N);
    }
}

/* E2M1: sign, exponent of bias 1, one bit of mantissa; a power of two less 127. */
static void mxfp4_is_decoded(void **state)
{
    (void)state;
    static const float e2m1[16] = {0,     0.5f,  1.0f,  1.5f,  2.0f,  3.0f,
                                   4.0f,  6.0f,  -0.0f, -0.5f, -1.0f, -1.5f,
                                   -2.0f, -3.0f, -4.0f, -6.0f};
    static const uint8_t exponent[] = {127, 120, 2, 1, 0, 130, 252};
    enum { N_EXPONENT = sizeof exponent };
    uint8_t file[1 + N_EXPONENT * 17] = {0};
    float got[N_EXPONENT * N], want[N_EXPONENT * N];
    for (uint32_t e = 0; e < N_EXPONENT; e++) {
        uint8_t *p = file + 1 + e * 17;
        p[0] = exponent[e];
        for (uint32_t i = 0; i < N; i++) {
            put_nibble(p + 1, i, code4(i));
            want[e * N + i] = (float)ldexp((double)e2m1[code4(i)], exponent[e] - 127);
        }
    }
    quant_find(QUANT_MXFP4)->decode(file + 1, got, N_EXPONENT * N);
    for (uint32_t i = 0; i < N_EXPONENT * N; i++)
        want[i] += 0.0f; /* the code of -0 decodes to 0: it is looked up as an integer */
    assert_bits(got, want, N_EXPONENT * N);
    assert_true(got[0] == 0 && got[7] == 0.5f); /* 7 * 7 % 16 = 1 */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(q4_1_is_decoded),   cmocka_unit_test(q5_0_is_decoded),
        cmocka_unit_test(q5_1_is_decoded),   cmocka_unit_test(iq4_nl_is_decoded),
        cmocka_unit_test(iq4_xs_is_decoded), cmocka_unit_test(mxfp4_is_decoded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
