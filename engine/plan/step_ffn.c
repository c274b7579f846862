/* step_ffn.c - the norm before the feed-forward part, and the dense one. */
#include "plan/step.h"

enum lem_status step_ffn_norm(struct builder *b)
{
    const struct op_at at = step_at(b, "ffn_norm", STAGE_NORM);
    const struct op_norm a = {.x = gpu_slice_all(b->mem->x),
                              .w = step_layer(b)->vector[V_FFN_NORM],
                              .y = gpu_slice_all(b->mem->h),
                              .n = b->hp->n_embd,
                              .x_stride = b->mem->stride_x,
                              .y_stride = b->mem->stride_x,
                              .eps = b->hp->norm_eps};
    return op_norm(b->list, &at, &a);
}

static enum lem_status add_up(struct builder *b, enum weights_matrix which,
                              const char *what, uint32_t y_off)
{
    const struct op_at at = step_at(b, what, STAGE_FFN);
    const struct op_matmul a = {.weight = &step_layer(b)->matrix[which],
                                .x = gpu_slice_all(b->mem->h),
                                .y = gpu_slice_all(b->mem->glu),
                                .x_stride = b->mem->stride_x,
                                .y_stride = b->mem->stride_glu,
                                .y_off = y_off,
                                .scale = 1.0f};
    return op_matmul(b->list, &at, &a);
}

enum lem_status step_ffn(struct builder *b)
{
    enum lem_status st;
    if (step_layer(b)->matrix[W_FFN_GATE_UP].n_mat) {
        st = add_up(b, W_FFN_GATE_UP, "ffn_gate_up", 0);
    } else {
        st = add_up(b, W_FFN_GATE, "ffn_gate", 0);
        if (st == LEM_OK)
            st = add_up(b, W_FFN_UP, "ffn_up", b->hp->n_ff);
    }
    if (st != LEM_OK)
        return st;

    struct op_at at = step_at(b, "ffn_glu", STAGE_FFN);
    const struct op_glu glu = {.x = gpu_slice_all(b->mem->glu),
                               .y = gpu_slice_all(b->mem->ff),
                               .p = {.n_ff = b->hp->n_ff,
                                     .x_stride = b->mem->stride_glu,
                                     .y_stride = b->mem->stride_ff,
                                     .act = b->arch->act,
                                     .n_per_row = 1}};
    st = op_glu(b->list, &at, &glu);
    if (st != LEM_OK)
        return st;

    at = step_at(b, "ffn_down", STAGE_FFN);
    const struct op_matmul down = {.weight = &step_layer(b)->matrix[W_FFN_DOWN],
                                   .x = gpu_slice_all(b->mem->ff),
                                   .y = gpu_slice_all(b->mem->x),
                                   .x_stride = b->mem->stride_ff,
                                   .y_stride = b->mem->stride_x,
                                   .scale = 1.0f,
                                   .add = true};
    return op_matmul(b->list, &at, &down);
}
