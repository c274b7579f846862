#version 450
// softmax: x[r][i] = exp(x[r][i] - m) / sum over j of exp(x[r][j] - m), m = max x[r],
// in place, for n_per_row rows r per row of the run. Meaning on the CPU: ref_softmax().
//
//   binding 0  x  f32 [rows * n_per_row][stride]  read, write
//
// Workgroup (0, t, k) does row t * n_per_row + k; its lanes stride over i. Any n >= 1.
// A value has one lane in all passes, so the passes need no barrier but the sums'.
#extension GL_GOOGLE_include_directive : require

#include "common/params.h"
#include "common/math.glsl"

layout(local_size_x_id = 0) in;
layout(push_constant) uniform Push { softmax_params p; };

layout(std430, binding = 0) buffer X { float x[]; };

#include "common/reduce.glsl"

void main()
{
    const uint row = (gl_WorkGroupID.y * p.n_per_row + gl_WorkGroupID.z) * p.stride;

    float best = x[row];
    for (uint i = gl_LocalInvocationIndex; i < p.n; i += gl_WorkGroupSize.x)
        best = max(best, x[row + i]);
    best = workgroup_max(best); // and from here on x[row] may change

    float sum = 0.0;
    for (uint i = gl_LocalInvocationIndex; i < p.n; i += gl_WorkGroupSize.x)
        sum += exp_f32(x[row + i] - best);
    sum = workgroup_add(sum);

    for (uint i = gl_LocalInvocationIndex; i < p.n; i += gl_WorkGroupSize.x)
        x[row + i] = exp_f32(x[row + i] - best) / sum;
}
