/* attn.c - attention over the cache: a workgroup does the query heads that share a
 * key head, for one token or for a few, over all positions or over a share of them. */
#include "ops/attn.h"

#include <stdio.h>

#include "base/check.h"
#include "base/log.h"
#include "ops/cost.h"
#include "ops/launch.h"

enum { TEAM = 8, POOL_FLOATS = 2048 }; /* as in shaders/attn.comp */

/* A GPU has work for all its units from this many workgroups on; more would only make
 * the shares small. */
enum { GPU_GROUPS = 256, CPU_GROUPS = 4, MAX_SPLITS = 32 };

/* A lane of a CPU device keeps to its own positions where a workgroup is one team: what
 * lanes would exchange goes through memory. */
enum { CPU_COLUMNS = 4 };

static uint32_t min_u32(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static uint32_t max_u32(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

static uint64_t max_u64(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* Shares of about one size, none above `most`. */
static uint32_t even_share(uint32_t n, uint32_t most)
{
    return ceil_div(n, ceil_div(n, most));
}

/* CPU devices load buffer elements lane by lane, but fetch texels as fast as memory
 * gives them. Texel buffers may be too small for the slices; and a subgroup must be a
 * team, see the shaders. */
static bool fetches_texels(const struct lem_device *device, uint64_t most_bytes)
{
    const struct lem_device_caps *caps = gpu_caps(device);
    return gpu_type(device) == LEM_DEVICE_CPU && caps->subgroup_arithmetic &&
           caps->subgroup_size == TEAM &&
           most_bytes <= caps->max_texel_elements * GPU_TEXEL_BYTES;
}

/* One token: as many heads as have their queries and sums in the nearest cache, and code
 * that does not become too long: that grows with heads, span and dims. */
static bool unrolled(const struct lem_device *device, const struct attn_params *p,
                     enum lem_cache_type type, struct ops_attn_shape *s)
{
    enum { MOST_DIM = 128, MOST_DIMS = 256 };
    const uint32_t dim = max_u32(p->head_dim, p->head_dim_v);
    const uint64_t cache = ops_cache_bytes(type, p->n_head_kv, p->n_ctx, dim);
    if (dim > MOST_DIM || !fetches_texels(device, cache))
        return false;
    const uint32_t most = min_u32(CPU_COLUMNS, MOST_DIMS / dim);
    const uint32_t heads = even_share(p->n_head / p->n_head_kv, most);
    *s = (struct ops_attn_shape){.lanes = TEAM,
                                 .heads = heads,
                                 .tokens = 1,
                                 .span = dim > 64 && heads > 1 ? 4 : 8,
                                 .splits = 1,
                                 .unrolled = true};
    return true;
}

/* Values of a column that a lane sums are kept few: more teams where heads are long. */
static struct ops_attn_shape on_cpu(const struct attn_params *p, uint32_t max_rows)
{
    enum { SUMS = 64, MOST_LANES = 128 };
    struct ops_attn_shape s = {.lanes = TEAM, .tokens = 1, .splits = 1};
    while (s.lanes < MOST_LANES && p->head_dim_v * TEAM > s.lanes * SUMS)
        s.lanes *= 2;
    const uint32_t group = p->n_head / p->n_head_kv;
    s.heads = even_share(group, CPU_COLUMNS);
    if (max_rows > 1)
        s.tokens = min_u32(CPU_COLUMNS / s.heads, max_rows);
    s.span = s.heads * s.tokens > 2 ? 4 : 8;
    return s;
}

static struct ops_attn_shape on_gpu(const struct attn_params *p, enum lem_cache_type type,
                                    uint32_t max_rows)
{
    enum { SUMS = 64 }; /* of a lane, all columns: registers decide how many waves run */
    struct ops_attn_shape s = {.lanes = 64, .tokens = 1, .splits = 1};
    if (max_rows > 1 && p->head_dim_v > 64)
        s.lanes = 128;
    const uint32_t slots = ops_cache_dim_slots(type, p->head_dim_v);
    const uint32_t sums =
        ceil_div(slots, s.lanes / TEAM) * ceil_div(p->head_dim_v, slots);
    /* q8_0 has 16 values of each query at hand, f32 more slots. */
    const uint32_t most = max_rows > 1 && type == LEM_CACHE_F16 ? 8 : 4;
    const uint32_t columns = min_u32(most, max_u32(SUMS / sums, 1));
    s.heads = even_share(p->n_head / p->n_head_kv, columns);
    if (max_rows > 1)
        s.tokens = min_u32(columns / s.heads, max_rows);
    s.span = max_rows > 1 ? 256 / s.lanes : 2;
    return s;
}

struct ops_attn_shape ops_attn_shape_pick(const struct lem_device *device,
                                          const struct attn_params *p,
                                          enum lem_cache_type type, uint32_t max_rows)
{
    const bool cpu = gpu_type(device) == LEM_DEVICE_CPU;
    struct ops_attn_shape s;
    if (max_rows > 1 || !cpu || !unrolled(device, p, type, &s))
        s = cpu ? on_cpu(p, max_rows) : on_gpu(p, type, max_rows);
    if (max_rows > 1)
        return s; /* tokens make enough workgroups */
    const uint32_t n_group = p->n_head_kv * ceil_div(p->n_head / p->n_head_kv, s.heads);
    s.splits = min_u32(ceil_div(cpu ? CPU_GROUPS : GPU_GROUPS, n_group), MAX_SPLITS);
    s.splits = min_u32(s.splits, ceil_div(p->n_ctx, s.lanes * s.span));
    return s;
}

uint64_t ops_attn_part_bytes(const struct attn_params *p,
                             const struct ops_attn_shape *shape, uint32_t max_rows)
{
    if (shape->splits <= 1)
        return 0;
    return (uint64_t)max_rows * p->n_head * shape->splits * (p->head_dim_v + 4) *
           sizeof(float);
}

uint64_t op_attn_part_bytes(const struct lem_device *device, const struct attn_params *p,
                            enum lem_cache_type type, uint32_t max_rows)
{
    const struct ops_attn_shape s = ops_attn_shape_pick(device, p, type, max_rows);
    return ops_attn_part_bytes(p, &s, max_rows);
}

static const char *find_fault(const struct op_attn *a)
{
    const struct attn_params *p = &a->p;
    if (p->n_head == 0 || p->n_head_kv == 0 || p->n_head % p->n_head_kv != 0)
        return "n_head must be a multiple of n_head_kv";
    if (p->head_dim == 0 || p->head_dim % 4 != 0 || p->n_ctx == 0 ||
        p->n_ctx % OPS_CACHE_TILE != 0)
        return "head_dim must be a multiple of 4 and n_ctx of 64";
    if (p->head_dim_v % 4 != 0 || (!a->v_cache.buf && p->head_dim_v > p->head_dim))
        return "head_dim_v must be a multiple of 4 and, inside keys, at most head_dim";
    if (p->q_stride % 4 != 0)
        return "rows of q must be multiples of 4 floats";
    if (!ops_cache_name(a->type))
        return "an unknown type of cache";
    if (a->k_cache.size < ops_cache_bytes(a->type, p->n_head_kv, p->n_ctx, p->head_dim) ||
        (a->v_cache.buf && a->v_cache.size < ops_cache_bytes(a->type, p->n_head_kv,
                                                             p->n_ctx, p->head_dim_v)))
        return "the cache is smaller than its positions";
    return NULL;
}

static bool takes_texels(const struct lem_device *device, const struct op_attn *a)
{
    return fetches_texels(device,
                          max_u64(a->q.size, max_u64(a->k_cache.size, a->v_cache.size)));
}

static enum lem_status get_unrolled(struct lem_device *device, const struct op_attn *a,
                                    const struct ops_attn_shape *s,
                                    const struct gpu_kernel **out)
{
    const uint32_t constant[] = {s->lanes,
                                 s->heads,
                                 ops_cache_dim_slots(a->type, a->p.head_dim),
                                 ops_cache_dim_slots(a->type, a->p.head_dim_v),
                                 s->span,
                                 a->sinks.buf != NULL,
                                 s->splits,
                                 a->y_i8.buf && s->splits == 1};
    char name[32];
    snprintf(name, sizeof name, "attn_token.%s", ops_cache_name(a->type));
    return gpu_kernel_get(device, name, constant, sizeof constant / sizeof *constant,
                          out);
}

static enum lem_status get_kernel(struct lem_device *device, const struct op_attn *a,
                                  const struct ops_attn_shape *s,
                                  const struct gpu_kernel **out)
{
    if (s->unrolled)
        return get_unrolled(device, a, s, out);
    const uint32_t columns = s->heads * s->tokens;
    const uint32_t slots =
        ceil_div(ops_cache_dim_slots(a->type, a->p.head_dim_v), s->lanes / TEAM);
    const uint32_t constant[] = {s->lanes,
                                 s->heads,
                                 columns,
                                 slots,
                                 s->span,
                                 max_u32(POOL_FLOATS, columns * s->span * s->lanes),
                                 a->sinks.buf != NULL,
                                 s->splits};
    char name[32];
    snprintf(name, sizeof name, "attn.%s%s", ops_cache_name(a->type),
             takes_texels(device, a) ? ".texel" : "");
    return gpu_kernel_get(device, name, constant, sizeof constant / sizeof *constant,
                          out);
}

/* The shares of the positions -> y. */
static enum lem_status join(struct gpu_list *list, const struct op_at *at,
                            const struct op_attn *a, uint32_t splits)
{
    const uint32_t constant[] = {ops_lanes(list), a->y_i8.buf != NULL};
    const struct gpu_kernel *kernel;
    const enum lem_status st =
        gpu_kernel_get(gpu_list_device(list), "attn_join", constant, 2, &kernel);
    if (st != LEM_OK)
        return st;
    const struct attn_join_params push = {
        .n_head = a->p.n_head,
        .head_dim_v = a->p.head_dim_v,
        .n_split = splits,
        .y_stride = a->p.y_stride,
        .q_stride = op_i8_stride(a->p.n_head * a->p.head_dim_v)};
    const struct gpu_dispatch d = {
        .kernel = kernel,
        .label = at->label,
        .stage = at->stage,
        .bind = {at->step, a->part, a->y, ops_slice_or(a->y_i8, a->y)},
        .push = &push,
        .push_size = sizeof push,
        .group = {a->p.n_head, 1, 1},
        .rows_per_group = 1,
        .cost = ops_cost_rows(at->max_rows, splits * a->p.n_head * a->p.head_dim_v,
                              a->p.n_head * a->p.head_dim_v, 2 * splits)};
    return gpu_list_add(list, &d);
}

/* The last kernel has whole blocks of a single token: the joining one, or the only one.
 */
static bool rounds(const struct attn_params *p, const struct ops_attn_shape *s,
                   uint32_t max_rows)
{
    return max_rows == 1 && p->head_dim_v % 32 == 0 && (s->unrolled || s->splits > 1);
}

bool op_attn_rounds(const struct lem_device *device, const struct op_attn *a,
                    uint32_t max_rows)
{
    struct attn_params p = a->p;
    if (p.head_dim_v == 0)
        p.head_dim_v = p.head_dim;
    const struct ops_attn_shape s = ops_attn_shape_pick(device, &p, a->type, max_rows);
    return rounds(&p, &s, max_rows);
}

enum lem_status ops_attn(struct gpu_list *list, const struct op_at *at,
                         const struct op_attn *op, const struct ops_attn_shape *shape)
{
    struct lem_device *device = gpu_list_device(list);
    struct op_attn a = *op;
    struct attn_params *p = &a.p;
    if (p->head_dim_v == 0)
        p->head_dim_v = p->head_dim;
    p->v_dims = a.v_cache.buf ? p->head_dim_v : p->head_dim;
    const char *fault = find_fault(&a);
    if (!fault && shape->unrolled && (at->max_rows > 1 || !takes_texels(device, &a)))
        fault = "a shape for one token, on devices that fetch texels";
    if (!fault && a.y_i8.buf && !rounds(p, shape, at->max_rows))
        fault = "bytes of y cannot be made by this shape";
    if (!fault && a.part.size < ops_attn_part_bytes(p, shape, at->max_rows))
        fault = "no room for the shares of the positions";
    if (fault)
        return log_fail(gpu_log(device), LEM_ERR_ARGUMENT,
                        "%s: attn: %s (%u and %u heads of %u, n_ctx %u, q rows of %u); "
                        "this is a bug, please report it",
                        at->label, fault, p->n_head, p->n_head_kv, p->head_dim, p->n_ctx,
                        p->q_stride);

    const struct gpu_kernel *kernel;
    enum lem_status st = get_kernel(device, &a, shape, &kernel);
    if (st != LEM_OK)
        return st;
    const uint32_t shares = ceil_div(p->n_head / p->n_head_kv, shape->heads);
    const struct gpu_slice out = shape->splits > 1 ? a.part : a.y;
    const struct gpu_slice bytes = shape->splits > 1 ? a.part : ops_slice_or(a.y_i8, a.y);
    const struct gpu_dispatch d = {
        .kernel = kernel,
        .label = at->label,
        .stage = at->stage,
        .bind = {at->step, a.q, a.k_cache, ops_slice_or(a.v_cache, a.k_cache),
                 ops_slice_or(a.sinks, a.q), out,
                 shape->unrolled ? bytes : (struct gpu_slice){0}},
        .push = p,
        .push_size = sizeof *p,
        .group = {p->n_head_kv * shares, 1, shape->splits},
        .rows_per_group = shape->tokens,
        .cost = ops_cost_attn(&a, at->max_rows)};
    st = gpu_list_add(list, &d);
    return st == LEM_OK && shape->splits > 1 ? join(list, at, &a, shape->splits) : st;
}

enum lem_status op_attn(struct gpu_list *list, const struct op_at *at,
                        const struct op_attn *a)
{
    struct attn_params p = a->p;
    if (p.head_dim_v == 0)
        p.head_dim_v = p.head_dim;
    if (p.n_head_kv == 0 || p.n_head < p.n_head_kv || p.head_dim_v == 0 ||
        !ops_cache_name(a->type)) /* no shape to pick: ops_attn() says what is wrong */
        return ops_attn(
            list, at, a,
            &(struct ops_attn_shape){
                .lanes = TEAM, .heads = 1, .tokens = 1, .span = 1, .splits = 1});
    const struct ops_attn_shape s =
        ops_attn_shape_pick(gpu_list_device(list), &p, a->type, at->max_rows);
    return ops_attn(list, at, a, &s);
}
