/* gguf_value.c - typed getters: "missing", "wrong type" and "out of range" are three
 * answers. */
#include "gguf/gguf.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"

static uint64_t load_le(const uint8_t *p, unsigned n)
{
    uint64_t v = 0;
    for (unsigned i = 0; i < n; i++)
        v |= (uint64_t)p[i] << (8 * i);
    return v;
}

/* Element i of a value of integer type. A value above INT64_MAX is not `negative`
 * but large: `*v` holds its bits. */
static bool load_integer(const struct gguf_kv *kv, uint64_t i, uint64_t *v,
                         bool *negative)
{
    const uint8_t *p = kv->data;
    int64_t s = 0;
    *negative = false;
    switch (kv->type) {
    case GGUF_U8:
        *v = p[i];
        return true;
    case GGUF_U16:
        *v = load_le(p + 2 * i, 2);
        return true;
    case GGUF_U32:
        *v = load_le(p + 4 * i, 4);
        return true;
    case GGUF_U64:
        *v = load_le(p + 8 * i, 8);
        return true;
    case GGUF_I8:
        s = p[i] - (p[i] > INT8_MAX ? 256 : 0);
        break;
    case GGUF_I16:
        s = (int16_t)load_le(p + 2 * i, 2);
        break;
    case GGUF_I32:
        s = (int32_t)load_le(p + 4 * i, 4);
        break;
    case GGUF_I64:
        s = (int64_t)load_le(p + 8 * i, 8);
        break;
    default:
        return false;
    }
    *v = (uint64_t)s;
    *negative = s < 0;
    return true;
}

static bool load_float(const struct gguf_kv *kv, double *v)
{
    if (kv->type == GGUF_F32) {
        const uint32_t bits = (uint32_t)load_le(kv->data, 4);
        float f;
        memcpy(&f, &bits, sizeof f);
        *v = f;
        return true;
    }
    if (kv->type == GGUF_F64) {
        const uint64_t bits = load_le(kv->data, 8);
        memcpy(v, &bits, sizeof *v);
        return true;
    }
    return false;
}

enum gguf_answer gguf_get_u32(const struct gguf *g, const char *key, uint32_t min,
                              uint32_t max, uint32_t *out)
{
    const struct gguf_kv *kv = gguf_find_kv(g, key);
    uint64_t v;
    bool negative;
    if (!kv)
        return GGUF_MISSING;
    if (kv->is_array || !load_integer(kv, 0, &v, &negative))
        return GGUF_WRONG_TYPE;
    if (negative || v < min || v > max)
        return GGUF_OUT_OF_RANGE;
    *out = (uint32_t)v;
    return GGUF_FOUND;
}

enum gguf_answer gguf_get_f32(const struct gguf *g, const char *key, float *out)
{
    const struct gguf_kv *kv = gguf_find_kv(g, key);
    double v;
    if (!kv)
        return GGUF_MISSING;
    if (kv->is_array || !load_float(kv, &v))
        return GGUF_WRONG_TYPE;
    if (!isfinite(v) || !isfinite((float)v)) /* a large f64 is not finite as f32 */
        return GGUF_OUT_OF_RANGE;
    *out = (float)v;
    return GGUF_FOUND;
}

enum gguf_answer gguf_get_bool(const struct gguf *g, const char *key, bool *out)
{
    const struct gguf_kv *kv = gguf_find_kv(g, key);
    if (!kv)
        return GGUF_MISSING;
    if (kv->is_array || kv->type != GGUF_BOOL)
        return GGUF_WRONG_TYPE;
    *out = *kv->data != 0;
    return GGUF_FOUND;
}

enum gguf_answer gguf_get_str(const struct gguf *g, const char *key, struct gguf_str *out)
{
    const struct gguf_kv *kv = gguf_find_kv(g, key);
    if (!kv)
        return GGUF_MISSING;
    if (kv->is_array || kv->type != GGUF_STRING)
        return GGUF_WRONG_TYPE;
    const uint8_t *at = kv->data;
    (void)gguf_next_str(kv, &at, out);
    return GGUF_FOUND;
}

enum gguf_answer gguf_get_u32_at(const struct gguf *g, const char *key, uint64_t i,
                                 uint32_t *out)
{
    const struct gguf_kv *kv = gguf_find_kv(g, key);
    uint64_t v;
    bool negative;
    if (!kv)
        return GGUF_MISSING;
    if (!kv->is_array)
        return GGUF_WRONG_TYPE;
    if (i >= kv->count)
        return GGUF_OUT_OF_RANGE;
    if (!load_integer(kv, i, &v, &negative))
        return GGUF_WRONG_TYPE;
    if (negative || v > UINT32_MAX)
        return GGUF_OUT_OF_RANGE;
    *out = (uint32_t)v;
    return GGUF_FOUND;
}

bool gguf_next_str(const struct gguf_kv *kv, const uint8_t **at, struct gguf_str *out)
{
    if (*at >= kv->data + kv->bytes)
        return false;
    out->len = load_le(*at, 8);
    out->ptr = (const char *)*at + 8;
    *at += 8 + out->len;
    return true;
}

/* A single value as text, for a message. */
static void print_value(const struct gguf_kv *kv, char *text, size_t size)
{
    uint64_t v;
    bool negative;
    double f;
    if (kv->is_array)
        snprintf(text, size, "an array of %" PRIu64, kv->count);
    else if (load_integer(kv, 0, &v, &negative))
        snprintf(text, size, negative ? "%" PRId64 : "%" PRIu64, v);
    else if (load_float(kv, &f))
        snprintf(text, size, "%g", f);
    else
        snprintf(text, size, "a %s", gguf_type_name(kv->type));
}

enum lem_status gguf_complain(const struct gguf *g, const char *key, enum gguf_answer a,
                              const char *expected)
{
    const struct gguf_kv *kv = gguf_find_kv(g, key);
    char value[64];
    if (a == GGUF_FOUND)
        return LEM_OK;
    if (a == GGUF_MISSING || !kv)
        return log_fail(
            &g->log, LEM_ERR_FORMAT,
            "%s: key %s is missing, expected %s; convert the model again with a "
            "current tool",
            g->path, key, expected);
    if (a == GGUF_WRONG_TYPE)
        return log_fail(&g->log, LEM_ERR_FORMAT,
                        "%s: key %s at byte %" PRIu64
                        " is %s%s, expected %s; convert the "
                        "model again with a current tool",
                        g->path, key, kv->offset, kv->is_array ? "an array of " : "a ",
                        gguf_type_name(kv->type), expected);
    print_value(kv, value, sizeof value);
    return log_fail(&g->log, LEM_ERR_FORMAT,
                    "%s: key %s at byte %" PRIu64
                    " is %s, expected %s; the file is damaged, "
                    "or was made by a newer tool",
                    g->path, key, kv->offset, value, expected);
}

const char *gguf_type_name(enum gguf_type type)
{
    static const char *const names[] = {
        [GGUF_U8] = "U8",       [GGUF_I8] = "I8",     [GGUF_U16] = "U16",
        [GGUF_I16] = "I16",     [GGUF_U32] = "U32",   [GGUF_I32] = "I32",
        [GGUF_F32] = "F32",     [GGUF_BOOL] = "BOOL", [GGUF_STRING] = "STRING",
        [GGUF_ARRAY] = "ARRAY", [GGUF_U64] = "U64",   [GGUF_I64] = "I64",
        [GGUF_F64] = "F64",
    };
    return (unsigned)type < sizeof names / sizeof *names ? names[type] : "unknown type";
}
