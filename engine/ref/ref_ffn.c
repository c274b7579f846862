/* ref_ffn.c - gated feed-forward networks: the experts, and (as one expert with
 * weight 1) the dense kind. */
#include "ref/ref.h"

#include <math.h>

enum { CHUNK = 4096 }; /* hidden values kept at a time: whole blocks of every type */

static double sigmoid(double x)
{
    return 1.0 / (1.0 + exp(-x));
}

/* Sources: SiLU, Elfwing et al., arXiv 1702.03118; GELU (tanh form), Hendrycks and
 * Gimpel, arXiv 1606.08415, section 2; gated forms, Shazeer, arXiv 2002.05202;
 * clamped SwiGLU, gpt-oss model card, arXiv 2508.10925. */
float ref_glu(enum act act, float gate, float up, float alpha, float limit)
{
    double g = (double)gate, u = (double)up;
    switch (act) {
    case ACT_SILU:
        return (float)(g * sigmoid(g) * u);
    case ACT_GELU_TANH: {
        const double root = 0.79788456080286535588; /* sqrt(2 / pi) */
        return (float)(0.5 * g * (1 + tanh(root * (g + 0.044715 * g * g * g))) * u);
    }
    case ACT_RELU:
        return (float)(fmax(g, 0) * u);
    case ACT_SWIGLU_CLAMPED:
        g = fmin(g, (double)limit);
        u = fmax(-(double)limit, fmin(u, (double)limit));
        return (float)(g * sigmoid((double)alpha * g) * (u + 1));
    }
    return 0;
}

/* Row `row` of matrix `mat`, from column `col` (the start of a block). */
static const uint8_t *weights_at(const struct tensor *t, uint32_t mat, uint32_t row,
                                 uint32_t col)
{
    const uint64_t row_bytes =
        (uint64_t)t->n_col / t->type->block_weights * t->type->block_bytes;
    const uint64_t col_bytes =
        (uint64_t)col / t->type->block_weights * t->type->block_bytes;
    return t->data + ((uint64_t)mat * t->n_row + row) * row_bytes + col_bytes;
}

static float with_bias(double dot, const float *bias, size_t at)
{
    return (float)(bias ? dot + (double)bias[at] : dot);
}

/* h[i] of hidden values at … at + n of expert e. */
static void hidden(float *h, const float *x, uint32_t e, uint32_t at, uint32_t n,
                   const struct ref_bank *b)
{
    const uint32_t n_embd = b->gate->n_col;
    const uint32_t up0 = b->gate == b->up ? b->n_ff : 0; /* its first row */
    for (uint32_t i = 0; i < n; i++) {
        const size_t bias_at = (size_t)e * b->n_ff + at + i;
        const uint8_t *wg = weights_at(b->gate, e, at + i, 0);
        const uint8_t *wu = weights_at(b->up, e, up0 + at + i, 0);
        const float g =
            with_bias(ref_dot(b->gate->type, wg, n_embd, x), b->gate_bias, bias_at);
        const float u =
            with_bias(ref_dot(b->up->type, wu, n_embd, x), b->up_bias, bias_at);
        h[i] = ref_glu(b->act, g, u, b->alpha, b->limit);
    }
}

void ref_bank(float *y, const float *x, const uint32_t *ids, const float *weights,
              uint32_t n_used, const struct ref_bank *b)
{
    const uint32_t n_embd = b->gate->n_col;
    float h[CHUNK];

    for (uint32_t k = 0; k < n_used; k++) {
        const uint32_t e = ids[k];
        if (e == REF_NO_EXPERT)
            continue;
        double weight = (double)weights[k] * (double)b->scale;
        if (b->factor)
            weight *= (double)b->factor[e];
        for (uint32_t at = 0; at < b->n_ff; at += CHUNK) {
            const uint32_t n = b->n_ff - at < CHUNK ? b->n_ff - at : CHUNK;
            const float *bias = at == 0 ? b->down_bias : NULL;
            hidden(h, x, e, at, n, b);
            for (uint32_t r = 0; r < n_embd; r++) {
                const uint8_t *wd = weights_at(b->down, e, r, at);
                const double sum = (double)with_bias(ref_dot(b->down->type, wd, n, h),
                                                     bias, (size_t)e * n_embd + r);
                y[r] += (float)(weight * sum);
            }
        }
    }
}

void ref_experts(float *y, const float *x, const uint32_t *ids, const float *weights,
                 uint32_t n_used, enum act act, const struct tensor *gate,
                 const struct tensor *up, const struct tensor *down)
{
    const struct ref_bank b = {.gate = gate,
                               .up = up,
                               .down = down,
                               .n_ff = gate->n_row,
                               .act = act,
                               .scale = 1};
    ref_bank(y, x, ids, weights, n_used, &b);
}
