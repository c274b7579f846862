/* step_attn.c - grouped-query attention: q k v, rotation and cache, attention, output. */
#include "plan/step.h"

static enum lem_status add_qkv(struct builder *b, enum weights_matrix which,
                               enum weights_vector bias, const char *what, uint32_t y_off)
{
    const struct op_matmul a = {.weight = &step_layer(b)->matrix[which],
                                .y = gpu_slice_all(b->mem->qkv),
                                .bias = step_layer(b)->vector[bias],
                                .y_stride = b->mem->stride_qkv,
                                .y_off = y_off,
                                .scale = 1.0f};
    return step_matmul(b, what, STAGE_QKV, STEP_ROW_H, a);
}

enum lem_status step_qkv(struct builder *b)
{
    const uint32_t n_q = step_hp(b)->n_head * step_hp(b)->head_dim;
    const uint32_t n_kv = step_hp(b)->n_head_kv * step_hp(b)->head_dim;
    if (step_layer(b)->matrix[W_QKV].n_mat)
        return add_qkv(b, W_QKV, V_QKV_BIAS, "qkv", 0);
    enum lem_status st = add_qkv(b, W_Q, V_Q_BIAS, "q", 0);
    if (st == LEM_OK)
        st = add_qkv(b, W_K, V_K_BIAS, "k", n_q);
    if (st == LEM_OK)
        st = add_qkv(b, W_V, V_V_BIAS, "v", n_q + n_kv);
    return st;
}

static uint32_t rope_flags(const struct builder *b)
{
    const bool normed = step_layer(b)->vector[V_QK_NORM].buf != NULL;
    uint32_t flags = 0;
    if (b->arch->rope == ROPE_PAIRS_HALVES)
        flags |= ROPE_HALVES;
    if (step_hp(b)->n_rot == 0)
        flags |= ROPE_NONE;
    if (normed && b->arch->qk_norm == QK_NORM_HEAD)
        flags |= ROPE_NORM_HEAD;
    if (normed && b->arch->qk_norm == QK_NORM_ROW)
        flags |= ROPE_NORM_ROW;
    if (b->arch->v_norm)
        flags |= ROPE_NORM_V;
    return flags;
}

enum lem_status step_rope(struct builder *b)
{
    const struct op_at at = step_at(b, "rope", STAGE_ROPE);
    const struct layer_hparams *l = step_hp(b);
    const struct kv *kv = &b->p->past->kv;
    const enum rope_table table =
        model_rope_table(b->w->model, b->layer, b->p->past->n_ctx);
    const struct op_rope a = {.qkv = gpu_slice_all(b->mem->qkv),
                              .k_cache = kv->layer[b->layer].k,
                              .v_cache = kv->layer[b->layer].v,
                              .norm = step_layer(b)->vector[V_QK_NORM],
                              .freq = b->w->rope_freq[table],
                              .type = kv->type,
                              .p = {.n_head = l->n_head,
                                    .n_head_kv = l->n_head_kv,
                                    .head_dim = l->head_dim,
                                    .n_rot = l->n_rot,
                                    .row_stride = b->mem->stride_qkv,
                                    .flags = rope_flags(b),
                                    .n_ctx = kv->n_ctx,
                                    .eps = b->hp->norm_eps,
                                    .mscale = b->w->rope_mscale[table]}};
    return op_rope(b->list, &at, &a);
}

/* Over keys and values, or over the one latent row that is both. */
enum lem_status step_attn(struct builder *b)
{
    const struct op_at at = step_at(b, "attn", STAGE_ATTENTION);
    const struct layer_hparams *l = step_hp(b);
    const struct plan_memory *mem = b->mem;
    const struct kv *kv = &b->p->past->kv;
    const bool latent = b->arch->latent;
    step_wrote(b, STEP_ROW_ATT);
    struct op_attn a = {.q = gpu_slice_all(latent ? mem->latent_q : mem->qkv),
                        .k_cache = kv->layer[b->layer].k,
                        .v_cache = kv->layer[b->layer].v,
                        .y = gpu_slice_all(latent ? mem->latent : mem->att),
                        .sinks = step_layer(b)->vector[V_ATTN_SINKS],
                        .part =
                            mem->part ? gpu_slice_all(mem->part) : (struct gpu_slice){0},
                        .type = kv->type,
                        .p = {.n_head = l->n_head,
                              .n_head_kv = l->n_head_kv,
                              .head_dim = l->head_dim,
                              .head_dim_v = l->head_dim_v,
                              .q_stride = latent ? mem->stride_latent_q : mem->stride_qkv,
                              .y_stride = latent ? mem->stride_latent : mem->stride_att,
                              .n_ctx = kv->n_ctx,
                              .window = l->window,
                              .scale = l->attn_scale}};
    if (!latent && step_x_is_i8(b, STEP_ROW_ATT, &step_layer(b)->matrix[W_ATTN_OUT]) &&
        op_attn_rounds(b->w->device, &a, at.max_rows)) {
        a.y_i8 = gpu_slice_all(mem->att_i8);
        b->rounded[STEP_ROW_ATT] = true;
    }
    return op_attn(b->list, &at, &a);
}

enum lem_status step_attn_out(struct builder *b)
{
    const struct step_branch branch = step_branch(b);
    const struct op_matmul a = {.weight = &step_layer(b)->matrix[W_ATTN_OUT],
                                .y = branch.to,
                                .bias = step_layer(b)->vector[V_ATTN_OUT_BIAS],
                                .y_stride = b->mem->stride_x,
                                .scale = branch.scale,
                                .add = branch.add};
    return step_matmul(b, "attn_out", STAGE_ATTN_OUT, STEP_ROW_ATT, a);
}
