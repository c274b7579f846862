/* router.c - from a token's logits to its experts and their weights: one workgroup
 * per token. */
#include "ops/cost.h"
#include "ops/launch.h"

#include "base/check.h"
#include "base/log.h"

static const char *find_fault(const struct router_params *p, uint32_t select)
{
    if (p->n_expert == 0 || p->n_used == 0 || p->n_used > p->n_expert)
        return "n_used must be 1 to n_expert";
    if (select != ROUTER_SELECT_TOP && p->n_group > 1)
        return "only the best experts may be chosen by groups";
    if (p->n_group <= 1)
        return NULL;
    if (p->n_expert % p->n_group != 0)
        return "n_expert must be a multiple of n_group";
    if (p->n_group_used == 0 || p->n_group_used > p->n_group)
        return "n_group_used must be 1 to n_group";
    if (p->n_used > p->n_expert / p->n_group * p->n_group_used)
        return "the groups used have fewer than n_used experts";
    return NULL;
}

/* The kernel holds a key per expert, the ids chosen, a key per group, and three words for
 * the margin. */
static uint64_t shared_bytes(const struct router_params *p)
{
    const uint64_t n_reduce = 128; /* of common/reduce.glsl */
    return 4 * ((uint64_t)p->n_expert + 7 + p->n_used + p->n_group + 3 + n_reduce);
}

static enum lem_status check(struct lem_device *device, const struct op_at *at,
                             const struct router_params *p, uint32_t select)
{
    const char *fault = find_fault(p, select);
    if (fault)
        return log_fail(gpu_log(device), LEM_ERR_ARGUMENT,
                        "%s: router: %s (%u of %u experts, %u of %u groups); this is a "
                        "bug, please report it",
                        at->label, fault, p->n_used, p->n_expert, p->n_group_used,
                        p->n_group);
    const uint64_t need = shared_bytes(p);
    const uint32_t have = gpu_caps(device)->max_shared_bytes;
    if (need > have)
        return log_fail(gpu_log(device), LEM_ERR_UNSUPPORTED,
                        "%s: choosing %u of %u experts takes %llu bytes of shared "
                        "memory, \"%s\" has %u; use another device",
                        at->label, p->n_used, p->n_expert, (unsigned long long)need,
                        gpu_name(device), have);
    return LEM_OK;
}

enum lem_status op_router(struct gpu_list *list, const struct op_at *at,
                          const struct op_router *a)
{
    struct lem_device *device = gpu_list_device(list);
    struct router_params push = a->p;
    if (push.n_group == 0)
        push.n_group = 1;
    if (push.out_scale == 0)
        push.out_scale = 1;
    push.flags = (push.flags & ROUTER_NORMALISE) | (a->factor.buf ? ROUTER_FACTOR : 0) |
                 (a->bias.buf ? ROUTER_BIAS : 0) | (a->tap.buf ? ROUTER_TAP : 0) |
                 (a->policy.buf ? ROUTER_POLICY : 0) |
                 (a->tap.buf && a->margin ? ROUTER_MARGIN : 0);
    enum lem_status st = check(device, at, &push, a->select);
    if (st != LEM_OK)
        return st;

    const uint32_t constant[] = {ops_lanes(list), round_up(push.n_expert, 8), push.n_used,
                                 push.n_group, a->select};
    const struct gpu_kernel *kernel;
    st = gpu_kernel_get(device, "router", constant, 5, &kernel);
    if (st != LEM_OK)
        return st;

    const struct gpu_dispatch d = {
        .kernel = kernel,
        .label = at->label,
        .stage = at->stage,
        .bind = {a->logits, ops_slice_or(a->bias, a->logits), a->ids, a->weights,
                 ops_slice_or(a->tap, a->ids), ops_slice_or(a->policy, a->logits),
                 ops_slice_or(a->factor, a->logits), ops_slice_or(a->draw, at->step)},
        .push = &push,
        .push_size = sizeof push,
        .group = {1, 1, 1},
        .rows_per_group = 1,
        .cost = ops_cost_rows(at->max_rows, push.n_expert, 2 * push.n_used, 1)};
    return gpu_list_add(list, &d);
}
