/* matmul_heads.c - products of one matrix for each head with the head's part of a row. */
#include "ops/cost.h"
#include "ops/weight.h"

#include "base/log.h"

enum lem_status ops_matmul_heads(struct gpu_list *list, const struct op_at *at,
                                 const struct op_matmul_heads *a,
                                 const struct ops_shape *shape)
{
    const struct ops_weight *w = a->weight;
    struct lem_device *device = gpu_list_device(list);
    const struct gpu_kernel *kernel;
    enum lem_status st = ops_weight_kernel(list, at, "matmul_heads", w, shape, &kernel);
    if (st == LEM_OK && (a->x_step % 4 != 0 || a->x_stride % 4 != 0))
        return log_fail(gpu_log(device), LEM_ERR_ARGUMENT,
                        "%s: heads of %u floats in rows of %u are no multiples of 4; "
                        "this is a bug, please report it",
                        at->label, a->x_step, a->x_stride);

    for (uint32_t i = 0; st == LEM_OK && i < w->n_window; i++) {
        const struct ops_window *win = &w->window[i];
        if (win->n_row != w->n_row)
            return log_fail(gpu_log(device), LEM_ERR_UNSUPPORTED,
                            "%s: the matrix of a head (%u x %u, %s) must fit one binding "
                            "of the device; use a smaller type",
                            at->label, w->n_row, w->n_col, w->type->name);
        const struct matmul_heads_params push = {.n_row = w->n_row,
                                                 .n_sb = ops_weight_n_sb(w),
                                                 .n_block = ops_weight_n_block(w),
                                                 .mat0 = win->mat0,
                                                 .x_stride = a->x_stride,
                                                 .y_stride = a->y_stride,
                                                 .x_step = a->x_step,
                                                 .y_step = a->y_step};
        const struct gpu_dispatch d = {
            .kernel = kernel,
            .label = at->label,
            .stage = at->stage,
            .bind = {win->slice, a->x, a->y, at->step},
            .push = &push,
            .push_size = sizeof push,
            .group = {ops_shape_groups(shape, w->n_row), 1, win->n_mat},
            .rows_per_group = shape->tokens,
            .cost = ops_cost_heads(w, win->n_mat, at->max_rows)};
        st = gpu_list_add(list, &d);
    }
    return st;
}

enum lem_status op_matmul_heads(struct gpu_list *list, const struct op_at *at,
                                const struct op_matmul_heads *a)
{
    const struct ops_shape shape = ops_shape_pick(gpu_list_device(list), a->weight->n_row,
                                                  a->weight->n_col, at->max_rows);
    return ops_matmul_heads(list, at, a, &shape);
}
