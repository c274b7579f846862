/* test_pages.c - advice on pages reaches the system and leaves the bytes as they are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "base/pages.h"

enum { SIZE = 16 << 20 };

/* Does the system mark the mapping that has `at` as wanting huge pages? */
static bool is_marked(const uint8_t *at)
{
    FILE *f = fopen("/proc/self/smaps", "r");
    char line[512];
    bool inside = false, marked = false;
    assert_non_null(f);
    while (fgets(line, sizeof line, f)) {
        unsigned long long from, to;
        if (sscanf(line, "%llx-%llx ", &from, &to) == 2)
            inside = (uintptr_t)at >= from && (uintptr_t)at < to;
        else if (inside && strncmp(line, "VmFlags:", 8) == 0)
            marked = strstr(line, " hg") != NULL;
    }
    fclose(f);
    return marked;
}

static void huge_pages_are_asked_for(void **state)
{
    (void)state;
    FILE *f = fopen("/sys/kernel/mm/transparent_hugepage/enabled", "r");
    if (!f)
        skip(); /* this system has none */
    fclose(f);
    uint8_t *at =
        mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(at != MAP_FAILED);
    assert_false(is_marked(at + SIZE / 2));
    pages_prefer_huge(at + 100, SIZE - 200); /* whole pages inside of it */
    assert_true(is_marked(at + SIZE / 2));
    assert_false(is_marked(at));
    munmap(at, SIZE);
}

static void bytes_stay(void **state)
{
    (void)state;
    uint8_t *at = malloc(SIZE);
    assert_non_null(at);
    for (size_t i = 0; i < SIZE; i++)
        at[i] = (uint8_t)(i * 7 >> 3);
    pages_prefer_huge(at, SIZE);
    pages_prefer_huge(at + 1, 1); /* no page is whole in these */
    pages_prefer_huge(at + 4095, 4096);
    pages_prefer_huge(at, 0);
    for (size_t i = 0; i < SIZE; i++)
        if (at[i] != (uint8_t)(i * 7 >> 3))
            fail_msg("byte %zu has changed", i);
    free(at);
}

/* Memory of a kind that has no such pages: nothing happens. */
static void what_is_not_memory_is_left_alone(void **state)
{
    (void)state;
    uint8_t *at = mmap(NULL, SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(at != MAP_FAILED);
    munmap(at, SIZE);
    pages_prefer_huge(at, SIZE);
    assert_true(msync(at, SIZE, MS_ASYNC) != 0); /* still not there */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(huge_pages_are_asked_for),
        cmocka_unit_test(bytes_stay),
        cmocka_unit_test(what_is_not_memory_is_left_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
