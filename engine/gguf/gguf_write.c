/* gguf_write.c - writing a GGUF file that has another's keys and tensors, with weights
 * of other types. */
#include "gguf/gguf_write.h"

#include <string.h>

#include "base/check.h"
#include "base/log.h"

enum { VERSION = 3, ALIGNMENT_DEFAULT = 32, QUANTIZATION_VERSION = 2 };

/* Failures of the stream are kept by it: they are looked for at the end of a part. */
static void put(struct gguf_out *o, const void *data, uint64_t bytes)
{
    if (bytes)
        fwrite(data, 1, (size_t)bytes, o->file.stream);
    o->at += bytes;
}

static void put_u32(struct gguf_out *o, uint32_t v)
{
    const uint8_t le[] = {(uint8_t)v, (uint8_t)(v >> 8), (uint8_t)(v >> 16),
                          (uint8_t)(v >> 24)};
    put(o, le, sizeof le);
}

static void put_u64(struct gguf_out *o, uint64_t v)
{
    put_u32(o, (uint32_t)v);
    put_u32(o, (uint32_t)(v >> 32));
}

static void put_str(struct gguf_out *o, const char *s)
{
    const size_t n = strlen(s);
    put_u64(o, n);
    put(o, s, n);
}

static void fill_up(struct gguf_out *o)
{
    for (; o->at % o->alignment; o->at++)
        fputc(0, o->file.stream);
}

/* A short write is told with its reason by the commit, which then keeps nothing. */
static enum lem_status written(struct gguf_out *o)
{
    return ferror(o->file.stream) ? gguf_out_commit(o) : LEM_OK;
}

static bool is_replaced(const char *key)
{
    return strncmp(key, "split.", 6) == 0 || strcmp(key, "general.file_type") == 0 ||
           strcmp(key, "general.quantization_version") == 0;
}

static void put_key(struct gguf_out *o, const struct gguf_kv *kv)
{
    put_str(o, kv->key);
    if (kv->is_array) {
        put_u32(o, GGUF_ARRAY);
        put_u32(o, kv->type);
        put_u64(o, kv->count);
    } else {
        put_u32(o, kv->type);
    }
    put(o, kv->data, kv->bytes); /* as it lies in the file */
}

static void put_key_u32(struct gguf_out *o, const char *key, uint32_t v)
{
    put_str(o, key);
    put_u32(o, GGUF_U32);
    put_u32(o, v);
}

static void put_keys(struct gguf_out *o, const struct gguf *src, uint32_t file_type)
{
    uint64_t n = 2;
    for (uint64_t i = 0; i < src->n_kv; i++)
        n += !is_replaced(src->kv[i].key);
    put_u64(o, n);
    for (uint64_t i = 0; i < src->n_kv; i++)
        if (!is_replaced(src->kv[i].key))
            put_key(o, &src->kv[i]);
    put_key_u32(o, "general.file_type", file_type);
    put_key_u32(o, "general.quantization_version", QUANTIZATION_VERSION);
}

static enum lem_status put_directory(struct gguf_out *o, const struct gguf *src,
                                     const struct quant_info *const *type)
{
    uint64_t at = 0;
    for (uint64_t i = 0; i < src->n_tensor; i++) {
        const struct gguf_tensor *t = &src->tensor[i];
        uint64_t bytes;
        put_str(o, t->name);
        put_u32(o, t->n_dim);
        for (uint32_t d = 0; d < t->n_dim; d++)
            put_u64(o, t->dim[d]);
        put_u32(o, type[i]->type);
        put_u64(o, at);
        if (t->dim[0] % type[i]->block_weights ||
            !quant_bytes(type[i], t->n_weight, &bytes) || !check_add(at, bytes, &at) ||
            !check_round_up(at, o->alignment, &at))
            return log_fail(&o->log, LEM_ERR_ARGUMENT,
                            "%s: tensor %s cannot be of type %s; this is a bug, please "
                            "report it",
                            o->file.path, t->name, type[i]->name);
    }
    return LEM_OK;
}

/* The K types' numbers are those of their plain ("S") mixes. */
uint32_t gguf_out_file_type(const struct quant_info *q)
{
    static const struct {
        uint32_t type, number;
    } list[] = {
        {QUANT_F32, 0},     {QUANT_F16, 1},     {QUANT_Q4_0, 2},  {QUANT_Q4_1, 3},
        {QUANT_Q8_0, 7},    {QUANT_Q5_0, 8},    {QUANT_Q5_1, 9},  {QUANT_Q2_K, 10},
        {QUANT_Q3_K, 11},   {QUANT_Q4_K, 14},   {QUANT_Q5_K, 16}, {QUANT_Q6_K, 18},
        {QUANT_IQ4_NL, 25}, {QUANT_IQ4_XS, 30}, {QUANT_BF16, 32}, {QUANT_MXFP4, 38}};
    enum { GUESSED = 1024 };
    for (size_t i = 0; i < sizeof list / sizeof *list; i++)
        if (list[i].type == q->type)
            return list[i].number;
    return GUESSED;
}

enum lem_status gguf_out_open(struct gguf_out *o, const struct gguf *src,
                              const struct quant_info *const *type, uint32_t file_type,
                              const char *path)
{
    *o = (struct gguf_out){.log = src->log, .alignment = ALIGNMENT_DEFAULT};
    (void)gguf_get_u32(src, "general.alignment", 1, UINT32_MAX, &o->alignment);
    enum lem_status st = file_out_open(&o->file, path, &o->log);
    if (st != LEM_OK)
        return st;

    put(o, "GGUF", 4);
    put_u32(o, VERSION);
    put_u64(o, src->n_tensor);
    put_keys(o, src, file_type);
    st = put_directory(o, src, type);
    if (st != LEM_OK) {
        gguf_out_discard(o);
        return st;
    }
    fill_up(o);
    return written(o);
}

enum lem_status gguf_out_data(struct gguf_out *o, const void *data, uint64_t bytes)
{
    put(o, data, bytes);
    return written(o);
}

enum lem_status gguf_out_next(struct gguf_out *o)
{
    fill_up(o);
    return written(o);
}

enum lem_status gguf_out_commit(struct gguf_out *o)
{
    const enum lem_status st = file_out_commit(&o->file, &o->log);
    *o = (struct gguf_out){0};
    return st;
}

void gguf_out_discard(struct gguf_out *o)
{
    file_out_discard(&o->file);
    *o = (struct gguf_out){0};
}
