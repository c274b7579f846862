/* stats.c - what many tokens have in common. */
#include "stats.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_PIECES = 512, QUANTUM = 256 };

bool stats_open(struct stats *s, struct source *source)
{
    const struct lem_trace_facts *f = &source->facts;
    *s = (struct stats){.source = source,
                        .n_layer = f->n_layer_moe,
                        .n_expert = f->n_expert,
                        .n_used = f->n_expert_used,
                        .expert = -2,
                        .revision = source_revision(source)};
    const size_t cells = (size_t)f->n_layer_moe * f->n_expert + 1;
    const size_t square = (size_t)f->n_expert * f->n_expert + 1;
    const size_t pairs = (size_t)f->n_layer_moe * f->n_expert_used + 1;
    s->load = calloc(cells, sizeof *s->load);
    s->together = calloc(square, sizeof *s->together);
    s->onward = calloc(square, sizeof *s->onward);
    s->ids = calloc(pairs, sizeof *s->ids);
    s->weights = calloc(pairs, sizeof *s->weights);
    if (s->load && s->together && s->onward && s->ids && s->weights)
        return true;
    stats_close(s);
    return false;
}

void stats_close(struct stats *s)
{
    free(s->load);
    free(s->together);
    free(s->onward);
    free(s->ids);
    free(s->weights);
    *s = (struct stats){0};
}

/* Tokens were taken away or run anew. */
static void begin_again(struct stats *s)
{
    memset(s->load, 0, (size_t)s->n_layer * s->n_expert * sizeof *s->load);
    s->n_read = s->n_damaged = 0;
    s->expert = -2; /* no selection: the window is counted anew, too */
}

bool stats_read(struct stats *s, uint64_t n)
{
    const uint32_t revision = source_revision(s->source);
    const uint64_t all = source_n_token(s->source);
    if (revision != s->revision || s->n_read > all)
        begin_again(s);
    s->revision = revision;
    const uint64_t end = all - s->n_read < n ? all : s->n_read + n;
    const bool some = s->n_read < end;
    for (; s->n_read < end; s->n_read++) {
        if (!source_routing(s->source, s->n_read, s->ids, s->weights)) {
            s->n_damaged += s->n_layer > 0;
            continue;
        }
        for (uint32_t layer = 0; layer < s->n_layer; layer++) {
            const uint16_t *ids = s->ids + (size_t)layer * s->n_used;
            for (uint32_t k = 0; k < s->n_used && ids[k] != LEM_NO_EXPERT; k++)
                s->load[(size_t)layer * s->n_expert + ids[k]]++;
        }
    }
    return some;
}

uint64_t stats_n(const struct stats *s)
{
    return s->n_read - s->n_damaged;
}

/* ---- the window ------------------------------------------------------------------- */

struct tally {
    struct stats_top entry[MAX_PIECES]; /* hashed by its bytes */
};

static void tally_add(struct tally *t, const char *piece, uint32_t n)
{
    uint32_t h = 2166136261u;
    for (uint32_t i = 0; i < n; i++)
        h = (h ^ (uint8_t)piece[i]) * 16777619u;
    for (uint32_t i = 0; i < MAX_PIECES; i++) {
        struct stats_top *e = &t->entry[(h + i) % MAX_PIECES];
        if (e->count && (e->n_piece != n || memcmp(e->piece, piece, n) != 0))
            continue;
        memcpy(e->piece, piece, n);
        e->n_piece = n;
        e->count++;
        return;
    }
}

static void take_top(struct stats *s, struct tally *t)
{
    for (s->n_top = 0; s->n_top < STATS_TOP; s->n_top++) {
        struct stats_top *best = &t->entry[0];
        for (uint32_t i = 1; i < MAX_PIECES; i++)
            if (t->entry[i].count > best->count)
                best = &t->entry[i];
        if (best->count == 0)
            return;
        s->top[s->n_top] = *best;
        best->count = 0;
    }
}

static void count_token(struct stats *s, uint64_t i, struct tally *tally)
{
    if (!source_routing(s->source, i, s->ids, s->weights))
        return;
    const uint16_t *ids = s->ids + (size_t)s->layer * s->n_used;
    bool chosen = false;
    uint32_t n_chosen = 0; /* a policy may leave the last slots without an expert */
    while (n_chosen < s->n_used && ids[n_chosen] != LEM_NO_EXPERT)
        n_chosen++;
    s->n_window++;
    for (uint32_t a = 0; a < n_chosen; a++) {
        chosen |= ids[a] == s->expert;
        for (uint32_t b = 0; b < n_chosen; b++)
            s->together[(size_t)ids[a] * s->n_expert + ids[b]]++;
    }
    if (s->layer + 1 < s->n_layer && n_chosen > 0 && ids[s->n_used] != LEM_NO_EXPERT)
        s->onward[(size_t)ids[0] * s->n_expert + ids[s->n_used]]++;
    if (!chosen || !tally)
        return;
    char piece[sizeof s->top[0].piece];
    const size_t n = source_piece(s->source, i, piece, sizeof piece);
    s->expert_count++;
    if (n > 0 && n <= sizeof piece)
        tally_add(tally, piece, (uint32_t)n);
}

void stats_window(struct stats *s, uint64_t cursor, uint32_t layer, int expert)
{
    const uint64_t all = source_n_token(s->source);
    uint64_t from = 0, to = all;
    if (all > STATS_WINDOW) {
        /* In steps, so that scrubbing does not count anew with every token. */
        const uint64_t mid = cursor / QUANTUM * QUANTUM;
        from = mid > STATS_WINDOW / 2 ? mid - STATS_WINDOW / 2 : 0;
        to = from + STATS_WINDOW < all ? from + STATS_WINDOW : all;
    }
    if (from == s->from && to == s->to && layer == s->layer && expert == s->expert)
        return;
    s->from = from;
    s->to = to;
    s->layer = layer;
    s->expert = expert;
    s->n_window = s->n_top = s->expert_count = 0;
    if (s->n_layer == 0)
        return;
    const size_t square = (size_t)s->n_expert * s->n_expert;
    memset(s->together, 0, square * sizeof *s->together);
    memset(s->onward, 0, square * sizeof *s->onward);
    struct tally *tally = calloc(1, sizeof *tally);
    for (uint64_t i = from; i < to; i++)
        count_token(s, i, tally);
    if (tally)
        take_top(s, tally);
    free(tally);
}

/* ---- figures ------------------------------------------------------------------------
 */

double stats_entropy(const struct stats *s, uint32_t layer)
{
    const uint64_t *load = s->load + (size_t)layer * s->n_expert;
    double all = 0, h = 0;
    for (uint32_t e = 0; e < s->n_expert; e++)
        all += (double)load[e];
    for (uint32_t e = 0; e < s->n_expert && all > 0; e++) {
        const double p = (double)load[e] / all;
        h -= p > 0 ? p * log2(p) : 0;
    }
    return h;
}

double stats_imbalance(const struct stats *s, uint32_t layer)
{
    const uint64_t *load = s->load + (size_t)layer * s->n_expert;
    double all = 0, most = 0;
    for (uint32_t e = 0; e < s->n_expert; e++) {
        all += (double)load[e];
        most = (double)load[e] > most ? (double)load[e] : most;
    }
    return all > 0 ? most * s->n_expert / all : 0;
}

uint32_t stats_unused(const struct stats *s, uint32_t layer)
{
    uint32_t n = 0;
    for (uint32_t e = 0; e < s->n_expert; e++)
        n += s->load[(size_t)layer * s->n_expert + e] == 0;
    return n;
}

uint32_t stats_rank(const struct stats *s, uint32_t layer, uint32_t expert)
{
    const uint64_t *load = s->load + (size_t)layer * s->n_expert;
    uint32_t n = 0;
    for (uint32_t e = 0; e < s->n_expert; e++)
        n += load[e] > load[expert];
    return n;
}

float stats_gate_entropy(const float *weights, uint32_t n)
{
    float sum = 0, h = 0;
    for (uint32_t i = 0; i < n; i++)
        sum += weights[i] > 0 ? weights[i] : 0;
    for (uint32_t i = 0; i < n && sum > 0; i++) {
        const float p = weights[i] / sum;
        h -= p > 0 ? p * logf(p) : 0;
    }
    return n > 1 ? h / logf((float)n) : 0;
}
