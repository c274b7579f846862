/* test_lint.c - clang-tidy and cppcheck find nothing in engine/, and in viewer/ where it
 * is built. What they look for, and why not more, is said in .clang-tidy and in
 * tests/house/cppcheck.txt. */
#include "house.h"

#include <stdlib.h>

/* A tool's findings may be longer than a failure message can be. */
static void finish(int rc, char *text)
{
    if (rc != 0)
        house_complain("%s", text);
    free(text);
    house_finish();
}

static void clang_tidy_is_silent(void **state)
{
    (void)state;
    char *text;
    house_need(HOUSE_CLANG_TIDY, "clang-tidy");
    /* two at a time: a run is one file, and the files are many */
    const int rc = house_run(&text,
                             "cd %s && find " HOUSE_LINTED " -name '*.c' | sort | "
                             "xargs -P 2 -n 3 %s --quiet --warnings-as-errors='*' -p %s "
                             "2>%s/clang-tidy.err",
                             HOUSE_SOURCE, HOUSE_CLANG_TIDY, HOUSE_BUILD, HOUSE_BUILD);
    finish(rc, text);
}

static void cppcheck_is_silent(void **state)
{
    (void)state;
    char *text;
    house_need(HOUSE_CPPCHECK, "cppcheck");
    const int rc =
        house_run(&text,
                  "mkdir -p %s/cppcheck && %s --quiet -j 2 --std=c11 "
                  "--enable=warning,performance,portability --error-exitcode=1 "
                  "--suppressions-list=%s/tests/house/cppcheck.txt "
                  "--cppcheck-build-dir=%s/cppcheck -D_GNU_SOURCE -I%s/engine "
                  "-I%s/engine/include -I%s/shaders -I%s/viewer %s/engine %s/viewer",
                  HOUSE_BUILD, HOUSE_CPPCHECK, HOUSE_SOURCE, HOUSE_BUILD, HOUSE_SOURCE,
                  HOUSE_SOURCE, HOUSE_SOURCE, HOUSE_SOURCE, HOUSE_SOURCE, HOUSE_SOURCE);
    finish(rc, text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clang_tidy_is_silent),
        cmocka_unit_test(cppcheck_is_silent),
    };
    return cmocka_run_group_tests_name("lint", tests, NULL, NULL);
}
