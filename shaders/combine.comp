#version 450
// combine: y[t][i] += sum over slots k, in order, of w[t][k] * x[t * n_used + k][i]
//
//   binding 0  x  f32 [n_token * n_used][x_stride]  read
//   binding 1  w  f32 [n_token][n_used]             read
//   binding 2  y  f32 [n_token][y_stride]           read, write
//
// Workgroup (g, t) does values g * 8 * lanes … of token t.
#extension GL_GOOGLE_include_directive : require

#include "common/params.h"

layout(local_size_x_id = 0) in;
layout(constant_id = 1) const uint PER_LANE = 8;
layout(push_constant) uniform Push { combine_params p; };

layout(std430, binding = 0) readonly buffer X { float x[]; };
layout(std430, binding = 1) readonly buffer W { float w[]; };
layout(std430, binding = 2) buffer Y { float y[]; };

void main()
{
    const uint t = gl_WorkGroupID.y;
    const uint first = gl_WorkGroupID.x * gl_WorkGroupSize.x * PER_LANE;
    const uint end = min(first + gl_WorkGroupSize.x * PER_LANE, p.n);

    for (uint i = first + gl_LocalInvocationIndex; i < end; i += gl_WorkGroupSize.x) {
        float sum = 0.0;
        for (uint k = 0u; k < p.n_used; k++)
            sum += w[t * p.n_used + k] * x[(t * p.n_used + k) * p.x_stride + i];
        y[t * p.y_stride + i] += sum;
    }
}
