/* gpu_fixture.c - an open device for the tests of a program. */
#include "support/gpu_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/tolerance.h"

static struct lem_device_params params(const struct gpu_fixture *fx)
{
    (void)fx;
    return (struct lem_device_params){
        .selector = getenv("LEMNOS_TEST_DEVICE"),
        .caps = getenv("LEMNOS_TEST_CAPS"),
        .validation = true,
    };
}

int gpu_fixture_open(void **state)
{
    struct gpu_fixture *fx = calloc(1, sizeof *fx);
    if (!fx)
        return -1;
    struct lem_device_params p = params(fx);
    p.log = capture_log(&fx->said);
    fx->seed = 1;
    const enum lem_status st = lem_device_open(&p, &fx->device);
    if (st == LEM_OK && fx->said.unchecked) {
        fprintf(stderr,
                "failed: the Khronos validation layer is not installed, so nothing "
                "would be checked (Debian: vulkan-validationlayers)\n");
        lem_device_close(&fx->device);
        free(fx);
        return -1;
    }
    if (st == LEM_OK) {
        *state = fx;
        return 0;
    }
    fprintf(stderr, "%s: %s\n", st == LEM_ERR_NO_DEVICE ? "skipped" : "failed",
            fx->said.error);
    free(fx);
    if (st == LEM_ERR_NO_DEVICE)
        exit(GPU_FIXTURE_SKIP);
    return -1;
}

int gpu_fixture_close(void **state)
{
    struct gpu_fixture *fx = *state;
    uint64_t now, peak;
    lem_device_memory(fx->device, &now, &peak);
    int bad = 0;
    if (now != 0 && ++bad)
        fprintf(stderr, "%llu bytes of device memory were not given back\n",
                (unsigned long long)now);
    lem_device_close(&fx->device); /* leaks are reported here, into `said` */
    if (fx->said.n_error && ++bad)
        fprintf(stderr, "%u error lines, the last: %s\n", fx->said.n_error,
                fx->said.error);
    free(fx);
    *state = NULL;
    if (bad) /* cmocka's exit code knows nothing of a group's teardown */
        exit(EXIT_FAILURE);
    return 0;
}

void gpu_fixture_said(struct gpu_fixture *fx, const char *text)
{
    assert_said(&fx->said, text);
}

struct lem_device *gpu_fixture_second_device(struct gpu_fixture *fx, uint64_t max_bytes,
                                             struct capture *said)
{
    struct lem_device_params p = params(fx);
    p.max_bytes = max_bytes;
    p.log = capture_log(said);
    struct lem_device *device;
    assert_int_equal(lem_device_open(&p, &device), LEM_OK);
    return device;
}

struct gpu_buf *gpu_fixture_buf(struct gpu_fixture *fx, const void *data, uint64_t bytes)
{
    struct gpu_buf *buf;
    assert_int_equal(gpu_buf_open(fx->device, GPU_BUF_DEVICE, bytes, "test", &buf),
                     LEM_OK);
    if (data && gpu_buf_map(buf)) {
        memcpy(gpu_buf_map(buf), data, bytes);
    } else if (data) {
        struct gpu_upload *up;
        void *slot;
        assert_int_equal(gpu_upload_open(fx->device, bytes, 1, &up), LEM_OK);
        assert_int_equal(gpu_upload_slot(up, &slot), LEM_OK);
        memcpy(slot, data, bytes);
        assert_int_equal(gpu_upload_send(up, buf, 0, bytes), LEM_OK);
        assert_int_equal(gpu_upload_finish(up), LEM_OK);
        gpu_upload_close(&up);
    }
    return buf;
}

void gpu_fixture_read(struct gpu_fixture *fx, struct gpu_buf *buf, void *out,
                      uint64_t bytes)
{
    (void)fx;
    assert_int_equal(gpu_buf_read(buf, 0, bytes, out), LEM_OK);
}
