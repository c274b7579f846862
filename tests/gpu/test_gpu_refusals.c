/* test_gpu_refusals.c - what a device cannot do, and what callers may not do, is
 * refused with a line that says so, and changes nothing. */
#include "support/tolerance.h"

#include <stdio.h>
#include <string.h>

#include "gpu/reflect.h"
#include "support/gpu_fixture.h"
#include "test_shaders.h"

static const struct gpu_kernel *chain(struct lem_device *d)
{
    const struct gpu_kernel *k;
    const uint32_t local = 32;
    gpu_shaders_add(d, test_shaders);
    assert_int_equal(gpu_kernel_get(d, "test.chain", &local, 1, &k), LEM_OK);
    return k;
}

/* ---- kernels ---------------------------------------------------------------- */

static void workgroups_are_limited_by_the_caps(void **state)
{
    struct gpu_fixture *fx = *state;
    const struct gpu_kernel *k;
    const uint32_t most = gpu_caps(fx->device)->max_workgroup, over = most + 1, none = 0;
    gpu_shaders_add(fx->device, test_shaders);
    assert_int_equal(gpu_kernel_get(fx->device, "test.groups", &most, 1, &k), LEM_OK);
    assert_int_equal(gpu_kernel_get(fx->device, "test.groups", &over, 1, &k),
                     LEM_ERR_UNSUPPORTED);
    assert_null(k);
    char text[64];
    snprintf(text, sizeof text, "test.groups wants %u invocations", over);
    gpu_fixture_said(fx, text);
    assert_int_equal(gpu_kernel_get(fx->device, "test.groups", &none, 1, &k),
                     LEM_ERR_UNSUPPORTED);
    gpu_fixture_said(fx, "wants 0 invocations");
}

/* The profile holds although the device itself could. */
static void minimal_refuses_256_invocations(void **state)
{
    struct gpu_fixture *fx = *state;
    struct capture said;
    const struct lem_device_params p = {.caps = "minimal", .log = capture_log(&said)};
    struct lem_device *d;
    const struct gpu_kernel *k;
    const uint32_t n = 256;
    (void)fx;
    assert_int_equal(lem_device_open(&p, &d), LEM_OK);
    const struct lem_device_caps *c = gpu_caps(d);
    assert_false(c->fp16 || c->int8 || c->storage_8bit || c->storage_16bit ||
                 c->subgroup_arithmetic || c->subgroup_quad || c->subgroup_size_control ||
                 c->int_dot || c->host_import);
    assert_int_equal(c->max_workgroup, 128);
    assert_int_equal(c->max_shared_bytes, 16384);
    assert_true(c->max_buffer_range <= 128u << 20);
    gpu_shaders_add(d, test_shaders);
    assert_int_equal(gpu_kernel_get(d, "test.groups", &n, 1, &k), LEM_ERR_UNSUPPORTED);
    assert_said(&said, "wants 256 invocations in a workgroup");
    lem_device_close(&d);
}

static void shared_memory_is_limited_by_the_caps(void **state)
{
    struct gpu_fixture *fx = *state;
    const struct gpu_kernel *k;
    const uint32_t most = gpu_caps(fx->device)->max_shared_bytes / 16;
    const uint32_t fits[] = {16, most}, over[] = {16, most + 1};
    gpu_shaders_add(fx->device, test_shaders);
    assert_int_equal(gpu_kernel_get(fx->device, "test.shared", fits, 2, &k), LEM_OK);
    assert_int_equal(gpu_kernel_get(fx->device, "test.shared", over, 2, &k),
                     LEM_ERR_UNSUPPORTED);
    gpu_fixture_said(fx, "bytes of shared memory");
}

static void capabilities_follow_the_caps(void **state)
{
    struct gpu_fixture *fx = *state;
    const struct gpu_kernel *k;
    const uint32_t local = 32;
    gpu_shaders_add(fx->device, test_shaders);
    const enum lem_status st = gpu_kernel_get(fx->device, "test.subgroup", &local, 1, &k);
    if (gpu_caps(fx->device)->subgroup_arithmetic) {
        assert_int_equal(st, LEM_OK);
    } else {
        assert_int_equal(st, LEM_ERR_UNSUPPORTED);
        gpu_fixture_said(fx, "needs subgroup_arithmetic");
    }
}

static void unknown_shaders_are_named(void **state)
{
    struct gpu_fixture *fx = *state;
    const struct gpu_kernel *k;
    assert_int_equal(gpu_kernel_get(fx->device, "nonsense.q9", NULL, 0, &k),
                     LEM_ERR_ARGUMENT);
    gpu_fixture_said(fx, "\"nonsense.q9\"");
}

static void damaged_shaders_are_refused(void **state)
{
    struct gpu_fixture *fx = *state;
    uint32_t code[4096];
    const struct gpu_shader *whole = test_shaders;
    while (strcmp(whole->name, "test.shared") != 0)
        whole++;
    assert_true(whole->size <= sizeof code);
    /* No length and no overwritten word may make the reader run past the end. */
    for (size_t n = 0; n < whole->size; n += 4) {
        struct gpu_reflection r;
        memcpy(code, whole->code, whole->size);
        (void)gpu_reflect(code, n, NULL, 0, &r);
        code[n / 4] = 0xffffffffu;
        (void)gpu_reflect(code, whole->size, NULL, 0, &r);
    }
    memset(code, 0, sizeof code);
    const struct gpu_shader table[] = {{"test.zeros", code, 64}, {0, 0, 0}};
    const struct gpu_kernel *k;
    gpu_shaders_add(fx->device, table);
    assert_int_equal(gpu_kernel_get(fx->device, "test.zeros", NULL, 0, &k), LEM_ERR_GPU);
    gpu_fixture_said(fx, "shader test.zeros cannot be used");
    gpu_shaders_add(fx->device, test_shaders);
}

static void reflection_reads_access_and_sizes(void **state)
{
    (void)state;
    const uint32_t constant[] = {48, 10};
    for (const struct gpu_shader *s = test_shaders; s->name; s++) {
        struct gpu_reflection r;
        assert_null(gpu_reflect(s->code, s->size, constant, 2, &r));
        assert_int_equal(r.local[0], 48);
        assert_int_equal(r.local[1], 1);
        if (strcmp(s->name, "test.chain") == 0) {
            assert_int_equal(r.n_binding, 3);
            assert_true(r.bind[0].read && !r.bind[0].write);
            assert_true(!r.bind[1].read && r.bind[1].write);
            assert_int_equal(r.bind[1].kind, GPU_BIND_STORAGE);
            assert_int_equal(r.bind[2].kind, GPU_BIND_UNIFORM);
            assert_true(r.bind[2].read && !r.bind[2].write);
            assert_int_equal(r.push_size, 8);
            assert_int_equal(r.shared_bytes, 0);
        }
        if (strcmp(s->name, "test.shared") == 0) {
            assert_true(r.bind[0].read && r.bind[0].write);
            assert_int_equal(r.shared_bytes, 160);
            assert_int_equal(r.push_size, 0);
        }
    }
}

static void every_shader_of_the_engine_can_be_read(void **state)
{
    (void)state;
    for (const struct gpu_shader *s = gpu_shaders; s->name; s++) {
        struct gpu_reflection r;
        const uint32_t local = 32;
        const char *problem = gpu_reflect(s->code, s->size, &local, 1, &r);
        if (problem)
            fail_msg("%s has %s", s->name, problem);
        if (r.local[0] != 32 || r.n_binding == 0 || r.push_size % 4 != 0)
            fail_msg("%s: constant 0 is not the width, or nothing is bound", s->name);
    }
}

/* ---- dispatches ------------------------------------------------------------- */

enum mistake {
    NO_BUFFER,
    ONE_TOO_MANY,
    NOT_ALIGNED,
    PAST_THE_END,
    EMPTY_SLICE,
    WRONG_PUSH,
    NO_PUSH,
    NO_GROUPS,
    TOO_MANY_GROUPS,
    INDIRECT_PAST_THE_END,
    N_MISTAKE
};

static enum lem_status make_mistake(enum mistake m, struct gpu_dispatch *d)
{
    switch (m) {
    case NO_BUFFER:
        d->bind[1] = (struct gpu_slice){0};
        break;
    case ONE_TOO_MANY:
        d->bind[3] = d->bind[0];
        break;
    case NOT_ALIGNED:
        d->bind[0].offset = 4;
        d->bind[0].size -= 4;
        break;
    case PAST_THE_END:
        d->bind[1].size += 1;
        break;
    case EMPTY_SLICE:
        d->bind[1].size = 0;
        break;
    case WRONG_PUSH:
        d->push_size = 12;
        break;
    case NO_PUSH:
        d->push = NULL;
        break;
    case NO_GROUPS:
        d->group[2] = 0;
        break;
    case TOO_MANY_GROUPS:
        d->group[2] = UINT32_MAX;
        return LEM_ERR_UNSUPPORTED;
    case INDIRECT_PAST_THE_END:
        d->indirect =
            (struct gpu_slice){d->bind[1].buf, d->bind[1].buf ? 4096 - 8 : 0, 12};
        break;
    case N_MISTAKE:
        break;
    }
    return LEM_ERR_ARGUMENT;
}

static void mistakes_are_refused_and_said(void **state)
{
    static const char *const text[N_MISTAKE] = {
        [NO_BUFFER] = "binding 1 is not given",
        [ONE_TOO_MANY] = "binding 3 is given, the kernel has none",
        [NOT_ALIGNED] = "no multiple of",
        [PAST_THE_END] = "bytes 0 + 4097",
        [EMPTY_SLICE] = "bytes 0 + 0",
        [WRONG_PUSH] = "12 bytes of push constants, the kernel has 8",
        [NO_PUSH] = "8 bytes of push constants",
        [NO_GROUPS] = "no workgroups in axis 2",
        [TOO_MANY_GROUPS] = "4294967295 workgroups in axis 2",
        [INDIRECT_PAST_THE_END] = "no three aligned u32 at byte 4088",
    };
    struct gpu_fixture *fx = *state;
    struct gpu_buf *x = gpu_fixture_buf(fx, NULL, 4096);
    struct gpu_buf *y = gpu_fixture_buf(fx, NULL, 4096);
    const uint32_t push[3] = {32, 0, 0};
    struct gpu_list *l;
    assert_int_equal(gpu_list_open(fx->device, "wrong", false, &l), LEM_OK);
    for (int m = 0; m < N_MISTAKE; m++) {
        struct gpu_dispatch d = {
            .kernel = chain(fx->device),
            .label = "a label",
            .bind = {gpu_slice_all(x), gpu_slice_all(y), gpu_slice_all(x)},
            .push = push,
            .push_size = 8,
            .group = {1, 1, 1},
        };
        const enum lem_status want = make_mistake(m, &d);
        assert_int_equal(gpu_list_add(l, &d), want);
        assert_non_null(strstr(fx->said.error, "wrong, \"a label\" (test.chain): "));
        gpu_fixture_said(fx, text[m]);
        assert_int_equal(gpu_list_length(l), 0);
    }
    gpu_list_close(&l);
    gpu_buf_close(&x);
    gpu_buf_close(&y);
}

static void too_many_rows_are_refused(void **state)
{
    struct gpu_fixture *fx = *state;
    struct gpu_buf *x = gpu_fixture_buf(fx, NULL, 4096);
    const uint32_t local = 1;
    const struct gpu_kernel *k;
    struct gpu_list *l;
    gpu_shaders_add(fx->device, test_shaders);
    assert_int_equal(gpu_kernel_get(fx->device, "test.groups", &local, 1, &k), LEM_OK);
    assert_int_equal(gpu_list_open(fx->device, "rows", false, &l), LEM_OK);
    const struct gpu_dispatch d = {.kernel = k,
                                   .label = "by row",
                                   .bind = {gpu_slice_all(x)},
                                   .group = {1, 1, 1},
                                   .rows_per_group = 1};
    assert_int_equal(gpu_list_add(l, &d), LEM_OK);
    assert_int_equal(gpu_list_run(&l, 1, UINT32_MAX, NULL), LEM_ERR_UNSUPPORTED);
    gpu_fixture_said(fx, "4294967295 rows need 4294967295 workgroups");
    assert_int_equal(gpu_list_run(&l, 1, 2, NULL), LEM_OK);

    struct gpu_list *twice[] = {l, l};
    assert_int_equal(gpu_list_run(twice, 2, 2, NULL), LEM_ERR_ARGUMENT);
    gpu_fixture_said(fx, "is twice in one submission");
    gpu_list_close(&l);
    gpu_buf_close(&x);
}

/* ---- memory ----------------------------------------------------------------- */

static void the_limit_of_memory_is_kept(void **state)
{
    enum { LIMIT = 1 << 20 };
    struct gpu_fixture *fx = *state;
    struct capture said;
    struct lem_device *d = gpu_fixture_second_device(fx, LIMIT, &said);
    struct gpu_buf *a, *b;
    uint64_t now, peak;
    assert_int_equal(gpu_buf_open(d, GPU_BUF_DEVICE, LIMIT / 2, "first", &a), LEM_OK);
    assert_int_equal(gpu_buf_open(d, GPU_BUF_DEVICE, LIMIT, "second", &b),
                     LEM_ERR_GPU_MEMORY);
    assert_null(b);
    assert_non_null(
        strstr(said.error, "needs 1.0 MiB, 0.5 MiB free of the limit of 1.0"));
    assert_said(&said, "GPU memory ran out for second");
    lem_device_memory(d, &now, &peak);
    assert_int_equal(now, LIMIT / 2);
    assert_int_equal(peak, LIMIT / 2);

    struct lem_device_info info;
    lem_device_get_info(d, &info);
    for (uint32_t i = 0; i < info.n_heap; i++)
        if (info.heap[i].device_local)
            assert_true(info.heap[i].budget <= LIMIT / 2);
    gpu_buf_close(&a);
    assert_int_equal(gpu_buf_open(d, GPU_BUF_DEVICE, LIMIT, "second", &b), LEM_OK);
    gpu_buf_close(&b);
    lem_device_memory(d, &now, &peak);
    assert_int_equal(now, 0);
    assert_int_equal(peak, LIMIT);
    assert_silent(&said);
    lem_device_close(&d);
    assert_silent(&said);
}

static void impossible_buffers_are_refused(void **state)
{
    struct gpu_fixture *fx = *state;
    struct gpu_buf *b;
    assert_int_equal(gpu_buf_open(fx->device, GPU_BUF_DEVICE, 0, "none", &b),
                     LEM_ERR_ARGUMENT);
    gpu_fixture_said(fx, "buffer none: a size of 0 bytes");
    assert_int_equal(gpu_buf_open(fx->device, GPU_BUF_DEVICE, UINT64_MAX - 3, "all", &b),
                     LEM_ERR_GPU_MEMORY);
    gpu_fixture_said(fx, "all");
    assert_int_equal(
        gpu_buf_open(fx->device, GPU_BUF_DEVICE, UINT64_C(1) << 50, "huge", &b),
        LEM_ERR_GPU_MEMORY);
    gpu_fixture_said(fx, "huge needs 1073741824.0 MiB in one piece");
    assert_null(b);
}

static void uploads_stay_inside(void **state)
{
    struct gpu_fixture *fx = *state;
    struct gpu_buf *b = gpu_fixture_buf(fx, NULL, 100);
    struct gpu_upload *up;
    void *slot;
    assert_int_equal(gpu_upload_open(fx->device, 64, 2, &up), LEM_OK);
    assert_int_equal(gpu_upload_send(up, b, 0, 4), LEM_ERR_ARGUMENT);
    gpu_fixture_said(fx, "without a slot");
    assert_int_equal(gpu_upload_slot(up, &slot), LEM_OK);
    static const uint64_t bad[][2] = {
        {0, 65}, {90, 11}, {101, 1}, {UINT64_MAX, 2}, {0, 0}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(gpu_upload_send(up, b, bad[i][0], bad[i][1]), LEM_ERR_ARGUMENT);
        gpu_fixture_said(fx, "which has 100");
    }
    assert_int_equal(gpu_upload_send(up, b, 36, 64), LEM_OK);
    assert_int_equal(gpu_upload_finish(up), LEM_OK);
    gpu_upload_close(&up);
    uint8_t got[4];
    assert_int_equal(gpu_buf_read(b, 98, 3, got), LEM_ERR_ARGUMENT);
    gpu_fixture_said(fx, "bytes 98 + 3 of a buffer of 100");
    gpu_buf_close(&b);
}

/* From device memory, mapped or not, to memory of the host. */
static void copies_stay_inside(void **state)
{
    struct gpu_fixture *fx = *state;
    static const uint8_t bytes[100] = {[0] = 1, [39] = 2, [40] = 3, [99] = 4};
    struct gpu_buf *from = gpu_fixture_buf(fx, bytes, sizeof bytes), *to = NULL;
    assert_int_equal(gpu_buf_open(fx->device, GPU_BUF_READBACK, 60, "to", &to), LEM_OK);
    const uint8_t *got = gpu_buf_map(to);
    assert_int_equal(gpu_buf_copy(to, from, 40), LEM_OK);
    assert_memory_equal(got, bytes, 40);
    assert_int_equal(got[40], 0); /* was not copied */
    assert_int_equal(gpu_buf_copy(to, from, 61), LEM_ERR_ARGUMENT);
    gpu_fixture_said(fx, "61 bytes of test (100) to to (60)");
    assert_int_equal(gpu_buf_copy(from, to, 61), LEM_ERR_ARGUMENT);
    gpu_fixture_said(fx, "61 bytes");
    assert_int_equal(gpu_buf_copy(to, from, 0), LEM_ERR_ARGUMENT);
    gpu_fixture_said(fx, "0 bytes");
    assert_int_equal(gpu_buf_copy(to, to, 4), LEM_ERR_ARGUMENT);
    gpu_fixture_said(fx, "4 bytes");
    gpu_buf_close(&from);
    gpu_buf_close(&to);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(workgroups_are_limited_by_the_caps),
        cmocka_unit_test(minimal_refuses_256_invocations),
        cmocka_unit_test(shared_memory_is_limited_by_the_caps),
        cmocka_unit_test(capabilities_follow_the_caps),
        cmocka_unit_test(unknown_shaders_are_named),
        cmocka_unit_test(damaged_shaders_are_refused),
        cmocka_unit_test(reflection_reads_access_and_sizes),
        cmocka_unit_test(every_shader_of_the_engine_can_be_read),
        cmocka_unit_test(mistakes_are_refused_and_said),
        cmocka_unit_test(too_many_rows_are_refused),
        cmocka_unit_test(the_limit_of_memory_is_kept),
        cmocka_unit_test(impossible_buffers_are_refused),
        cmocka_unit_test(uploads_stay_inside),
        cmocka_unit_test(copies_stay_inside),
    };
    return cmocka_run_group_tests_name("gpu_refusals", tests, gpu_fixture_open,
                                       gpu_fixture_close);
}
