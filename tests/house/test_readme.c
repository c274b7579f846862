/* test_readme.c - the C examples of README.md compile, link and run, and no document
 * of the project links to a file that is not there. */
#include "house.h"

#include <stdlib.h>
#include <unistd.h>

#define DIR      HOUSE_BUILD "/readme"
#define SANITIZE (HOUSE_SANITIZE ? "-fsanitize=address,undefined" : "")

/* The first block of C after a heading. */
static void save_example(const char *heading, const char *path)
{
    char *text = house_read(HOUSE_SOURCE "/README.md", NULL);
    char *at = strstr(text, heading);
    assert_non_null(at);
    at = strstr(at, "\n```c\n");
    assert_non_null(at);
    at += strlen("\n```c\n");
    char *end = strstr(at, "\n```\n");
    assert_non_null(end);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fprintf(f, "%.*s\n", (int)(end - at), at);
    fclose(f);
    free(text);
}

/* What the example prints; to free(). */
static char *run_example(const char *heading, const char *name)
{
    char *text, path[HOUSE_PATH];
    assert_int_equal(house_run(&text, "mkdir -p %s", DIR), 0);
    free(text);
    house_path(path, DIR "/%s.c", name);
    save_example(heading, path);
    if (house_run(
            &text,
            "%s -std=c17 -Wall -Wextra -Werror %s -I%s/engine/include %s -o %s/%s %s "
            "-lpcre2-8 -lutf8proc -lpthread -ldl -lm",
            HOUSE_CC, SANITIZE, HOUSE_SOURCE, path, DIR, name, HOUSE_STATIC_LIB) != 0)
        fail_msg("%s", text);
    free(text);

    house_need(HOUSE_ICD, "the CPU driver lavapipe");
    const int rc = house_run(&text,
                             "VK_ICD_FILENAMES='%s' LSAN_OPTIONS=suppressions=%s/tests/"
                             "support/lsan.supp %s/%s %s/assets/moe-tales-q8_0.gguf",
                             HOUSE_ICD, HOUSE_SOURCE, DIR, name, HOUSE_SOURCE);
    if (rc != 0)
        fail_msg("%s ended with %d and printed: %s", name, rc, text);
    return text;
}

static void the_example_compiles_and_runs(void **state)
{
    (void)state;
    char *text = run_example("\n## The C API\n", "example");
    if (strlen(text) < 40)
        fail_msg("the example printed: %s", text);
    free(text);
}

static void the_layer_example_prints_what_is_said(void **state)
{
    (void)state;
    char *text = run_example("\n### A layer by itself\n", "layer");
    assert_string_equal(text, "0.511704 3.200000 5.000000\n");
    free(text);
}

/* Targets of Markdown links: what stands between "](" and ")". */
static void check_links(const char *path, void *priv)
{
    unsigned *n_link = priv;
    char *text = house_read(path, NULL);
    const int n_dir = (int)(strrchr(path, '/') - path);
    for (char *at = text; (at = strstr(at, "](")); at++) {
        const size_t n = strcspn(at + 2, ")# \n");
        char target[HOUSE_PATH];
        if (n == 0 || strncmp(at + 2, "http", 4) == 0)
            continue;
        ++*n_link;
        house_path(target, "%.*s/%.*s", n_dir, path, (int)n, at + 2);
        if (access(target, F_OK) != 0)
            house_complain("%s: links to %.*s, which is not there", path, (int)n, at + 2);
    }
    free(text);
}

static void links_lead_to_files(void **state)
{
    (void)state;
    static const char *const md[] = {".md", NULL};
    unsigned n_link = 0;
    assert_true(house_walk(HOUSE_SOURCE, md, check_links, &n_link) >= 5);
    assert_true(n_link >= 5);
    house_finish();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_example_compiles_and_runs),
        cmocka_unit_test(the_layer_example_prints_what_is_said),
        cmocka_unit_test(links_lead_to_files),
    };
    return cmocka_run_group_tests_name("readme", tests, NULL, NULL);
}
