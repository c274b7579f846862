/* program_bed.c - two texts, a folder, the environment, and numbers out of JSON. */
#include "model/program_bed.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *const bed_text[BED_TEXTS] = {
    "Once upon a time there was a little fox. The fox had a red coat and a long tail. "
    "One day the fox went into the wood and met a bear. \"Who are you?\" said the bear. "
    "\"I am a fox,\" said the fox, and they went on together until it was dark.\n",
    "int main(void)\n{\n    for (int i = 0; i < 10; i++)\n        printf(\"%d\\n\", i);\n"
    "    return 0;\n}\n"};

int bed_make(void **state)
{
    struct bed *b = calloc(1, sizeof *b);
    assert_non_null(b);
    scratch_open(&b->scratch);
    for (int g = 0; g < BED_TEXTS; g++) {
        strcpy(b->path[g], scratch_path(&b->scratch, g ? "code.txt" : "tale.txt"));
        FILE *f = fopen(b->path[g], "wb");
        assert_non_null(f);
        assert_true(fputs(bed_text[g], f) >= 0 && fclose(f) == 0);
    }
    strcpy(b->file, scratch_path(&b->scratch, "result"));
    strcpy(b->cache.dir, scratch_path(&b->scratch, "lemnos"));
    const char *caps = getenv("LEMNOS_TEST_CAPS");
    snprintf(b->caps, sizeof b->caps, "LEMNOS_CAPS=%s", caps ? caps : "");
    snprintf(b->xdg, sizeof b->xdg, "XDG_CACHE_HOME=%s", b->scratch.dir);
    b->env[0] = b->caps;
    b->env[1] = b->xdg;
    *state = b;
    return 0;
}

int bed_remove(void **state)
{
    struct bed *b = *state;
    scratch_close(&b->cache);
    scratch_close(&b->scratch);
    free(b);
    return 0;
}

struct program bed_run(const struct bed *b, const char *const *argv, int code)
{
    struct program p = {.env = b->env};
    program_run(&p, argv);
    if (p.code != code)
        fail_msg("%s: exit code %d, not %d: %s", argv[1], p.code, code, p.err);
    return p;
}

cJSON *bed_json(const struct bed *b, const char *const *argv)
{
    struct program p = bed_run(b, argv, 0);
    cJSON *o = cJSON_Parse(p.out);
    assert_non_null(o);
    program_free(&p);
    return o;
}

char *bed_read(const char *path)
{
    size_t n;
    return program_read_file(path, &n);
}

cJSON *bed_item(const cJSON *o, const char *key)
{
    cJSON *v = cJSON_GetObjectItemCaseSensitive(o, key);
    if (!v)
        fail_msg("there is no \"%s\"", key);
    return v;
}

double bed_number(const cJSON *o, const char *key)
{
    const cJSON *v = bed_item(o, key);
    assert_true(cJSON_IsNumber(v));
    return v->valuedouble;
}

double bed_at(const cJSON *list, uint32_t i)
{
    const cJSON *v = cJSON_GetArrayItem(list, (int)i);
    assert_true(cJSON_IsNumber(v));
    return v->valuedouble;
}

void bed_near(const cJSON *l, const char *key, double want)
{
    const double got = bed_number(l, key);
    if (!(fabs(got - want) <= 1e-9 * fmax(1, fabs(want))))
        fail_msg("%s is %.12g, not %.12g", key, got, want);
}
