/* gguf_samples.c - small good GGUF files: what tests read, break, and give to the
 * fuzzer to start from. */
#include "support/gguf_samples.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void make_header(struct gguf_writer *w)
{
    (void)w; /* neither keys nor tensors */
}

/* Every type of value, and the ends of their ranges. */
static void make_keys(struct gguf_writer *w)
{
    static const char *const words[] = {"", "a", "experts", "\xc3\xa4\xc3\xb6"};
    gguf_put_u8(w, "u8", 255);
    gguf_put_i8(w, "i8", -128);
    gguf_put_u16(w, "u16", 65535);
    gguf_put_i16(w, "i16", -32768);
    gguf_put_u32(w, "u32", UINT32_MAX);
    gguf_put_i32(w, "i32", INT32_MIN);
    gguf_put_u64(w, "u64", UINT64_MAX);
    gguf_put_i64(w, "i64", INT64_MIN);
    gguf_put_u64(w, "u64.small", 7);
    gguf_put_i64(w, "i64.small", 8);
    gguf_put_f32(w, "f32", -1.5f);
    gguf_put_f64(w, "f64", 0.25);
    gguf_put_f64(w, "f64.large", 1e300);
    gguf_put_f32(w, "f32.nan", NAN);
    gguf_put_bool(w, "yes", true);
    gguf_put_bool(w, "no", false);
    gguf_put_str(w, "text", "olmoe");
    gguf_put_str(w, "text.empty", "");
    gguf_put_array(w, "array.u8", GGUF_U8, 3, (uint8_t[]){1, 2, 3});
    gguf_put_array(w, "array.i32", GGUF_I32, 3, (int32_t[]){7, -1, 9});
    gguf_put_array(w, "array.u64", GGUF_U64, 2, (uint64_t[]){5, 1ull << 32});
    gguf_put_array(w, "array.f32", GGUF_F32, 2, (float[]){0.5f, 1.5f});
    gguf_put_array(w, "array.bool", GGUF_BOOL, 2, (uint8_t[]){0, 1});
    gguf_put_array(w, "array.none", GGUF_U32, 0, NULL);
    gguf_put_str_array(w, "words", 4, words);
}

static void make_vocabulary(struct gguf_writer *w)
{
    static const char *const tokens[] = {"<unk>", "<s>", "</s>", "a", "b", "ab"};
    static const char *const merges[] = {"a b"};
    gguf_put_str(w, "general.architecture", "llama");
    gguf_put_str(w, "tokenizer.ggml.model", "gpt2");
    gguf_put_str(w, "tokenizer.ggml.pre", "default");
    gguf_put_str_array(w, "tokenizer.ggml.tokens", 6, tokens);
    gguf_put_array(w, "tokenizer.ggml.token_type", GGUF_I32, 6,
                   (int32_t[]){2, 3, 3, 1, 1, 1});
    gguf_put_str_array(w, "tokenizer.ggml.merges", 1, merges);
    gguf_put_u32(w, "tokenizer.ggml.bos_token_id", 1);
}

/* Tensors of several types and ranks; byte i of each is i + its first byte's value. */
static void put_counted(struct gguf_writer *w, const char *name, uint32_t type,
                        uint32_t n_dim, const uint64_t *dim, uint64_t bytes,
                        uint8_t first)
{
    uint8_t data[512];
    if (bytes > sizeof data)
        abort();
    for (uint64_t i = 0; i < bytes; i++)
        data[i] = (uint8_t)(first + i);
    gguf_put_tensor(w, name, type, n_dim, dim, data, bytes);
}

static void make_tensors(struct gguf_writer *w)
{
    gguf_put_str(w, "general.architecture", "olmoe");
    put_counted(w, "output_norm.weight", QUANT_F32, 1, (uint64_t[]){5}, 20, 1);
    put_counted(w, "token_embd.weight", QUANT_Q8_0, 2, (uint64_t[]){64, 3}, 204, 2);
    put_counted(w, "blk.0.ffn_up_exps.weight", QUANT_Q4_0, 3, (uint64_t[]){32, 2, 4}, 144,
                3);
    put_counted(w, "blk.0.odd", QUANT_F16, 4, (uint64_t[]){3, 1, 2, 1}, 12, 4);
    put_counted(w, "blk.0.known_only", QUANT_Q6_K, 1, (uint64_t[]){256}, 210, 5);
}

static void make_version_2(struct gguf_writer *w)
{
    w->version = 2;
    make_tensors(w);
}

static void make_aligned(struct gguf_writer *w)
{
    w->alignment = 256;
    gguf_put_u32(w, "general.alignment", 256);
    make_tensors(w);
}

const struct gguf_sample *gguf_samples(size_t *n)
{
    static const struct gguf_sample samples[] = {
        {"header", make_header},         {"keys", make_keys},
        {"vocabulary", make_vocabulary}, {"tensors", make_tensors},
        {"version_2", make_version_2},   {"aligned", make_aligned},
    };
    *n = sizeof samples / sizeof *samples;
    return samples;
}

void gguf_sample_make(struct gguf_writer *w, const char *name)
{
    size_t n;
    const struct gguf_sample *s = gguf_samples(&n);
    gguf_writer_init(w);
    for (size_t i = 0; i < n; i++)
        if (strcmp(s[i].name, name) == 0) {
            s[i].make(w);
            return;
        }
    abort();
}

static uint64_t sum_bytes(const void *data, uint64_t n)
{
    const uint8_t *p = data;
    uint64_t sum = 0;
    for (uint64_t i = 0; i < n; i++)
        sum += p[i];
    return sum;
}

static uint64_t read_key(const struct gguf *g, const struct gguf_kv *kv)
{
    uint32_t u = 0;
    float f = 0;
    bool b = false;
    struct gguf_str s = {0};
    uint64_t sum = sum_bytes(kv->data, kv->bytes);
    sum += gguf_find_kv(g, kv->key) == kv;
    sum += gguf_get_u32(g, kv->key, 1, 1000, &u);
    sum += gguf_get_f32(g, kv->key, &f);
    sum += gguf_get_bool(g, kv->key, &b);
    sum += gguf_get_str(g, kv->key, &s);
    sum += sum_bytes(s.ptr, s.len);
    for (uint64_t i = 0; kv->is_array && i <= kv->count && i < 1000; i++)
        sum += gguf_get_u32_at(g, kv->key, i, &u);
    if (kv->type == GGUF_STRING)
        for (const uint8_t *at = kv->data; gguf_next_str(kv, &at, &s);)
            sum += sum_bytes(s.ptr, s.len);
    for (int a = GGUF_MISSING; a <= GGUF_OUT_OF_RANGE; a++)
        sum += gguf_complain(g, kv->key, (enum gguf_answer)a, "a test");
    return sum;
}

uint64_t gguf_read_all(const struct gguf *g)
{
    uint64_t sum = 0;
    for (uint64_t i = 0; i < g->n_kv; i++)
        sum += read_key(g, &g->kv[i]);
    for (uint64_t i = 0; i < g->n_tensor; i++) {
        const struct gguf_tensor *t = &g->tensor[i];
        sum += gguf_find_tensor(g, t->name) == t;
        sum += sum_bytes(t->data, t->bytes);
    }
    return sum;
}
