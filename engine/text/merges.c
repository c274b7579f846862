/* merges.c - tokenizer.ggml.merges: which two tokens become one, and in which order. */
#include "text/merges.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"

#define KEY_MERGES "tokenizer.ggml.merges"

struct merges_pair {
    int32_t left, right; /* tokens */
    int32_t result;      /* token of both texts together */
    uint32_t rank;       /* place in the file, from 1; 0 = free slot */
};

static uint32_t find_slot(const struct merges *m, int32_t left, int32_t right)
{
    const uint64_t key = (uint64_t)(uint32_t)left << 32 | (uint32_t)right;
    uint64_t h = key * 0x9E3779B97F4A7C15u; /* 2^64 / golden ratio: spreads low bits */
    h ^= h >> 32;
    uint32_t i = (uint32_t)h & (m->n_slot - 1);
    while (m->pair[i].rank && (m->pair[i].left != left || m->pair[i].right != right))
        i = (i + 1) & (m->n_slot - 1);
    return i;
}

static enum lem_status bad_merge(const struct gguf *g, uint64_t i, struct gguf_str s,
                                 const char *what, const struct lem_log *log)
{
    char show[VOCAB_SHOW_MAX];
    return log_fail(
        log, LEM_ERR_FORMAT,
        "%s: %s: element %llu \"%s\" %s. The file is damaged or was converted "
        "wrongly: convert it again.",
        g->path, KEY_MERGES, (unsigned long long)i, vocab_show(s.ptr, s.len, show), what);
}

/* "left right" -> a row of the table. `joined` has room for the longest token. Both
 * sides hold at least a byte, so a join is always longer than its parts: merges cannot
 * go in a circle. */
static enum lem_status read_one(struct merges *m, const struct vocab *vocab,
                                const struct gguf *g, uint64_t i, struct gguf_str s,
                                char *joined, const struct lem_log *log)
{
    const char *space = memchr(s.ptr, ' ', s.len);
    if (!space || space == s.ptr || space + 1 == s.ptr + s.len ||
        memchr(space + 1, ' ', s.len - (size_t)(space + 1 - s.ptr)))
        return bad_merge(g, i, s, "is not two texts with a space between", log);
    const size_t n_left = (size_t)(space - s.ptr);
    const size_t n_right = s.len - n_left - 1;
    const int32_t left = vocab_find(vocab, s.ptr, n_left);
    const int32_t right = vocab_find(vocab, space + 1, n_right);
    if (left < 0 || right < 0)
        return bad_merge(g, i, s, "joins a text that is no token", log);
    if (n_left + n_right > vocab->longest)
        return bad_merge(g, i, s, "gives a text that is no token", log);
    memcpy(joined, s.ptr, n_left);
    memcpy(joined + n_left, space + 1, n_right);
    const int32_t result = vocab_find(vocab, joined, n_left + n_right);
    if (result < 0)
        return bad_merge(g, i, s, "gives a text that is no token", log);

    struct merges_pair *p = &m->pair[find_slot(m, left, right)];
    if (p->rank == 0) /* a pair that is listed twice keeps its first rank */
        *p = (struct merges_pair){left, right, result, (uint32_t)i + 1};
    return LEM_OK;
}

enum lem_status merges_load(struct merges *m, const struct vocab *vocab,
                            const struct gguf *g, struct arena *arena,
                            const struct lem_log *log)
{
    const struct gguf_kv *kv = gguf_find_kv(g, KEY_MERGES);
    if (!kv || !kv->is_array || kv->type != GGUF_STRING)
        return gguf_complain(g, KEY_MERGES, kv ? GGUF_WRONG_TYPE : GGUF_MISSING,
                             "an array of strings");
    if (kv->count > INT32_MAX / 4)
        return log_fail(log, LEM_ERR_FORMAT, "%s: %s has %llu elements: too many",
                        g->path, KEY_MERGES, (unsigned long long)kv->count);
    for (m->n_slot = 16; m->n_slot < 2 * kv->count;)
        m->n_slot *= 2;
    m->pair = arena_alloc(arena, m->n_slot, sizeof *m->pair);
    char *joined = malloc((size_t)vocab->longest + 1);
    if (!m->pair || !joined) {
        free(joined);
        return log_fail(
            log, LEM_ERR_MEMORY,
            "%s: host memory ran out reading %llu merges. Close other programs.", g->path,
            (unsigned long long)kv->count);
    }
    enum lem_status st = LEM_OK;
    const uint8_t *at = kv->data;
    struct gguf_str s;
    for (uint64_t i = 0; st == LEM_OK && gguf_next_str(kv, &at, &s); i++)
        st = read_one(m, vocab, g, i, s, joined, log);
    free(joined);
    return st;
}

bool merges_find(const struct merges *m, int32_t left, int32_t right,
                 struct merge_pair *pair)
{
    if (left < 0 || right < 0)
        return false;
    const struct merges_pair *p = &m->pair[find_slot(m, left, right)];
    if (p->rank == 0)
        return false;
    pair->order = p->rank;
    pair->id = p->result;
    return true;
}
