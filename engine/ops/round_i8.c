/* round_i8.c - activations as bytes, for the kernels that multiply bytes. */
#include "ops/cost.h"
#include "ops/launch.h"
#include "ops/weight.h"

#include <assert.h>
#include <stdio.h>

#include "base/check.h"

static_assert(CONSTANT_TEXELS == GPU_CONSTANT_TEXELS &&
                  CONSTANT_SUBNORMALS == GPU_CONSTANT_SUBNORMALS,
              "kernels and gpu/ mean the same");

uint32_t op_i8_stride(uint32_t n)
{
    return ceil_div(n, 256) * I16_SLOTS;
}

/* The packed product is a SPIR-V extension, products of 16 bits are nothing special;
 * types without the kernels have neither. */
bool op_takes_i8(const struct lem_device *device, const struct ops_weight *w)
{
    char name[64];
    const struct quant_info *type = w->type;
    const bool i16 = gpu_fetches_texels(device);
    if ((!i16 && !gpu_caps(device)->int_dot) || w->n_mat == 0 || !type->shader ||
        w->n_col % 32)
        return false;
    snprintf(name, sizeof name, i16 ? "matmul.%s.i16.texel" : "matmul.%s.i8",
             type->shader);
    return gpu_has_shader(device, name);
}

enum lem_status op_round_i8(struct gpu_list *list, const struct op_at *at,
                            const struct op_round_i8 *a)
{
    const uint32_t lanes = ops_lanes(list);
    const struct gpu_kernel *kernel;
    const enum lem_status st =
        gpu_kernel_get(gpu_list_device(list), "round_i8", &lanes, 1, &kernel);
    if (st != LEM_OK)
        return st;

    const struct round_params push = {.n = a->n,
                                      .x_stride = a->x_stride,
                                      .y_stride = a->y_stride,
                                      .n_per_row = a->n_per_row,
                                      .flags = a->n_out ? ROUND_N_OUT : 0};
    const struct gpu_dispatch d = {
        .kernel = kernel,
        .label = at->label,
        .stage = at->stage,
        .bind = {at->step, a->x, a->y},
        .push = &push,
        .push_size = sizeof push,
        .group = {ceil_div(a->n / OPS_BLOCK, lanes), 1, a->n_per_row},
        .rows_per_group = at->max_rows == 1 ? 0 : 1,
        .cost = ops_cost_rows((uint64_t)at->max_rows * a->n_per_row, a->n, a->n / 4, 4)};
    return gpu_list_add(list, &d);
}
