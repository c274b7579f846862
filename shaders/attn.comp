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
// values are read once for all of them. It walks the positions in chunks, and in each
// there are three turns: lane = positions (scores), lane = a part of a column's
// positions (softmax), lane = dims (sums of values). Every sum has a fixed order.
// Positions that no token of the workgroup may see are never read as keys and never
// enter a sum as values: the cache may hold anything there.
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require

#include "common/params.h"
#include "common/math.glsl"

layout(local_size_x_id = 0) in;
layout(constant_id = 1) const uint HEADS = 1;
layout(constant_id = 2) const uint COLS = 1;  // HEADS times the tokens
layout(constant_id = 3) const uint DIMS = 1;  // of a lane: ceil(head_dim_v / lanes)
layout(constant_id = 4) const uint SPAN = 4;  // positions of a lane
layout(constant_id = 5) const uint CHUNK = 8; // lanes * SPAN, a multiple of PARTS
layout(constant_id = 6) const bool HAS_SINKS = false;
layout(constant_id = 7) const bool V_IN_K = false; // values are the first dims of keys
layout(push_constant) uniform Push { attn_params p; };

layout(std140, binding = 0) uniform Step { step_params run; };
layout(std430, binding = 1) readonly buffer Q { vec4 q[]; };
layout(std430, binding = 4) readonly buffer Sinks { float sinks[]; };
layout(std430, binding = 5) writeonly buffer Y { float y[]; };

#define KV_DIM_V p.head_dim_v
#define KV_K 2
#define KV_V 3
#include "common/kv.glsl"

const uint PARTS = 8u; // that the positions of a column are cut into for the softmax
const float LOWEST = -3.0e38;

shared float weight[COLS][CHUNK]; // scores, then exp(score - best)
shared float top[COLS][PARTS];    // largest score of the part
shared float best[COLS][PARTS];   // largest score of the column so far, in every part
shared float total[COLS][PARTS];  // sum of the part's weights so far
shared float keep[COLS];          // exp(best before the chunk - best now)

uint first_head, n_head; // of this workgroup, all of kv_head
uint kv_head;
uint token[COLS];      // of the column; those past the last token repeat it
float score[COLS][SPAN]; // of positions chunk + lane + i * lanes
float acc[COLS][DIMS]; // sum of the weighted values of dims lane + i * lanes

uint head_of(uint c)
{
    return first_head + min(c % HEADS, n_head - 1u);
}

uint first_token()
{
    return gl_WorkGroupID.y * (COLS / HEADS);
}

uint token_of(uint c)
{
    return min(first_token() + c / HEADS, run.n_token - 1u);
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

float finish_score(float dot_product)
{
    const float s = dot_product * p.scale;
    if (p.softcap == 0.0)
        return s;
    // tanh of more than 10 is 1 in f32
    const float e = exp_f32(2.0 * clamp(s / p.softcap, -10.0, 10.0));
    return p.softcap * (1.0 - 2.0 / (e + 1.0));
}

// Products of all columns with this lane's keys, to `weight`. Keys outside
// [begin, end) count as zeros.
void score_chunk(uint chunk, uint begin, uint end)
{
    const uint n_d4 = p.head_dim / 4u;
    [[unroll]] for (uint c = 0u; c < COLS; c++)
        [[unroll]] for (uint i = 0u; i < SPAN; i++)
            score[c][i] = 0.0;
    for (uint d = 0u; d < n_d4; d++) {
        vec4 k[SPAN];
        [[unroll]] for (uint i = 0u; i < SPAN; i++) {
            const uint pos = chunk + gl_LocalInvocationIndex + i * gl_WorkGroupSize.x;
            k[i] = vec4(0.0);
            if (pos >= begin && pos < end)
                k[i] = kv_load_k(kv_head, pos, d);
        }
        [[unroll]] for (uint c = 0u; c < COLS; c++) {
            const vec4 x = q[token[c] * (p.q_stride / 4u) + head_of(c) * n_d4 + d];
            [[unroll]] for (uint i = 0u; i < SPAN; i++)
                score[c][i] += dot(x, k[i]);
        }
    }
    [[unroll]] for (uint c = 0u; c < COLS; c++)
        [[unroll]] for (uint i = 0u; i < SPAN; i++)
            weight[c][gl_LocalInvocationIndex + i * gl_WorkGroupSize.x] = score[c][i];
    barrier();
}

// Raise `best`; scores -> weights, 0 for positions that a column's token does not see.
void weigh_chunk(uint chunk)
{
    for (uint i = gl_LocalInvocationIndex; i < COLS * PARTS; i += gl_WorkGroupSize.x) {
        const uint c = i / PARTS, part = i % PARTS;
        const uint begin = begin_of(token_of(c)), end = end_of(token_of(c));
        float most = LOWEST;
        for (uint at = part; at < CHUNK; at += PARTS) {
            const bool seen = chunk + at >= begin && chunk + at < end;
            const float s = seen ? finish_score(weight[c][at]) : LOWEST;
            weight[c][at] = s;
            most = max(most, s);
        }
        top[c][part] = most;
    }
    barrier();
    for (uint i = gl_LocalInvocationIndex; i < COLS * PARTS; i += gl_WorkGroupSize.x) {
        const uint c = i / PARTS, part = i % PARTS;
        float now = best[c][part];
        for (uint j = 0u; j < PARTS; j++)
            now = max(now, top[c][j]);
        const float scale = exp_f32(best[c][part] - now);
        float sum = total[c][part] * scale;
        for (uint at = part; at < CHUNK; at += PARTS) {
            const float s = weight[c][at];
            const float w = s > LOWEST ? exp_f32(s - now) : 0.0;
            weight[c][at] = w;
            sum += w;
        }
        best[c][part] = now;
        total[c][part] = sum;
        if (part == 0u)
            keep[c] = scale; // the same in all parts
    }
    barrier();
}

// acc = acc * keep + weights of the chunk times its values, positions chunk … end - 1,
// without those below `begin`.
void add_values(uint chunk, uint begin, uint end)
{
    [[unroll]] for (uint c = 0u; c < COLS; c++) {
        const float scale = keep[c];
        [[unroll]] for (uint i = 0u; i < DIMS; i++)
            acc[c][i] *= scale;
    }
    for (uint from = chunk; from < end; from += 4u) {
        const uvec4 pos = from + uvec4(0u, 1u, 2u, 3u);
        const bvec4 valid = bvec4(uvec4(greaterThanEqual(pos, uvec4(begin))) &
                                  uvec4(lessThan(pos, uvec4(end))));
        vec4 v[DIMS];
        [[unroll]] for (uint i = 0u; i < DIMS; i++) {
            const uint d = gl_LocalInvocationIndex + i * gl_WorkGroupSize.x;
            v[i] = vec4(0.0);
            if (d < p.head_dim_v) { // a weight of 0 would not do: 0 * NaN
                const vec4 at = V_IN_K ? kv_load_v_of_k(kv_head, from / 4u, d)
                                       : kv_load_v(kv_head, from / 4u, d);
                v[i] = mix(vec4(0.0), at, valid);
            }
        }
        [[unroll]] for (uint c = 0u; c < COLS; c++) {
            const uint at = from - chunk;
            const vec4 w = vec4(weight[c][at], weight[c][at + 1u], weight[c][at + 2u],
                                weight[c][at + 3u]);
            [[unroll]] for (uint i = 0u; i < DIMS; i++)
                acc[c][i] += dot(w, v[i]);
        }
    }
    barrier(); // the next chunk's scores go where the weights were
}

// Which heads and tokens this workgroup has, and sums of nothing.
void start()
{
    const uint group = p.n_head / p.n_head_kv;
    const uint n_share = (group + HEADS - 1u) / HEADS;
    const uint from = gl_WorkGroupID.x % n_share * HEADS;
    kv_head = gl_WorkGroupID.x / n_share;
    first_head = kv_head * group + from;
    n_head = min(HEADS, group - from);
    [[unroll]] for (uint c = 0u; c < COLS; c++) {
        token[c] = token_of(c);
        [[unroll]] for (uint i = 0u; i < DIMS; i++)
            acc[c][i] = 0.0;
    }
    for (uint i = gl_LocalInvocationIndex; i < COLS * PARTS; i += gl_WorkGroupSize.x) {
        const bool sink = HAS_SINKS;
        best[i / PARTS][i % PARTS] = sink ? sinks[head_of(i / PARTS)] : LOWEST;
        total[i / PARTS][i % PARTS] = sink && i % PARTS == 0u ? 1.0 : 0.0;
    }
}

void finish()
{
    [[unroll]] for (uint c = 0u; c < COLS; c++) {
        float sum = 0.0;
        for (uint j = 0u; j < PARTS; j++)
            sum += total[c][j];
        const uint to = token[c] * p.y_stride + head_of(c) * p.head_dim_v;
        const bool mine = c % HEADS < n_head && first_token() + c / HEADS < run.n_token;
        [[unroll]] for (uint i = 0u; i < DIMS; i++) {
            const uint d = gl_LocalInvocationIndex + i * gl_WorkGroupSize.x;
            if (mine && d < p.head_dim_v)
                y[to + d] = acc[c][i] / sum;
        }
    }
}

void main()
{
    if (first_token() >= run.n_token)
        return;
    start();

    const uint begin = begin_of(token[0]), end = end_of(token[COLS - 1u]);
    for (uint chunk = begin & ~7u; chunk < end; chunk += CHUNK) {
        score_chunk(chunk, begin, end);
        weigh_chunk(chunk);
        add_values(chunk, begin, min(chunk + CHUNK, end));
    }
    finish();
}
