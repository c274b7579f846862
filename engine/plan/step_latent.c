/* step_latent.c - latent attention: the cache holds one compressed row per token, and
 * the matrices that would expand it are applied to the query and to the result. */
#include "plan/step.h"

/* q from h, or from a narrow row that is normed in between. */
enum lem_status step_mla_q(struct builder *b)
{
    const struct plan_memory *mem = b->mem;
    const bool narrow = step_layer(b)->matrix[W_MLA_Q_A].n_mat != 0;
    enum lem_status st = LEM_OK;
    if (narrow) {
        const struct op_matmul down = {.weight = &step_layer(b)->matrix[W_MLA_Q_A],
                                       .y = gpu_slice_all(mem->latent),
                                       .y_stride = mem->stride_latent,
                                       .scale = 1.0f};
        st = step_matmul(b, "q_a", STAGE_QKV, STEP_ROW_H, down);
        if (st != LEM_OK)
            return st;
        const struct op_at at = step_at(b, "q_a_norm", STAGE_NORM);
        step_wrote(b, STEP_ROW_ATT);
        const struct op_norm norm = {.x = gpu_slice_all(mem->latent),
                                     .w = step_layer(b)->vector[V_MLA_Q_A_NORM],
                                     .y = gpu_slice_all(mem->att),
                                     .n = b->hp->latent.q_lora,
                                     .x_stride = mem->stride_latent,
                                     .y_stride = mem->stride_att,
                                     .eps = b->hp->norm_eps};
        st = op_norm(b->list, &at, &norm);
    }
    if (st != LEM_OK)
        return st;
    const struct op_matmul q = {.weight = &step_layer(b)->matrix[W_Q],
                                .y = gpu_slice_all(mem->qkv),
                                .y_stride = mem->stride_qkv,
                                .scale = 1.0f};
    return step_matmul(b, "q", STAGE_QKV, narrow ? STEP_ROW_ATT : STEP_ROW_H, q);
}

/* The new key behind the heads of q. */
static enum lem_status add_key(struct builder *b, uint32_t kv_off)
{
    const struct op_matmul a = {.weight = &step_layer(b)->matrix[W_MLA_KV_A],
                                .y = gpu_slice_all(b->mem->qkv),
                                .y_stride = b->mem->stride_qkv,
                                .y_off = kv_off,
                                .scale = 1.0f};
    return step_matmul(b, "kv_a", STAGE_QKV, STEP_ROW_H, a);
}

enum lem_status step_mla_kv(struct builder *b)
{
    const struct plan_memory *mem = b->mem;
    const struct layer_hparams *l = step_hp(b);
    const struct latent_hparams *lat = &b->hp->latent;
    const struct kv *kv = &b->p->past->kv;
    const uint32_t q_head = lat->nope + b->hp->n_rot;
    const enum rope_table table =
        model_rope_table(b->w->model, b->layer, b->p->past->n_ctx);
    enum lem_status st = add_key(b, l->n_head * q_head);
    if (st != LEM_OK)
        return st;

    struct op_at at = step_at(b, "latent", STAGE_ROPE);
    const struct op_latent key = {
        .x = gpu_slice_all(mem->qkv),
        .q = gpu_slice_all(mem->latent_q),
        .k_cache = kv->layer[b->layer].k,
        .norm = step_layer(b)->vector[V_MLA_KV_A_NORM],
        .freq = b->w->rope_freq[table],
        .type = kv->type,
        .p = {.n_head = l->n_head,
              .n_ctx = kv->n_ctx,
              .head_dim = l->head_dim,
              .n_latent = lat->kv_lora,
              .n_rot = b->hp->n_rot,
              .nope = lat->nope,
              .x_stride = mem->stride_qkv,
              .kv_off = l->n_head * q_head,
              .q_stride = mem->stride_latent_q,
              .flags = b->arch->rope == ROPE_PAIRS_HALVES ? ROPE_HALVES : 0,
              .eps = b->hp->norm_eps,
              .mscale = b->w->rope_mscale[table]}};
    st = op_latent(b->list, &at, &key);
    if (st != LEM_OK)
        return st;

    at = step_at(b, "k_b", STAGE_QKV);
    const struct op_matmul_heads absorb = {.weight = &step_layer(b)->matrix[W_MLA_K_B],
                                           .x = gpu_slice_all(mem->qkv),
                                           .y = gpu_slice_all(mem->latent_q),
                                           .x_stride = mem->stride_qkv,
                                           .y_stride = mem->stride_latent_q,
                                           .x_step = q_head,
                                           .y_step = l->head_dim};
    return op_matmul_heads(b->list, &at, &absorb);
}

enum lem_status step_mla_v(struct builder *b)
{
    const struct op_at at = step_at(b, "v_b", STAGE_ATTN_OUT);
    step_wrote(b, STEP_ROW_ATT);
    const struct op_matmul_heads a = {.weight = &step_layer(b)->matrix[W_MLA_V_B],
                                      .x = gpu_slice_all(b->mem->latent),
                                      .y = gpu_slice_all(b->mem->att),
                                      .x_stride = b->mem->stride_latent,
                                      .y_stride = b->mem->stride_att,
                                      .x_step = b->hp->latent.kv_lora,
                                      .y_step = b->hp->latent.value};
    return op_matmul_heads(b->list, &at, &a);
}
