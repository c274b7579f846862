#version 450
// attn_token: attn.comp for one token on CPU devices, where lanes keep to their own
// positions: y[h] = sum over p of softmax(scale * q[h] . k[p]) v[p], p from pos - window
// + 1 (0 without a window) to the token's own position pos. Soft caps and sinks as there.
// Online softmax: Milakov and Gimelshein, arXiv 1805.02867, algorithm 3; the lanes' sums
// are joined at the end, shares of the positions afterwards (attn_join.comp).
// Meaning on the CPU: ref_attn().
//
//   binding 0  step_params
//   binding 1  q      f32 [q_stride], n_head heads  read
//   binding 2  k      cache, see common/kv.glsl     read
//   binding 3  v      cache                         read
//   binding 4  sinks  f32 [n_head], with HAS_SINKS  read
//   binding 5  y      f32 [y_stride]                write; with SPLITS > 1
//                     [n_head][SPLITS][head_dim_v + 4]: sums of weighted values, largest
//                     score, sum of weights
//   binding 6  bytes  u32[4] [q_stride]             write, with ROUND: y also as bytes, see
//                     common/i8.glsl; SPLITS is 1 and head_dim_v a multiple of 32 then
//
// Workgroup (x, 0, z), eight lanes that are one subgroup, does up to HEADS query heads of
// one kv head over share z of the positions, in chunks of SPAN positions per lane: lane
// l has those at 8 i + l. All loops over slots are unrolled: queries and sums are in
// registers, or at least where no index is computed, and a slot is fetched and decoded
// once for all heads. Positions that the token does not see get a weight of 0, and the
// value of one that it sees: the cache may hold anything there.
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#extension GL_KHR_shader_subgroup_arithmetic : require

#include "common/params.h"
#include "common/math.glsl"
#include "common/kv.glsl"

layout(local_size_x_id = 0) in;
layout(constant_id = 1) const uint HEADS = 1;
layout(constant_id = 2) const uint K_SLOTS = 1; // of a key, without scales
layout(constant_id = 3) const uint V_SLOTS = 1;
layout(constant_id = 4) const uint SPAN = 4; // at most 8: a chunk is in one tile
layout(constant_id = 5) const bool HAS_SINKS = false;
layout(constant_id = 6) const uint SPLITS = 1;
layout(constant_id = 7) const bool ROUND = false;
layout(push_constant) uniform Push { attn_params p; };

layout(std140, binding = 0) uniform Step { step_params run; };
layout(binding = 1) uniform samplerBuffer q;
layout(binding = 2) uniform usamplerBuffer k_cache;
layout(binding = 3) uniform usamplerBuffer v_cache;
layout(std430, binding = 4) readonly buffer Sinks { float sinks[]; };
// coherent: what lanes have written another one rounds.
layout(std430, binding = 5) coherent buffer Y { float y[]; };
layout(std430, binding = 6) writeonly buffer Bytes { uvec4 bytes[]; };

#define I8_OUT bytes
#include "common/i8.glsl"

const uint LANES = 8u;
const uint CHUNK = LANES * SPAN;
const float LOWEST = -3.0e38;

uint first_head, n_head, kv_head; // of this workgroup
vec4 query[HEADS * K_SLOTS * KV_VEC4];
float score[HEADS * SPAN]; // of a chunk; then the weights
float best[HEADS], total[HEADS], keep[HEADS];
vec4 acc[HEADS * V_SLOTS * KV_VEC4];

uint lane()
{
    return gl_LocalInvocationIndex;
}

uint head_of(uint c)
{
    return first_head + min(c, n_head - 1u);
}

void load_queries()
{
    const uint n4 = p.head_dim / 4u;
    [[unroll]] for (uint c = 0u; c < HEADS; c++)
        [[unroll]] for (uint i = 0u; i < K_SLOTS * KV_VEC4; i++)
            // Beyond the last dim the key holds zeros.
            query[c * K_SLOTS * KV_VEC4 + i] =
                texelFetch(q, int(head_of(c) * n4 + min(i, n4 - 1u)));
}

// Which heads this workgroup has, and sums of nothing. A sink is in share 0.
void start()
{
    const uint group = p.n_head / p.n_head_kv;
    const uint n_share = (group + HEADS - 1u) / HEADS;
    const uint from = gl_WorkGroupID.x % n_share * HEADS;
    kv_head = gl_WorkGroupID.x / n_share;
    first_head = kv_head * group + from;
    n_head = min(HEADS, group - from);
    const bool sink = HAS_SINKS && gl_WorkGroupID.z == 0u;
    [[unroll]] for (uint c = 0u; c < HEADS; c++) {
        best[c] = sink ? sinks[head_of(c)] : LOWEST;
        total[c] = sink && lane() == 0u ? 1.0 : 0.0;
    }
    [[unroll]] for (uint i = 0u; i < HEADS * V_SLOTS * KV_VEC4; i++)
        acc[i] = vec4(0.0);
}

// Products of all queries with the lane's keys.
void score_chunk(uint chunk)
{
    const uint first =
        kv_first_slot(kv_head, chunk, p.n_ctx, kv_slots(p.head_dim)) + lane();
    [[unroll]] for (uint i = 0u; i < HEADS * SPAN; i++)
        score[i] = 0.0;
    [[unroll]] for (uint s = 0u; s < K_SLOTS; s++)
        [[unroll]] for (uint i = 0u; i < SPAN; i++) {
            vec4 k[KV_VEC4];
            const uint at = first + LANES * i;
            kv_decode(texelFetch(k_cache, int(at + KV_TILE * s)), k);
#ifdef TYPE_Q8_0
            const float scale = kv_scale(
                texelFetch(k_cache, int(at + KV_TILE * (K_SLOTS + s / 8u))), s);
#endif
            [[unroll]] for (uint c = 0u; c < HEADS; c++) {
                float sum = 0.0;
                [[unroll]] for (uint j = 0u; j < KV_VEC4; j++)
                    sum += dot(query[(c * K_SLOTS + s) * KV_VEC4 + j], k[j]);
#ifdef TYPE_Q8_0
                sum *= scale;
#endif
                score[c * SPAN + i] += sum;
            }
        }
}

// Raise the lane's `best`; scores -> weights.
void weigh_chunk(uint chunk, uint begin, uint end)
{
    [[unroll]] for (uint c = 0u; c < HEADS; c++) {
        float now = best[c];
        [[unroll]] for (uint i = 0u; i < SPAN; i++) {
            const uint pos = chunk + lane() + LANES * i;
            float s = score[c * SPAN + i] * p.scale;
            if (p.softcap != 0.0)
                s = softcap(s, p.softcap);
            s = pos >= begin && pos < end ? s : LOWEST;
            score[c * SPAN + i] = s;
            now = max(now, s);
        }
        keep[c] = exp_f32(best[c] - now);
        float sum = total[c] * keep[c];
        [[unroll]] for (uint i = 0u; i < SPAN; i++) {
            const float s = score[c * SPAN + i];
            const float w = s > LOWEST ? exp_f32(s - now) : 0.0;
            score[c * SPAN + i] = w;
            sum += w;
        }
        best[c] = now;
        total[c] = sum;
    }
}

// acc = acc * keep + weights of the chunk times its values.
void add_values(uint chunk, uint begin, uint end)
{
    uint at[SPAN];
    [[unroll]] for (uint i = 0u; i < SPAN; i++)
        at[i] = kv_first_slot(kv_head, clamp(chunk + lane() + LANES * i, begin, end - 1u),
                              p.n_ctx, kv_slots(p.v_dims));
    [[unroll]] for (uint s = 0u; s < V_SLOTS; s++) {
        uvec4 slot[SPAN];
        [[unroll]] for (uint i = 0u; i < SPAN; i++)
            slot[i] = texelFetch(v_cache, int(at[i] + KV_TILE * s));
        vec4 sum[HEADS * KV_VEC4];
        [[unroll]] for (uint i = 0u; i < HEADS * KV_VEC4; i++)
            sum[i] = acc[(i / KV_VEC4 * V_SLOTS + s) * KV_VEC4 + i % KV_VEC4] *
                     keep[i / KV_VEC4];
        [[unroll]] for (uint i = 0u; i < SPAN; i++) {
            vec4 v[KV_VEC4];
            kv_decode(slot[i], v);
#ifdef TYPE_Q8_0
            const float scale = kv_scale(
                texelFetch(v_cache,
                           int(at[i] + KV_TILE * (kv_dim_slots(p.v_dims) + s / 8u))),
                s);
#else
            const float scale = 1.0;
#endif
            [[unroll]] for (uint c = 0u; c < HEADS; c++)
                [[unroll]] for (uint j = 0u; j < KV_VEC4; j++)
                    sum[c * KV_VEC4 + j] += score[c * SPAN + i] * scale * v[j];
        }
        [[unroll]] for (uint i = 0u; i < HEADS * KV_VEC4; i++)
            acc[(i / KV_VEC4 * V_SLOTS + s) * KV_VEC4 + i % KV_VEC4] = sum[i];
    }
}

// Where dim 0 of a head goes.
uint place_of(uint h)
{
    if (SPLITS > 1u)
        return (h * SPLITS + gl_WorkGroupID.z) * (p.head_dim_v + 4u);
    return h * p.head_dim_v;
}

// The lanes' sums of each head to a common `best`, added up, to y. A loop that is
// unrolled holds no loop that is not, as sums over a subgroup are: compilers are slow.
void finish()
{
    for (uint c = 0u; c < n_head; c++) {
        float sums[V_SLOTS * KV_DIMS], sum = total[0], most = best[0];
        [[unroll]] for (uint other = 0u; other < HEADS; other++) {
            if (other != 0u && other != c)
                continue;
            sum = total[other];
            most = best[other];
            [[unroll]] for (uint i = 0u; i < V_SLOTS * KV_DIMS; i++)
                sums[i] = acc[other * V_SLOTS * KV_VEC4 + i / 4u][i % 4u];
        }
        const float now = subgroupMax(most);
        const float scale = exp_f32(most - now);
        sum = subgroupAdd(sum * scale);
        const float factor = SPLITS > 1u ? scale : scale / sum;
        const uint to = place_of(first_head + c);
        for (uint i = 0u; i < V_SLOTS * KV_VEC4; i++) {
            float mine = 0.0; // lane j has dim j of these four
            [[unroll]] for (uint j = 0u; j < 4u; j++) {
                const float all = subgroupAdd(sums[4u * i + j] * factor);
                mine = lane() == j ? all : mine;
            }
            if (lane() < 4u && 4u * i < p.head_dim_v)
                y[to + 4u * i + lane()] = mine;
        }
        if (SPLITS > 1u && lane() == 0u) {
            y[to + p.head_dim_v] = now;
            y[to + p.head_dim_v + 1u] = sum;
        }
    }
}

// The heads' parts of y as bytes, a block of 32 for a lane.
void store_bytes()
{
    memoryBarrierBuffer();
    barrier();
    const uint per_head = p.head_dim_v / 32u, first = first_head * per_head;
    for (uint b = first + lane(); b < first + n_head * per_head; b += LANES) {
        vec4 v[8];
        for (uint i = 0u; i < 8u; i++)
            v[i] = vec4(y[b * 32u + 4u * i], y[b * 32u + 4u * i + 1u],
                        y[b * 32u + 4u * i + 2u], y[b * 32u + 4u * i + 3u]);
        i8_store(0u, b, i8_round(v));
    }
}

void main()
{
    start();
    load_queries();
    const uint seen_end = min(run.pos + 1u, p.n_ctx);
    const uint begin = p.window != 0u && seen_end > p.window ? seen_end - p.window : 0u;
    uint from = begin & ~(KV_TILE - 1u), end = seen_end;
    if (SPLITS > 1u) {
        const uint share = (end - from + SPLITS * CHUNK - 1u) / (SPLITS * CHUNK) * CHUNK;
        from += gl_WorkGroupID.z * share;
        end = min(end, from + share);
    }
    for (uint chunk = from; chunk < end; chunk += CHUNK) {
        score_chunk(chunk);
        weigh_chunk(chunk, begin, seen_end);
        add_values(chunk, begin, seen_end);
    }
    finish();
    if (ROUND)
        store_bytes();
}
