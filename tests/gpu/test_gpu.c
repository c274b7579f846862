/* test_gpu.c - buffers, kernels, lists and uploads do what they say: bytes arrive,
 * order is kept, sizes come from constants, rows and buffers. */
#include "support/tolerance.h"

#include <stdlib.h>
#include <string.h>

#include "base/thread.h"
#include "support/gpu_fixture.h"
#include "test_shaders.h"

enum { LOCAL = 64, N = 1000 };

static const struct gpu_kernel *kernel(struct lem_device *d, const char *name,
                                       uint32_t local)
{
    const struct gpu_kernel *k;
    gpu_shaders_add(d, test_shaders);
    assert_int_equal(gpu_kernel_get(d, name, &local, 1, &k), LEM_OK);
    return k;
}

static struct gpu_list *list(struct lem_device *d, bool timed)
{
    struct gpu_list *l;
    assert_int_equal(gpu_list_open(d, "test", timed, &l), LEM_OK);
    return l;
}

static uint32_t align_of(const struct lem_device *d)
{
    const uint32_t a = gpu_caps(d)->storage_align;
    return a > 256 ? a : 256; /* 256: no device wants more for a uniform */
}

/* ---- buffers ---------------------------------------------------------------- */

static void buffers_start_as_zeros_and_keep_bytes(void **state)
{
    struct gpu_fixture *fx = *state;
    static const uint64_t size[] = {1, 3, 4, 17, 4096, 1000003};
    for (size_t i = 0; i < sizeof size / sizeof *size; i++) {
        unsigned char *got = malloc(size[i]), *want = calloc(1, size[i]);
        assert_true(got && want);
        struct gpu_buf *b = gpu_fixture_buf(fx, NULL, size[i]);
        assert_int_equal(gpu_buf_size(b), size[i]);
        gpu_fixture_read(fx, b, got, size[i]);
        assert_memory_equal(got, want, size[i]);
        gpu_buf_close(&b);
        assert_null(b);

        for (uint64_t j = 0; j < size[i]; j++)
            want[j] = (unsigned char)random_u32(&fx->seed);
        b = gpu_fixture_buf(fx, want, size[i]);
        gpu_fixture_read(fx, b, got, size[i]);
        assert_memory_equal(got, want, size[i]);
        gpu_buf_close(&b);
        free(got);
        free(want);
    }
}

static void host_kinds_are_mapped(void **state)
{
    struct gpu_fixture *fx = *state;
    const enum gpu_buf_kind kind[] = {GPU_BUF_UPLOAD, GPU_BUF_READBACK};
    for (int i = 0; i < 2; i++) {
        struct gpu_buf *b;
        assert_int_equal(gpu_buf_open(fx->device, kind[i], 100, "host", &b), LEM_OK);
        const unsigned char *map = gpu_buf_map(b);
        assert_non_null(map);
        for (int j = 0; j < 100; j++)
            assert_int_equal(map[j], 0);
        gpu_buf_close(&b);
    }
}

/* ---- kernels ---------------------------------------------------------------- */

static void kernels_are_found_again(void **state)
{
    struct gpu_fixture *fx = *state;
    const struct gpu_kernel *a = kernel(fx->device, "test.chain", 32);
    assert_ptr_equal(a, kernel(fx->device, "test.chain", 32));
    assert_ptr_not_equal(a, kernel(fx->device, "test.chain", 64));
}

struct seen_progress {
    uint32_t calls;
    uint64_t done, total;
};

static void see_progress(void *priv, const char *what, uint64_t done, uint64_t total)
{
    struct seen_progress *p = priv;
    assert_string_equal(what, "kernels made");
    assert_int_equal(done, p->done + 1);
    p->calls++;
    p->done = done;
    p->total = total;
}

static void kernels_are_made_together_and_counted(void **state)
{
    struct lem_device *d = ((struct gpu_fixture *)*state)->device;
    struct seen_progress seen = {0};
    const struct lem_progress watch = {.fn = see_progress, .priv = &seen};
    assert_int_equal(gpu_kernels_make(d, NULL), LEM_OK); /* of the tests before */
    enum { NEW = 5 };
    for (uint32_t i = 0; i < NEW; i++)
        kernel(d, "test.groups", 101 + i); /* sizes that no other test asks for */
    assert_int_equal(gpu_kernels_make(d, &watch), LEM_OK);
    assert_int_equal(seen.calls, NEW);
    assert_int_equal(seen.total, NEW);
    assert_int_equal(gpu_kernels_make(d, &watch), LEM_OK);
    assert_int_equal(seen.calls, NEW); /* nothing was left to make */
}

static void constants_size_shared_memory(void **state)
{
    struct gpu_fixture *fx = *state;
    uint32_t v[96], got[96];
    for (uint32_t i = 0; i < 96; i++)
        v[i] = i;
    gpu_shaders_add(fx->device, test_shaders);
    const struct gpu_kernel *k;
    const uint32_t constant[] = {96, 24};
    assert_int_equal(gpu_kernel_get(fx->device, "test.shared", constant, 2, &k), LEM_OK);
    struct gpu_buf *b = gpu_fixture_buf(fx, v, sizeof v);
    struct gpu_list *l = list(fx->device, false);
    const struct gpu_dispatch d = {
        .kernel = k, .label = "reverse", .bind = {gpu_slice_all(b)}, .group = {1, 1, 1}};
    assert_int_equal(gpu_list_add(l, &d), LEM_OK);
    assert_int_equal(gpu_list_run(&l, 1, 1, NULL), LEM_OK);
    gpu_fixture_read(fx, b, got, sizeof got);
    for (uint32_t i = 0; i < 96; i++)
        assert_int_equal(got[i], 95 - i);
    gpu_list_close(&l);
    gpu_buf_close(&b);
}

/* ---- order ------------------------------------------------------------------ */

/* The slices of one buffer: u32 [n_part][N], parts apart by `stride` bytes. */
struct parts {
    struct gpu_buf *buf, *bias;
    uint64_t stride;
};

static void parts_open(struct parts *p, struct gpu_fixture *fx, uint32_t n_part)
{
    const uint32_t align = align_of(fx->device), one = 1;
    p->stride = (N * sizeof(uint32_t) + align - 1) / align * align;
    p->buf = gpu_fixture_buf(fx, NULL, n_part * p->stride);
    assert_int_equal(gpu_buf_open(fx->device, GPU_BUF_UPLOAD, 4, "bias", &p->bias),
                     LEM_OK);
    memcpy(gpu_buf_map(p->bias), &one, sizeof one);
}

static void parts_close(struct parts *p)
{
    gpu_buf_close(&p->buf);
    gpu_buf_close(&p->bias);
}

static struct gpu_slice part(const struct parts *p, uint32_t i)
{
    return (struct gpu_slice){p->buf, i * p->stride, N * sizeof(uint32_t)};
}

static void add_chain(struct gpu_list *l, const struct parts *p, uint32_t from,
                      uint32_t to, uint32_t value)
{
    struct lem_device *device = gpu_list_device(l);
    const uint32_t push[] = {N, value};
    const struct gpu_dispatch d = {
        .kernel = kernel(device, "test.chain", LOCAL),
        .label = "chain",
        .stage = from * 10 + to,
        .bind = {part(p, from), part(p, to), gpu_slice_all(p->bias)},
        .push = push,
        .push_size = sizeof push,
        .group = {(N + LOCAL - 1) / LOCAL, 1, 1},
    };
    assert_int_equal(gpu_list_add(l, &d), LEM_OK);
}

static void barriers_follow_from_slices(void **state)
{
    /* from, to, and whether it must wait */
    static const struct {
        uint32_t from, to;
        bool barrier;
    } step[] = {
        {0, 1, false}, /* first */
        {0, 2, false}, /* both read 0 */
        {1, 3, true},  /* reads what the first wrote */
        {4, 0, false}, /* 0 was read before that barrier */
        {4, 3, true},  /* writes what the third wrote */
        {5, 6, false}, /* others' parts of the same buffer */
        {0, 5, true},  /* writes what the sixth read */
        {6, 7, false}, /* all before is done since that barrier */
        {7, 4, true},
    };
    enum { N_STEP = sizeof step / sizeof *step, N_PART = 8 };
    struct gpu_fixture *fx = *state;
    struct parts p;
    parts_open(&p, fx, N_PART);
    struct gpu_list *l = list(fx->device, false);
    uint32_t want[N_PART] = {0};
    for (uint32_t i = 0; i < N_STEP; i++) {
        add_chain(l, &p, step[i].from, step[i].to, i);
        struct gpu_list_row row;
        gpu_list_row(l, i, &row);
        if (row.barrier != step[i].barrier)
            fail_msg("step %u: barrier %d", i, row.barrier);
        assert_int_equal(row.stage, step[i].from * 10 + step[i].to);
        assert_string_equal(row.label, "chain");
        assert_string_equal(row.kernel, "test.chain");
    }
    assert_int_equal(gpu_list_length(l), N_STEP);
    for (int run = 0; run < 3; run++) {
        assert_int_equal(gpu_list_run(&l, 1, 1, NULL), LEM_OK);
        for (uint32_t i = 0; i < N_STEP; i++)
            want[step[i].to] = 3 * want[step[i].from] + i + 1;
    }
    for (uint32_t i = 0; i < N_PART; i++) {
        uint32_t got[N];
        assert_int_equal(gpu_buf_read(p.buf, i * p.stride, sizeof got, got), LEM_OK);
        for (uint32_t j = 0; j < N; j++)
            if (got[j] != want[i])
                fail_msg("part %u[%u]: %u, expected %u", i, j, got[j], want[i]);
    }
    gpu_list_close(&l);
    parts_close(&p);
}

static void lists_run_in_order_and_grow(void **state)
{
    struct gpu_fixture *fx = *state;
    struct parts p;
    parts_open(&p, fx, 2);
    struct gpu_list *l[2] = {list(fx->device, false), list(fx->device, false)};
    uint32_t want = 0, got;
    uint64_t waited = 0;
    /* more dispatches than one descriptor pool or array holds */
    for (uint32_t i = 0; i < 150; i++) {
        add_chain(l[i % 2], &p, 0, 1, i);
        add_chain(l[i % 2], &p, 1, 0, i);
    }
    assert_int_equal(gpu_list_run(l, 2, 1, &waited), LEM_OK);
    for (uint32_t i = 0; i < 150; i++) {
        const uint32_t value = i < 75 ? 2 * i : 2 * (i - 75) + 1;
        want = 3 * (3 * want + value + 1) + value + 1;
    }
    gpu_fixture_read(fx, p.buf, &got, sizeof got);
    assert_int_equal(got, want);
    assert_true(waited > 0);

    add_chain(l[1], &p, 0, 1, 7); /* after a run */
    *(uint32_t *)gpu_buf_map(p.bias) = 5;
    assert_int_equal(gpu_list_run(&l[1], 1, 1, NULL), LEM_OK);
    for (uint32_t i = 75; i < 150; i++) {
        const uint32_t value = 2 * (i - 75) + 1;
        want = 3 * (3 * want + value + 5) + value + 5;
    }
    assert_int_equal(gpu_buf_read(p.buf, p.stride, sizeof got, &got), LEM_OK);
    assert_int_equal(got, 3 * want + 7 + 5);
    gpu_list_close(&l[0]);
    gpu_list_close(&l[1]);
    parts_close(&p);
}

/* ---- sizes of dispatches ---------------------------------------------------- */

static uint32_t count(const uint32_t *c, uint32_t x, uint32_t y)
{
    uint32_t sum = 0;
    for (uint32_t j = 0; j < y; j++)
        for (uint32_t i = 0; i < x; i++)
            sum += c[i + 64 * j];
    return sum;
}

static void workgroups_follow_rows(void **state)
{
    struct gpu_fixture *fx = *state;
    static const uint32_t rows[] = {1, 4, 5, 5, 13, 0, 1};
    struct gpu_buf *b = gpu_fixture_buf(fx, NULL, 64 * 8 * 4);
    struct gpu_list *l = list(fx->device, false);
    const struct gpu_dispatch d = {
        .kernel = kernel(fx->device, "test.groups", 1),
        .label = "rows",
        .bind = {gpu_slice_all(b)},
        .group = {3, 99, 1},
        .rows_per_group = 4,
    };
    assert_int_equal(gpu_list_add(l, &d), LEM_OK);
    uint32_t got[64 * 8], sum = 0;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(gpu_list_run(&l, 1, rows[i], NULL), LEM_OK);
        gpu_fixture_read(fx, b, got, sizeof got);
        sum += 3 * ((rows[i] + 3) / 4);
        assert_int_equal(count(got, 64, 8), sum);
        assert_int_equal(count(got, 3, 4), sum);
    }
    gpu_list_close(&l);
    gpu_buf_close(&b);
}

static void workgroups_come_from_a_buffer(void **state)
{
    struct gpu_fixture *fx = *state;
    const uint32_t sizes[] = {5, 0, 17};
    struct gpu_buf *x = gpu_fixture_buf(fx, sizes, sizeof sizes);
    struct gpu_buf *args = gpu_fixture_buf(fx, NULL, 12);
    struct gpu_buf *b = gpu_fixture_buf(fx, NULL, 64 * 4);
    struct gpu_list *l = list(fx->device, false);
    for (uint32_t i = 0; i < 3; i++) {
        const struct gpu_dispatch make = {
            .kernel = kernel(fx->device, "test.args", 1),
            .label = "args",
            .bind = {gpu_slice_all(x), gpu_slice_all(args)},
            .push = &i,
            .push_size = sizeof i,
            .group = {1, 1, 1},
        };
        const struct gpu_dispatch use = {
            .kernel = kernel(fx->device, "test.groups", 1),
            .label = "use",
            .bind = {gpu_slice_all(b)},
            .indirect = gpu_slice_all(args),
        };
        assert_int_equal(gpu_list_add(l, &make), LEM_OK);
        assert_int_equal(gpu_list_add(l, &use), LEM_OK);
        struct gpu_list_row row;
        gpu_list_row(l, 2 * i + 1, &row);
        assert_true(row.barrier);
    }
    assert_int_equal(gpu_list_run(&l, 1, 1, NULL), LEM_OK);
    uint32_t got[64];
    gpu_fixture_read(fx, b, got, sizeof got);
    for (uint32_t i = 0; i < 64; i++)
        assert_int_equal(got[i], (i < 5) + (i < 17));
    gpu_list_close(&l);
    gpu_buf_close(&x);
    gpu_buf_close(&args);
    gpu_buf_close(&b);
}

static void timed_lists_have_durations(void **state)
{
    struct gpu_fixture *fx = *state;
    struct parts p;
    parts_open(&p, fx, 2);
    struct gpu_list *l = list(fx->device, true);
    struct gpu_list_row row;
    uint64_t sum = 0;
    for (uint32_t i = 0; i < 10; i++)
        add_chain(l, &p, i % 2, 1 - i % 2, i);
    gpu_list_row(l, 0, &row);
    assert_int_equal(row.ns, 0);
    const uint64_t start = clock_ns();
    assert_int_equal(gpu_list_run(&l, 1, 1, NULL), LEM_OK);
    const uint64_t wall = clock_ns() - start;
    for (uint32_t i = 0; i < 10; i++) {
        gpu_list_row(l, i, &row);
        sum += row.ns;
    }
    /* Both drivers of the tests have timestamps of a nanosecond or better. */
    assert_true(sum > 0 && sum <= wall);
    add_chain(l, &p, 0, 1, 1); /* needs more timestamps than before */
    assert_int_equal(gpu_list_run(&l, 1, 1, NULL), LEM_OK);
    gpu_list_close(&l);
    parts_close(&p);
}

/* ---- uploads ---------------------------------------------------------------- */

static void uploads_go_round_the_ring(void **state)
{
    enum { SLOT = 1000, PIECES = 37 };
    struct gpu_fixture *fx = *state;
    struct gpu_buf *b = gpu_fixture_buf(fx, NULL, SLOT * PIECES);
    struct gpu_upload *up;
    unsigned char *want = malloc(SLOT * PIECES), *got = malloc(SLOT * PIECES);
    assert_true(want && got);
    for (uint32_t i = 0; i < SLOT * PIECES; i++)
        want[i] = (unsigned char)random_u32(&fx->seed);
    assert_int_equal(gpu_upload_open(fx->device, SLOT, 3, &up), LEM_OK);
    for (uint32_t i = 0; i < PIECES; i++) {
        void *slot;
        assert_int_equal(gpu_upload_slot(up, &slot), LEM_OK);
        memcpy(slot, want + i * SLOT, SLOT);
        /* the last piece is short, and the rest stays zero */
        assert_int_equal(
            gpu_upload_send(up, b, i * SLOT, i + 1 < PIECES ? SLOT : SLOT - 3), LEM_OK);
    }
    memset(want + SLOT * PIECES - 3, 0, 3);
    assert_int_equal(gpu_upload_finish(up), LEM_OK);
    gpu_fixture_read(fx, b, got, SLOT * PIECES);
    assert_memory_equal(got, want, SLOT * PIECES);
    gpu_upload_close(&up);
    gpu_upload_close(&up);
    gpu_buf_close(&b);
    free(want);
    free(got);
}

/* ---- threads ---------------------------------------------------------------- */

struct worker {
    struct thread thread;
    struct lem_device *device;
    uint32_t local, bad;
};

/* Own buffers and list, the same device; no cmocka here: it is not for threads. */
static void work(void *arg)
{
    struct worker *w = arg;
    const struct gpu_kernel *k;
    struct gpu_buf *b = NULL;
    struct gpu_list *l = NULL;
    w->bad = gpu_kernel_get(w->device, "test.groups", &w->local, 1, &k) != LEM_OK ||
             gpu_buf_open(w->device, GPU_BUF_DEVICE, 64 * 4, "worker", &b) != LEM_OK ||
             gpu_list_open(w->device, "worker", false, &l) != LEM_OK;
    if (!w->bad) {
        const struct gpu_dispatch d = {.kernel = k,
                                       .label = "worker",
                                       .bind = {gpu_slice_all(b)},
                                       .group = {64, 1, 1}};
        w->bad += gpu_list_add(l, &d) != LEM_OK;
    }
    for (uint32_t i = 1; i <= 25 && !w->bad; i++) {
        uint32_t got[64];
        w->bad += gpu_list_run(&l, 1, 1, NULL) != LEM_OK;
        w->bad += gpu_buf_read(b, 0, sizeof got, got) != LEM_OK;
        for (uint32_t j = 0; j < 64; j++)
            w->bad += got[j] != i;
    }
    gpu_list_close(&l);
    gpu_buf_close(&b);
}

static void threads_share_a_device(void **state)
{
    enum { N_WORKER = 6 };
    struct gpu_fixture *fx = *state;
    struct worker w[N_WORKER];
    gpu_shaders_add(fx->device, test_shaders);
    for (uint32_t i = 0; i < N_WORKER; i++) {
        w[i] = (struct worker){.device = fx->device, .local = 1 + i / 2};
        assert_true(thread_start(&w[i].thread, work, &w[i]));
    }
    for (uint32_t i = 0; i < N_WORKER; i++)
        thread_join(&w[i].thread);
    for (uint32_t i = 0; i < N_WORKER; i++)
        assert_int_equal(w[i].bad, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(buffers_start_as_zeros_and_keep_bytes),
        cmocka_unit_test(host_kinds_are_mapped),
        cmocka_unit_test(kernels_are_found_again),
        cmocka_unit_test(kernels_are_made_together_and_counted),
        cmocka_unit_test(constants_size_shared_memory),
        cmocka_unit_test(barriers_follow_from_slices),
        cmocka_unit_test(lists_run_in_order_and_grow),
        cmocka_unit_test(workgroups_follow_rows),
        cmocka_unit_test(workgroups_come_from_a_buffer),
        cmocka_unit_test(timed_lists_have_durations),
        cmocka_unit_test(uploads_go_round_the_ring),
        cmocka_unit_test(threads_share_a_device),
    };
    return cmocka_run_group_tests_name("gpu", tests, gpu_fixture_open, gpu_fixture_close);
}
