/* test_symbols.c - the shared library exports lem_ names and nothing else, and every
 * function that the public headers declare. */
#include "house.h"

#include <ctype.h>
#include <stdlib.h>

/* "\nlem_open\nlem_close\n": the names that `nm` lists as defined and exported. */
static char *exported_names(void)
{
    char *text;
    house_need(HOUSE_NM, "nm");
    if (house_run(&text, "%s -D --defined-only %s", HOUSE_NM, HOUSE_SHARED_LIB) != 0)
        fail_msg("nm failed: %s", text);
    char *names = calloc(1, strlen(text) + 2), *save = NULL;
    assert_non_null(names);
    strcpy(names, "\n");
    for (char *line = strtok_r(text, "\n", &save); line;
         line = strtok_r(NULL, "\n", &save)) {
        const char *name = strrchr(line, ' ');
        assert_non_null(name);
        strcat(strcat(names, name + 1), "\n");
    }
    free(text);
    return names;
}

static void only_lem_names_are_exported(void **state)
{
    (void)state;
    char *names = exported_names(), *save = NULL;
    unsigned n = 0;
    for (char *name = strtok_r(names, "\n", &save); name;
         name = strtok_r(NULL, "\n", &save)) {
        n++;
        if (strncmp(name, "lem_", 4) != 0)
            house_complain("%s exports %s", HOUSE_SHARED_LIB, name);
    }
    free(names);
    assert_true(n >= 20);
    house_finish();
}

/* Names right before a bracket in declarations that begin with LEM_API. */
static void check_header(const char *path, void *priv)
{
    const char *names = priv;
    char *text = house_read(path, NULL);
    for (char *at = text; (at = strstr(at, "\nLEM_API ")); at++) {
        char *open = strchr(at, '('), *begin = open;
        assert_non_null(open);
        while (begin > at && (isalnum((unsigned char)begin[-1]) || begin[-1] == '_'))
            begin--;
        char line[128];
        assert_in_range(open - begin, 5, 100);
        snprintf(line, sizeof line, "\n%.*s\n", (int)(open - begin), begin);
        if (!strstr(names, line))
            house_complain("%s declares %.*s(), which the library does not export", path,
                           (int)(open - begin), begin);
    }
    free(text);
}

static void all_of_the_api_is_exported(void **state)
{
    (void)state;
    static const char *const headers[] = {".h", NULL};
    char *names = exported_names();
    house_walk(HOUSE_SOURCE "/engine/include/lemnos", headers, check_header, names);
    free(names);
    house_finish();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_lem_names_are_exported),
        cmocka_unit_test(all_of_the_api_is_exported),
    };
    return cmocka_run_group_tests_name("symbols", tests, NULL, NULL);
}
