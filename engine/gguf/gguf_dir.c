/* gguf_dir.c - a part's tensor directory: shapes, types, places. */
#include "gguf/gguf_parse.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/log.h"

enum { NAME_MAX_BYTES = 255 };

static enum lem_status bad_tensor(const struct gguf_part *p, const struct gguf_tensor *t,
                                  enum lem_status st, const char *what)
{
    return log_fail(
        &p->keys.log, st,
        "%s: tensor %s %s; the file is damaged or cut short, copy or convert it "
        "again",
        p->path, t->name, what);
}

static enum lem_status cut_short(const struct gguf_part *p, uint64_t i, uint64_t offset)
{
    return log_fail(
        &p->keys.log, LEM_ERR_FORMAT,
        "%s: entry %" PRIu64 " of %" PRIu64 " of the tensor directory, at byte %" PRIu64
        ", does not fit the file of %" PRIu64
        " bytes; it is damaged or cut short, copy or download it again",
        p->path, i + 1, p->n_tensor, offset, (uint64_t)(p->c.end - p->c.start));
}

static enum lem_status read_name(struct gguf *g, struct gguf_part *p,
                                 struct gguf_tensor *t, uint64_t i)
{
    const uint64_t offset = cursor_offset(&p->c);
    struct gguf_str name = {.len = cursor_u64(&p->c)};
    name.ptr = (const char *)cursor_take(&p->c, name.len);
    if (p->c.failed)
        return cut_short(p, i, offset);
    if (!gguf_plain_name(&name, NAME_MAX_BYTES))
        return log_fail(&g->log, LEM_ERR_FORMAT,
                        "%s: tensor %" PRIu64 " at byte %" PRIu64
                        " has no name of 1 to 255 printable bytes; the file is damaged, "
                        "copy or download it again",
                        p->path, i + 1, offset);
    t->name = arena_str(&g->arena, name.ptr, (size_t)name.len);
    return t->name ? LEM_OK
                   : log_fail(&g->log, LEM_ERR_MEMORY, "%s: no memory for its tensors",
                              p->path);
}

/* Dimensions, type, offset; what can be said without the start of the data. */
static enum lem_status read_shape(struct gguf *g, struct gguf_part *p,
                                  struct gguf_tensor *t, uint64_t i)
{
    const uint64_t offset = cursor_offset(&p->c);
    t->n_dim = cursor_u32(&p->c);
    if (!p->c.failed && (t->n_dim == 0 || t->n_dim > GGUF_MAX_DIM))
        return log_fail(&g->log, LEM_ERR_FORMAT,
                        "%s: tensor %s has %" PRIu32 " dimensions (byte %" PRIu64
                        "), 1 to 4 are possible; the file is damaged, convert it again",
                        p->path, t->name, t->n_dim, offset);
    t->n_weight = 1;
    bool fits = true;
    for (uint32_t d = 0; d < GGUF_MAX_DIM; d++) {
        t->dim[d] = d < t->n_dim ? cursor_u64(&p->c) : 1;
        fits = fits && check_mul(t->n_weight, t->dim[d], &t->n_weight);
    }
    const uint32_t type = cursor_u32(&p->c);
    t->file_offset = cursor_u64(&p->c); /* from data_start, added below */
    if (p->c.failed)
        return cut_short(p, i, offset);
    for (uint32_t d = 0; d < t->n_dim; d++)
        if (t->dim[d] == 0)
            return bad_tensor(p, t, LEM_ERR_FORMAT, "has a dimension of 0");
    if (!fits)
        return bad_tensor(p, t, LEM_ERR_FORMAT, "has more than 2^64 weights");
    t->type = quant_find(type);
    if (!t->type)
        return log_fail(
            &g->log, LEM_ERR_UNSUPPORTED,
            "%s: tensor %s has type number %" PRIu32
            ", which is not known; convert the model to a common type, such as "
            "Q8_0",
            p->path, t->name, type);
    if (t->dim[0] % t->type->block_weights)
        return log_fail(
            &g->log, LEM_ERR_FORMAT,
            "%s: tensor %s has rows of %" PRIu64 " weights, no multiple of the %" PRIu32
            " in a block of %s; the file is damaged, convert it again",
            p->path, t->name, t->dim[0], t->type->block_weights, t->type->name);
    if (!quant_bytes(t->type, t->n_weight, &t->bytes))
        return bad_tensor(p, t, LEM_ERR_FORMAT, "has more than 2^64 bytes");
    return LEM_OK;
}

/* The directory has been read: where does the tensor lie? */
static enum lem_status place(const struct gguf *g, const struct gguf_part *p,
                             struct gguf_tensor *t)
{
    const uint64_t size = (uint64_t)(p->c.end - p->c.start);
    uint64_t end;
    if (t->file_offset % p->alignment)
        return log_fail(&g->log, LEM_ERR_FORMAT,
                        "%s: tensor %s has offset %" PRIu64
                        ", no multiple of the alignment %" PRIu64
                        "; the file is damaged, convert it again",
                        p->path, t->name, t->file_offset, p->alignment);
    if (!check_add(t->file_offset, p->data_start, &t->file_offset) ||
        !check_add(t->file_offset, t->bytes, &end) || end > size)
        return log_fail(&g->log, LEM_ERR_FORMAT,
                        "%s: tensor %s, %" PRIu64 " bytes from byte %" PRIu64
                        " on, ends past the file of %" PRIu64
                        " bytes; it is cut short, copy or download it again",
                        p->path, t->name, t->bytes, t->file_offset, size);
    t->data = p->c.start + t->file_offset;
    return LEM_OK;
}

struct span {
    uint64_t start;
    uint64_t index;
};

static int by_start(const void *a, const void *b)
{
    const struct span *x = a, *y = b;
    if (x->start != y->start)
        return x->start < y->start ? -1 : 1;
    return (x->index > y->index) - (x->index < y->index);
}

/* Over `t`, the n_tensor tensors of this part. */
static enum lem_status check_overlaps(const struct gguf *g, const struct gguf_part *p,
                                      const struct gguf_tensor *t)
{
    struct span *s = malloc((size_t)(p->n_tensor + 1) * sizeof *s);
    if (!s)
        return log_fail(&g->log, LEM_ERR_MEMORY, "%s: no memory for its tensors",
                        p->path);
    for (uint64_t i = 0; i < p->n_tensor; i++)
        s[i] = (struct span){.start = t[i].file_offset, .index = i};
    if (p->n_tensor)
        qsort(s, (size_t)p->n_tensor, sizeof *s, by_start);
    enum lem_status st = LEM_OK;
    for (uint64_t i = 1; st == LEM_OK && i < p->n_tensor; i++) {
        const struct gguf_tensor *a = &t[s[i - 1].index], *b = &t[s[i].index];
        if (a->file_offset + a->bytes > b->file_offset)
            st = log_fail(&g->log, LEM_ERR_FORMAT,
                          "%s: tensors %s and %s overlap at byte %" PRIu64
                          "; the file is damaged, convert it again",
                          p->path, a->name, b->name, b->file_offset);
    }
    free(s);
    return st;
}

/* Doubles when it must grow for a later part, so that many small parts stay cheap. */
static bool reserve(struct gguf *g, uint64_t more)
{
    const uint64_t need = g->n_tensor + more;
    if (need <= g->tensor_cap && g->tensor)
        return true;
    const uint64_t twice = g->tensor_cap * 2;
    const uint64_t cap = need > twice ? need : twice;
    struct gguf_tensor *grown = arena_alloc(&g->arena, (size_t)cap, sizeof *grown);
    if (!grown)
        return false;
    if (g->n_tensor)
        memcpy(grown, g->tensor, (size_t)g->n_tensor * sizeof *grown);
    g->tensor = grown;
    g->tensor_cap = cap;
    return true;
}

enum lem_status gguf_read_directory(struct gguf *g, struct gguf_part *p)
{
    if (g->n_tensor + p->n_tensor > UINT32_MAX || !reserve(g, p->n_tensor))
        return log_fail(&g->log, LEM_ERR_MEMORY, "%s: no memory for %" PRIu64 " tensors",
                        p->path, p->n_tensor);
    struct gguf_tensor *t = g->tensor + g->n_tensor;
    enum lem_status st = LEM_OK;
    for (uint64_t i = 0; st == LEM_OK && i < p->n_tensor; i++) {
        t[i].part = p->index;
        st = read_name(g, p, &t[i], i);
        if (st == LEM_OK)
            st = read_shape(g, p, &t[i], i);
    }
    /* A file size is below 2^63, so rounding it up by at most 2^30 fits. */
    (void)check_round_up(cursor_offset(&p->c), p->alignment, &p->data_start);
    for (uint64_t i = 0; st == LEM_OK && i < p->n_tensor; i++)
        st = place(g, p, &t[i]);
    if (st == LEM_OK)
        st = check_overlaps(g, p, t);
    g->n_tensor += p->n_tensor;
    return st;
}
