/* pages.h - advice to the system about pages of memory. It changes how fast memory is
 * to use, never what is in it; a system that knows no such advice ignores it. */
#ifndef BASE_PAGES_H
#define BASE_PAGES_H

#include <stdint.h>

/* [at, at + size) is used as a whole and for long: give it the largest pages there are.
 * Call it before the memory is first touched. */
void pages_prefer_huge(void *at, uint64_t size);

#endif
