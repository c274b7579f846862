/* gguf.h - a GGUF model file: header, keys, tensor directory. Read-only,
 * memory-mapped, every count, length and offset checked before it is used.
 *
 * The format (specification: docs/gguf.md of the ggml repository), little-endian:
 *
 *   "GGUF"  u32 version (2 or 3)  u64 n_tensor  u64 n_kv
 *   n_kv x     { str key, u32 type, value }
 *                str   = u64 length, bytes (UTF-8, no terminator)
 *                value = u8 i8 u16 i16 u32 i32 f32 bool str u64 i64 f64, or
 *                array = u32 element type, u64 count, elements
 *   n_tensor x { str name, u32 n_dim, u64 dim[n_dim] (innermost first),
 *                u32 type, u64 offset (from the start of the data) }
 *   padding to general.alignment (32 unless stated), then the data
 */
#ifndef GGUF_GGUF_H
#define GGUF_GGUF_H

#include "base/arena.h"
#include "base/file.h"
#include "lemnos/common.h"
#include "quant/quant.h"

enum gguf_type {
    GGUF_U8,
    GGUF_I8,
    GGUF_U16,
    GGUF_I16,
    GGUF_U32,
    GGUF_I32,
    GGUF_F32,
    GGUF_BOOL,
    GGUF_STRING,
    GGUF_ARRAY,
    GGUF_U64,
    GGUF_I64,
    GGUF_F64
};

enum { GGUF_MAX_DIM = 4 };

/* Bytes in the mapping; not terminated. */
struct gguf_str {
    const char *ptr;
    uint64_t len;
};

struct gguf_kv {
    const char *key;     /* terminated, in the arena */
    enum gguf_type type; /* of the value, or of an array's elements */
    bool is_array;
    uint64_t count;      /* 1, or the array's length */
    const uint8_t *data; /* first element, in the mapping */
    uint64_t bytes;      /* from `data` to the value's end */
    uint64_t offset;     /* of the key in the file, for messages */
};

struct gguf_tensor {
    const char *name;              /* terminated, in the arena */
    const struct quant_info *type; /* never NULL: unknown ids are refused */
    uint32_t n_dim;
    uint64_t dim[GGUF_MAX_DIM]; /* innermost first; 1 beyond n_dim; none is 0 */
    uint64_t n_weight;          /* product of dim */
    const uint8_t *data;        /* `bytes` bytes, all inside the mapping */
    uint64_t bytes;
    uint64_t file_offset; /* of data, in its part */
    uint32_t part;        /* which file of a split model */
};

struct gguf {
    const char *path; /* of the first part, in the arena */
    struct file_map *map;
    uint32_t n_part;
    bool in_memory; /* map[0] is the caller's */
    uint32_t version;
    uint64_t file_bytes; /* all parts */
    struct gguf_kv *kv;  /* of the first part */
    uint64_t n_kv;
    struct gguf_tensor *tensor; /* of all parts, in file order */
    uint64_t n_tensor, tensor_cap;
    uint32_t *by_name;    /* tensor indices in order of name */
    uint32_t *kv_by_name; /* kv indices in order of key */
    struct lem_log log;
    struct arena arena;
};

/*
 * Map and check a file, and all parts of a split one (split.count > 1; the name
 * must end in -00001-of-0000N.gguf). Tensors may not overlap, each must lie
 * inside its part, names and keys are unique.
 * Returns LEM_OK, LEM_ERR_IO, LEM_ERR_FORMAT, LEM_ERR_UNSUPPORTED (version,
 * big-endian, unknown tensor type), LEM_ERR_MEMORY; logged with the byte offset.
 */
enum lem_status gguf_open(struct gguf **out, const char *path, const struct lem_log *log);
/* The same for a whole file in memory, which must stay until gguf_close(); a file
 * that is one part of several is refused (LEM_ERR_UNSUPPORTED). */
enum lem_status gguf_open_memory(struct gguf **out, const uint8_t *data, uint64_t size,
                                 const struct lem_log *log);
/* Bytes of a tensor that will be read soon: see file_map_expect(). */
void gguf_expect(const struct gguf *g, const uint8_t *data, uint64_t bytes);
/* Bytes of a tensor that have been used and will hardly be again: see file_map_forget().
 */
void gguf_forget(const struct gguf *g, const uint8_t *data, uint64_t bytes);
/* Safe on NULL and pointer to NULL. */
void gguf_close(struct gguf **g);

/* NULL when absent. */
const struct gguf_kv *gguf_find_kv(const struct gguf *g, const char *key);
const struct gguf_tensor *gguf_find_tensor(const struct gguf *g, const char *name);

/* ---- typed getters: missing, wrong type and out of range are three answers -- */

enum gguf_answer { GGUF_FOUND, GGUF_MISSING, GGUF_WRONG_TYPE, GGUF_OUT_OF_RANGE };

/* Any integer type, if its value lies in [min, max]. Only GGUF_FOUND writes. */
enum gguf_answer gguf_get_u32(const struct gguf *g, const char *key, uint32_t min,
                              uint32_t max, uint32_t *out);
/* f32 or f64, finite. */
enum gguf_answer gguf_get_f32(const struct gguf *g, const char *key, float *out);
enum gguf_answer gguf_get_bool(const struct gguf *g, const char *key, bool *out);
enum gguf_answer gguf_get_str(const struct gguf *g, const char *key,
                              struct gguf_str *out);
/* Array of any integer type: element i as u32 (out of range when it is not one). */
enum gguf_answer gguf_get_u32_at(const struct gguf *g, const char *key, uint64_t i,
                                 uint32_t *out);

/* Walk an array of strings: start with *at = kv->data; false at the end. The
 * lengths were checked when the file was opened. */
bool gguf_next_str(const struct gguf_kv *kv, const uint8_t **at, struct gguf_str *out);

/* Log why a key was not found as wanted and return the fitting status:
 *   missing        "path: key … is missing; …"
 *   wrong type     "path: key … at byte N is a STRING, expected …" */
enum lem_status gguf_complain(const struct gguf *g, const char *key, enum gguf_answer a,
                              const char *expected);

const char *gguf_type_name(enum gguf_type type);

#endif
