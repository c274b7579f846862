/* attn.c - attention over the cache: a workgroup does the query heads that share a
 * key head, for one token or for a few. */
#include "ops/launch.h"

#include "base/check.h"
#include "base/log.h"

/* How the work is cut; see shaders/attn.comp. */
struct shape {
    uint32_t lanes;
    uint32_t heads, tokens; /* of a workgroup */
    uint32_t dims, span;    /* of a lane */
};

/* A column is a query head of a token; columns * dims and columns * span sums live in
 * registers. CPU devices spend their time on loads, and a workgroup's lanes run one
 * after another: few lanes, and as many sums for each load as the stack bears. */
static const struct {
    uint32_t lanes, span, max_columns, max_sums;
} on_cpu = {16, 8, 8, 128}, on_gpu = {64, 4, 8, 64};

static struct shape pick_shape(const struct lem_device *device, const struct op_at *at,
                               const struct attn_params *p)
{
    const bool cpu = gpu_type(device) == LEM_DEVICE_CPU;
    const uint32_t max_columns = cpu ? on_cpu.max_columns : on_gpu.max_columns;
    const uint32_t max_sums = cpu ? on_cpu.max_sums : on_gpu.max_sums;
    struct shape s = {.lanes = cpu ? on_cpu.lanes : on_gpu.lanes,
                      .span = cpu ? on_cpu.span : on_gpu.span};
    s.dims = ceil_div(p->head_dim_v, s.lanes);

    uint32_t columns = max_sums / s.dims;
    columns = columns > max_columns ? max_columns : columns > 0 ? columns : 1;
    const uint32_t group = p->n_head / p->n_head_kv;
    s.heads = ceil_div(group, ceil_div(group, columns)); /* shares of about one size */
    s.tokens = columns / s.heads;
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
    if (p->head_dim_v % 4 != 0)
        return "head_dim_v must be a multiple of 4";
    if (p->q_stride % 4 != 0)
        return "rows of q must be multiples of 4 floats";
    return NULL;
}

enum lem_status op_attn(struct gpu_list *list, const struct op_at *at,
                        const struct op_attn *a)
{
    struct lem_device *device = gpu_list_device(list);
    struct attn_params push = a->p;
    if (push.head_dim_v == 0)
        push.head_dim_v = push.head_dim;
    const struct attn_params *p = &push;
    const char *fault = find_fault(p);
    if (fault)
        return log_fail(gpu_log(device), LEM_ERR_ARGUMENT,
                        "%s: attn: %s (%u and %u heads of %u, n_ctx %u, q rows of %u); "
                        "this is a bug, please report it",
                        at->label, fault, p->n_head, p->n_head_kv, p->head_dim, p->n_ctx,
                        p->q_stride);

    const struct shape s = pick_shape(device, at, p);
    const uint32_t constant[] = {
        s.lanes, s.heads,          s.heads * s.tokens,   s.dims,
        s.span,  s.lanes * s.span, a->sinks.buf != NULL, a->v_cache.buf == NULL};
    const struct gpu_kernel *kernel;
    const enum lem_status st = gpu_kernel_get(device, "attn", constant, 8, &kernel);
    if (st != LEM_OK)
        return st;

    const struct gpu_dispatch d = {
        .kernel = kernel,
        .label = at->label,
        .stage = at->stage,
        .bind = {at->step, a->q, a->k_cache, ops_slice_or(a->v_cache, a->k_cache),
                 ops_slice_or(a->sinks, a->q), a->y},
        .push = p,
        .push_size = sizeof *p,
        .group = {p->n_head_kv * ceil_div(p->n_head / p->n_head_kv, s.heads), 1, 1},
        .rows_per_group = s.tokens};
    return gpu_list_add(list, &d);
}
