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

/* `slice`, or, where it is absent, another slice of the same dispatch: a binding must
 * hold something even if the kernel never touches it. */
static inline struct gpu_slice ops_slice_or(struct gpu_slice slice,
                                            struct gpu_slice other)
{
    return slice.buf ? slice : other;
}

#endif
