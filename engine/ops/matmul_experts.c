/* matmul_experts.c - products of expert matrices with the rows of many tokens, grouped
 * by expert. */
#include "ops/cost.h"
#include "ops/weight.h"

/* Pairs of an expert, on average. */
static uint32_t per_expert(uint32_t n_token, uint32_t n_used, uint32_t n_expert)
{
    return (uint32_t)((uint64_t)n_token * n_used / (n_expert ? n_expert : 1));
}

uint32_t op_group_tile(const struct lem_device *device, bool i8, uint32_t n_token,
                       uint32_t n_used, uint32_t n_expert)
{
    const struct ops_shape s =
        ops_shape_experts(device, 0, per_expert(n_token, n_used, n_expert), i8);
    return ops_way_is_tile(s.way) ? ops_shape_tokens(&s) : OPS_GROUP_TILE;
}

uint32_t op_matmul_experts_row_groups(const struct lem_device *device,
                                      const struct ops_weight *weight, bool i8)
{
    const struct ops_shape shape = ops_shape_experts(device, weight->n_row, 0, i8);
    return ops_shape_groups(&shape, weight->n_row);
}

enum lem_status ops_matmul_experts(struct gpu_list *list, const struct op_at *at,
                                   const struct op_matmul_experts *a,
                                   const struct ops_shape *shape)
{
    const struct ops_weight *w = a->weight;
    const uint32_t more[] = {a->act, a->table.buf != NULL};
    const struct gpu_kernel *kernel;
    enum lem_status st =
        ops_weight_kernel_with(list, at, "matmul_experts", w, shape, more, 2, &kernel);

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

enum lem_status op_matmul_experts(struct gpu_list *list, const struct op_at *at,
                                  const struct op_matmul_experts *a)
{
    const struct ops_weight *w = a->weight;
    const struct ops_shape shape =
        ops_shape_experts(gpu_list_device(list), w->n_row,
                          per_expert(at->max_rows, a->n_used, w->n_mat), a->x_i8);
    return ops_matmul_experts(list, at, a, &shape);
}
