/* test_gpu_memory.c - where bytes of the host go: buffers without zeros, memory that is
 * not mapped, and staging rings of several threads that fill one buffer. */
#include "support/tolerance.h"

#include <stdlib.h>
#include <string.h>

#include "base/thread.h"
#include "support/gpu_fixture.h"

/* What was in a blank buffer before nobody knows; what is written into it stays. */
static void blank_buffers_keep_bytes(void **state)
{
    enum { SIZE = 5000 };
    static const enum gpu_buf_kind kind[] = {GPU_BUF_DEVICE, GPU_BUF_UPLOAD};
    struct gpu_fixture *fx = *state;
    uint8_t want[SIZE], got[SIZE];
    for (uint32_t i = 0; i < SIZE; i++)
        want[i] = (uint8_t)random_u32(&fx->seed);
    for (size_t i = 0; i < sizeof kind / sizeof *kind; i++) {
        struct gpu_buf *b = NULL;
        struct gpu_upload *up = NULL;
        void *slot = NULL;
        assert_int_equal(gpu_buf_open_blank(fx->device, kind[i], SIZE, "blank", &b),
                         LEM_OK);
        assert_int_equal(gpu_buf_size(b), SIZE);
        assert_int_equal(gpu_upload_open(fx->device, SIZE, 1, &up), LEM_OK);
        assert_int_equal(gpu_upload_slot(up, &slot), LEM_OK);
        memcpy(slot, want, SIZE);
        assert_int_equal(gpu_upload_send(up, b, 0, SIZE), LEM_OK);
        assert_int_equal(gpu_upload_finish(up), LEM_OK);
        assert_int_equal(gpu_buf_read(b, 0, SIZE, got), LEM_OK);
        assert_memory_equal(got, want, SIZE);
        gpu_upload_close(&up);
        gpu_buf_close(&b);
        assert_int_equal(gpu_buf_open_blank(fx->device, kind[i], 0, "blank", &b),
                         LEM_ERR_ARGUMENT);
        gpu_fixture_said(fx, "0 bytes");
    }
}

static void assert_same_caps(const struct lem_device_caps *a,
                             const struct lem_device_caps *b)
{
    assert_int_equal(a->fp16, b->fp16);
    assert_int_equal(a->int8, b->int8);
    assert_int_equal(a->storage_8bit, b->storage_8bit);
    assert_int_equal(a->storage_16bit, b->storage_16bit);
    assert_int_equal(a->subgroup_arithmetic, b->subgroup_arithmetic);
    assert_int_equal(a->subgroup_quad, b->subgroup_quad);
    assert_int_equal(a->subgroup_size_control, b->subgroup_size_control);
    assert_int_equal(a->int_dot, b->int_dot);
    assert_int_equal(a->host_import, b->host_import);
    assert_int_equal(a->memory_budget, b->memory_budget);
    assert_int_equal(a->pipeline_statistics, b->pipeline_statistics);
    assert_int_equal(a->subgroup_size, b->subgroup_size);
    assert_int_equal(a->max_workgroup, b->max_workgroup);
    assert_int_equal(a->max_shared_bytes, b->max_shared_bytes);
    assert_int_equal(a->max_buffer_range, b->max_buffer_range);
    assert_int_equal(a->max_alloc_bytes, b->max_alloc_bytes);
    assert_int_equal(a->max_texel_elements, b->max_texel_elements);
    assert_int_equal(a->storage_align, b->storage_align);
    assert_int_equal(a->max_storage_bindings, b->max_storage_bindings);
}

/* The profile takes the mapping of device memory away and nothing else. */
static void unmapped_memory_is_all_that_the_profile_takes(void **state)
{
    struct gpu_fixture *fx = *state;
    struct capture said = {0};
    const struct lem_device_params p = {.selector = getenv("LEMNOS_TEST_DEVICE"),
                                        .caps = "unmapped",
                                        .validation = true,
                                        .log = capture_log(&said)};
    struct lem_device_params plain = p;
    struct lem_device *d = NULL, *all = NULL;
    (void)fx;
    plain.caps = NULL;
    assert_int_equal(lem_device_open(&p, &d), LEM_OK);
    assert_int_equal(lem_device_open(&plain, &all), LEM_OK);
    assert_same_caps(gpu_caps(d), gpu_caps(all));
    assert_false(gpu_is_unified(d));
    struct gpu_buf *b = NULL, *host = NULL;
    assert_int_equal(gpu_buf_open(d, GPU_BUF_DEVICE, 64, "device", &b), LEM_OK);
    assert_int_equal(gpu_buf_open(d, GPU_BUF_UPLOAD, 64, "upload", &host), LEM_OK);
    assert_null(gpu_buf_map(b));
    assert_non_null(gpu_buf_map(host));
    gpu_buf_close(&host);
    gpu_buf_close(&b);
    lem_device_close(&all);
    lem_device_close(&d);
    assert_silent(&said);
}

/* ---- several rings ------------------------------------------------------------- */

enum { N_THREAD = 4, N_PIECE = 50, PIECE = 777 };

struct sender {
    struct thread thread;
    struct lem_device *device;
    struct gpu_buf *to;
    const uint8_t *from;
    uint32_t first;
    bool ok;
};

/* Every N_THREAD-th piece, by a ring of its own. */
static void send(void *arg)
{
    struct sender *s = arg;
    struct gpu_upload *up = NULL;
    s->ok = gpu_upload_open(s->device, PIECE, 2, &up) == LEM_OK;
    for (uint32_t i = s->first; i < N_PIECE && s->ok; i += N_THREAD) {
        void *slot = NULL;
        s->ok = gpu_upload_slot(up, &slot) == LEM_OK;
        if (!s->ok)
            break;
        memcpy(slot, s->from + (size_t)i * PIECE, PIECE);
        s->ok = gpu_upload_send(up, s->to, (uint64_t)i * PIECE, PIECE) == LEM_OK;
    }
    s->ok = s->ok && gpu_upload_finish(up) == LEM_OK;
    gpu_upload_close(&up);
}

static void threads_fill_one_buffer(void **state)
{
    struct gpu_fixture *fx = *state;
    struct sender sender[N_THREAD];
    struct gpu_buf *b = gpu_fixture_buf(fx, NULL, (uint64_t)N_PIECE * PIECE);
    uint8_t *want = malloc((size_t)N_PIECE * PIECE);
    uint8_t *got = malloc((size_t)N_PIECE * PIECE);
    assert_true(want && got);
    for (uint32_t i = 0; i < N_PIECE * PIECE; i++)
        want[i] = (uint8_t)random_u32(&fx->seed);
    for (uint32_t i = 0; i < N_THREAD; i++) {
        sender[i] =
            (struct sender){.device = fx->device, .to = b, .from = want, .first = i};
        assert_true(thread_start(&sender[i].thread, send, &sender[i]));
    }
    for (uint32_t i = 0; i < N_THREAD; i++) {
        thread_join(&sender[i].thread);
        assert_true(sender[i].ok);
    }
    gpu_fixture_read(fx, b, got, (uint64_t)N_PIECE * PIECE);
    assert_memory_equal(got, want, (size_t)N_PIECE * PIECE);
    gpu_buf_close(&b);
    free(want);
    free(got);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blank_buffers_keep_bytes),
        cmocka_unit_test(unmapped_memory_is_all_that_the_profile_takes),
        cmocka_unit_test(threads_fill_one_buffer),
    };
    return cmocka_run_group_tests(tests, gpu_fixture_open, gpu_fixture_close);
}
