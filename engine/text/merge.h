/* merge.h - the loop that both algorithms share: a chain of symbols in which the
 * best adjacent pair is joined until no pair can be.
 *
 * A heap holds the candidate pairs, so n symbols take O(n log n). Pairs whose
 * symbols have changed since are recognised by their length and dropped. */
#ifndef TEXT_MERGE_H
#define TEXT_MERGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MERGE_NONE = -1 };

struct merge_symbol {
    uint32_t at, len;   /* bytes of the text; len 0 = joined to its left */
    int32_t prev, next; /* symbols beside it, MERGE_NONE at the ends */
    int32_t id;         /* its token, -1 = none */
};

struct merge_pair {
    uint32_t order; /* smallest first; equal: leftmost first */
    int32_t left, right;
    uint32_t len; /* bytes of both, to see whether they are what they were */
    int32_t id;   /* the token they become */
};

/* Reused from text to text; {0} is empty. */
struct merge_chain {
    const char *text;
    struct merge_symbol *symbol;
    struct merge_pair *heap;
    size_t n, cap;
    size_t n_heap, cap_heap;
};

/* May the two symbols become one? Then fills `order` and `id` of the pair. */
typedef bool merge_rule(const void *rules, const char *text, const struct merge_symbol *l,
                        const struct merge_symbol *r, struct merge_pair *pair);

/* Start over with this text; symbols point into it by offset. */
void merge_start(struct merge_chain *c, const char *text);
/* Put a symbol of len > 0 at the end, right after the one before it. False when memory
 * ran out. */
bool merge_add(struct merge_chain *c, uint32_t at, uint32_t len, int32_t id);
/* Join until no rule applies; the result is the chain from symbol 0 along `next`.
 * False when memory ran out. */
bool merge_run(struct merge_chain *c, merge_rule *rule, const void *rules);
/* Leaves {0}. */
void merge_free(struct merge_chain *c);

#endif
