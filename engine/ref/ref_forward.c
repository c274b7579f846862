/* ref_forward.c - the whole model on the CPU, one token at a time: walks the same
 * step lists as plan/, with the functions of this folder. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "ref/ref_state.h"

/* ---- memory -------------------------------------------------------------------- */

static float *floats(struct ref_state *s, uint64_t n)
{
    return n <= SIZE_MAX ? arena_alloc(&s->arena, n ? (size_t)n : 1, sizeof(float))
                         : NULL;
}

static bool make_cache(struct ref_state *s)
{
    const struct hparams *hp = &s->m->hp;
    s->k = arena_alloc(&s->arena, hp->n_layer, sizeof *s->k);
    s->v = arena_alloc(&s->arena, hp->n_layer, sizeof *s->v);
    for (uint32_t il = 0; s->k && s->v && il < hp->n_layer; il++) {
        const struct layer_hparams *l = &hp->layer[il];
        uint64_t n_k, n_v;
        if (!check_mul((uint64_t)l->n_head_kv * l->head_dim, s->n_ctx, &n_k) ||
            !check_mul((uint64_t)l->n_head_kv * l->head_dim_v, s->n_ctx, &n_v))
            return false;
        s->k[il] = floats(s, l->has_state ? (uint64_t)hp->n_conv * hp->n_embd : n_k);
        s->v[il] = floats(s, l->has_state || s->m->arch->latent ? 1 : n_v);
        if (!s->k[il] || !s->v[il])
            return false;
    }
    return s->k && s->v;
}

/* The widest row that any step writes. */
static uint64_t widest(const struct hparams *hp)
{
    const struct latent_hparams *lat = &hp->latent;
    uint64_t n = 3 * (uint64_t)hp->n_embd + lat->q_lora;
    for (uint32_t il = 0; il < hp->n_layer; il++) {
        const struct layer_hparams *l = &hp->layer[il];
        const uint64_t head = (uint64_t)l->head_dim + lat->nope + lat->value;
        const uint64_t row = (l->n_head + 2 * (uint64_t)l->n_head_kv) * head;
        n = row > n ? row : n;
    }
    return n > hp->n_expert ? n : hp->n_expert;
}

static bool make_rows(struct ref_state *s)
{
    const struct hparams *hp = &s->m->hp;
    const uint64_t n_wide = widest(hp);
    const uint64_t n_taps = (uint64_t)hp->n_conv * hp->n_embd; /* of a convolution */
    const uint64_t n_dec = hp->n_vocab + (n_taps > n_wide ? n_taps : n_wide);
    const uint64_t n_bank = (uint64_t)hp->n_expert * hp->n_ff_exp;
    const struct {
        float **to;
        uint64_t n;
    } all[] = {
        {&s->x, n_wide},
        {&s->h, n_wide},
        {&s->y, n_wide},
        {&s->s, n_wide},
        {&s->q, n_wide},
        {&s->q2, n_wide},
        {&s->out, n_wide},
        {&s->decoded, n_dec},
        {&s->decoded2, n_dec},
        {&s->bias[0], n_bank},
        {&s->bias[1], n_bank},
        {&s->bias[2], (uint64_t)hp->n_expert * hp->n_embd},
        {&s->factor, hp->n_expert},
        {&s->router_logits, hp->n_expert},
        {&s->weights, hp->n_expert_used},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        *all[i].to = floats(s, all[i].n);
        if (!*all[i].to)
            return false;
    }
    s->ids = arena_alloc(&s->arena, hp->n_expert_used + 1, sizeof *s->ids);
    return s->ids != NULL;
}

static bool make_tables(struct ref_state *s)
{
    for (uint32_t i = 0; i < ROPE_TABLE_COUNT; i++) {
        struct ref_table *t = &s->table[i];
        const uint32_t n_rot = model_rope_n_rot(s->m, (enum rope_table)i);
        t->freq = floats(s, n_rot / 2);
        if (!t->freq)
            return false;
        model_rope_freqs(s->m, (enum rope_table)i, t->freq, &t->mscale);
    }
    return true;
}

struct ref_state *ref_open(const struct lem_model *m, uint32_t n_ctx)
{
    struct ref_state *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->m = m;
    s->n_ctx = n_ctx;
    if (!make_cache(s) || !make_rows(s) || !make_tables(s))
        ref_close(&s);
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

/* ---- what steps share ------------------------------------------------------------ */

const float *ref_decoded(const struct ref_state *s, enum arch_slot slot, uint32_t layer,
                         float *to)
{
    if (slot == SLOT_COUNT || !model_tensor(s->m, slot, layer)->file)
        return NULL;
    tensor_decode(model_tensor(s->m, slot, layer), to);
    return to;
}

void ref_product(struct ref_state *s, float *y, const float *x, enum arch_slot weight,
                 enum arch_slot bias, uint32_t layer)
{
    const struct tensor *w = model_tensor(s->m, weight, layer);
    const float *b = ref_decoded(s, bias, layer, s->decoded);
    ref_matmul(y, w->type, w->data, w->n_row, w->n_col, x, 1, b);
}

void ref_row_norm(struct ref_state *s, float *y, const float *x, enum arch_slot weight,
                  enum arch_slot bias, uint32_t layer)
{
    const uint32_t n = s->m->hp.n_embd;
    const float *b = ref_decoded(s, bias, layer, s->decoded2);
    ref_norm(y, x, ref_decoded(s, weight, layer, s->decoded), 1, n, s->m->hp.norm_eps);
    for (uint32_t i = 0; b && i < n; i++)
        y[i] += b[i];
}

void ref_add_branch(struct ref_state *s, const float *branch)
{
    const uint32_t n = s->m->hp.n_embd;
    if (s->m->arch->branch_norm) {
        memcpy(s->y, branch, n * sizeof *branch);
        return;
    }
    for (uint32_t i = 0; i < n; i++)
        s->x[i] += s->m->hp.residual_scale * branch[i];
}

/* ---- norms --------------------------------------------------------------------------
 */

/* to += rms_norm(from) * weight */
static void add_norm(struct ref_state *s, float *to, const float *from,
                     enum arch_slot weight, uint32_t layer)
{
    ref_row_norm(s, s->h, from, weight, SLOT_COUNT, layer);
    for (uint32_t i = 0; i < s->m->hp.n_embd; i++)
        to[i] += s->h[i];
}

static void scale_layer(struct ref_state *s, uint32_t layer)
{
    float scale;
    if (ref_decoded(s, SLOT_LAYER_SCALE, layer, &scale))
        for (uint32_t i = 0; i < s->m->hp.n_embd; i++)
            s->x[i] *= scale;
}

static void step_norm(struct ref_state *s, enum arch_step step, uint32_t layer)
{
    switch (step) {
    case STEP_ATTN_NORM:
        ref_row_norm(s, s->h, s->x, SLOT_ATTN_NORM, SLOT_ATTN_NORM_BIAS, layer);
        break;
    case STEP_FFN_NORM:
        ref_row_norm(s, s->h, s->x, SLOT_FFN_NORM, SLOT_FFN_NORM_BIAS, layer);
        break;
    case STEP_EXPERTS_NORM:
        ref_row_norm(s, s->h, s->x, SLOT_EXPERTS_NORM, SLOT_COUNT, layer);
        break;
    case STEP_ATTN_POST_NORM:
        add_norm(s, s->x, s->y, SLOT_ATTN_POST_NORM, layer);
        break;
    case STEP_FFN_POST_NORM:
        ref_row_norm(s, s->s, s->y, SLOT_FFN_POST_NORM, SLOT_COUNT, layer);
        break;
    case STEP_EXPERTS_POST_NORM:
        add_norm(s, s->s, s->y, SLOT_EXPERTS_POST_NORM, layer);
        break;
    case STEP_POST_NORM:
        add_norm(s, s->x, s->s, SLOT_POST_NORM, layer);
        scale_layer(s, layer);
        break;
    default:
        break;
    }
}

/* ---- the walk ------------------------------------------------------------------------
 */

static void head(struct ref_state *s, float *logits)
{
    const struct hparams *hp = &s->m->hp;
    const struct tensor *out = model_output(s->m);
    ref_row_norm(s, s->h, s->x, SLOT_OUTPUT_NORM, SLOT_OUTPUT_NORM_BIAS, 0);
    ref_matmul(logits, out->type, out->data, out->n_row, out->n_col, s->h, 1,
               ref_decoded(s, SLOT_OUTPUT_BIAS, 0, s->decoded));
    const double cap = (double)hp->logit_softcap;
    for (uint32_t i = 0; i < hp->n_vocab; i++) {
        logits[i] *= hp->logit_scale;
        if (cap > 0)
            logits[i] = (float)(cap * tanh((double)logits[i] / cap));
    }
}

void ref_token(struct ref_state *s, int32_t id, float *logits, uint32_t *ids,
               float *weights, float *margin)
{
    const struct lem_model *m = s->m;
    const size_t n_used = m->hp.n_expert_used;

    tensor_decode_row(model_tensor(m, SLOT_TOKEN_EMBD, 0), 0, (uint32_t)id, s->x);
    for (uint32_t i = 0; i < m->hp.n_embd; i++)
        s->x[i] *= m->hp.embd_scale;
    for (uint32_t i = 0; i < m->hp.n_layer; i++) {
        const struct model_layer *l = &m->layer[i];
        for (const enum arch_step *step = l->steps; *step != STEP_END; step++)
            if (!ref_step_attn(s, *step, i) && !ref_step_ffn(s, *step, i))
                step_norm(s, *step, i);
        if (l->moe && ids)
            memcpy(ids + l->moe_index * n_used, s->ids, n_used * sizeof *ids);
        if (l->moe && weights)
            memcpy(weights + l->moe_index * n_used, s->weights, n_used * sizeof *weights);
        if (l->moe && margin)
            margin[l->moe_index] = s->margin;
    }
    s->pos++;
    if (logits)
        head(s, logits);
}
