/* encode_fp4.c - from f32 to the nibbles that choose from sixteen values: IQ4_NL,
 * IQ4_XS, MXFP4. Scales are those of a few with the smallest error. */
#include "quant/types.h"

#include <math.h>
#include <string.h>

#include "base/half.h"
#include "quant/fit.h"
#include "quant/planes.h"

enum { BLOCK = 32, SB_BLOCKS = 8 };

static void put_nibbles(uint8_t *at, const uint8_t *code)
{
    for (uint32_t i = 0; i < BLOCK / 2; i++)
        at[i] = (uint8_t)(code[i] | code[i + BLOCK / 2] << 4);
}

/* ---- IQ4: a table that is closer together near zero ------------------------------- */

/* The number of the nearest value: how many middles between neighbours lie below. */
static uint8_t nearest_iq4(float x)
{
    uint8_t code = 0;
    for (uint32_t step = 8; step; step /= 2) {
        const uint32_t to = code + step;
        const int twice = quant_iq4_value[to - 1] + quant_iq4_value[to];
        if (2 * x > (float)twice)
            code = (uint8_t)to;
    }
    return code;
}

/* Of scales around those that give the farthest value one of the two ends of the table:
 * the one that leaves the least weighted error with the best scale for its codes. */
static float search_iq4(const float *x)
{
    float w[BLOCK], most = 0, best = 0, least = 0;
    for (uint32_t i = 0; i < BLOCK; i++)
        if (fabsf(x[i]) > fabsf(most))
            most = x[i];
    if (!(fabsf(most) > 1e-30f))
        return 0;
    fit_importance(x, BLOCK, w);
    for (int step = -15; step < 15; step++) {
        const float end = (float)quant_iq4_value[step < 0 ? 0 : 15];
        const float inv = (end + (float)(step < 0 ? step + 8 : step - 7)) / most;
        float wxq = 0, wqq = 0;
        for (uint32_t i = 0; i < BLOCK; i++) {
            const float q = (float)quant_iq4_value[nearest_iq4(x[i] * inv)];
            wxq += w[i] * x[i] * q;
            wqq += w[i] * q * q;
        }
        const float error = -wxq * wxq / wqq; /* the table has no 0 */
        if (error < least) {
            least = error;
            best = wxq / wqq;
        }
    }
    return best;
}

static void codes_iq4(const float *x, float scale, uint8_t *code)
{
    const float inv = scale != 0 ? 1 / scale : 0;
    for (uint32_t i = 0; i < BLOCK; i++)
        code[i] = nearest_iq4(x[i] * inv);
}

void quant_encode_iq4_nl(const float *src, void *dst, uint64_t n)
{
    uint8_t *p = dst, code[BLOCK];
    for (uint64_t i = 0; i < n; i += BLOCK, p += 2 + BLOCK / 2) {
        const uint16_t d = half_from_f32(search_iq4(src + i));
        codes_iq4(src + i, half_to_f32(d), code);
        memcpy(p, &d, sizeof d);
        put_nibbles(p + 2, code);
    }
}

void quant_encode_iq4_xs(const float *src, void *dst, uint64_t n)
{
    uint8_t *p = dst, code[BLOCK];
    for (uint64_t i = 0; i < n; i += QUANT_SB_COLS, p += 136) {
        float scale[SB_BLOCKS], most = 0;
        for (uint32_t b = 0; b < SB_BLOCKS; b++) {
            scale[b] = search_iq4(src + i + b * BLOCK);
            if (fabsf(scale[b]) > fabsf(most))
                most = scale[b];
        }
        const uint16_t half = half_from_f32(most / -32);
        const float d = half_to_f32(half);
        uint16_t high = 0;
        memset(p + 4, 0, SB_BLOCKS / 2);
        for (uint32_t b = 0; b < SB_BLOCKS; b++) {
            const int times = d != 0 ? fit_nearest(scale[b] / d, -32, 31) : 0;
            const uint32_t six = (uint32_t)(times + 32);
            codes_iq4(src + i + b * BLOCK, d * (float)times, code);
            put_nibbles(p + 8 + b * (BLOCK / 2), code);
            p[4 + b / 2] = (uint8_t)(p[4 + b / 2] | (six & 15) << (4 * (b % 2)));
            high = (uint16_t)(high | six >> 4 << (2 * b));
        }
        memcpy(p, &half, sizeof half);
        memcpy(p + 2, &high, sizeof high);
    }
}

/* ---- MXFP4: sign, two bits of exponent, one of mantissa ------------------------------
 */

/* Values 0, 0.5, 1, 1.5, 2, 3, 4, 6; in the middle between two the smaller one. NaN: 0.
 */
static uint8_t nearest_e2m1(float x)
{
    static const float middle[] = {0.25f, 0.75f, 1.25f, 1.75f, 2.5f, 3.5f, 5};
    uint8_t code = 0;
    while (code < 7 && fabsf(x) > middle[code])
        code++;
    return (uint8_t)(code | (x < 0 ? 8 : 0));
}

/* Sum of the squared errors with scale 2^e, and the codes. */
static double codes_mxfp4(const float *x, int e, uint8_t *code)
{
    static const float value[] = {0, 0.5f, 1, 1.5f, 2, 3, 4, 6};
    double sum = 0;
    for (uint32_t i = 0; i < BLOCK; i++) {
        const float scaled = ldexpf(x[i], -e);
        code[i] = nearest_e2m1(scaled);
        const double error = (double)fabsf(scaled) - (double)value[code[i] & 7];
        sum += error * error;
    }
    return ldexp(sum, 2 * e);
}

/* The largest value between 4 and 8 of the scale, so that it is rounded, or between 2 and
 * 4, so that it is not cut to 6: whichever has the smaller error. */
void quant_encode_mxfp4(const float *src, void *dst, uint64_t n)
{
    enum { BIAS = 127, LOWEST = 2 - BIAS, HIGHEST = 254 - BIAS };
    uint8_t *p = dst, code[BLOCK], other[BLOCK];
    for (uint64_t i = 0; i < n; i += BLOCK, p += 1 + BLOCK / 2) {
        float most = 0;
        for (uint32_t j = 0; j < BLOCK; j++)
            most = fmaxf(most, fabsf(src[i + j]));
        int e = LOWEST;
        if (most > 0)
            (void)frexpf(fminf(most, 3e38f), &e);
        e = e - 3 < LOWEST ? LOWEST : e - 3 > HIGHEST ? HIGHEST : e - 3;
        const double error = codes_mxfp4(src + i, e, code);
        if (e < HIGHEST && codes_mxfp4(src + i, e + 1, other) < error) {
            e++;
            memcpy(code, other, sizeof code);
        }
        p[0] = (uint8_t)(e + BIAS);
        put_nibbles(p + 1, code);
    }
}
