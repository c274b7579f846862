/* test_format.c - the layout of every file: .clang-format for C, .editorconfig for all.
 */
#include "house.h"

#include <stdlib.h>

/* The one number of .editorconfig that the test reads; its other rules are fixed here:
 * no blanks before a line's end, a newline at the end of the file, spaces for tabs. */
static unsigned max_line(void)
{
    char *text = house_read(HOUSE_SOURCE "/.editorconfig", NULL);
    const char *at = strstr(text, "max_line_length = ");
    assert_non_null(at);
    const unsigned n = (unsigned)strtoul(at + strlen("max_line_length = "), NULL, 10);
    free(text);
    assert_in_range(n, 60, 200);
    return n;
}

static bool ends(const char *path, const char *ending)
{
    const size_t n = strlen(path), e = strlen(ending);
    return n >= e && strcmp(path + n - e, ending) == 0;
}

static bool is_code(const char *path)
{
    return ends(path, ".c") || ends(path, ".h") || ends(path, ".comp") ||
           ends(path, ".glsl");
}

/* Characters of a line of UTF-8. */
static unsigned width(const char *line, size_t n)
{
    unsigned w = 0;
    for (size_t i = 0; i < n; i++)
        w += ((unsigned char)line[i] & 0xc0) != 0x80;
    return w;
}

static void check_file(const char *path, void *priv)
{
    const unsigned limit = *(unsigned *)priv;
    size_t size;
    char *text = house_read(path, &size);
    if (strlen(text) != size)
        house_complain("%s: holds a zero byte", path);
    if (size > 0 && text[size - 1] != '\n')
        house_complain("%s: no newline at the end", path);
    unsigned line = 1;
    for (const char *at = text; *at; line++) {
        const size_t n = strcspn(at, "\n");
        if (n && (at[n - 1] == ' ' || at[n - 1] == '\t' || at[n - 1] == '\r'))
            house_complain("%s:%u: blanks before the line's end", path, line);
        if (memchr(at, '\t', n) && !ends(path, ".tsv"))
            house_complain("%s:%u: a tab", path, line);
        if (is_code(path) && width(at, n) > limit)
            house_complain("%s:%u: longer than %u characters", path, line, limit);
        at += n + (at[n] == '\n');
    }
    free(text);
}

static void text_files_follow_editorconfig(void **state)
{
    (void)state;
    static const char *const text[] = {
        ".c",       ".h",      ".comp",    ".glsl",          ".cmake",         ".in",
        ".md",      ".json",   ".py",      ".txt",           ".tsv",           ".awk",
        "/LICENSE", "/lemnos", "/.ci/run", "/.clang-format", "/.editorconfig", NULL};
    unsigned limit = max_line();
    assert_true(house_walk(HOUSE_SOURCE, text, check_file, &limit) > 50);
    house_finish();
}

static void clang_format(const char *path, void *priv)
{
    (void)priv;
    char *text;
    if (house_run(&text, "%s --dry-run -Werror --style=file '%s'", HOUSE_CLANG_FORMAT,
                  path) != 0)
        house_complain("%.600s\n  (mend it: clang-format -i %s)", text, path);
    free(text);
}

static void code_follows_clang_format(void **state)
{
    (void)state;
    static const char *const c[] = {".c", ".h", NULL};
    static const char *const folders[] = {"engine", "tests", "assets", "viewer"};
    char *text;
    house_need(HOUSE_CLANG_FORMAT, "clang-format");
    /* other versions lay out a few things differently */
    assert_int_equal(house_run(&text, "%s --version", HOUSE_CLANG_FORMAT), 0);
    const bool known = strstr(text, "version 14.") != NULL;
    free(text);
    if (!known)
        house_need("", "clang-format 14");
    unsigned n = 0;
    for (unsigned i = 0; i < sizeof folders / sizeof *folders; i++) {
        char dir[HOUSE_PATH];
        house_path(dir, HOUSE_SOURCE "/%s", folders[i]);
        n += house_walk(dir, c, clang_format, NULL);
    }
    assert_true(n > 50);
    house_finish();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_files_follow_editorconfig),
        cmocka_unit_test(code_follows_clang_format),
    };
    return cmocka_run_group_tests_name("format", tests, NULL, NULL);
}
