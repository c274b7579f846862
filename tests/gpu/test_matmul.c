/* test_matmul.c - op_matmul against ref_matmul(): awkward and real sizes, every flag,
 * windows, repeated runs, and what it refuses. */
#include "support/tolerance.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "ops/weight.h"
#include "ref/ref.h"
#include "support/blocks.h"
#include "support/gpu_fixture.h"
#include "support/rows.h"
#include "support/weights.h"

static const uint32_t types[] = {QUANT_F32, QUANT_F16, QUANT_BF16, QUANT_Q8_0,
                                 QUANT_Q4_0};
enum { N_TYPE = sizeof types / sizeof *types };

static const float UNTOUCHED = 12345.0f; /* what y holds before */

/* One product: inputs, options, and the rows it gives. */
struct trial {
    struct weights w;
    struct rows x, y, bias;
    struct gpu_buf *step;
    uint32_t n_token, y_off;
    uint32_t max_rows;
    float scale;
    bool add, n_out, with_bias;
    const struct ops_shape *shape; /* NULL: what op_matmul picks for this device */
};

static void trial_open(struct trial *t, struct lem_device *d, uint32_t type,
                       uint32_t n_row, uint32_t n_col, uint32_t n_token, uint64_t *seed)
{
    *t = (struct trial){.n_token = n_token, .max_rows = n_token, .scale = 1};
    weights_open(&t->w, d, type, 1, n_row, n_col, seed);
    rows_open(&t->x, d, GPU_BUF_UPLOAD, n_token, n_col, n_token % 2);
    rows_random(&t->x, seed);
    rows_open(&t->y, d, GPU_BUF_READBACK, n_token, n_row + 40, n_token % 3);
    rows_open(&t->bias, d, GPU_BUF_UPLOAD, 1, n_row, 0);
    rows_random(&t->bias, seed);
    assert_int_equal(
        gpu_buf_open(d, GPU_BUF_UPLOAD, sizeof(struct step_params), "step", &t->step),
        LEM_OK);
}

static void trial_close(struct trial *t)
{
    weights_close(&t->w);
    rows_close(&t->x);
    rows_close(&t->y);
    rows_close(&t->bias);
    gpu_buf_close(&t->step);
}

static enum lem_status trial_add(struct trial *t, struct gpu_list *list)
{
    const struct op_at at = {
        .label = "test", .step = gpu_slice_all(t->step), .max_rows = t->max_rows};
    const struct op_matmul a = {.weight = &t->w.ops,
                                .x = gpu_slice_all(t->x.buf),
                                .y = gpu_slice_all(t->y.buf),
                                .bias = t->with_bias ? gpu_slice_all(t->bias.buf)
                                                     : (struct gpu_slice){0},
                                .x_stride = t->x.stride,
                                .y_stride = t->y.stride,
                                .y_off = t->y_off,
                                .scale = t->scale,
                                .add = t->add,
                                .n_out = t->n_out};
    return t->shape ? ops_matmul(list, &at, &a, t->shape) : op_matmul(list, &at, &a);
}

/* Rows of x that count: with n_out all but one, so that the two differ. */
static uint32_t trial_rows(const struct trial *t)
{
    return t->n_out ? t->n_token - 1 : t->n_token;
}

static void trial_run(struct trial *t)
{
    const struct step_params step = {.n_token = t->n_token, .n_out = t->n_token - 1};
    memcpy(gpu_buf_map(t->step), &step, sizeof step);
    rows_fill(&t->y, UNTOUCHED);
    struct gpu_list *list;
    assert_int_equal(gpu_list_open(t->w.device, "test", false, &list), LEM_OK);
    assert_int_equal(trial_add(t, list), LEM_OK);
    assert_int_equal(gpu_list_run(&list, 1, t->n_token, NULL), LEM_OK);
    gpu_list_close(&list);
}

/* Sum of |w| |x| for each row of y: the scale of rounding errors. */
static void magnitudes(const struct trial *t, float *mag)
{
    const uint32_t n_col = t->w.ops.n_col, n_row = t->w.ops.n_row;
    float *dec = malloc(n_col * sizeof *dec);
    assert_non_null(dec);
    for (uint32_t r = 0; r < n_row; r++) {
        weights_decode(&t->w, 0, r, dec);
        for (uint32_t k = 0; k < t->n_token; k++) {
            const float *x = t->x.v + (size_t)k * t->x.stride;
            double sum = 0;
            for (uint32_t c = 0; c < n_col; c++)
                sum += fabs((double)dec[c] * (double)x[c]);
            mag[(size_t)k * n_row + r] = (float)sum;
        }
    }
    free(dec);
}

/* What y must be: [n_token][n_row] without gaps. */
static void expected(const struct trial *t, float *want)
{
    const struct ops_weight *w = &t->w.ops;
    for (uint32_t k = 0; k < t->n_token; k++)
        ref_matmul(want + (size_t)k * w->n_row, w->type, t->w.file, w->n_row, w->n_col,
                   t->x.v + (size_t)k * t->x.stride, 1, t->with_bias ? t->bias.v : NULL);
    for (size_t i = 0; i < (size_t)t->n_token * w->n_row; i++)
        want[i] = (t->add ? UNTOUCHED : 0) + t->scale * want[i];
}

static void check_untouched(const struct trial *t)
{
    const uint32_t n_row = t->w.ops.n_row;
    for (uint32_t k = 0; k < t->n_token; k++)
        for (uint32_t i = 0; i < t->y.stride; i++) {
            const bool ours = k < trial_rows(t) && i >= t->y_off && i < t->y_off + n_row;
            if (!ours && memcmp(&t->y.v[(size_t)k * t->y.stride + i], &UNTOUCHED, 4) != 0)
                fail_msg("%s %u x %u: wrote outside of the result, row %u column %u",
                         t->w.ops.type->name, n_row, t->w.ops.n_col, k, i);
        }
}

static void trial_check(const struct trial *t)
{
    const struct ops_weight *w = &t->w.ops;
    const size_t n = (size_t)t->n_token * w->n_row;
    float *want = malloc(n * sizeof *want), *got = malloc(n * sizeof *got);
    float *mag = malloc(n * sizeof *mag);
    assert_true(want && got && mag);
    expected(t, want);
    magnitudes(t, mag);

    for (uint32_t k = 0; k < trial_rows(t); k++)
        for (uint32_t r = 0; r < w->n_row; r++) {
            const size_t i = (size_t)k * w->n_row + r;
            got[i] = t->y.v[(size_t)k * t->y.stride + t->y_off + r];
            /* Every term of a sum of f32 is rounded a few dozen times at most (8 in a
             * block of 32, once per block), errors of both signs: 16 half ulps of the
             * terms' sum are generous. UNTOUCHED and the bias round once more. */
            const float limit = 16 * 0x1p-24f * (fabsf(t->scale) * mag[i] + 1) +
                                2 * 0x1p-24f * fabsf(want[i]);
            if (!(fabsf(got[i] - want[i]) <= limit))
                fail_msg("%s %u x %u, token %u of %u, row %u: got %.9g, want %.9g, "
                         "limit %.3g",
                         w->type->name, w->n_row, w->n_col, k, t->n_token, r,
                         (double)got[i], (double)want[i], (double)limit);
        }
    /* Over many values errors are random: a few 2^-24 of the result's size. */
    const size_t n_run = (size_t)trial_rows(t) * w->n_row;
    if (n_run >= 64 && !t->add)
        assert_close_rms(got, want, n_run, 1e-6, "%s %u x %u, %u tokens", w->type->name,
                         w->n_row, w->n_col, t->n_token);
    check_untouched(t);
    free(want);
    free(got);
    free(mag);
}

static void check_shape(struct gpu_fixture *fx, uint32_t type, uint32_t n_row,
                        uint32_t n_col, uint32_t n_token)
{
    struct trial t;
    trial_open(&t, fx->device, type, n_row, n_col, n_token, &fx->seed);
    trial_run(&t);
    trial_check(&t);
    trial_close(&t);
}

/* Below, at and beyond a tile, a block, a workgroup and a superblock; 257 rows are
 * enough for the kernels that give a lane several of them. */
static void matmul_awkward_sizes(void **state)
{
    static const uint32_t rows[] = {1,  7,  8,  9,   31,  32,  33,
                                    63, 64, 65, 255, 256, 257, 600};
    static const uint32_t cols[] = {1, 7, 8, 9, 31, 32, 33, 63, 64, 65, 255, 256, 257};
    static const uint32_t col_blocks[] = {1, 2, 3, 7, 8, 9, 15, 17};
    static const uint32_t tokens[] = {1, 2, 3, 8, 9, 33};
    struct gpu_fixture *fx = *state;
    uint32_t n = 0;
    for (uint32_t type = 0; type < N_TYPE; type++) {
        const bool blocks = quant_find(types[type])->block_weights == 32;
        const uint32_t n_col =
            blocks ? sizeof col_blocks / sizeof *col_blocks : sizeof cols / sizeof *cols;
        for (uint32_t r = 0; r < sizeof rows / sizeof *rows; r++)
            for (uint32_t c = 0; c < n_col; c++, n++)
                check_shape(fx, types[type], rows[r],
                            blocks ? 32 * col_blocks[c] : cols[c],
                            tokens[n % (sizeof tokens / sizeof *tokens)]);
    }
}

/* Every type there is: a few superblocks, the last one not full where that can be, for
 * one token and for more than a lane takes at once. */
static void matmul_every_type(void **state)
{
    struct gpu_fixture *fx = *state;
    for (const struct quant_info *q = NULL; (q = blocks_next_type(q));) {
        const uint32_t n_col = 256 * 3 + (q->block_weights < 256 ? 32 : 0);
        check_shape(fx, q->type, 65, n_col, 1);
        check_shape(fx, q->type, 520, n_col, 6);
    }
}

static void matmul_real_sizes(void **state)
{
    static const struct {
        uint32_t type, n_row, n_col, n_token;
    } shape[] = {
        {QUANT_Q8_0, 2048, 2048, 1}, {QUANT_Q4_0, 2048, 2048, 9}, /* OLMoE attention */
        {QUANT_F32, 64, 2048, 1},    {QUANT_F32, 64, 2048, 9},    /* OLMoE router */
        {QUANT_F16, 768, 2048, 3},   {QUANT_Q4_0, 2048, 768, 1},  /* Qwen3-30B-A3B */
        {QUANT_BF16, 4096, 2048, 2}, {QUANT_Q8_0, 2048, 4096, 1},
        {QUANT_Q4_0, 20000, 64, 1}, /* a vocabulary: as tall, not as wide */
    };
    struct gpu_fixture *fx = *state;
    for (size_t i = 0; i < sizeof shape / sizeof *shape; i++)
        check_shape(fx, shape[i].type, shape[i].n_row, shape[i].n_col, shape[i].n_token);
}

static void matmul_flags(void **state)
{
    struct gpu_fixture *fx = *state;
    for (uint32_t bits = 0; bits < 32; bits++) {
        struct trial t;
        trial_open(&t, fx->device, types[bits % N_TYPE], 65, 96, 1 + bits % 11,
                   &fx->seed);
        t.add = bits & 1;
        t.with_bias = bits & 2;
        t.n_out = bits & 4;
        t.y_off = bits & 8 ? 37 : 0;
        t.scale = bits & 16 ? -0.375f : 1;
        trial_run(&t);
        trial_check(&t);
        trial_close(&t);
    }
}

/* A list for up to 64 rows, run with fewer, gives what it should for those. */
static void matmul_fewer_rows_than_planned(void **state)
{
    struct gpu_fixture *fx = *state;
    for (uint32_t n_token = 1; n_token <= 9; n_token += 4) {
        struct trial t;
        trial_open(&t, fx->device, QUANT_Q8_0, 600, 288, n_token, &fx->seed);
        t.max_rows = 64;
        trial_run(&t);
        trial_check(&t);
        trial_close(&t);
    }
}

/* Cut by rows, the same weights give the same bits. */
static void matmul_windows(void **state)
{
    struct gpu_fixture *fx = *state;
    for (uint32_t i = 0; i < 2 * N_TYPE; i++) {
        struct trial t;
        trial_open(&t, fx->device, types[i / 2], 601, 544, i % 2 ? 5 : 1, &fx->seed);
        t.with_bias = true;
        const size_t bytes = (size_t)t.n_token * t.y.stride * sizeof(float);
        float *one = malloc(bytes);
        assert_non_null(one);
        trial_run(&t);
        memcpy(one, t.y.v, bytes);
        static const uint32_t rows[] = {208, 600, 8};
        for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
            weights_cut(&t.w, 1, rows[k]);
            assert_int_equal(t.w.ops.n_window, ceil_div(601, rows[k]));
            trial_run(&t);
            /* the bias of a window is that of its rows */
            trial_check(&t);
            assert_memory_equal(one, t.y.v, bytes);
        }
        free(one);
        trial_close(&t);
    }
}

/* Shapes that other devices get: rows split among lanes, more tokens per lane. */
static void matmul_every_shape(void **state)
{
    static const struct ops_shape shape[] = {
        {.rows = 1, .tokens = 1, .split = 8}, {.rows = 2, .tokens = 1, .split = 8},
        {.rows = 2, .tokens = 1, .split = 1}, {.rows = 8, .tokens = 1, .split = 1},
        {.rows = 1, .tokens = 8, .split = 1}, {.rows = 2, .tokens = 8, .split = 1},
        {.rows = 8, .tokens = 4, .split = 1}};
    static const uint32_t rows[] = {1, 8, 65, 129, 257};
    static const uint32_t cols[] = {32, 288, 2048 + 32};
    struct gpu_fixture *fx = *state;
    for (uint32_t i = 0; i < sizeof shape / sizeof *shape; i++)
        for (uint32_t n = 0; n < 30; n++) {
            struct trial t;
            trial_open(&t, fx->device, n % 2 ? QUANT_Q4_0 : QUANT_F32, rows[n % 5],
                       cols[n % 3], shape[i].tokens == 1 ? 1 : 1 + n % 10, &fx->seed);
            t.shape = &shape[i];
            t.add = n % 3 == 0;
            trial_run(&t);
            trial_check(&t);
            trial_close(&t);
        }
}

/* Every type in the loops where lanes share the blocks of a row, from buffers: fewer
 * blocks than lanes, a superblock that is not full, a row with more sums than there are
 * lanes. */
static void matmul_every_type_split(void **state)
{
    static const struct ops_shape shape[] = {
        {.rows = 1, .tokens = 1, .split = 8, .way = OPS_WAY_REGISTER},
        {.rows = 2, .tokens = 1, .split = 8, .way = OPS_WAY_REGISTER}};
    static const uint32_t cols[] = {96, 768 + 32, 4096 + 224};
    struct gpu_fixture *fx = *state;
    uint32_t n = 0;
    for (const struct quant_info *q = NULL; (q = blocks_next_type(q));)
        for (uint32_t c = 0; c < sizeof cols / sizeof *cols; c++, n++) {
            struct trial t;
            trial_open(&t, fx->device, q->type, n % 2 ? 65 : 136,
                       round_up(cols[c], q->block_weights), 1, &fx->seed);
            t.shape = &shape[n % 2];
            trial_run(&t);
            trial_check(&t);
            trial_close(&t);
        }
}

/* Rows, columns and tokens below, at and beyond a tile and a block, as few tokens as have
 * a path of their own; every flag. */
static void check_tile(struct gpu_fixture *fx, const struct quant_info *q, uint32_t n,
                       const struct ops_shape *shape)
{
    static const uint32_t rows[] = {1, 63, 64, 65, 200};
    static const uint32_t cols[] = {1, 256 + 7, 512 - 32, 1280};
    static const uint32_t tokens[] = {1, 4, 5, 8, 9, 16, 17, 31, 33, 64, 65};
    struct trial t;
    trial_open(&t, fx->device, q->type, rows[n % 5],
               round_up(cols[n % 4], q->block_weights), tokens[n % 11], &fx->seed);
    t.shape = shape;
    t.max_rows = t.n_token > 1 ? t.n_token : 2;
    t.add = n % 2;
    t.with_bias = n % 3 == 0;
    t.n_out = n % 5 == 0;
    t.y_off = n % 7;
    t.scale = n % 4 == 0 ? -0.375f : 1;
    trial_run(&t);
    trial_check(&t);
    trial_close(&t);
}

/* Through tiles in shared memory: every type; each of them takes a driver a while. */
static void matmul_tiles(void **state)
{
    static const uint32_t height[] = {16, 32, 64};
    struct gpu_fixture *fx = *state;
    uint32_t n = 0, i = 0;
    for (const struct quant_info *q = NULL; (q = blocks_next_type(q)); i++) {
        const bool texels = i % 4 == 1 && ops_way_possible(fx->device, OPS_USE_PROMPT,
                                                           OPS_WAY_TILE_TEXEL);
        const struct ops_shape shape = ops_shape_tile(
            height[i % 3], false, texels ? OPS_WAY_TILE_TEXEL : OPS_WAY_TILE);
        for (uint32_t k = 0; k < 11; k++, n++)
            check_tile(fx, q, n, &shape);
    }
}

/* What is chosen for prompts is what op_matmul takes, for prompts alone. */
static void matmul_as_chosen(void **state)
{
    struct gpu_fixture *fx = *state;
    for (enum ops_way way = OPS_WAY_REGISTER; way < OPS_N_WAY; way++) {
        if (!ops_way_possible(fx->device, OPS_USE_PROMPT, way))
            continue;
        ops_way_choose(fx->device, OPS_USE_PROMPT, way);
        for (uint32_t n_token = 1; n_token <= 40; n_token += 13) {
            struct trial t;
            trial_open(&t, fx->device, QUANT_Q4_0, 601, 544, n_token, &fx->seed);
            struct gpu_list *list;
            struct gpu_list_row row;
            assert_int_equal(gpu_list_open(fx->device, "test", false, &list), LEM_OK);
            assert_int_equal(trial_add(&t, list), LEM_OK);
            gpu_list_row(list, 0, &row);
            const bool prompt = n_token > 1;
            assert_int_equal(strstr(row.kernel, "_tile") != NULL,
                             prompt && ops_way_is_tile(way));
            if (prompt)
                assert_int_equal(strstr(row.kernel, ".texel") != NULL,
                                 ops_way_has_texels(way));
            gpu_list_close(&list);
            trial_run(&t);
            trial_check(&t);
            trial_close(&t);
        }
    }
    ops_way_choose(fx->device, OPS_USE_PROMPT, OPS_WAY_ANY);
}

/* Of a bank, op_matmul uses matrix 0. */
static void matmul_bank(void **state)
{
    struct gpu_fixture *fx = *state;
    struct trial t;
    trial_open(&t, fx->device, QUANT_Q4_0, 40, 64, 3, &fx->seed);
    weights_close(&t.w);
    weights_open(&t.w, fx->device, QUANT_Q4_0, 5, 40, 64, &fx->seed);
    for (uint32_t mats = 1; mats <= 5; mats += 2) {
        weights_cut(&t.w, mats, 0);
        trial_run(&t);
        trial_check(&t);
    }
    trial_close(&t);
}

static void matmul_same_bits(void **state)
{
    struct gpu_fixture *fx = *state;
    for (uint32_t n_token = 1; n_token <= 9; n_token += 8) {
        struct trial t;
        trial_open(&t, fx->device, QUANT_Q8_0, 777, 800, n_token, &fx->seed);
        const size_t bytes = (size_t)n_token * t.y.stride * sizeof(float);
        float *first = malloc(bytes);
        assert_non_null(first);
        for (int run = 0; run < 20; run++) {
            trial_run(&t);
            if (run == 0)
                memcpy(first, t.y.v, bytes);
            assert_memory_equal(first, t.y.v, bytes);
        }
        free(first);
        trial_close(&t);
    }
}

/* Types without a kernel, and windows that do not hold their rows. */
static void matmul_refuses(void **state)
{
    struct gpu_fixture *fx = *state;
    struct trial t;
    struct gpu_list *list;
    trial_open(&t, fx->device, QUANT_F32, 64, 64, 1, &fx->seed);
    assert_int_equal(gpu_list_open(fx->device, "test", false, &list), LEM_OK);

    t.w.ops.type = quant_find(QUANT_TQ1_0);
    assert_int_equal(trial_add(&t, list), LEM_ERR_UNSUPPORTED);
    gpu_fixture_said(fx, "no kernel matmul for weights of type TQ1_0");

    t.w.ops.type = quant_find(QUANT_F32);
    t.w.window[0].slice.size -= 16;
    assert_int_equal(trial_add(&t, list), LEM_ERR_ARGUMENT);
    gpu_fixture_said(fx, "window 0 of 1 does not fit");
    t.w.window[0].slice.size += 16;
    t.w.window[0].row0 = 8;
    assert_int_equal(trial_add(&t, list), LEM_ERR_ARGUMENT);
    gpu_fixture_said(fx, "window 0 of 1 does not fit");

    assert_int_equal(gpu_list_length(list), 0);
    gpu_list_close(&list);
    trial_close(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(matmul_awkward_sizes),
        cmocka_unit_test(matmul_every_type),
        cmocka_unit_test(matmul_real_sizes),
        cmocka_unit_test(matmul_flags),
        cmocka_unit_test(matmul_fewer_rows_than_planned),
        cmocka_unit_test(matmul_windows),
        cmocka_unit_test(matmul_every_shape),
        cmocka_unit_test(matmul_every_type_split),
        cmocka_unit_test(matmul_tiles),
        cmocka_unit_test(matmul_as_chosen),
        cmocka_unit_test(matmul_bank),
        cmocka_unit_test(matmul_same_bits),
        cmocka_unit_test(matmul_refuses),
    };
    return cmocka_run_group_tests(tests, gpu_fixture_open, gpu_fixture_close);
}
