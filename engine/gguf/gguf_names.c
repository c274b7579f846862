/* gguf_names.c - sorting names, finding them, and saying when one stands there twice. */
#include "gguf/gguf_parse.h"

#include <stdlib.h>
#include <string.h>

bool gguf_plain_name(const struct gguf_str *s, uint64_t max)
{
    if (s->len == 0 || s->len > max)
        return false;
    for (uint64_t i = 0; i < s->len; i++) {
        const unsigned char c = (unsigned char)s->ptr[i];
        if (c < 0x20 || c == 0x7f)
            return false;
    }
    return true;
}

static int by_name(const void *a, const void *b)
{
    const struct gguf_name *x = a, *y = b;
    const int order = strcmp(x->name, y->name);
    /* Equal names in the order of the file: the message names the second one. */
    return order ? order : (x->index > y->index) - (x->index < y->index);
}

bool gguf_sort_names(struct gguf_name *names, uint64_t n, uint32_t *order,
                     uint64_t *twice)
{
    if (n)
        qsort(names, (size_t)n, sizeof *names, by_name);
    for (uint64_t i = 0; i < n; i++) {
        order[i] = names[i].index;
        if (i && strcmp(names[i - 1].name, names[i].name) == 0) {
            *twice = i - 1;
            return false;
        }
    }
    return true;
}

bool gguf_bisect(const void *base, size_t stride, const uint32_t *order, uint64_t n,
                 const char *name, uint32_t *index)
{
    uint64_t low = 0, high = n;
    while (low < high) {
        const uint64_t mid = low + (high - low) / 2;
        const char *const *other =
            (const void *)((const char *)base + order[mid] * stride);
        const int c = strcmp(name, *other);
        if (c == 0) {
            *index = order[mid];
            return true;
        }
        if (c < 0)
            high = mid;
        else
            low = mid + 1;
    }
    return false;
}
