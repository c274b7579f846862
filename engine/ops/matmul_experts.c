/* matmul_experts.c - products of expert matrices with the rows of many tokens, grouped
 * by expert. */
#include "ops/cost.h"
#include "ops/weight.h"

/* GPUs: a tile of pairs and one row in a lane's registers, as many lanes as there are. */
static struct ops_shape grouped_shape(const struct lem_device *device,
                                      const struct ops_weight *w)
{
    if (gpu_type(device) != LEM_DEVICE_CPU)
        return (struct ops_shape){.rows = 1, .tokens = OPS_GROUP_TILE, .split = 1};
    struct ops_shape shape = ops_shape_pick(device, w->n_row, OPS_GROUP_TILE);
    shape.tokens = OPS_GROUP_TILE / 2;
    return shape;
}

uint32_t op_matmul_experts_row_groups(const struct lem_device *device,
                                      const struct ops_weight *weight)
{
    const struct ops_shape shape = grouped_shape(device, weight);
    return ops_shape_groups(&shape, weight->n_row);
}

enum lem_status op_matmul_experts(struct gpu_list *list, const struct op_at *at,
                                  const struct op_matmul_experts *a)
{
    const struct ops_weight *w = a->weight;
    struct ops_shape shape = grouped_shape(gpu_list_device(list), w);
    shape.i8 = a->x_i8;
    const uint32_t more[] = {a->act, a->table.buf != NULL};
    const struct gpu_kernel *kernel;
    enum lem_status st =
        ops_weight_kernel_with(list, at, "matmul_experts", w, &shape, more, 2, &kernel);

    for (uint32_t i = 0; st == LEM_OK && i < w->n_window; i++) {
        const struct ops_window *win = &w->window[i];
        const struct matmul_experts_params push = {
            .n_row = win->n_row,
            .n_sb = ops_weight_n_sb(w),
            .n_block = ops_weight_n_block(w),
            .x_stride = a->x_stride,
            .y_stride = a->y_stride,
            .y_off = a->y_off + win->row0,
            .mat0 = win->mat0,
            .n_mat = win->n_mat,
            .n_used = a->n_used,
            .flags =
                (a->x_by_pair ? EXPERTS_X_BY_PAIR : 0) | (a->bias.buf ? EXPERTS_BIAS : 0),
            .bias_off = a->bias_off + win->row0,
            .bias_stride = a->bias_stride};
        const struct gpu_dispatch d = {
            .kernel = kernel,
            .label = at->label,
            .stage = at->stage,
            .bind = {win->slice, a->x, a->y, a->pairs, a->tiles,
                     a->bias.buf ? a->bias : a->x, a->table.buf ? a->table : a->tiles},
            .push = &push,
            .push_size = sizeof push,
            .group = {1, 1, 1},
            .indirect = a->args,
            .cost = ops_cost_experts(w, win, a->n_used, at->max_rows, false)};
        st = gpu_list_add(list, &d);
    }
    return st;
}
