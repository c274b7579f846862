/* quirks.c - drivers that do not keep what they promise, or need help: one table, a
 * reason and a source per row. Nothing else in the engine asks for a vendor. */
#include "gpu/physical.h"

#include <stdio.h>

#include "base/log.h"

enum effect {
    NO_SUBGROUPS, /* subgroup_arithmetic and subgroup_quad off */
    SMALL_RANGE,  /* max_buffer_range at most 128 MiB */
    COMPILE_LATE, /* compiles_late on */
    UNUSABLE      /* listed, never chosen */
};

static const struct quirk {
    VkDriverId driver;
    uint32_t api; /* this version exactly; 0 = any */
    enum effect effect;
    const char *reason;
} quirks[] = {
    {VK_DRIVER_ID_ARM_PROPRIETARY, VK_MAKE_API_VERSION(0, 1, 1, 177), UNUSABLE,
     "has a Mali driver (r32) that crashes when it allocates: update the system"},
    /* qvac issue 2399 */
    {VK_DRIVER_ID_ARM_PROPRIETARY, 0, NO_SUBGROUPS,
     "Mali's subgroup reductions gave results that change from run to run"},
    /* elizaOS/eliza issue 9715 */
    {VK_DRIVER_ID_QUALCOMM_PROPRIETARY, 0, NO_SUBGROUPS,
     "Adreno's compiler fails on kernels with subgroup reductions"},
    /* llama.cpp issues 28635, 28891 */
    {VK_DRIVER_ID_QUALCOMM_PROPRIETARY, 0, SMALL_RANGE,
     "Adreno reads wrong values beyond 128 MiB of a binding"},
    /* executorch issue 15651 */
    {VK_DRIVER_ID_IMAGINATION_PROPRIETARY, 0, NO_SUBGROUPS,
     "PowerVR's firmware restarts in kernels with subgroups of 128"},
    /* llama.cpp issue 28214 */
    {VK_DRIVER_ID_MESA_LLVMPIPE, 0, COMPILE_LATE,
     "lavapipe compiles kernels when they first run, on one thread: a second one helps"},
    /* seen with Mesa 22.3: vkCreateComputePipelines leaves LLVM to the first dispatch */
};

static void apply(struct gpu_physical *p, const struct quirk *q)
{
    struct lem_device_info *info = &p->info;
    const uint64_t small = UINT64_C(128) << 20;
    switch (q->effect) {
    case NO_SUBGROUPS:
        info->caps.subgroup_arithmetic = false;
        info->caps.subgroup_quad = false;
        break;
    case SMALL_RANGE:
        if (info->caps.max_buffer_range > small)
            info->caps.max_buffer_range = small;
        break;
    case COMPILE_LATE:
        p->compiles_late = true;
        break;
    case UNUSABLE:
        if (!info->missing[0])
            snprintf(info->missing, sizeof info->missing, "%s", q->reason);
        break;
    }
}

void gpu_quirks_apply(struct gpu_physical *p, const struct lem_log *log)
{
    for (size_t i = 0; i < sizeof quirks / sizeof *quirks; i++) {
        const struct quirk *q = &quirks[i];
        if (p->driver_id != q->driver || (q->api && q->api != p->info.api_version))
            continue;
        apply(p, q);
        log_msg(log, LEM_LOG_INFO, "\"%s\": exception made: %s", p->info.name, q->reason);
    }
}
