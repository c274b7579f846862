/* encode_k.c - from f32 to Q2_K to Q6_K: scales of sub-blocks from fit.c, rounded to the
 * few bits that the superblock has for each; then the codes for what they became. */
#include "quant/k.h"

#include <math.h>
#include <string.h>

#include "base/half.h"
#include "quant/fit.h"
#include "quant/types.h"

/* Sub-blocks of `sub` columns; codes from 0 to `high`; their scales and minimums become
 * multiples, from 0 to `top`, of two f16. */
struct shape {
    uint32_t sub;
    int high, top;
};

static void quantize_fits(const float *x, const struct shape *shape, struct quant_k *k)
{
    const uint32_t sub = shape->sub, n_sub = QUANT_SB_COLS / sub;
    struct fit fit[16];
    float most_scale = 0, most_min = 0;
    for (uint32_t s = 0; s < n_sub; s++) {
        fit[s] = fit_range(x + s * sub, sub, shape->high);
        most_scale = fmaxf(most_scale, fit[s].scale);
        most_min = fmaxf(most_min, fit[s].min);
    }
    k->d = half_from_f32(most_scale / (float)shape->top);
    k->dmin = half_from_f32(most_min / (float)shape->top);
    const float d = half_to_f32(k->d), dmin = half_to_f32(k->dmin);
    for (uint32_t s = 0; s < n_sub; s++) {
        k->scale[s] = (int8_t)(d > 0 ? fit_nearest(fit[s].scale / d, 0, shape->top) : 0);
        k->min[s] =
            (uint8_t)(dmin > 0 ? fit_nearest(fit[s].min / dmin, 0, shape->top) : 0);
        const float scale = d * (float)k->scale[s], min = dmin * (float)k->min[s];
        for (uint32_t i = s * sub; i < (s + 1) * sub; i++)
            k->code[i] =
                (uint8_t)(scale > 0 ? fit_nearest((x[i] + min) / scale, 0, shape->high)
                                    : 0);
    }
}

/* Sub-blocks of 16 with signed scales: multiples of one f16 from -top to top - 1; codes
 * from 0 to 2 half - 1 around half. */
static void quantize_scales(const float *x, int half, int top, struct quant_k *k)
{
    float scale[16], most = 0;
    for (uint32_t s = 0; s < 16; s++) {
        scale[s] = fit_scale(x + 16 * s, 16, half);
        if (fabsf(scale[s]) > fabsf(most))
            most = scale[s];
    }
    k->d = half_from_f32(most / (float)-top);
    const float d = half_to_f32(k->d);
    for (uint32_t s = 0; s < 16; s++) {
        k->scale[s] = (int8_t)(d != 0 ? fit_nearest(scale[s] / d, -top, top - 1) : 0);
        const float step = d * (float)k->scale[s];
        for (uint32_t i = 16 * s; i < 16 * s + 16; i++)
            k->code[i] =
                (uint8_t)(half +
                          (step != 0 ? fit_nearest(x[i] / step, -half, half - 1) : 0));
    }
}

/* ---- blocks --------------------------------------------------------------------- */

static void join_scales_and_mins(const struct quant_k *k, uint8_t *s)
{
    for (uint32_t j = 0; j < 4; j++) {
        const uint32_t scale = (uint32_t)k->scale[4 + j], min = k->min[4 + j];
        s[j] = (uint8_t)((uint32_t)k->scale[j] | scale >> 4 << 6);
        s[4 + j] = (uint8_t)(k->min[j] | min >> 4 << 6);
        s[8 + j] = (uint8_t)((scale & 15) | (min & 15) << 4);
    }
}

static void join_nibbles(const uint8_t *code, uint8_t *q)
{
    for (uint32_t c = 0; c < 4; c++)
        for (uint32_t l = 0; l < 32; l++)
            q[32 * c + l] =
                (uint8_t)((code[64 * c + l] & 15) | (code[64 * c + 32 + l] & 15) << 4);
}

static void put_head(const struct quant_k *k, uint8_t *p)
{
    memcpy(p, &k->d, 2);
    memcpy(p + 2, &k->dmin, 2);
    join_scales_and_mins(k, p + 4);
}

/* The two low bits of the codes: byte l of each 32 has the columns l, l + 32, l + 64 and
 * l + 96 of a half. */
static void join_two_bits(const uint8_t *code, uint8_t *q)
{
    for (uint32_t half = 0; half < 2; half++)
        for (uint32_t l = 0; l < 32; l++) {
            const uint8_t *c = code + 128 * half + l;
            q[32 * half + l] = (uint8_t)((c[0] & 3) | (c[32] & 3) << 2 |
                                         (c[64] & 3) << 4 | (c[96] & 3) << 6);
        }
}

void quant_encode_q2_k(const float *src, void *dst, uint64_t n)
{
    uint8_t *p = dst;
    const struct shape shape = {.sub = 16, .high = 3, .top = 15};
    struct quant_k k;
    for (uint64_t i = 0; i < n; i += QUANT_SB_COLS, p += 84) {
        quantize_fits(src + i, &shape, &k);
        for (uint32_t s = 0; s < 16; s++)
            p[s] = (uint8_t)(k.scale[s] | k.min[s] << 4);
        join_two_bits(k.code, p + 16);
        memcpy(p + 80, &k.d, 2);
        memcpy(p + 82, &k.dmin, 2);
    }
}

/* Scales plus 32: low nibbles of 0..7 and 8..15 in bytes 0..7, the two high bits of four
 * scales apart in bytes 8..11. */
static void join_q3_scales(const int8_t *scale, uint8_t *out)
{
    memset(out, 0, 12);
    for (uint32_t s = 0; s < 16; s++) {
        const uint32_t u = (uint32_t)(scale[s] + 32);
        out[s % 8] = (uint8_t)(out[s % 8] | (u & 15) << (s < 8 ? 0 : 4));
        out[8 + s % 4] = (uint8_t)(out[8 + s % 4] | u >> 4 << (2 * (s / 4)));
    }
}

void quant_encode_q3_k(const float *src, void *dst, uint64_t n)
{
    uint8_t *p = dst;
    struct quant_k k;
    for (uint64_t i = 0; i < n; i += QUANT_SB_COLS, p += 110) {
        quantize_scales(src + i, 4, 32, &k);
        memset(p, 0, 32);
        for (uint32_t c = 0; c < QUANT_SB_COLS; c++)
            p[c % 32] = (uint8_t)(p[c % 32] | k.code[c] >> 2 << c / 32);
        join_two_bits(k.code, p + 32);
        join_q3_scales(k.scale, p + 96);
        memcpy(p + 108, &k.d, 2);
    }
}

void quant_encode_q4_k(const float *src, void *dst, uint64_t n)
{
    uint8_t *p = dst;
    const struct shape shape = {.sub = 32, .high = 15, .top = 63};
    struct quant_k k;
    for (uint64_t i = 0; i < n; i += QUANT_SB_COLS, p += 144) {
        quantize_fits(src + i, &shape, &k);
        put_head(&k, p);
        join_nibbles(k.code, p + 16);
    }
}

void quant_encode_q5_k(const float *src, void *dst, uint64_t n)
{
    uint8_t *p = dst;
    const struct shape shape = {.sub = 32, .high = 31, .top = 63};
    struct quant_k k;
    for (uint64_t i = 0; i < n; i += QUANT_SB_COLS, p += 176) {
        quantize_fits(src + i, &shape, &k);
        put_head(&k, p);
        memset(p + 16, 0, 32);
        for (uint32_t c = 0; c < QUANT_SB_COLS; c++)
            p[16 + c % 32] = (uint8_t)(p[16 + c % 32] | k.code[c] >> 4 << c / 32);
        join_nibbles(k.code, p + 48);
    }
}

void quant_encode_q6_k(const float *src, void *dst, uint64_t n)
{
    uint8_t *p = dst;
    struct quant_k k;
    for (uint64_t i = 0; i < n; i += QUANT_SB_COLS, p += 210) {
        quantize_scales(src + i, 32, 128, &k);
        for (uint32_t half = 0; half < 2; half++) {
            const uint8_t *c = k.code + 128 * half;
            for (uint32_t l = 0; l < 64; l++)
                p[64 * half + l] = (uint8_t)((c[l] & 15) | (c[l + 64] & 15) << 4);
            for (uint32_t l = 0; l < 32; l++)
                p[128 + 32 * half + l] =
                    (uint8_t)(c[l] >> 4 | c[l + 32] >> 4 << 2 | c[l + 64] >> 4 << 4 |
                              c[l + 96] >> 4 << 6);
        }
        memcpy(p + 192, k.scale, sizeof k.scale);
        memcpy(p + 208, &k.d, 2);
    }
}
