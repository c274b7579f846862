/* weights_layout.c - from tensors to windows: what is packed with what, and where
 * every window lies. */
#include "cache/weights_layout.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/log.h"

/* Chunks stay well below the allocation limits seen (1 GiB exactly fails on one
 * driver) and are few, since drivers limit the number of allocations. */
static const uint64_t CHUNK_MAX = (uint64_t)512 << 20;

/* Room for one more element in a growing array; false when memory ran out. */
static bool grow(void *array, uint32_t n, uint32_t *cap, size_t size)
{
    if (n < *cap)
        return true;
    const uint32_t want = *cap ? *cap * 2 : 64;
    void *p = realloc(*(void **)array, want * size);
    if (!p)
        return false;
    *(void **)array = p;
    *cap = want;
    return true;
}

/* ---- placing --------------------------------------------------------------- */

static bool place(struct weights_layout *l, const struct lem_weights *w, uint64_t size)
{
    const struct lem_device_caps *caps = gpu_caps(w->device);
    const uint64_t align = caps->storage_align > 256 ? caps->storage_align : 256;
    const uint64_t limit = caps->max_alloc_bytes < CHUNK_MAX ? caps->max_alloc_bytes
                                                             : CHUNK_MAX;
    uint64_t at = 0;
    if (l->n_chunk)
        at = (l->chunk_bytes[l->n_chunk - 1] + align - 1) / align * align;
    if (l->n_chunk == 0 || at + size > limit) {
        if (!grow(&l->chunk_bytes, l->n_chunk, &l->cap_chunk, sizeof *l->chunk_bytes))
            return false;
        l->chunk_bytes[l->n_chunk++] = 0;
        at = 0;
    }
    if (!grow(&l->place, l->n_place, &l->cap_place, sizeof *l->place))
        return false;
    l->place[l->n_place++] =
        (struct pack_place){.chunk = l->n_chunk - 1, .offset = at, .size = size};
    l->chunk_bytes[l->n_chunk - 1] = at + size;
    l->total_bytes += size;
    return true;
}

/* Cut a matrix into windows that each fit one binding, and place them. */
static enum lem_status place_windows(struct weights_layout *l, struct lem_weights *w,
                                     struct pack_matrix *m, const char *name)
{
    struct ops_weight *d = m->dst;
    const struct lem_device_caps *caps = gpu_caps(w->device);
    const uint64_t limit = caps->max_buffer_range < WEIGHTS_MAX_BINDING
                               ? caps->max_buffer_range
                               : WEIGHTS_MAX_BINDING;
    uint64_t tile = 0;
    const uint64_t n_tile = ceil_div(d->n_row, QUANT_TILE_ROWS);
    if (!quant_tile_bytes(d->type, d->n_col, &tile) || tile > limit)
        return log_fail(&w->log, LEM_ERR_UNSUPPORTED,
                        "%s: 8 rows of %u columns exceed one binding of %llu bytes on %s",
                        name, d->n_col, (unsigned long long)limit, gpu_name(w->device));

    const uint64_t mats = limit / (tile * n_tile); /* whole matrices in a window */
    const uint64_t tiles = limit / tile;
    const uint64_t per_mat = mats ? 1 : (n_tile + tiles - 1) / tiles;
    const uint64_t n_window = mats ? (d->n_mat + mats - 1) / mats : d->n_mat * per_mat;
    struct ops_window *win = arena_alloc(l->arena, n_window, sizeof *win);
    if (!win || n_window > UINT32_MAX)
        return log_fail(&w->log, LEM_ERR_MEMORY, "%s: no memory for its windows", name);

    m->first_place = l->n_place;
    m->n_place = (uint32_t)n_window;
    for (uint32_t i = 0; i < n_window; i++) {
        if (mats) {
            win[i].mat0 = (uint32_t)(i * mats);
            win[i].n_mat = d->n_mat - win[i].mat0 < mats ? d->n_mat - win[i].mat0
                                                         : (uint32_t)mats;
            win[i].n_row = d->n_row;
        } else {
            const uint32_t part = (uint32_t)(i % per_mat);
            win[i].mat0 = (uint32_t)(i / per_mat);
            win[i].n_mat = 1;
            win[i].row0 = (uint32_t)(part * tiles * QUANT_TILE_ROWS);
            const uint32_t left = d->n_row - win[i].row0;
            win[i].n_row = left < tiles * QUANT_TILE_ROWS
                               ? left
                               : (uint32_t)(tiles * QUANT_TILE_ROWS);
        }
        const uint64_t bytes = tile * ceil_div(win[i].n_row, QUANT_TILE_ROWS) *
                               win[i].n_mat;
        if (!place(l, w, bytes))
            return log_fail(&w->log, LEM_ERR_MEMORY, "%s: no memory for its windows",
                            name);
    }
    d->window = win;
    d->n_window = (uint32_t)n_window;
    return LEM_OK;
}

/* ---- what is packed with what ------------------------------------------------ */

static bool present(const struct tensor *t)
{
    return t && t->file;
}

/* One matrix from `n` tensors that share type, columns and number of matrices. */
static enum lem_status add_matrix(struct weights_layout *l, struct lem_weights *w,
                                  struct ops_weight *dst, uint32_t n,
                                  const struct tensor *const *source)
{
    if (!grow(&l->matrix, l->n_matrix, &l->cap_matrix, sizeof *l->matrix))
        return log_fail(&w->log, LEM_ERR_MEMORY, "%s: no memory",
                        source[0]->file->name);
    struct pack_matrix *m = &l->matrix[l->n_matrix++];
    *m = (struct pack_matrix){.dst = dst, .n_source = n};
    *dst = (struct ops_weight){.type = source[0]->type,
                               .n_mat = source[0]->n_mat,
                               .n_col = source[0]->n_col};
    for (uint32_t i = 0; i < n; i++) {
        m->source[i] = source[i];
        dst->n_row += source[i]->n_row;
    }
    return place_windows(l, w, m, source[0]->file->name);
}

/* `joint` from all tensors when their types agree; else each to its own place. */
static enum lem_status add_joint(struct weights_layout *l, struct lem_weights *w,
                                 struct ops_weight *joint, struct ops_weight *single,
                                 uint32_t n, const struct tensor *const *source)
{
    bool same = true;
    for (uint32_t i = 0; i < n; i++) {
        if (!present(source[i]))
            return LEM_OK; /* the layer has none of these */
        same = same && source[i]->type == source[0]->type;
    }
    if (same)
        return add_matrix(l, w, joint, n, source);
    enum lem_status st = LEM_OK;
    for (uint32_t i = 0; i < n && st == LEM_OK; i++)
        st = add_matrix(l, w, &single[i], 1, &source[i]);
    return st;
}

static enum lem_status add_single(struct weights_layout *l, struct lem_weights *w,
                                  struct ops_weight *dst, const struct tensor *t)
{
    return present(t) ? add_matrix(l, w, dst, 1, &t) : LEM_OK;
}

/* ---- vectors ------------------------------------------------------------------ */

/* Tensors one after the other as f32; absent ones (with n[i] > 0) as zeros. All
 * absent: no vector. `n[i]` is the length that the kernels expect. */
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
    float *values = arena_alloc(l->arena, total, sizeof *values);
    if (!values || !grow(&l->vector, l->n_vector, &l->cap_vector, sizeof *l->vector))
        return log_fail(&w->log, LEM_ERR_MEMORY, "no memory for a vector of %u", total);
    uint32_t at = 0;
    for (uint32_t i = 0; i < n_source; i++) {
        if (present(source[i]))
            tensor_decode(source[i], values + at);
        at += n[i];
    }
    l->vector[l->n_vector++] = (struct pack_vector){
        .dst = dst, .values = values, .n = total, .place = l->n_place};
    if (!place(l, w, (uint64_t)total * sizeof *values))
        return log_fail(&w->log, LEM_ERR_MEMORY, "no memory for a vector of %u", total);
    return LEM_OK;
}

static enum lem_status add_plain(struct weights_layout *l, struct lem_weights *w,
                                 struct gpu_slice *dst, const struct tensor *t)
{
    const uint32_t n = present(t) ? t->n_mat * t->n_row * t->n_col : 0;
    return add_vector(l, w, dst, 1, &t, &n);
}

/* ---- the model ------------------------------------------------------------------ */

static enum lem_status add_attention(struct weights_layout *l, struct lem_weights *w,
                                     uint32_t il)
{
    const struct lem_model *m = w->model;
    const struct hparams *hp = &m->hp;
    struct weights_layer *d = &w->layer[il];
#define T(slot) model_tensor(m, slot, il)
    const struct tensor *qkv[] = {T(SLOT_ATTN_Q), T(SLOT_ATTN_K), T(SLOT_ATTN_V)};
    const struct tensor *bias[] = {T(SLOT_ATTN_Q_BIAS), T(SLOT_ATTN_K_BIAS),
                                   T(SLOT_ATTN_V_BIAS)};
    const uint32_t n_q = hp->n_head * hp->head_dim, n_kv = hp->n_head_kv * hp->head_dim;
    const uint32_t n_bias[] = {n_q, n_kv, n_kv};
    const bool by_head = m->arch->qk_norm == QK_NORM_HEAD;
    const struct tensor *norm[] = {T(SLOT_ATTN_Q_NORM), T(SLOT_ATTN_K_NORM)};
    const uint32_t n_norm[] = {by_head ? hp->head_dim : n_q,
                               by_head ? hp->head_dim : n_kv};

    enum lem_status st = add_joint(l, w, &d->matrix[W_QKV], &d->matrix[W_Q], 3, qkv);
    if (st == LEM_OK)
        st = add_single(l, w, &d->matrix[W_ATTN_OUT], T(SLOT_ATTN_OUT));
    if (st == LEM_OK && d->matrix[W_QKV].n_mat)
        st = add_vector(l, w, &d->vector[V_QKV_BIAS], 3, bias, n_bias);
    for (uint32_t i = 0; i < 3 && st == LEM_OK && !d->matrix[W_QKV].n_mat; i++)
        st = add_vector(l, w, &d->vector[V_Q_BIAS + i], 1, &bias[i], &n_bias[i]);
    if (st == LEM_OK && m->arch->qk_norm != QK_NORM_NONE)
        st = add_vector(l, w, &d->vector[V_QK_NORM], 2, norm, n_norm);
    if (st == LEM_OK)
        st = add_plain(l, w, &d->vector[V_ATTN_NORM], T(SLOT_ATTN_NORM));
    if (st == LEM_OK)
        st = add_plain(l, w, &d->vector[V_ATTN_OUT_BIAS], T(SLOT_ATTN_OUT_BIAS));
    return st;
}

static enum lem_status add_ffn(struct weights_layout *l, struct lem_weights *w,
                               uint32_t il)
{
    const struct lem_model *m = w->model;
    struct weights_layer *d = &w->layer[il];
    const struct tensor *experts[] = {T(SLOT_GATE_EXPS), T(SLOT_UP_EXPS)};
    const struct tensor *dense[] = {T(SLOT_FFN_GATE), T(SLOT_FFN_UP)};

    enum lem_status st = add_plain(l, w, &d->vector[V_FFN_NORM], T(SLOT_FFN_NORM));
    if (st == LEM_OK)
        st = add_single(l, w, &d->matrix[W_ROUTER], T(SLOT_ROUTER));
    if (st == LEM_OK)
        st = add_plain(l, w, &d->vector[V_ROUTER_SELECT_BIAS],
                       T(SLOT_ROUTER_SELECT_BIAS));
    if (st == LEM_OK)
        st = add_joint(l, w, &d->matrix[W_GATE_UP_EXPS], &d->matrix[W_GATE_EXPS], 2,
                       experts);
    if (st == LEM_OK)
        st = add_single(l, w, &d->matrix[W_DOWN_EXPS], T(SLOT_DOWN_EXPS));
    if (st == LEM_OK)
        st = add_joint(l, w, &d->matrix[W_FFN_GATE_UP], &d->matrix[W_FFN_GATE], 2, dense);
    if (st == LEM_OK)
        st = add_single(l, w, &d->matrix[W_FFN_DOWN], T(SLOT_FFN_DOWN));
    return st;
#undef T
}

static enum lem_status add_rope(struct weights_layout *l, struct lem_weights *w)
{
    const uint32_t n = w->model->hp.n_rot / 2;
    w->rope_mscale = 1.0f;
    if (n == 0)
        return LEM_OK;
    float *freq = arena_alloc(l->arena, n, sizeof *freq);
    if (!freq || !grow(&l->vector, l->n_vector, &l->cap_vector, sizeof *l->vector))
        return log_fail(&w->log, LEM_ERR_MEMORY, "no memory for the RoPE table");
    model_rope_freqs(w->model, freq, &w->rope_mscale);
    l->vector[l->n_vector++] =
        (struct pack_vector){.dst = &w->global_vector[V_ROPE_FREQ],
                             .values = freq,
                             .n = n,
                             .place = l->n_place};
    if (!place(l, w, (uint64_t)n * sizeof *freq))
        return log_fail(&w->log, LEM_ERR_MEMORY, "no memory for the RoPE table");
    return LEM_OK;
}

enum lem_status weights_layout_make(struct weights_layout *l, struct lem_weights *w)
{
    const struct lem_model *m = w->model;
    *l = (struct weights_layout){.arena = &w->arena};
    enum lem_status st = add_single(l, w, &w->global[W_TOKEN_EMBD],
                                    model_tensor(m, SLOT_TOKEN_EMBD, 0));
    if (st == LEM_OK)
        st = add_single(l, w, &w->global[W_OUTPUT], model_tensor(m, SLOT_OUTPUT, 0));
    if (st == LEM_OK)
        st = add_plain(l, w, &w->global_vector[V_OUTPUT_NORM],
                       model_tensor(m, SLOT_OUTPUT_NORM, 0));
    if (st == LEM_OK)
        st = add_rope(l, w);
    for (uint32_t il = 0; il < m->hp.n_layer && st == LEM_OK; il++) {
        st = add_attention(l, w, il);
        if (st == LEM_OK)
            st = add_ffn(l, w, il);
    }
    return st;
}

void weights_layout_free(struct weights_layout *l)
{
    free(l->matrix);
    free(l->vector);
    free(l->place);
    free(l->chunk_bytes);
    *l = (struct weights_layout){0};
}
