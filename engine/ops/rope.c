/* rope.c - q/k norm, rotation, keys and values into the cache: a few heads of a
 * token per workgroup, or all of them where a norm spans the row. */
#include "ops/cost.h"
#include "ops/launch.h"

#include <stdio.h>

#include "base/check.h"
#include "base/log.h"

enum { HEADS = 4 }; /* of a workgroup; a power of two: the lanes are cut by it */

/* What the arguments contradict each other in, or NULL. */
static const char *find_fault(const struct op_rope *a)
{
    const struct rope_params *p = &a->p;
    const bool by_head = p->flags & ROPE_NORM_HEAD, by_row = p->flags & ROPE_NORM_ROW;
    if (p->n_head == 0 || p->n_head_kv == 0)
        return "no heads";
    if (p->head_dim == 0 || p->head_dim % 4 != 0 || p->n_ctx == 0 ||
        p->n_ctx % OPS_CACHE_TILE != 0)
        return "head_dim must be a multiple of 4 and n_ctx of 64";
    if (p->row_stride / p->head_dim < p->n_head + 2 * p->n_head_kv)
        return "rows are too short for q, k and v";
    if (!ops_cache_name(a->type))
        return "an unknown type of cache";
    if (by_row && (by_head || p->flags & ROPE_NORM_V))
        return "norm of heads and of rows at once";
    if ((by_head || by_row) != (a->norm.buf != NULL))
        return "norm weights and flags disagree";
    if (p->flags & ROPE_NONE)
        return NULL;
    if (p->n_rot % 2 != 0 || p->n_rot > p->head_dim)
        return "n_rot must be even and at most head_dim";
    if (!a->freq.buf && p->n_rot > 0)
        return "no frequencies";
    return NULL;
}

/* Can rope_quads.comp do it, here? */
static bool goes_by_quads(const struct gpu_list *list, const struct op_rope *a)
{
    const struct rope_params *p = &a->p;
    return a->type != LEM_CACHE_Q8_0 && p->head_dim % 16 == 0 &&
           (p->flags & ROPE_NONE || p->n_rot % 16 == 0) &&
           ops_takes_texels(list, a->qkv) && ops_adds_subgroups(list);
}

static enum lem_status get_kernel(struct gpu_list *list, const struct op_rope *a,
                                  bool quads, uint32_t heads,
                                  const struct gpu_kernel **out)
{
    const uint32_t constant[] = {quads ? OPS_TEXEL_LANES : ops_lanes(list), heads,
                                 a->p.flags & ROPE_NORM_ROW ? 1 : HEADS};
    char name[32];
    snprintf(name, sizeof name, "%s.%s", quads ? "rope_quads" : "rope",
             ops_cache_name(a->type));
    return gpu_kernel_get(gpu_list_device(list), name, constant, quads ? 2 : 3, out);
}

enum lem_status op_rope(struct gpu_list *list, const struct op_at *at,
                        const struct op_rope *a)
{
    struct lem_device *device = gpu_list_device(list);
    const struct rope_params *p = &a->p;
    const char *fault = find_fault(a);
    if (fault)
        return log_fail(gpu_log(device), LEM_ERR_ARGUMENT,
                        "%s: rope: %s (%u + 2 x %u heads of %u, n_rot %u, n_ctx %u, row "
                        "of %u); this is a bug, please report it",
                        at->label, fault, p->n_head, p->n_head_kv, p->head_dim, p->n_rot,
                        p->n_ctx, p->row_stride);

    const bool quads = goes_by_quads(list, a);
    const uint32_t n_max = p->n_head > p->n_head_kv ? p->n_head : p->n_head_kv;
    const uint32_t heads = p->flags & ROPE_NORM_ROW ? n_max : HEADS;
    const struct gpu_kernel *kernel;
    const enum lem_status st = get_kernel(list, a, quads, heads, &kernel);
    if (st != LEM_OK)
        return st;

    const struct gpu_dispatch d = {
        .kernel = kernel,
        .label = at->label,
        .stage = at->stage,
        .bind = {at->step, a->qkv, ops_slice_or(a->norm, a->qkv),
                 ops_slice_or(a->freq, a->qkv), a->k_cache, a->v_cache,
                 quads ? a->qkv : (struct gpu_slice){0}},
        .push = p,
        .push_size = sizeof *p,
        .group = {ceil_div(p->n_head, heads) + ceil_div(p->n_head_kv, heads), 1, 1},
        .rows_per_group = 1,
        .cost = ops_cost_rows(at->max_rows, (p->n_head + 2 * p->n_head_kv) * p->head_dim,
                              (p->n_head + 2 * p->n_head_kv) * p->head_dim, 4)};
    return gpu_list_add(list, &d);
}
