/* fit.h - scales and minimums of few weights, for the encoders: of a few roundings of
 * the codes, the one whose best scale (and minimum), found by weighted least squares,
 * leaves the smallest error. */
#ifndef QUANT_FIT_H
#define QUANT_FIT_H

#include <stdint.h>

enum { FIT_MAX = 32 }; /* weights at most; a multiple of 4 */

struct fit {
    float scale, min; /* x is about scale * code - min, both >= 0 */
    float error;      /* sum of w (x - that)^2 */
};

/* The whole number nearest to x, from `low` to `high`; NaN becomes `low`. */
int fit_nearest(float x, int low, int high);

/* What an error of each of the n weights counts: of large ones more, as the products
 * with them are larger, but of none so little that it would be given up. */
void fit_importance(const float *x, uint32_t n, float *w);

/* Scale for codes in [-half, half). Its sign lets the farthest value have -half. */
float fit_scale(const float *x, uint32_t n, int half);

/* Scale and minimum for codes in [0, high]; n is a multiple of 4. */
struct fit fit_range(const float *x, uint32_t n, int high);

#endif
