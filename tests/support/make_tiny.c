/* make_tiny.c - small models of every family with odd sizes, made from a seed. */
#include "support/tiny_maker.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/half.h"
#include "support/tolerance.h"
#include "support/vocab_samples.h"

static const struct tiny_change *change_of(struct tiny_maker *m, const char *name)
{
    for (uint32_t i = 0; m->changes && m->changes[i].name; i++)
        if (strcmp(m->changes[i].name, name) == 0) {
            m->applied |= UINT64_C(1) << i;
            return &m->changes[i];
        }
    return NULL;
}

/* ---- keys -------------------------------------------------------------------- */

static void put_changed(struct tiny_maker *m, const struct tiny_change *c)
{
    if (c->what == TINY_U32) {
        gguf_put_u32(m->w, c->name, (uint32_t)c->value);
    } else if (c->what == TINY_F32) {
        gguf_put_f32(m->w, c->name, c->number);
    } else if (c->what == TINY_BOOL) {
        gguf_put_bool(m->w, c->name, c->value != 0);
    } else if (c->what == TINY_STR) {
        gguf_put_str(m->w, c->name, c->text);
    } else if (c->what == TINY_U32_ARRAY) {
        uint32_t v[TINY_MAX_LAYER];
        for (uint32_t i = 0; i < m->t->n_layer; i++)
            v[i] = (uint32_t)(i + 1 == m->t->n_layer ? c->value2 : c->value);
        gguf_put_array(m->w, c->name, GGUF_U32, m->t->n_layer, v);
    }
}

static const char *full_key(struct tiny_maker *m, const char *suffix)
{
    snprintf(m->key, sizeof m->key, "%s.%s", m->t->arch, suffix);
    return m->key;
}

static void put_u32(struct tiny_maker *m, const char *suffix, uint32_t v)
{
    const char *key = full_key(m, suffix);
    const struct tiny_change *c = change_of(m, key);
    if (c)
        put_changed(m, c);
    else
        gguf_put_u32(m->w, key, v);
}

static void put_f32(struct tiny_maker *m, const char *suffix, float v)
{
    const char *key = full_key(m, suffix);
    const struct tiny_change *c = change_of(m, key);
    if (c)
        put_changed(m, c);
    else
        gguf_put_f32(m->w, key, v);
}

static void put_str(struct tiny_maker *m, const char *key, const char *v)
{
    const struct tiny_change *c = change_of(m, key);
    if (c)
        put_changed(m, c);
    else
        gguf_put_str(m->w, key, v);
}

/* What only this family has. */
static void put_own_keys(struct tiny_maker *m)
{
    const struct tiny *t = m->t;
    for (const struct tiny_key *k = t->keys; k && k->suffix; k++) {
        if (k->what == TINY_F32)
            put_f32(m, k->suffix, k->number);
        else if (k->what == TINY_BOOL)
            gguf_put_bool(m->w, full_key(m, k->suffix), k->number != 0);
        else if (k->what == TINY_STR)
            gguf_put_str(m->w, full_key(m, k->suffix), k->text);
        else
            put_u32(m, k->suffix, (uint32_t)k->number);
    }
    if (t->per_layer)
        gguf_put_array(m->w, full_key(m, "attention.head_count_kv"), GGUF_U32, t->n_layer,
                       t->heads_kv);
    if (t->head_dim_window)
        gguf_put_array(m->w, full_key(m, "attention.sliding_window_pattern"), GGUF_BOOL,
                       t->n_layer, t->windowed);
    if (t->kv_lora) {
        if (t->q_lora)
            put_u32(m, "attention.q_lora_rank", t->q_lora);
        put_u32(m, "attention.kv_lora_rank", t->kv_lora);
        put_u32(m, "attention.key_length", t->kv_lora + t->n_rot);
        put_u32(m, "attention.value_length", t->kv_lora);
        put_u32(m, "attention.key_length_mla", t->nope + t->n_rot);
        put_u32(m, "attention.value_length_mla", t->value);
        put_u32(m, "rope.dimension_count", t->n_rot);
    }
    if (t->n_conv)
        put_u32(m, "shortconv.l_cache", t->n_conv);
}

static void put_keys(struct tiny_maker *m)
{
    const struct tiny *t = m->t;
    put_str(m, "general.architecture", t->arch);
    put_str(m, "general.name", t->name);
    put_str(m, "general.license", "MIT");
    put_u32(m, "block_count", t->n_layer + t->n_layer_extra);
    put_u32(m, "context_length", 128);
    put_u32(m, "embedding_length", t->n_embd);
    put_u32(m, "feed_forward_length", t->n_ff);
    put_u32(m, "attention.head_count", t->n_head);
    if (!t->per_layer)
        put_u32(m, "attention.head_count_kv", t->n_head_kv);
    put_f32(m, "attention.layer_norm_rms_epsilon", 1e-5f);
    put_f32(m, "rope.freq_base", 10000);
    if (t->head_dim * t->n_head != t->n_embd && !t->kv_lora) {
        put_u32(m, "attention.key_length", t->head_dim);
        put_u32(m, "attention.value_length", t->head_dim);
    }
    if (t->n_expert) {
        put_u32(m, "expert_count", t->n_expert);
        put_u32(m, "expert_used_count", t->n_expert_used);
    }
    if (t->n_ff_exp)
        put_u32(m, "expert_feed_forward_length", t->n_ff_exp);
    if (t->n_layer_dense_lead)
        put_u32(m, "leading_dense_block_count", t->n_layer_dense_lead);
    if (t->n_layer_extra)
        put_u32(m, "nextn_predict_layers", t->n_layer_extra);
    put_own_keys(m);
}

/* ---- tensors ----------------------------------------------------------------- */

static void random_block(struct tiny_maker *m, const struct quant_info *q, float scale,
                         struct gguf_bytes *out)
{
    if (q->type == QUANT_F32) {
        const float v = scale * random_f32(&m->seed);
        gguf_bytes_add(out, &v, sizeof v);
    } else if (q->type == QUANT_F16) {
        gguf_bytes_add_le(out, half_from_f32(scale * random_f32(&m->seed)), 2);
    } else if (q->type == QUANT_BF16) {
        gguf_bytes_add_le(out, bf16_from_f32(scale * random_f32(&m->seed)), 2);
    } else { /* Q8_0, Q4_0: a scale, then any bits make weights */
        const float steps = q->type == QUANT_Q8_0 ? 127 : 8;
        gguf_bytes_add_le(out, half_from_f32(scale / steps), 2);
        for (uint32_t i = 2; i < q->block_bytes; i++)
            gguf_bytes_add_le(out, random_u32(&m->seed), 1);
    }
}

void tiny_put_tensor(struct tiny_maker *m, const char *name, uint32_t type, float scale,
                     float centre, uint64_t d0, uint64_t d1, uint64_t d2)
{
    const struct tiny_change *c = change_of(m, name);
    uint64_t dim[3] = {d0, d1, d2}, n, bytes = 0;
    struct gguf_bytes data = {0};
    if (c && c->what == TINY_REMOVE)
        return;
    if (c && c->what >= TINY_DIM0 && c->what <= TINY_DIM2)
        dim[c->what - TINY_DIM0] = c->value;
    if (c && c->what == TINY_TYPE)
        type = (uint32_t)c->value;

    const struct quant_info *q = quant_find(type);
    n = dim[0] * dim[1] * dim[2];
    if (!q || !quant_bytes(q, n, &bytes))
        abort();
    for (uint64_t i = 0; i < n && (!c || c->what != TINY_TYPE); i += q->block_weights)
        random_block(m, q, scale, &data);
    float *values = (float *)(void *)data.data;
    for (uint64_t i = 0; centre != 0 && i < n; i++) /* norms: F32 */
        values[i] += centre;
    for (uint64_t i = 0; c && c->what == TINY_FILL && i < n; i++)
        values[i] = c->number;
    const uint32_t n_dim = dim[2] > 1 ? 3 : dim[1] > 1 ? 2 : 1;
    gguf_put_tensor(m->w, name, type, n_dim, dim, data.data, bytes);
    free(data.data);
}

/* A matrix whose products keep the size of their input. */
void tiny_put_matrix(struct tiny_maker *m, const char *name, uint32_t type,
                     uint32_t n_col, uint32_t n_row, uint32_t n_mat)
{
    tiny_put_tensor(m, name, type, sqrtf(3.0f / (float)n_col), 0, n_col, n_row, n_mat);
}

void tiny_put_norm(struct tiny_maker *m, const char *name, uint32_t n)
{
    if (n)
        tiny_put_tensor(m, name, QUANT_F32, 0.25f, 1, n, 1, 1);
}

void tiny_put_bias(struct tiny_maker *m, const char *name, uint32_t n, uint32_t n_row)
{
    tiny_put_tensor(m, name, QUANT_F32, 0.25f, 0, n, n_row, 1);
}

/* Valid until the next call. */
const char *tiny_in_layer(struct tiny_maker *m, uint32_t layer, const char *suffix)
{
    snprintf(m->tensor, sizeof m->tensor, "blk.%u.%s", layer, suffix);
    return m->tensor;
}

/* Changes of things that the model does not have: a new key, or a tensor [8]. */
static void put_additions(struct tiny_maker *m, bool tensors)
{
    static const float zeros[8];
    for (uint32_t i = 0; m->changes && m->changes[i].name; i++) {
        const struct tiny_change *c = &m->changes[i];
        if (m->applied >> i & 1)
            continue;
        if (!tensors && c->what >= TINY_U32 && c->what <= TINY_U32_ARRAY)
            put_changed(m, c);
        else if (tensors && c->what == TINY_TYPE)
            gguf_put_tensor(m->w, c->name, QUANT_F32, 1, (uint64_t[]){8}, zeros,
                            sizeof zeros);
    }
}

static bool is_removed(struct tiny_maker *m, const char *name)
{
    const struct tiny_change *c = change_of(m, name);
    return c && c->what == TINY_REMOVE;
}

/* A real small vocabulary, filled up to the size that the model is to have. Of its keys
 * the types, bos and eos can be removed. */
static void put_vocab(struct tiny_maker *m)
{
    const struct tiny *t = m->t;
    enum { MAX_FILL = 64 };
    char fill[MAX_FILL][12];
    struct vocab_sample vocab;
    if (t->spm)
        vocab_sample_spm(&vocab);
    else
        vocab_sample_bpe(&vocab, "gpt-2");
    const int32_t type = vocab.type[vocab.n_token - 1];
    if (t->n_vocab < vocab.n_token || t->n_vocab - vocab.n_token > MAX_FILL)
        abort();
    for (uint32_t i = 0; vocab.n_token < t->n_vocab; i++) {
        snprintf(fill[i], sizeof fill[i], "<fill%u>", i);
        vocab_sample_add(&vocab, fill[i], type, -50);
    }
    vocab.n_type = vocab.n_token;
    vocab.n_score = vocab.n_score ? vocab.n_token : 0;
    if (is_removed(m, "tokenizer.ggml.token_type"))
        vocab.n_type = 0;
    if (is_removed(m, "tokenizer.ggml.bos_token_id"))
        vocab.bos = -1;
    if (is_removed(m, "tokenizer.ggml.eos_token_id"))
        vocab.eos = -1;
    vocab_sample_write(&vocab, m->w);
}

static void put_ends(struct tiny_maker *m)
{
    const struct tiny *t = m->t;
    const uint32_t half = (t->n_rot ? t->n_rot : t->head_dim) / 2;
    tiny_put_norm(m, t->n_conv ? "token_embd_norm.weight" : "output_norm.weight",
                  t->n_embd);
    if (!t->tied)
        tiny_put_matrix(m, "output.weight", t->embd, t->n_embd, t->n_vocab, 1);
    if (t->rope_freqs)
        tiny_put_tensor(m, "rope_freqs.weight", QUANT_F32, 1, 2, half, 1, 1);
    if (t->parts & TINY_NORM_BIAS) {
        tiny_put_bias(m, "output_norm.bias", t->n_embd, 1);
        tiny_put_bias(m, "output.bias", t->n_vocab, 1);
        tiny_put_tensor(m, "rope_factors_short.weight", QUANT_F32, 0.5f, 1.5f, half, 1,
                        1);
        tiny_put_tensor(m, "rope_factors_long.weight", QUANT_F32, 1, 4, half, 1, 1);
    }
}

void tiny_write(const struct tiny *t, struct gguf_writer *w,
                const struct tiny_change *changes)
{
    struct tiny_maker m = {.t = t, .w = w, .changes = changes, .seed = t->seed};
    put_keys(&m);
    put_vocab(&m);
    tiny_put_matrix(&m, "token_embd.weight", t->embd, t->n_embd, t->n_vocab, 1);
    for (uint32_t i = 0; i < t->n_layer + t->n_layer_extra; i++) {
        tiny_put_attention(&m, i);
        tiny_put_ffn(&m, i);
    }
    put_ends(&m);
    put_additions(&m, false);
    put_additions(&m, true);
}

void tiny_save(const struct tiny *t, const char *path, const struct tiny_change *changes)
{
    struct gguf_writer w;
    gguf_writer_init(&w);
    tiny_write(t, &w, changes);
    if (!gguf_writer_save(&w, path)) {
        fprintf(stderr, "cannot write %s\n", path);
        abort();
    }
    gguf_writer_free(&w);
}
