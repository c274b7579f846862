/* gguf_keys.c - reading a part's keys: every length, count and type is checked here, so
 * that the getters need no bounds. */
#include "gguf/gguf_parse.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/log.h"

enum {
    KEY_MAX = 65535,
    ALIGNMENT_DEFAULT = 32,
    ALIGNMENT_MIN = 8,
    ALIGNMENT_MAX = 1 << 30
};

/* Bytes of one value; 0 for those without a fixed size. */
static uint32_t value_bytes(uint32_t type)
{
    switch (type) {
    case GGUF_U8:
    case GGUF_I8:
    case GGUF_BOOL:
        return 1;
    case GGUF_U16:
    case GGUF_I16:
        return 2;
    case GGUF_U32:
    case GGUF_I32:
    case GGUF_F32:
        return 4;
    case GGUF_U64:
    case GGUF_I64:
    case GGUF_F64:
        return 8;
    default:
        return 0;
    }
}

static struct gguf_str take_str(struct cursor *c)
{
    struct gguf_str s = {.len = cursor_u64(c)};
    s.ptr = (const char *)cursor_take(c, s.len);
    return s;
}

static enum lem_status bad_value(const struct gguf_part *p, const struct gguf_kv *kv,
                                 enum lem_status st, const char *what)
{
    return log_fail(&p->keys.log, st,
                    "%s: key %.255s at byte %" PRIu64 " %s; the file is damaged or was "
                    "written by a newer tool, convert it again",
                    p->path, kv->key, kv->offset, what);
}

static enum lem_status cut_short(const struct gguf_part *p, uint64_t i, uint64_t offset)
{
    return log_fail(&p->keys.log, LEM_ERR_FORMAT,
                    "%s: key %" PRIu64 " of %" PRIu64 ", at byte %" PRIu64
                    ", does not fit the file of %" PRIu64
                    " bytes; it is damaged or cut short, copy or download it again",
                    p->path, i + 1, p->keys.n_kv, offset,
                    (uint64_t)(p->c.end - p->c.start));
}

/* `kv->count` values from the cursor on. On a value that does not fit, the cursor has
 * failed and the caller says so. */
static enum lem_status read_values(struct gguf_part *p, struct gguf_kv *kv)
{
    struct cursor *c = &p->c;
    kv->data = c->at;
    if (kv->type == GGUF_STRING) {
        /* Each turn takes at least 8 bytes, so the count cannot keep us here. */
        for (uint64_t i = 0; i < kv->count && !c->failed; i++)
            (void)take_str(c);
    } else {
        uint64_t bytes;
        if (check_mul(kv->count, value_bytes(kv->type), &bytes))
            (void)cursor_take(c, bytes);
        else
            c->failed = true;
    }
    kv->bytes = (uint64_t)(c->at - kv->data);
    if (kv->type == GGUF_BOOL)
        for (uint64_t i = 0; i < kv->bytes; i++)
            if (kv->data[i] > 1)
                return bad_value(p, kv, LEM_ERR_FORMAT,
                                 "is a bool that is neither 0 nor 1");
    return LEM_OK;
}

static enum lem_status read_value(struct gguf_part *p, struct gguf_kv *kv)
{
    uint32_t type = cursor_u32(&p->c);
    kv->count = 1;
    if (type == GGUF_ARRAY) {
        kv->is_array = true;
        type = cursor_u32(&p->c);
        kv->count = cursor_u64(&p->c);
    }
    if (p->c.failed)
        return LEM_OK;
    if (type == GGUF_ARRAY)
        return bad_value(p, kv, LEM_ERR_UNSUPPORTED, "is an array of arrays");
    if (type > GGUF_F64)
        return bad_value(p, kv, LEM_ERR_FORMAT, "has a type that GGUF does not know");
    kv->type = (enum gguf_type)type;
    return read_values(p, kv);
}

static enum lem_status read_key(struct gguf *g, struct gguf_part *p, uint64_t i)
{
    struct gguf_kv *kv = &p->keys.kv[i];
    kv->offset = cursor_offset(&p->c);
    const struct gguf_str name = take_str(&p->c);
    if (p->c.failed)
        return cut_short(p, i, kv->offset);
    if (!gguf_plain_name(&name, KEY_MAX))
        return log_fail(
            &g->log, LEM_ERR_FORMAT,
            "%s: key %" PRIu64 " at byte %" PRIu64
            " has no name of 1 to 65535 printable bytes; the file is damaged, "
            "copy or download it again",
            p->path, i + 1, kv->offset);
    kv->key = arena_str(&g->arena, name.ptr, (size_t)name.len);
    if (!kv->key)
        return log_fail(&g->log, LEM_ERR_MEMORY, "%s: no memory for its keys", p->path);
    const enum lem_status st = read_value(p, kv);
    return st == LEM_OK && p->c.failed ? cut_short(p, i, kv->offset) : st;
}

static enum lem_status sort_keys(struct gguf *g, struct gguf_part *p)
{
    struct gguf *keys = &p->keys;
    struct gguf_name *names = malloc((size_t)(keys->n_kv + 1) * sizeof *names);
    keys->kv_by_name = arena_alloc(&g->arena, (size_t)keys->n_kv, sizeof(uint32_t));
    if (!names || !keys->kv_by_name) {
        free(names);
        return log_fail(&g->log, LEM_ERR_MEMORY, "%s: no memory for its keys", p->path);
    }
    for (uint64_t i = 0; i < keys->n_kv; i++)
        names[i] = (struct gguf_name){.name = keys->kv[i].key, .index = (uint32_t)i};
    uint64_t twice;
    enum lem_status st = LEM_OK;
    if (!gguf_sort_names(names, keys->n_kv, keys->kv_by_name, &twice))
        st = bad_value(p, &keys->kv[names[twice + 1].index], LEM_ERR_FORMAT,
                       "is there twice");
    free(names);
    return st;
}

static enum lem_status read_alignment(struct gguf_part *p)
{
    static const char key[] = "general.alignment";
    uint32_t v = ALIGNMENT_DEFAULT;
    const enum gguf_answer a =
        gguf_get_u32(&p->keys, key, ALIGNMENT_MIN, ALIGNMENT_MAX, &v);
    if (a == GGUF_WRONG_TYPE || a == GGUF_OUT_OF_RANGE || (v & (v - 1)) != 0)
        return gguf_complain(&p->keys, key, a == GGUF_FOUND ? GGUF_OUT_OF_RANGE : a,
                             "a power of two from 8 to 2^30");
    p->alignment = v;
    return LEM_OK;
}

enum lem_status gguf_read_keys(struct gguf *g, struct gguf_part *p)
{
    p->keys.kv = arena_alloc(&g->arena, (size_t)p->keys.n_kv, sizeof *p->keys.kv);
    if (!p->keys.kv)
        return log_fail(&g->log, LEM_ERR_MEMORY, "%s: no memory for %" PRIu64 " keys",
                        p->path, p->keys.n_kv);
    enum lem_status st = LEM_OK;
    for (uint64_t i = 0; st == LEM_OK && i < p->keys.n_kv; i++)
        st = read_key(g, p, i);
    if (st == LEM_OK)
        st = sort_keys(g, p);
    if (st == LEM_OK)
        st = read_alignment(p);
    return st;
}
