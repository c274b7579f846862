/* group.c - pairs of token and slot sorted by expert: one workgroup, once per layer. */
#include "ops/cost.h"
#include "ops/launch.h"

#include "base/log.h"

/* With n_full experts that have a pair, the last tile of each may be almost empty:
 * the most tiles there can be is one for each, plus what the other pairs fill. */
uint32_t op_group_max_tile(uint32_t n_token, uint32_t n_used, uint32_t n_expert)
{
    const uint32_t n_pair = n_token * n_used;
    const uint32_t n_full = n_pair < n_expert ? n_pair : n_expert;
    return n_full + (n_pair - n_full) / OPS_GROUP_TILE;
}

enum lem_status op_group(struct gpu_list *list, const struct op_at *at,
                         const struct op_group *a)
{
    struct lem_device *device = gpu_list_device(list);
    if (a->n_arg > OPS_GROUP_MAX_ARG || a->n_expert == 0 || a->n_used == 0)
        return log_fail(gpu_log(device), LEM_ERR_ARGUMENT,
                        "%s: group: %u of %u experts, %u arguments of at most %d; this "
                        "is a bug, please report it",
                        at->label, a->n_used, a->n_expert, a->n_arg, OPS_GROUP_MAX_ARG);

    /* a word per expert, and uvec2 + uvec4 for each of up to 128 lanes */
    const uint64_t need = 4 * (uint64_t)a->n_expert + 128 * (8 + 16);
    const uint32_t have = gpu_caps(device)->max_shared_bytes;
    if (need > have)
        return log_fail(gpu_log(device), LEM_ERR_UNSUPPORTED,
                        "%s: grouping by %u experts takes %llu bytes of shared memory, "
                        "\"%s\" has %u; use another device",
                        at->label, a->n_expert, (unsigned long long)need,
                        gpu_name(device), have);

    /* The counts of the indirect dispatches, which no list checks. */
    const uint64_t n_tile = a->tiles.size / 16;
    if (n_tile > gpu_max_groups(device, 1))
        return log_fail(gpu_log(device), LEM_ERR_UNSUPPORTED,
                        "%s: a batch may need %llu tiles of %d rows, \"%s\" allows %u "
                        "workgroups: use a smaller batch",
                        at->label, (unsigned long long)n_tile, OPS_GROUP_TILE,
                        gpu_name(device), gpu_max_groups(device, 1));
    for (uint32_t i = 0; i < a->n_arg; i++)
        if (a->row_groups[i] > gpu_max_groups(device, 0))
            return log_fail(gpu_log(device), LEM_ERR_UNSUPPORTED,
                            "%s: an expert's rows need %u workgroups, \"%s\" allows %u; "
                            "use another device",
                            at->label, a->row_groups[i], gpu_name(device),
                            gpu_max_groups(device, 0));

    const uint32_t constant[] = {64, a->n_expert};
    const struct gpu_kernel *kernel;
    const enum lem_status st = gpu_kernel_get(device, "group", constant, 2, &kernel);
    if (st != LEM_OK)
        return st;

    const struct group_params push = {.n_expert = a->n_expert,
                                      .n_used = a->n_used,
                                      .tile = a->tile ? a->tile : OPS_GROUP_TILE,
                                      .n_arg = a->n_arg,
                                      .row_groups0 = a->row_groups[0],
                                      .row_groups1 = a->row_groups[1],
                                      .row_groups2 = a->row_groups[2],
                                      .row_groups3 = a->row_groups[3]};
    const struct gpu_dispatch d = {
        .kernel = kernel,
        .label = at->label,
        .stage = at->stage,
        .bind = {at->step, a->ids, a->pairs, a->tiles, a->args},
        .push = &push,
        .push_size = sizeof push,
        .group = {1, 1, 1},
        .cost = ops_cost_rows(at->max_rows, a->n_used, a->n_used, 1)};
    return gpu_list_add(list, &d);
}
