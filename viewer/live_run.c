/* live_run.c - the tokens of a text, and under which policies they were run. */
#include <stdlib.h>
#include <string.h>

#include "live.h"

/* Room for one more token. */
static bool grow(struct run *r)
{
    if (r->n < r->cap)
        return true;
    const uint64_t cap = r->cap ? r->cap * 2 : 256;
    void *done = realloc(r->done, cap * sizeof *r->done);
    if (done)
        r->done = done;
    void *ids = realloc(r->ids, (cap * r->pairs + 1) * sizeof *r->ids);
    if (ids)
        r->ids = ids;
    void *weights = realloc(r->weights, (cap * r->pairs + 1) * sizeof *r->weights);
    if (weights)
        r->weights = weights;
    if (!done || !ids || !weights)
        return false;
    r->cap = cap;
    return true;
}

bool run_add(struct run *r, const struct written *w, const uint16_t *ids,
             const float *weights)
{
    if (!grow(r))
        return false;
    r->done[r->n] = *w;
    if (r->pairs) {
        memcpy(r->ids + r->n * r->pairs, ids, r->pairs * sizeof *ids);
        memcpy(r->weights + r->n * r->pairs, weights, r->pairs * sizeof *weights);
    }
    r->n++;
    if (w->token.prompt)
        r->n_prompt = (uint32_t)r->n;
    return true;
}

bool run_set_margins(const struct run *r, struct written *w, const float *margins,
                     const uint16_t *next)
{
    if (!w->margins)
        w->margins = malloc((r->n_layer + 1) * (sizeof *margins + sizeof *next));
    if (!w->margins)
        return false;
    memcpy(w->margins, margins, r->n_layer * sizeof *margins);
    memcpy(w->margins + r->n_layer, next, r->n_layer * sizeof *next);
    return true;
}

void run_cut(struct run *r, uint64_t n)
{
    while (r->n > n) {
        free(r->done[--r->n].piece);
        free(r->done[r->n].margins);
    }
    if (r->n_prompt > n)
        r->n_prompt = (uint32_t)n;
}

void run_free(struct run *r)
{
    run_cut(r, 0);
    for (uint32_t i = 0; i < r->n_span; i++)
        free(r->span[i].entries);
    free(r->done);
    free(r->ids);
    free(r->weights);
    free(r->span);
    *r = (struct run){.pairs = r->pairs, .n_layer = r->n_layer};
}

/* ---- policies --------------------------------------------------------------------- */

static bool same_entry(const struct lem_policy_entry *a, const struct lem_policy_entry *b)
{
    return a->kind == b->kind && a->layer == b->layer && a->expert == b->expert &&
           a->bias == b->bias && a->limit == b->limit;
}

static bool same_policy(const struct span *a, const struct span *b)
{
    const uint32_t n = a ? a->n_entry : 0;
    if (n != (b ? b->n_entry : 0))
        return false;
    for (uint32_t i = 0; i < n; i++)
        if (!same_entry(&a->entries[i], &b->entries[i]))
            return false;
    return true;
}

const struct span *run_span(const struct run *r, uint64_t at)
{
    uint32_t i = r->n_span;
    while (i > 0 && r->span[i - 1].from > at)
        i--;
    return i ? &r->span[i - 1] : NULL;
}

bool run_mark(struct run *r, uint64_t at, const struct lem_policy_entry *entries,
              uint32_t n_entry)
{
    struct span next = {.from = at, .n_entry = n_entry};
    void *more = realloc(r->span, (r->n_span + 1) * sizeof *r->span);
    if (more)
        r->span = more;
    next.entries = malloc((n_entry + 1) * sizeof *entries);
    if (!more || !next.entries) {
        free(next.entries);
        return false;
    }
    if (n_entry)
        memcpy(next.entries, entries, n_entry * sizeof *entries);
    while (r->n_span && r->span[r->n_span - 1].from >= at)
        free(r->span[--r->n_span].entries);
    if (same_policy(r->n_span ? &r->span[r->n_span - 1] : NULL, &next))
        free(next.entries); /* it goes on */
    else
        r->span[r->n_span++] = next;
    return true;
}

uint64_t run_parting(const struct run *a, const struct run *b, uint64_t n)
{
    uint64_t at = 0;
    while (at < n && same_policy(run_span(a, at), run_span(b, at))) {
        /* to where either changes next */
        uint64_t next = n;
        for (uint32_t i = 0; i < a->n_span; i++)
            if (a->span[i].from > at && a->span[i].from < next)
                next = a->span[i].from;
        for (uint32_t i = 0; i < b->n_span; i++)
            if (b->span[i].from > at && b->span[i].from < next)
                next = b->span[i].from;
        at = next;
    }
    return at;
}

bool run_copy(struct run *to, const struct run *from)
{
    *to = (struct run){.pairs = from->pairs, .n_layer = from->n_layer};
    bool ok = true;
    for (uint64_t i = 0; i < from->n && ok; i++) {
        struct written w = from->done[i];
        const float *margins = w.margins;
        w.piece = malloc(w.n_piece + 1u);
        w.margins = NULL;
        ok = w.piece != NULL &&
             (!margins ||
              run_set_margins(to, &w, margins, (const void *)(margins + from->n_layer)));
        if (ok)
            memcpy(w.piece, from->done[i].piece, w.n_piece);
        ok = ok && run_add(to, &w, from->ids + i * from->pairs,
                           from->weights + i * from->pairs);
        if (!ok) {
            free(w.piece);
            free(w.margins);
        }
    }
    for (uint32_t i = 0; i < from->n_span && ok; i++)
        ok = run_mark(to, from->span[i].from, from->span[i].entries,
                      from->span[i].n_entry);
    if (!ok)
        run_free(to);
    return ok;
}
