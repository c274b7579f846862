/* arena.c - many allocations, one free. */
#include "base/arena.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_MIN = 64 * 1024 };

struct arena_block {
    struct arena_block *next;
    size_t used, size; /* bytes of `data` */
    max_align_t data[];
};

static struct arena_block *add_block(struct arena *a, size_t need)
{
    const size_t size = need > BLOCK_MIN ? need : BLOCK_MIN;
    if (size > SIZE_MAX - sizeof(struct arena_block))
        return NULL;
    struct arena_block *b = calloc(1, sizeof *b + size);
    if (!b)
        return NULL;
    b->size = size;
    b->next = a->head;
    a->head = b;
    return b;
}

void *arena_alloc(struct arena *a, size_t n, size_t size)
{
    const size_t align = sizeof(max_align_t);
    if (size && n > (SIZE_MAX - align) / size)
        return NULL;
    size_t need = (n * size + align - 1) / align * align;
    if (need == 0)
        need = align;
    struct arena_block *b = a->head;
    if (!b || b->size - b->used < need)
        b = add_block(a, need);
    if (!b)
        return NULL;
    void *p = (char *)b->data + b->used;
    b->used += need;
    return p;
}

char *arena_str(struct arena *a, const char *ptr, size_t len)
{
    if (len == SIZE_MAX)
        return NULL;
    char *s = arena_alloc(a, len + 1, 1);
    if (s && len)
        memcpy(s, ptr, len);
    return s;
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    const int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (n < 0)
        return NULL;
    char *s = arena_alloc(a, (size_t)n + 1, 1);
    if (!s)
        return NULL;
    va_start(ap, fmt);
    vsnprintf(s, (size_t)n + 1, fmt, ap);
    va_end(ap);
    return s;
}

void arena_free(struct arena *a)
{
    while (a->head) {
        struct arena_block *next = a->head->next;
        free(a->head);
        a->head = next;
    }
}
