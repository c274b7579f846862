#version 450
// softcap: y[t][i] = cap * tanh(y[t][i] / cap), for step.n_out rows
//
//   binding 0  step_params
//   binding 1  y  f32 [n_out][stride]  read and write
//
// Workgroup (g, t) does values g * PER_LANE * lanes … of row t.
#extension GL_GOOGLE_include_directive : require

#include "common/params.h"
#include "common/math.glsl"

layout(local_size_x_id = 0) in;
layout(constant_id = 1) const uint PER_LANE = 8;
layout(push_constant) uniform Push { softcap_params p; };

layout(std140, binding = 0) uniform Step { step_params run; };
layout(std430, binding = 1) buffer Y { float y[]; };

void main()
{
    const uint t = gl_WorkGroupID.y;
    if (t >= run.n_out)
        return;
    const uint first = gl_WorkGroupID.x * gl_WorkGroupSize.x * PER_LANE;
    const uint end = min(first + gl_WorkGroupSize.x * PER_LANE, p.n);
    for (uint i = first + gl_LocalInvocationIndex; i < end; i += gl_WorkGroupSize.x)
        y[t * p.stride + i] = softcap(y[t * p.stride + i], p.cap);
}
