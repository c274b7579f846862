/* synth_keys.c - the metadata of a model with random weights: its numbers, and a
 * vocabulary of all bytes and of pairs of bytes. */
#include <string.h>

#include "base/log.h"
#include "synth/synth.h"
#include "text/byte_glyph.h"

enum {
    MAX_KEY = 32,
    N_BYTE = 256,
    PAIR_BYTES = 2 * 4 + 2, /* of a token or merge: two glyphs, a space, a terminator */
    TOKEN_NORMAL = 1,       /* tokenizer.ggml.token_type */
    TOKEN_CONTROL = 3,
    END_ID = 0
};

/* Values as they lie in a file. */
struct bytes {
    uint8_t *data;
    size_t n, cap;
};

static void put(struct bytes *b, const void *data, size_t n)
{
    if (n <= b->cap - b->n)
        memcpy(b->data + b->n, data, n);
    b->n += n; /* beyond cap only where a size here is wrong: seen by add() */
}

static void put_int(struct bytes *b, uint64_t v, uint32_t n)
{
    uint8_t le[8];
    for (uint32_t i = 0; i < n; i++)
        le[i] = (uint8_t)(v >> (8 * i));
    put(b, le, n);
}

static void put_str(struct bytes *b, const char *s, size_t n)
{
    put_int(b, n, 8);
    put(b, s, n);
}

struct keys {
    struct gguf *g;
    const char *arch;
    bool failed; /* no memory */
};

static bool take(struct keys *k, struct bytes *b, size_t cap)
{
    b->data = arena_alloc(&k->g->arena, cap, 1);
    b->n = 0;
    b->cap = b->data ? cap : 0;
    k->failed = k->failed || !b->data;
    return b->data != NULL;
}

static void add(struct keys *k, const char *key, enum gguf_type type, bool is_array,
                uint64_t count, const struct bytes *b)
{
    struct gguf *g = k->g;
    /* ".key" belongs to the architecture */
    const char *name =
        key[0] == '.' ? arena_printf(&g->arena, "%s%s", k->arch, key) : key;
    k->failed = k->failed || !name || b->n > b->cap || g->n_kv == MAX_KEY;
    if (k->failed)
        return;
    g->kv[g->n_kv] = (struct gguf_kv){.key = name,
                                      .type = type,
                                      .is_array = is_array,
                                      .count = count,
                                      .data = b->data,
                                      .bytes = b->n};
    uint64_t i = g->n_kv++; /* its place in the order of names */
    for (; i > 0 && strcmp(g->kv[g->kv_by_name[i - 1]].key, name) > 0; i--)
        g->kv_by_name[i] = g->kv_by_name[i - 1];
    g->kv_by_name[i] = (uint32_t)(g->n_kv - 1);
}

static void add_str(struct keys *k, const char *key, const char *value)
{
    struct bytes b;
    if (!take(k, &b, 8 + strlen(value)))
        return;
    put_str(&b, value, strlen(value));
    add(k, key, GGUF_STRING, false, 1, &b);
}

static void add_u32(struct keys *k, const char *key, uint32_t value)
{
    struct bytes b;
    if (!take(k, &b, sizeof value))
        return;
    put_int(&b, value, sizeof value);
    add(k, key, GGUF_U32, false, 1, &b);
}

static void add_f32(struct keys *k, const char *key, float value)
{
    uint32_t bits;
    struct bytes b;
    if (!take(k, &b, sizeof value))
        return;
    memcpy(&bits, &value, sizeof bits);
    put_int(&b, bits, sizeof bits);
    add(k, key, GGUF_F32, false, 1, &b);
}

static void add_bool(struct keys *k, const char *key, bool value)
{
    struct bytes b;
    if (!take(k, &b, 1))
        return;
    put_int(&b, value, 1);
    add(k, key, GGUF_BOOL, false, 1, &b);
}

/* ---- the vocabulary ------------------------------------------------------------------
 */

/* The text of pair `i` of bytes; a space between the two where it is a merge. */
static size_t pair_text(uint32_t i, bool merge, char out[PAIR_BYTES])
{
    const char first = (char)(i / N_BYTE), second = (char)(i % N_BYTE);
    size_t n = byte_glyph_encode(&first, 1, out);
    if (merge)
        out[n++] = ' ';
    return n + byte_glyph_encode(&second, 1, out + n);
}

/* Token 0 ends a text, then come the bytes, then pairs from the byte 32 on: those of
 * printable letters are among the first. */
enum {
    FIRST_BYTE = END_ID + 1,
    FIRST_PAIR = FIRST_BYTE + N_BYTE,
    PAIR_SKIP = 32 * N_BYTE
};

static void add_vocabulary(struct keys *k, uint32_t n_vocab)
{
    static const char end[] = "<|endoftext|>";
    const uint32_t n_pair = n_vocab - FIRST_PAIR;
    struct bytes tokens, types, merges;
    char text[PAIR_BYTES];
    if (!take(k, &tokens, (size_t)n_vocab * (8 + PAIR_BYTES) + sizeof end) ||
        !take(k, &types, (size_t)n_vocab * 4) ||
        !take(k, &merges, (size_t)n_pair * (8 + PAIR_BYTES)))
        return;
    put_str(&tokens, end, sizeof end - 1);
    put_int(&types, TOKEN_CONTROL, 4);
    for (uint32_t i = 0; i < N_BYTE; i++) {
        const char byte = (char)i;
        put_str(&tokens, text, byte_glyph_encode(&byte, 1, text));
        put_int(&types, TOKEN_NORMAL, 4);
    }
    for (uint32_t i = 0; i < n_pair; i++) {
        const uint32_t pair = (i + PAIR_SKIP) % (N_BYTE * N_BYTE);
        put_str(&tokens, text, pair_text(pair, false, text));
        put_int(&types, TOKEN_NORMAL, 4);
        put_str(&merges, text, pair_text(pair, true, text));
    }
    add(k, "tokenizer.ggml.tokens", GGUF_STRING, true, n_vocab, &tokens);
    add(k, "tokenizer.ggml.token_type", GGUF_I32, true, n_vocab, &types);
    add(k, "tokenizer.ggml.merges", GGUF_STRING, true, n_pair, &merges);
}

/* ---- all of them ----------------------------------------------------------------------
 */

static void add_numbers(struct keys *k, const struct synth_shape *s)
{
    add_u32(k, ".block_count", s->n_layer);
    add_u32(k, ".context_length", s->n_ctx);
    add_u32(k, ".embedding_length", s->n_embd);
    add_u32(k, ".feed_forward_length", s->n_ff);
    add_u32(k, ".attention.head_count", s->n_head);
    add_u32(k, ".attention.head_count_kv", s->n_head_kv);
    add_f32(k, ".attention.layer_norm_rms_epsilon", s->eps);
    add_u32(k, ".rope.dimension_count", s->n_embd / s->n_head);
    add_f32(k, ".rope.freq_base", s->rope_base);
    add_u32(k, ".expert_count", s->n_expert);
    add_u32(k, ".expert_used_count", s->n_used);
    add_u32(k, ".vocab_size", s->n_vocab);
    if (!s->scaled)
        return;
    add_f32(k, ".embedding_scale", s->embd_scale);
    add_f32(k, ".residual_scale", s->residual_scale);
    add_f32(k, ".attention.scale", s->attn_scale);
    add_f32(k, ".logit_scale", s->logit_scale);
}

enum lem_status synth_keys(struct gguf *g, const struct synth_shape *s)
{
    struct keys k = {.g = g, .arch = s->arch};
    g->kv = arena_alloc(&g->arena, MAX_KEY, sizeof *g->kv);
    g->kv_by_name = arena_alloc(&g->arena, MAX_KEY, sizeof *g->kv_by_name);
    const char *name = arena_printf(&g->arena, "%s shape, random weights", s->title);
    k.failed = !g->kv || !g->kv_by_name || !name;
    if (!k.failed) {
        add_str(&k, "general.architecture", s->arch);
        add_str(&k, "general.name", name);
        add_numbers(&k, s);
        add_str(&k, "tokenizer.ggml.model", "gpt2");
        add_str(&k, "tokenizer.ggml.pre", "gpt-2");
        add_vocabulary(&k, s->n_vocab);
        add_u32(&k, "tokenizer.ggml.bos_token_id", END_ID);
        add_u32(&k, "tokenizer.ggml.eos_token_id", END_ID);
        add_bool(&k, "tokenizer.ggml.add_bos_token", false);
    }
    if (k.failed)
        return log_fail(&g->log, LEM_ERR_MEMORY, "no memory for the metadata of %s",
                        s->name);
    return LEM_OK;
}
