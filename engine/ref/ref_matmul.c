/* ref_matmul.c - products of a matrix in the file's format with rows of f32. */
#include "ref/ref.h"

#include <math.h>

enum { CHUNK = 1024 }; /* weights decoded at a time: whole blocks of every type */

/* Bytes of one row. */
static uint64_t row_bytes(const struct quant_info *type, uint32_t n_col)
{
    return (uint64_t)n_col / type->block_weights * type->block_bytes;
}

double ref_dot(const struct quant_info *type, const void *w, uint32_t n, const float *x)
{
    const uint8_t *src = w;
    float dec[CHUNK];
    double sum = 0;
    for (uint32_t at = 0; at < n; at += CHUNK) {
        const uint32_t len = n - at < CHUNK ? n - at : CHUNK;
        type->decode(src, dec, len);
        src += row_bytes(type, len);
        for (uint32_t i = 0; i < len; i++)
            sum += (double)dec[i] * (double)x[at + i];
    }
    return sum;
}

void ref_matvec(float *y, const struct quant_info *type, const void *w, uint32_t n_row,
                uint32_t n_col, const float *x)
{
    const uint8_t *row = w;
    for (uint32_t r = 0; r < n_row; r++, row += row_bytes(type, n_col))
        y[r] = (float)ref_dot(type, row, n_col, x);
}

void ref_matmul(float *y, const struct quant_info *type, const void *w, uint32_t n_row,
                uint32_t n_col, const float *x, uint32_t n_token, const float *bias)
{
    for (uint32_t t = 0; t < n_token; t++) {
        float *row = y + (size_t)t * n_row;
        ref_matvec(row, type, w, n_row, n_col, x + (size_t)t * n_col);
        for (uint32_t r = 0; bias && r < n_row; r++)
            row[r] += bias[r];
    }
}

void ref_round(float *y, const float *x, uint32_t n, float most)
{
    for (uint32_t b = 0; b < n; b += 32) {
        float largest = 0;
        for (uint32_t i = b; i < b + 32; i++)
            largest = fmaxf(largest, fabsf(x[i]));
        const float inverse = largest > 1e-30f ? most / largest : 0;
        for (uint32_t i = b; i < b + 32; i++)
            y[i] = rintf(x[i] * inverse) * (largest / most);
    }
}
