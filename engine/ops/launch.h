/* launch.h - what the operations without weights share: how many lanes a workgroup
 * has, and a stand-in for a binding that is not used. For ops/ alone. */
#ifndef OPS_LAUNCH_H
#define OPS_LAUNCH_H

#include "ops/ops.h"

/* Lanes of a workgroup; a power of two. On CPU devices a barrier costs by the lane. */
static inline uint32_t ops_lanes(const struct gpu_list *list)
{
    return gpu_type(gpu_list_device(list)) == LEM_DEVICE_CPU ? 32 : 64;
}

/* CPU devices load buffer elements lane by lane, but fetch texels as fast as memory gives
 * them: is this one, and may such a slice be bound as texels? */
static inline bool ops_takes_texels(const struct gpu_list *list, struct gpu_slice slice)
{
    const struct lem_device *device = gpu_list_device(list);
    return gpu_type(device) == LEM_DEVICE_CPU &&
           slice.size / GPU_TEXEL_BYTES <= gpu_caps(device)->max_texel_elements;
}
/* Lanes of a workgroup that only goes through a row, there: few, because subgroups run
 * one after the other. */
enum { OPS_TEXEL_LANES = 8 };
/* Are such workgroups one subgroup, whose lanes can add up? */
static inline bool ops_adds_subgroups(const struct gpu_list *list)
{
    const struct lem_device_caps *caps = gpu_caps(gpu_list_device(list));
    return caps->subgroup_arithmetic && caps->subgroup_size == OPS_TEXEL_LANES;
}

/* `slice`, or, where it is absent, another slice of the same dispatch: a binding must
 * hold something even if the kernel never touches it. */
static inline struct gpu_slice ops_slice_or(struct gpu_slice slice,
                                            struct gpu_slice other)
{
    return slice.buf ? slice : other;
}

#endif
