/* ref_steps_attn.c - the steps that mix tokens: attention, latent attention, short
 * convolutions. */
#include <string.h>

#include "ref/ref_state.h"

static const struct layer_hparams *layer_of(const struct ref_state *s, uint32_t layer)
{
    return &s->m->hp.layer[layer];
}

static float *key_at(const struct ref_state *s, uint32_t layer)
{
    const struct layer_hparams *l = layer_of(s, layer);
    return s->k[layer] + (size_t)s->pos * l->n_head_kv * l->head_dim;
}

static float *value_at(const struct ref_state *s, uint32_t layer)
{
    const struct layer_hparams *l = layer_of(s, layer);
    return s->v[layer] + (size_t)s->pos * l->n_head_kv * l->head_dim_v;
}

static void qkv(struct ref_state *s, uint32_t layer)
{
    const struct layer_hparams *l = layer_of(s, layer);
    float *k = key_at(s, layer), *v = value_at(s, layer);
    if (model_tensor(s->m, SLOT_ATTN_QKV, layer)->file) {
        const size_t n_q = (size_t)l->n_head * l->head_dim;
        const size_t n_kv = (size_t)l->n_head_kv * l->head_dim;
        ref_product(s, s->out, s->h, SLOT_ATTN_QKV, SLOT_COUNT, layer);
        memcpy(s->q, s->out, n_q * sizeof *k);
        memcpy(k, s->out + n_q, n_kv * sizeof *k);
        memcpy(v, s->out + n_q + n_kv, n_kv * sizeof *k);
        return;
    }
    const bool own_v = model_tensor(s->m, SLOT_ATTN_V, layer)->file != NULL;
    ref_product(s, s->q, s->h, SLOT_ATTN_Q, SLOT_ATTN_Q_BIAS, layer);
    ref_product(s, k, s->h, SLOT_ATTN_K, SLOT_ATTN_K_BIAS, layer);
    ref_product(s, v, s->h, own_v ? SLOT_ATTN_V : SLOT_ATTN_K,
                own_v ? SLOT_ATTN_V_BIAS : SLOT_ATTN_K_BIAS, layer);
}

/* Sizes of the layer, its table, no norms. */
static struct ref_rope rope_of(const struct ref_state *s, uint32_t layer)
{
    const struct layer_hparams *l = layer_of(s, layer);
    const struct ref_table *t = &s->table[model_rope_table(s->m, layer, s->n_ctx)];
    return (struct ref_rope){
        .n_head = l->n_head,
        .n_head_kv = l->n_head_kv,
        .head_dim = l->head_dim,
        .n_rot = l->n_rot,
        .kind = l->n_rot ? s->m->arch->rope : ROPE_PAIRS_NONE,
        .freq = t->freq,
        .mscale = t->mscale,
        .eps = s->m->hp.norm_eps,
    };
}

static void rope(struct ref_state *s, uint32_t layer)
{
    const struct layer_hparams *l = layer_of(s, layer);
    struct ref_rope r = rope_of(s, layer);
    r.q_norm = ref_decoded(s, SLOT_ATTN_Q_NORM, layer, s->decoded);
    r.k_norm = ref_decoded(s, SLOT_ATTN_K_NORM, layer, s->decoded2);
    if (r.q_norm)
        r.qk_norm = s->m->arch->qk_norm;
    ref_rope(s->q, key_at(s, layer), s->pos, &r);
    if (s->m->arch->v_norm)
        ref_norm(value_at(s, layer), value_at(s, layer), NULL, l->n_head_kv,
                 l->head_dim_v, s->m->hp.norm_eps);
}

static void attend(struct ref_state *s, uint32_t layer)
{
    const struct layer_hparams *l = layer_of(s, layer);
    const struct ref_attn a = {
        .n_head = l->n_head,
        .n_head_kv = l->n_head_kv,
        .head_dim = l->head_dim,
        .head_dim_v = l->head_dim_v,
        .window = l->window,
        .scale = l->attn_scale,
        .sinks = ref_decoded(s, SLOT_ATTN_SINKS, layer, s->decoded),
    };
    const bool latent = s->m->arch->latent;
    ref_attn(s->out, latent ? s->q2 : s->q, s->k[layer], latent ? NULL : s->v[layer],
             s->pos, &a);
}

/* ---- latent attention ------------------------------------------------------------- */

static void latent_q(struct ref_state *s, uint32_t layer)
{
    const struct hparams *hp = &s->m->hp;
    if (hp->latent.q_lora == 0) {
        ref_product(s, s->q, s->h, SLOT_ATTN_Q, SLOT_COUNT, layer);
        return;
    }
    ref_product(s, s->q2, s->h, SLOT_MLA_Q_A, SLOT_COUNT, layer);
    ref_norm(s->q2, s->q2, ref_decoded(s, SLOT_MLA_Q_A_NORM, layer, s->decoded), 1,
             hp->latent.q_lora, hp->norm_eps);
    ref_product(s, s->q, s->q2, SLOT_MLA_Q_B, SLOT_COUNT, layer);
}

/* y[h] = W[h] x[h]: one matrix for each head; steps are floats from head to head. */
static void by_head(struct ref_state *s, float *y, uint32_t y_step, const float *x,
                    uint32_t x_step, enum arch_slot slot, uint32_t layer)
{
    const struct tensor *w = model_tensor(s->m, slot, layer);
    const uint64_t bytes = w->bytes / w->n_mat;
    for (uint32_t h = 0; h < w->n_mat; h++)
        ref_matvec(y + (size_t)h * y_step, w->type, w->data + h * bytes, w->n_row,
                   w->n_col, x + (size_t)h * x_step);
}

static void latent_kv(struct ref_state *s, uint32_t layer)
{
    const struct hparams *hp = &s->m->hp;
    const struct layer_hparams *l = layer_of(s, layer);
    const uint32_t q_head = hp->latent.nope + hp->n_rot;
    float *k = key_at(s, layer);
    ref_product(s, k, s->h, SLOT_MLA_KV_A, SLOT_COUNT, layer);
    ref_norm(k, k, ref_decoded(s, SLOT_MLA_KV_A_NORM, layer, s->decoded), 1,
             hp->latent.kv_lora, hp->norm_eps);

    by_head(s, s->q2, l->head_dim, s->q, q_head, SLOT_MLA_K_B, layer);
    struct ref_rope r = rope_of(s, layer);
    r.n_head = r.n_head_kv = 1;
    r.head_dim = hp->n_rot;
    float none[2] = {0};
    for (uint32_t h = 0; h < l->n_head; h++) {
        float *tail = s->q2 + (size_t)h * l->head_dim + hp->latent.kv_lora;
        memcpy(tail, s->q + (size_t)h * q_head + hp->latent.nope,
               hp->n_rot * sizeof *tail);
        r.n_head_kv = 0;
        ref_rope(tail, none, s->pos, &r);
    }
    ref_rope(k + hp->latent.kv_lora, none, s->pos, &r);
}

static void latent_v(struct ref_state *s, uint32_t layer)
{
    const struct hparams *hp = &s->m->hp;
    by_head(s, s->q, hp->latent.value, s->out, hp->latent.kv_lora, SLOT_MLA_V_B, layer);
    memcpy(s->out, s->q,
           (size_t)layer_of(s, layer)->n_head * hp->latent.value * sizeof *s->q);
}

/* ---- convolution ------------------------------------------------------------------ */

static void convolve(struct ref_state *s, uint32_t layer)
{
    const uint32_t n = s->m->hp.n_embd, n_tap = s->m->hp.n_conv;
    float *past = s->k[layer];
    memmove(past, past + n, (size_t)(n_tap - 1) * n * sizeof *past);
    const float *w = ref_decoded(s, SLOT_CONV, layer, s->decoded);
    ref_conv(s->h, past, s->q, s->q + n, s->q + 2 * (size_t)n, w, n, n_tap);
    memcpy(s->out, s->h, n * sizeof *s->out);
}

bool ref_step_attn(struct ref_state *s, enum arch_step step, uint32_t layer)
{
    switch (step) {
    case STEP_QKV:
        qkv(s, layer);
        return true;
    case STEP_ROPE:
        rope(s, layer);
        return true;
    case STEP_ATTN:
        attend(s, layer);
        return true;
    case STEP_ATTN_OUT:
        ref_product(s, s->h, s->out, SLOT_ATTN_OUT, SLOT_ATTN_OUT_BIAS, layer);
        ref_add_branch(s, s->h);
        return true;
    case STEP_MLA_Q:
        latent_q(s, layer);
        return true;
    case STEP_MLA_KV:
        latent_kv(s, layer);
        return true;
    case STEP_MLA_V:
        latent_v(s, layer);
        return true;
    case STEP_CONV_IN:
        ref_product(s, s->q, s->h, SLOT_CONV_IN, SLOT_COUNT, layer);
        return true;
    case STEP_CONV:
        convolve(s, layer);
        return true;
    case STEP_CONV_OUT:
        ref_product(s, s->h, s->out, SLOT_CONV_OUT, SLOT_COUNT, layer);
        ref_add_branch(s, s->h);
        return true;
    default:
        return false;
    }
}
