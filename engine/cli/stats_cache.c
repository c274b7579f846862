/* stats_cache.c - how often an LRU cache of N experts per layer would have held the
 * expert asked for, for every N at once: an access hits all caches larger than the
 * number of other experts used since (R. L. Mattson et al., IBM Systems Journal 9
 * (1970), 78-117, on stack algorithms). */
#include <stdlib.h>

#include "cli/stats.h"

/* Move `e` to the front of the `n` in `stack`; where it was, n when it was not. */
static uint32_t touch(uint16_t *stack, uint32_t n, uint16_t e)
{
    uint32_t at = 0;
    while (at < n && stack[at] != e)
        at++;
    for (uint32_t i = at < n ? at : n; i > 0; i--)
        stack[i] = stack[i - 1];
    stack[0] = e;
    return at;
}

static void count_layer(struct stats *s, uint32_t il, uint16_t *stack)
{
    uint64_t *hit = s->hit + (size_t)il * (s->n_expert + 1);
    uint32_t n = 0; /* experts seen so far */
    for (uint64_t t = 0; t < s->n_token; t++) {
        const uint16_t *ids = s->ids + (t * s->n_layer + il) * s->n_used;
        for (uint32_t k = 0; k < s->n_used && ids[k] != LEM_NO_EXPERT; k++) {
            const uint32_t at = touch(stack, n, ids[k]);
            if (at < n)
                hit[at + 1]++; /* the smallest cache that holds it */
            else
                n++;
        }
    }
    for (uint32_t i = 1; i <= s->n_expert; i++)
        hit[i] += hit[i - 1];
}

bool stats_count_cache(struct stats *s)
{
    uint16_t *stack = calloc((size_t)s->n_expert + 1, sizeof *stack);
    if (!stack) {
        app_error("memory ran out for a list of %u experts.", s->n_expert);
        return false;
    }
    for (uint32_t il = 0; il < s->n_layer; il++)
        count_layer(s, il, stack);
    free(stack);
    return true;
}

double stats_hit_rate(const struct stats *s, uint32_t il, uint32_t n)
{
    return (double)s->hit[(size_t)il * (s->n_expert + 1) + n] /
           (double)s->layer[il].n_slot;
}
