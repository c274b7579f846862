/* gather.c - the experts that several routers chose for a token, each once. */
#include "ops/cost.h"
#include "ops/launch.h"

enum lem_status op_gather(struct gpu_list *list, const struct op_at *at,
                          const struct op_gather *a)
{
    const uint32_t constant[] = {ops_lanes(list)};
    const struct gpu_kernel *kernel;
    const enum lem_status st =
        gpu_kernel_get(gpu_list_device(list), "gather", constant, 1, &kernel);
    if (st != LEM_OK)
        return st;

    const struct gather_params push = {.n_expert = a->n_expert,
                                       .n_used = a->n_used,
                                       .flags = a->first ? GATHER_FIRST : 0};
    const struct gpu_dispatch d = {
        .kernel = kernel,
        .label = at->label,
        .stage = at->stage,
        .bind = {a->ids, a->all},
        .push = &push,
        .push_size = sizeof push,
        .group = {1, 1, 1},
        .rows_per_group = 1,
        .cost = ops_cost_rows(at->max_rows, a->n_used, a->n_expert, 0)};
    return gpu_list_add(list, &d);
}
