#version 450
// rope_quads: rope.comp by eight dims at a time, for devices that fetch texels. Rotations,
// norms and what goes into the cache are as there, so are the parameters; head_dim, and
// n_rot where something turns, are multiples of 16.
// Meaning on the CPU: ref_rope().
//
//   binding 0  step_params
//   binding 1  qkv   f32 [n_token][row_stride]: q heads, k heads, v heads  write
//   binding 2  norm  f32, q weights then k weights                         read
//   binding 3  freq  f32 [n_rot/2], angle per position                     read
//   binding 4  k     cache, see common/kv.glsl                             write
//   binding 5  v     cache                                                 write
//   binding 6  x     the same rows as binding 1                            read
//
// Workgroup (g, t): HEADS heads of token t, of q first, then of k (and of v with it); all
// of q or k where the norm spans the row. Its eight lanes are one subgroup. A lane takes
// two times eight dims of a head, those that turn together, and keeps to them for several
// heads; nobody else reads or writes them.
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#extension GL_KHR_shader_subgroup_arithmetic : require

#include "common/params.h"
#include "common/angle.glsl"

layout(local_size_x_id = 0) in;
layout(constant_id = 1) const uint HEADS = 4;
layout(push_constant) uniform Push { rope_params p; };

layout(std140, binding = 0) uniform Step { step_params run; };
layout(std430, binding = 1) writeonly buffer Qkv { vec4 qkv[]; };
layout(binding = 2) uniform samplerBuffer norm;
layout(binding = 3) uniform samplerBuffer freq;
layout(std430, binding = 4) writeonly buffer KCache { uvec4 k_cache[]; };
layout(std430, binding = 5) writeonly buffer VCache { uvec4 v_cache[]; };
layout(binding = 6) uniform samplerBuffer x;

#include "common/kv.glsl"

const uint LANES = 8u;

shared float head_factor[HEADS]; // with ROPE_NORM_HEAD; then with ROPE_NORM_V

// Offsets here count vec4, of which a head has dim / 4.
uint quads()
{
    return p.head_dim / 4u;
}

uint n_turning() // quads of a head that turn
{
    return (p.flags & ROPE_NONE) != 0u ? 0u : p.n_rot / 4u;
}

// First quads of the two eights that item i of a head has.
uvec2 quads_of(uint i)
{
    const uint half_turn = n_turning() / 2u;
    if ((p.flags & ROPE_HALVES) != 0u && 2u * i < half_turn)
        return uvec2(2u * i, 2u * i + half_turn);
    return uvec2(4u * i, 4u * i + 2u);
}

// 1 / sqrt(mean of squares) of n quads; the same in all lanes.
float norm_factor(uint from, uint n)
{
    float sum = 0.0;
    for (uint i = gl_LocalInvocationIndex; i < n; i += LANES) {
        const vec4 v = texelFetch(x, int(from + i));
        sum += dot(v, v);
    }
    return 1.0 / sqrt(subgroupAdd(sum) / float(4u * n) + p.eps);
}

// (cos, sin) for the pairs of item i, four after four.
void angles_of(uint i, uint pos, out vec4 c[2], out vec4 s[2])
{
    const uint q = quads_of(i).x;
    const bool halves = (p.flags & ROPE_HALVES) != 0u;
    [[unroll]] for (uint k = 0u; k < 2u; k++) {
        c[k] = vec4(1.0);
        s[k] = vec4(0.0);
        if (q < n_turning()) {
            const vec4 f = texelFetch(freq, int(halves ? q + k : q / 2u + k));
            [[unroll]] for (uint j = 0u; j < 4u; j++) {
                const vec2 turn = angle_cos_sin(pos, f[j]) * p.mscale;
                c[k][j] = turn.x;
                s[k][j] = turn.y;
            }
        }
    }
}

// v: the first eight, then the other eight.
void turn(inout vec4 v[4], vec4 c[2], vec4 s[2])
{
    if ((p.flags & ROPE_HALVES) != 0u) {
        [[unroll]] for (uint k = 0u; k < 2u; k++) {
            const vec4 a = v[k], b = v[k + 2u];
            v[k] = a * c[k] - b * s[k];
            v[k + 2u] = a * s[k] + b * c[k];
        }
        return;
    }
    [[unroll]] for (uint k = 0u; k < 4u; k++) {
        const vec2 c2 = k % 2u == 0u ? c[k / 2u].xy : c[k / 2u].zw;
        const vec2 s2 = k % 2u == 0u ? s[k / 2u].xy : s[k / 2u].zw;
        const vec2 a = v[k].xz, b = v[k].yw;
        v[k].xz = a * c2 - b * s2;
        v[k].yw = a * s2 + b * c2;
    }
}

// Eight dims to a slot, or to two.
#define STORE_EIGHT(cache, first, q, a, b)                                        \
    {                                                                             \
        float unit[KV_UNIT];                                                      \
        [[unroll]] for (uint part = 0u; part < 8u / KV_UNIT; part++) {            \
            [[unroll]] for (uint i = 0u; i < KV_UNIT; i++)                        \
                unit[i] = part * KV_UNIT + i < 4u ? (a)[i % 4u] : (b)[i % 4u];    \
            KV_STORE(cache, first, p.head_dim, (q) * 4u / KV_UNIT + part, unit)   \
        }                                                                         \
    }

// Heads [first, end) of q or k; offset of the row's first head; norm weights of head 0.
void turn_heads(bool is_k, uint first, uint end, uint row, uint norm_at, float row_factor)
{
    const uint n_item = p.head_dim / 16u, pos = run.pos + gl_WorkGroupID.y;
    const bool by_head = (p.flags & ROPE_NORM_HEAD) != 0u;
    const bool by_row = (p.flags & ROPE_NORM_ROW) != 0u;
    const uint width = min(n_item, LANES), team = gl_LocalInvocationIndex / width;
    const uint n_slot = kv_slots(p.head_dim);
    for (uint i = gl_LocalInvocationIndex % width; i < n_item; i += width) {
        const uvec2 q = quads_of(i);
        vec4 c[2], s[2];
        angles_of(i, pos, c, s);
        for (uint h = first + team; h < end && team < LANES / width; h += LANES / width) {
            const uint at = row + h * quads();
            const uint w = norm_at + (by_row ? h * quads() : 0u);
            const float factor = by_head ? head_factor[h - first] : row_factor;
            vec4 v[4];
            [[unroll]] for (uint k = 0u; k < 4u; k++) {
                const uint d = q[k / 2u] + k % 2u;
                v[k] = texelFetch(x, int(at + d));
                if (by_head || by_row)
                    v[k] *= factor * texelFetch(norm, int(w + d));
            }
            turn(v, c, s);
            [[unroll]] for (uint k = 0u; k < 4u; k++)
                qkv[at + q[k / 2u] + k % 2u] = v[k];
            if (is_k && pos < p.n_ctx) { // a position beyond the cache is not stored
                const uint slot = kv_first_slot(h, pos, p.n_ctx, n_slot);
                STORE_EIGHT(k_cache, slot, q.x, v[0], v[1])
                STORE_EIGHT(k_cache, slot, q.y, v[2], v[3])
            }
        }
    }
}

// Factors of heads [first, end) of a row, each normed by itself.
void norm_heads(uint first, uint end, uint row)
{
    for (uint h = first; h < end; h++) {
        const float factor = norm_factor(row + h * quads(), quads());
        if (gl_LocalInvocationIndex == 0u)
            head_factor[h - first] = factor;
    }
}

// Heads [first, end) of v to the cache; offset of the row's first head.
void store_values(uint first, uint end, uint row)
{
    const bool normed = (p.flags & ROPE_NORM_V) != 0u;
    const uint pos = run.pos + gl_WorkGroupID.y, per_head = p.head_dim / 8u;
    for (uint i = gl_LocalInvocationIndex; i < (end - first) * per_head; i += LANES) {
        const uint h = first + i / per_head, q = 2u * (i % per_head);
        const uint at = row + h * quads() + q;
        const uint slot = kv_first_slot(h, pos, p.n_ctx, kv_slots(p.head_dim));
        // Not only where it is needed: what is packed as it was fetched, drivers may
        // round towards zero.
        const float factor = normed ? head_factor[h - first] : 1.0;
        const vec4 a = texelFetch(x, int(at)) * factor;
        const vec4 b = texelFetch(x, int(at + 1u)) * factor;
        STORE_EIGHT(v_cache, slot, q, a, b)
    }
}

void main()
{
    const uint t = gl_WorkGroupID.y;
    if (t >= run.n_token)
        return;
    const uint n_q_group = (p.n_head + HEADS - 1u) / HEADS;
    const bool is_k = gl_WorkGroupID.x >= n_q_group;
    const uint n_head = is_k ? p.n_head_kv : p.n_head;
    const uint first = (gl_WorkGroupID.x - (is_k ? n_q_group : 0u)) * HEADS;
    const uint end = min(first + HEADS, n_head);
    const uint row = t * (p.row_stride / 4u) + (is_k ? p.n_head * quads() : 0u);

    const bool by_head = (p.flags & ROPE_NORM_HEAD) != 0u;
    float row_factor = 1.0;
    if (by_head) {
        norm_heads(first, end, row);
    } else if ((p.flags & ROPE_NORM_ROW) != 0u) {
        row_factor = norm_factor(row, n_head * quads());
    }
    barrier(); // from here on x is changed
    const uint norm_at = !is_k ? 0u : by_head ? quads() : p.n_head * quads();
    turn_heads(is_k, first, end, row, norm_at, row_factor);
    if (!is_k)
        return;
    const uint v_row = row + n_head * quads();
    if ((p.flags & ROPE_NORM_V) != 0u) {
        barrier(); // the factors of k were read
        norm_heads(first, end, v_row);
        barrier();
    }
    if (run.pos + t < p.n_ctx)
        store_values(first, end, v_row);
}
