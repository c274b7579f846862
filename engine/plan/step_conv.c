/* step_conv.c - the gated short convolution that some layers have for attention. */
#include "plan/step.h"

enum lem_status step_conv_in(struct builder *b)
{
    const struct op_matmul a = {.weight = &step_layer(b)->matrix[W_CONV_IN],
                                .y = gpu_slice_all(b->mem->qkv),
                                .y_stride = b->mem->stride_qkv,
                                .scale = 1.0f};
    return step_matmul(b, "conv_in", STAGE_QKV, STEP_ROW_H, a);
}

enum lem_status step_conv(struct builder *b)
{
    const struct op_at at = step_at(b, "conv", STAGE_ATTENTION);
    const struct state *state = &b->p->past->state;
    step_wrote(b, STEP_ROW_ATT);
    const struct op_conv a = {.x = gpu_slice_all(b->mem->qkv),
                              .y = gpu_slice_all(b->mem->att),
                              .w = step_layer(b)->vector[V_CONV],
                              .ring = gpu_slice_all(state->ring[b->layer]),
                              .p = {.n = b->hp->n_embd,
                                    .n_tap = b->hp->n_conv,
                                    .n_ring = state->n_ring,
                                    .x_stride = b->mem->stride_qkv,
                                    .y_stride = b->mem->stride_att}};
    return op_conv(b->list, &at, &a);
}

enum lem_status step_conv_out(struct builder *b)
{
    const struct step_branch branch = step_branch(b);
    const struct op_matmul a = {.weight = &step_layer(b)->matrix[W_CONV_OUT],
                                .y = branch.to,
                                .y_stride = b->mem->stride_x,
                                .scale = branch.scale,
                                .add = branch.add};
    return step_matmul(b, "conv_out", STAGE_ATTN_OUT, STEP_ROW_ATT, a);
}
