/* encode.c - from f32 to Q8_0, Q4_0, Q4_1, Q5_0, Q5_1: the usual roundings of these
 * types, so that other programs write the same bytes for the same weights. */
#include "quant/types.h"

#include <math.h>
#include <string.h>

#include "base/half.h"

enum { BLOCK = 32 };

static void put_half(uint8_t *at, float f)
{
    const uint16_t h = half_from_f32(f);
    memcpy(at, &h, sizeof h);
}

/* The value that is farthest from 0, with its sign. */
static float farthest(const float *x)
{
    float most = 0;
    for (uint32_t i = 0; i < BLOCK; i++)
        if (fabsf(x[i]) > fabsf(most))
            most = x[i];
    return most;
}

/* 1 / x; 0 for what is 0 or has no finite inverse: the codes are those of 0 then. */
static float inverse(float x)
{
    const float y = x != 0 ? 1.0f / x : 0.0f;
    return isfinite(y) ? y : 0.0f;
}

/* Codes below `n`, halves upwards. */
static uint32_t code_of(float x, uint32_t n)
{
    const float up = x + 0.5f;
    return !(up > 0) ? 0 : !(up < (float)n) ? n - 1 : (uint32_t)up;
}

void quant_encode_q8_0(const float *src, void *dst, uint64_t n)
{
    uint8_t *p = dst;
    for (uint64_t i = 0; i < n; i += BLOCK, p += 2 + BLOCK) {
        const float d = fabsf(farthest(src + i)) / 127.0f, id = inverse(d);
        put_half(p, d);
        for (uint32_t j = 0; j < BLOCK; j++) {
            const float q = roundf(src[i + j] * id); /* within 127, or NaN */
            p[2 + j] = (uint8_t)(int8_t)(q >= -127 && q <= 127 ? q : 0);
        }
    }
}

/* 16 bytes of nibbles of the codes' low bits; four bytes of their fifth bits. */
static void put_nibbles(uint8_t *at, const uint32_t *code)
{
    for (uint32_t i = 0; i < BLOCK / 2; i++)
        at[i] = (uint8_t)((code[i] & 15) | (code[i + BLOCK / 2] & 15) << 4);
}

static void put_fifth(uint8_t *at, const uint32_t *code)
{
    uint32_t bits = 0;
    for (uint32_t i = 0; i < BLOCK; i++)
        bits |= code[i] >> 4 << i;
    memcpy(at, &bits, sizeof bits);
}

/* Codes around the middle: the farthest value gets code 0, which has no counterpart on
 * the other side. Returns the scale. */
static float around_middle(const float *x, uint32_t n_code, uint32_t *code)
{
    const float half = (float)(n_code / 2);
    const float d = farthest(x) / -half, id = inverse(d);
    for (uint32_t i = 0; i < BLOCK; i++)
        code[i] = code_of(x[i] * id + half, n_code);
    return d;
}

/* Codes from the minimum up. */
static float from_minimum(const float *x, uint32_t n_code, uint32_t *code, float *min)
{
    float lo = x[0], hi = x[0];
    for (uint32_t i = 1; i < BLOCK; i++) {
        lo = fminf(lo, x[i]);
        hi = fmaxf(hi, x[i]);
    }
    const float d = (hi - lo) / (float)(n_code - 1), id = inverse(d);
    for (uint32_t i = 0; i < BLOCK; i++)
        code[i] = code_of((x[i] - lo) * id, n_code);
    *min = lo;
    return d;
}

void quant_encode_q4_0(const float *src, void *dst, uint64_t n)
{
    uint8_t *p = dst;
    uint32_t code[BLOCK];
    for (uint64_t i = 0; i < n; i += BLOCK, p += 18) {
        put_half(p, around_middle(src + i, 16, code));
        put_nibbles(p + 2, code);
    }
}

void quant_encode_q5_0(const float *src, void *dst, uint64_t n)
{
    uint8_t *p = dst;
    uint32_t code[BLOCK];
    for (uint64_t i = 0; i < n; i += BLOCK, p += 22) {
        put_half(p, around_middle(src + i, 32, code));
        put_fifth(p + 2, code);
        put_nibbles(p + 6, code);
    }
}

void quant_encode_q4_1(const float *src, void *dst, uint64_t n)
{
    uint8_t *p = dst;
    uint32_t code[BLOCK];
    float min;
    for (uint64_t i = 0; i < n; i += BLOCK, p += 20) {
        put_half(p, from_minimum(src + i, 16, code, &min));
        put_half(p + 2, min);
        put_nibbles(p + 4, code);
    }
}

void quant_encode_q5_1(const float *src, void *dst, uint64_t n)
{
    uint8_t *p = dst;
    uint32_t code[BLOCK];
    float min;
    for (uint64_t i = 0; i < n; i += BLOCK, p += 24) {
        put_half(p, from_minimum(src + i, 32, code, &min));
        put_half(p + 2, min);
        put_fifth(p + 4, code);
        put_nibbles(p + 8, code);
    }
}
