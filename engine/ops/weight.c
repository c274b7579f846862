/* weight.c - what the operations on weights share: how their kernels are launched,
 * and the kernel of a weight type. */
#include "ops/weight.h"

#include <assert.h>
#include <stdio.h>

#include "base/check.h"
#include "base/log.h"

/* CPU devices load buffer elements lane by lane, but fetch texels as fast as memory
 * gives them. Where texel buffers hold less than a window, that is no choice. */
bool ops_fetches_texels(const struct lem_device *device)
{
    return gpu_type(device) == LEM_DEVICE_CPU &&
           gpu_caps(device)->max_texel_elements >=
               gpu_caps(device)->max_buffer_range / GPU_TEXEL_BYTES;
}

/* CPU devices: registers are cheap, threads few, compiling slow. GPUs: many lanes must
 * have work, so rows are split among lanes where a matrix has few of them. */
struct ops_shape ops_shape_pick(const struct lem_device *device, uint32_t n_row,
                                uint32_t max_rows)
{
    if (gpu_type(device) == LEM_DEVICE_CPU) {
        /* 8 rows share what is fetched of x; but some groups must be left for each
         * processor, more of them for one token, which is soon done. Without texels the
         * code is long enough with 4. */
        const uint32_t tall = !ops_fetches_texels(device) ? UINT32_MAX
                              : max_rows > 1              ? 1024
                                                          : 2048;
        return (struct ops_shape){.rows = n_row >= tall  ? 8
                                          : n_row >= 256 ? 4
                                                         : 1,
                                  .tokens = max_rows > 1 ? 4 : 1,
                                  .split = 1};
    }
    if (max_rows > 1)
        return (struct ops_shape){.rows = n_row >= 512 ? 2 : 1, .tokens = 8, .split = 1};
    return (struct ops_shape){
        .rows = n_row >= 4096 ? 2 : 1, .tokens = 1, .split = n_row >= 16384 ? 1 : 8};
}

uint32_t ops_shape_groups(const struct ops_shape *s, uint32_t n_row)
{
    return ceil_div(n_row, OPS_LOCAL / s->split * s->rows);
}

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

    char name[64];
    const int len = snprintf(name, sizeof name, "%s.%s%s%s", op, w->type->shader,
                             shape && shape->i8 ? ".i8" : "",
                             ops_fetches_texels(device) ? ".texel" : "");
    if (len < 0 || (size_t)len >= sizeof name)
        return log_fail(gpu_log(device), LEM_ERR_ARGUMENT,
                        "%s: kernel name %s.%s is too long; this is a bug, please "
                        "report it",
                        at->label, op, w->type->shader);
    uint32_t constant[GPU_MAX_CONSTANT] = {OPS_LOCAL, shape ? shape->rows : 0,
                                           shape ? shape->tokens : 0,
                                           shape ? shape->split : 0};
    assert(n_more == 0 || (shape && n_more <= GPU_MAX_CONSTANT - 4));
    for (uint32_t i = 0; i < n_more; i++)
        constant[4 + i] = more[i];
    return gpu_kernel_get(device, name, constant, shape ? 4 + n_more : 1, out);
}
