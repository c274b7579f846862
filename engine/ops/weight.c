/* weight.c - what the operations on weights share: how their kernels are launched,
 * and the kernel of a weight type. */
#include "ops/weight.h"

#include <assert.h>
#include <stdio.h>

#include "base/check.h"
#include "base/log.h"

uint32_t ops_weight_n_sb(const struct ops_weight *w)
{
    return quant_n_sb(w->type, w->n_col);
}

uint32_t ops_weight_n_block(const struct ops_weight *w)
{
    return ceil_div(w->n_col, OPS_BLOCK);
}

/* Does the window lie in the bank, and its slice hold all of it? */
static bool window_fits(const struct ops_weight *w, const struct ops_window *win)
{
    const bool inside =
        win->n_mat > 0 && win->mat0 < w->n_mat && win->n_mat <= w->n_mat - win->mat0 &&
        win->n_row > 0 && win->row0 < w->n_row && win->n_row <= w->n_row - win->row0 &&
        win->row0 % QUANT_TILE_ROWS == 0 && (win->n_mat == 1 || win->n_row == w->n_row);
    uint64_t bytes;
    return inside && quant_tile_bytes(w->type, w->n_col, &bytes) &&
           check_mul(bytes, ceil_div(win->n_row, QUANT_TILE_ROWS), &bytes) &&
           check_mul(bytes, win->n_mat, &bytes) && bytes <= win->slice.size;
}

/* SUMS of rows.glsl: room for the blocks of a row, in few different sizes, because each
 * is a kernel; where there are no sums, in one. */
static uint32_t sums_of(const struct ops_weight *w, bool none)
{
    uint32_t n = 64;
    while (!none && n < ops_weight_n_block(w) && n < OPS_MOST_SPLIT / OPS_BLOCK)
        n *= 2;
    return n;
}

enum lem_status ops_weight_kernel(const struct gpu_list *list, const struct op_at *at,
                                  const char *op, const struct ops_weight *w,
                                  const struct ops_shape *shape,
                                  const struct gpu_kernel **out)
{
    return ops_weight_kernel_with(list, at, op, w, shape, NULL, 0, out);
}

enum lem_status ops_weight_kernel_with(const struct gpu_list *list,
                                       const struct op_at *at, const char *op,
                                       const struct ops_weight *w,
                                       const struct ops_shape *shape,
                                       const uint32_t *more, uint32_t n_more,
                                       const struct gpu_kernel **out)
{
    struct lem_device *device = gpu_list_device(list);
    if (!w->type->shader || !w->type->sb_weights)
        return log_fail(gpu_log(device), LEM_ERR_UNSUPPORTED,
                        "%s: no kernel %s for weights of type %s yet; "
                        "requantize the file, to Q8_0 say",
                        at->label, op, w->type->name);
    for (uint32_t i = 0; i < w->n_window; i++)
        if (!window_fits(w, &w->window[i]))
            return log_fail(gpu_log(device), LEM_ERR_ARGUMENT,
                            "%s: window %u of %u does not fit %u x %u x %u weights of "
                            "type %s; this is a bug, please report it",
                            at->label, i, w->n_window, w->n_mat, w->n_row, w->n_col,
                            w->type->name);

    const enum ops_way way =
        shape && shape->way ? shape->way : ops_way_of(device, OPS_USE_TOKEN);
    const bool whole = shape && shape->i8; /* activations are integers */
    const bool i16 = whole && gpu_fetches_texels(device);
    char name[64];
    const int len = snprintf(name, sizeof name, "%s%s.%s%s%s", op,
                             ops_way_is_tile(way) ? "_tile" : "", w->type->shader,
                             i16     ? ".i16"
                             : whole ? ".i8"
                                     : "",
                             i16 || (!whole && ops_way_has_texels(way)) ? ".texel" : "");
    if (len < 0 || (size_t)len >= sizeof name)
        return log_fail(gpu_log(device), LEM_ERR_ARGUMENT,
                        "%s: kernel name %s.%s is too long; this is a bug, please "
                        "report it",
                        at->label, op, w->type->shader);
    uint32_t constant[GPU_MAX_CONSTANT] = {
        shape && shape->lanes ? shape->lanes : OPS_LOCAL, shape ? shape->rows : 0,
        shape ? shape->tokens : 0, shape ? shape->split : 0};
    assert(n_more == 0 || (shape && n_more <= 2));
    for (uint32_t i = 0; i < n_more; i++)
        constant[4 + i] = more[i];
    if (!ops_way_is_tile(way) && (!shape || shape->split == 1))
        return gpu_kernel_get(device, name, constant, shape ? 4 + n_more : 1, out);
    assert(ops_way_is_tile(way) || w->n_col <= OPS_MOST_SPLIT);
    constant[6] = ops_way_is_tile(way)
                      ? gpu_type(device) != LEM_DEVICE_CPU /* UNROLL of tile.glsl */
                      : sums_of(w, whole || ops_way_has_texels(way));
    return gpu_kernel_get(device, name, constant, 7, out);
}
