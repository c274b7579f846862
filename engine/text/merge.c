/* merge.c - joins the best adjacent pair of a chain until no pair can be joined. */
#include "text/merge.h"

#include <stdlib.h>

void merge_start(struct merge_chain *c, const char *text)
{
    c->text = text;
    c->n = 0;
    c->n_heap = 0;
}

void merge_free(struct merge_chain *c)
{
    free(c->symbol);
    free(c->heap);
    *c = (struct merge_chain){0};
}

/* Room for `want` elements of `size` bytes in *array. */
static bool grow(void **array, size_t *cap, size_t want, size_t size)
{
    if (want <= *cap)
        return true;
    size_t next = *cap ? *cap : 64;
    while (next < want) {
        if (next > SIZE_MAX / 2 / size)
            return false;
        next *= 2;
    }
    void *bigger = realloc(*array, next * size);
    if (!bigger)
        return false;
    *array = bigger;
    *cap = next;
    return true;
}

bool merge_add(struct merge_chain *c, uint32_t at, uint32_t len, int32_t id)
{
    void *array = c->symbol;
    if (c->n >= INT32_MAX || !grow(&array, &c->cap, c->n + 1, sizeof *c->symbol))
        return false;
    c->symbol = array;
    const int32_t i = (int32_t)c->n++;
    c->symbol[i] = (struct merge_symbol){at, len, i - 1, MERGE_NONE, id};
    if (i > 0)
        c->symbol[i - 1].next = i;
    return true;
}

static bool before(const struct merge_pair *a, const struct merge_pair *b)
{
    return a->order < b->order || (a->order == b->order && a->left < b->left);
}

static void push(struct merge_chain *c, struct merge_pair pair)
{
    size_t i = c->n_heap++;
    while (i > 0 && before(&pair, &c->heap[(i - 1) / 2])) {
        c->heap[i] = c->heap[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    c->heap[i] = pair;
}

static struct merge_pair pop(struct merge_chain *c)
{
    const struct merge_pair top = c->heap[0];
    const struct merge_pair last = c->heap[--c->n_heap];
    size_t i = 0;
    for (;;) {
        size_t child = 2 * i + 1;
        if (child >= c->n_heap)
            break;
        if (child + 1 < c->n_heap && before(&c->heap[child + 1], &c->heap[child]))
            child++;
        if (!before(&c->heap[child], &last))
            break;
        c->heap[i] = c->heap[child];
        i = child;
    }
    c->heap[i] = last;
    return top;
}

static void consider(struct merge_chain *c, merge_rule *rule, const void *rules,
                     int32_t left, int32_t right)
{
    if (left == MERGE_NONE || right == MERGE_NONE)
        return;
    const struct merge_symbol *l = &c->symbol[left], *r = &c->symbol[right];
    struct merge_pair pair = {.left = left, .right = right, .len = l->len + r->len};
    if (rule(rules, c->text, l, r, &pair))
        push(c, pair);
}

bool merge_run(struct merge_chain *c, merge_rule *rule, const void *rules)
{
    /* n - 1 pairs at first, and each of at most n - 1 joins adds two at most. */
    void *array = c->heap;
    if (c->n > SIZE_MAX / 3 || !grow(&array, &c->cap_heap, 3 * c->n, sizeof *c->heap))
        return false;
    c->heap = array;
    for (size_t i = 1; i < c->n; i++)
        consider(c, rule, rules, (int32_t)i - 1, (int32_t)i);

    while (c->n_heap > 0) {
        const struct merge_pair p = pop(c);
        struct merge_symbol *l = &c->symbol[p.left], *r = &c->symbol[p.right];
        /* Symbols only grow to the right or vanish, so an unchanged length means
         * that both are still the ones the pair was made of. */
        if (l->len == 0 || r->len == 0 || l->len + r->len != p.len)
            continue;
        l->len = p.len;
        l->id = p.id;
        l->next = r->next;
        r->len = 0;
        if (l->next != MERGE_NONE)
            c->symbol[l->next].prev = p.left;
        consider(c, rule, rules, l->prev, p.left);
        consider(c, rule, rules, p.left, l->next);
    }
    return true;
}
