#version 450
// rope: for each token, q and k: optional RMS norm, then rotation, in place; the
// finished k, and v as it is, also go into the cache at the token's position.
//   halves:   (x[i], x[i + n_rot/2]) turns by position * freq[i]
//   adjacent: (x[2i], x[2i + 1])     turns by position * freq[i]
// Dims from n_rot on are not rotated. cos and sin are multiplied by mscale.
// ROPE_NORM_V: each head of v is normed, too, without weights.
// Source: Su et al., arXiv 2104.09864, eq. 34; mscale: YaRN, arXiv 2309.00071.
// Meaning on the CPU: ref_rope().
//
//   binding 0  step_params
//   binding 1  qkv   f32 [n_token][row_stride]: q heads, k heads, v heads  read, write
//   binding 2  norm  f32, q weights then k weights                         read
//   binding 3  freq  f32 [n_rot/2], angle per position                     read
//   binding 4  k     cache, see common/kv.glsl                             write
//   binding 5  v     cache                                                 write
//
// Workgroup (g, t): a run of HEADS heads of token t, of q first, then of k (and of
// v with it). A norm over the whole row needs the whole row in one workgroup.
#extension GL_GOOGLE_include_directive : require

#include "common/params.h"
#include "common/angle.glsl"

layout(local_size_x_id = 0) in;
layout(constant_id = 1) const uint HEADS = 4; // of a workgroup
layout(constant_id = 2) const uint UNITS = 4; // that are normed apart: HEADS, or 1 = row
layout(push_constant) uniform Push { rope_params p; };

layout(std140, binding = 0) uniform Step { step_params run; };
// coherent: what one lane has rotated another one packs for the cache.
layout(std430, binding = 1) coherent buffer Qkv { float qkv[]; };
layout(std430, binding = 2) readonly buffer Norm { float norm[]; };
layout(std430, binding = 3) readonly buffer Freq { float freq[]; };
layout(std430, binding = 4) writeonly buffer KCache { uvec4 k_cache[]; };
layout(std430, binding = 5) writeonly buffer VCache { uvec4 v_cache[]; };

#include "common/kv.glsl"

shared float square[128];

// The lanes are cut into UNITS teams, each sums the squares of `n` values from
// qkv[from + unit * n]; units from n_unit on have none.
void sum_squares(uint from, uint n, uint n_unit)
{
    const uint team = gl_WorkGroupSize.x / UNITS;
    const uint unit = gl_LocalInvocationIndex / team;
    float sum = 0.0;
    if (unit < n_unit)
        for (uint i = gl_LocalInvocationIndex % team; i < n; i += team)
            sum += qkv[from + unit * n + i] * qkv[from + unit * n + i];
    square[gl_LocalInvocationIndex] = sum;
    barrier();
}

float norm_factor(uint unit, uint n)
{
    const uint team = gl_WorkGroupSize.x / UNITS;
    float sum = 0.0;
    for (uint i = 0u; i < team; i++)
        sum += square[unit * team + i];
    return 1.0 / sqrt(sum / float(n) + p.eps);
}

// The two dims that pair i is made of; from n_rot/2 on they are just neighbours.
uvec2 pair_dims(uint i)
{
    if ((p.flags & ROPE_HALVES) != 0u && i < p.n_rot / 2u)
        return uvec2(i, i + p.n_rot / 2u);
    return uvec2(2u * i, 2u * i + 1u);
}

// Values qkv[from + unit * KV_UNIT …] of a head of `dim`, times factor; then zeros.
void load_unit(uint from, uint unit, uint dim, float factor, out float x[KV_UNIT])
{
    for (uint i = 0u; i < KV_UNIT; i++) {
        const uint d = unit * KV_UNIT + i;
        x[i] = d < dim ? qkv[from + d] * factor : 0.0;
    }
}

// Heads [first, end) of k, finished, and of v to the caches. Lanes stride over the units
// of all heads.
void store_heads(uint row, uint v_row, uint first, uint end, uint pos)
{
    const bool norm_v = (p.flags & ROPE_NORM_V) != 0u;
    const uint dim = p.head_dim, n_unit = kv_units(dim), n_slot = kv_slots(dim);
    const uint n = (end - first) * n_unit;
    float x[KV_UNIT];
    for (uint i = gl_LocalInvocationIndex; i < n; i += gl_WorkGroupSize.x) {
        const uint h = first + i / n_unit, unit = i % n_unit;
        const uint slot = kv_first_slot(h, pos, p.n_ctx, n_slot);
        load_unit(row + h * dim, unit, dim, 1.0, x);
        KV_STORE(k_cache, slot, dim, unit, x)
        load_unit(v_row + h * dim, unit, dim, norm_v ? norm_factor(h - first, dim) : 1.0, x);
        KV_STORE(v_cache, slot, dim, unit, x)
    }
}

void main()
{
    const uint lane = gl_LocalInvocationIndex;
    const uint t = gl_WorkGroupID.y;
    if (t >= run.n_token)
        return;
    const uint pos = run.pos + t;
    const uint dim = p.head_dim;

    const uint n_q_group = (p.n_head + HEADS - 1u) / HEADS;
    const bool is_k = gl_WorkGroupID.x >= n_q_group;
    const uint n_head = is_k ? p.n_head_kv : p.n_head;
    const uint first = (gl_WorkGroupID.x - (is_k ? n_q_group : 0u)) * HEADS;
    const uint end = min(first + HEADS, n_head);
    const uint row = t * p.row_stride + (is_k ? p.n_head * dim : 0u);

    const bool by_head = (p.flags & ROPE_NORM_HEAD) != 0u;
    const bool by_row = (p.flags & ROPE_NORM_ROW) != 0u;
    if (by_head)
        sum_squares(row + first * dim, dim, end - first);
    else if (by_row)
        sum_squares(row, n_head * dim, 1u);
    float factor = by_row ? norm_factor(0u, n_head * dim) : 1.0;
    const uint norm_from = !is_k ? 0u : by_head ? dim : p.n_head * dim;

    const uint n_rot_pair = (p.flags & ROPE_NONE) != 0u ? 0u : p.n_rot / 2u;
    for (uint i = lane; i < dim / 2u; i += gl_WorkGroupSize.x) {
        const uvec2 d = pair_dims(i);
        vec2 turn = vec2(1.0, 0.0);
        if (i < n_rot_pair)
            turn = angle_cos_sin(pos, freq[i]) * p.mscale;

        for (uint h = first; h < end; h++) {
            const uvec2 at = row + h * dim + d;
            vec2 x = vec2(qkv[at.x], qkv[at.y]);
            if (by_head)
                factor = norm_factor(h - first, dim);
            if (by_head || by_row) {
                const uint from = norm_from + (by_row ? h * dim : 0u);
                x *= factor * vec2(norm[from + d.x], norm[from + d.y]);
            }
            x = vec2(x.x * turn.x - x.y * turn.y, x.x * turn.y + x.y * turn.x);
            qkv[at.x] = x.x;
            qkv[at.y] = x.y;
        }
    }

    if (!is_k)
        return;
    const uint v_row = row + n_head * dim;
    memoryBarrierBuffer();
    barrier(); // k is finished, its sums were read
    if ((p.flags & ROPE_NORM_V) != 0u)
        sum_squares(v_row + first * dim, dim, end - first);
    if (pos < p.n_ctx) // a position beyond the cache is not stored
        store_heads(row, v_row, first, end, pos);
}
