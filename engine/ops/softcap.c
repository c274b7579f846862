/* softcap.c - soft-capped rows of logits. */
#include "ops/cost.h"
#include "ops/launch.h"

#include "base/check.h"

enum { PER_LANE = 8 };

enum lem_status op_softcap(struct gpu_list *list, const struct op_at *at,
                           const struct op_softcap *a)
{
    const uint32_t lanes = ops_lanes(list);
    const uint32_t constant[] = {lanes, PER_LANE};
    const struct gpu_kernel *kernel;
    const enum lem_status st =
        gpu_kernel_get(gpu_list_device(list), "softcap", constant, 2, &kernel);
    if (st != LEM_OK)
        return st;

    const struct gpu_dispatch d = {.kernel = kernel,
                                   .label = at->label,
                                   .stage = at->stage,
                                   .bind = {at->step, a->y},
                                   .push = &a->p,
                                   .push_size = sizeof a->p,
                                   .group = {ceil_div(a->p.n, lanes * PER_LANE), 1, 1},
                                   .rows_per_group = 1,
                                   .cost =
                                       ops_cost_rows(at->max_rows, a->p.n, a->p.n, 3)};
    return gpu_list_add(list, &d);
}
