#version 450
// attn_join: y[t][h] from what attn.comp found in each share s of the positions: sums of
// weighted values a_s, largest score m_s, sum of weights l_s.
//   y = sum over s of e_s a_s / sum over s of e_s l_s,  e_s = exp(m_s - max m)
// Source: Dao et al., Flash-Decoding; the softmax of arXiv 1805.02867, section 3.1.
//
//   binding 0  step_params
//   binding 1  part  f32 [n_token][n_head][n_split][head_dim_v + 4]: a, m, l  read
//   binding 2  y     f32 [n_token][y_stride]                                  write
//   binding 3  bytes u32[4] [n_token][q_stride]  write, with ROUND: y also as bytes,
//                    see common/i8.glsl; head_dim_v is a multiple of 32 then
//
// Workgroup (h, t) does one head of a token, its lanes stride over the dims. Shares are
// added in their order; one that is empty has m_s lowest, l_s and a_s zero.
#extension GL_GOOGLE_include_directive : require

#include "common/params.h"
#include "common/math.glsl"

layout(local_size_x_id = 0) in;
layout(constant_id = 1) const bool ROUND = false;
layout(push_constant) uniform Push { attn_join_params p; };

layout(std140, binding = 0) uniform Step { step_params run; };
layout(std430, binding = 1) readonly buffer Part { float part[]; };
// coherent: what lanes have written another one rounds.
layout(std430, binding = 2) coherent buffer Y { float y[]; };
layout(std430, binding = 3) writeonly buffer Bytes { uvec4 bytes[]; };

#define I8_OUT bytes
#include "common/i8.glsl"

// This head's part of y as bytes, a block of 32 for a lane.
void store_bytes(uint t, uint first, uint n)
{
    memoryBarrierBuffer();
    barrier();
    for (uint b = gl_LocalInvocationIndex; b < n / 32u; b += gl_WorkGroupSize.x) {
        const uint from = t * p.y_stride + first + 32u * b;
        vec4 v[8];
        for (uint i = 0u; i < 8u; i++)
            v[i] = vec4(y[from + 4u * i], y[from + 4u * i + 1u], y[from + 4u * i + 2u],
                        y[from + 4u * i + 3u]);
        i8_store(t * p.q_stride, first / 32u + b, i8_round(v));
    }
}

void main()
{
    const uint h = gl_WorkGroupID.x, t = gl_WorkGroupID.y;
    if (t >= run.n_token)
        return;
    const uint width = p.head_dim_v + 4u;
    const uint first = (t * p.n_head + h) * p.n_split * width;

    float most = part[first + p.head_dim_v];
    for (uint s = 1u; s < p.n_split; s++)
        most = max(most, part[first + s * width + p.head_dim_v]);
    for (uint d = gl_LocalInvocationIndex; d < p.head_dim_v; d += gl_WorkGroupSize.x) {
        float sum = 0.0, total = 0.0;
        for (uint s = 0u; s < p.n_split; s++) {
            const uint at = first + s * width;
            const float e = exp_f32(part[at + p.head_dim_v] - most);
            sum += e * part[at + d];
            total += e * part[at + p.head_dim_v + 1u];
        }
        y[t * p.y_stride + h * p.head_dim_v + d] = sum / total;
    }
    if (ROUND)
        store_bytes(t, h * p.head_dim_v, p.head_dim_v);
}
