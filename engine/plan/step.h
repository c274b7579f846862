/* step.h - one builder per step of arch.h: each adds its dispatches to the list. */
#ifndef PLAN_STEP_H
#define PLAN_STEP_H

#include "plan/plan.h"

/* Rows of activations that matrices read. */
enum step_row { STEP_ROW_H, STEP_ROW_ATT, STEP_ROW_FF, STEP_ROW_OUT, STEP_ROW_COUNT };

struct builder {
    const struct plan_params *p;
    const struct lem_weights *w;
    const struct hparams *hp;
    const struct arch_desc *arch;
    const struct plan_memory *mem;
    struct gpu_list *list;
    uint32_t layer;
    char label[64];               /* of the dispatch being added */
    bool rounded[STEP_ROW_COUNT]; /* the row as bytes is that of the row in f32 */
};

/* Position in the list for the next dispatch: label "blk.N what". */
struct op_at step_at(struct builder *b, const char *what, enum plan_stage stage);

static inline const struct weights_layer *step_layer(const struct builder *b)
{
    return &b->w->layer[b->layer];
}

/* Sizes of the layer being built. */
static inline const struct layer_hparams *step_hp(const struct builder *b)
{
    return &b->hp->layer[b->layer];
}

/* Where attention, FFN and experts leave what they made: added to x, times the
 * residual multiplier; or alone in y, for a norm of the branch. */
struct step_branch {
    struct gpu_slice to;
    bool add;
    float scale;
};
struct step_branch step_branch(const struct builder *b);

/*
 * What a matrix is multiplied with: `row` in f32, or as bytes where the weights take
 * them; these are made here if they are not there yet. `n_per_row`: rows for each row of
 * the run. Who writes a row calls step_wrote(), so that its bytes are made anew.
 */
struct step_x {
    struct gpu_slice x;
    uint32_t stride;
    bool i8;
};
enum lem_status step_x(struct builder *b, enum step_row row, uint32_t n_per_row,
                       const struct ops_weight *w, struct step_x *out);
/* Will it be bytes? */
bool step_x_is_i8(const struct builder *b, enum step_row row, const struct ops_weight *w);
/* A product with `row`, whose x, x_stride and x_i8 are filled in here. */
enum lem_status step_matmul(struct builder *b, const char *what, enum plan_stage stage,
                            enum step_row row, struct op_matmul a);
static inline void step_wrote(struct builder *b, enum step_row row)
{
    b->rounded[row] = false;
}

/* The steps that are a norm and nothing else. */
enum lem_status step_norm(struct builder *b, enum arch_step step);

enum lem_status step_embed(struct builder *b);
enum lem_status step_head(struct builder *b);
enum lem_status step_qkv(struct builder *b);
enum lem_status step_rope(struct builder *b);
enum lem_status step_attn(struct builder *b);
enum lem_status step_attn_out(struct builder *b);
enum lem_status step_ffn(struct builder *b);
enum lem_status step_mla_q(struct builder *b);
enum lem_status step_mla_kv(struct builder *b);
enum lem_status step_mla_v(struct builder *b);
enum lem_status step_conv_in(struct builder *b);
enum lem_status step_conv(struct builder *b);
enum lem_status step_conv_out(struct builder *b);
enum lem_status step_shared(struct builder *b);
enum lem_status step_router(struct builder *b);
enum lem_status step_router_raw(struct builder *b);
enum lem_status step_experts(struct builder *b);

#endif
