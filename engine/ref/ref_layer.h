/* ref_layer.h - the meaning of lemnos/layer.h: one row through one gate and the experts
 * it chooses, as plain loops. */
#ifndef REF_REF_LAYER_H
#define REF_REF_LAYER_H

#include "lemnos/layer.h"
#include "ref/ref.h"

/* act(x) of one value; SwiGLU and softmax are no such functions. */
float ref_act(enum lem_layer_act act, float x);
/* x[i] = exp(x[i]) / sum over j of exp(x[j]), in place. */
void ref_softmax(float *x, uint32_t n);

/* y[n] = the combination of rows x[k * x_stride], k < n_used; those whose id is
 * REF_NO_EXPERT have no part; without any: 0. */
struct ref_combine {
    enum lem_layer_combine how;
    uint32_t n, n_used, x_stride;
    const uint32_t *ids;  /* [n_used] */
    const float *weights; /* [n_used] */
};
void ref_combine(float *y, const float *x, const struct ref_combine *c);

struct ref_layer {
    const struct lem_layer_params *p; /* checked */
    uint32_t gate;
    const float *banned; /* [n_expert]: 0, or -inf; NULL = none is */
    float *scratch;      /* [ref_layer_scratch(p)] */
};

/* Experts of a row, at most: what ids and weights have room for. */
uint32_t ref_layer_n_used(const struct lem_layer_params *p, uint32_t gate);
uint64_t ref_layer_scratch(const struct lem_layer_params *p);

/* x [n_in] -> y [n_out], ids and weights [n_used]. `row` numbers the draws. *margin (may
 * be NULL) as ref_router() means it. Weights are what the type makes of them. */
void ref_layer(float *y, uint32_t *ids, float *weights, float *margin, const float *x,
               uint64_t row, const struct ref_layer *l);

/* y [n_out] of one expert. */
void ref_layer_expert(float *y, const struct lem_layer_params *p, uint32_t expert,
                      const float *x, float *scratch);

#endif
