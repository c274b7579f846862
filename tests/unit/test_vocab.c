/* test_vocab.c - real vocabularies against the ids that others get from them. Reads
 * data that lies beside the project and skips where it is absent. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>
#include <cmocka.h>

#include "support/capture.h"
#include "text/tokenizer.h"

#define SEPARATOR "\n__ggml_vocab_test__\n"

/* A whole file, terminated; NULL when it cannot be read. */
static char *read_file(const char *path, size_t *size)
{
    FILE *f = fopen(path, "rb");
    if (!f)
        return NULL;
    char *text = NULL;
    size_t n = 0, cap = 0;
    do {
        cap += 1 << 16;
        text = realloc(text, cap + 1);
        assert_non_null(text);
        n += fread(text + n, 1, cap - n, f);
    } while (n == cap);
    fclose(f);
    text[n] = '\0';
    *size = n;
    return text;
}

struct opened {
    struct gguf *g;
    struct lem_tokenizer *t;
    struct capture capture;
};

static void open_file(struct opened *o, const char *path)
{
    *o = (struct opened){0};
    const struct lem_log log = capture_log(&o->capture);
    const enum lem_status st = gguf_open(&o->g, path, &log);
    if (st == LEM_OK)
        assert_int_equal(tokenizer_open(&o->t, o->g, &log), LEM_OK);
    assert_silent(&o->capture);
    assert_int_equal(st, LEM_OK);
}

static void close_file(struct opened *o)
{
    lem_tokenizer_close(&o->t);
    gguf_close(&o->g);
}

/* True when the ids of the text are those of `want`, and give the text again. */
static bool text_matches(const struct lem_tokenizer *t, const char *text, size_t n,
                         const char *want)
{
    size_t n_id;
    int32_t *ids = malloc((n + 8) * sizeof *ids);
    assert_non_null(ids);
    assert_int_equal(lem_tokenizer_encode(t, text, n, 0, ids, n + 8, &n_id), LEM_OK);
    bool same = true;
    for (size_t i = 0; i < n_id && same; i++) {
        char *end;
        same = strtol(want, &end, 10) == ids[i] && end != want;
        want = end;
    }
    same = same && want[strspn(want, " ")] == '\0';

    char *back = malloc(n + 1);
    assert_non_null(back);
    const size_t n_back = lem_tokenizer_decode(t, ids, n_id, false, back, n);
    same = same && n_back == n && memcmp(back, text, n) == 0;
    free(back);
    free(ids);
    return same;
}

static unsigned check_vocab(const char *path, unsigned *n_text)
{
    char name[600];
    size_t n_in, n_out;
    snprintf(name, sizeof name, "%s.inp", path);
    char *in = read_file(name, &n_in);
    snprintf(name, sizeof name, "%s.out", path);
    char *out = read_file(name, &n_out);
    assert_non_null(in);
    assert_non_null(out);
    struct opened o;
    open_file(&o, path);

    unsigned bad = 0;
    char *ids = out;
    for (char *text = in; text;) {
        char *end = strstr(text, SEPARATOR);
        const size_t n = end ? (size_t)(end - text) : n_in - (size_t)(text - in);
        char *line_end = ids + strcspn(ids, "\n");
        const bool last_line = *line_end == '\0';
        *line_end = '\0';
        ++*n_text;
        if (!text_matches(o.t, text, n, ids)) {
            bad++;
            printf("%s: text %u \"%.*s\", expected %s\n", path, *n_text, (int)n, text,
                   ids);
        }
        ids = last_line ? line_end : line_end + 1;
        text = end ? end + strlen(SEPARATOR) : NULL;
    }
    close_file(&o);
    free(in);
    free(out);
    return bad;
}

static void real_vocabularies_match(void **state)
{
    (void)state;
    const char *dir = LEM_TEST_SHARED "/vocab";
    DIR *d = opendir(dir);
    if (!d) {
        printf("skipped: no folder %s\n", dir);
        skip();
    }
    unsigned n_file = 0, n_text = 0, bad = 0;
    for (struct dirent *e; (e = readdir(d));) {
        const size_t len = strlen(e->d_name);
        if (len < 5 || strcmp(e->d_name + len - 5, ".gguf") != 0)
            continue;
        char path[512];
        snprintf(path, sizeof path, "%s/%s", dir, e->d_name);
        bad += check_vocab(path, &n_text);
        n_file++;
    }
    closedir(d);
    printf("%u vocabularies, %u texts, %u differ\n", n_file, n_text, bad);
    assert_true(n_file > 0 && n_text > 0);
    assert_int_equal(bad, 0);
}

/* "text" and "text_ids" of a reference case: with BOS where the file wants it. */
static bool case_matches(const char *dir)
{
    char path[600];
    size_t n_json;
    snprintf(path, sizeof path, "%s/tokens.json", dir);
    char *json = read_file(path, &n_json);
    assert_non_null(json);
    cJSON *root = cJSON_Parse(json);
    const cJSON *text = cJSON_GetObjectItem(root, "text");
    const cJSON *want = cJSON_GetObjectItem(root, "text_ids");
    assert_true(cJSON_IsString(text) && cJSON_IsArray(want));

    struct opened o;
    snprintf(path, sizeof path, "%s/model.gguf", dir);
    open_file(&o, path);
    int32_t ids[512];
    size_t n_id;
    assert_int_equal(lem_tokenizer_encode(o.t, text->valuestring,
                                          strlen(text->valuestring), LEM_ENCODE_BOS, ids,
                                          512, &n_id),
                     LEM_OK);
    bool same = n_id == (size_t)cJSON_GetArraySize(want);
    for (size_t i = 0; i < n_id && same; i++)
        same = cJSON_GetArrayItem(want, (int)i)->valueint == ids[i];
    close_file(&o);
    cJSON_Delete(root);
    free(json);
    return same;
}

static void reference_cases_match(void **state)
{
    (void)state;
    const char *dir = LEM_TEST_SHARED "/oracle";
    DIR *d = opendir(dir);
    if (!d) {
        printf("skipped: no folder %s\n", dir);
        skip();
    }
    unsigned n = 0, bad = 0;
    for (struct dirent *e; (e = readdir(d));) {
        char path[512], file[600];
        snprintf(path, sizeof path, "%s/%s", dir, e->d_name);
        snprintf(file, sizeof file, "%s/model.gguf", path);
        FILE *f = fopen(file, "rb");
        if (!f)
            continue;
        fclose(f);
        n++;
        if (!case_matches(path)) {
            bad++;
            printf("%s differs\n", path);
        }
    }
    closedir(d);
    printf("%u reference cases, %u differ\n", n, bad);
    assert_true(n > 0);
    assert_int_equal(bad, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(real_vocabularies_match),
        cmocka_unit_test(reference_cases_match),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
