/* step_attn.c - grouped-query attention: norm, q k v, rotation and cache, attention,
 * output. */
#include "plan/step.h"

enum lem_status step_attn_norm(struct builder *b)
{
    const struct op_at at = step_at(b, "attn_norm", STAGE_NORM);
    const struct op_norm a = {.x = gpu_slice_all(b->mem->x),
                              .w = step_layer(b)->vector[V_ATTN_NORM],
                              .y = gpu_slice_all(b->mem->h),
                              .n = b->hp->n_embd,
                              .x_stride = b->mem->stride_x,
                              .y_stride = b->mem->stride_x,
                              .eps = b->hp->norm_eps};
    return op_norm(b->list, &at, &a);
}

static enum lem_status add_qkv(struct builder *b, enum weights_matrix which,
                               enum weights_vector bias, const char *what,
                               uint32_t y_off)
{
    const struct op_at at = step_at(b, what, STAGE_QKV);
    const struct op_matmul a = {.weight = &step_layer(b)->matrix[which],
                                .x = gpu_slice_all(b->mem->h),
                                .y = gpu_slice_all(b->mem->qkv),
                                .bias = step_layer(b)->vector[bias],
                                .x_stride = b->mem->stride_x,
                                .y_stride = b->mem->stride_qkv,
                                .y_off = y_off,
                                .scale = 1.0f};
    return op_matmul(b->list, &at, &a);
}

enum lem_status step_qkv(struct builder *b)
{
    const uint32_t n_q = b->hp->n_head * b->hp->head_dim;
    const uint32_t n_kv = b->hp->n_head_kv * b->hp->head_dim;
    if (step_layer(b)->matrix[W_QKV].n_mat)
        return add_qkv(b, W_QKV, V_QKV_BIAS, "qkv", 0);
    enum lem_status st = add_qkv(b, W_Q, V_Q_BIAS, "q", 0);
    if (st == LEM_OK)
        st = add_qkv(b, W_K, V_K_BIAS, "k", n_q);
    if (st == LEM_OK)
        st = add_qkv(b, W_V, V_V_BIAS, "v", n_q + n_kv);
    return st;
}

static uint32_t rope_flags(const struct arch_desc *arch)
{
    uint32_t flags = 0;
    if (arch->rope == ROPE_PAIRS_HALVES)
        flags |= ROPE_HALVES;
    if (arch->rope == ROPE_PAIRS_NONE)
        flags |= ROPE_NONE;
    if (arch->qk_norm == QK_NORM_HEAD)
        flags |= ROPE_NORM_HEAD;
    if (arch->qk_norm == QK_NORM_ROW)
        flags |= ROPE_NORM_ROW;
    return flags;
}

enum lem_status step_rope(struct builder *b)
{
    const struct op_at at = step_at(b, "rope", STAGE_ROPE);
    const struct kv_layer *kv = &b->p->kv->layer[b->layer];
    const struct op_rope a = {.qkv = gpu_slice_all(b->mem->qkv),
                              .k_cache = kv->k,
                              .v_cache = kv->v,
                              .norm = step_layer(b)->vector[V_QK_NORM],
                              .freq = b->w->global_vector[V_ROPE_FREQ],
                              .p = {.n_head = b->hp->n_head,
                                    .n_head_kv = b->hp->n_head_kv,
                                    .head_dim = b->hp->head_dim,
                                    .n_rot = b->hp->n_rot,
                                    .row_stride = b->mem->stride_qkv,
                                    .flags = rope_flags(b->arch),
                                    .n_ctx = b->p->kv->n_ctx,
                                    .eps = b->hp->norm_eps,
                                    .mscale = b->w->rope_mscale}};
    return op_rope(b->list, &at, &a);
}

enum lem_status step_attn(struct builder *b)
{
    const struct op_at at = step_at(b, "attn", STAGE_ATTENTION);
    const struct kv_layer *kv = &b->p->kv->layer[b->layer];
    const struct op_attn a = {.q = gpu_slice_all(b->mem->qkv),
                              .k_cache = kv->k,
                              .v_cache = kv->v,
                              .y = gpu_slice_all(b->mem->att),
                              .p = {.n_head = b->hp->n_head,
                                    .n_head_kv = b->hp->n_head_kv,
                                    .head_dim = b->hp->head_dim,
                                    .q_stride = b->mem->stride_qkv,
                                    .y_stride = b->mem->stride_att,
                                    .n_ctx = b->p->kv->n_ctx,
                                    .scale = b->hp->attn_scale}};
    return op_attn(b->list, &at, &a);
}

enum lem_status step_attn_out(struct builder *b)
{
    const struct op_at at = step_at(b, "attn_out", STAGE_ATTN_OUT);
    const struct op_matmul a = {.weight = &step_layer(b)->matrix[W_ATTN_OUT],
                                .x = gpu_slice_all(b->mem->att),
                                .y = gpu_slice_all(b->mem->x),
                                .bias = step_layer(b)->vector[V_ATTN_OUT_BIAS],
                                .x_stride = b->mem->stride_att,
                                .y_stride = b->mem->stride_x,
                                .scale = 1.0f,
                                .add = true};
    return op_matmul(b->list, &at, &a);
}
