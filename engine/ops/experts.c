/* experts.c - the experts of one token: gate, up and activation in one dispatch, down
 * and the weighted sum in another. */
#include "ops/cost.h"
#include "ops/weight.h"

#include "base/log.h"

static enum lem_status glu_window(struct gpu_list *list, const struct op_at *at,
                                  const struct op_experts_glu *a,
                                  const struct gpu_kernel *kernel,
                                  const struct ops_shape *shape,
                                  const struct ops_window *win)
{
    const uint32_t n_ff = a->weight->n_row / 2;
    const struct experts_glu_params push = {.n_ff = n_ff,
                                            .n_sb = ops_weight_n_sb(a->weight),
                                            .n_block = ops_weight_n_block(a->weight),
                                            .mat0 = win->mat0,
                                            .n_mat = win->n_mat,
                                            .act = a->act,
                                            .alpha = a->alpha,
                                            .limit = a->limit,
                                            .y_stride = a->y_stride,
                                            .flags = a->bias.buf ? EXPERTS_BIAS : 0,
                                            .q_stride = a->y_i8_stride};
    const struct gpu_dispatch d = {
        .kernel = kernel,
        .label = at->label,
        .stage = at->stage,
        .bind = {win->slice, a->x, a->ids, a->y, a->bias.buf ? a->bias : a->x,
                 a->y_i8.buf ? a->y_i8 : a->y},
        .push = &push,
        .push_size = sizeof push,
        .group = {ops_shape_groups(shape, 2 * n_ff), a->n_used, 1},
        .cost = ops_cost_experts(a->weight, win, a->n_used, 1, true)};
    return gpu_list_add(list, &d);
}

/* Do the rows of a workgroup make whole blocks of bytes? */
static bool fills_blocks(const struct ops_weight *w, const struct ops_shape *s)
{
    const uint32_t lanes = s->lanes ? s->lanes : OPS_LOCAL;
    return w->n_row % (2 * OPS_BLOCK) == 0 && s->split == 1 &&
           lanes * (s->rows / 2) % OPS_BLOCK == 0;
}

enum lem_status ops_experts_glu(struct gpu_list *list, const struct op_at *at,
                                const struct op_experts_glu *a,
                                const struct ops_shape *shape)
{
    const struct ops_weight *w = a->weight;
    struct lem_device *device = gpu_list_device(list);
    const struct gpu_kernel *kernel;
    const uint32_t round = a->y_i8.buf != NULL;
    if (round && !fills_blocks(w, shape))
        return log_fail(
            gpu_log(device), LEM_ERR_ARGUMENT,
            "%s: rows of %u values cannot be rounded here, with %u for a lane; "
            "this is a bug, please report it",
            at->label, w->n_row / 2, shape->rows / 2);
    enum lem_status st = ops_weight_kernel_with(list, at, "experts_glu", w, shape, &round,
                                                round ? 1 : 0, &kernel);

    for (uint32_t i = 0; st == LEM_OK && i < w->n_window; i++) {
        const struct ops_window *win = &w->window[i];
        if (win->n_row != w->n_row || w->n_row % 2 != 0)
            return log_fail(gpu_log(device), LEM_ERR_UNSUPPORTED,
                            "%s: gate and up of one expert (%u x %u, %s) must fit one "
                            "binding of the device (%llu bytes); use a smaller type",
                            at->label, w->n_row, w->n_col, w->type->name,
                            (unsigned long long)gpu_caps(device)->max_buffer_range);
        st = glu_window(list, at, a, kernel, shape, win);
    }
    return st;
}

/* Half of a lane's rows are gate rows, half their up rows. */
static struct ops_shape glu_shape(const struct lem_device *device,
                                  const struct op_experts_glu *a)
{
    struct ops_shape shape =
        ops_shape_pick(device, a->weight->n_row / 2 * a->n_used, a->weight->n_col, 1);
    if (shape.rows < 2)
        shape.rows = 2;
    shape.i8 = a->x_i8;
    return shape;
}

bool op_experts_glu_rounds(const struct lem_device *device,
                           const struct op_experts_glu *a)
{
    const struct ops_shape shape = glu_shape(device, a);
    return fills_blocks(a->weight, &shape);
}

enum lem_status op_experts_glu(struct gpu_list *list, const struct op_at *at,
                               const struct op_experts_glu *a)
{
    const struct ops_shape shape = glu_shape(gpu_list_device(list), a);
    return ops_experts_glu(list, at, a, &shape);
}

/* Windows come in the order of their experts: those with the first one set y. */
static uint32_t down_flags(const struct op_experts_down *a, const struct ops_window *win)
{
    return (a->bias.buf ? EXPERTS_BIAS : 0) |
           (a->set && win->mat0 == 0 ? EXPERTS_SET : 0);
}

enum lem_status ops_experts_down(struct gpu_list *list, const struct op_at *at,
                                 const struct op_experts_down *a,
                                 const struct ops_shape *shape)
{
    const struct ops_weight *w = a->weight;
    const struct gpu_kernel *kernel;
    enum lem_status st = ops_weight_kernel(list, at, "experts_down", w, shape, &kernel);

    for (uint32_t i = 0; st == LEM_OK && i < w->n_window; i++) {
        const struct ops_window *win = &w->window[i];
        const struct experts_down_params push = {.n_row = win->n_row,
                                                 .n_sb = ops_weight_n_sb(w),
                                                 .n_block = ops_weight_n_block(w),
                                                 .mat0 = win->mat0,
                                                 .n_mat = win->n_mat,
                                                 .n_used = a->n_used,
                                                 .x_stride = a->x_stride,
                                                 .y_off = win->row0,
                                                 .flags = down_flags(a, win),
                                                 .bias_stride = w->n_row};
        const struct gpu_dispatch d = {
            .kernel = kernel,
            .label = at->label,
            .stage = at->stage,
            .bind = {win->slice, a->x, a->ids, a->weights, a->y,
                     a->bias.buf ? a->bias : a->x},
            .push = &push,
            .push_size = sizeof push,
            .group = {ops_shape_groups(shape, win->n_row), 1, 1},
            .cost = ops_cost_experts(w, win, a->n_used, 1, false)};
        st = gpu_list_add(list, &d);
    }
    return st;
}

enum lem_status op_experts_down(struct gpu_list *list, const struct op_at *at,
                                const struct op_experts_down *a)
{
    struct ops_shape shape =
        ops_shape_pick(gpu_list_device(list), a->weight->n_row, a->weight->n_col, 1);
    shape.i8 = a->x_i8;
    return ops_experts_down(list, at, a, &shape);
}
