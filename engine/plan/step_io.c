/* step_io.c - the two ends of a plan: token ids in, logits out. */
#include "plan/step.h"

enum lem_status step_embed(struct builder *b)
{
    const struct op_at at = step_at(b, "embed", STAGE_EMBED);
    const struct op_embed a = {.weight = &b->w->global[W_TOKEN_EMBD],
                               .ids = gpu_slice_all(b->mem->ids),
                               .y = gpu_slice_all(b->mem->x),
                               .y_stride = b->mem->stride_x,
                               .scale = b->hp->embd_scale};
    return op_embed(b->list, &at, &a);
}

static enum lem_status add_logits(struct builder *b)
{
    struct op_at at = step_at(b, "output_norm", STAGE_HEAD);
    struct step_x x;
    const bool bytes = b->mem->out_i8 && b->hp->n_embd % 32 == 0;
    b->rounded[STEP_ROW_OUT] = bytes;
    at.max_rows = b->p->max_out;
    const struct op_norm norm = {.x = gpu_slice_all(b->mem->x),
                                 .w = b->w->global_vector[V_OUTPUT_NORM],
                                 .y = gpu_slice_all(b->mem->out),
                                 .bias = b->w->global_vector[V_OUTPUT_NORM_BIAS],
                                 .n = b->hp->n_embd,
                                 .x_stride = b->mem->stride_x,
                                 .y_stride = b->mem->stride_x,
                                 .eps = b->hp->norm_eps,
                                 .from_out = true,
                                 .y_i8 = bytes ? gpu_slice_all(b->mem->out_i8)
                                               : (struct gpu_slice){0},
                                 .y_i8_stride = b->mem->stride_x_i8};
    enum lem_status st = op_norm(b->list, &at, &norm);
    if (st == LEM_OK)
        st = step_x(b, STEP_ROW_OUT, 1, weights_output(b->w), &x);
    if (st != LEM_OK)
        return st;

    at = step_at(b, "output", STAGE_HEAD);
    at.max_rows = b->p->max_out;
    const struct op_matmul head = {.weight = weights_output(b->w),
                                   .x = x.x,
                                   .y = gpu_slice_all(b->mem->logits),
                                   .x_stride = x.stride,
                                   .x_i8 = x.i8,
                                   .y_stride = b->mem->stride_vocab,
                                   .bias = b->w->global_vector[V_OUTPUT_BIAS],
                                   .scale = b->hp->logit_scale,
                                   .n_out = true};
    return op_matmul(b->list, &at, &head);
}

static enum lem_status add_softcap(struct builder *b)
{
    if (b->hp->logit_softcap == 0)
        return LEM_OK;
    const struct op_at at = step_at(b, "softcap", STAGE_HEAD);
    const struct op_softcap a = {.y = gpu_slice_all(b->mem->logits),
                                 .p = {.n = b->hp->n_vocab,
                                       .stride = b->mem->stride_vocab,
                                       .cap = b->hp->logit_softcap}};
    return op_softcap(b->list, &at, &a);
}

/* Of the one row that a token is drawn from. */
static enum lem_status add_pick(struct builder *b)
{
    const struct plan_memory *mem = b->mem;
    if (!mem->best)
        return LEM_OK;
    const struct op_at at = step_at(b, "pick", STAGE_SAMPLING);
    const struct op_pick a = {.x = gpu_slice_all(mem->logits),
                              .y = gpu_slice_all(mem->best),
                              .part = mem->pick_part ? gpu_slice_all(mem->pick_part)
                                                     : (struct gpu_slice){0},
                              .n = b->hp->n_vocab};
    return op_pick(b->list, &at, &a);
}

enum lem_status step_head(struct builder *b)
{
    enum lem_status st = add_logits(b);
    if (st == LEM_OK)
        st = add_softcap(b);
    return st == LEM_OK ? add_pick(b) : st;
}
