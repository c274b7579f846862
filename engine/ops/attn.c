/* attn.c - attention over the cache: a workgroup does, for one token, query heads
 * that share a key head. */
#include "ops/launch.h"

#include "base/check.h"
#include "base/log.h"

/* Query heads that one workgroup takes: their sums live in registers. */
enum { MAX_HEADS = 8, MAX_SUMS = 64 };

/* Sums per lane and heads are limited together; never below one head. */
static uint32_t pick_heads(uint32_t group, uint32_t dims)
{
    const uint32_t fit = MAX_SUMS / dims > 0 ? MAX_SUMS / dims : 1;
    const uint32_t most = fit < MAX_HEADS ? fit : MAX_HEADS;
    const uint32_t n_share = ceil_div(group, most);
    return ceil_div(group, n_share); /* shares of about the same size */
}

static const char *find_fault(const struct attn_params *p)
{
    if (p->n_head == 0 || p->n_head_kv == 0 || p->n_head % p->n_head_kv != 0)
        return "n_head must be a multiple of n_head_kv";
    if (p->head_dim == 0 || p->head_dim % 4 != 0 || p->n_ctx == 0 || p->n_ctx % 8 != 0)
        return "head_dim must be a multiple of 4 and n_ctx of 8";
    if (p->q_stride % 4 != 0)
        return "rows of q must be multiples of 4 floats";
    return NULL;
}

enum lem_status op_attn(struct gpu_list *list, const struct op_at *at,
                        const struct op_attn *a)
{
    struct lem_device *device = gpu_list_device(list);
    const struct attn_params *p = &a->p;
    const char *fault = find_fault(p);
    if (fault)
        return log_fail(gpu_log(device), LEM_ERR_ARGUMENT,
                        "%s: attn: %s (%u and %u heads of %u, n_ctx %u, q rows of %u); "
                        "this is a bug, please report it",
                        at->label, fault, p->n_head, p->n_head_kv, p->head_dim, p->n_ctx,
                        p->q_stride);

    const uint32_t lanes = ops_lanes(list);
    const uint32_t dims = ceil_div(p->head_dim, lanes);
    const uint32_t group = p->n_head / p->n_head_kv;
    const uint32_t heads = pick_heads(group, dims);
    const uint32_t constant[] = {lanes, heads, dims, a->sinks.buf != NULL};
    const struct gpu_kernel *kernel;
    const enum lem_status st = gpu_kernel_get(device, "attn", constant, 4, &kernel);
    if (st != LEM_OK)
        return st;

    const struct gpu_dispatch d = {.kernel = kernel,
                                   .label = at->label,
                                   .stage = at->stage,
                                   .bind = {at->step, a->q, a->k_cache, a->v_cache,
                                            ops_slice_or(a->sinks, a->q), a->y},
                                   .push = p,
                                   .push_size = sizeof *p,
                                   .group = {p->n_head_kv * ceil_div(group, heads), 1, 1},
                                   .rows_per_group = 1};
    return gpu_list_add(list, &d);
}
