/* gguf_writer.h - makes small GGUF files for tests, good ones and broken ones.
 *
 *     struct gguf_writer w;
 *     gguf_writer_init(&w);
 *     gguf_put_str(&w, "general.architecture", "olmoe");
 *     gguf_put_u32(&w, "olmoe.block_count", 2);
 *     gguf_put_tensor(&w, "output_norm.weight", QUANT_F32, 1, (uint64_t[]){64}, data,
 * 256); gguf_writer_save(&w, path);           or gguf_writer_finish() for the bytes
 *     gguf_writer_free(&w);
 *
 * Keys and tensors stand in the file in the order of the calls. Nothing is
 * checked, so that a test can say anything; memory running out aborts. */
#ifndef SUPPORT_GGUF_WRITER_H
#define SUPPORT_GGUF_WRITER_H

#include <stddef.h>
#include <stdint.h>

#include "gguf/gguf.h"

struct gguf_bytes {
    uint8_t *data;
    size_t size, cap;
};

/* Fields may be set between init and finish to write a header that lies. */
struct gguf_writer {
    uint32_t version;          /* 3 */
    uint64_t alignment;        /* 32; of the data; the key is not written by itself */
    uint64_t n_kv, n_tensor;   /* as the header will state them */
    struct gguf_bytes keys;    /* all keys with their values */
    struct gguf_bytes tensors; /* the tensor directory */
    struct gguf_bytes data;    /* the tensors' data */
    struct gguf_bytes file;    /* made by finish */
};

void gguf_writer_init(struct gguf_writer *w);
void gguf_writer_free(struct gguf_writer *w);

/* One key each; `gguf_put_str` takes a terminated string. */
void gguf_put_u8(struct gguf_writer *w, const char *key, uint8_t v);
void gguf_put_i8(struct gguf_writer *w, const char *key, int8_t v);
void gguf_put_u16(struct gguf_writer *w, const char *key, uint16_t v);
void gguf_put_i16(struct gguf_writer *w, const char *key, int16_t v);
void gguf_put_u32(struct gguf_writer *w, const char *key, uint32_t v);
void gguf_put_i32(struct gguf_writer *w, const char *key, int32_t v);
void gguf_put_u64(struct gguf_writer *w, const char *key, uint64_t v);
void gguf_put_i64(struct gguf_writer *w, const char *key, int64_t v);
void gguf_put_f32(struct gguf_writer *w, const char *key, float v);
void gguf_put_f64(struct gguf_writer *w, const char *key, double v);
void gguf_put_bool(struct gguf_writer *w, const char *key, bool v);
void gguf_put_str(struct gguf_writer *w, const char *key, const char *v);

/* Arrays; `gguf_put_array` takes `n` elements of any type but GGUF_STRING as they
 * lie in memory (little-endian hosts). */
void gguf_put_array(struct gguf_writer *w, const char *key, enum gguf_type type,
                    uint64_t n, const void *elements);
void gguf_put_str_array(struct gguf_writer *w, const char *key, uint64_t n,
                        const char *const *v);

/* A key with any type number and any bytes as its value. */
void gguf_put_raw(struct gguf_writer *w, const char *key, uint32_t type,
                  const void *value, size_t bytes);

/* A tensor and its data, placed after the tensors before it, aligned. `dim` has
 * n_dim sizes, innermost first; `type` is an enum quant_type. `data` may be NULL:
 * zeros. */
void gguf_put_tensor(struct gguf_writer *w, const char *name, uint32_t type,
                     uint32_t n_dim, const uint64_t *dim, const void *data,
                     uint64_t bytes);

/* A line of the directory alone, with any offset, without data. */
void gguf_put_tensor_entry(struct gguf_writer *w, const char *name, uint32_t type,
                           uint32_t n_dim, const uint64_t *dim, uint64_t offset);

/* The whole file, valid until the next call or gguf_writer_free(). */
const uint8_t *gguf_writer_finish(struct gguf_writer *w, size_t *size);

/* Write the whole file; false when that failed. */
bool gguf_writer_save(struct gguf_writer *w, const char *path);

/* Append to a buffer that grows: raw bytes, or `bytes` bytes of `v` little-endian. */
void gguf_bytes_add(struct gguf_bytes *b, const void *data, size_t n);
void gguf_bytes_add_le(struct gguf_bytes *b, uint64_t v, unsigned bytes);
/* Length and bytes of a string, as the format has it. */
void gguf_bytes_add_str(struct gguf_bytes *b, const char *s);

#endif
