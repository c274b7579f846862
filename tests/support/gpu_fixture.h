/* gpu_fixture.h - an open device for the tests of a program: with the validation
 * layer where that is installed, and a log in which nothing bad may be left. */
#ifndef SUPPORT_GPU_FIXTURE_H
#define SUPPORT_GPU_FIXTURE_H

#include "gpu/gpu.h"
#include "support/capture.h"

struct gpu_fixture {
    struct lem_device *device;
    struct capture said; /* by the device */
    uint64_t seed;       /* for random_f32() and random_u32() */
};

/* Group setup and teardown; *state is the struct gpu_fixture. The device is the one
 * that LEMNOS_TEST_DEVICE names, its caps those of LEMNOS_TEST_CAPS. Without any
 * device the program ends as skipped: exit code GPU_FIXTURE_SKIP. Teardown ends it as
 * failed when the validation layer complained, an error line came that no test asked
 * for, or device memory is still in use. */
enum { GPU_FIXTURE_SKIP = 77 };
int gpu_fixture_open(void **state);
int gpu_fixture_close(void **state);

/* Fails unless exactly one error line came since the last call and contains `text`. */
void gpu_fixture_said(struct gpu_fixture *fx, const char *text);

/* Another device of the same kind with a limit of its own (0 = none), its messages in
 * `said`. Its validation messages count there as errors. */
struct lem_device *gpu_fixture_second_device(struct gpu_fixture *fx, uint64_t max_bytes,
                                             struct capture *said);

/* A device buffer with a copy of `data`, mapped or not; NULL: zeros. */
struct gpu_buf *gpu_fixture_buf(struct gpu_fixture *fx, const void *data, uint64_t bytes);
/* Its first bytes, or all of them, back on the host. */
void gpu_fixture_read(struct gpu_fixture *fx, struct gpu_buf *buf, void *out,
                      uint64_t bytes);

#endif
