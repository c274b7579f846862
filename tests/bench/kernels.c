/* kernels.c - lists of dispatches of single kernels, for bench_kernels. */
#include "bench/kernels.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "support/tolerance.h"

enum { COLS = 2048, EXPERTS = 64, USED = 8, WIDTH = 1024, MIN_BYTES = 64 << 20 };

/* ---- beds
 * ------------------------------------------------------------------------------ */

static struct gpu_slice put(struct kernel *k, enum gpu_buf_kind kind, const void *data,
                            uint64_t bytes)
{
    assert_true(k->n_buf < KERNEL_MAX_BUF);
    struct gpu_buf **buf = &k->buf[k->n_buf++];
    assert_int_equal(gpu_buf_open(k->w.device, kind, bytes, "bench", buf), LEM_OK);
    if (data)
        memcpy(gpu_buf_map(*buf), data, bytes);
    return gpu_slice_all(*buf);
}

static struct gpu_slice put_rows(struct kernel *k, uint64_t n)
{
    uint64_t seed = 5;
    float *x = malloc(n * sizeof *x);
    assert_non_null(x);
    for (uint64_t i = 0; i < n; i++)
        x[i] = random_f32(&seed);
    const struct gpu_slice s = put(k, GPU_BUF_UPLOAD, x, n * sizeof *x);
    free(x);
    return s;
}

/* Rows that products read: `per_token` rows of n values for each row of the run. */
struct input {
    struct gpu_slice x;
    uint32_t stride;
    bool i8;
};

static struct input put_input(struct kernel *k, const struct op_at *at, uint32_t n,
                              uint32_t per_token, bool i8)
{
    const uint64_t n_row = (uint64_t)k->rows * per_token;
    struct input in = {.x = put_rows(k, n_row * n), .stride = n};
    if (!i8)
        return in;
    const uint32_t stride = op_i8_stride(n);
    const struct gpu_slice y = put(k, GPU_BUF_DEVICE, NULL, n_row * stride * 16);
    const struct op_round_i8 a = {.x = in.x,
                                  .y = y,
                                  .n = n,
                                  .n_per_row = per_token,
                                  .x_stride = n,
                                  .y_stride = stride};
    struct gpu_list *list;
    assert_int_equal(gpu_list_open(k->w.device, "round", false, &list), LEM_OK);
    assert_int_equal(op_round_i8(list, at, &a), LEM_OK);
    assert_int_equal(gpu_list_run(&list, 1, k->rows, NULL), LEM_OK);
    gpu_list_close(&list);
    return (struct input){.x = y, .stride = stride, .i8 = true};
}

static struct gpu_slice put_step(struct kernel *k)
{
    const struct step_params step = {.n_token = k->rows, .n_out = 1};
    return put(k, GPU_BUF_UPLOAD, &step, sizeof step);
}

/* Matrices so that all together are beyond caches; a bank has at least EXPERTS. */
static void start(struct kernel *k, struct lem_device *device, uint32_t type,
                  const char *name, uint32_t n_mat, uint32_t n_row, uint32_t n_col,
                  uint32_t rows)
{
    const struct quant_info *q = quant_find(type);
    uint64_t bytes = 0, seed = 1;
    assert_true(quant_bytes(q, (uint64_t)n_row * n_col, &bytes));
    if (n_mat == 0)
        n_mat = (uint32_t)(MIN_BYTES / bytes + 1);
    *k = (struct kernel){.type = q->name, .rows = rows};
    snprintf(k->name, sizeof k->name, "%s", name);
    weights_open(&k->w, device, type, n_mat, n_row, n_col, &seed);
    assert_int_equal(gpu_list_open(device, "bench", false, &k->list), LEM_OK);
}

void kernel_close(struct kernel *k)
{
    gpu_list_close(&k->list);
    for (uint32_t i = 0; i < k->n_buf; i++)
        gpu_buf_close(&k->buf[i]);
    weights_close(&k->w);
}

bool kernel_takes_i8(const struct lem_device *device, uint32_t type)
{
    const struct ops_weight w = {
        .type = quant_find(type), .n_mat = 1, .n_row = COLS, .n_col = COLS};
    return op_takes_i8(device, &w);
}

static uint64_t bytes_of(const struct ops_weight *w)
{
    uint64_t bytes = 0;
    (void)quant_bytes(w->type, (uint64_t)w->n_row * w->n_col, &bytes);
    return bytes;
}

/* Matrix `i` of the bank alone. */
static struct ops_weight one_of(const struct ops_weight *bank, uint32_t i,
                                struct ops_window *window)
{
    const struct ops_window *win = bank->window;
    while (i >= win->mat0 + win->n_mat)
        win++;
    const uint64_t bytes = win->slice.size / win->n_mat;
    *window = (struct ops_window){
        .slice = {win->slice.buf, win->slice.offset + (i - win->mat0) * bytes, bytes},
        .n_mat = 1,
        .n_row = bank->n_row};
    struct ops_weight w = *bank;
    w.n_mat = 1;
    w.n_window = 1;
    w.window = window;
    return w;
}

/* ---- the yardstick
 * ----------------------------------------------------------------------- */

static void check_frozen(const struct kernel *k, const float *x, const float *y)
{
    float row[COLS];
    for (uint32_t r = 0; r < k->w.ops.n_row; r += 97) {
        double want = 0, size = 0;
        weights_decode(&k->w, k->w.ops.n_mat - 1, r, row);
        for (uint32_t c = 0; c < COLS; c++) {
            want += (double)row[c] * (double)x[c];
            size += fabs((double)row[c] * (double)x[c]);
        }
        if (!(fabs((double)y[r] - want) <= 1e-5 * size))
            fail_msg("the yardstick is wrong in row %u: %g, not %g", r, (double)y[r],
                     want);
    }
}

void kernel_frozen(struct kernel *k, struct lem_device *device)
{
    start(k, device, QUANT_Q4_0, "frozen 2048x2048", 0, COLS, COLS, 1);
    const struct gpu_kernel *kernel;
    const uint32_t local = 64;
    assert_int_equal(gpu_kernel_get(device, "bench.frozen", &local, 1, &kernel), LEM_OK);
    const struct gpu_slice x = put_rows(k, COLS);
    const struct gpu_slice y =
        put(k, GPU_BUF_READBACK, NULL, (uint64_t)COLS * sizeof(float) * k->w.ops.n_mat);
    const uint32_t push[2] = {COLS, COLS / 256};
    for (uint32_t i = 0; i < k->w.ops.n_mat; i++) {
        struct ops_window window;
        const uint64_t y_bytes = (uint64_t)COLS * sizeof(float);
        const struct ops_weight w = one_of(&k->w.ops, i, &window);
        const struct gpu_dispatch d = {
            .kernel = kernel,
            .label = "frozen",
            .bind = {w.window->slice, x, {y.buf, i * y_bytes, y_bytes}},
            .push = push,
            .push_size = sizeof push,
            .group = {COLS / 256, 1, 1}};
        assert_int_equal(gpu_list_add(k->list, &d), LEM_OK);
    }
    k->bytes = bytes_of(&k->w.ops) * k->w.ops.n_mat;
    k->flops = UINT64_C(2) * COLS * COLS * k->w.ops.n_mat;
    assert_int_equal(gpu_list_run(&k->list, 1, 1, NULL), LEM_OK);
    const float *last = gpu_buf_map(y.buf);
    check_frozen(k, gpu_buf_map(x.buf), last + (size_t)COLS * (k->w.ops.n_mat - 1));
}

/* ---- the engine's
 * ------------------------------------------------------------------------- */

static void add_products(struct kernel *k, bool i8)
{
    const uint32_t n_row = k->w.ops.n_row;
    const struct op_at at = {.label = "matmul", .step = put_step(k), .max_rows = k->rows};
    const struct input in = put_input(k, &at, COLS, 1, i8);
    const uint64_t y_bytes = (uint64_t)k->rows * n_row * sizeof(float);
    const struct gpu_slice y = put(k, GPU_BUF_DEVICE, NULL, y_bytes * k->w.ops.n_mat);
    for (uint32_t i = 0; i < k->w.ops.n_mat; i++) {
        struct ops_window window;
        const struct ops_weight w = one_of(&k->w.ops, i, &window);
        const struct op_matmul a = {.weight = &w,
                                    .x = in.x,
                                    .y = {y.buf, i * y_bytes, y_bytes},
                                    .x_stride = in.stride,
                                    .y_stride = n_row,
                                    .scale = 1.0f,
                                    .x_i8 = in.i8};
        assert_int_equal(op_matmul(k->list, &at, &a), LEM_OK);
    }
    k->bytes = bytes_of(&k->w.ops) * k->w.ops.n_mat;
    k->flops = (uint64_t)2 * k->rows * n_row * COLS * k->w.ops.n_mat;
}

void kernel_matvec(struct kernel *k, struct lem_device *device, uint32_t type, bool i8,
                   uint32_t n_row)
{
    char name[64];
    snprintf(name, sizeof name, "mat-vec%s %ux%d", i8 ? " i8" : "", n_row, COLS);
    start(k, device, type, name, 0, n_row, COLS, 1);
    add_products(k, i8);
}

void kernel_matmat(struct kernel *k, struct lem_device *device, uint32_t type, bool i8,
                   uint32_t n_token)
{
    char name[64];
    snprintf(name, sizeof name, "mat-mat%s %dx%d, %u tokens", i8 ? " i8" : "", COLS, COLS,
             n_token);
    start(k, device, type, name, 4, COLS, COLS, n_token);
    add_products(k, i8);
}

/* Eight different experts a token, spread over all. */
static uint32_t expert_of(uint32_t token, uint32_t slot)
{
    return (token * 29 + slot * 8 + token / 8) % EXPERTS;
}

static struct gpu_slice put_chosen(struct kernel *k)
{
    const uint64_t bytes = (uint64_t)k->rows * USED * sizeof(uint32_t);
    uint32_t *id = malloc(bytes);
    assert_non_null(id);
    for (uint32_t t = 0; t < k->rows; t++)
        for (uint32_t s = 0; s < USED; s++)
            id[t * USED + s] = expert_of(t, s);
    const struct gpu_slice slice = put(k, GPU_BUF_UPLOAD, id, bytes);
    free(id);
    return slice;
}

void kernel_experts(struct kernel *k, struct lem_device *device, uint32_t type, bool i8,
                    bool down)
{
    const uint32_t in = down ? WIDTH : COLS, out = down ? COLS : WIDTH;
    char name[64];
    snprintf(name, sizeof name, "experts %s%s 8 of 64", down ? "down" : "gate+up",
             i8 ? " i8" : "");
    start(k, device, type, name, EXPERTS, down ? COLS : 2 * WIDTH, in, 1);
    const struct op_at at = {.label = "experts", .step = put_step(k), .max_rows = 1};
    const struct gpu_slice ids = put_chosen(k);
    const struct input x = put_input(k, &at, in, down ? USED : 1, i8);
    const float share[USED] = {0.2f, 0.2f, 0.1f, 0.1f, 0.1f, 0.1f, 0.1f, 0.1f};
    const struct gpu_slice weights = put(k, GPU_BUF_UPLOAD, share, sizeof share);
    const struct gpu_slice y =
        put(k, GPU_BUF_DEVICE, NULL, (uint64_t)out * USED * sizeof(float));
    const struct op_experts_glu glu = {.weight = &k->w.ops,
                                       .x = x.x,
                                       .ids = ids,
                                       .y = y,
                                       .n_used = USED,
                                       .y_stride = out,
                                       .x_i8 = x.i8};
    const struct op_experts_down sum = {.weight = &k->w.ops,
                                        .x = x.x,
                                        .ids = ids,
                                        .weights = weights,
                                        .y = y,
                                        .n_used = USED,
                                        .x_stride = x.stride,
                                        .x_i8 = x.i8};
    assert_int_equal(down ? op_experts_down(k->list, &at, &sum)
                          : op_experts_glu(k->list, &at, &glu),
                     LEM_OK);
    k->bytes = bytes_of(&k->w.ops) * USED;
    k->flops = (uint64_t)2 * USED * k->w.ops.n_row * in;
}

void kernel_grouped(struct kernel *k, struct lem_device *device, uint32_t type, bool i8,
                    uint32_t n_token)
{
    char name[64];
    snprintf(name, sizeof name, "grouped%s 8 of 64, %u tokens", i8 ? " i8" : "", n_token);
    start(k, device, type, name, EXPERTS, WIDTH, COLS, n_token);
    const struct op_at at = {
        .label = "grouped", .step = put_step(k), .max_rows = n_token};
    const uint64_t n_pair = (uint64_t)n_token * USED;
    const uint64_t n_tile = op_group_max_tile(n_token, USED, EXPERTS);
    const struct gpu_slice ids = put_chosen(k);
    const struct gpu_slice pairs = put(k, GPU_BUF_DEVICE, NULL, n_pair * 4);
    const struct gpu_slice tiles = put(k, GPU_BUF_DEVICE, NULL, n_tile * 16);
    const struct gpu_slice args = put(k, GPU_BUF_DEVICE, NULL, 16);
    const struct input x = put_input(k, &at, COLS, 1, i8);
    const struct gpu_slice y =
        put(k, GPU_BUF_DEVICE, NULL, n_pair * WIDTH * sizeof(float));
    const struct op_group group = {
        .ids = ids,
        .pairs = pairs,
        .tiles = tiles,
        .args = args,
        .n_expert = EXPERTS,
        .n_used = USED,
        .n_arg = 1,
        .row_groups = {op_matmul_experts_row_groups(device, &k->w.ops, x.i8)}};
    const struct op_matmul_experts a = {.weight = &k->w.ops,
                                        .x = x.x,
                                        .y = y,
                                        .pairs = pairs,
                                        .tiles = tiles,
                                        .args = args,
                                        .x_stride = x.stride,
                                        .y_stride = WIDTH,
                                        .n_used = USED,
                                        .x_i8 = x.i8};
    assert_int_equal(op_group(k->list, &at, &group), LEM_OK);
    assert_int_equal(op_matmul_experts(k->list, &at, &a), LEM_OK);
    k->bytes = bytes_of(&k->w.ops) * EXPERTS;
    k->flops = 2 * n_pair * WIDTH * COLS;
}
