/* ref_state.h - what the steps of the CPU reference work on. For ref/ alone. */
#ifndef REF_REF_STATE_H
#define REF_REF_STATE_H

#include "base/arena.h"
#include "ref/ref.h"

struct ref_table {
    float *freq; /* [n_rot / 2]; NULL: the model does not have it */
    float mscale;
};

struct ref_state {
    const struct lem_model *m;
    uint32_t n_ctx, pos;
    /* of each layer: keys and values [n_ctx][n_head_kv][…], or, where it has a state,
     * k: [n_conv][n_embd], the last products of a convolution */
    float **k, **v;
    struct ref_table table[ROPE_TABLE_COUNT];
    float *x, *h;   /* residual stream; the row of the next step */
    float *y, *s;   /* a branch; the sum of the branches of an FFN */
    float *q, *q2;  /* queries; q2: a narrow q, then queries of the latent cache */
    float *out;     /* attention's output, what a product gives */
    float *decoded; /* a norm, a bias */
    float *decoded2;
    float *bias[3], *factor; /* of a bank of experts */
    float *router_logits;    /* [n_expert] */
    float *weights, margin;  /* the layer's choice */
    uint32_t *ids;
    struct arena arena;
};

/* A whole small tensor into `to`; NULL when the layer has none. */
const float *ref_decoded(const struct ref_state *s, enum arch_slot slot, uint32_t layer,
                         float *to);
/* y = W x (+ bias); SLOT_COUNT: no bias. */
void ref_product(struct ref_state *s, float *y, const float *x, enum arch_slot weight,
                 enum arch_slot bias, uint32_t layer);
/* y = rms_norm(x) * weight (+ bias), of n_embd values. */
void ref_row_norm(struct ref_state *s, float *y, const float *x, enum arch_slot weight,
                  enum arch_slot bias, uint32_t layer);
/* x += scale * branch, or y = branch where the family norms its branches. */
void ref_add_branch(struct ref_state *s, const float *branch);

/* One step of a layer: of attention and the like, or of the FFN. False: not mine. */
bool ref_step_attn(struct ref_state *s, enum arch_step step, uint32_t layer);
bool ref_step_ffn(struct ref_state *s, enum arch_step step, uint32_t layer);

#endif
