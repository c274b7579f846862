/* norm.c - root mean square norm of rows: one workgroup per row. */
#include "ops/cost.h"
#include "ops/launch.h"

enum lem_status op_norm(struct gpu_list *list, const struct op_at *at,
                        const struct op_norm *a)
{
    /* Rows of y begin at multiples of 32 floats, those of x too. */
    const bool texels =
        a->n % 4 == 0 && ops_takes_texels(list, a->x) && ops_takes_texels(list, a->w);
    const uint32_t constant[] = {texels ? OPS_TEXEL_LANES : ops_lanes(list)};
    const struct gpu_kernel *kernel;
    const enum lem_status st =
        gpu_kernel_get(gpu_list_device(list), texels ? "rms_norm.texel" : "rms_norm",
                       constant, 1, &kernel);
    if (st != LEM_OK)
        return st;

    const struct norm_params push = {
        .n = a->n,
        .x_stride = a->x_stride,
        .y_stride = a->y_stride,
        .eps = a->eps,
        .flags = (a->from_out ? NORM_FROM_OUT : 0) | (a->add ? NORM_ADD : 0) |
                 (a->bias.buf ? NORM_BIAS : 0) | (a->y_i8.buf ? NORM_I8 : 0),
        .scale = a->scale == 0 ? 1.0f : a->scale,
        .q_stride = a->y_i8_stride};
    const struct gpu_dispatch d = {.kernel = kernel,
                                   .label = at->label,
                                   .stage = at->stage,
                                   .bind = {at->step, a->x, a->w, a->y,
                                            ops_slice_or(a->bias, a->w),
                                            ops_slice_or(a->y_i8, a->y)},
                                   .push = &push,
                                   .push_size = sizeof push,
                                   .group = {1, 1, 1},
                                   .rows_per_group = at->max_rows == 1 ? 0 : 1,
                                   .cost = ops_cost_rows(at->max_rows, a->n, a->n, 4)};
    return gpu_list_add(list, &d);
}
