/* caps_force.c - pretending that a device can do less than it can: what runs there is
 * also tried where the least of devices is at hand. */
#include "gpu/physical.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"

/* Nothing above `ceiling`; 0 leaves a number as it is. */
static const struct profile {
    const char *name;
    bool unmapped; /* device memory cannot be mapped, as on a discrete GPU */
    struct lem_device_caps ceiling;
    uint32_t max_group, max_local[3], max_uniform_range;
} profiles[] = {
    {
        /* What Vulkan 1.1 promises of any device, and a small workgroup. */
        .name = "minimal",
        .unmapped = true,
        .ceiling =
            {
                .memory_budget = true,
                .pipeline_statistics = true,
                .max_workgroup = 128,
                .max_shared_bytes = 16384,
                .max_buffer_range = UINT64_C(128) << 20,
                .max_alloc_bytes = UINT64_C(1) << 30,
                .max_texel_elements = 65536,
                .max_storage_bindings = GPU_MAX_BINDING,
                .storage_align = 256,
            },
        .max_group = 65535,
        .max_local = {128, 128, 64},
        .max_uniform_range = 16384,
    },
    {
        /* All but its memory's place: host and device each have their own. */
        .name = "unmapped",
        .unmapped = true,
        .ceiling =
            {
                .fp16 = true,
                .int8 = true,
                .storage_8bit = true,
                .storage_16bit = true,
                .subgroup_arithmetic = true,
                .subgroup_quad = true,
                .subgroup_size_control = true,
                .int_dot = true,
                .host_import = true,
                .memory_budget = true,
                .pipeline_statistics = true,
            },
    },
};

static uint32_t at_most32(uint32_t have, uint32_t ceiling)
{
    return ceiling && ceiling < have ? ceiling : have;
}

static uint64_t at_most64(uint64_t have, uint64_t ceiling)
{
    return ceiling && ceiling < have ? ceiling : have;
}

static void lower_caps(struct lem_device_caps *c, const struct lem_device_caps *to)
{
    c->fp16 = c->fp16 && to->fp16;
    c->int8 = c->int8 && to->int8;
    c->storage_8bit = c->storage_8bit && to->storage_8bit;
    c->storage_16bit = c->storage_16bit && to->storage_16bit;
    c->subgroup_arithmetic = c->subgroup_arithmetic && to->subgroup_arithmetic;
    c->subgroup_quad = c->subgroup_quad && to->subgroup_quad;
    c->subgroup_size_control = c->subgroup_size_control && to->subgroup_size_control;
    c->int_dot = c->int_dot && to->int_dot;
    c->host_import = c->host_import && to->host_import;
    c->memory_budget = c->memory_budget && to->memory_budget;
    c->pipeline_statistics = c->pipeline_statistics && to->pipeline_statistics;
    c->max_workgroup = at_most32(c->max_workgroup, to->max_workgroup);
    c->max_shared_bytes = at_most32(c->max_shared_bytes, to->max_shared_bytes);
    c->max_buffer_range = at_most64(c->max_buffer_range, to->max_buffer_range);
    c->max_alloc_bytes = at_most64(c->max_alloc_bytes, to->max_alloc_bytes);
    c->max_texel_elements = at_most64(c->max_texel_elements, to->max_texel_elements);
    c->max_storage_bindings =
        at_most32(c->max_storage_bindings, to->max_storage_bindings);
    if (c->storage_align < to->storage_align) /* a power of two: stricter is larger */
        c->storage_align = to->storage_align;
}

static void lower(struct gpu_physical *p, const struct profile *profile)
{
    for (int i = 0; i < 3; i++) {
        p->max_group[i] = at_most32(p->max_group[i], profile->max_group);
        p->max_local[i] = at_most32(p->max_local[i], profile->max_local[i]);
    }
    p->max_uniform_range = at_most32(p->max_uniform_range, profile->max_uniform_range);
    p->unified = p->unified && !profile->unmapped;
    p->keeps_subnormals = p->keeps_subnormals && profile->unmapped; /* not the minimal */
    lower_caps(&p->info.caps, &profile->ceiling);
}

enum lem_status gpu_caps_force(struct gpu_physical *p, const char *profile,
                               const struct lem_log *log)
{
    enum { COUNT = sizeof profiles / sizeof *profiles };
    char known[128] = "";
    for (size_t i = 0; i < COUNT; i++) {
        if (strcmp(profile, profiles[i].name) == 0) {
            lower(p, &profiles[i]);
            return LEM_OK;
        }
        const size_t at = strlen(known);
        snprintf(known + at, sizeof known - at, "%s%s", i ? ", " : "", profiles[i].name);
    }
    return log_fail(log, LEM_ERR_ARGUMENT, "there is no caps profile \"%s\". Known: %s",
                    profile, known);
}

const char *lem_device_caps_profile(uint32_t i)
{
    return i < sizeof profiles / sizeof *profiles ? profiles[i].name : NULL;
}
