#version 450
// round_i8: rows of f32 as bytes with a scale per 32 of them, see common/i8.glsl.
// Meaning on the CPU: ref_round_i8().
//
//   binding 0  step_params
//   binding 1  x  f32 [rows * n_per_row][x_stride]    read
//   binding 2  y  u32[4] [rows * n_per_row][y_stride]  write; y_stride in slots
//
// n is a multiple of 32. Workgroup (g, t, k) does blocks g * lanes … of row
// t * n_per_row + k, a block per lane.
#extension GL_GOOGLE_include_directive : require

#include "common/params.h"

layout(local_size_x_id = 0) in;
layout(push_constant) uniform Push { round_params p; };

layout(std140, binding = 0) uniform Step { step_params run; };
layout(std430, binding = 1) readonly buffer X { vec4 x[]; };
layout(std430, binding = 2) writeonly buffer Y { uvec4 y[]; };

#define I8_OUT y
#include "common/i8.glsl"

void main()
{
    const uint t = gl_WorkGroupID.y;
    const uint b = gl_WorkGroupID.x * gl_WorkGroupSize.x + gl_LocalInvocationIndex;
    if (t >= ((p.flags & ROUND_N_OUT) != 0u ? run.n_out : run.n_token) || b >= p.n / 32u)
        return;
    const uint row = t * p.n_per_row + gl_WorkGroupID.z;
    vec4 v[8];
    for (uint i = 0; i < 8; i++)
        v[i] = x[row * (p.x_stride / 4u) + b * 8u + i];
    i8_store(row * p.y_stride, b, i8_round(v));
}
