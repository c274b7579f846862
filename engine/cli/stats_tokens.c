/* stats_tokens.c - the tokens each expert takes most. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/stats.h"

/* An expert and a token it took, as one number to sort by. */
static uint64_t key_of(uint16_t expert, int32_t token)
{
    return (uint64_t)expert << 32 | (uint32_t)token;
}

static int by_value(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* More often first; of the same number the smaller id, which comes first anyway. */
static void insert(struct stats_token *top, struct stats_token t)
{
    int at = STATS_TOP;
    while (at > 0 && t.n > top[at - 1].n)
        at--;
    if (at == STATS_TOP)
        return;
    memmove(top + at + 1, top + at, (size_t)(STATS_TOP - 1 - at) * sizeof *top);
    top[at] = t;
}

static void count_layer(struct stats *s, uint32_t il, uint64_t *key, const uint64_t *all)
{
    size_t n = 0;
    for (uint64_t t = 0; t < s->n_token; t++) {
        const uint16_t *ids = s->ids + (t * s->n_layer + il) * s->n_used;
        for (uint32_t k = 0; k < s->n_used && ids[k] != LEM_NO_EXPERT; k++)
            key[n++] = key_of(ids[k], s->token[t]);
    }
    qsort(key, n, sizeof *key, by_value);
    for (size_t i = 0, end; i < n; i = end) {
        for (end = i + 1; end < n && key[end] == key[i]; end++)
            ;
        const uint32_t expert = (uint32_t)(key[i] >> 32);
        const int32_t id = (int32_t)(uint32_t)key[i];
        insert(s->top + ((size_t)il * s->n_expert + expert) * STATS_TOP,
               (struct stats_token){.id = id, .n = end - i, .all = all[id]});
    }
}

bool stats_count_tokens(struct stats *s)
{
    uint64_t *key = malloc(s->n_token * s->n_used * sizeof *key);
    uint64_t *all = calloc(s->app->info.n_vocab, sizeof *all);
    const bool ok = key && all;
    if (!ok)
        app_error("memory ran out for counting %llu tokens.",
                  (unsigned long long)s->n_token);
    for (uint64_t t = 0; t < s->n_token && ok; t++)
        all[s->token[t]]++;
    for (size_t i = 0; i < (size_t)s->n_layer * s->n_expert * STATS_TOP && ok; i++)
        s->top[i].id = -1;
    for (uint32_t il = 0; il < s->n_layer && ok; il++)
        count_layer(s, il, key, all);
    free(key);
    free(all);
    return ok;
}

void stats_piece(const struct stats *s, int32_t id, char *out, size_t cap)
{
    char piece[64];
    size_t n = lem_tokenizer_piece(s->app->tokenizer, id, true, piece, sizeof piece);
    n = n <= sizeof piece ? n : 0;
    size_t at = 0;
    out[0] = '\0';
    for (size_t i = 0; i < n && at + 8 < cap;) {
        const size_t len = text_utf8_length(piece + i, n - i);
        const unsigned char b = (unsigned char)piece[i];
        if (len == 0 || b < 0x20 || b == 0x7f)
            at += (size_t)snprintf(out + at, cap - at, "\\x%02x", b);
        else
            at += (size_t)snprintf(out + at, cap - at, "%.*s", (int)len, piece + i);
        i += len ? len : 1;
    }
}
