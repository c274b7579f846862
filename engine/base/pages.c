/* pages.c - advice to the system about pages of memory. */
#include "base/pages.h"

#if defined(__linux__)
#include <sys/mman.h>
#include <unistd.h>

void pages_prefer_huge(void *at, uint64_t size)
{
    const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    const uint64_t start = (uint64_t)(uintptr_t)at;
    const uint64_t from = (start + page - 1) / page * page;
    const uint64_t to = (start + size) / page * page;
    if (to > from) /* memory of a driver may be of a kind that has no such pages */
        (void)madvise((void *)(uintptr_t)from, (size_t)(to - from), MADV_HUGEPAGE);
}

#else

void pages_prefer_huge(void *at, uint64_t size)
{
    (void)at;
    (void)size;
}

#endif
