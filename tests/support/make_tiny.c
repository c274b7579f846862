/* make_tiny.c - small models of every family with odd sizes, made from a seed. */
#include "support/make_tiny.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/half.h"
#include "support/tolerance.h"
#include "support/vocab_samples.h"

/* Head sizes that fill no subgroup, expert counts that are no power of two,
 * vocabularies that are no multiple of 8. */
/* clang-format off */
static const struct tiny models[] = {
    {.name = "olmoe", .arch = "olmoe", .seed = 1, .n_vocab = 301,
     .n_layer = 2, .n_embd = 36, .n_head = 3, .n_head_kv = 3, .head_dim = 12,
     .n_ff = 16, .n_expert = 10, .n_expert_used = 3, .q_norm = 36, .k_norm = 36,
     .embd = QUANT_F32, .attn = QUANT_F32, .ffn = QUANT_F32},
    {.name = "mixtral", .arch = "llama", .seed = 2, .n_vocab = 307, .spm = true,
     .n_layer = 2, .n_embd = 64, .n_head = 4, .n_head_kv = 2, .head_dim = 16,
     .n_ff = 96, .n_expert = 5, .n_expert_used = 2,
     .embd = QUANT_Q8_0, .attn = QUANT_Q8_0, .ffn = QUANT_Q8_0},
    {.name = "mixtral-lead", .arch = "llama", .seed = 3, .n_vocab = 299, .spm = true,
     .n_layer = 3, .n_embd = 64, .n_head = 2, .n_head_kv = 1, .head_dim = 32,
     .n_ff = 56, .n_ff_exp = 40, .n_expert = 3, .n_expert_used = 1,
     .n_layer_dense_lead = 1,
     .embd = QUANT_F16, .attn = QUANT_BF16, .ffn = QUANT_F16},
    {.name = "llama", .arch = "llama", .seed = 4, .n_vocab = 317, .spm = true,
     .n_layer = 2, .n_embd = 72, .n_head = 2, .n_head_kv = 1, .head_dim = 80,
     .n_ff = 100, .tied = true, .bias = true, .rope_freqs = true,
     .embd = QUANT_BF16, .attn = QUANT_F16, .ffn = QUANT_BF16},
    {.name = "qwen3moe", .arch = "qwen3moe", .seed = 5, .n_vocab = 303,
     .n_layer = 2, .n_embd = 96, .n_head = 4, .n_head_kv = 2, .head_dim = 32,
     .n_ff = 200, .n_ff_exp = 32, .n_expert = 10, .n_expert_used = 3,
     .q_norm = 32, .k_norm = 32,
     .embd = QUANT_Q8_0, .attn = QUANT_Q8_0, .ffn = QUANT_Q4_0},
    {.name = "qwen3", .arch = "qwen3", .seed = 6, .n_vocab = 310,
     .n_layer = 1, .n_embd = 64, .n_head = 4, .n_head_kv = 2, .head_dim = 20,
     .n_ff = 96, .tied = true, .q_norm = 20, .k_norm = 20,
     .embd = QUANT_Q4_0, .attn = QUANT_BF16, .ffn = QUANT_Q4_0},
};
/* clang-format on */

const struct tiny *tiny_models(size_t *n)
{
    *n = sizeof models / sizeof *models;
    return models;
}

const struct tiny *tiny_find(const char *name)
{
    for (size_t i = 0; i < sizeof models / sizeof *models; i++)
        if (strcmp(models[i].name, name) == 0)
            return &models[i];
    fprintf(stderr, "no tiny model \"%s\"\n", name);
    abort();
}

struct maker {
    const struct tiny *t;
    struct gguf_writer *w;
    const struct tiny_change *changes;
    uint64_t applied; /* bit i: changes[i] has found its key or tensor */
    uint64_t seed;
    char key[128], tensor[64]; /* the last full names made */
};

static const struct tiny_change *change_of(struct maker *m, const char *name)
{
    for (uint32_t i = 0; m->changes && m->changes[i].name; i++)
        if (strcmp(m->changes[i].name, name) == 0) {
            m->applied |= UINT64_C(1) << i;
            return &m->changes[i];
        }
    return NULL;
}

/* ---- keys -------------------------------------------------------------------- */

static void put_changed(struct maker *m, const struct tiny_change *c)
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
        uint32_t v[16];
        for (uint32_t i = 0; i < m->t->n_layer; i++)
            v[i] = (uint32_t)(i + 1 == m->t->n_layer ? c->value2 : c->value);
        gguf_put_array(m->w, c->name, GGUF_U32, m->t->n_layer, v);
    }
}

static const char *full_key(struct maker *m, const char *suffix)
{
    snprintf(m->key, sizeof m->key, "%s.%s", m->t->arch, suffix);
    return m->key;
}

static void put_u32(struct maker *m, const char *suffix, uint32_t v)
{
    const char *key = full_key(m, suffix);
    const struct tiny_change *c = change_of(m, key);
    if (c)
        put_changed(m, c);
    else
        gguf_put_u32(m->w, key, v);
}

static void put_f32(struct maker *m, const char *suffix, float v)
{
    const char *key = full_key(m, suffix);
    const struct tiny_change *c = change_of(m, key);
    if (c)
        put_changed(m, c);
    else
        gguf_put_f32(m->w, key, v);
}

static void put_str(struct maker *m, const char *key, const char *v)
{
    const struct tiny_change *c = change_of(m, key);
    if (c)
        put_changed(m, c);
    else
        gguf_put_str(m->w, key, v);
}

static void put_keys(struct maker *m)
{
    const struct tiny *t = m->t;
    put_str(m, "general.architecture", t->arch);
    put_str(m, "general.name", t->name);
    put_str(m, "general.license", "MIT");
    put_u32(m, "block_count", t->n_layer);
    put_u32(m, "context_length", 128);
    put_u32(m, "embedding_length", t->n_embd);
    put_u32(m, "feed_forward_length", t->n_ff);
    put_u32(m, "attention.head_count", t->n_head);
    put_u32(m, "attention.head_count_kv", t->n_head_kv);
    put_f32(m, "attention.layer_norm_rms_epsilon", 1e-5f);
    put_f32(m, "rope.freq_base", 10000);
    if (t->head_dim * t->n_head != t->n_embd) {
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
}

/* ---- tensors ----------------------------------------------------------------- */

static void random_block(struct maker *m, const struct quant_info *q, float scale,
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

static void put_tensor(struct maker *m, const char *name, uint32_t type, float scale,
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
static void put_matrix(struct maker *m, const char *name, uint32_t type, uint32_t n_col,
                       uint32_t n_row, uint32_t n_mat)
{
    put_tensor(m, name, type, sqrtf(3.0f / (float)n_col), 0, n_col, n_row, n_mat);
}

static void put_norm(struct maker *m, const char *name, uint32_t n)
{
    if (n)
        put_tensor(m, name, QUANT_F32, 0.25f, 1, n, 1, 1);
}

/* Valid until the next call. */
static const char *in_layer(struct maker *m, uint32_t layer, const char *suffix)
{
    snprintf(m->tensor, sizeof m->tensor, "blk.%u.%s", layer, suffix);
    return m->tensor;
}

static void put_attention(struct maker *m, uint32_t i)
{
    const struct tiny *t = m->t;
    const uint32_t n_q = t->n_head * t->head_dim, n_kv = t->n_head_kv * t->head_dim;
    put_norm(m, in_layer(m, i, "attn_norm.weight"), t->n_embd);
    put_matrix(m, in_layer(m, i, "attn_q.weight"), t->attn, t->n_embd, n_q, 1);
    put_matrix(m, in_layer(m, i, "attn_k.weight"), t->attn, t->n_embd, n_kv, 1);
    put_matrix(m, in_layer(m, i, "attn_v.weight"), t->attn, t->n_embd, n_kv, 1);
    put_matrix(m, in_layer(m, i, "attn_output.weight"), t->attn, n_q, t->n_embd, 1);
    put_norm(m, in_layer(m, i, "attn_q_norm.weight"), t->q_norm);
    put_norm(m, in_layer(m, i, "attn_k_norm.weight"), t->k_norm);
    if (!t->bias)
        return;
    put_tensor(m, in_layer(m, i, "attn_q.bias"), QUANT_F32, 0.25f, 0, n_q, 1, 1);
    put_tensor(m, in_layer(m, i, "attn_k.bias"), QUANT_F32, 0.25f, 0, n_kv, 1, 1);
    put_tensor(m, in_layer(m, i, "attn_v.bias"), QUANT_F32, 0.25f, 0, n_kv, 1, 1);
    put_tensor(m, in_layer(m, i, "attn_output.bias"), QUANT_F32, 0.25f, 0, t->n_embd, 1,
               1);
}

static void put_ffn(struct maker *m, uint32_t i)
{
    const struct tiny *t = m->t;
    const uint32_t n_exp = t->n_ff_exp ? t->n_ff_exp : t->n_ff;
    put_norm(m, in_layer(m, i, "ffn_norm.weight"), t->n_embd);
    if (t->n_expert == 0 || i < t->n_layer_dense_lead) {
        put_matrix(m, in_layer(m, i, "ffn_gate.weight"), t->ffn, t->n_embd, t->n_ff, 1);
        put_matrix(m, in_layer(m, i, "ffn_up.weight"), t->ffn, t->n_embd, t->n_ff, 1);
        put_matrix(m, in_layer(m, i, "ffn_down.weight"), t->ffn, t->n_ff, t->n_embd, 1);
        return;
    }
    put_matrix(m, in_layer(m, i, "ffn_gate_inp.weight"), QUANT_F32, t->n_embd,
               t->n_expert, 1);
    put_matrix(m, in_layer(m, i, "ffn_gate_exps.weight"), t->ffn, t->n_embd, n_exp,
               t->n_expert);
    put_matrix(m, in_layer(m, i, "ffn_up_exps.weight"), t->ffn, t->n_embd, n_exp,
               t->n_expert);
    put_matrix(m, in_layer(m, i, "ffn_down_exps.weight"), t->ffn, n_exp, t->n_embd,
               t->n_expert);
}

/* Changes of things that the model does not have: a new key, or a tensor [8]. */
static void put_additions(struct maker *m, bool tensors)
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

/* A real small vocabulary, filled up to the size that the model is to have. */
static void put_vocab(struct gguf_writer *w, const struct tiny *t)
{
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
    vocab_sample_write(&vocab, w);
}

void tiny_write(const struct tiny *t, struct gguf_writer *w,
                const struct tiny_change *changes)
{
    struct maker m = {.t = t, .w = w, .changes = changes, .seed = t->seed};
    put_keys(&m);
    put_vocab(w, t);
    put_matrix(&m, "token_embd.weight", t->embd, t->n_embd, t->n_vocab, 1);
    for (uint32_t i = 0; i < t->n_layer; i++) {
        put_attention(&m, i);
        put_ffn(&m, i);
    }
    put_norm(&m, "output_norm.weight", t->n_embd);
    if (!t->tied)
        put_matrix(&m, "output.weight", t->embd, t->n_embd, t->n_vocab, 1);
    if (t->rope_freqs)
        put_tensor(&m, "rope_freqs.weight", QUANT_F32, 1, 2, t->head_dim / 2, 1, 1);
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
