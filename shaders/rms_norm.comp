#version 450
// rms_norm: y[t][i] = scale * ((y[t][i] with NORM_ADD) +
//                   x[t'][i] / sqrt(mean over i of x[t'][i]^2 + eps) * w[i] +
//                   (bias[i] with NORM_BIAS))
// with t' = t, or run.out_row + t with NORM_FROM_OUT (then for run.n_out rows).
// Source: Zhang and Sennrich, arXiv 1910.07467, eq. 4.
// Meaning on the CPU: ref_norm().
//
//   binding 0  step_params
//   binding 1  x  f32 [rows][x_stride]    read
//   binding 2  w  f32 [n]                 read
//   binding 3  y  f32 [n_token][y_stride] read and write, not the same bytes as x
//   binding 4  bias  f32 [n]              read, with NORM_BIAS
//   binding 5  q  u32[4] [n_token][q_stride]  write, with NORM_I8: y as bytes too, see
//              common/i8.glsl; n is a multiple of 32 then
//
// Workgroup (0, t) does row t; its lanes stride over i, with NORM_I8 over blocks of 32.
// Any n >= 1; the variant that fetches texels goes by fours, n is a multiple of 4 then.
#extension GL_GOOGLE_include_directive : require

#include "common/params.h"

layout(local_size_x_id = 0) in;
layout(push_constant) uniform Push { norm_params p; };

layout(std140, binding = 0) uniform Step { step_params run; };
#ifdef FETCH_TEXEL
layout(binding = 1) uniform samplerBuffer x;
layout(binding = 2) uniform samplerBuffer w;
layout(std430, binding = 3) buffer Y { vec4 y[]; };
#define FETCH(buf, i) texelFetch(buf, int(i))
#define VALUE vec4
#define WIDTH 4u // values that are handled at once
#define SQUARE(v) dot(v, v)
#else
layout(std430, binding = 1) readonly buffer X { float x[]; };
layout(std430, binding = 2) readonly buffer W { float w[]; };
layout(std430, binding = 3) buffer Y { float y[]; };
#define FETCH(buf, i) buf[i]
#define VALUE float
#define WIDTH 1u
#define SQUARE(v) (v * v)
#endif
layout(std430, binding = 4) readonly buffer Bias { VALUE bias[]; };
layout(std430, binding = 5) writeonly buffer Q { uvec4 q[]; };

#include "common/reduce.glsl"
#define I8_OUT q
#include "common/i8.glsl"

VALUE value(uint i, uint from, uint to, float factor)
{
    VALUE v = FETCH(x, from + i) * factor * FETCH(w, i);
    if ((p.flags & NORM_BIAS) != 0u)
        v += bias[i];
    if ((p.flags & NORM_ADD) != 0u)
        v += y[to + i];
    return v * p.scale;
}

// Block b of 32 values, to y and as bytes.
void store_block(uint t, uint b, uint from, uint to, float factor)
{
    vec4 v[8];
    for (uint i = 0u; i < 32u / WIDTH; i++) {
        const VALUE one = value(b * (32u / WIDTH) + i, from, to, factor);
#ifdef FETCH_TEXEL
        v[i] = one;
#else
        v[i / 4u][i % 4u] = one;
#endif
        y[to + b * (32u / WIDTH) + i] = one;
    }
    i8_store(t * p.q_stride, b, i8_round(v));
}

void main()
{
    const uint lane = gl_LocalInvocationIndex, n = p.n / WIDTH;
    const uint t = gl_WorkGroupID.y;
    const bool from_out = (p.flags & NORM_FROM_OUT) != 0u;
    if (t >= (from_out ? run.n_out : run.n_token))
        return;
    const uint from = (t + (from_out ? run.out_row : 0u)) * p.x_stride / WIDTH;
    const uint to = t * p.y_stride / WIDTH;

    float sum = 0.0;
    for (uint i = lane; i < n; i += gl_WorkGroupSize.x) {
        const VALUE v = FETCH(x, from + i);
        sum += SQUARE(v);
    }
    const float factor = 1.0 / sqrt(workgroup_add(sum) / float(p.n) + p.eps);

    if ((p.flags & NORM_I8) != 0u) {
        for (uint b = lane; b < p.n / 32u; b += gl_WorkGroupSize.x)
            store_block(t, b, from, to, factor);
        return;
    }
    for (uint i = lane; i < n; i += gl_WorkGroupSize.x)
        y[to + i] = value(i, from, to, factor);
}
