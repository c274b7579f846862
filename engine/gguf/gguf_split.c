/* gguf_split.c - models in several files, NAME-00001-of-0000N.gguf. */
#include "gguf/gguf_parse.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"

enum { ENDING_BYTES = sizeof "-00001-of-00002.gguf" - 1 };

static bool has_ending(const char *path, uint32_t index, uint32_t count)
{
    char ending[64];
    snprintf(ending, sizeof ending, "-%05" PRIu32 "-of-%05" PRIu32 ".gguf", index + 1,
             count);
    const size_t n = strlen(path);
    return n > ENDING_BYTES && strcmp(path + n - ENDING_BYTES, ending) == 0;
}

enum lem_status gguf_split_name(const struct gguf_part *first, uint32_t count)
{
    if (has_ending(first->path, 0, count))
        return LEM_OK;
    return log_fail(
        &first->keys.log, LEM_ERR_FORMAT,
        "%s: is the first of %" PRIu32
        " parts (split.count), but its name does not end in -00001-of-%05" PRIu32
        ".gguf; give the parts their names back",
        first->path, count, count);
}

enum lem_status gguf_split_count(const struct gguf_part *first, uint32_t *count)
{
    const struct gguf *k = &first->keys;
    uint32_t no = 0;
    *count = 1;
    enum gguf_answer a = gguf_get_u32(k, "split.count", 0, UINT16_MAX, count);
    if (a == GGUF_MISSING)
        return LEM_OK;
    if (a != GGUF_FOUND)
        return gguf_complain(k, "split.count", a, "a number of parts up to 65535");
    if (*count <= 1) { /* some tools write 0 or 1 into a whole file */
        *count = 1;
        return LEM_OK;
    }
    a = gguf_get_u32(k, "split.no", 0, *count - 1, &no);
    if (a != GGUF_FOUND)
        return gguf_complain(k, "split.no", a, "the part's number, below split.count");
    if (no != 0)
        return log_fail(&k->log, LEM_ERR_FORMAT,
                        "%s: is part %" PRIu32 " of %" PRIu32
                        " (split.no); open the first one, …-00001-of-%05" PRIu32 ".gguf",
                        first->path, no + 1, *count, *count);
    return LEM_OK;
}

const char *gguf_split_path(struct gguf *g, const char *first, uint32_t index,
                            uint32_t count)
{
    const size_t stem = strlen(first) - ENDING_BYTES;
    char *path = arena_str(&g->arena, first, strlen(first));
    if (path)
        snprintf(path + stem, ENDING_BYTES + 1, "-%05" PRIu32 "-of-%05" PRIu32 ".gguf",
                 index + 1, count);
    return path;
}

enum lem_status gguf_split_check(const struct gguf_part *p, uint32_t count)
{
    const struct gguf *k = &p->keys;
    uint32_t no, n;
    enum gguf_answer a = gguf_get_u32(k, "split.no", 0, UINT16_MAX, &no);
    if (a != GGUF_FOUND)
        return gguf_complain(k, "split.no", a, "the part's number");
    a = gguf_get_u32(k, "split.count", 0, UINT16_MAX, &n);
    if (a != GGUF_FOUND)
        return gguf_complain(k, "split.count", a, "the number of parts");
    if (no != p->index || n != count)
        return log_fail(&k->log, LEM_ERR_FORMAT,
                        "%s: says it is part %" PRIu32 " of %" PRIu32
                        " (split.no, split.count), but its name says %" PRIu32
                        " of %" PRIu32
                        "; files were renamed or mixed up, copy them again",
                        p->path, no + 1, n, p->index + 1, count);
    return LEM_OK;
}

enum lem_status gguf_split_total(const struct gguf *g)
{
    uint32_t n;
    if (g->n_part == 1)
        return LEM_OK;
    const enum gguf_answer a = gguf_get_u32(g, "split.tensors.count", 0, UINT32_MAX, &n);
    if (a == GGUF_MISSING)
        return LEM_OK;
    if (a != GGUF_FOUND)
        return gguf_complain(g, "split.tensors.count", a, "the number of tensors");
    if (n != g->n_tensor)
        return log_fail(&g->log, LEM_ERR_FORMAT,
                        "%s: states %" PRIu32
                        " tensors in all parts (split.tensors.count), they have %" PRIu64
                        "; parts of different models are mixed up, copy them again",
                        g->path, n, g->n_tensor);
    return LEM_OK;
}
