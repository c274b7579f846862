/* test_layers.c - no file of engine/ includes what its folder's link line does not
 * allow, and a few things are done in one place only. */
#include "house.h"

#include <ctype.h>
#include <stdlib.h>

enum { MAX_LAYER = 32, MAX_NAME = 32 };

/* One line of layers.txt: "name: uses…", written by engine/CMakeLists.txt. */
struct layer {
    char name[MAX_NAME];
    char uses[MAX_LAYER][MAX_NAME];
    unsigned n_use;
};

struct rules {
    struct layer layer[MAX_LAYER];
    unsigned n;
};

/* What may stand in some files only. `text` is compared with the name inside an
 * #include's brackets, or, with `call`, searched for as a call in the code. */
static const struct place {
    const char *text;
    bool call;
    const char *where[3]; /* folders or files under engine/ */
    const char *why;
} places[] = {
    {"vulkan/", false, {"gpu/"}, "Vulkan is gpu/'s business"},
    {"volk.h", false, {"gpu/"}, "Vulkan is gpu/'s business"},
    {"getenv", true, {"cli/args.c"}, "the environment is read in cli/args.c alone"},
    {"secure_getenv",
     true,
     {"cli/args.c"},
     "the environment is read in cli/args.c alone"},
    {"setenv", true, {"base/env.c"}, "the environment is changed in base/env.c alone"},
    {"_putenv_s", true, {"base/env.c"}, "the environment is changed in base/env.c alone"},
    {"GetEnvironmentVariableA",
     true,
     {"base/env.c"},
     "the environment is changed in base/env.c alone"},
    {"unistd.h", false, {"base/", "cli/os.c"}, "the system is base/'s business"},
    {"sys/", false, {"base/", "cli/os.c"}, "the system is base/'s business"},
    {"fcntl.h", false, {"base/", "cli/os.c"}, "the system is base/'s business"},
    {"pthread.h", false, {"base/", "cli/os.c"}, "the system is base/'s business"},
    {"dirent.h", false, {"base/", "cli/os.c"}, "the system is base/'s business"},
    {"dlfcn.h", false, {"base/", "cli/os.c"}, "the system is base/'s business"},
    {"termios.h", false, {"base/", "cli/os.c"}, "the system is base/'s business"},
    {"windows.h", false, {"base/", "cli/os.c"}, "the system is base/'s business"},
    {"io.h", false, {"base/", "cli/os.c"}, "the system is base/'s business"},
    {"direct.h", false, {"base/", "cli/os.c"}, "the system is base/'s business"},
    {"pcre2.h", false, {"text/"}, "text/ alone knows PCRE2"},
    {"utf8proc.h", false, {"text/"}, "text/ alone knows utf8proc"},
    {"cjson/", false, {"cli/", "policyfile/"}, "JSON is the program's business"},
};

static struct layer *find_layer(struct rules *rules, const char *name)
{
    for (unsigned i = 0; i < rules->n; i++)
        if (strcmp(rules->layer[i].name, name) == 0)
            return &rules->layer[i];
    return NULL;
}

static bool allows(const struct layer *layer, const char *folder)
{
    for (unsigned i = 0; i < layer->n_use; i++)
        if (strcmp(layer->uses[i], folder) == 0)
            return true;
    return strcmp(layer->name, folder) == 0;
}

static void copy_name(char out[MAX_NAME], const char *name)
{
    assert_in_range(strlen(name), 1, MAX_NAME - 1);
    strcpy(out, name);
}

/* Lines come in the order of the folders: a use must have been named before. */
static void read_rules(struct rules *rules)
{
    char *text = house_read(HOUSE_BUILD "/layers.txt", NULL), *save_line = NULL;
    rules->n = 0;
    for (char *line = strtok_r(text, "\n", &save_line); line;
         line = strtok_r(NULL, "\n", &save_line)) {
        char *save_word = NULL;
        assert_in_range(rules->n, 0, MAX_LAYER - 1);
        struct layer *layer = &rules->layer[rules->n];
        copy_name(layer->name, strtok_r(line, ": ", &save_word));
        layer->n_use = 0;
        for (char *word; (word = strtok_r(NULL, " ", &save_word));) {
            assert_in_range(layer->n_use, 0, MAX_LAYER - 1);
            copy_name(layer->uses[layer->n_use++], word);
            if (!find_layer(rules, word))
                house_complain("engine/%s uses %s, which is not below it", layer->name,
                               word);
        }
        rules->n++;
    }
    free(text);
}

static bool stands_in(const char *file, const struct place *place)
{
    for (unsigned i = 0; i < 3 && place->where[i]; i++)
        if (strncmp(file, place->where[i], strlen(place->where[i])) == 0)
            return true;
    return false;
}

/* `file` is the path under engine/. */
static void check_include(struct rules *rules, const char *file, unsigned line,
                          const char *name, bool quoted)
{
    char folder[MAX_NAME], of[MAX_NAME];
    if (sscanf(file, "%31[^/]", folder) != 1)
        return;
    for (unsigned i = 0; i < sizeof places / sizeof *places; i++) {
        const struct place *p = &places[i];
        const size_t n = strlen(p->text);
        const bool same = p->text[n - 1] == '/' ? strncmp(name, p->text, n) == 0
                                                : strcmp(name, p->text) == 0;
        if (!p->call && same && !stands_in(file, p))
            house_complain("engine/%s:%u: includes <%s>, but %s", file, line, name,
                           p->why);
    }
    if (!quoted)
        return;
    if (!strchr(name, '/') || sscanf(name, "%31[^/]", of) != 1) {
        house_complain("engine/%s:%u: \"%s\": write the folder, too", file, line, name);
        return;
    }
    if (strcmp(of, "lemnos") == 0 || strcmp(of, folder) == 0)
        return;
    if (strcmp(folder, "cli") == 0 && strcmp(of, "policyfile") == 0)
        return; /* above the public headers, too; shared with the viewer */
    if (strcmp(folder, "include") == 0 || strcmp(folder, "cli") == 0 ||
        strcmp(folder, "policyfile") == 0) {
        house_complain("engine/%s:%u: includes \"%s\"; public headers and the program "
                       "see lemnos/*.h only",
                       file, line, name);
        return;
    }
    const struct layer *layer = find_layer(rules, folder);
    if (!layer)
        house_complain("engine/%s:%u: folder %s is no layer", file, line, folder);
    else if (strcmp(of, "common") == 0 && allows(layer, "ops"))
        return; /* shaders/common/params.h: parameters shared with the shaders */
    else if (!allows(layer, of))
        house_complain("engine/%s:%u: includes \"%s\", but engine/%s does not use %s",
                       file, line, name, folder, of);
}

/* A call of `name` in a line of code: the name, alone, and a bracket. */
static bool calls(const char *line, const char *name)
{
    const size_t n = strlen(name);
    for (const char *at = line; (at = strstr(at, name)); at += n) {
        const bool begins =
            at == line || !(isalnum((unsigned char)at[-1]) || at[-1] == '_');
        if (begins && at[n] == '(')
            return true;
    }
    return false;
}

static void check_file(const char *path, void *priv)
{
    struct rules *rules = priv;
    const char *file = path + strlen(HOUSE_SOURCE "/engine/");
    char *text = house_read(path, NULL), *next = text;
    for (unsigned line = 1; next; line++) {
        char *at = next, name[256], open[2];
        next = strchr(at, '\n');
        if (next)
            *next++ = '\0';
        if (sscanf(at, " # include %1[<\"]%255[^>\"]", open, name) == 2)
            check_include(rules, file, line, name, open[0] == '"');
        for (unsigned i = 0; i < sizeof places / sizeof *places; i++)
            if (places[i].call && calls(at, places[i].text) &&
                !stands_in(file, &places[i]))
                house_complain("engine/%s:%u: calls %s(), but %s", file, line,
                               places[i].text, places[i].why);
    }
    free(text);
}

static void includes_follow_the_layers(void **state)
{
    (void)state;
    static struct rules rules; /* too large for the stack of every system */
    static const char *const c[] = {".c", ".h", NULL};
    read_rules(&rules);
    assert_true(rules.n >= 10);
    assert_true(house_walk(HOUSE_SOURCE "/engine", c, check_file, &rules) > 20);
    house_finish();
}

/* ---- no test is forgotten --------------------------------------------------------- */

static bool has_word(const char *text, const char *word, size_t n)
{
    for (const char *at = text; (at = strstr(at, word)); at++) {
        const bool begins = at == text || !(isalnum((unsigned char)at[-1]));
        if (begins && !isalnum((unsigned char)at[n]) && at[n] != '_')
            return true;
    }
    return false;
}

/* Lists name test_matmul.c by its file or, in loops, "matmul" alone. */
static void check_registered(const char *path, void *priv)
{
    (void)priv;
    const char *file = strrchr(path, '/') + 1;
    char list[HOUSE_PATH];
    if (strncmp(file, "test_", 5) != 0)
        return;
    house_path(list, "%.*sCMakeLists.txt", (int)(file - path), path);
    char *text = house_read(list, NULL), word[HOUSE_PATH];
    house_path(word, "%.*s", (int)(strlen(file) - strlen("test_.c")), file + 5);
    if (!has_word(text, word, strlen(word)) && !has_word(text, file, strlen(file)))
        house_complain("%s is built by no line of %s: it never runs",
                       path + strlen(HOUSE_SOURCE "/"), list + strlen(HOUSE_SOURCE "/"));
    free(text);
}

static void every_test_is_registered(void **state)
{
    (void)state;
    static const char *const c[] = {".c", NULL};
    assert_true(house_walk(HOUSE_SOURCE "/tests", c, check_registered, NULL) > 50);
    house_finish();
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(includes_follow_the_layers),
                                       cmocka_unit_test(every_test_is_registered)};
    return cmocka_run_group_tests_name("layers", tests, NULL, NULL);
}
