/* pick.c - the best of many values: dispatches that each leave the best of some, until
 * one workgroup does the rest. */
#include "ops/cost.h"
#include "ops/launch.h"

#include "base/check.h"
#include "base/log.h"

enum {
    LANES = 128, /* of every device; the kernel needs PICK_MOST */
    AT_ONCE = 4, /* a lane takes so many values together */
    /* Shared memory for PICK_MOST times as many: 14 KiB of the 16 that there are. */
    MOST_PER_LANE = 28
};

/* One dispatch: n values to PICK_MOST in each of n_group columns. */
struct level {
    uint32_t n, per_lane, n_group;
};

/* As many workgroups as the next level can join: the more, the sooner they are done. */
static struct level level_of(uint32_t n)
{
    const uint32_t chunk = LANES * MOST_PER_LANE;
    const uint32_t most_group = n > chunk ? chunk / PICK_MOST : 1;
    struct level l = {.n = n};
    l.per_lane = round_up(ceil_div(ceil_div(n, most_group), LANES), AT_ONCE);
    if (l.per_lane > MOST_PER_LANE)
        l.per_lane = MOST_PER_LANE;
    else if (l.per_lane == 0)
        l.per_lane = AT_ONCE;
    l.n_group = ceil_div(n, LANES * l.per_lane);
    return l;
}

static uint64_t level_bytes(const struct lem_device *device, const struct level *l)
{
    const uint32_t bytes = 2 * (uint32_t)sizeof(uint32_t) * PICK_MOST * l->n_group;
    return l->n_group > 1 ? round_up(bytes, gpu_caps(device)->storage_align) : 0;
}

uint64_t op_pick_part_bytes(const struct lem_device *device, uint32_t n)
{
    uint64_t sum = 0;
    for (struct level l = level_of(n); l.n_group > 1; l = level_of(PICK_MOST * l.n_group))
        sum += level_bytes(device, &l);
    return sum;
}

static enum lem_status add_level(struct gpu_list *list, const struct op_at *at,
                                 const struct level *l, struct gpu_slice x,
                                 struct gpu_slice y, bool join)
{
    const uint32_t constant[] = {LANES, l->per_lane, join};
    const struct pick_params push = {.n = l->n};
    const struct gpu_kernel *kernel;
    const enum lem_status st =
        gpu_kernel_get(gpu_list_device(list), "pick", constant, 3, &kernel);
    if (st != LEM_OK)
        return st;
    const struct gpu_dispatch d = {
        .kernel = kernel,
        .label = at->label,
        .stage = at->stage,
        .bind = {x, y},
        .push = &push,
        .push_size = sizeof push,
        .group = {l->n_group, 1, 1},
        .cost = ops_cost_rows(1, join ? 2 * l->n : l->n, 2 * PICK_MOST * l->n_group, 0)};
    return gpu_list_add(list, &d);
}

enum lem_status op_pick(struct gpu_list *list, const struct op_at *at,
                        const struct op_pick *a)
{
    struct lem_device *device = gpu_list_device(list);
    if (a->n == 0 || a->part.size < op_pick_part_bytes(device, a->n))
        return log_fail(gpu_log(device), LEM_ERR_ARGUMENT,
                        "%s: pick: %u values, %llu bytes in between; this is a bug, "
                        "please report it",
                        at->label, a->n, (unsigned long long)a->part.size);
    struct gpu_slice x = a->x;
    uint64_t used = 0;
    bool join = false;
    for (uint32_t n = a->n;; join = true) {
        const struct level l = level_of(n);
        const uint64_t bytes = level_bytes(device, &l);
        const struct gpu_slice part = {a->part.buf, a->part.offset + used, bytes};
        const struct gpu_slice y = l.n_group > 1 ? part : a->y;
        const enum lem_status st = add_level(list, at, &l, x, y, join);
        if (st != LEM_OK || l.n_group <= 1)
            return st;
        x = y;
        used += bytes;
        n = PICK_MOST * l.n_group;
    }
}
