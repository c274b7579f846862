/* hparams_attn.c - what mixes tokens, layer by layer: heads and their sizes, windows,
 * latent attention, short convolutions. */
#include <inttypes.h>
#include <math.h>

#include "base/log.h"
#include "model/hparams_parts.h"

/* ---- the sizes of heads -------------------------------------------------------- */

static enum lem_status check_heads(struct keys *r, const struct hparams *hp,
                                   const struct layer_hparams *l)
{
    const char *path = r->g->path, *p = r->prefix;
    if (l->n_head % l->n_head_kv)
        return log_fail(&r->g->log, LEM_ERR_FORMAT,
                        "%s: %s.attention.head_count %" PRIu32
                        " is no multiple of %s.attention.head_count_kv %" PRIu32
                        "; the file is damaged: convert it again",
                        path, p, l->n_head, p, l->n_head_kv);
    if (l->head_dim % 4 || l->head_dim_v % 4 || hp->latent.nope % 4 ||
        hp->latent.value % 4)
        return log_fail(&r->g->log, LEM_ERR_UNSUPPORTED,
                        "%s: heads of %" PRIu32
                        " values (%s.attention.key_length, or embedding_length / "
                        "head_count); only multiples of 4 can run",
                        path, l->head_dim, p);
    if (l->n_rot % 2)
        return log_fail(&r->g->log, LEM_ERR_FORMAT,
                        "%s: %s.rope.dimension_count %" PRIu32
                        " is odd, but values rotate in pairs; the file is damaged",
                        path, p, l->n_rot);
    return LEM_OK;
}

/* The size of a head: key_length, or what embedding_length leaves for each. Keys and
 * values of other sizes than each other cannot run. */
static enum lem_status read_head_dim(struct keys *r, struct hparams *hp)
{
    enum lem_status st;
    if (keys_stated(r, "attention.key_length")) {
        st = keys_u32(r, "attention.key_length", 1, MAX_HEAD_DIM, &hp->head_dim);
        if (st != LEM_OK)
            return st;
    } else {
        hp->head_dim = hp->n_embd / hp->n_head;
        if (hp->n_embd % hp->n_head || hp->head_dim > MAX_HEAD_DIM)
            return log_fail(
                &r->g->log, LEM_ERR_FORMAT,
                "%s: %" PRIu32 " values (%s.embedding_length) do not make %" PRIu32
                " heads (%s.attention.head_count) of at most %d; "
                "the file is damaged: convert it again",
                r->g->path, hp->n_embd, r->prefix, hp->n_head, r->prefix, MAX_HEAD_DIM);
    }
    hp->n_rot = hp->head_dim;
    st = keys_u32(r, "rope.dimension_count", 2, hp->head_dim, &hp->n_rot);

    uint32_t value_dim = hp->head_dim;
    if (st == LEM_OK)
        st = keys_u32(r, "attention.value_length", 1, MAX_HEAD_DIM, &value_dim);
    if (st == LEM_OK && value_dim != hp->head_dim)
        return log_fail(&r->g->log, LEM_ERR_UNSUPPORTED,
                        "%s: %s.attention.value_length %" PRIu32
                        " is not the key length %" PRIu32
                        "; this build runs only models where they are equal",
                        r->g->path, r->prefix, value_dim, hp->head_dim);
    return st;
}

/* ---- latent attention ------------------------------------------------------------ */

static enum lem_status read_latent(struct keys *r, struct hparams *hp)
{
    struct latent_hparams *l = &hp->latent;
    uint32_t key = 0;
    enum lem_status st =
        keys_need_u32(r, "attention.kv_lora_rank", 4, MAX_LORA, &l->kv_lora);
    if (st == LEM_OK)
        st = keys_u32(r, "attention.q_lora_rank", 0, MAX_LORA, &l->q_lora);
    if (st == LEM_OK)
        st = keys_need_u32(r, "rope.dimension_count", 2, MAX_HEAD_DIM, &hp->n_rot);
    if (st == LEM_OK && !keys_stated(r, "attention.key_length_mla"))
        return log_fail(&r->g->log, LEM_ERR_UNSUPPORTED,
                        "%s: key %s is missing: the file has keys and values of every "
                        "head in one matrix (attn_kv_b), an old layout. Convert it "
                        "again with a current tool.",
                        r->g->path, r->key);
    if (st == LEM_OK)
        st = keys_u32(r, "attention.key_length_mla", hp->n_rot + 1, MAX_HEAD_DIM, &key);
    if (st == LEM_OK)
        st = keys_need_u32(r, "attention.value_length_mla", 1, MAX_HEAD_DIM, &l->value);
    if (st != LEM_OK)
        return st;
    l->nope = key - hp->n_rot;
    hp->head_dim = l->kv_lora + hp->n_rot;
    return LEM_OK;
}

/* ---- layers ------------------------------------------------------------------------ */

/* Does layer il look through a window, by the file's pattern or the family's? */
static enum lem_status read_windowed(struct keys *r, const struct arch_window *desc,
                                     uint32_t il, bool *windowed)
{
    const uint32_t at = il % desc->period;
    *windowed = desc->full_first ? at != 0 : at != desc->period - 1;
    if (!keys_is_array(r, "attention.sliding_window_pattern")) {
        uint32_t period = 0;
        const enum lem_status st =
            keys_u32(r, "attention.sliding_window_pattern", 0, MAX_LAYER, &period);
        if (st == LEM_OK && period)
            *windowed = desc->full_first ? il % period != 0 : il % period != period - 1;
        return st;
    }
    return keys_bool_at(r, "attention.sliding_window_pattern", il, windowed);
}

/* Windows where the family has them, and what goes with a window. */
static enum lem_status read_window(struct keys *r, struct hparams *hp,
                                   const struct arch_desc *arch, uint32_t window,
                                   uint32_t il)
{
    struct layer_hparams *l = &hp->layer[il];
    bool windowed = false;
    if (window == 0)
        return LEM_OK;
    enum lem_status st = read_windowed(r, &arch->window, il, &windowed);
    if (st != LEM_OK)
        return st;
    if (!windowed) {
        if (arch->window.full_unrotated)
            l->n_rot = 0;
        return LEM_OK;
    }
    l->window = window;
    l->rope = ROPE_WINDOW;
    l->head_dim_v = l->head_dim;
    st = keys_u32(r, "attention.key_length_swa", 1, MAX_HEAD_DIM, &l->head_dim);
    if (st == LEM_OK)
        st = keys_u32(r, "attention.value_length_swa", l->head_dim, l->head_dim,
                      &l->head_dim_v);
    l->head_dim_v = l->head_dim;
    l->n_rot = l->head_dim < hp->n_rot ? l->head_dim : hp->n_rot;
    if (st == LEM_OK)
        st = keys_u32(r, "rope.dimension_count_swa", 2, l->head_dim, &l->n_rot);
    hp->n_rot_window = l->n_rot;
    return st;
}

/* A family without windows may state one that is as wide as the context. */
static enum lem_status read_window_size(struct keys *r, const struct hparams *hp,
                                        const struct arch_desc *arch, uint32_t *window)
{
    enum lem_status st = keys_u32(r, "attention.sliding_window", 0, UINT32_MAX, window);
    if (st != LEM_OK || arch->window.period)
        return st;
    if (*window && *window < hp->n_ctx_train)
        return log_fail(&r->g->log, LEM_ERR_UNSUPPORTED,
                        "%s: key %s is %" PRIu32 ", below the context length %" PRIu32
                        "; attention over a window cannot run in this family",
                        r->g->path, r->key, *window, hp->n_ctx_train);
    *window = 0;
    return LEM_OK;
}

static enum lem_status read_layer(struct keys *r, struct hparams *hp,
                                  const struct arch_desc *arch, uint32_t window,
                                  uint32_t il)
{
    const bool may_have_state = arch->state_moe || arch->state_dense;
    struct layer_hparams *l = &hp->layer[il];
    *l = (struct layer_hparams){.head_dim = hp->head_dim,
                                .head_dim_v = hp->head_dim,
                                .n_rot = arch->rope == ROPE_PAIRS_NONE ? 0 : hp->n_rot};
    enum lem_status st =
        keys_u32_at(r, "attention.head_count", il, 1, MAX_HEAD, &l->n_head);
    l->n_head_kv = l->n_head;
    if (st == LEM_OK)
        st = keys_u32_at(r, "attention.head_count_kv", il, may_have_state ? 0 : 1,
                         l->n_head, &l->n_head_kv);
    if (st != LEM_OK)
        return st;
    if (l->n_head_kv == 0) {
        l->has_state = true;
        return LEM_OK;
    }
    if (arch->latent) {
        l->n_head_kv = 1;
        l->head_dim_v = hp->latent.kv_lora;
    }
    st = read_window(r, hp, arch, window, il);
    l->attn_scale =
        1.0f / sqrtf((float)(arch->latent ? hp->latent.nope + hp->n_rot : l->head_dim));
    if (arch->attn_scale > 0)
        l->attn_scale = arch->attn_scale;
    if (st == LEM_OK)
        st = keys_f32(r, "attention.scale", 1e-6f, 1e6f, &l->attn_scale);
    if (st == LEM_OK && l->n_head_kv > hp->n_head_kv)
        hp->n_head_kv = l->n_head_kv;
    return st == LEM_OK ? check_heads(r, hp, l) : st;
}

enum lem_status hparams_attn(struct keys *r, struct hparams *hp,
                             const struct arch_desc *arch, struct arena *arena)
{
    uint32_t window = 0;
    if (!keys_stated(r, "attention.head_count"))
        return gguf_complain(r->g, r->key, GGUF_MISSING, "an integer");
    enum lem_status st =
        keys_u32_at(r, "attention.head_count", 0, 1, MAX_HEAD, &hp->n_head);
    if (st == LEM_OK)
        st = arch->latent ? read_latent(r, hp) : read_head_dim(r, hp);
    if (st == LEM_OK && (arch->state_moe || arch->state_dense))
        st = keys_need_u32(r, "shortconv.l_cache", 1, MAX_CONV, &hp->n_conv);
    if (st == LEM_OK)
        st = read_window_size(r, hp, arch, &window);
    if (st != LEM_OK)
        return st;

    hp->layer = arena_alloc(arena, hp->n_layer, sizeof *hp->layer);
    if (!hp->layer)
        return log_fail(&r->g->log, LEM_ERR_MEMORY,
                        "%s: host memory ran out while opening the model", r->g->path);
    for (uint32_t il = 0; st == LEM_OK && il < hp->n_layer; il++)
        st = read_layer(r, hp, arch, window, il);
    for (uint32_t il = 0; st == LEM_OK && il < hp->n_layer; il++)
        if (hp->layer[il].n_head > hp->n_head)
            hp->n_head = hp->layer[il].n_head;
    return st;
}
