#version 450
// latent: what latent attention does between its products.
//   workgroup n_head:  k = x[kv_off …]: the first n_latent values normed (RMS, with
//                      weights), the n_rot after them rotated; into the cache
//   workgroup h below: the n_rot values at the end of head h of x, rotated, become the
//                      end of head h of q; what comes before them there is left alone
// Rotation as in rope.comp. Source: DeepSeek-V2, arXiv 2405.04434, section 2.1.
// Meaning on the CPU: ref_norm() and ref_rope().
//
//   binding 0  step_params
//   binding 1  x     f32 [n_token][x_stride]: heads [nope + n_rot], then the key  read
//   binding 2  q     f32 [n_token][q_stride]: heads [head_dim]                    write
//   binding 3  norm  f32 [n_latent]                                               read
//   binding 4  freq  f32 [n_rot/2], angle per position                            read
//   binding 5  k     cache, see common/kv.glsl                                    write
//
// Workgroup (i, t) does token t; its lanes stride over the values.
#extension GL_GOOGLE_include_directive : require

#include "common/params.h"
#include "common/angle.glsl"

layout(local_size_x_id = 0) in;
layout(constant_id = 1) const uint HEAD_DIM = 4; // p.head_dim
layout(push_constant) uniform Push { latent_params p; };

layout(std140, binding = 0) uniform Step { step_params run; };
layout(std430, binding = 1) readonly buffer X { float x[]; };
layout(std430, binding = 2) writeonly buffer Q { float q[]; };
layout(std430, binding = 3) readonly buffer Norm { float norm[]; };
layout(std430, binding = 4) readonly buffer Freq { float freq[]; };
layout(std430, binding = 5) writeonly buffer KCache { uvec4 k_cache[]; };

#include "common/kv.glsl"
#include "common/reduce.glsl"

shared float finished[HEAD_DIM]; // the key, before it is packed

// The two dims of pair i.
uvec2 pair_dims(uint i)
{
    if ((p.flags & ROPE_HALVES) != 0u)
        return uvec2(i, i + p.n_rot / 2u);
    return uvec2(2u * i, 2u * i + 1u);
}

vec2 rotated(uint from, uvec2 d, uint pos, uint i)
{
    const vec2 turn = angle_cos_sin(pos, freq[i]) * p.mscale;
    const vec2 v = vec2(x[from + d.x], x[from + d.y]);
    return vec2(v.x * turn.x - v.y * turn.y, v.x * turn.y + v.y * turn.x);
}

void key(uint from, uint pos)
{
    float sum = 0.0;
    for (uint i = gl_LocalInvocationIndex; i < p.n_latent; i += gl_WorkGroupSize.x)
        sum += x[from + i] * x[from + i];
    const float factor = 1.0 / sqrt(workgroup_add(sum) / float(p.n_latent) + p.eps);
    if (pos >= p.n_ctx)
        return;

    for (uint i = gl_LocalInvocationIndex; i < p.n_latent; i += gl_WorkGroupSize.x)
        finished[i] = x[from + i] * factor * norm[i];
    for (uint i = gl_LocalInvocationIndex; i < p.n_rot / 2u; i += gl_WorkGroupSize.x) {
        const uvec2 d = pair_dims(i);
        const vec2 v = rotated(from + p.n_latent, d, pos, i);
        finished[p.n_latent + d.x] = v.x;
        finished[p.n_latent + d.y] = v.y;
    }
    barrier();

    const uint slot = kv_first_slot(0u, pos, p.n_ctx, kv_slots(HEAD_DIM));
    const uint n_unit = kv_units(HEAD_DIM);
    for (uint unit = gl_LocalInvocationIndex; unit < n_unit; unit += gl_WorkGroupSize.x) {
        float packed[KV_UNIT];
        for (uint i = 0u; i < KV_UNIT; i++) {
            const uint d = unit * KV_UNIT + i;
            packed[i] = d < HEAD_DIM ? finished[min(d, HEAD_DIM - 1u)] : 0.0;
        }
        KV_STORE(k_cache, slot, HEAD_DIM, unit, packed)
    }
}

void main()
{
    const uint t = gl_WorkGroupID.y;
    const uint head = gl_WorkGroupID.x;
    if (t >= run.n_token)
        return;
    const uint pos = run.pos + t;
    const uint row = t * p.x_stride;
    if (head == p.n_head) {
        key(row + p.kv_off, pos);
        return;
    }

    const uint from = row + head * (p.nope + p.n_rot) + p.nope;
    const uint to = t * p.q_stride + head * p.head_dim + p.n_latent;
    for (uint i = gl_LocalInvocationIndex; i < p.n_rot / 2u; i += gl_WorkGroupSize.x) {
        const uvec2 d = pair_dims(i);
        const vec2 v = rotated(from, d, pos, i);
        q[to + d.x] = v.x;
        q[to + d.y] = v.y;
    }
}
