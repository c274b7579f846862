/* weights.c - random matrices in the file format of a type, packed for the device and
 * cut into windows. */
#include "support/weights.h"

#include <stdlib.h>

#include "base/check.h"
#include "support/blocks.h"
#include "support/tolerance.h"

void weights_open(struct weights *w, struct lem_device *device, uint32_t type,
                  uint32_t n_mat, uint32_t n_row, uint32_t n_col, uint64_t *seed)
{
    const struct quant_info *q = quant_find(type);
    *w = (struct weights){
        .device = device,
        .ops = {.type = q, .n_mat = n_mat, .n_row = n_row, .n_col = n_col}};
    assert_true(q && quant_bytes(q, n_col, &w->row_bytes));

    const uint64_t bytes = w->row_bytes * n_row * n_mat;
    w->file = malloc(bytes);
    assert_non_null(w->file);
    blocks_random(q, w->file, bytes, seed);

    uint64_t mat_bytes;
    assert_true(quant_tile_bytes(q, n_col, &mat_bytes));
    mat_bytes *= ceil_div(n_row, QUANT_TILE_ROWS);
    const uint64_t fit = gpu_caps(device)->max_buffer_range / mat_bytes;
    assert_true(fit >= 1);
    weights_cut(w, fit < n_mat ? (uint32_t)fit : n_mat, 0);
}

void weights_close(struct weights *w)
{
    gpu_buf_close(&w->buf);
    free(w->window);
    free(w->file);
    *w = (struct weights){0};
}

/* The windows, with slices that begin where the device lets them. */
static uint64_t plan_windows(struct weights *w, uint32_t mats, uint32_t rows)
{
    const struct ops_weight *o = &w->ops;
    const uint32_t per_mat = rows ? ceil_div(o->n_row, rows) : 1;
    const uint32_t n = rows ? o->n_mat * per_mat : ceil_div(o->n_mat, mats);
    const uint32_t align = gpu_caps(w->device)->storage_align;
    uint64_t tile_bytes, at = 0;

    assert_true(quant_tile_bytes(o->type, o->n_col, &tile_bytes));
    w->window = calloc(n, sizeof *w->window);
    assert_non_null(w->window);
    for (uint32_t i = 0; i < n; i++) {
        struct ops_window *win = &w->window[i];
        win->mat0 = rows ? i / per_mat : i * mats;
        win->row0 = rows ? i % per_mat * rows : 0;
        win->n_mat = rows ? 1 : mats;
        if (win->n_mat > o->n_mat - win->mat0)
            win->n_mat = o->n_mat - win->mat0;
        win->n_row = rows ? rows : o->n_row;
        if (win->n_row > o->n_row - win->row0)
            win->n_row = o->n_row - win->row0;
        win->slice.offset = at;
        win->slice.size = tile_bytes * ceil_div(win->n_row, QUANT_TILE_ROWS) * win->n_mat;
        at += (win->slice.size + align - 1) / align * align;
    }
    w->ops.window = w->window;
    w->ops.n_window = n;
    return at;
}

void weights_cut(struct weights *w, uint32_t mats, uint32_t rows)
{
    assert_int_equal(rows % QUANT_TILE_ROWS, 0);
    gpu_buf_close(&w->buf);
    free(w->window);
    w->window = NULL;

    const uint64_t size = plan_windows(w, mats, rows);
    assert_int_equal(gpu_buf_open(w->device, GPU_BUF_UPLOAD, size, "weights", &w->buf),
                     LEM_OK);
    uint8_t *map = gpu_buf_map(w->buf);
    for (uint32_t i = 0; i < w->ops.n_window; i++) {
        struct ops_window *win = &w->window[i];
        const uint64_t mat_bytes = win->slice.size / win->n_mat;
        win->slice.buf = w->buf;
        for (uint32_t m = 0; m < win->n_mat; m++)
            quant_pack(w->ops.type, weights_row(w, win->mat0 + m, win->row0), win->n_row,
                       w->ops.n_col, map + win->slice.offset + m * mat_bytes);
    }
}

const uint8_t *weights_row(const struct weights *w, uint32_t mat, uint32_t row)
{
    return w->file + ((uint64_t)mat * w->ops.n_row + row) * w->row_bytes;
}

void weights_decode(const struct weights *w, uint32_t mat, uint32_t row, float *out)
{
    w->ops.type->decode(weights_row(w, mat, row), out, w->ops.n_col);
}
