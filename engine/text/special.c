/* special.c - tokens that are found in the text as it stands, before any algorithm. */
#include "text/special.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"

static bool is_special(const struct vocab_token *t)
{
    return t->n_piece > 0 && (t->type == TOKEN_CONTROL || t->type == TOKEN_UNKNOWN ||
                              t->type == TOKEN_USER_DEFINED);
}

struct entry {
    const char *text;
    uint32_t len, id;
};

/* By bytes, a prefix before what it begins; equal texts (spelled differently in the
 * vocabulary) by id. */
static int compare(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    const uint32_t len = x->len < y->len ? x->len : y->len;
    const int d = memcmp(x->text, y->text, len);
    if (d)
        return d;
    if (x->len != y->len)
        return x->len < y->len ? -1 : 1;
    return x->id < y->id ? -1 : 1;
}

enum lem_status special_open(struct special *s, const struct vocab *vocab,
                             const struct gguf *g, struct arena *arena,
                             const struct lem_log *log)
{
    *s = (struct special){.vocab = vocab};
    for (uint32_t id = 0; id < vocab->n; id++)
        s->n += is_special(&vocab->token[id]);
    struct entry *sorted = calloc((size_t)s->n + 1, sizeof *sorted);
    s->id = arena_alloc(arena, s->n, sizeof *s->id);
    if (!sorted || !s->id) {
        free(sorted);
        return log_fail(log, LEM_ERR_MEMORY,
                        "%s: host memory ran out sorting %u special tokens. Close other "
                        "programs.",
                        g->path, s->n);
    }
    uint32_t n = 0;
    for (uint32_t id = 0; id < vocab->n; id++) {
        const struct vocab_token *t = &vocab->token[id];
        if (is_special(t))
            sorted[n++] = (struct entry){t->piece, t->n_piece, id};
    }
    qsort(sorted, s->n, sizeof *sorted, compare);
    for (uint32_t i = 0; i < s->n; i++) {
        s->id[i] = sorted[i].id;
        s->first[(uint8_t)sorted[i].text[0] + 1] = i + 1;
    }
    for (int b = 1; b <= 256; b++)
        if (s->first[b] < s->first[b - 1])
            s->first[b] = s->first[b - 1];
    free(sorted);
    return LEM_OK;
}

/* Smallest i in lo..hi whose text has a byte at `depth` that is >= `byte`. All of them
 * are longer than `depth` and agree before it. */
static uint32_t lower_bound(const struct special *s, uint32_t lo, uint32_t hi,
                            uint32_t depth, int byte)
{
    while (lo < hi) {
        const uint32_t mid = lo + (hi - lo) / 2;
        if ((uint8_t)s->vocab->token[s->id[mid]].piece[depth] < byte)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

/* The longest special token at the start of `text`. */
static bool longest_at(const struct special *s, const char *text, size_t n, bool control,
                       const bool *blocked, struct special_match *out)
{
    uint32_t lo = s->first[(uint8_t)text[0]], hi = s->first[(uint8_t)text[0] + 1];
    bool found = false;
    /* lo..hi: the texts that begin with the first `depth` bytes of `text` */
    for (uint32_t depth = 1; lo < hi; depth++) {
        while (lo < hi && s->vocab->token[s->id[lo]].n_piece == depth) {
            const struct vocab_token *t = &s->vocab->token[s->id[lo]];
            if ((t->type == TOKEN_USER_DEFINED || control) &&
                !(blocked && blocked[s->id[lo]]) && (!found || out->len < depth)) {
                out->len = depth;
                out->id = (int32_t)s->id[lo];
                found = true;
            }
            lo++;
        }
        if (depth >= n)
            break;
        const uint8_t byte = (uint8_t)text[depth];
        lo = lower_bound(s, lo, hi, depth, byte);
        hi = lower_bound(s, lo, hi, depth, byte + 1);
    }
    return found;
}

bool special_find(const struct special *s, const char *text, size_t n, size_t from,
                  bool control, const bool *blocked, struct special_match *out)
{
    for (size_t at = from; s->n > 0 && at < n; at++) {
        if (longest_at(s, text + at, n - at, control, blocked, out)) {
            out->at = at;
            return true;
        }
    }
    return false;
}
