/* test_tune.c - how a device comes to its kernels: by rule, by name, by measurement; what
 * is kept of that in the cache folder, and what damage to it does. What is fastest is not
 * asked: that is up to the machine. */
#include "support/tolerance.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gpu/shader_table.h"
#include "ops/measure.h"
#include "support/gpu_fixture.h"
#include "support/scratch.h"

struct heard {
    int n_error, n_warn, n_trying;
    char warn[1024];
};

static void hear(void *priv, enum lem_log_level level, const char *text)
{
    struct heard *h = priv;
    h->n_error += level == LEM_LOG_ERROR;
    h->n_trying += strstr(text, "trying kernels") != NULL;
    if (level == LEM_LOG_WARN) {
        h->n_warn++;
        snprintf(h->warn, sizeof h->warn, "%s", text);
    }
}

static struct lem_device *open_device(const char *dir, struct heard *said)
{
    *said = (struct heard){0};
    const struct lem_device_params p = {.selector = getenv("LEMNOS_TEST_DEVICE"),
                                        .caps = getenv("LEMNOS_TEST_CAPS"),
                                        .cache_dir = dir,
                                        .log = {.fn = hear, .priv = said}};
    struct lem_device *d;
    assert_int_equal(lem_device_open(&p, &d), LEM_OK);
    return d;
}

/* Measured on CPU devices, too: others are seldom at hand. */
static struct lem_device_kernels tune(const char *dir, struct heard *said)
{
    struct lem_device *d = open_device(dir, said);
    struct lem_device_kernels k;
    assert_int_equal(ops_tune(d, LEM_KERNELS_AUTO, true, &k), LEM_OK);
    for (int use = 0; use < OPS_N_USE; use++) {
        const enum ops_way way = ops_way_of(d, (enum ops_use)use);
        assert_true(way == ops_way_by_rule(d, (enum ops_use)use) ||
                    ops_way_possible(d, (enum ops_use)use, way));
    }
    assert_string_equal(k.token.way, ops_way_name(ops_way_of(d, OPS_USE_TOKEN)));
    assert_string_equal(k.prompt.way, ops_way_name(ops_way_of(d, OPS_USE_PROMPT)));
    lem_device_close(&d);
    assert_int_equal(said->n_error, 0);
    return k;
}

/* Nothing to remember it by: two runs would differ. */
static void without_a_folder_the_rule_holds(void **state)
{
    (void)state;
    struct heard said;
    const struct lem_device_kernels k = tune(NULL, &said);
    assert_false(k.measured);
    assert_int_equal(said.n_trying, 0);
    assert_true(k.token.gain == 0 && k.prompt.gain == 0);
    struct lem_device *d = open_device(NULL, &said);
    assert_string_equal(k.prompt.way, ops_way_name(ops_way_by_rule(d, OPS_USE_PROMPT)));
    lem_device_close(&d);
}

/* Nor where it cannot be written. */
static void a_folder_that_takes_nothing_is_none(void **state)
{
    (void)state;
    struct heard said;
    const struct lem_device_kernels k = tune("/dev/null/nowhere", &said);
    assert_false(k.measured);
    assert_int_equal(said.n_trying, 0);
    assert_true(said.n_warn > 0);
}

/* There the outcome is known. */
static void cpu_devices_are_not_measured(void **state)
{
    (void)state;
    struct scratch s;
    struct heard said;
    struct lem_device_kernels k;
    scratch_open(&s);
    struct lem_device *d = open_device(s.dir, &said);
    if (gpu_type(d) == LEM_DEVICE_CPU) {
        assert_int_equal(lem_device_tune(d, LEM_KERNELS_AUTO, &k), LEM_OK);
        assert_false(k.measured);
        assert_int_equal(said.n_trying, 0);
        assert_non_null(strstr(k.prompt.way, "registers"));
        assert_int_equal(ops_way_of(d, OPS_USE_PROMPT),
                         ops_way_by_rule(d, OPS_USE_PROMPT));
    }
    lem_device_close(&d);
    scratch_close(&s);
}

static void families_by_name(void **state)
{
    struct gpu_fixture *fx = *state;
    struct lem_device_kernels k;
    assert_int_equal(lem_device_tune(fx->device, LEM_KERNELS_TILES, &k), LEM_OK);
    assert_false(k.measured);
    assert_true(ops_way_is_tile(ops_way_of(fx->device, OPS_USE_PROMPT)));
    assert_false(ops_way_is_tile(ops_way_of(fx->device, OPS_USE_TOKEN)));
    assert_non_null(strstr(k.prompt.way, "tiles"));
    assert_int_equal(lem_device_tune(fx->device, LEM_KERNELS_REGISTERS, &k), LEM_OK);
    assert_non_null(strstr(k.prompt.way, "registers"));
    assert_int_equal(lem_device_tune(fx->device, LEM_KERNELS_RULE, NULL), LEM_OK);
    assert_int_equal(ops_way_of(fx->device, OPS_USE_PROMPT),
                     ops_way_by_rule(fx->device, OPS_USE_PROMPT));
    assert_int_equal(lem_device_tune(fx->device, (enum lem_kernels)9, &k),
                     LEM_ERR_ARGUMENT);
    gpu_fixture_said(fx, "there are no kernels 9");
    assert_int_equal(lem_device_tune(NULL, LEM_KERNELS_AUTO, &k), LEM_ERR_ARGUMENT);
}

/* The note's path, in a folder with the pipeline cache. */
static void find_note(const struct scratch *s, char *out, size_t cap)
{
    DIR *dir = opendir(s->dir);
    assert_non_null(dir);
    out[0] = '\0';
    for (struct dirent *e; (e = readdir(dir));)
        if (strncmp(e->d_name, "kernels-", 8) == 0)
            snprintf(out, cap, "%s/%s", s->dir, e->d_name);
    closedir(dir);
    assert_true(out[0] != '\0');
}

static size_t read_note(const char *path, char *out, size_t cap)
{
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    const size_t n = fread(out, 1, cap, f);
    fclose(f);
    return n;
}

static void write_note(const char *path, const char *data, size_t n)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_true(fwrite(data, 1, n, f) == n);
    assert_int_equal(fclose(f), 0);
}

static void measured_once_then_known(void **state)
{
    (void)state;
    struct scratch s;
    struct heard said;
    char path[1024], text[4096];
    scratch_open(&s);
    const struct lem_device_kernels first = tune(s.dir, &said);
    assert_true(first.measured);
    assert_int_equal(said.n_trying, 1);
    assert_int_equal(said.n_warn, 0);
    assert_true(first.prompt.gain >= 1);
    const struct lem_device_kernels again = tune(s.dir, &said);
    assert_true(again.measured);
    assert_int_equal(said.n_trying, 0);
    assert_string_equal(again.prompt.way, first.prompt.way);
    assert_string_equal(again.token.way, first.token.way);
    assert_true(again.prompt.gain > 0.99 * first.prompt.gain &&
                again.prompt.gain < 1.01 * first.prompt.gain);

    /* damaged, cut short, of another device: ignored, and written anew */
    find_note(&s, path, sizeof path);
    const size_t n = read_note(path, text, sizeof text);
    assert_true(n > 60 && n < sizeof text);
    text[n - 3] ^= 1;
    write_note(path, text, n);
    assert_true(tune(s.dir, &said).measured);
    assert_int_equal(said.n_trying, 1);
    assert_int_equal(said.n_warn, 1);
    assert_non_null(strstr(said.warn, "damaged"));
    tune(s.dir, &said);
    assert_int_equal(said.n_trying + said.n_warn, 0);
    scratch_close(&s);
}

/* Reading alone: what a note must look like. */
static void notes_are_checked(void **state)
{
    (void)state;
    static const char text[] = "one\ntwo\n";
    struct scratch s;
    struct heard said;
    char path[1024], whole[4096], out[64];
    scratch_open(&s);
    struct lem_device *d = open_device(s.dir, &said);
    assert_true(gpu_keeps_notes(d));
    assert_false(gpu_note_read(d, "kernels", out, sizeof out));
    assert_int_equal(said.n_warn, 0);
    gpu_note_write(d, "kernels", text);
    assert_true(gpu_note_read(d, "kernels", out, sizeof out));
    assert_string_equal(out, text);
    assert_false(gpu_note_read(d, "kernels", out, sizeof text - 1));
    assert_non_null(strstr(said.warn, "too long"));
    find_note(&s, path, sizeof path);
    const size_t n = read_note(path, whole, sizeof whole);
    for (size_t i = 0; i < n; i++) { /* any bit, and any cut */
        whole[i] ^= 4;
        write_note(path, whole, n);
        assert_false(gpu_note_read(d, "kernels", out, sizeof out));
        whole[i] ^= 4;
        write_note(path, whole, i);
        assert_false(gpu_note_read(d, "kernels", out, sizeof out));
    }
    write_note(path, whole, n);
    assert_true(gpu_note_read(d, "kernels", out, sizeof out));
    lem_device_close(&d);
    assert_int_equal(said.n_error, 0);
    scratch_close(&s);
}

static void text_and_back(void **state)
{
    struct gpu_fixture *fx = *state;
    static const char *const bad[] = {"",
                                      "token 1 1000\n",
                                      "token 0 1000\nprompt 1 1000\nprompt_i8 1 0\n",
                                      "token 3 1000\nprompt 1 1000\nprompt_i8 1 0\n",
                                      "token 9 1000\nprompt 1 1000\nprompt_i8 1 0\n",
                                      "token 1 1000\nprompt 1 1000\nprompt_i8 1 0\n ",
                                      "prompt 1 1000\ntoken 1 1000\nprompt_i8 1 0\n",
                                      "token 1 -1\nprompt 1 1000\nprompt_i8 1 0\n"};
    struct ops_tuned t[OPS_N_USE], back[OPS_N_USE];
    char text[256];
    for (int use = 0; use < OPS_N_USE; use++)
        t[use] = (struct ops_tuned){ops_way_by_rule(fx->device, (enum ops_use)use),
                                    1 + 0.25 * use};
    t[OPS_USE_PROMPT].way = OPS_WAY_TILE;
    ops_tuned_write(t, text, sizeof text);
    assert_true(ops_tuned_read(fx->device, text, back));
    for (int use = 0; use < OPS_N_USE; use++)
        assert_true(back[use].way == t[use].way && back[use].gain == t[use].gain);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(ops_tuned_read(fx->device, bad[i], back));
}

/* A kernel that answers wrongly, here because it takes the weights for another type of
 * the same size, is not taken however fast it is. */
static void wrong_kernels_are_left_out(void **state)
{
    (void)state;
    static const enum ops_way ways[] = {OPS_WAY_REGISTER, OPS_WAY_TILE};
    struct gpu_shader other[2] = {{"matmul_tile.q4_0", NULL, 0}, {0, 0, 0}};
    for (const struct gpu_shader *s = gpu_shaders; s->name; s++)
        if (strcmp(s->name, "matmul_tile.mxfp4") == 0) {
            other[0].code = s->code;
            other[0].size = s->size;
        }
    assert_non_null(other[0].code);
    struct heard said;
    struct lem_device *d = open_device(NULL, &said);
    gpu_shaders_add(d, other);
    struct ops_bed *bed;
    uint64_t best[2];
    assert_int_equal(ops_bed_open(d, &bed), LEM_OK);
    assert_int_equal(ops_bed_time(bed, OPS_USE_PROMPT, ways, 2, best), LEM_OK);
    assert_true(best[0] > 0);
    assert_true(best[1] == 0);
    assert_int_equal(said.n_warn, 1);
    assert_non_null(strstr(said.warn, "\"tiles\" give wrong results"));
    ops_bed_close(&bed);
    lem_device_close(&d);
    assert_int_equal(said.n_error, 0);
}

/* One word, size or name, or one shader more: other kernels. */
static void notes_know_the_kernels(void **state)
{
    (void)state;
    static const uint32_t code[] = {1, 2, 3}, other[] = {1, 2, 4};
    static const struct gpu_shader table[][3] = {
        {{"a", code, sizeof code}},
        {{"a", other, sizeof other}},
        {{"a", code, sizeof code - sizeof *code}},
        {{"b", code, sizeof code}},
        {{"a", code, sizeof code}, {"a", code, sizeof code}},
        {{0}},
    };
    enum { N = sizeof table / sizeof *table };
    for (int i = 0; i < N; i++)
        for (int j = 0; j < i; j++)
            assert_true(gpu_shaders_hash(table[i]) != gpu_shaders_hash(table[j]));

    struct scratch s;
    struct heard said;
    char path[1024], text[4096], want[32];
    scratch_open(&s);
    struct lem_device *d = open_device(s.dir, &said);
    assert_true(gpu_note_write(d, "kernels", "x"));
    lem_device_close(&d);
    find_note(&s, path, sizeof path);
    text[read_note(path, text, sizeof text - 1)] = '\0';
    snprintf(want, sizeof want, " %016" PRIx64 "\n", gpu_shaders_hash(gpu_shaders));
    assert_non_null(strstr(text, want));
    scratch_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_folder_the_rule_holds),
        cmocka_unit_test(a_folder_that_takes_nothing_is_none),
        cmocka_unit_test(cpu_devices_are_not_measured),
        cmocka_unit_test(families_by_name),
        cmocka_unit_test(measured_once_then_known),
        cmocka_unit_test(notes_are_checked),
        cmocka_unit_test(notes_know_the_kernels),
        cmocka_unit_test(text_and_back),
        cmocka_unit_test(wrong_kernels_are_left_out),
    };
    return cmocka_run_group_tests_name("tune", tests, gpu_fixture_open,
                                       gpu_fixture_close);
}
