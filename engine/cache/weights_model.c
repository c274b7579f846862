/* weights_model.c - which tensors of a model are packed with which: rows that read the
 * same input become one matrix, small tensors f32 vectors. */
#include <math.h>

#include "base/log.h"
#include "cache/weights_layout.h"

/* What is being laid out. */
struct layer_job {
    struct weights_layout *l;
    struct lem_weights *w;
    struct weights_layer *d;
    uint32_t il;
};

static const struct tensor *slot_of(const struct layer_job *j, enum arch_slot slot)
{
    return model_tensor(j->w->model, slot, j->il);
}

static bool present(const struct tensor *t)
{
    return t->file != NULL;
}

/* ---- matrices ----------------------------------------------------------------- */

/* `joint` from all tensors when their types agree; else each to its own place, from
 * `single` on. Nothing where the layer lacks one of them. */
static enum lem_status add_joint(const struct layer_job *j, enum weights_matrix joint,
                                 enum weights_matrix single, uint32_t n,
                                 const struct tensor *const *source)
{
    bool same = true;
    for (uint32_t i = 0; i < n; i++) {
        if (!present(source[i]))
            return LEM_OK;
        same = same && source[i]->type == source[0]->type;
    }
    if (same)
        return weights_add_matrix(j->l, j->w, &j->d->matrix[joint], n, source);
    enum lem_status st = LEM_OK;
    for (uint32_t i = 0; i < n && st == LEM_OK; i++)
        st = weights_add_matrix(j->l, j->w, &j->d->matrix[single + i], 1, &source[i]);
    return st;
}

static enum lem_status add_single(struct weights_layout *l, struct lem_weights *w,
                                  struct ops_weight *dst, const struct tensor *t)
{
    return present(t) ? weights_add_matrix(l, w, dst, 1, &t) : LEM_OK;
}

static enum lem_status add_matrices(const struct layer_job *j)
{
    static const struct {
        enum weights_matrix matrix;
        enum arch_slot slot;
    } rows[] = {
        {W_QKV, SLOT_ATTN_QKV},
        {W_ATTN_OUT, SLOT_ATTN_OUT},
        {W_MLA_Q_A, SLOT_MLA_Q_A},
        {W_MLA_KV_A, SLOT_MLA_KV_A},
        {W_MLA_K_B, SLOT_MLA_K_B},
        {W_MLA_V_B, SLOT_MLA_V_B},
        {W_CONV_IN, SLOT_CONV_IN},
        {W_CONV_OUT, SLOT_CONV_OUT},
        {W_ROUTER, SLOT_ROUTER},
        {W_GATE_UP_EXPS, SLOT_GATE_UP_EXPS},
        {W_DOWN_EXPS, SLOT_DOWN_EXPS},
        {W_SHARED_SWITCH, SLOT_SHARED_SWITCH},
        {W_SHARED_DOWN, SLOT_SHARED_DOWN},
        {W_FFN_DOWN, SLOT_FFN_DOWN},
    };
    enum lem_status st = LEM_OK;
    for (size_t i = 0; i < sizeof rows / sizeof *rows && st == LEM_OK; i++)
        st = add_single(j->l, j->w, &j->d->matrix[rows[i].matrix],
                        slot_of(j, rows[i].slot));
    return st;
}

/* Gate and up rows, of experts and of the two dense kinds. */
static enum lem_status add_gate_up(const struct layer_job *j)
{
    static const struct {
        enum weights_matrix joint, single;
        enum arch_slot gate, up;
    } rows[] = {
        {W_GATE_UP_EXPS, W_GATE_EXPS, SLOT_GATE_EXPS, SLOT_UP_EXPS},
        {W_SHARED_GATE_UP, W_SHARED_GATE, SLOT_SHARED_GATE, SLOT_SHARED_UP},
        {W_FFN_GATE_UP, W_FFN_GATE, SLOT_FFN_GATE, SLOT_FFN_UP},
    };
    enum lem_status st = LEM_OK;
    for (size_t i = 0; i < sizeof rows / sizeof *rows && st == LEM_OK; i++) {
        const struct tensor *pair[] = {slot_of(j, rows[i].gate), slot_of(j, rows[i].up)};
        st = add_joint(j, rows[i].joint, rows[i].single, 2, pair);
    }
    return st;
}

/* ---- vectors ------------------------------------------------------------------ */

/* Tensors one after the other; absent ones (with n[i] > 0) as zeros. All absent: no
 * vector. `n[i]` is the length that the kernels expect. */
static enum lem_status add_vector(struct weights_layout *l, struct lem_weights *w,
                                  struct gpu_slice *dst, uint32_t n_source,
                                  const struct tensor *const *source, const uint32_t *n)
{
    uint32_t total = 0;
    bool any = false;
    for (uint32_t i = 0; i < n_source; i++) {
        any = any || present(source[i]);
        total += n[i];
    }
    if (!any)
        return LEM_OK;
    float *values = NULL;
    const enum lem_status st = weights_add_vector(l, w, dst, total, &values);
    for (uint32_t i = 0; i < n_source && st == LEM_OK; i++) {
        if (present(source[i]))
            tensor_decode(source[i], values);
        values += n[i];
    }
    return st;
}

static enum lem_status add_plain(struct weights_layout *l, struct lem_weights *w,
                                 struct gpu_slice *dst, const struct tensor *t)
{
    const uint32_t n = present(t) ? t->n_mat * t->n_row * t->n_col : 0;
    return add_vector(l, w, dst, 1, &t, &n);
}

static enum lem_status add_vectors(const struct layer_job *j)
{
    static const struct {
        enum weights_vector vector;
        enum arch_slot slot;
    } rows[] = {
        {V_ATTN_NORM, SLOT_ATTN_NORM},
        {V_ATTN_NORM_BIAS, SLOT_ATTN_NORM_BIAS},
        {V_ATTN_SINKS, SLOT_ATTN_SINKS},
        {V_ATTN_OUT_BIAS, SLOT_ATTN_OUT_BIAS},
        {V_ATTN_POST_NORM, SLOT_ATTN_POST_NORM},
        {V_MLA_Q_A_NORM, SLOT_MLA_Q_A_NORM},
        {V_MLA_KV_A_NORM, SLOT_MLA_KV_A_NORM},
        {V_CONV, SLOT_CONV},
        {V_FFN_NORM, SLOT_FFN_NORM},
        {V_FFN_NORM_BIAS, SLOT_FFN_NORM_BIAS},
        {V_ROUTER_BIAS, SLOT_ROUTER_BIAS},
        {V_ROUTER_SELECT_BIAS, SLOT_ROUTER_SELECT_BIAS},
        {V_DOWN_BIAS, SLOT_DOWN_EXPS_BIAS},
        {V_DOWN_SCALE, SLOT_DOWN_EXPS_SCALE},
        {V_FFN_POST_NORM, SLOT_FFN_POST_NORM},
        {V_EXPERTS_NORM, SLOT_EXPERTS_NORM},
        {V_EXPERTS_POST_NORM, SLOT_EXPERTS_POST_NORM},
        {V_POST_NORM, SLOT_POST_NORM},
    };
    enum lem_status st = LEM_OK;
    for (size_t i = 0; i < sizeof rows / sizeof *rows && st == LEM_OK; i++)
        st = add_plain(j->l, j->w, &j->d->vector[rows[i].vector],
                       slot_of(j, rows[i].slot));
    return st;
}

static enum lem_status add_router_norm(const struct layer_job *j)
{
    const struct tensor *t = slot_of(j, SLOT_ROUTER_SCALE);
    const uint32_t n = j->w->model->hp.n_embd;
    float *values = NULL;
    if (!present(t))
        return LEM_OK;
    const enum lem_status st =
        weights_add_vector(j->l, j->w, &j->d->vector[V_ROUTER_NORM], n, &values);
    if (st != LEM_OK)
        return st;
    tensor_decode(t, values);
    for (uint32_t i = 0; i < n; i++)
        values[i] = (float)((double)values[i] / sqrt(n));
    return LEM_OK;
}

/* The biases of an expert's gate, then of its up rows, expert by expert. */
static enum lem_status add_expert_bias(const struct layer_job *j)
{
    const struct hparams *hp = &j->w->model->hp;
    const struct tensor *part[] = {slot_of(j, SLOT_GATE_EXPS_BIAS),
                                   slot_of(j, SLOT_UP_EXPS_BIAS)};
    const uint32_t n = hp->n_ff_exp;
    float *values = NULL;
    if (!present(part[0]) && !present(part[1]))
        return LEM_OK;
    const enum lem_status st = weights_add_vector(
        j->l, j->w, &j->d->vector[V_GATE_UP_BIAS], 2 * n * hp->n_expert, &values);
    for (uint32_t i = 0; i < 2 && st == LEM_OK; i++)
        for (uint32_t e = 0; present(part[i]) && e < hp->n_expert; e++)
            tensor_decode_row(part[i], 0, e, values + ((size_t)e * 2 + i) * n);
    return st;
}

/* ---- the model ------------------------------------------------------------------ */

/* Separate q, k and v, their biases and norms. A layer without v takes k for it. */
static enum lem_status add_qkv(const struct layer_job *j)
{
    const struct lem_model *m = j->w->model;
    const struct layer_hparams *h = &m->hp.layer[j->il];
    const bool own_v = present(slot_of(j, SLOT_ATTN_V));
    const struct tensor *qkv[] = {slot_of(j, SLOT_ATTN_Q), slot_of(j, SLOT_ATTN_K),
                                  slot_of(j, own_v ? SLOT_ATTN_V : SLOT_ATTN_K)};
    const struct tensor *bias[] = {
        slot_of(j, SLOT_ATTN_Q_BIAS), slot_of(j, SLOT_ATTN_K_BIAS),
        slot_of(j, own_v ? SLOT_ATTN_V_BIAS : SLOT_ATTN_K_BIAS)};
    const struct tensor *norm[] = {slot_of(j, SLOT_ATTN_Q_NORM),
                                   slot_of(j, SLOT_ATTN_K_NORM)};
    const uint32_t n_q = h->n_head * h->head_dim, n_kv = h->n_head_kv * h->head_dim;
    const uint32_t n_bias[] = {n_q, n_kv, n_kv};
    const bool by_head = m->arch->qk_norm == QK_NORM_HEAD;
    const uint32_t n_norm[] = {by_head ? h->head_dim : n_q, by_head ? h->head_dim : n_kv};
    struct gpu_slice *vector = j->d->vector;

    enum lem_status st = LEM_OK;
    if (m->arch->latent)
        return add_single(
            j->l, j->w, &j->d->matrix[W_Q],
            slot_of(j, j->d->matrix[W_MLA_Q_A].n_mat ? SLOT_MLA_Q_B : SLOT_ATTN_Q));
    if (!j->d->matrix[W_QKV].n_mat)
        st = add_joint(j, W_QKV, W_Q, 3, qkv);
    const bool joint = j->d->matrix[W_QKV].n_mat != 0;
    if (st == LEM_OK && joint)
        st = add_vector(j->l, j->w, &vector[V_QKV_BIAS], 3, bias, n_bias);
    for (uint32_t i = 0; i < 3 && st == LEM_OK && !joint; i++)
        st = add_vector(j->l, j->w, &vector[V_Q_BIAS + i], 1, &bias[i], &n_bias[i]);
    if (st == LEM_OK)
        st = add_vector(j->l, j->w, &vector[V_QK_NORM], 2, norm, n_norm);
    return st;
}

static enum lem_status add_layer(struct weights_layout *l, struct lem_weights *w,
                                 uint32_t il)
{
    const struct layer_job j = {.l = l, .w = w, .d = &w->layer[il], .il = il};
    enum lem_status st = add_matrices(&j);
    if (st == LEM_OK)
        st = add_qkv(&j);
    if (st == LEM_OK)
        st = add_gate_up(&j);
    if (st == LEM_OK)
        st = add_vectors(&j);
    if (st == LEM_OK)
        st = add_router_norm(&j);
    if (st == LEM_OK)
        st = add_expert_bias(&j);
    return st;
}

static enum lem_status add_rope(struct weights_layout *l, struct lem_weights *w)
{
    enum lem_status st = LEM_OK;
    for (uint32_t i = 0; i < ROPE_TABLE_COUNT && st == LEM_OK; i++) {
        const uint32_t n_rot = model_rope_n_rot(w->model, (enum rope_table)i);
        float *freq = NULL;
        w->rope_mscale[i] = 1.0f;
        if (n_rot == 0)
            continue;
        st = weights_add_vector(l, w, &w->rope_freq[i], n_rot / 2, &freq);
        if (st == LEM_OK)
            model_rope_freqs(w->model, (enum rope_table)i, freq, &w->rope_mscale[i]);
    }
    return st;
}

static enum lem_status add_ends(struct weights_layout *l, struct lem_weights *w)
{
    const struct lem_model *m = w->model;
    enum lem_status st =
        add_single(l, w, &w->global[W_TOKEN_EMBD], model_tensor(m, SLOT_TOKEN_EMBD, 0));
    if (st == LEM_OK)
        st = add_single(l, w, &w->global[W_OUTPUT], model_tensor(m, SLOT_OUTPUT, 0));
    if (st == LEM_OK)
        st = add_plain(l, w, &w->global_vector[V_OUTPUT_NORM],
                       model_tensor(m, SLOT_OUTPUT_NORM, 0));
    if (st == LEM_OK)
        st = add_plain(l, w, &w->global_vector[V_OUTPUT_NORM_BIAS],
                       model_tensor(m, SLOT_OUTPUT_NORM_BIAS, 0));
    if (st == LEM_OK)
        st = add_plain(l, w, &w->global_vector[V_OUTPUT_BIAS],
                       model_tensor(m, SLOT_OUTPUT_BIAS, 0));
    return st;
}

enum lem_status weights_layout_make(struct weights_layout *l, struct lem_weights *w)
{
    *l = (struct weights_layout){.arena = &w->arena};
    enum lem_status st = add_ends(l, w);
    if (st == LEM_OK)
        st = add_rope(l, w);
    for (uint32_t il = 0; il < w->model->hp.n_layer && st == LEM_OK; il++)
        st = add_layer(l, w, il);
    return st;
}
