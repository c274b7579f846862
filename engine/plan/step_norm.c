/* step_norm.c - the norms of a layer: before its branches, and of what they made. */
#include "model/model.h"
#include "plan/step.h"

enum row { ROW_X, ROW_H, ROW_Y, ROW_SUM };

static const struct norm_step {
    enum row from, to;
    bool add, scaled; /* `scaled`: times the layer's own scale */
    enum weights_vector weight;
    const char *label;
} norms[] = {
    [STEP_ATTN_NORM] = {ROW_X, ROW_H, false, false, V_ATTN_NORM, "attn_norm"},
    [STEP_ROUTER_NORM] = {ROW_X, ROW_H, false, false, V_ROUTER_NORM, "router_norm"},
    [STEP_FFN_NORM] = {ROW_X, ROW_H, false, false, V_FFN_NORM, "ffn_norm"},
    [STEP_ATTN_POST_NORM] = {ROW_Y, ROW_X, true, false, V_ATTN_POST_NORM,
                             "attn_post_norm"},
    [STEP_FFN_POST_NORM] = {ROW_Y, ROW_SUM, false, false, V_FFN_POST_NORM,
                            "ffn_post_norm"},
    [STEP_EXPERTS_NORM] = {ROW_X, ROW_H, false, false, V_EXPERTS_NORM, "experts_norm"},
    [STEP_EXPERTS_POST_NORM] = {ROW_Y, ROW_SUM, true, false, V_EXPERTS_POST_NORM,
                                "experts_post_norm"},
    [STEP_POST_NORM] = {ROW_SUM, ROW_X, true, true, V_POST_NORM, "post_norm"},
};

static struct gpu_slice row_of(const struct builder *b, enum row row)
{
    struct gpu_buf *const buf[] = {[ROW_X] = b->mem->x,
                                   [ROW_H] = b->mem->h,
                                   [ROW_Y] = b->mem->y,
                                   [ROW_SUM] = b->mem->sum};
    return gpu_slice_all(buf[row]);
}

/* Only these two may have one. */
static struct gpu_slice bias_of(const struct builder *b, enum arch_step step)
{
    if (step == STEP_ATTN_NORM)
        return step_layer(b)->vector[V_ATTN_NORM_BIAS];
    if (step == STEP_FFN_NORM)
        return step_layer(b)->vector[V_FFN_NORM_BIAS];
    return (struct gpu_slice){0};
}

static float layer_scale(const struct builder *b)
{
    const struct tensor *t = model_tensor(b->w->model, SLOT_LAYER_SCALE, b->layer);
    float scale = 1;
    if (t->file)
        tensor_decode(t, &scale);
    return scale;
}

enum lem_status step_norm(struct builder *b, enum arch_step step)
{
    const struct norm_step *n = &norms[step];
    const struct op_at at = step_at(b, n->label, STAGE_NORM);
    const bool bytes = n->to == ROW_H && b->mem->h_i8 && b->hp->n_embd % 32 == 0;
    if (n->to == ROW_H)
        b->rounded[STEP_ROW_H] = bytes;
    const struct op_norm a = {.x = row_of(b, n->from),
                              .w = step_layer(b)->vector[n->weight],
                              .y = row_of(b, n->to),
                              .bias = bias_of(b, step),
                              .n = b->hp->n_embd,
                              .x_stride = b->mem->stride_x,
                              .y_stride = b->mem->stride_x,
                              .eps = b->hp->norm_eps,
                              .scale = n->scaled ? layer_scale(b) : 1.0f,
                              .add = n->add,
                              .y_i8 = bytes ? gpu_slice_all(b->mem->h_i8)
                                            : (struct gpu_slice){0},
                              .y_i8_stride = b->mem->stride_x_i8};
    return op_norm(b->list, &at, &a);
}
