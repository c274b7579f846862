/* ref_norm.c - root mean square normalisation of rows. */
#include "ref/ref.h"

#include <math.h>

void ref_norm(float *y, const float *x, const float *w, uint32_t n_token, uint32_t n,
              float eps)
{
    for (uint32_t t = 0; t < n_token; t++, x += n, y += n) {
        double sum = 0;
        for (uint32_t i = 0; i < n; i++)
            sum += (double)x[i] * (double)x[i];
        const double scale = 1.0 / sqrt(sum / n + (double)eps);
        for (uint32_t i = 0; i < n; i++)
            y[i] = (float)((double)x[i] * scale * (w ? (double)w[i] : 1.0));
    }
}
