/* ref_conv.c - the gated short convolution: each channel of its own, over the last
 * few tokens. */
#include "ref/ref.h"

void ref_conv(float *y, float *past, const float *b, const float *gate, const float *u,
              const float *w, uint32_t n, uint32_t n_tap)
{
    float *now = past + (size_t)(n_tap - 1) * n;
    for (uint32_t c = 0; c < n; c++) {
        double sum = 0;
        now[c] = b[c] * u[c];
        for (uint32_t i = 0; i < n_tap; i++)
            sum += (double)w[(size_t)c * n_tap + i] * (double)past[(size_t)i * n + c];
        y[c] = (float)((double)gate[c] * sum);
    }
}
