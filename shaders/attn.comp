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
// A column is one query head of one token. Workgroup (x, y) does the columns of up to
// HEADS query heads of one kv head, for tokens y * COLS / HEADS …, so that keys and
// values are read once for all of them. It walks the positions in chunks: first lane =
// positions (scores), then lane = dims (sums of values). Every sum has a fixed order.
// Positions that no token of the workgroup may see are never read as keys and never
// enter a sum as values: the cache may hold anything there.
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require

#include "common/params.h"
#include "common/math.glsl"

layout(local_size_x_id = 0) in; // a multiple of PARTS, at most MAX_LANES
layout(constant_id = 1) const uint HEADS = 1;
layout(constant_id = 2) const uint COLS = 1;  // HEADS times the tokens
layout(constant_id = 3) const uint DIMS = 1;  // of a lane: ceil(head_dim / lanes)
layout(constant_id = 4) const uint SPAN = 4;  // positions of a lane
layout(constant_id = 5) const uint SLOTS = 1; // lanes * SPAN / 4: a chunk, in vec4
layout(constant_id = 6) const bool HAS_SINKS = false;
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

shared float part[COLS][MAX_LANES];
shared float eighth[COLS][PARTS];
shared vec4 weight[COLS][SLOTS]; // exp(score - best) of the chunk

uint first_head, n_head; // of this workgroup, all of kv_head
uint kv_head;
uint token[COLS]; // of the column; those past the last token repeat it

float score[COLS][SPAN]; // of this lane's positions chunk + lane + i * lanes
float best[COLS];        // largest score so far, the same in all lanes
float total[COLS];       // sum of the weights of this lane's positions
float acc[COLS][DIMS];   // sum of the weighted values of dims lane + i * lanes

uint head_of(uint c)
{
    return first_head + min(c % HEADS, n_head - 1u);
}

// Positions that a token sees: [begin_of, end_of).
uint end_of(uint t)
{
    return min(run.pos + t + 1u, p.n_ctx);
}

uint begin_of(uint t)
{
    const uint end = end_of(t);
    return p.window != 0u && end > p.window ? end - p.window : 0u;
}

// value[c] -> maximum or sum over the lanes, in a fixed order.
void reduce(inout float value[COLS], bool is_max)
{
    const uint lane = gl_LocalInvocationIndex;
    [[unroll]] for (uint c = 0u; c < COLS; c++)
        part[c][lane] = value[c];
    barrier();
    for (uint i = lane; i < COLS * PARTS; i += gl_WorkGroupSize.x) {
        const uint c = i / PARTS;
        const uint n = gl_WorkGroupSize.x / PARTS;
        const uint from = i % PARTS * n;
        float r = part[c][from];
        for (uint j = from + 1u; j < from + n; j++)
            r = is_max ? max(r, part[c][j]) : r + part[c][j];
        eighth[c][i % PARTS] = r;
    }
    barrier();
    [[unroll]] for (uint c = 0u; c < COLS; c++) {
        float r = eighth[c][0];
        for (uint j = 1u; j < PARTS; j++)
            r = is_max ? max(r, eighth[c][j]) : r + eighth[c][j];
        value[c] = r;
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

// Products of this lane's positions, from `pos` on, with all columns. Keys outside
// [begin, end) count as zeros.
void score_positions(uint pos, uint begin, uint end)
{
    const uint n_d4 = p.head_dim / 4u;
    [[unroll]] for (uint c = 0u; c < COLS; c++)
        [[unroll]] for (uint i = 0u; i < SPAN; i++)
            score[c][i] = 0.0;
    for (uint d = 0u; d < n_d4; d++) {
        vec4 k[SPAN];
        [[unroll]] for (uint i = 0u; i < SPAN; i++) {
            const uint at = pos + i * gl_WorkGroupSize.x;
            k[i] = vec4(0.0);
            if (at >= begin && at < end)
                k[i] = kv_load_k(kv_head, at, d);
        }
        [[unroll]] for (uint c = 0u; c < COLS; c++) {
            const vec4 x = q[token[c] * (p.q_stride / 4u) + head_of(c) * n_d4 + d];
            [[unroll]] for (uint i = 0u; i < SPAN; i++)
                score[c][i] += dot(x, k[i]);
        }
    }
}

// Raise `best`, scale down what was summed under the old one, leave the weights of
// the chunk in shared memory: 0 for positions that a column's token does not see.
void weigh_chunk(uint pos)
{
    const uint lane = gl_LocalInvocationIndex;
    float top[COLS];
    [[unroll]] for (uint c = 0u; c < COLS; c++) {
        const uint begin = begin_of(token[c]), end = end_of(token[c]);
        top[c] = LOWEST;
        [[unroll]] for (uint i = 0u; i < SPAN; i++) {
            const uint at = pos + i * gl_WorkGroupSize.x;
            score[c][i] = at >= begin && at < end ? finish_score(score[c][i]) : LOWEST;
            top[c] = max(top[c], score[c][i]);
        }
    }
    reduce(top, true);

    [[unroll]] for (uint c = 0u; c < COLS; c++) {
        const float now = max(best[c], top[c]);
        const float keep = exp_f32(best[c] - now);
        best[c] = now;
        total[c] *= keep;
        [[unroll]] for (uint i = 0u; i < DIMS; i++)
            acc[c][i] *= keep;
        [[unroll]] for (uint i = 0u; i < SPAN; i++) {
            const uint at = lane + i * gl_WorkGroupSize.x;
            const float w = score[c][i] > LOWEST ? exp_f32(score[c][i] - now) : 0.0;
            total[c] += w;
            weight[c][at / 4u][at % 4u] = w;
        }
    }
    barrier();
}

// acc += weights of the chunk times its values, positions chunk … end - 1, without
// those below `begin`.
void add_values(uint chunk, uint begin, uint end)
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
        [[unroll]] for (uint c = 0u; c < COLS; c++) {
            const vec4 w = weight[c][p4 - chunk / 4u];
            [[unroll]] for (uint i = 0u; i < DIMS; i++)
                acc[c][i] += dot(w, v[i]);
        }
    }
}

// Which heads and tokens this workgroup has, and sums of nothing.
void start(uint first_token)
{
    const uint group = p.n_head / p.n_head_kv;
    const uint n_share = (group + HEADS - 1u) / HEADS;
    const uint from = gl_WorkGroupID.x % n_share * HEADS;
    kv_head = gl_WorkGroupID.x / n_share;
    first_head = kv_head * group + from;
    n_head = min(HEADS, group - from);
    [[unroll]] for (uint c = 0u; c < COLS; c++) {
        token[c] = min(first_token + c / HEADS, run.n_token - 1u);
        best[c] = HAS_SINKS ? sinks[head_of(c)] : LOWEST;
        total[c] = 0.0;
        [[unroll]] for (uint i = 0u; i < DIMS; i++)
            acc[c][i] = 0.0;
    }
}

void finish(uint first_token)
{
    reduce(total, false);
    [[unroll]] for (uint c = 0u; c < COLS; c++) {
        const float sink = HAS_SINKS ? exp_f32(sinks[head_of(c)] - best[c]) : 0.0;
        const uint to = token[c] * p.y_stride + head_of(c) * p.head_dim;
        const bool mine = c % HEADS < n_head && first_token + c / HEADS < run.n_token;
        [[unroll]] for (uint i = 0u; i < DIMS; i++) {
            const uint d = gl_LocalInvocationIndex + i * gl_WorkGroupSize.x;
            if (mine && d < p.head_dim)
                y[to + d] = acc[c][i] / (total[c] + sink);
        }
    }
}

void main()
{
    const uint first_token = gl_WorkGroupID.y * (COLS / HEADS);
    if (first_token >= run.n_token)
        return;
    start(first_token);

    const uint begin = begin_of(first_token), end = end_of(token[COLS - 1u]);
    for (uint chunk = begin & ~7u; chunk < end; chunk += 4u * SLOTS) {
        const uint pos = chunk + gl_LocalInvocationIndex;
        score_positions(pos, begin, end);
        weigh_chunk(pos);
        add_values(chunk, begin, min(chunk + 4u * SLOTS, end));
    }
    finish(first_token);
}
