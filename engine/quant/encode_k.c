/* encode_k.c - from f32 to Q4_K, Q5_K and Q6_K. Scales are searched for: of a few
 * roundings of the codes, the one whose best scale (and minimum), found by weighted
 * least squares, leaves the smallest error. */
#include "quant/k.h"

#include <math.h>
#include <string.h>

#include "base/half.h"
#include "quant/types.h"

enum { MAX_SUB = 32, LANES = 4 }; /* columns of a sub-block at most */

/* NaN becomes `low`. */
static int nearest(float x, int low, int high)
{
    const float lo = (float)low, hi = (float)high;
    const float above = x > lo ? x : lo, inside = above < hi ? above : hi;
    return low + (int)(inside - lo + 0.5f);
}

/* What an error of each weight counts: large ones more, as the products with them are
 * larger, but none so little that it would be given up. */
static void importance(const float *x, uint32_t n, float *w)
{
    float sum = 0;
    for (uint32_t i = 0; i < n; i++)
        sum += x[i] * x[i];
    const float rms = sqrtf(sum / (float)n);
    for (uint32_t i = 0; i < n; i++)
        w[i] = rms + fabsf(x[i]);
}

/* ---- scale alone ---------------------------------------------------------------- */

/* The scale s for which sum w (x - s q)^2 is least with the codes of x * inv, and what
 * remains of that sum, less the part that is the same for all codes. */
static float scale_for(const float *x, const float *w, uint32_t n, float inv, int low,
                       int high, float *error)
{
    float wxq = 0, wqq = 0;
    for (uint32_t i = 0; i < n; i++) {
        const float q = (float)nearest(x[i] * inv, low, high);
        wxq += w[i] * x[i] * q;
        wqq += w[i] * q * q;
    }
    *error = wqq > 0 ? -wxq * wxq / wqq : 0;
    return wqq > 0 ? wxq / wqq : 0;
}

/* Scale for codes in [-half, half). Its sign lets the farthest value have -half. */
static float search_scale(const float *x, uint32_t n, int half)
{
    float w[MAX_SUB], most = 0, best = 0, least = 0;
    for (uint32_t i = 0; i < n; i++)
        if (fabsf(x[i]) > fabsf(most))
            most = x[i];
    if (!(fabsf(most) > 1e-30f))
        return 0;
    importance(x, n, w);
    for (int step = -9; step <= 9; step++) {
        float error;
        const float inv = -((float)half + 0.1f * (float)step) / most;
        const float s = scale_for(x, w, n, inv, -half, half - 1, &error);
        if (error < least) {
            least = error;
            best = s;
        }
    }
    return best;
}

/* ---- scale and minimum ------------------------------------------------------------ */

struct fit {
    float scale, min; /* x is about scale * code - min, both >= 0 */
    float error;      /* sum of w (x - that)^2 */
};

/* Sums over a sub-block, in lanes that a compiler can keep in one register each. */
struct sums {
    float q[LANES], qq[LANES], xq[LANES];
};

static float total(const float *lane)
{
    return (lane[0] + lane[1]) + (lane[2] + lane[3]);
}

/* Sums of the codes of (x + min) * inv, each times its weight; and the codes. */
static struct sums sum_codes(const float *x, const float *w, int high, float inv,
                             float min, float *code)
{
    struct sums s = {0};
    for (uint32_t i = 0; i < MAX_SUB; i += LANES)
        for (uint32_t l = 0; l < LANES; l++) {
            const float q = (float)nearest((x[i + l] + min) * inv, 0, high);
            const float wq = w[i + l] * q;
            code[i + l] = q;
            s.q[l] += wq;
            s.qq[l] += wq * q;
            s.xq[l] += wq * x[i + l];
        }
    return s;
}

/* Least squares of scale and minimum for those codes. sw and sx: sums of w and of w x. */
static struct fit fit_for(const float *x, const float *w, double sw, double sx, int high,
                          float inv, float min)
{
    float code[MAX_SUB], error[LANES] = {0};
    const struct sums s = sum_codes(x, w, high, inv, min, code);
    const double sq = (double)total(s.q), sqq = (double)total(s.qq),
                 sxq = (double)total(s.xq), det = sw * sqq - sq * sq;
    struct fit f = {0};
    if (det > 0) {
        f.scale = (float)((sw * sxq - sq * sx) / det);
        f.min = (float)((sq * sxq - sqq * sx) / det);
    }
    if (!(det > 0) || f.min < 0 || f.scale < 0) { /* a minimum above 0 is not possible */
        f.min = 0;
        f.scale = sqq > 0 && sxq > 0 ? (float)(sxq / sqq) : 0;
    }
    for (uint32_t i = 0; i < MAX_SUB; i += LANES)
        for (uint32_t l = 0; l < LANES; l++) {
            const float e = x[i + l] - (f.scale * code[i + l] - f.min);
            error[l] += w[i + l] * e * e;
        }
    f.error = total(error);
    return f;
}

static struct fit search_fit(const float *x, int high)
{
    float w[MAX_SUB], lo = 0, hi = x[0];
    for (uint32_t i = 0; i < MAX_SUB; i++) {
        lo = fminf(lo, x[i]);
        hi = fmaxf(hi, x[i]);
    }
    struct fit best = {.min = -lo};
    if (!(hi - lo > 1e-30f))
        return best;
    importance(x, MAX_SUB, w);
    double sw = 0, sx = 0;
    for (uint32_t i = 0; i < MAX_SUB; i++) {
        sw += (double)w[i];
        sx += (double)(w[i] * x[i]);
    }
    best.error = INFINITY;
    for (int step = -10; step <= 20; step += 2) {
        const float inv = ((float)high + 0.1f * (float)step) / (hi - lo);
        const struct fit f = fit_for(x, w, sw, sx, high, inv, -lo);
        if (f.error < best.error)
            best = f;
    }
    return best;
}

/* Scales and minimums of a superblock become 6-bit multiples of two f16; then the codes
 * are rounded anew, for what the multiples really are. */
static void quantize_fits(const float *x, int high, struct quant_k *k)
{
    struct fit fit[8];
    float most_scale = 0, most_min = 0;
    for (uint32_t s = 0; s < 8; s++) {
        fit[s] = search_fit(x + s * MAX_SUB, high);
        most_scale = fmaxf(most_scale, fit[s].scale);
        most_min = fmaxf(most_min, fit[s].min);
    }
    k->d = half_from_f32(most_scale / 63);
    k->dmin = half_from_f32(most_min / 63);
    const float d = half_to_f32(k->d), dmin = half_to_f32(k->dmin);
    for (uint32_t s = 0; s < 8; s++) {
        k->scale[s] = (int8_t)(d > 0 ? nearest(fit[s].scale / d, 0, 63) : 0);
        k->min[s] = (uint8_t)(dmin > 0 ? nearest(fit[s].min / dmin, 0, 63) : 0);
        const float scale = d * (float)k->scale[s], min = dmin * (float)k->min[s];
        for (uint32_t i = s * MAX_SUB; i < (s + 1) * MAX_SUB; i++)
            k->code[i] =
                (uint8_t)(scale > 0 ? nearest((x[i] + min) / scale, 0, high) : 0);
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

void quant_encode_q4_k(const float *src, void *dst, uint64_t n)
{
    uint8_t *p = dst;
    struct quant_k k;
    for (uint64_t i = 0; i < n; i += QUANT_SB_COLS, p += 144) {
        quantize_fits(src + i, 15, &k);
        put_head(&k, p);
        join_nibbles(k.code, p + 16);
    }
}

void quant_encode_q5_k(const float *src, void *dst, uint64_t n)
{
    uint8_t *p = dst;
    struct quant_k k;
    for (uint64_t i = 0; i < n; i += QUANT_SB_COLS, p += 176) {
        quantize_fits(src + i, 31, &k);
        put_head(&k, p);
        memset(p + 16, 0, 32);
        for (uint32_t c = 0; c < QUANT_SB_COLS; c++)
            p[16 + c % 32] = (uint8_t)(p[16 + c % 32] | k.code[c] >> 4 << c / 32);
        join_nibbles(k.code, p + 48);
    }
}

static void quantize_q6_k(const float *x, struct quant_k *k)
{
    float scale[16], most = 0;
    for (uint32_t s = 0; s < 16; s++) {
        scale[s] = search_scale(x + 16 * s, 16, 32);
        if (fabsf(scale[s]) > fabsf(most))
            most = scale[s];
    }
    k->d = half_from_f32(most / -128);
    const float d = half_to_f32(k->d);
    for (uint32_t s = 0; s < 16; s++) {
        k->scale[s] = (int8_t)(d != 0 ? nearest(scale[s] / d, -128, 127) : 0);
        const float step = d * (float)k->scale[s];
        for (uint32_t i = 16 * s; i < 16 * s + 16; i++)
            k->code[i] = (uint8_t)(32 + (step != 0 ? nearest(x[i] / step, -32, 31) : 0));
    }
}

void quant_encode_q6_k(const float *src, void *dst, uint64_t n)
{
    uint8_t *p = dst;
    struct quant_k k;
    for (uint64_t i = 0; i < n; i += QUANT_SB_COLS, p += 210) {
        quantize_q6_k(src + i, &k);
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
