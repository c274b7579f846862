/* gguf_writer.c - makes small GGUF files for tests, good ones and broken ones. */
#include "support/gguf_writer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void gguf_bytes_add(struct gguf_bytes *b, const void *data, size_t n)
{
    if (b->cap - b->size < n) {
        const size_t cap = (b->size + n) * 2 + 256;
        uint8_t *grown = realloc(b->data, cap);
        if (!grown)
            abort();
        b->data = grown;
        b->cap = cap;
    }
    if (n && data)
        memcpy(b->data + b->size, data, n);
    else if (n)
        memset(b->data + b->size, 0, n);
    b->size += n;
}

void gguf_bytes_add_le(struct gguf_bytes *b, uint64_t v, unsigned bytes)
{
    uint8_t le[8];
    for (unsigned i = 0; i < bytes; i++)
        le[i] = (uint8_t)(v >> (8 * i));
    gguf_bytes_add(b, le, bytes);
}

void gguf_bytes_add_str(struct gguf_bytes *b, const char *s)
{
    gguf_bytes_add_le(b, strlen(s), 8);
    gguf_bytes_add(b, s, strlen(s));
}

static void pad(struct gguf_bytes *b, uint64_t alignment)
{
    const size_t rest = alignment ? (size_t)(b->size % alignment) : 0;
    if (rest)
        gguf_bytes_add(b, NULL, (size_t)alignment - rest);
}

void gguf_writer_init(struct gguf_writer *w)
{
    *w = (struct gguf_writer){.version = 3, .alignment = 32};
}

void gguf_writer_free(struct gguf_writer *w)
{
    free(w->keys.data);
    free(w->tensors.data);
    free(w->data.data);
    free(w->file.data);
    *w = (struct gguf_writer){0};
}

static void start_key(struct gguf_writer *w, const char *key, uint32_t type)
{
    gguf_bytes_add_str(&w->keys, key);
    gguf_bytes_add_le(&w->keys, type, 4);
    w->n_kv++;
}

static void put_number(struct gguf_writer *w, const char *key, enum gguf_type type,
                       uint64_t v, unsigned bytes)
{
    start_key(w, key, type);
    gguf_bytes_add_le(&w->keys, v, bytes);
}

void gguf_put_u8(struct gguf_writer *w, const char *key, uint8_t v)
{
    put_number(w, key, GGUF_U8, v, 1);
}

void gguf_put_i8(struct gguf_writer *w, const char *key, int8_t v)
{
    put_number(w, key, GGUF_I8, (uint64_t)v, 1);
}

void gguf_put_u16(struct gguf_writer *w, const char *key, uint16_t v)
{
    put_number(w, key, GGUF_U16, v, 2);
}

void gguf_put_i16(struct gguf_writer *w, const char *key, int16_t v)
{
    put_number(w, key, GGUF_I16, (uint64_t)v, 2);
}

void gguf_put_u32(struct gguf_writer *w, const char *key, uint32_t v)
{
    put_number(w, key, GGUF_U32, v, 4);
}

void gguf_put_i32(struct gguf_writer *w, const char *key, int32_t v)
{
    put_number(w, key, GGUF_I32, (uint64_t)v, 4);
}

void gguf_put_u64(struct gguf_writer *w, const char *key, uint64_t v)
{
    put_number(w, key, GGUF_U64, v, 8);
}

void gguf_put_i64(struct gguf_writer *w, const char *key, int64_t v)
{
    put_number(w, key, GGUF_I64, (uint64_t)v, 8);
}

void gguf_put_f32(struct gguf_writer *w, const char *key, float v)
{
    uint32_t bits;
    memcpy(&bits, &v, sizeof bits);
    put_number(w, key, GGUF_F32, bits, 4);
}

void gguf_put_f64(struct gguf_writer *w, const char *key, double v)
{
    uint64_t bits;
    memcpy(&bits, &v, sizeof bits);
    put_number(w, key, GGUF_F64, bits, 8);
}

void gguf_put_bool(struct gguf_writer *w, const char *key, bool v)
{
    put_number(w, key, GGUF_BOOL, v, 1);
}

void gguf_put_str(struct gguf_writer *w, const char *key, const char *v)
{
    start_key(w, key, GGUF_STRING);
    gguf_bytes_add_str(&w->keys, v);
}

static void start_array(struct gguf_writer *w, const char *key, enum gguf_type type,
                        uint64_t n)
{
    start_key(w, key, GGUF_ARRAY);
    gguf_bytes_add_le(&w->keys, type, 4);
    gguf_bytes_add_le(&w->keys, n, 8);
}

void gguf_put_array(struct gguf_writer *w, const char *key, enum gguf_type type,
                    uint64_t n, const void *elements)
{
    static const uint8_t bytes_of[] = {
        [GGUF_U8] = 1,  [GGUF_I8] = 1,  [GGUF_U16] = 2, [GGUF_I16] = 2,
        [GGUF_U32] = 4, [GGUF_I32] = 4, [GGUF_F32] = 4, [GGUF_BOOL] = 1,
        [GGUF_U64] = 8, [GGUF_I64] = 8, [GGUF_F64] = 8,
    };
    start_array(w, key, type, n);
    gguf_bytes_add(&w->keys, elements, (size_t)n * bytes_of[type]);
}

void gguf_put_str_array(struct gguf_writer *w, const char *key, uint64_t n,
                        const char *const *v)
{
    start_array(w, key, GGUF_STRING, n);
    for (uint64_t i = 0; i < n; i++)
        gguf_bytes_add_str(&w->keys, v[i]);
}

void gguf_put_raw(struct gguf_writer *w, const char *key, uint32_t type,
                  const void *value, size_t bytes)
{
    start_key(w, key, type);
    gguf_bytes_add(&w->keys, value, bytes);
}

void gguf_put_tensor_entry(struct gguf_writer *w, const char *name, uint32_t type,
                           uint32_t n_dim, const uint64_t *dim, uint64_t offset)
{
    gguf_bytes_add_str(&w->tensors, name);
    gguf_bytes_add_le(&w->tensors, n_dim, 4);
    for (uint32_t i = 0; i < n_dim; i++)
        gguf_bytes_add_le(&w->tensors, dim[i], 8);
    gguf_bytes_add_le(&w->tensors, type, 4);
    gguf_bytes_add_le(&w->tensors, offset, 8);
    w->n_tensor++;
}

void gguf_put_tensor(struct gguf_writer *w, const char *name, uint32_t type,
                     uint32_t n_dim, const uint64_t *dim, const void *data,
                     uint64_t bytes)
{
    pad(&w->data, w->alignment);
    gguf_put_tensor_entry(w, name, type, n_dim, dim, w->data.size);
    gguf_bytes_add(&w->data, data, (size_t)bytes);
}

const uint8_t *gguf_writer_finish(struct gguf_writer *w, size_t *size)
{
    w->file.size = 0;
    gguf_bytes_add(&w->file, "GGUF", 4);
    gguf_bytes_add_le(&w->file, w->version, 4);
    gguf_bytes_add_le(&w->file, w->n_tensor, 8);
    gguf_bytes_add_le(&w->file, w->n_kv, 8);
    gguf_bytes_add(&w->file, w->keys.data, w->keys.size);
    gguf_bytes_add(&w->file, w->tensors.data, w->tensors.size);
    if (w->data.size) {
        pad(&w->file, w->alignment);
        gguf_bytes_add(&w->file, w->data.data, w->data.size);
    }
    *size = w->file.size;
    return w->file.data;
}

bool gguf_writer_save(struct gguf_writer *w, const char *path)
{
    size_t size;
    const uint8_t *data = gguf_writer_finish(w, &size);
    FILE *f = fopen(path, "wb");
    if (!f)
        return false;
    const bool written = fwrite(data, 1, size, f) == size;
    return fclose(f) == 0 && written;
}
