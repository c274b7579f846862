/* combine.c - the weighted sum of a token's experts, or the strongest of them, added to
 * its row. */
#include "ops/cost.h"
#include "ops/launch.h"

#include "base/check.h"

enum { PER_LANE = 2 }; /* times four values */

enum lem_status op_combine(struct gpu_list *list, const struct op_at *at,
                           const struct op_combine *a)
{
    const uint32_t lanes = ops_lanes(list);
    const uint32_t constant[] = {lanes, PER_LANE, a->how,
                                 a->by_expert ? COMBINE_BY_EXPERT : COMBINE_BY_SLOT};
    const struct gpu_kernel *kernel;
    const enum lem_status st =
        gpu_kernel_get(gpu_list_device(list), "combine", constant, 4, &kernel);
    if (st != LEM_OK)
        return st;

    const struct gpu_dispatch d = {
        .kernel = kernel,
        .label = at->label,
        .stage = at->stage,
        .bind = {a->x, a->weights, a->y, ops_slice_or(a->ids, a->weights)},
        .push = &a->p,
        .push_size = sizeof a->p,
        .group = {ceil_div(a->p.n, 4 * lanes * PER_LANE), 1, 1},
        .rows_per_group = 1,
        .cost = ops_cost_rows(at->max_rows, (a->p.n_used + 1) * a->p.n, a->p.n,
                              2 * a->p.n_used)};
    return gpu_list_add(list, &d);
}
