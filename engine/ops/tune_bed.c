/* tune_bed.c - the same products done in several ways, in turn, and timed: a few matrices
 * of Q4_0 weights, with one row of activations or with many. */
#include "ops/measure.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

enum { N_ROW = 1024, N_COL = 1024, N_TOKEN = 64, MOST_MAT = 32, N_ROUND = 5 };
static const uint64_t pass_ns = 2000000; /* of the yardstick: beyond what a start costs */
static const uint64_t enough_ns = 60000000; /* for all passes of a way */
enum { FAR = 3 }; /* ways that take so many times as long are not tried further */

struct ops_bed {
    struct lem_device *device;
    const struct quant_info *type;
    uint64_t mat_bytes;
    struct gpu_buf *w, *x, *x_i8, *y, *step;
    float *first; /* what the yardstick gave for matrix 0 */
};

static uint32_t tokens_of(enum ops_use use)
{
    return use == OPS_USE_TOKEN ? 1 : N_TOKEN;
}

/* Where kernels read fastest: not in memory of the host. */
static enum lem_status write_inputs(struct ops_bed *b)
{
    static const struct step_params step = {.n_token = N_TOKEN, .n_out = N_TOKEN};
    struct gpu_upload *up = NULL;
    void *slot = NULL;
    memcpy(gpu_buf_map(b->step), &step, sizeof step);
    enum lem_status st = gpu_upload_open(b->device, gpu_buf_size(b->x), 1, &up);
    if (st == LEM_OK)
        st = gpu_upload_slot(up, &slot);
    float *x = slot;
    for (uint32_t i = 0; i < N_TOKEN * N_COL && st == LEM_OK; i++)
        x[i] = (float)(i % 7) - 3.0f + (float)(i / N_COL) / N_TOKEN;
    if (st == LEM_OK)
        st = gpu_upload_send(up, b->x, 0, gpu_buf_size(b->x));
    if (st == LEM_OK)
        st = gpu_upload_finish(up);
    gpu_upload_close(&up);
    return st;
}

enum lem_status ops_bed_open(struct lem_device *device, struct ops_bed **out)
{
    *out = NULL;
    struct ops_bed *b = calloc(1, sizeof *b);
    const size_t y_bytes = (size_t)N_TOKEN * N_ROW * sizeof(float);
    if (b)
        b->first = malloc(y_bytes);
    if (!b || !b->first) {
        free(b);
        return log_fail(gpu_log(device), LEM_ERR_MEMORY, "no memory to try kernels");
    }
    b->device = device;
    b->type = quant_find(QUANT_Q4_0);
    (void)quant_tile_bytes(b->type, N_COL, &b->mat_bytes);
    b->mat_bytes *= N_ROW / QUANT_TILE_ROWS;
    const struct {
        struct gpu_buf **buf;
        enum gpu_buf_kind kind;
        uint64_t bytes;
        const char *name;
    } all[] = {
        {&b->w, GPU_BUF_DEVICE, MOST_MAT * b->mat_bytes, "tune w"},
        {&b->x, GPU_BUF_DEVICE, sizeof(float) * N_TOKEN * N_COL, "tune x"},
        {&b->x_i8, GPU_BUF_DEVICE, (uint64_t)16 * N_TOKEN * op_i8_stride(N_COL),
         "tune x_i8"},
        {&b->y, GPU_BUF_DEVICE, MOST_MAT * y_bytes, "tune y"},
        {&b->step, GPU_BUF_UPLOAD, sizeof(struct step_params), "tune step"},
    };
    enum lem_status st = LEM_OK;
    for (size_t i = 0; i < sizeof all / sizeof *all && st == LEM_OK; i++)
        st = gpu_buf_open(device, all[i].kind, all[i].bytes, all[i].name, all[i].buf);
    if (st == LEM_OK)
        st = ops_fill_weights(b->w, device, b->type, N_COL);
    if (st == LEM_OK)
        st = write_inputs(b);
    if (st != LEM_OK) {
        ops_bed_close(&b);
        return st;
    }
    *out = b;
    return LEM_OK;
}

void ops_bed_close(struct ops_bed **bed)
{
    if (!bed || !*bed)
        return;
    struct ops_bed *b = *bed;
    gpu_buf_close(&b->w);
    gpu_buf_close(&b->x);
    gpu_buf_close(&b->x_i8);
    gpu_buf_close(&b->y);
    gpu_buf_close(&b->step);
    free(b->first);
    free(b);
    *bed = NULL;
}

/* ---- lists -------------------------------------------------------------------- */

static enum lem_status round_x(struct ops_bed *b)
{
    const struct op_at at = {
        .label = "tune", .step = gpu_slice_all(b->step), .max_rows = N_TOKEN};
    const struct op_round_i8 a = {.x = gpu_slice_all(b->x),
                                  .y = gpu_slice_all(b->x_i8),
                                  .n = N_COL,
                                  .n_per_row = 1,
                                  .x_stride = N_COL,
                                  .y_stride = op_i8_stride(N_COL)};
    struct gpu_list *list = NULL;
    enum lem_status st = gpu_list_open(b->device, "tune x", false, &list);
    if (st == LEM_OK)
        st = op_round_i8(list, &at, &a);
    if (st == LEM_OK)
        st = gpu_list_run(&list, 1, N_TOKEN, NULL);
    gpu_list_close(&list);
    return st;
}

/* n_mat matrices, each with its own piece of y: nothing has to wait. */
static enum lem_status add_products(const struct ops_bed *b, enum ops_use use,
                                    uint32_t n_mat, struct gpu_list *list)
{
    const struct op_at at = {
        .label = "tune", .step = gpu_slice_all(b->step), .max_rows = tokens_of(use)};
    const uint64_t y_bytes = (uint64_t)at.max_rows * N_ROW * sizeof(float);
    const bool i8 = use == OPS_USE_PROMPT_I8;
    enum lem_status st = LEM_OK;
    for (uint32_t i = 0; i < n_mat && st == LEM_OK; i++) {
        const struct ops_window window = {
            .slice = {b->w, i * b->mat_bytes, b->mat_bytes}, .n_mat = 1, .n_row = N_ROW};
        const struct ops_weight weight = {.type = b->type,
                                          .n_mat = 1,
                                          .n_row = N_ROW,
                                          .n_col = N_COL,
                                          .n_window = 1,
                                          .window = &window};
        const struct op_matmul a = {.weight = &weight,
                                    .x = gpu_slice_all(i8 ? b->x_i8 : b->x),
                                    .y = {b->y, i * y_bytes, y_bytes},
                                    .x_stride = i8 ? op_i8_stride(N_COL) : N_COL,
                                    .y_stride = N_ROW,
                                    .scale = 1,
                                    .x_i8 = i8};
        st = op_matmul(list, &at, &a);
    }
    return st;
}

/* A list in one way: chosen for as long as its kernels are asked for. */
static enum lem_status open_list(struct ops_bed *b, enum ops_use use, enum ops_way way,
                                 uint32_t n_mat, struct gpu_list **out)
{
    enum lem_status st = gpu_list_open(b->device, "tune", false, out);
    ops_way_choose(b->device, use, way);
    if (st == LEM_OK)
        st = add_products(b, use, n_mat, *out);
    ops_way_choose(b->device, use, OPS_WAY_ANY);
    return st;
}

static enum lem_status run(enum ops_use use, struct gpu_list *list, uint64_t *ns)
{
    *ns = 0;
    const enum lem_status st = gpu_list_run(&list, 1, tokens_of(use), ns);
    *ns += *ns == 0; /* a clock that stands still is not "left out" */
    return st;
}

/* Does matrix 0 have what the yardstick gave? Sums of f32 in another order differ by a
 * few 2^-24 of their terms, what is wrong by whole terms. */
static enum lem_status compare(struct ops_bed *b, enum ops_use use, bool *same)
{
    const size_t n = (size_t)tokens_of(use) * N_ROW;
    float *y = malloc(n * sizeof *y);
    if (!y)
        return log_fail(gpu_log(b->device), LEM_ERR_MEMORY, "no memory to try kernels");
    const enum lem_status st = gpu_buf_read(b->y, 0, n * sizeof *y, y);
    double wrong = 0, all = 0;
    for (size_t i = 0; i < n && st == LEM_OK; i++) {
        wrong += pow((double)y[i] - (double)b->first[i], 2);
        all += pow((double)b->first[i], 2);
    }
    *same = wrong <= all * 1e-8; /* false for NaN */
    free(y);
    return st;
}

/* ---- timing ------------------------------------------------------------------- */

/* Run the yardstick once to compile it, once to see how long it takes: how many matrices
 * make a pass of pass_ns? */
static enum lem_status find_size(struct ops_bed *b, enum ops_use use, enum ops_way way,
                                 uint32_t *n_mat)
{
    struct gpu_list *list = NULL;
    uint64_t ns = 0;
    enum lem_status st = open_list(b, use, way, 1, &list);
    for (int i = 0; i < 2 && st == LEM_OK; i++)
        st = run(use, list, &ns);
    if (st == LEM_OK)
        st = gpu_buf_read(b->y, 0, (uint64_t)tokens_of(use) * N_ROW * sizeof(float),
                          b->first);
    gpu_list_close(&list);
    const uint64_t n = pass_ns / (ns + 1);
    *n_mat = n == 0 ? 1 : n > MOST_MAT ? MOST_MAT : (uint32_t)n;
    return st;
}

/* NaN in the place of matrix 0's products, lest a kernel that writes nothing be right. */
static enum lem_status spoil(struct ops_bed *b, enum ops_use use)
{
    const uint64_t bytes = (uint64_t)tokens_of(use) * N_ROW * sizeof(float);
    struct gpu_upload *up = NULL;
    void *slot = NULL;
    enum lem_status st = gpu_upload_open(b->device, bytes, 1, &up);
    if (st == LEM_OK)
        st = gpu_upload_slot(up, &slot);
    if (st == LEM_OK) {
        memset(slot, 0xff, bytes);
        st = gpu_upload_send(up, b->y, 0, bytes);
    }
    if (st == LEM_OK)
        st = gpu_upload_finish(up);
    gpu_upload_close(&up);
    return st;
}

struct runner {
    struct gpu_list *list;
    uint64_t best, spent;
    bool out;
};

/* First runs compile, and show whether the answer is right. What the driver cannot
 * compile is left out, unless it is the yardstick. */
static enum lem_status start(struct ops_bed *b, enum ops_use use, enum ops_way way,
                             uint32_t n_mat, struct runner *r)
{
    uint64_t ns;
    bool same = true;
    enum lem_status st = spoil(b, use);
    if (st == LEM_OK)
        st = open_list(b, use, way, n_mat, &r->list);
    if (st == LEM_OK)
        st = run(use, r->list, &ns);
    if (st == LEM_ERR_GPU && way != ops_way_by_rule(b->device, use)) {
        r->out = true;
        return LEM_OK;
    }
    if (st == LEM_OK)
        st = compare(b, use, &same);
    if (st != LEM_OK || same)
        return st;
    log_msg(gpu_log(b->device), LEM_LOG_WARN,
            "\"%s\": kernels \"%s\" give wrong results and are not used; a newer driver "
            "may help",
            gpu_name(b->device), ops_way_name(way));
    r->out = true;
    return LEM_OK;
}

static enum lem_status time_round(enum ops_use use, struct runner *r, uint32_t n)
{
    enum lem_status st = LEM_OK;
    uint64_t least = UINT64_MAX;
    for (uint32_t i = 0; i < n && st == LEM_OK; i++) {
        uint64_t ns = 0;
        if (!r[i].out && r[i].spent < enough_ns) {
            st = run(use, r[i].list, &ns);
            r[i].spent += ns;
            r[i].best = r[i].best == 0 || ns < r[i].best ? ns : r[i].best;
        }
        if (!r[i].out && r[i].best < least)
            least = r[i].best;
    }
    for (uint32_t i = 0; i < n && st == LEM_OK; i++) /* has it a chance? */
        if (r[i].best / FAR > least)
            r[i].spent = enough_ns;
    return st;
}

enum lem_status ops_bed_time(struct ops_bed *b, enum ops_use use, const enum ops_way *way,
                             uint32_t n, uint64_t *best)
{
    struct runner r[OPS_N_WAY] = {{0}};
    uint32_t n_mat = 1;
    enum lem_status st = use == OPS_USE_PROMPT_I8 ? round_x(b) : LEM_OK;
    if (st == LEM_OK)
        st = find_size(b, use, way[0], &n_mat);
    for (uint32_t i = 0; i < n && st == LEM_OK; i++)
        st = start(b, use, way[i], n_mat, &r[i]);
    for (int round = 0; round < N_ROUND && st == LEM_OK; round++)
        st = time_round(use, r, n);
    for (uint32_t i = 0; i < n; i++) {
        best[i] = r[i].out ? 0 : r[i].best;
        gpu_list_close(&r[i].list);
    }
    return st;
}
