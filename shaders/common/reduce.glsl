// reduce.glsl - sum and maximum over a workgroup, the same bits in every lane
// and in every run.
//
// Each lane leaves its part in shared memory, then every lane goes through all
// parts in lane order: one exchange instead of the log2 of a tree, which is what
// costs on CPU devices, and no dependence on the subgroup size.
// Call from uniform control flow; at most 128 lanes. Include after the layout of the
// workgroup size: before it, gl_WorkGroupSize is silently 1.

#ifndef REDUCE_GLSL
#define REDUCE_GLSL

shared float reduce_part[128];

float workgroup_add(float v)
{
    reduce_part[gl_LocalInvocationIndex] = v;
    barrier();
    float sum = 0.0;
    for (uint i = 0u; i < gl_WorkGroupSize.x; i++)
        sum += reduce_part[i];
    barrier(); // the next call may write
    return sum;
}

float workgroup_max(float v)
{
    reduce_part[gl_LocalInvocationIndex] = v;
    barrier();
    float best = reduce_part[0];
    for (uint i = 1u; i < gl_WorkGroupSize.x; i++)
        best = max(best, reduce_part[i]);
    barrier();
    return best;
}

#endif
