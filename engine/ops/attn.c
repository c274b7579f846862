/* attn.c - attention over the cache: a workgroup does the query heads that share a
 * key head, for one token or for a few. */
#include "ops/launch.h"

#include "base/check.h"
#include "base/log.h"

#ifndef CPU_LANES
#define CPU_LANES 16
#define CPU_SPAN  4
#define CPU_SUMS  64
#define CPU_COLS  8
#endif

/* How the work is cut; see shaders/attn.comp. */
struct shape {
    uint32_t lanes;
    uint32_t heads, tokens; /* of a workgroup */
    uint32_t dims, span;    /* of a lane */
};

/* All that a workgroup keeps is in registers: `most` query heads times tokens. CPU
 * devices have no use for many lanes, and load each key and weight faster the more is
 * done with it. */
static struct shape pick_shape(const struct lem_device *device, const struct op_at *at,
                               const struct attn_params *p)
{
    const bool cpu = gpu_type(device) == LEM_DEVICE_CPU;
    struct shape s = {.lanes = cpu ? CPU_LANES : 64, .span = cpu ? CPU_SPAN : 4};
    s.dims = ceil_div(p->head_dim, s.lanes);

    const uint32_t max_sums = cpu ? CPU_SUMS : 64, group = p->n_head / p->n_head_kv;
    uint32_t most = max_sums / s.dims;
    most = most > (cpu ? CPU_COLS : 8) ? (cpu ? CPU_COLS : 8) : most > 0 ? most : 1;
    const uint32_t n_share = ceil_div(group, most);
    s.heads = ceil_div(group, n_share); /* shares of about the same size */
    s.tokens = most / s.heads;
    if (s.tokens > at->max_rows)
        s.tokens = at->max_rows > 0 ? at->max_rows : 1;
    return s;
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

    const struct shape s = pick_shape(device, at, p);
    const uint32_t constant[] = {s.lanes, s.heads, s.heads * s.tokens, s.dims, s.span,
                                 s.lanes * s.span / 4, a->sinks.buf != NULL};
    const struct gpu_kernel *kernel;
    const enum lem_status st = gpu_kernel_get(device, "attn", constant, 7, &kernel);
    if (st != LEM_OK)
        return st;

    const struct gpu_dispatch d = {.kernel = kernel,
                                   .label = at->label,
                                   .stage = at->stage,
                                   .bind = {at->step, a->q, a->k_cache, a->v_cache,
                                            ops_slice_or(a->sinks, a->q), a->y},
                                   .push = p,
                                   .push_size = sizeof *p,
                                   .group = {p->n_head_kv * ceil_div(p->n_head / p->n_head_kv, s.heads), 1, 1},
                                   .rows_per_group = s.tokens};
    return gpu_list_add(list, &d);
}
