/* limit.c - how fast the device is at products of a matrix and a vector, when it does
 * nothing else: what the generation of tokens is measured against. */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "lemnos/profile.h"
#include "ops/measure.h"

/* Caches of GPUs are large: there, more is read in one pass. */
#define CPU_BYTES ((uint64_t)64 << 20)
#define GPU_BYTES ((uint64_t)256 << 20)

enum { N_COL = 2048, MAX_PASS = 8 };

static const uint32_t heights[] = {2048, 8192};
/* The first is never bad. */
static const struct ops_shape shapes[] = {
    {.rows = 4, .tokens = 1, .split = 1}, {.rows = 1, .tokens = 1, .split = 1},
    {.rows = 2, .tokens = 1, .split = 1}, {.rows = 8, .tokens = 1, .split = 1},
    {.rows = 1, .tokens = 1, .split = 8}, {.rows = 2, .tokens = 1, .split = 8},
    {.rows = 4, .tokens = 1, .split = 8},
};
static const uint64_t slow_ns = 60000000;
static const uint64_t enough_ns = 150000000; /* for all passes of one shape */

struct bed {
    struct lem_device *device;
    const struct quant_info *type;
    uint32_t n_row, n_mat;
    uint64_t mat_bytes;
    bool i8; /* there are kernels for activations as bytes */
    struct gpu_buf *w, *x, *x_i8, *y, *step;
};

/* The vector as bytes, too, where the device multiplies such. */
static enum lem_status round_x(struct bed *b)
{
    const struct ops_weight weight = {
        .type = b->type, .n_mat = 1, .n_row = heights[0], .n_col = N_COL};
    b->i8 = op_takes_i8(b->device, &weight);
    if (!b->i8)
        return LEM_OK;
    const struct op_at at = {
        .label = "limit", .step = gpu_slice_all(b->step), .max_rows = 1};
    const uint32_t stride = op_i8_stride(N_COL);
    struct gpu_list *list = NULL;
    enum lem_status st = gpu_buf_open(b->device, GPU_BUF_DEVICE, (uint64_t)stride * 16,
                                      "limit x_i8", &b->x_i8);
    if (st == LEM_OK)
        st = gpu_list_open(b->device, "limit x", false, &list);
    if (st == LEM_OK) {
        const struct op_round_i8 a = {.x = gpu_slice_all(b->x),
                                      .y = gpu_slice_all(b->x_i8),
                                      .n = N_COL,
                                      .n_per_row = 1,
                                      .x_stride = N_COL,
                                      .y_stride = stride};
        st = op_round_i8(list, &at, &a);
    }
    if (st == LEM_OK)
        st = gpu_list_run(&list, 1, 1, NULL);
    gpu_list_close(&list);
    return st;
}

static enum lem_status open_buffers(struct bed *b, uint64_t bytes)
{
    static const struct step_params step = {.n_token = 1, .n_out = 1};
    enum lem_status st = gpu_buf_open(b->device, GPU_BUF_DEVICE, bytes, "limit w", &b->w);
    if (st == LEM_OK)
        st = gpu_buf_open(b->device, GPU_BUF_UPLOAD, N_COL * sizeof(float), "limit x",
                          &b->x);
    if (st == LEM_OK)
        st = gpu_buf_open(b->device, GPU_BUF_UPLOAD, sizeof step, "limit step", &b->step);
    if (st != LEM_OK)
        return st;
    float *x = gpu_buf_map(b->x);
    for (uint32_t i = 0; i < N_COL; i++)
        x[i] = (float)(i % 7) - 3.0f;
    memcpy(gpu_buf_map(b->step), &step, sizeof step);
    return round_x(b);
}

static void close_buffers(struct bed *b)
{
    gpu_buf_close(&b->w);
    gpu_buf_close(&b->x);
    gpu_buf_close(&b->x_i8);
    gpu_buf_close(&b->y);
    gpu_buf_close(&b->step);
}

/* All matrices of the buffer, each with its own piece of y: nothing has to wait. */
static enum lem_status add_products(const struct bed *b, const struct ops_shape *shape,
                                    struct gpu_list *list)
{
    const struct op_at at = {
        .label = "limit", .step = gpu_slice_all(b->step), .max_rows = 1};
    const uint64_t y_bytes = b->n_row * sizeof(float);
    enum lem_status st = LEM_OK;
    for (uint32_t i = 0; i < b->n_mat && st == LEM_OK; i++) {
        const struct ops_window window = {.slice = {b->w, i * b->mat_bytes, b->mat_bytes},
                                          .n_mat = 1,
                                          .n_row = b->n_row};
        const struct ops_weight weight = {.type = b->type,
                                          .n_mat = 1,
                                          .n_row = b->n_row,
                                          .n_col = N_COL,
                                          .n_window = 1,
                                          .window = &window};
        const struct op_matmul product = {.weight = &weight,
                                          .x = gpu_slice_all(shape->i8 ? b->x_i8 : b->x),
                                          .y = {b->y, i * y_bytes, y_bytes},
                                          .x_stride =
                                              shape->i8 ? op_i8_stride(N_COL) : N_COL,
                                          .y_stride = b->n_row,
                                          .scale = 1.0f};
        st = ops_matmul(list, &at, &product, shape);
    }
    return st;
}

static enum lem_status time_shape(const struct bed *b, const struct ops_shape *shape,
                                  struct lem_limit *best)
{
    struct gpu_list *list = NULL;
    enum lem_status st = gpu_list_open(b->device, "limit", false, &list);
    if (st == LEM_OK)
        st = add_products(b, shape, list);
    if (st == LEM_OK) /* the first run compiles */
        st = gpu_list_run(&list, 1, 1, NULL);
    uint64_t spent = 0;
    for (int i = 0; i < MAX_PASS && st == LEM_OK && spent < enough_ns; i++) {
        uint64_t ns = 0;
        st = gpu_list_run(&list, 1, 1, &ns);
        spent += ns;
        const uint64_t bytes = b->n_mat * b->mat_bytes;
        const double before =
            best->ns ? (double)best->weight_bytes / (double)best->ns : 0;
        if (st != LEM_OK || ns == 0 || (double)bytes / (double)ns <= before)
            continue;
        struct gpu_list_row row;
        gpu_list_row(list, 0, &row);
        *best = (struct lem_limit){
            .n_row = b->n_row, .n_col = N_COL, .weight_bytes = bytes, .ns = ns};
        strncpy(best->kernel, row.kernel, sizeof best->kernel - 1);
    }
    gpu_list_close(&list);
    return st;
}

/* A slow device is held up by arithmetic, not by memory: fewer matrices say the same. */
static enum lem_status fit_to_device(struct bed *b)
{
    struct lem_limit first = {0};
    const enum lem_status st = time_shape(b, &shapes[0], &first);
    if (st == LEM_OK && first.ns > slow_ns)
        b->n_mat = (uint32_t)(1 + b->n_mat * slow_ns / first.ns);
    return st;
}

static enum lem_status time_height(struct bed *b, uint32_t n_row, struct lem_limit *best)
{
    const bool on_cpu = gpu_type(b->device) == LEM_DEVICE_CPU;
    uint64_t tile = 0;
    (void)quant_tile_bytes(b->type, N_COL, &tile);
    b->n_row = n_row;
    b->mat_bytes = tile * (n_row / QUANT_TILE_ROWS);
    b->n_mat = (uint32_t)(gpu_buf_size(b->w) / b->mat_bytes);
    enum lem_status st =
        gpu_buf_open(b->device, GPU_BUF_DEVICE,
                     (uint64_t)b->n_mat * n_row * sizeof(float), "limit y", &b->y);
    if (st == LEM_OK)
        st = fit_to_device(b);
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes && st == LEM_OK; i++) {
        struct ops_shape shape = shapes[i];
        if (on_cpu && shape.split > 1)
            continue; /* never the best there: lanes run one after the other */
        st = time_shape(b, &shape, best);
        shape.i8 = true;
        if (st == LEM_OK && b->i8)
            st = time_shape(b, &shape, best);
    }
    gpu_buf_close(&b->y);
    return st;
}

enum lem_status lem_device_limit(struct lem_device *device, const char *type,
                                 struct lem_limit *out)
{
    if (!device || !type || !out)
        return device ? log_fail(gpu_log(device), LEM_ERR_ARGUMENT,
                                 "lem_device_limit: type and out must not be NULL")
                      : LEM_ERR_ARGUMENT;
    *out = (struct lem_limit){0};
    struct bed b = {.device = device, .type = quant_find_name(type)};
    if (!b.type)
        return log_fail(gpu_log(device), LEM_ERR_ARGUMENT,
                        "there is no weight type \"%s\"; name one such as Q4_0", type);
    uint64_t tile = 0;
    if (!b.type->shader || !b.type->pack || !quant_tile_bytes(b.type, N_COL, &tile))
        return log_fail(gpu_log(device), LEM_ERR_UNSUPPORTED,
                        "there are no kernels for weights of type %s: nothing to measure",
                        b.type->name);
    /* whole matrices of the largest height */
    const uint64_t mat = tile * (heights[1] / QUANT_TILE_ROWS);
    const uint64_t want = gpu_type(device) == LEM_DEVICE_CPU ? CPU_BYTES : GPU_BYTES;
    enum lem_status st = open_buffers(&b, (want + mat - 1) / mat * mat);
    if (st == LEM_OK)
        st = ops_fill_weights(b.w, b.device, b.type, N_COL);
    for (size_t i = 0; i < sizeof heights / sizeof *heights && st == LEM_OK; i++)
        st = time_height(&b, heights[i], out);
    close_buffers(&b);
    return st;
}
