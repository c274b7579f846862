/* ref_attn.c - attention of one token over the cached keys and values. */
#include "ref/ref.h"

#include <math.h>

enum { CHUNK = 128 }; /* dimensions of the output summed at a time */

struct head {
    const float *q, *k, *v;  /* k, v: of this head's group, position 0 */
    size_t stride, stride_v; /* floats from one position to the next */
    uint32_t first, pos;     /* positions seen: first … pos */
    double max, sum;         /* of the softmax */
};

static double logit(const struct head *h, uint32_t p, const struct ref_attn *a)
{
    const float *k = h->k + p * h->stride;
    double dot = 0;
    for (uint32_t i = 0; i < a->head_dim; i++)
        dot += (double)h->q[i] * (double)k[i];
    dot *= (double)a->scale;
    const double cap = (double)a->softcap;
    return cap > 0 ? cap * tanh(dot / cap) : dot;
}

static void find_max_and_sum(struct head *h, const struct ref_attn *a, const float *sink)
{
    h->max = sink ? (double)*sink : -INFINITY;
    for (uint32_t p = h->first; p <= h->pos; p++)
        h->max = fmax(h->max, logit(h, p, a));
    h->sum = sink ? exp((double)*sink - h->max) : 0;
    for (uint32_t p = h->first; p <= h->pos; p++)
        h->sum += exp(logit(h, p, a) - h->max);
}

/* Logits are made again for every chunk, so that nothing has to be kept. */
static void weigh_values(float *y, const struct head *h, const struct ref_attn *a,
                         uint32_t dim)
{
    for (uint32_t d = 0; d < dim; d += CHUNK) {
        const uint32_t n = dim - d < CHUNK ? dim - d : CHUNK;
        double acc[CHUNK] = {0};
        for (uint32_t p = h->first; p <= h->pos; p++) {
            const double w = exp(logit(h, p, a) - h->max) / h->sum;
            const float *v = h->v + p * h->stride_v + d;
            for (uint32_t i = 0; i < n; i++)
                acc[i] += w * (double)v[i];
        }
        for (uint32_t i = 0; i < n; i++)
            y[d + i] = (float)acc[i];
    }
}

void ref_attn(float *y, const float *q, const float *k, const float *v, uint32_t pos,
              const struct ref_attn *a)
{
    const uint32_t group = a->n_head / a->n_head_kv; /* query heads per key head */
    const uint32_t dim_v = a->head_dim_v ? a->head_dim_v : a->head_dim;
    const uint32_t cached_v = v ? dim_v : a->head_dim; /* floats of a value's head */
    const bool cut = a->window > 0 && pos >= a->window;

    for (uint32_t i = 0; i < a->n_head; i++) {
        struct head h = {
            .q = q + (size_t)i * a->head_dim,
            .k = k + (size_t)(i / group) * a->head_dim,
            .v = (v ? v : k) + (size_t)(i / group) * cached_v,
            .stride = (size_t)a->n_head_kv * a->head_dim,
            .stride_v = (size_t)a->n_head_kv * cached_v,
            .first = cut ? pos - a->window + 1 : 0,
            .pos = pos,
        };
        find_max_and_sum(&h, a, a->sinks ? &a->sinks[i] : NULL);
        weigh_values(y + (size_t)i * dim_v, &h, a, dim_v);
    }
}
