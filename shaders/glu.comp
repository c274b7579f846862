#version 450
// glu: y[r][i] = act(x[r][i]) * x[r][n_ff + i], for n_per_row rows r per row of the
// run. Meaning on the CPU: ref_glu().
//
//   binding 0  x  f32 [rows * n_per_row][x_stride]  read
//   binding 1  y  f32 [rows * n_per_row][y_stride]  write, not the same bytes as x
//   binding 2  gate  f32 [rows * n_per_row][gate_stride]  read, with gate_stride > 0: then
//                    y[r] is also times sigmoid(gate[r][0])
//
// Workgroup (g, t, k) does values g * 4 * PER_LANE * lanes … of row t * n_per_row + k,
// four at a time. Reads may pass the end of a row's values, within its stride.
#extension GL_GOOGLE_include_directive : require

#include "common/params.h"
#include "common/act.glsl"

layout(local_size_x_id = 0) in;
layout(constant_id = 1) const uint PER_LANE = 2;
layout(push_constant) uniform Push { glu_params p; };

layout(std430, binding = 0) readonly buffer X { vec4 x[]; };
layout(std430, binding = 1) writeonly buffer Y { vec4 y[]; };
layout(std430, binding = 2) readonly buffer Gate { float gate_of[]; };

// Four floats from any place.
vec4 load(uint at)
{
    if (at % 4u == 0u)
        return x[at / 4u];
    return vec4(x[at / 4u][at % 4u], x[(at + 1u) / 4u][(at + 1u) % 4u],
                x[(at + 2u) / 4u][(at + 2u) % 4u], x[(at + 3u) / 4u][(at + 3u) % 4u]);
}

void main()
{
    const uint r = gl_WorkGroupID.y * p.n_per_row + gl_WorkGroupID.z;
    const uint from = r * p.x_stride;
    const uint to = r * p.y_stride;
    const uint step4 = 4u * gl_WorkGroupSize.x;
    const uint first = gl_WorkGroupID.x * step4 * PER_LANE;
    const uint end = min(first + step4 * PER_LANE, p.n_ff);
    const float open = p.gate_stride != 0u ? sigmoid(gate_of[r * p.gate_stride]) : 1.0;

    for (uint i = first + 4u * gl_LocalInvocationIndex; i < end; i += step4) {
        const vec4 gate = x[(from + i) / 4u];
        const vec4 up = load(from + p.n_ff + i);
        vec4 out4;
        for (uint c = 0u; c < 4u; c++)
            out4[c] = open * act_glu(p.act, gate[c], up[c], p.alpha, p.limit);
        if (i + 4u <= p.n_ff)
            y[(to + i) / 4u] = out4;
        else
            for (uint c = 0u; i + c < p.n_ff; c++)
                y[(to + i) / 4u][c] = out4[c];
    }
}
