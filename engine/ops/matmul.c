/* matmul.c - products of one matrix with the rows of the run. */
#include "ops/cost.h"
#include "ops/weight.h"

static enum lem_status add_window(struct gpu_list *list, const struct op_at *at,
                                  const struct op_matmul *a,
                                  const struct gpu_kernel *kernel,
                                  const struct ops_shape *shape,
                                  const struct ops_window *win)
{
    struct gpu_slice bias = a->x; /* something to bind; not read */
    uint32_t flags = (a->add ? MATMUL_ADD : 0) | (a->n_out ? MATMUL_N_OUT : 0);
    if (a->bias.buf) {
        bias = a->bias;
        flags |= MATMUL_BIAS;
    }
    const struct matmul_params push = {.n_row = win->n_row,
                                       .n_sb = ops_weight_n_sb(a->weight),
                                       .n_block = ops_weight_n_block(a->weight),
                                       .x_stride = a->x_stride,
                                       .y_stride = a->y_stride,
                                       .y_off = a->y_off + win->row0,
                                       .bias_off = win->row0,
                                       .flags = flags,
                                       .scale = a->scale};
    const struct gpu_dispatch d = {
        .kernel = kernel,
        .label = at->label,
        .stage = at->stage,
        .bind = {win->slice, a->x, a->y, bias, at->step},
        .push = &push,
        .push_size = sizeof push,
        .group = {ops_shape_groups(shape, win->n_row), 1, 1},
        .rows_per_group = at->max_rows == 1 ? 0 : ops_shape_tokens(shape),
        .cost = ops_cost_matmul(a->weight, win->n_row, at->max_rows)};
    return gpu_list_add(list, &d);
}

enum lem_status ops_matmul(struct gpu_list *list, const struct op_at *at,
                           const struct op_matmul *a, const struct ops_shape *shape)
{
    const struct ops_weight *w = a->weight;
    const struct gpu_kernel *kernel;
    enum lem_status st = ops_weight_kernel(list, at, "matmul", w, shape, &kernel);

    for (uint32_t i = 0; st == LEM_OK && i < w->n_window; i++)
        if (w->window[i].mat0 == 0)
            st = add_window(list, at, a, kernel, shape, &w->window[i]);
    return st;
}

enum lem_status op_matmul(struct gpu_list *list, const struct op_at *at,
                          const struct op_matmul *a)
{
    const struct ops_shape shape = ops_shape_matmul(
        gpu_list_device(list), a->weight->n_row, a->weight->n_col, at->max_rows, a->x_i8);
    return ops_matmul(list, at, a, &shape);
}
