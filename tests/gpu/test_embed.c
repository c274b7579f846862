/* test_embed.c - op_embed against the decoders: every type, awkward widths, windows. */
#include "support/tolerance.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "support/blocks.h"
#include "support/gpu_fixture.h"
#include "support/rows.h"
#include "support/weights.h"

static const uint32_t types[] = {QUANT_F32, QUANT_F16, QUANT_BF16, QUANT_Q8_0,
                                 QUANT_Q4_0};
enum { N_TYPE = sizeof types / sizeof *types, N_TOKEN = 6 };

static void embed_run(struct weights *w, const uint32_t *ids, struct rows *y, float scale)
{
    struct gpu_buf *ids_buf;
    struct gpu_list *list;
    assert_int_equal(
        gpu_buf_open(w->device, GPU_BUF_UPLOAD, N_TOKEN * sizeof *ids, "ids", &ids_buf),
        LEM_OK);
    memcpy(gpu_buf_map(ids_buf), ids, N_TOKEN * sizeof *ids);
    rows_fill(y, -7);
    assert_int_equal(gpu_list_open(w->device, "test", false, &list), LEM_OK);
    const struct op_at at = {.label = "test", .max_rows = N_TOKEN};
    const struct op_embed a = {.weight = &w->ops,
                               .ids = gpu_slice_all(ids_buf),
                               .y = gpu_slice_all(y->buf),
                               .y_stride = y->stride,
                               .scale = scale};
    assert_int_equal(op_embed(list, &at, &a), LEM_OK);
    assert_int_equal(gpu_list_run(&list, 1, N_TOKEN, NULL), LEM_OK);
    gpu_list_close(&list);
    gpu_buf_close(&ids_buf);
}

/* `exact`: the weights themselves, bit for bit, as every one is a product of a small
 * integer with an f16, or stored as a float. With a factor, two roundings. */
static void embed_check(const struct weights *w, const uint32_t *ids,
                        const struct rows *y, float scale)
{
    const uint32_t n_col = w->ops.n_col, padded = round_up(n_col, 32);
    float *want = malloc(n_col * sizeof *want);
    assert_non_null(want);
    for (uint32_t t = 0; t < N_TOKEN; t++) {
        const float *got = y->v + (size_t)t * y->stride;
        weights_decode(w, 0, ids[t], want);
        for (uint32_t c = 0; c < n_col; c++)
            want[c] *= scale;
        assert_close(got, want, n_col, 0, scale == 1 ? 0 : 0x1p-22f,
                     "%s row %u of %u x %u", w->ops.type->name, ids[t], w->ops.n_row,
                     n_col);
        for (uint32_t c = n_col; c < y->stride; c++)
            if (got[c] != (c < padded ? 0 : -7))
                fail_msg("%s %u columns: column %u of %u is %g", w->ops.type->name, n_col,
                         c, y->stride, (double)got[c]);
    }
    free(want);
}

static void embed_sizes(void **state)
{
    static const uint32_t cols[] = {1, 31, 32, 33, 63, 65, 255, 257, 2048, 2880};
    struct gpu_fixture *fx = *state;
    for (uint32_t type = 0; type < N_TYPE; type++)
        for (uint32_t c = 0; c < sizeof cols / sizeof *cols; c++) {
            const bool blocks = quant_find(types[type])->block_weights == 32;
            const uint32_t n_col = blocks ? round_up(cols[c], 32) : cols[c];
            const uint32_t n_row = 1 + c * 9;
            const uint32_t ids[N_TOKEN] = {0,         n_row - 1, n_row / 2,
                                           n_row / 3, n_row - 1, 8 % n_row};
            struct weights w;
            struct rows y;
            weights_open(&w, fx->device, types[type], 1, n_row, n_col, &fx->seed);
            rows_open(&y, fx->device, GPU_BUF_READBACK, N_TOKEN, n_col, c % 2);
            embed_run(&w, ids, &y, 1);
            embed_check(&w, ids, &y, 1);
            embed_run(&w, ids, &y, 45.254834f);
            embed_check(&w, ids, &y, 45.254834f);
            rows_close(&y);
            weights_close(&w);
        }
}

/* Every type there is; their codes and scales give the decoder's very bits. */
static void embed_every_type(void **state)
{
    enum { N_ROW = 70 };
    static const uint32_t ids[N_TOKEN] = {0, 7, 8, 33, 64, N_ROW - 1};
    struct gpu_fixture *fx = *state;
    for (const struct quant_info *q = NULL; (q = blocks_next_type(q));) {
        const uint32_t n_col = 256 * 3 + (q->block_weights < 256 ? 32 : 0);
        struct weights w;
        struct rows y;
        weights_open(&w, fx->device, q->type, 1, N_ROW, n_col, &fx->seed);
        rows_open(&y, fx->device, GPU_BUF_READBACK, N_TOKEN, n_col, 1);
        embed_run(&w, ids, &y, 1);
        embed_check(&w, ids, &y, 1);
        embed_run(&w, ids, &y, -0.375f);
        embed_check(&w, ids, &y, -0.375f);
        rows_close(&y);
        weights_close(&w);
    }
}

/* First and last rows of windows, and every window without a token of its own. */
static void embed_windows(void **state)
{
    static const uint32_t ids[N_TOKEN] = {0, 15, 16, 47, 48, 70};
    struct gpu_fixture *fx = *state;
    for (uint32_t type = 0; type < N_TYPE; type++) {
        struct weights w;
        struct rows y;
        weights_open(&w, fx->device, types[type], 1, 71, 96, &fx->seed);
        rows_open(&y, fx->device, GPU_BUF_READBACK, N_TOKEN, 96, 0);
        for (uint32_t rows = 8; rows <= 72; rows += 8) {
            weights_cut(&w, 1, rows);
            embed_run(&w, ids, &y, 1);
            embed_check(&w, ids, &y, 1);
        }
        rows_close(&y);
        weights_close(&w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(embed_sizes),
        cmocka_unit_test(embed_every_type),
        cmocka_unit_test(embed_windows),
    };
    return cmocka_run_group_tests(tests, gpu_fixture_open, gpu_fixture_close);
}
