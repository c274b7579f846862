/* ref_layer.c - a Mixture-of-Experts layer made from arrays: gate, chains of dense
 * layers, combination. */
#include "ref/ref_layer.h"

#include <assert.h>
#include <float.h>
#include <math.h>
#include <string.h>

enum { BLOCK = 32 }; /* columns are padded to it before they are encoded */

static double sigmoid(double x)
{
    return 1.0 / (1.0 + exp(-x));
}

/* Sources: GELU, Hendrycks and Gimpel, arXiv 1606.08415; SiLU, Elfwing et al., arXiv
 * 1702.03118. */
float ref_act(enum lem_layer_act act, float x)
{
    const double v = (double)x, root_half = 0.70710678118654752440;
    switch (act) {
    case LEM_ACT_RELU:
        return (float)fmax(v, 0);
    case LEM_ACT_SIGMOID:
        return (float)sigmoid(v);
    case LEM_ACT_TANH:
        return (float)tanh(v);
    case LEM_ACT_GELU:
        return (float)(0.5 * v * (1 + erf(root_half * v)));
    case LEM_ACT_GELU_TANH:
        return ref_glu(ACT_GELU_TANH, x, 1, 0, 0);
    case LEM_ACT_SILU:
        return ref_glu(ACT_SILU, x, 1, 0, 0);
    case LEM_ACT_IDENTITY:
    case LEM_ACT_SWIGLU:
    case LEM_ACT_SOFTMAX:
    case LEM_ACT_COUNT:
        break;
    }
    return x;
}

void ref_softmax(float *x, uint32_t n)
{
    double max = -INFINITY, sum = 0;
    for (uint32_t i = 0; i < n; i++)
        max = fmax(max, (double)x[i]);
    for (uint32_t i = 0; i < n; i++)
        sum += exp((double)x[i] - max);
    for (uint32_t i = 0; i < n; i++)
        x[i] = (float)(exp((double)x[i] - max) / sum);
}

/* The slot that gives element i, -1 without any. */
static int slot_of(const float *x, const struct ref_combine *c, uint32_t i)
{
    int best = -1;
    for (uint32_t k = 0; k < c->n_used; k++) {
        if (c->ids[k] == REF_NO_EXPERT)
            continue;
        const bool more = c->how == LEM_COMBINE_HEAVIEST
                              ? best >= 0 && c->weights[k] > c->weights[best]
                              : best >= 0 && x[k * c->x_stride + i] >
                                                 x[(uint32_t)best * c->x_stride + i];
        if (best < 0 || more)
            best = (int)k;
    }
    return best;
}

void ref_combine(float *y, const float *x, const struct ref_combine *c)
{
    const bool sums = c->how == LEM_COMBINE_SUM || c->how == LEM_COMBINE_AVERAGE;
    for (uint32_t i = 0; i < c->n; i++) {
        double sum = 0;
        for (uint32_t k = 0; k < c->n_used; k++)
            if (c->ids[k] != REF_NO_EXPERT)
                sum += (double)c->weights[k] * (double)x[k * c->x_stride + i];
        const int slot = sums ? -1 : slot_of(x, c, i);
        y[i] = sums ? (float)sum : slot < 0 ? 0 : x[(uint32_t)slot * c->x_stride + i];
    }
}

/* ---- experts --------------------------------------------------------------------- */

static const struct quant_info *type_of(enum lem_layer_type type)
{
    static const enum quant_type types[] = {
        [LEM_LAYER_F32] = QUANT_F32,
        [LEM_LAYER_F16] = QUANT_F16,
        [LEM_LAYER_Q8_0] = QUANT_Q8_0,
        [LEM_LAYER_Q4_0] = QUANT_Q4_0,
    };
    return quant_find(types[type]);
}

/* One row as it is stored. */
static double stored_dot(const struct quant_info *type, const float *w, const float *x,
                         uint32_t n)
{
    double sum = 0;
    for (uint32_t at = 0; at < n; at += BLOCK) {
        float block[BLOCK] = {0}, encoded[BLOCK];
        const uint32_t len = n - at < BLOCK ? n - at : BLOCK;
        memcpy(block, w + at, len * sizeof *block);
        type->encode(block, encoded, BLOCK);
        type->decode(encoded, block, BLOCK);
        for (uint32_t i = 0; i < len; i++)
            sum += (double)block[i] * (double)x[at + i];
    }
    return sum;
}

static void dense(float *y, const struct lem_layer_dense *d,
                  const struct quant_info *type, const float *x)
{
    const bool glu = d->act == LEM_ACT_SWIGLU;
    for (uint32_t r = 0; r < d->n_out; r++) {
        float v[2] = {0};
        for (uint32_t i = 0; i < 1u + glu; i++) {
            const size_t row = (size_t)i * d->n_out + r;
            v[i] = (float)(stored_dot(type, d->weight + row * d->n_in, x, d->n_in) +
                           (d->bias ? (double)d->bias[row] : 0));
        }
        y[r] = glu ? ref_glu(ACT_SILU, v[0], v[1], 0, 0) : ref_act(d->act, v[0]);
    }
    if (d->act == LEM_ACT_SOFTMAX)
        ref_softmax(y, d->n_out);
}

/* Widest row between the dense layers. */
static uint32_t widest(const struct lem_layer_params *p)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < p->experts[0].n_dense; i++)
        n = p->experts[0].dense[i].n_out > n ? p->experts[0].dense[i].n_out : n;
    return n;
}

static uint32_t n_out_of(const struct lem_layer_params *p)
{
    return p->experts[0].dense[p->experts[0].n_dense - 1].n_out;
}

void ref_layer_expert(float *y, const struct lem_layer_params *p, uint32_t expert,
                      const float *x, float *scratch)
{
    const struct lem_layer_expert *e = &p->experts[expert];
    const struct quant_info *type = type_of(p->type);
    float *const row[2] = {scratch, scratch + widest(p)};
    const float *from = x + e->x_off;
    for (uint32_t i = 0; i < e->n_dense; i++) {
        float *to = i + 1 < e->n_dense ? row[i % 2] : y;
        dense(to, &e->dense[i], type, from);
        from = to;
    }
}

/* ---- the layer ------------------------------------------------------------------- */

uint32_t ref_layer_n_used(const struct lem_layer_params *p, uint32_t gate)
{
    const struct lem_layer_gate *g = &p->gates[gate];
    const bool counted = g->select == LEM_SELECT_TOP_K || g->select == LEM_SELECT_DRAW;
    return counted ? g->k : p->n_expert;
}

uint64_t ref_layer_scratch(const struct lem_layer_params *p)
{
    return 2 * (uint64_t)p->n_expert + 2 * (uint64_t)widest(p) +
           (uint64_t)p->n_expert * n_out_of(p);
}

/* Logits, or what stands for them. */
static void fill_logits(float *z, const struct ref_layer *l, const float *x)
{
    const struct lem_layer_params *p = l->p;
    const struct lem_layer_gate *g = &p->gates[l->gate];
    if (g->fixed) {
        memcpy(z, g->fixed, p->n_expert * sizeof *z);
        return;
    }
    ref_matmul(z, quant_find(QUANT_F32), g->weight, p->n_expert, p->n_in, x, 1, g->bias);
}

static void choose(uint32_t *ids, float *weights, float *margin, const float *z,
                   uint64_t row, const struct ref_layer *l)
{
    const struct lem_layer_params *p = l->p;
    const struct lem_layer_gate *g = &p->gates[l->gate];
    float *race = l->scratch + p->n_expert;
    ref_race(race, p->n_expert, p->seed, row, l->gate);
    const struct ref_router r = {
        .n_expert = p->n_expert,
        .n_used = ref_layer_n_used(p, l->gate),
        .score = g->fixed                        ? SCORE_GIVEN
                 : g->score == LEM_SCORE_SIGMOID ? SCORE_SIGMOID
                                                 : SCORE_SOFTMAX,
        .normalise = g->combine == LEM_COMBINE_AVERAGE,
        .scale = 1,
        .norm_eps = FLT_MIN,
        .policy = l->banned,
        .select = g->select == LEM_SELECT_DRAW        ? REF_SELECT_DRAW
                  : g->select == LEM_SELECT_THRESHOLD ? REF_SELECT_ABOVE
                                                      : REF_SELECT_TOP,
        .race = race,
        .threshold = g->threshold,
    };
    ref_router(ids, weights, margin, z, &r);
}

void ref_layer(float *y, uint32_t *ids, float *weights, float *margin, const float *x,
               uint64_t row, const struct ref_layer *l)
{
    const struct lem_layer_params *p = l->p;
    const uint32_t n_used = ref_layer_n_used(p, l->gate), n_out = n_out_of(p);
    float *z = l->scratch, *between = z + 2 * (size_t)p->n_expert;
    float *responses = between + 2 * (size_t)widest(p);

    assert(l->gate < p->n_gate);
    fill_logits(z, l, x);
    choose(ids, weights, margin, z, row, l);
    for (uint32_t k = 0; k < n_used; k++)
        if (ids[k] != REF_NO_EXPERT)
            ref_layer_expert(responses + (size_t)k * n_out, p, ids[k], x, between);
    const struct ref_combine c = {.how = p->gates[l->gate].combine,
                                  .n = n_out,
                                  .n_used = n_used,
                                  .x_stride = n_out,
                                  .ids = ids,
                                  .weights = weights};
    ref_combine(y, responses, &c);
}
