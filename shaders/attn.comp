#version 450
// attn: y[t][h] = sum over p of softmax(scale * q[t][h] . k[p]) v[p], p from
// pos - window + 1 (0 without a window) to the token's own position pos.
// softcap: scores become softcap * tanh(score / softcap). sinks: one more score per
// head that takes weight and gives nothing.
// Online softmax: Milakov and Gimelshein, arXiv 1805.02867, algorithm 3.
// Meaning on the CPU: ref_attn().
//
//   binding 0  step_params
//   binding 1  q      f32 [n_token][q_stride], n_head heads  read
//   binding 2  k      cache, see common/kv.glsl              read
//   binding 3  v      cache                                  read
//   binding 4  sinks  f32 [n_head], with HAS_SINKS           read
//   binding 5  y      f32 [n_token][y_stride]                write
//
// Workgroup (x, t) does token t and up to HEADS query heads of one kv head, so that
// keys and values are read once for all of them. It walks the positions in chunks
// of two per lane: first lane = position (scores), then lane = dim (sums of
// values). Every sum has a fixed order. Positions outside the range are never read
// as keys and never enter a sum as values: the cache may hold anything there.
// 32 or 64 lanes.
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require

#include "common/params.h"
#include "common/math.glsl"

layout(local_size_x_id = 0) in;
layout(constant_id = 1) const uint HEADS = 1; // of a workgroup
layout(constant_id = 2) const uint DIMS = 1;  // of a lane: ceil(head_dim / lanes)
layout(constant_id = 3) const bool HAS_SINKS = false;
layout(push_constant) uniform Push { attn_params p; };

layout(std140, binding = 0) uniform Step { step_params run; };
layout(std430, binding = 1) readonly buffer Q { vec4 q[]; };
layout(std430, binding = 4) readonly buffer Sinks { float sinks[]; };
layout(std430, binding = 5) writeonly buffer Y { float y[]; };

#define KV_K 2
#define KV_V 3
#include "common/kv.glsl"

const uint MAX_LANES = 64u;
const uint PARTS = 8u; // a lane reduces an eighth of the lanes' values, then all do
const float LOWEST = -3.0e38;

shared float part[HEADS][MAX_LANES];
shared float eighth[HEADS][PARTS];
shared vec4 weight[HEADS][MAX_LANES / 2u]; // exp(score - best) of the chunk

float score[HEADS][2];   // of this lane's two positions
float best[HEADS];       // largest score so far, the same in all lanes
float total[HEADS];      // sum of the weights of this lane's positions
float acc[HEADS][DIMS];  // sum of the weighted values of this lane's dims

// value[i] -> maximum or sum over the lanes, in a fixed order.
void reduce(inout float value[HEADS], bool is_max)
{
    const uint lane = gl_LocalInvocationIndex;
    [[unroll]] for (uint g = 0u; g < HEADS; g++)
        part[g][lane] = value[g];
    barrier();
    for (uint i = lane; i < HEADS * PARTS; i += gl_WorkGroupSize.x) {
        const uint g = i / PARTS;
        const uint n = gl_WorkGroupSize.x / PARTS;
        const uint from = i % PARTS * n;
        float r = part[g][from];
        for (uint j = from + 1u; j < from + n; j++)
            r = is_max ? max(r, part[g][j]) : r + part[g][j];
        eighth[g][i % PARTS] = r;
    }
    barrier();
    [[unroll]] for (uint g = 0u; g < HEADS; g++) {
        float r = eighth[g][0];
        for (uint j = 1u; j < PARTS; j++)
            r = is_max ? max(r, eighth[g][j]) : r + eighth[g][j];
        value[g] = r;
    }
}

float finish_score(float dot_product)
{
    const float s = dot_product * p.scale;
    if (p.softcap == 0.0)
        return s;
    // tanh of more than 10 is 1 in f32
    const float e = exp_f32(2.0 * clamp(s / p.softcap, -10.0, 10.0));
    return p.softcap * (1.0 - 2.0 / (e + 1.0));
}

// Scores of two positions for all heads; outside the range, LOWEST.
void score_positions(uint kv_head, uint q_from, uint last_head, uvec2 pos, bvec2 inside)
{
    [[unroll]] for (uint g = 0u; g < HEADS; g++)
        score[g][0] = score[g][1] = 0.0;
    for (uint d = 0u; d < p.head_dim / 4u; d++) {
        vec4 k0 = vec4(0.0), k1 = vec4(0.0);
        if (inside.x)
            k0 = kv_load_k(kv_head, pos.x, d);
        if (inside.y)
            k1 = kv_load_k(kv_head, pos.y, d);
        [[unroll]] for (uint g = 0u; g < HEADS; g++) {
            const vec4 x = q[q_from + min(g, last_head) * (p.head_dim / 4u) + d];
            score[g][0] += dot(x, k0);
            score[g][1] += dot(x, k1);
        }
    }
    [[unroll]] for (uint g = 0u; g < HEADS; g++) {
        score[g][0] = inside.x ? finish_score(score[g][0]) : LOWEST;
        score[g][1] = inside.y ? finish_score(score[g][1]) : LOWEST;
    }
}

// Raise `best`, scale down what was summed under the old one, leave the weights of
// the chunk in shared memory.
void weigh_chunk(bvec2 inside)
{
    const uint lane = gl_LocalInvocationIndex;
    float top[HEADS];
    [[unroll]] for (uint g = 0u; g < HEADS; g++)
        top[g] = max(score[g][0], score[g][1]);
    reduce(top, true);

    [[unroll]] for (uint g = 0u; g < HEADS; g++) {
        const float now = max(best[g], top[g]);
        const float keep = exp_f32(best[g] - now);
        best[g] = now;
        const float w0 = inside.x ? exp_f32(score[g][0] - now) : 0.0;
        const float w1 = inside.y ? exp_f32(score[g][1] - now) : 0.0;
        total[g] = total[g] * keep + (w0 + w1);
        [[unroll]] for (uint i = 0u; i < DIMS; i++)
            acc[g][i] *= keep;

        weight[g][lane / 4u][lane % 4u] = w0;
        weight[g][(gl_WorkGroupSize.x + lane) / 4u][lane % 4u] = w1;
    }
    barrier();
}

// acc += weights of the chunk times its values, positions chunk … end - 1, without
// those below `begin`.
void add_values(uint kv_head, uint chunk, uint begin, uint end)
{
    for (uint p4 = chunk / 4u; p4 < (end + 3u) / 4u; p4++) {
        const uvec4 pos = 4u * p4 + uvec4(0u, 1u, 2u, 3u);
        const bvec4 valid = bvec4(uvec4(greaterThanEqual(pos, uvec4(begin))) &
                                  uvec4(lessThan(pos, uvec4(end))));
        vec4 v[DIMS];
        [[unroll]] for (uint i = 0u; i < DIMS; i++) {
            const uint d = gl_LocalInvocationIndex + i * gl_WorkGroupSize.x;
            v[i] = vec4(0.0);
            if (d < p.head_dim) // a weight of 0 would not do: 0 * NaN
                v[i] = mix(vec4(0.0), kv_load_v(kv_head, p4, d), valid);
        }
        [[unroll]] for (uint g = 0u; g < HEADS; g++) {
            const vec4 w = weight[g][p4 - chunk / 4u];
            [[unroll]] for (uint i = 0u; i < DIMS; i++)
                acc[g][i] += dot(w, v[i]);
        }
    }
}

void main()
{
    const uint lane = gl_LocalInvocationIndex;
    const uint t = gl_WorkGroupID.y;
    if (t >= run.n_token)
        return;

    // Query heads first … first + last_head, all of kv_head.
    const uint group = p.n_head / p.n_head_kv;
    const uint n_share = (group + HEADS - 1u) / HEADS;
    const uint kv_head = gl_WorkGroupID.x / n_share;
    const uint share = gl_WorkGroupID.x % n_share * HEADS;
    const uint first = kv_head * group + share;
    const uint last_head = min(HEADS, group - share) - 1u;

    const uint end = min(run.pos + t + 1u, p.n_ctx);
    const uint begin = p.window != 0u && end > p.window ? end - p.window : 0u;

    [[unroll]] for (uint g = 0u; g < HEADS; g++) {
        best[g] = HAS_SINKS ? sinks[first + min(g, last_head)] : LOWEST;
        total[g] = 0.0;
        [[unroll]] for (uint i = 0u; i < DIMS; i++)
            acc[g][i] = 0.0;
    }

    const uint q_from = (t * p.q_stride + first * p.head_dim) / 4u;
    for (uint chunk = begin & ~7u; chunk < end; chunk += 2u * gl_WorkGroupSize.x) {
        const uvec2 pos = chunk + lane + uvec2(0u, gl_WorkGroupSize.x);
        const bvec2 inside = bvec2(pos.x >= begin && pos.x < end,
                                   pos.y >= begin && pos.y < end);
        score_positions(kv_head, q_from, last_head, pos, inside);
        weigh_chunk(inside);
        add_values(kv_head, chunk, begin, min(chunk + 2u * gl_WorkGroupSize.x, end));
    }

    reduce(total, false);
    [[unroll]] for (uint g = 0u; g < HEADS; g++) {
        if (g > last_head)
            break;
        const float sum = total[g] +
            (HAS_SINKS ? exp_f32(sinks[first + g] - best[g]) : 0.0);
        const uint to = t * p.y_stride + (first + g) * p.head_dim;
        [[unroll]] for (uint i = 0u; i < DIMS; i++) {
            const uint d = lane + i * gl_WorkGroupSize.x;
            if (d < p.head_dim)
                y[to + d] = acc[g][i] / sum;
        }
    }
}
