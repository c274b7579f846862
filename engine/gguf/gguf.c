/* gguf.c - opening a model: header, parts, and finding keys and tensors by name. */
#include "gguf/gguf.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "gguf/gguf_parse.h"

enum { KV_MIN_BYTES = 8 + 1 + 4 + 1, TENSOR_MIN_BYTES = 8 + 1 + 4 + 8 + 4 + 8 };

static enum lem_status not_gguf(const struct gguf *g, const struct gguf_part *p)
{
    static const char lfs[] = "version https://git-lfs";
    const uint64_t size = (uint64_t)(p->c.end - p->c.start);
    if (size >= sizeof lfs - 1 && memcmp(p->c.start, lfs, sizeof lfs - 1) == 0)
        return log_fail(&g->log, LEM_ERR_FORMAT,
                        "%s: is a Git LFS pointer, not the model itself; fetch it with "
                        "\"git lfs pull\"",
                        p->path);
    if (size < 4)
        return log_fail(&g->log, LEM_ERR_FORMAT,
                        "%s: has only %" PRIu64
                        " bytes, no GGUF header; copy or download "
                        "it again",
                        p->path, size);
    return log_fail(
        &g->log, LEM_ERR_FORMAT,
        "%s: does not start with \"GGUF\" at byte 0; it is another kind of file, "
        "convert the model to GGUF",
        p->path);
}

static enum lem_status check_version(const struct gguf *g, const char *path, uint32_t v)
{
    if (v == 2 || v == 3)
        return LEM_OK;
    if (v == 1)
        return log_fail(
            &g->log, LEM_ERR_UNSUPPORTED,
            "%s: GGUF version 1 (byte 4) was replaced in 2023 and is not read; "
            "convert the model again",
            path);
    if (v && (v & 0xffffu) == 0)
        return log_fail(&g->log, LEM_ERR_UNSUPPORTED,
                        "%s: is a big-endian GGUF file (byte 4); only little-endian ones "
                        "are read, convert it",
                        path);
    return log_fail(&g->log, LEM_ERR_UNSUPPORTED,
                    "%s: GGUF version %" PRIu32
                    " (byte 4) is not known, 2 and 3 are; the "
                    "file is damaged or newer than this program",
                    path, v);
}

enum lem_status gguf_read_header(struct gguf *g, struct gguf_part *p)
{
    const uint8_t *magic = cursor_take(&p->c, 4);
    if (!magic || memcmp(magic, "GGUF", 4) != 0)
        return not_gguf(g, p);
    p->keys.version = cursor_u32(&p->c);
    if (!p->c.failed) {
        const enum lem_status st = check_version(g, p->path, p->keys.version);
        if (st != LEM_OK)
            return st;
    }
    p->n_tensor = cursor_u64(&p->c);
    p->keys.n_kv = cursor_u64(&p->c);
    const uint64_t left = cursor_left(&p->c);
    if (p->c.failed)
        return log_fail(&g->log, LEM_ERR_FORMAT,
                        "%s: ends inside the header at byte %" PRIu64
                        " of 24; copy or download it again",
                        p->path, (uint64_t)(p->c.end - p->c.start));
    /* An entry has a least size, so the file's length bounds what we allocate. */
    if (p->n_tensor > left / TENSOR_MIN_BYTES || p->n_tensor > UINT32_MAX)
        return log_fail(&g->log, LEM_ERR_FORMAT,
                        "%s: states %" PRIu64 " tensors (byte 8), more than its %" PRIu64
                        " bytes can hold; the file is damaged or cut short",
                        p->path, p->n_tensor, left + 24);
    if (p->keys.n_kv > left / KV_MIN_BYTES || p->keys.n_kv > UINT32_MAX)
        return log_fail(&g->log, LEM_ERR_FORMAT,
                        "%s: states %" PRIu64 " keys (byte 16), more than its %" PRIu64
                        " bytes can hold; the file is damaged or cut short",
                        p->path, p->keys.n_kv, left + 24);
    return LEM_OK;
}

/* Read what is mapped as g->map[index]. */
static enum lem_status read_part(struct gguf *g, struct gguf_part *p, const char *path,
                                 uint32_t index)
{
    const struct file_map *m = &g->map[index];
    *p = (struct gguf_part){.path = path, .index = index};
    p->c = cursor_over(m->data, m->size);
    p->keys.path = path;
    p->keys.log = g->log;

    enum lem_status st = gguf_read_header(g, p);
    if (st == LEM_OK)
        st = gguf_read_keys(g, p);
    if (st == LEM_OK)
        st = gguf_read_directory(g, p);
    return st;
}

static enum lem_status read_first(struct gguf *g, struct gguf_part *p)
{
    const enum lem_status st = read_part(g, p, g->path, 0);
    g->version = p->keys.version;
    g->file_bytes = g->map[0].size;
    g->kv = p->keys.kv;
    g->n_kv = p->keys.n_kv;
    g->kv_by_name = p->keys.kv_by_name;
    return st;
}

/* Room for one more mapping; parts are opened one by one, so a stated count alone
 * allocates nothing. */
static bool add_map(struct gguf *g)
{
    if ((g->n_part & (g->n_part - 1)) == 0) {
        struct file_map *grown =
            arena_alloc(&g->arena, (size_t)g->n_part * 2 + 1, sizeof *grown);
        if (!grown)
            return false;
        if (g->n_part)
            memcpy(grown, g->map, g->n_part * sizeof *grown);
        g->map = grown;
    }
    return true;
}

/* What file_map_open() says about a part, with the reason why we opened it. */
struct part_log {
    const struct gguf *g;
    uint32_t index, count;
};

static void part_message(void *priv, enum lem_log_level level, const char *text)
{
    const struct part_log *l = priv;
    log_msg(&l->g->log, level,
            "%s (part %" PRIu32 " of %" PRIu32
            " of %s; all parts must lie in one folder)",
            text, l->index + 1, l->count, l->g->path);
}

static enum lem_status open_part(struct gguf *g, uint32_t index, uint32_t count)
{
    const char *path = gguf_split_path(g, g->path, index, count);
    if (!path || !add_map(g))
        return log_fail(&g->log, LEM_ERR_MEMORY, "%s: no memory for part %" PRIu32,
                        g->path, index + 1);
    struct part_log priv = {.g = g, .index = index, .count = count};
    const struct lem_log log = {.fn = part_message, .priv = &priv};
    enum lem_status st = file_map_open(&g->map[index], path, &log);
    if (st != LEM_OK)
        return st;
    g->n_part++;
    g->file_bytes += g->map[index].size;
    struct gguf_part p;
    st = read_part(g, &p, path, index);
    return st == LEM_OK ? gguf_split_check(&p, count) : st;
}

/* Over the tensors of all parts. */
static enum lem_status index_tensors(struct gguf *g)
{
    struct gguf_name *names = malloc((size_t)(g->n_tensor + 1) * sizeof *names);
    g->by_name = arena_alloc(&g->arena, (size_t)g->n_tensor, sizeof *g->by_name);
    if (!names || !g->by_name) {
        free(names);
        return log_fail(&g->log, LEM_ERR_MEMORY,
                        "%s: no memory for the names of %" PRIu64 " tensors", g->path,
                        g->n_tensor);
    }
    for (uint64_t i = 0; i < g->n_tensor; i++)
        names[i] = (struct gguf_name){.name = g->tensor[i].name, .index = (uint32_t)i};
    uint64_t twice;
    enum lem_status st = LEM_OK;
    if (!gguf_sort_names(names, g->n_tensor, g->by_name, &twice))
        st = log_fail(&g->log, LEM_ERR_FORMAT,
                      "%s: tensor %.255s is there twice (entries %" PRIu32 " and %" PRIu32
                      "); the file is damaged, convert it again",
                      g->path, names[twice].name, names[twice].index,
                      names[twice + 1].index);
    free(names);
    return st;
}

static enum lem_status read_all(struct gguf *g)
{
    struct gguf_part first;
    enum lem_status st = read_first(g, &first);
    uint32_t count = 1;
    if (st == LEM_OK)
        st = gguf_split_count(&first, &count);
    if (st == LEM_OK && count > 1 && g->in_memory)
        st = log_fail(&g->log, LEM_ERR_UNSUPPORTED,
                      "%s: is one part of %" PRIu32 " (split.count); open it by its path",
                      g->path, count);
    if (st == LEM_OK && count > 1)
        st = gguf_split_name(&first, count);
    for (uint32_t i = 1; st == LEM_OK && i < count; i++)
        st = open_part(g, i, count);
    if (st == LEM_OK)
        st = gguf_split_total(g);
    if (st == LEM_OK)
        st = index_tensors(g);
    return st;
}

static struct gguf *create(const char *path, const struct lem_log *log)
{
    struct gguf *g = calloc(1, sizeof *g);
    if (!g)
        return NULL;
    if (log)
        g->log = *log;
    g->path = arena_str(&g->arena, path, strlen(path));
    if (!g->path || !add_map(g))
        gguf_close(&g);
    return g;
}

static enum lem_status finish(struct gguf **out, struct gguf *g, enum lem_status st)
{
    if (st != LEM_OK)
        gguf_close(&g);
    *out = g;
    return st;
}

enum lem_status gguf_open(struct gguf **out, const char *path, const struct lem_log *log)
{
    *out = NULL;
    struct gguf *g = create(path, log);
    if (!g)
        return log_fail(log, LEM_ERR_MEMORY, "%s: no memory to open it", path);
    enum lem_status st = file_map_open(&g->map[0], path, log);
    if (st == LEM_OK) {
        g->n_part = 1;
        st = read_all(g);
    }
    return finish(out, g, st);
}

enum lem_status gguf_open_memory(struct gguf **out, const uint8_t *data, uint64_t size,
                                 const struct lem_log *log)
{
    static const char name[] = "(in memory)";
    *out = NULL;
    struct gguf *g = create(name, log);
    if (!g)
        return log_fail(log, LEM_ERR_MEMORY, "%s: no memory to open it", name);
    g->in_memory = true;
    g->map[0] = (struct file_map){.data = data, .size = size};
    g->n_part = 1;
    return finish(out, g, read_all(g));
}

/* Give advice on bytes of a tensor to the mapping that has them. */
static void advise(const struct gguf *g, const uint8_t *data, uint64_t bytes,
                   void (*advice)(const struct file_map *, const uint8_t *, uint64_t))
{
    const uintptr_t at = (uintptr_t)data;
    for (uint32_t i = 0; i < g->n_part && !g->in_memory; i++) {
        const uintptr_t start = (uintptr_t)g->map[i].data;
        if (at >= start && at - start < g->map[i].size)
            advice(&g->map[i], data, bytes);
    }
}

void gguf_expect(const struct gguf *g, const uint8_t *data, uint64_t bytes)
{
    advise(g, data, bytes, file_map_expect);
}

void gguf_forget(const struct gguf *g, const uint8_t *data, uint64_t bytes)
{
    advise(g, data, bytes, file_map_forget);
}

void gguf_close(struct gguf **pg)
{
    if (!pg || !*pg)
        return;
    struct gguf *g = *pg;
    for (uint32_t i = 0; i < g->n_part && !g->in_memory; i++)
        file_map_close(&g->map[i]);
    arena_free(&g->arena);
    free(g);
    *pg = NULL;
}

const struct gguf_kv *gguf_find_kv(const struct gguf *g, const char *key)
{
    uint32_t i;
    return gguf_bisect(g->kv, sizeof *g->kv, g->kv_by_name, g->n_kv, key, &i) ? &g->kv[i]
                                                                              : NULL;
}

const struct gguf_tensor *gguf_find_tensor(const struct gguf *g, const char *name)
{
    uint32_t i;
    return gguf_bisect(g->tensor, sizeof *g->tensor, g->by_name, g->n_tensor, name, &i)
               ? &g->tensor[i]
               : NULL;
}
