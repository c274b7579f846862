/* glu.c - gated activation of rows that hold gate and up side by side. */
#include "ops/cost.h"
#include "ops/launch.h"

#include "base/check.h"

enum { PER_LANE = 2 }; /* times four values */

enum lem_status op_glu(struct gpu_list *list, const struct op_at *at,
                       const struct op_glu *a)
{
    const uint32_t lanes = ops_lanes(list);
    const uint32_t constant[] = {lanes, PER_LANE};
    const struct gpu_kernel *kernel;
    const enum lem_status st =
        gpu_kernel_get(gpu_list_device(list), "glu", constant, 2, &kernel);
    if (st != LEM_OK)
        return st;

    const struct gpu_dispatch d = {
        .kernel = kernel,
        .label = at->label,
        .stage = at->stage,
        .bind = {a->x, a->y, ops_slice_or(a->gate, a->x)},
        .push = &a->p,
        .push_size = sizeof a->p,
        .group = {ceil_div(a->p.n_ff, 4 * lanes * PER_LANE), 1, a->p.n_per_row},
        .rows_per_group = 1,
        .cost = ops_cost_rows((uint64_t)at->max_rows * a->p.n_per_row, 2 * a->p.n_ff,
                              a->p.n_ff, 4)};
    return gpu_list_add(list, &d);
}
