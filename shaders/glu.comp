#version 450
// glu: y[r][i] = act(x[r][i]) * x[r][n_ff + i], for n_per_row rows r per row of the
// run. Meaning on the CPU: ref_glu().
//
//   binding 0  x  f32 [rows * n_per_row][x_stride]  read
//   binding 1  y  f32 [rows * n_per_row][y_stride]  write, not the same bytes as x
//
// Workgroup (g, t, k) does values g * 8 * lanes … of row t * n_per_row + k.
#extension GL_GOOGLE_include_directive : require

#include "common/params.h"
#include "common/act.glsl"

layout(local_size_x_id = 0) in;
layout(constant_id = 1) const uint PER_LANE = 8;
layout(push_constant) uniform Push { glu_params p; };

layout(std430, binding = 0) readonly buffer X { float x[]; };
layout(std430, binding = 1) writeonly buffer Y { float y[]; };

void main()
{
    const uint r = gl_WorkGroupID.y * p.n_per_row + gl_WorkGroupID.z;
    const uint from = r * p.x_stride;
    const uint to = r * p.y_stride;
    const uint first = gl_WorkGroupID.x * gl_WorkGroupSize.x * PER_LANE;
    const uint end = min(first + gl_WorkGroupSize.x * PER_LANE, p.n_ff);

    for (uint i = first + gl_LocalInvocationIndex; i < end; i += gl_WorkGroupSize.x)
        y[to + i] = act_glu(p.act, x[from + i], x[from + p.n_ff + i], p.alpha, p.limit);
}
