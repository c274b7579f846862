/* latent.c - latent attention between its products: one workgroup per head of a token,
 * and one for its key. */
#include "ops/cost.h"
#include "ops/launch.h"

#include <stdio.h>

#include "base/log.h"

static const char *find_fault(const struct op_latent *a)
{
    const struct latent_params *p = &a->p;
    if (!ops_cache_name(a->type))
        return "an unknown type of cache";
    if (p->n_head == 0 || p->n_latent == 0 || p->n_rot == 0 || p->n_rot % 2 != 0)
        return "sizes must be above 0, and n_rot even";
    if (p->head_dim != p->n_latent + p->n_rot || p->head_dim % 4 != 0 ||
        p->n_ctx % OPS_CACHE_TILE != 0)
        return "a key is n_latent + n_rot, a multiple of 4, and n_ctx one of 64";
    if (p->kv_off + p->head_dim > p->x_stride || p->n_head * p->head_dim > p->q_stride ||
        p->n_head * (p->nope + p->n_rot) > p->kv_off)
        return "rows are too short";
    return NULL;
}

enum lem_status op_latent(struct gpu_list *list, const struct op_at *at,
                          const struct op_latent *a)
{
    struct lem_device *device = gpu_list_device(list);
    const char *fault = find_fault(a);
    if (fault)
        return log_fail(gpu_log(device), LEM_ERR_ARGUMENT,
                        "%s: latent: %s (%u heads of %u + %u, key %u + %u of %u); this "
                        "is a bug, please report it",
                        at->label, fault, a->p.n_head, a->p.nope, a->p.n_rot,
                        a->p.n_latent, a->p.n_rot, a->p.head_dim);
    const uint32_t constant[] = {ops_lanes(list), a->p.head_dim};
    char name[32];
    snprintf(name, sizeof name, "latent.%s", ops_cache_name(a->type));
    const struct gpu_kernel *kernel;
    const enum lem_status st = gpu_kernel_get(device, name, constant, 2, &kernel);
    if (st != LEM_OK)
        return st;

    const struct gpu_dispatch d = {
        .kernel = kernel,
        .label = at->label,
        .stage = at->stage,
        .bind = {at->step, a->x, a->q, a->norm, a->freq, a->k_cache},
        .push = &a->p,
        .push_size = sizeof a->p,
        .group = {a->p.n_head + 1, 1, 1},
        .rows_per_group = 1,
        .cost = ops_cost_rows(at->max_rows, a->p.head_dim + a->p.n_head * a->p.n_rot,
                              a->p.head_dim + a->p.n_head * a->p.n_rot, 4)};
    return gpu_list_add(list, &d);
}
