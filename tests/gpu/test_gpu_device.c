/* test_gpu_device.c - devices listed, chosen, opened several at once, lost; and what
 * is kept of them between runs: the pipeline cache. */
#include "support/tolerance.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "gpu/vk.h"
#include "support/gpu_fixture.h"
#include "support/scratch.h"
#include "test_shaders.h"

/* ---- choosing --------------------------------------------------------------- */

static void devices_are_listed(void **state)
{
    struct gpu_fixture *fx = *state;
    struct lem_device_info all[8], one, own;
    uint32_t n, again;
    assert_int_equal(lem_device_list(NULL, all, 8, &n), LEM_OK);
    assert_true(n >= 1);
    assert_int_equal(lem_device_list(NULL, NULL, 0, &again), LEM_OK);
    assert_int_equal(again, n);
    assert_int_equal(lem_device_list(NULL, &one, 1, &again), LEM_OK);
    assert_int_equal(again, n);
    assert_string_equal(one.name, all[0].name);

    lem_device_get_info(fx->device, &own);
    const struct lem_device_info *listed = &all[own.index];
    assert_string_equal(listed->name, own.name);
    assert_string_equal(listed->driver, own.driver);
    assert_string_equal(listed->missing, "");
    assert_true(own.name[0] && own.driver[0] && own.n_heap >= 1);
    assert_true(own.caps.max_workgroup >= 128 && own.caps.max_storage_bindings >= 8);
    assert_true(own.caps.subgroup_size >= 1 && own.caps.storage_align >= 1);
    assert_true(own.caps.max_shared_bytes >= 16384);
    assert_true(own.caps.max_buffer_range >= 128u << 20);
    assert_true(own.caps.max_workgroup <= listed->caps.max_workgroup);
    assert_int_equal(gpu_type(fx->device), own.type);
    assert_string_equal(gpu_name(fx->device), own.name);
}

static void selectors_choose_or_say_what_is_there(void **state)
{
    struct gpu_fixture *fx = *state;
    struct capture said;
    struct lem_device *d;
    struct lem_device_info own;
    char index[16], part[8];
    lem_device_get_info(fx->device, &own);
    snprintf(index, sizeof index, "%u", own.index);
    snprintf(part, sizeof part, "%.5s", own.name);
    for (size_t i = 0; part[i]; i++) /* in any case */
        part[i] ^= (part[i] >= 'a' && part[i] <= 'z') ? 0x20 : 0;
    const char *good[] = {index, part, "", NULL};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        const struct lem_device_params p = {.selector = good[i],
                                            .log = capture_log(&said)};
        assert_int_equal(lem_device_open(&p, &d), LEM_OK);
        assert_silent(&said);
        lem_device_close(&d);
        assert_null(d);
    }
    const char *bad[] = {"77", "no such card", "-1", "0x"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const struct lem_device_params p = {.selector = bad[i],
                                            .log = capture_log(&said)};
        assert_int_equal(lem_device_open(&p, &d), LEM_ERR_NO_DEVICE);
        assert_null(d);
        assert_non_null(strstr(said.error, own.name));
        assert_said(&said, bad[i]);
    }
}

static void unknown_profiles_are_refused(void **state)
{
    (void)state;
    struct capture said;
    struct lem_device *d;
    const struct lem_device_params p = {.caps = "maximal", .log = capture_log(&said)};
    assert_int_equal(lem_device_open(&p, &d), LEM_ERR_ARGUMENT);
    assert_null(d);
    assert_said(&said, "no caps profile \"maximal\". Known: minimal");
}

/* Sets a variable of the environment and gives back what it was. */
static void swap_env(const char *name, const char *value, char *old, size_t cap)
{
    const char *was = getenv(name);
    if (old)
        snprintf(old, cap, "%s", was ? was : "");
    assert_int_equal(value ? setenv(name, value, 1) : unsetenv(name), 0);
}

static void a_machine_without_drivers_is_told_what_to_install(void **state)
{
    (void)state;
    char old[2][512];
    struct capture said;
    struct lem_device *d;
    uint32_t n = 99;
    const struct lem_device_params p = {.log = capture_log(&said)};
    swap_env("VK_ICD_FILENAMES", "/nonexistent.json", old[0], sizeof old[0]);
    swap_env("VK_DRIVER_FILES", "/nonexistent.json", old[1], sizeof old[1]);
    const enum lem_status listed = lem_device_list(&p.log, NULL, 0, &n);
    const enum lem_status opened = lem_device_open(&p, &d);
    swap_env("VK_ICD_FILENAMES", old[0][0] ? old[0] : NULL, NULL, 0);
    swap_env("VK_DRIVER_FILES", old[1][0] ? old[1] : NULL, NULL, 0);
    assert_int_equal(listed, LEM_OK);
    assert_int_equal(n, 0);
    assert_int_equal(opened, LEM_ERR_NO_DEVICE);
    assert_null(d);
    assert_said(&said, "no Vulkan device: install the Vulkan driver");
}

/* ---- several, and lost ones ------------------------------------------------- */

static uint32_t run_once(struct lem_device *d, struct gpu_list **l, struct gpu_buf **b)
{
    const struct gpu_kernel *k;
    const uint32_t local = 4;
    uint32_t got;
    gpu_shaders_add(d, test_shaders);
    if (!*l) {
        assert_int_equal(gpu_kernel_get(d, "test.groups", &local, 1, &k), LEM_OK);
        assert_int_equal(gpu_buf_open(d, GPU_BUF_DEVICE, 4, "count", b), LEM_OK);
        assert_int_equal(gpu_list_open(d, "once", false, l), LEM_OK);
        const struct gpu_dispatch one = {.kernel = k,
                                         .label = "count",
                                         .bind = {gpu_slice_all(*b)},
                                         .group = {1, 1, 1}};
        assert_int_equal(gpu_list_add(*l, &one), LEM_OK);
    }
    assert_int_equal(gpu_list_run(l, 1, 1, NULL), LEM_OK);
    assert_int_equal(gpu_buf_read(*b, 0, 4, &got), LEM_OK);
    return got;
}

static void two_devices_work_side_by_side(void **state)
{
    struct gpu_fixture *fx = *state;
    struct capture said;
    struct lem_device *d[2] = {fx->device, gpu_fixture_second_device(fx, 0, &said)};
    struct gpu_list *l[2] = {NULL, NULL};
    struct gpu_buf *b[2] = {NULL, NULL};
    for (uint32_t round = 1; round <= 3; round++)
        for (int i = 0; i < 2; i++)
            assert_int_equal(run_once(d[i], &l[i], &b[i]), round);

    assert_int_equal(gpu_list_run(l, 2, 1, NULL), LEM_ERR_ARGUMENT);
    gpu_fixture_said(fx, "is of another device");
    for (int i = 0; i < 2; i++) {
        gpu_list_close(&l[i]);
        gpu_buf_close(&b[i]);
    }
    assert_int_equal(gpu_validation_count(d[1]), 0);
    lem_device_close(&d[1]);
    assert_silent(&said);
}

static void a_lost_device_says_so_from_then_on(void **state)
{
    struct gpu_fixture *fx = *state;
    struct capture said;
    struct lem_device *d = gpu_fixture_second_device(fx, 0, &said);
    struct gpu_list *l = NULL, *other;
    struct gpu_buf *b = NULL, *more;
    struct gpu_upload *up, *another;
    const struct gpu_kernel *k;
    void *slot;
    uint8_t byte;
    assert_int_equal(run_once(d, &l, &b), 1);
    assert_int_equal(gpu_upload_open(d, 16, 1, &up), LEM_OK);
    assert_silent(&said);

    gpu_pretend_lost(d, 0);
    assert_int_equal(gpu_list_run(&l, 1, 1, NULL), LEM_ERR_DEVICE_LOST);
    assert_said(&said, "stopped responding while submitting once");
    assert_int_equal(gpu_list_run(&l, 1, 1, NULL), LEM_ERR_DEVICE_LOST);
    assert_said(&said, "was lost earlier");
    assert_int_equal(gpu_buf_open(d, GPU_BUF_UPLOAD, 4, "x", &more), LEM_ERR_DEVICE_LOST);
    assert_said(&said, "was lost earlier");
    assert_int_equal(gpu_buf_read(b, 0, 1, &byte), LEM_ERR_DEVICE_LOST);
    assert_said(&said, "was lost earlier");
    assert_int_equal(gpu_kernel_get(d, "test.groups", NULL, 0, &k), LEM_ERR_DEVICE_LOST);
    assert_said(&said, "was lost earlier");
    assert_int_equal(gpu_list_open(d, "x", false, &other), LEM_ERR_DEVICE_LOST);
    assert_said(&said, "was lost earlier");
    assert_int_equal(gpu_upload_open(d, 16, 1, &another), LEM_ERR_DEVICE_LOST);
    assert_said(&said, "was lost earlier");
    assert_int_equal(gpu_upload_slot(up, &slot), LEM_ERR_DEVICE_LOST);
    assert_said(&said, "was lost earlier");
    assert_int_equal(gpu_upload_finish(up), LEM_ERR_DEVICE_LOST);
    assert_said(&said, "was lost earlier");
    gpu_upload_close(&up);
    gpu_list_close(&l);
    gpu_buf_close(&b);
    lem_device_close(&d);
    assert_silent(&said);

    /* Opened again, it works. */
    d = gpu_fixture_second_device(fx, 0, &said);
    assert_int_equal(run_once(d, &l, &b), 1);
    gpu_list_close(&l);
    gpu_buf_close(&b);
    lem_device_close(&d);
    assert_silent(&said);
}

/* The layer is there, with synchronization validation, and is heard: else all its
 * silence in these tests would mean nothing. */
static void validation_is_heard(void **state)
{
    struct gpu_fixture *fx = *state;
    struct capture said;
    struct lem_device *d = gpu_fixture_second_device(fx, 0, &said);
    if (!d->instance.messenger) { /* the layer is not installed */
        lem_device_close(&d);
        skip();
    }
    (void)d->fn.vkResetFences(d->handle, 0, NULL);
    assert_int_equal(gpu_validation_count(d), 1);
    assert_said(&said, "validation: ");

    struct gpu_buf *a;
    VkCommandBuffer cmd;
    assert_int_equal(gpu_buf_open(d, GPU_BUF_UPLOAD, 64, "a", &a), LEM_OK);
    assert_int_equal(gpu_once_begin(d, &cmd), LEM_OK);
    d->fn.vkCmdFillBuffer(cmd, a->handle, 0, 16, 1);
    d->fn.vkCmdFillBuffer(cmd, a->handle, 0, 16, 2); /* no barrier before it */
    assert_int_equal(gpu_once_end(d, "two fills"), LEM_OK);
    assert_int_equal(gpu_validation_count(d), 2);
    assert_said(&said, "SYNC-HAZARD-WRITE-AFTER-WRITE");
    gpu_buf_close(&a);
    lem_device_close(&d);
    assert_silent(&said);
}

/* ---- pipeline cache --------------------------------------------------------- */

/* Errors and warnings, counted; the last warning. */
struct heard {
    unsigned n_error, n_warn;
    char warn[1024];
};

static void hear(void *priv, enum lem_log_level level, const char *text)
{
    struct heard *h = priv;
    h->n_error += level == LEM_LOG_ERROR;
    if (level == LEM_LOG_WARN) {
        h->n_warn++;
        snprintf(h->warn, sizeof h->warn, "%s", text);
    }
}

/* What a device with a cache folder says while it runs something. */
static void run_cached(const char *dir, struct heard *said)
{
    struct lem_device_params p = {.selector = getenv("LEMNOS_TEST_DEVICE"),
                                  .caps = getenv("LEMNOS_TEST_CAPS"),
                                  .cache_dir = dir};
    struct lem_device *d;
    struct gpu_list *l = NULL;
    struct gpu_buf *b = NULL;
    *said = (struct heard){0};
    p.log = (struct lem_log){.fn = hear, .priv = said};
    assert_int_equal(lem_device_open(&p, &d), LEM_OK);
    assert_int_equal(run_once(d, &l, &b), 1);
    gpu_list_close(&l);
    gpu_buf_close(&b);
    lem_device_close(&d);
}

static void read_file(const char *path, unsigned char **data, long *size)
{
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    assert_int_equal(fseek(f, 0, SEEK_END), 0);
    *size = ftell(f);
    rewind(f);
    *data = malloc((size_t)*size + 1);
    assert_true(*data && fread(*data, 1, (size_t)*size, f) == (size_t)*size);
    fclose(f);
}

static void write_file(const char *path, const unsigned char *data, long size)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_true(fwrite(data, 1, (size_t)size, f) == (size_t)size);
    assert_int_equal(fclose(f), 0);
}

/* The path of the only file in a folder. */
static void find_file(const struct scratch *s, char *out, size_t cap)
{
    DIR *dir = opendir(s->dir);
    assert_non_null(dir);
    *out = '\0';
    for (const struct dirent *e; (e = readdir(dir));)
        if (e->d_name[0] != '.')
            snprintf(out, cap, "%s/%s", s->dir, e->d_name);
    closedir(dir);
    assert_true(*out);
}

static void the_cache_is_written_and_read(void **state)
{
    (void)state;
    struct scratch s;
    struct heard said;
    char path[600];
    unsigned char *data;
    long size;
    scratch_open(&s);
    run_cached(s.dir, &said);
    assert_int_equal(said.n_warn, 0);
    assert_int_equal(scratch_count(&s), 1); /* no temporary file is left */
    find_file(&s, path, sizeof path);
    read_file(path, &data, &size);
    assert_true(size > 24 && memcmp(data, "LEMPIPE1", 8) == 0);
    run_cached(s.dir, &said);
    assert_int_equal(said.n_warn, 0);

    /* A folder that is not there is made. */
    char deep[256];
    snprintf(deep, sizeof deep, "%.255s", scratch_path(&s, "deep"));
    run_cached(deep, &said);
    assert_int_equal(said.n_warn, 0);
    struct scratch below = {0};
    snprintf(below.dir, sizeof below.dir, "%s", deep);
    assert_int_equal(scratch_count(&below), 1);
    scratch_close(&below);
    scratch_close(&s);
    free(data);
}

static void a_damaged_cache_is_ignored_and_replaced(void **state)
{
    (void)state;
    struct scratch s;
    struct heard said;
    char path[600];
    unsigned char *whole;
    long size;
    scratch_open(&s);
    run_cached(s.dir, &said);
    find_file(&s, path, sizeof path);
    read_file(path, &whole, &size);
    unsigned char *bad = malloc((size_t)size + 1);
    assert_non_null(bad);
    /* cut short at every part of the header and in the data; one bit turned in each;
     * a byte too many */
    static const long at[] = {0, 1, 7, 8, 15, 16, 23, 24, 28, 32, 36, 40, 55};
    enum { N_AT = sizeof at / sizeof *at };
    for (int i = 0; i < 2 * N_AT + 1; i++) {
        memcpy(bad, whole, (size_t)size);
        bad[size] = 0;
        if (i < N_AT) {
            write_file(path, bad, at[i]);
        } else if (i < 2 * N_AT) {
            bad[at[i - N_AT]] ^= 0x10;
            write_file(path, bad, size);
        } else {
            write_file(path, bad, size + 1);
        }
        run_cached(s.dir, &said);
        if (said.n_warn != 1)
            fail_msg("damage %d: %u warnings", i, said.n_warn);
        assert_non_null(strstr(said.warn, "pipeline cache ignored"));
        assert_int_equal(said.n_error, 0);
        run_cached(s.dir, &said); /* was written anew */
        assert_int_equal(said.n_warn, 0);
    }
    free(bad);
    free(whole);
    scratch_close(&s);
}

/* Whole, but of another device: as copied from another machine. */
static void a_foreign_cache_is_ignored(void **state)
{
    (void)state;
    struct scratch s;
    struct heard said;
    char path[600];
    unsigned char *data;
    long size;
    scratch_open(&s);
    run_cached(s.dir, &said);
    find_file(&s, path, sizeof path);
    read_file(path, &data, &size);
    data[24 + 8] ^= 1; /* vendor, in the driver's own header */
    uint64_t sum = UINT64_C(0xcbf29ce484222325);
    for (long i = 24; i < size; i++)
        sum = (sum ^ data[i]) * UINT64_C(0x100000001b3);
    for (int i = 0; i < 8; i++)
        data[16 + i] = (unsigned char)(sum >> (8 * i));
    write_file(path, data, size);
    run_cached(s.dir, &said);
    assert_int_equal(said.n_warn, 1);
    assert_non_null(strstr(said.warn, "of another device or driver"));
    free(data);
    scratch_close(&s);
}

/* Opening a pipe would wait for somebody at its other end, for ever. */
static void a_pipe_in_the_caches_place_is_left_alone(void **state)
{
    (void)state;
    struct scratch s;
    struct heard said;
    char path[600];
    scratch_open(&s);
    run_cached(s.dir, &said);
    find_file(&s, path, sizeof path);
    assert_int_equal(remove(path), 0);
    assert_int_equal(mkfifo(path, 0600), 0);
    run_cached(s.dir, &said);
    assert_int_equal(said.n_warn, 1);
    assert_non_null(strstr(said.warn, "no regular file"));
    assert_int_equal(said.n_error, 0);
    scratch_close(&s);
}

static void a_cache_that_cannot_be_written_is_only_a_warning(void **state)
{
    (void)state;
    struct scratch s;
    struct heard said;
    char path[600];
    scratch_open(&s);
    snprintf(path, sizeof path, "%s", scratch_path(&s, "file"));
    write_file(path, (const unsigned char *)"x", 1);
    run_cached(path, &said); /* a file where the folder should be */
    assert_int_equal(said.n_warn, 1);
    assert_non_null(strstr(said.warn, "could not be written"));
    assert_int_equal(said.n_error, 0);
    scratch_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(devices_are_listed),
        cmocka_unit_test(selectors_choose_or_say_what_is_there),
        cmocka_unit_test(unknown_profiles_are_refused),
        cmocka_unit_test(a_machine_without_drivers_is_told_what_to_install),
        cmocka_unit_test(two_devices_work_side_by_side),
        cmocka_unit_test(a_lost_device_says_so_from_then_on),
        cmocka_unit_test(validation_is_heard),
        cmocka_unit_test(the_cache_is_written_and_read),
        cmocka_unit_test(a_damaged_cache_is_ignored_and_replaced),
        cmocka_unit_test(a_foreign_cache_is_ignored),
        cmocka_unit_test(a_pipe_in_the_caches_place_is_left_alone),
        cmocka_unit_test(a_cache_that_cannot_be_written_is_only_a_warning),
    };
    return cmocka_run_group_tests_name("gpu_device", tests, gpu_fixture_open,
                                       gpu_fixture_close);
}
