#version 450
// combine: y[t][i] += (= with EXPERTS_SET) the sum over slots k, in order, of
// w[t][k] * x[t * n_used + k][i]
//
//   binding 0  x  f32 [n_token * n_used][x_stride]  read
//   binding 1  w  f32 [n_token][n_used]             read
//   binding 2  y  f32 [n_token][y_stride]           read, write
//
// Workgroup (g, t) does values g * 4 * PER_LANE * lanes … of token t, four at a time.
// Reads may pass the end of a row's values, within its stride.
#extension GL_GOOGLE_include_directive : require

#include "common/params.h"

layout(local_size_x_id = 0) in;
layout(constant_id = 1) const uint PER_LANE = 2;
layout(push_constant) uniform Push { combine_params p; };

layout(std430, binding = 0) readonly buffer X { vec4 x[]; };
layout(std430, binding = 1) readonly buffer W { float w[]; };
layout(std430, binding = 2) buffer Y { vec4 y[]; };

void main()
{
    const uint t = gl_WorkGroupID.y;
    const uint step4 = 4u * gl_WorkGroupSize.x;
    const uint first = gl_WorkGroupID.x * step4 * PER_LANE;
    const uint end = min(first + step4 * PER_LANE, p.n);

    for (uint i = first + 4u * gl_LocalInvocationIndex; i < end; i += step4) {
        vec4 sum = vec4(0.0);
        for (uint k = 0u; k < p.n_used; k++) {
            const uint pair = t * p.n_used + k;
            // A slot without an expert has weight 0; its row is stale, maybe NaN.
            if (w[pair] != 0.0)
                sum += w[pair] * x[(pair * p.x_stride + i) / 4u];
        }
        const uint to = (t * p.y_stride + i) / 4u;
        if ((p.flags & EXPERTS_SET) == 0u)
            sum += y[to];
        if (i + 4u <= p.n)
            y[to] = sum;
        else
            for (uint c = 0u; i + c < p.n; c++)
                y[to][c] = sum[c];
    }
}
