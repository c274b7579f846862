/* keys.c - reading metadata whose keys start with the architecture's name. */
#include "model/keys.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"

enum lem_status keys_open(struct keys *r, const struct gguf *g)
{
    static const char key[] = "general.architecture";
    struct gguf_str name = {0};
    *r = (struct keys){.g = g};
    enum gguf_answer a = gguf_get_str(g, key, &name);
    if (a == GGUF_FOUND && (name.len == 0 || name.len > KEYS_MAX_PREFIX))
        a = GGUF_OUT_OF_RANGE;
    if (a == GGUF_FOUND)
        memcpy(r->prefix, name.ptr, (size_t)name.len);
    return gguf_complain(g, key, a, "a name of 1 to 64 bytes");
}

const char *keys_full(struct keys *r, const char *suffix)
{
    snprintf(r->key, sizeof r->key, "%s.%s", r->prefix, suffix);
    return r->key;
}

bool keys_stated(struct keys *r, const char *suffix)
{
    return gguf_find_kv(r->g, keys_full(r, suffix)) != NULL;
}

bool keys_is_array(struct keys *r, const char *suffix)
{
    const struct gguf_kv *kv = gguf_find_kv(r->g, keys_full(r, suffix));
    return kv && kv->is_array;
}

static enum lem_status read_per_layer(struct keys *r, const struct gguf_kv *kv,
                                      uint32_t *out)
{
    uint32_t first = 0, v = 0;
    enum gguf_answer a = gguf_get_u32_at(r->g, kv->key, 0, &first);
    for (uint64_t i = 1; a == GGUF_FOUND && i < kv->count; i++) {
        a = gguf_get_u32_at(r->g, kv->key, i, &v);
        if (a == GGUF_FOUND && v != first)
            return log_fail(&r->g->log, LEM_ERR_UNSUPPORTED,
                            "%s: key %s differs between blocks (%" PRIu32
                            " in block 0, %" PRIu32 " in block %" PRIu64
                            "); this build runs only models whose blocks are alike",
                            r->g->path, kv->key, first, v, i);
    }
    if (a == GGUF_FOUND)
        *out = first;
    return gguf_complain(r->g, kv->key, a, "integers, one per block");
}

enum lem_status keys_u32(struct keys *r, const char *suffix, uint32_t min, uint32_t max,
                         uint32_t *out)
{
    const struct gguf_kv *kv = gguf_find_kv(r->g, keys_full(r, suffix));
    if (!kv)
        return LEM_OK;
    char expected[64];
    snprintf(expected, sizeof expected, "an integer from %" PRIu32 " to %" PRIu32, min,
             max);
    if (!kv->is_array)
        return gguf_complain(r->g, kv->key, gguf_get_u32(r->g, kv->key, min, max, out),
                             expected);
    enum lem_status st = read_per_layer(r, kv, out);
    if (st == LEM_OK && (*out < min || *out > max))
        st = gguf_complain(r->g, kv->key, GGUF_OUT_OF_RANGE, expected);
    return st;
}

enum lem_status keys_u32_at(struct keys *r, const char *suffix, uint32_t il, uint32_t min,
                            uint32_t max, uint32_t *out)
{
    const struct gguf_kv *kv = gguf_find_kv(r->g, keys_full(r, suffix));
    if (!kv || !kv->is_array)
        return keys_u32(r, suffix, min, max, out);
    uint32_t v = 0;
    const enum gguf_answer a = gguf_get_u32_at(r->g, kv->key, il, &v);
    if (a != GGUF_FOUND)
        return gguf_complain(r->g, kv->key, a, "an integer for every block");
    if (v < min || v > max)
        return log_fail(&r->g->log, LEM_ERR_FORMAT,
                        "%s: key %s is %" PRIu32 " in block %" PRIu32
                        ", expected an integer from %" PRIu32 " to %" PRIu32
                        "; the file is damaged: convert it again",
                        r->g->path, kv->key, v, il, min, max);
    *out = v;
    return LEM_OK;
}

enum lem_status keys_need_u32(struct keys *r, const char *suffix, uint32_t min,
                              uint32_t max, uint32_t *out)
{
    if (keys_stated(r, suffix))
        return keys_u32(r, suffix, min, max, out);
    return gguf_complain(r->g, r->key, GGUF_MISSING, "an integer");
}

enum lem_status keys_f32(struct keys *r, const char *suffix, float min, float max,
                         float *out)
{
    if (!keys_stated(r, suffix))
        return LEM_OK;
    float v = 0;
    enum gguf_answer a = gguf_get_f32(r->g, r->key, &v);
    if (a == GGUF_FOUND && !(v >= min && v <= max))
        a = GGUF_OUT_OF_RANGE;
    if (a == GGUF_FOUND)
        *out = v;
    char expected[64];
    snprintf(expected, sizeof expected, "a number from %g to %g", (double)min,
             (double)max);
    return gguf_complain(r->g, r->key, a, expected);
}

enum lem_status keys_bool(struct keys *r, const char *suffix, bool *out)
{
    if (!keys_stated(r, suffix))
        return LEM_OK;
    return gguf_complain(r->g, r->key, gguf_get_bool(r->g, r->key, out), "true or false");
}

enum lem_status keys_bool_at(struct keys *r, const char *suffix, uint32_t il, bool *out)
{
    const struct gguf_kv *kv = gguf_find_kv(r->g, keys_full(r, suffix));
    enum gguf_answer a = GGUF_MISSING;
    uint32_t v = 0;
    if (kv && kv->is_array && kv->type == GGUF_BOOL) {
        a = il < kv->count ? GGUF_FOUND : GGUF_OUT_OF_RANGE;
        v = a == GGUF_FOUND && kv->data[il] != 0;
    } else if (kv) {
        a = gguf_get_u32_at(r->g, kv->key, il, &v);
    }
    if (a == GGUF_FOUND)
        *out = v != 0;
    return gguf_complain(r->g, r->key, a, "an array of true or false, one per block");
}
