/* softmax.c - the softmax of whole rows, in place: one workgroup per row. */
#include "ops/cost.h"
#include "ops/launch.h"

enum lem_status op_softmax(struct gpu_list *list, const struct op_at *at,
                           const struct op_softmax *a)
{
    const uint32_t constant[] = {ops_lanes(list)};
    const struct gpu_kernel *kernel;
    const enum lem_status st =
        gpu_kernel_get(gpu_list_device(list), "softmax", constant, 1, &kernel);
    if (st != LEM_OK)
        return st;

    const struct gpu_dispatch d = {
        .kernel = kernel,
        .label = at->label,
        .stage = at->stage,
        .bind = {a->x},
        .push = &a->p,
        .push_size = sizeof a->p,
        .group = {1, 1, a->p.n_per_row},
        .rows_per_group = 1,
        .cost =
            ops_cost_rows((uint64_t)at->max_rows * a->p.n_per_row, a->p.n, a->p.n, 4)};
    return gpu_list_add(list, &d);
}
