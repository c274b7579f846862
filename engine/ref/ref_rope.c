/* ref_rope.c - the optional q/k norm, then rotary position embedding. */
#include "ref/ref.h"

#include <math.h>

static void norm_heads(float *x, const float *w, uint32_t n_head,
                       const struct ref_rope *r)
{
    if (r->qk_norm == QK_NORM_HEAD)
        ref_norm(x, x, w, n_head, r->head_dim, r->eps);
    else if (r->qk_norm == QK_NORM_ROW)
        ref_norm(x, x, w, 1, n_head * r->head_dim, r->eps);
}

static void rotate_heads(float *x, uint32_t n_head, uint32_t pos,
                         const struct ref_rope *r)
{
    const uint32_t half = r->n_rot / 2;
    const bool adjacent = r->kind == ROPE_PAIRS_ADJACENT;

    for (uint32_t h = 0; h < n_head; h++, x += r->head_dim) {
        for (uint32_t i = 0; i < half; i++) {
            /* The angle grows with the position: in f32 it would lose digits. */
            const double angle = (double)pos * (double)r->freq[i];
            const double c = cos(angle) * (double)r->mscale;
            const double s = sin(angle) * (double)r->mscale;
            float *a = adjacent ? &x[2 * i] : &x[i];
            float *b = adjacent ? a + 1 : a + half;
            const double x0 = (double)*a, x1 = (double)*b;
            *a = (float)(x0 * c - x1 * s);
            *b = (float)(x0 * s + x1 * c);
        }
    }
}

void ref_rope(float *q, float *k, uint32_t pos, const struct ref_rope *r)
{
    norm_heads(q, r->q_norm, r->n_head, r);
    norm_heads(k, r->k_norm, r->n_head_kv, r);
    if (r->kind == ROPE_PAIRS_NONE)
        return;
    rotate_heads(q, r->n_head, pos, r);
    rotate_heads(k, r->n_head_kv, pos, r);
}
