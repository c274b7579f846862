/* test_headers.c - every header can be included alone: the public ones as C and C++ by
 * every compiler found, those inside the engine as C. */
#include "house.h"

#include <stdlib.h>

struct compiler {
    const char *tool, *language;
};

static const struct compiler outside[] = {
    {HOUSE_GCC, "-x c -std=c17 -Wstrict-prototypes"},
    {HOUSE_GXX, "-x c++ -std=c++17"},
    {HOUSE_CLANG, "-x c -std=c17 -Wstrict-prototypes"},
    {HOUSE_CLANGXX, "-x c++ -std=c++17"},
    {NULL, NULL},
};

static const struct compiler inside[] = {
    {HOUSE_CC, "-x c -std=c17 -D_GNU_SOURCE -DLEM_BUILD"},
    {NULL, NULL},
};

static bool is_there(const char *tool)
{
    return tool[0] && !strstr(tool, "NOTFOUND");
}

static void compile(const char *path, void *priv)
{
    for (const struct compiler *c = priv; c->tool; c++) {
        char *text;
        if (!is_there(c->tool))
            continue;
        /* from standard input, because a header as main file warns of #pragma once */
        const int rc = house_run(
            &text,
            "printf '#include \"%%s\"\\n' '%s' | %s %s -Wall -Wextra "
            "-Wpedantic -Wshadow -Werror -fsyntax-only -I%s/engine/include -I%s/engine "
            "-I%s/shaders -",
            path, c->tool, c->language, HOUSE_SOURCE, HOUSE_SOURCE, HOUSE_SOURCE);
        if (rc != 0)
            house_complain("%s, alone, with %s %s:\n%s", path, c->tool, c->language,
                           text);
        free(text);
    }
}

static const char *const headers[] = {".h", NULL};

static void public_headers_stand_alone(void **state)
{
    (void)state;
    unsigned n_compiler = 0;
    for (const struct compiler *c = outside; c->tool; c++)
        n_compiler += is_there(c->tool);
    if (n_compiler == 0)
        house_need("", "gcc or clang");
    const unsigned n = house_walk(HOUSE_SOURCE "/engine/include/lemnos", headers, compile,
                                  (void *)(uintptr_t)outside);
    assert_true(n >= 5);
    print_message("%u headers, %u compilers\n", n, n_compiler);
    house_finish();
}

static void inner_headers_stand_alone(void **state)
{
    (void)state;
    static const char *const folders[] = {
        "arch", "base", "cache", "cli", "gguf", "gpu",    "layer", "model",
        "ops",  "plan", "quant", "ref", "run",  "sample", "text",  "trace"};
    unsigned n = 0;
    for (unsigned i = 0; i < sizeof folders / sizeof *folders; i++) {
        char dir[HOUSE_PATH];
        house_path(dir, HOUSE_SOURCE "/engine/%s", folders[i]);
        n += house_walk(dir, headers, compile, (void *)(uintptr_t)inside);
    }
    assert_true(n >= 15);
    house_finish();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(public_headers_stand_alone),
        cmocka_unit_test(inner_headers_stand_alone),
    };
    return cmocka_run_group_tests_name("headers", tests, NULL, NULL);
}
