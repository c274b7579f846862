/* conv.c - the gated short convolution: a lane does one channel of one token. */
#include "ops/cost.h"
#include "ops/launch.h"

#include "base/check.h"
#include "base/log.h"

enum lem_status op_conv(struct gpu_list *list, const struct op_at *at,
                        const struct op_conv *a)
{
    struct lem_device *device = gpu_list_device(list);
    const struct conv_params *p = &a->p;
    if (p->n == 0 || p->n_tap == 0 || p->n_ring < at->max_rows + p->n_tap - 1)
        return log_fail(gpu_log(device), LEM_ERR_ARGUMENT,
                        "%s: conv: %u channels, %u taps and a ring of %u for runs of %u "
                        "tokens; this is a bug, please report it",
                        at->label, p->n, p->n_tap, p->n_ring, at->max_rows);
    const uint32_t lanes = ops_lanes(list);
    const struct gpu_kernel *kernel;
    const enum lem_status st = gpu_kernel_get(device, "conv", &lanes, 1, &kernel);
    if (st != LEM_OK)
        return st;

    const struct gpu_dispatch d = {.kernel = kernel,
                                   .label = at->label,
                                   .stage = at->stage,
                                   .bind = {at->step, a->x, a->w, a->ring, a->y},
                                   .push = p,
                                   .push_size = sizeof *p,
                                   .group = {ceil_div(p->n, lanes), 1, 1},
                                   .rows_per_group = 1,
                                   .cost = ops_cost_rows(at->max_rows,
                                                         (3 + p->n_tap - 1) * p->n,
                                                         2 * p->n, p->n_tap + 1)};
    return gpu_list_add(list, &d);
}
