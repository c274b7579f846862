/* fit.c - scales and minimums of few weights by weighted least squares. */
#include "quant/fit.h"

#include <math.h>

enum { LANES = 4 };

int fit_nearest(float x, int low, int high)
{
    const float lo = (float)low, hi = (float)high;
    const float above = x > lo ? x : lo, inside = above < hi ? above : hi;
    return low + (int)(inside - lo + 0.5f);
}

void fit_importance(const float *x, uint32_t n, float *w)
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
        const float q = (float)fit_nearest(x[i] * inv, low, high);
        wxq += w[i] * x[i] * q;
        wqq += w[i] * q * q;
    }
    *error = wqq > 0 ? -wxq * wxq / wqq : 0;
    return wqq > 0 ? wxq / wqq : 0;
}

float fit_scale(const float *x, uint32_t n, int half)
{
    float w[FIT_MAX], most = 0, best = 0, least = 0;
    for (uint32_t i = 0; i < n; i++)
        if (fabsf(x[i]) > fabsf(most))
            most = x[i];
    if (!(fabsf(most) > 1e-30f))
        return 0;
    fit_importance(x, n, w);
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

/* Sums over a sub-block, in lanes that a compiler can keep in one register each. */
struct sums {
    float q[LANES], qq[LANES], xq[LANES];
};

static float total(const float *lane)
{
    return (lane[0] + lane[1]) + (lane[2] + lane[3]);
}

/* Sums of the codes of (x + min) * inv, each times its weight; and the codes. */
static struct sums sum_codes(const float *x, const float *w, uint32_t n, int high,
                             float inv, float min, float *code)
{
    struct sums s = {0};
    for (uint32_t i = 0; i < n; i += LANES)
        for (uint32_t l = 0; l < LANES; l++) {
            const float q = (float)fit_nearest((x[i + l] + min) * inv, 0, high);
            const float wq = w[i + l] * q;
            code[i + l] = q;
            s.q[l] += wq;
            s.qq[l] += wq * q;
            s.xq[l] += wq * x[i + l];
        }
    return s;
}

/* Least squares of scale and minimum for those codes. sw and sx: sums of w and of w x. */
static struct fit fit_for(const float *x, const float *w, uint32_t n, double sw,
                          double sx, int high, float inv, float min)
{
    float code[FIT_MAX], error[LANES] = {0};
    const struct sums s = sum_codes(x, w, n, high, inv, min, code);
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
    for (uint32_t i = 0; i < n; i += LANES)
        for (uint32_t l = 0; l < LANES; l++) {
            const float e = x[i + l] - (f.scale * code[i + l] - f.min);
            error[l] += w[i + l] * e * e;
        }
    f.error = total(error);
    return f;
}

struct fit fit_range(const float *x, uint32_t n, int high)
{
    float w[FIT_MAX] = {0}, lo = 0, hi = x[0];
    for (uint32_t i = 0; i < n; i++) {
        lo = fminf(lo, x[i]);
        hi = fmaxf(hi, x[i]);
    }
    struct fit best = {.min = -lo};
    if (!(hi - lo > 1e-30f))
        return best;
    fit_importance(x, n, w);
    double sw = 0, sx = 0;
    for (uint32_t i = 0; i < n; i++) {
        sw += (double)w[i];
        sx += (double)(w[i] * x[i]);
    }
    best.error = INFINITY;
    for (int step = -10; step <= 20; step += 2) {
        const float inv = ((float)high + 0.1f * (float)step) / (hi - lo);
        const struct fit f = fit_for(x, w, n, sw, sx, high, inv, -lo);
        if (f.error < best.error)
            best = f;
    }
    return best;
}
