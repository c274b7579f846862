/* ref_forward.c - the whole model on the CPU, one token at a time: walks the same
 * step lists as plan/, with the functions of this folder. */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "ref/ref.h"

struct ref_state {
    const struct lem_model *m;
    uint32_t n_ctx, pos;
    uint32_t n_q, n_kv;       /* widths of q, and of k and v */
    float *k_cache, *v_cache; /* [n_layer][n_ctx][n_kv] */
    float *x, *h, *q;         /* residual stream; the row of the next step; queries */
    float *w, *w2;            /* a decoded norm or bias each */
    float *freq, mscale;
    float *router_logits;   /* [n_expert] */
    float *weights, margin; /* the layer's choice */
    uint32_t *ids;
    struct arena arena;
};

static bool make_cache(struct ref_state *s)
{
    uint64_t n;
    if (!check_mul((uint64_t)s->m->hp.n_layer * s->n_kv, s->n_ctx, &n) || n > SIZE_MAX)
        return false;
    s->k_cache = arena_alloc(&s->arena, (size_t)n, sizeof(float));
    s->v_cache = arena_alloc(&s->arena, (size_t)n, sizeof(float));
    return s->k_cache && s->v_cache;
}

static bool make_rows(struct ref_state *s)
{
    const struct hparams *hp = &s->m->hp;
    const uint32_t wide = s->n_q > hp->n_embd ? s->n_q : hp->n_embd;
    struct arena *a = &s->arena;
    s->x = arena_alloc(a, hp->n_embd, sizeof(float));
    s->h = arena_alloc(a, wide, sizeof(float));
    s->q = arena_alloc(a, s->n_q, sizeof(float));
    s->w = arena_alloc(a, wide, sizeof(float));
    s->w2 = arena_alloc(a, wide, sizeof(float));
    s->freq = arena_alloc(a, hp->n_rot / 2, sizeof(float));
    s->router_logits = arena_alloc(a, hp->n_expert, sizeof(float));
    s->weights = arena_alloc(a, hp->n_expert_used, sizeof(float));
    s->ids = arena_alloc(a, hp->n_expert_used, sizeof *s->ids);
    return s->x && s->h && s->q && s->w && s->w2 && s->freq && s->router_logits &&
           s->weights && s->ids;
}

struct ref_state *ref_open(const struct lem_model *m, uint32_t n_ctx)
{
    struct ref_state *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->m = m;
    s->n_ctx = n_ctx;
    s->n_q = m->hp.n_head * m->hp.head_dim;
    s->n_kv = m->hp.n_head_kv * m->hp.head_dim;
    if (!make_cache(s) || !make_rows(s)) {
        ref_close(&s);
        return NULL;
    }
    model_rope_freqs(m, s->freq, &s->mscale);
    return s;
}

void ref_close(struct ref_state **s)
{
    if (!s || !*s)
        return;
    arena_free(&(*s)->arena);
    free(*s);
    *s = NULL;
}

/* ---- the steps --------------------------------------------------------------- */

static float *cached(const struct ref_state *s, float *cache, uint32_t layer,
                     uint32_t pos)
{
    return cache + ((size_t)layer * s->n_ctx + pos) * s->n_kv;
}

/* y = W x (+ bias) */
static void product(struct ref_state *s, float *y, const float *x, enum arch_slot weight,
                    enum arch_slot bias, uint32_t layer)
{
    const struct tensor *w = model_tensor(s->m, weight, layer);
    const struct tensor *b = model_tensor(s->m, bias, layer);
    if (b->file)
        tensor_decode(b, s->w);
    ref_matmul(y, w->type, w->data, w->n_row, w->n_col, x, 1, b->file ? s->w : NULL);
}

static void norm(struct ref_state *s, enum arch_slot weight, uint32_t layer)
{
    tensor_decode(model_tensor(s->m, weight, layer), s->w);
    ref_norm(s->h, s->x, s->w, 1, s->m->hp.n_embd, s->m->hp.norm_eps);
}

static void qkv(struct ref_state *s, uint32_t layer)
{
    float *k = cached(s, s->k_cache, layer, s->pos);
    float *v = cached(s, s->v_cache, layer, s->pos);
    product(s, s->q, s->h, SLOT_ATTN_Q, SLOT_ATTN_Q_BIAS, layer);
    product(s, k, s->h, SLOT_ATTN_K, SLOT_ATTN_K_BIAS, layer);
    product(s, v, s->h, SLOT_ATTN_V, SLOT_ATTN_V_BIAS, layer);
}

static void rope(struct ref_state *s, uint32_t layer)
{
    const struct lem_model *m = s->m;
    struct ref_rope r = {
        .n_head = m->hp.n_head,
        .n_head_kv = m->hp.n_head_kv,
        .head_dim = m->hp.head_dim,
        .n_rot = m->hp.n_rot,
        .kind = m->arch->rope,
        .qk_norm = m->arch->qk_norm,
        .freq = s->freq,
        .mscale = s->mscale,
        .eps = m->hp.norm_eps,
    };
    if (r.qk_norm != QK_NORM_NONE) {
        tensor_decode(model_tensor(m, SLOT_ATTN_Q_NORM, layer), s->w);
        tensor_decode(model_tensor(m, SLOT_ATTN_K_NORM, layer), s->w2);
        r.q_norm = s->w;
        r.k_norm = s->w2;
    }
    ref_rope(s->q, cached(s, s->k_cache, layer, s->pos), s->pos, &r);
}

static void attend(struct ref_state *s, uint32_t layer)
{
    const struct hparams *hp = &s->m->hp;
    const struct ref_attn a = {
        .n_head = hp->n_head,
        .n_head_kv = hp->n_head_kv,
        .head_dim = hp->head_dim,
        .scale = hp->attn_scale,
    };
    ref_attn(s->h, s->q, cached(s, s->k_cache, layer, 0), cached(s, s->v_cache, layer, 0),
             s->pos, &a);
}

static void attn_out(struct ref_state *s, uint32_t layer)
{
    float *y = s->w2;
    product(s, y, s->h, SLOT_ATTN_OUT, SLOT_ATTN_OUT_BIAS, layer);
    for (uint32_t i = 0; i < s->m->hp.n_embd; i++)
        s->x[i] += y[i];
}

static void route(struct ref_state *s, uint32_t layer)
{
    const struct hparams *hp = &s->m->hp;
    const struct tensor *bias = model_tensor(s->m, SLOT_ROUTER_SELECT_BIAS, layer);
    const struct tensor *w = model_tensor(s->m, SLOT_ROUTER, layer);
    if (bias->file)
        tensor_decode(bias, s->w);
    const struct ref_router r = {
        .n_expert = hp->n_expert,
        .n_used = hp->n_expert_used,
        .score = hp->score,
        .bias = bias->file ? s->w : NULL,
        .normalise = hp->router_normalise,
        .scale = hp->router_scale,
        .norm_eps = hp->router_norm_eps,
        .n_group = hp->n_group,
        .n_group_used = hp->n_group_used,
        .group_top = hp->group_top,
    };
    ref_matvec(s->router_logits, w->type, w->data, w->n_row, w->n_col, s->h);
    ref_router(s->ids, s->weights, &s->margin, s->router_logits, &r);
}

static void run_step(struct ref_state *s, enum arch_step step, uint32_t layer)
{
    static const uint32_t only[] = {0};
    static const float whole[] = {1};
    const struct lem_model *m = s->m;
    switch (step) {
    case STEP_END:
        break;
    case STEP_ATTN_NORM:
        norm(s, SLOT_ATTN_NORM, layer);
        break;
    case STEP_QKV:
        qkv(s, layer);
        break;
    case STEP_ROPE:
        rope(s, layer);
        break;
    case STEP_ATTN:
        attend(s, layer);
        break;
    case STEP_ATTN_OUT:
        attn_out(s, layer);
        break;
    case STEP_FFN_NORM:
        norm(s, SLOT_FFN_NORM, layer);
        break;
    case STEP_ROUTER:
        route(s, layer);
        break;
    case STEP_EXPERTS:
        ref_experts(s->x, s->h, s->ids, s->weights, m->hp.n_expert_used, m->arch->act,
                    model_tensor(m, SLOT_GATE_EXPS, layer),
                    model_tensor(m, SLOT_UP_EXPS, layer),
                    model_tensor(m, SLOT_DOWN_EXPS, layer));
        break;
    case STEP_FFN:
        ref_experts(s->x, s->h, only, whole, 1, m->arch->act,
                    model_tensor(m, SLOT_FFN_GATE, layer),
                    model_tensor(m, SLOT_FFN_UP, layer),
                    model_tensor(m, SLOT_FFN_DOWN, layer));
        break;
    }
}

void ref_token(struct ref_state *s, int32_t id, float *logits, uint32_t *ids,
               float *weights, float *margin)
{
    const struct lem_model *m = s->m;
    const size_t n_used = m->hp.n_expert_used;

    tensor_decode_row(model_tensor(m, SLOT_TOKEN_EMBD, 0), 0, (uint32_t)id, s->x);
    for (uint32_t i = 0; i < m->hp.n_layer; i++) {
        const struct model_layer *l = &m->layer[i];
        for (const enum arch_step *step = l->steps; *step != STEP_END; step++)
            run_step(s, *step, i);
        if (l->moe && ids)
            memcpy(ids + l->moe_index * n_used, s->ids, n_used * sizeof *ids);
        if (l->moe && weights)
            memcpy(weights + l->moe_index * n_used, s->weights, n_used * sizeof *weights);
        if (l->moe && margin)
            margin[l->moe_index] = s->margin;
    }
    s->pos++;
    if (!logits)
        return;
    const struct tensor *out = model_output(m);
    norm(s, SLOT_OUTPUT_NORM, 0);
    ref_matvec(logits, out->type, out->data, out->n_row, out->n_col, s->h);
}
