/* arena.h - many allocations, one free. */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stddef.h>

struct arena_block;
struct arena {
    struct arena_block *head; /* newest block first */
};

/* Zeroed memory, aligned for any type; NULL when memory ran out or the product
 * overflows. {0} is an empty arena. */
void *arena_alloc(struct arena *a, size_t n, size_t size);

/* Copy of `len` bytes with a terminator added; NULL when memory ran out. */
char *arena_str(struct arena *a, const char *ptr, size_t len);

/* printf into the arena; NULL when memory ran out. */
__attribute__((format(printf, 2, 3))) char *arena_printf(struct arena *a, const char *fmt,
                                                         ...);

/* Free everything; the arena is empty again. */
void arena_free(struct arena *a);

#endif
