/* test_package.c - installs Lemnos into a folder, moves the folder, and builds and runs
 * another project against it: by CMake package and by pkg-config. */
#include "house.h"

#include <stdlib.h>
#include <unistd.h>

#define SANITIZE (HOUSE_SANITIZE ? "-fsanitize=address,undefined" : "")
#define CONSUMER HOUSE_SOURCE "/tests/house/consumer"
#define EXPECTED "lemnos " HOUSE_VERSION ", 6 layers\n"

/* Run a command that has to succeed; its output on failure becomes the message. */
#define MUST(...)                                                                        \
    do {                                                                                 \
        char *text_;                                                                     \
        if (house_run(&text_, __VA_ARGS__) != 0)                                         \
            fail_msg("%s", text_);                                                       \
        free(text_);                                                                     \
    } while (0)

struct place {
    char top[HOUSE_PATH], prefix[HOUSE_PATH], model[HOUSE_PATH];
};

static int install_and_move(void **state)
{
    static struct place p;
    house_path(p.top, HOUSE_BUILD "/package-XXXXXX");
    assert_non_null(mkdtemp(p.top));
    house_path(p.prefix, "%s/moved", p.top);
    house_path(p.model, "%s/share/lemnos/moe-tales-q8_0.gguf", p.prefix);
    MUST("%s --install %s --config %s --prefix %s/first", HOUSE_CMAKE, HOUSE_BUILD,
         HOUSE_CONFIG, p.top);
    char first[HOUSE_PATH];
    house_path(first, "%s/first", p.top);
    assert_int_equal(rename(first, p.prefix), 0);
    *state = &p;
    return 0;
}

static int remove_all(void **state)
{
    const struct place *p = *state;
    MUST("rm -rf '%s'", p->top);
    return 0;
}

static void expect_output(const char *command, const char *expected)
{
    char *text;
    const int rc = house_run(&text, "%s", command);
    if (rc != 0 || strcmp(text, expected) != 0)
        fail_msg("%s\nexit %d, printed: %s", command, rc, text);
    free(text);
}

static void all_files_are_there(void **state)
{
    const struct place *p = *state;
    static const char *const files[] = {
        "bin/lemnos",
        "lib*/liblemnos.a",
        "lib*/liblemnos.so",
        "lib*/liblemnos.so.0.1",
        "lib*/pkgconfig/lemnos.pc",
        "lib*/cmake/lemnos/lemnosConfig.cmake",
        "include/lemnos/lemnos.h",
        "share/lemnos/moe-tales-q8_0.gguf",
        "share/doc/lemnos/LICENSE",
        "share/doc/lemnos/README.md",
    };
    for (unsigned i = 0; i < sizeof files / sizeof *files; i++) {
        char *text;
        if (house_run(&text, "ls -d %s/%s", p->prefix, files[i]) != 0)
            house_complain("not installed: %s", files[i]);
        free(text);
    }
    house_finish();
}

/* What a program is linked with statically must not take its names. */
static void the_archive_keeps_its_names(void **state)
{
    const struct place *p = *state;
    char *text, *save = NULL;
    unsigned n = 0;
    house_need(HOUSE_NM, "nm");
    assert_int_equal(house_run(&text, "%s -g --defined-only -j %s/lib*/liblemnos.a",
                               HOUSE_NM, p->prefix),
                     0);
    for (char *name = strtok_r(text, "\n", &save); name;
         name = strtok_r(NULL, "\n", &save)) {
        n += strncmp(name, "lem_", 4) == 0;
        if (strncmp(name, "lem_", 4) != 0 && !strstr(name, ".o:"))
            house_complain("liblemnos.a defines %s", name);
    }
    free(text);
    assert_true(n >= 20);
    house_finish();
}

static void the_program_runs_and_finds_its_model(void **state)
{
    const struct place *p = *state;
    char command[HOUSE_PATH];
    house_path(command, "%s/bin/lemnos --version", p->prefix);
    expect_output(command, "lemnos " HOUSE_VERSION "\n");
    house_path(command, "%s/bin/lemnos tokenize --special '<|endoftext|>'", p->prefix);
    expect_output(command, "4095\n");
}

static void a_cmake_project_builds_with_it(void **state)
{
    const struct place *p = *state;
    char command[HOUSE_PATH];
    MUST("%s -G '%s' -S %s -B %s/consumer -DCMAKE_C_COMPILER=%s -DCMAKE_PREFIX_PATH=%s "
         "-DCMAKE_C_FLAGS='%s' && %s --build %s/consumer",
         HOUSE_CMAKE, HOUSE_GENERATOR, CONSUMER, p->top, HOUSE_CC, p->prefix, SANITIZE,
         HOUSE_CMAKE, p->top);
    house_path(command, "%s/consumer/with_shared '%s'", p->top, p->model);
    expect_output(command, EXPECTED);
    house_path(command, "%s/consumer/with_static '%s'", p->top, p->model);
    expect_output(command, EXPECTED);
}

static void pkg_config_finds_it(void **state)
{
    const struct place *p = *state;
    char command[HOUSE_PATH];
    house_need(HOUSE_PKG_CONFIG, "pkg-config");
    MUST("export PKG_CONFIG_PATH=$(dirname %s/lib*/pkgconfig/lemnos.pc) && "
         "flags=$(%s --cflags --libs lemnos) && %s -std=c17 %s %s/main.c -o %s/by_pc "
         "$flags",
         p->prefix, HOUSE_PKG_CONFIG, HOUSE_CC, SANITIZE, CONSUMER, p->top);
    house_path(command, "LD_LIBRARY_PATH=$(echo %s/lib*) %s/by_pc '%s'", p->prefix,
               p->top, p->model);
    expect_output(command, EXPECTED);
}

static void pkg_config_knows_what_static_needs(void **state)
{
    const struct place *p = *state;
    char command[HOUSE_PATH];
    house_need(HOUSE_PKG_CONFIG, "pkg-config");
    MUST("export PKG_CONFIG_PATH=$(dirname %s/lib*/pkgconfig/lemnos.pc) && "
         "rm %s/lib*/liblemnos.so* && flags=$(%s --static --cflags --libs lemnos) && "
         "%s -std=c17 %s %s/main.c -o %s/by_pc_static $flags",
         p->prefix, p->prefix, HOUSE_PKG_CONFIG, HOUSE_CC, SANITIZE, CONSUMER, p->top);
    house_path(command, "%s/by_pc_static '%s'", p->top, p->model);
    expect_output(command, EXPECTED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_files_are_there),
        cmocka_unit_test(the_archive_keeps_its_names),
        cmocka_unit_test(the_program_runs_and_finds_its_model),
        cmocka_unit_test(a_cmake_project_builds_with_it),
        cmocka_unit_test(pkg_config_finds_it),
        cmocka_unit_test(pkg_config_knows_what_static_needs), /* last: removes the .so */
    };
    return cmocka_run_group_tests_name("package", tests, install_and_move, remove_all);
}
