#version 450
// attn: y[t][h] = sum over p of softmax(scale * q[t][h] . k[p]) v[p], p from
// pos - window + 1 (0 without a window) to the token's own position pos.
// softcap: scores become softcap * tanh(score / softcap). sinks: one more score per
// head that takes weight and gives nothing.
// Online softmax: Milakov and Gimelshein, arXiv 1805.02867, algorithm 3; positions split
// over workgroups and joined afterwards (attn_join.comp): Dao et al., Flash-Decoding.
// Meaning on the CPU: ref_attn().
//
//   binding 0  step_params
//   binding 1  q      f32 [n_token][q_stride], n_head heads  read
//   binding 2  k      cache, see common/kv.glsl              read
//   binding 3  v      cache                                  read
//   binding 4  sinks  f32 [n_head], with HAS_SINKS           read
//   binding 5  y      f32 [n_token][y_stride]                write; with SPLITS > 1
//                     [n_token][n_head][SPLITS][head_dim_v + 4]: sums of weighted
//                     values, largest score, sum of weights
//
// A column is one query head of one token. Workgroup (x, y, z) does the columns of up to
// HEADS query heads of one kv head, for tokens y * COLS / HEADS …, over share z of the
// positions; so keys and values are read once for all of them. Its lanes are teams of
// eight. It walks the positions in chunks; in each a lane has
//   scores  of positions lane + i * lanes, all dims
//   values  at positions 8 j + lane % 8, slots team + i * TEAMS
// With one team (CPU devices, whose shared memory is slow) a lane keeps to its own
// positions and nothing is exchanged until the end; with more the weights of the softmax
// go through shared memory. Every sum has a fixed order.
// Positions that a token does not see are left out by selection, not by a weight of 0:
// the cache may hold anything there.
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#ifdef FETCH_TEXEL
#extension GL_KHR_shader_subgroup_arithmetic : require
#endif

#include "common/params.h"
#include "common/math.glsl"
#include "common/kv.glsl"

layout(local_size_x_id = 0) in;
layout(constant_id = 1) const uint HEADS = 1;
layout(constant_id = 2) const uint COLS = 1;  // HEADS times the tokens
layout(constant_id = 3) const uint SLOTS = 1; // of a value that a lane sums
layout(constant_id = 4) const uint SPAN = 4;  // positions of a lane in a chunk
layout(constant_id = 5) const uint POOL = 2048; // floats: max(2048, COLS * SPAN * lanes)
layout(constant_id = 6) const bool HAS_SINKS = false;
layout(constant_id = 7) const uint SPLITS = 1;
layout(push_constant) uniform Push { attn_params p; };

// The variant for CPU devices. They fetch texels many times faster than elements of
// buffers and of shared memory; their subgroups must be the teams.
#ifdef FETCH_TEXEL
layout(binding = 1) uniform samplerBuffer q;
layout(binding = 2) uniform usamplerBuffer k_cache;
layout(binding = 3) uniform usamplerBuffer v_cache;
#define FETCH(buf, i) texelFetch(buf, int(i))
#else
layout(std430, binding = 1) readonly buffer Q { vec4 q[]; };
layout(std430, binding = 2) readonly buffer KCache { uvec4 k_cache[]; };
layout(std430, binding = 3) readonly buffer VCache { uvec4 v_cache[]; };
#define FETCH(buf, i) buf[i]
#endif
layout(std140, binding = 0) uniform Step { step_params run; };
layout(std430, binding = 4) readonly buffer Sinks { float sinks[]; };
layout(std430, binding = 5) writeonly buffer Y { float y[]; };

const uint LANES = gl_WorkGroupSize.x;
const uint TEAMS = LANES / 8u;
const uint CHUNK = LANES * SPAN;
const uint PARTS = 8u; // that the positions of a column are cut into for the softmax
// Slots of a lane that are reduced together: what fits the smallest pool.
const uint TOGETHER = 2048u / (LANES * KV_DIMS);
const uint TURN = 2u;  // positions of a lane between two additions to its sums
const float LOWEST = -3.0e38;

shared float weight[POOL];        // [COLS][CHUNK]: scores, then exp(score - best); at
                                  // the end what lanes have summed
shared float top[COLS][PARTS];    // largest score of the part
shared float best[COLS][PARTS];   // largest score of the column so far, in every part
shared float total[COLS][PARTS];  // sum of the part's weights so far
shared float keep[COLS];          // exp(best before the chunk - best now)

uint first_head, n_head; // of this workgroup, all of kv_head
uint kv_head;
uint token[COLS];        // of the column; those past the last token repeat it
float score[COLS * SPAN];
float acc[COLS * SLOTS * KV_DIMS];
float value_weight[COLS * TURN];
float lane_best[COLS], lane_total[COLS], lane_keep[COLS]; // with one team

uint lane()
{
    return gl_LocalInvocationIndex;
}

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

bool sees(uint t, uint pos)
{
    return pos >= begin_of(t) && pos < end_of(t);
}

float finish_score(float dot_product)
{
    const float s = dot_product * p.scale;
    return p.softcap == 0.0 ? s : softcap(s, p.softcap);
}

// Products of all columns with this lane's keys.
void score_chunk(uint chunk)
{
    const uint n_slot = kv_dim_slots(p.head_dim), n_all = kv_slots(p.head_dim);
    const uint n_d4 = p.head_dim / 4u;
    uint at[SPAN];
    float scale[SPAN];
    [[unroll]] for (uint i = 0u; i < SPAN; i++) {
        const uint pos = min(chunk + lane() + i * LANES, p.n_ctx - 1u);
        at[i] = kv_first_slot(kv_head, pos, p.n_ctx, n_all);
    }
    [[unroll]] for (uint c = 0u; c < COLS; c++)
        [[unroll]] for (uint i = 0u; i < SPAN; i++)
            score[c * SPAN + i] = 0.0;
    for (uint s = 0u; s < n_slot; s++) {
#ifdef TYPE_Q8_0
        if (s % 2u == 0u)
            [[unroll]] for (uint i = 0u; i < SPAN; i++)
                scale[i] = kv_scale(FETCH(k_cache, at[i] + KV_TILE * (n_slot + s / 8u)), s);
#endif
        vec4 x[COLS * KV_VEC4];
        [[unroll]] for (uint c = 0u; c < COLS; c++)
            [[unroll]] for (uint j = 0u; j < KV_VEC4; j++) {
                // Beyond the last dim the key holds zeros.
                const uint d4 = min(s * KV_VEC4 + j, n_d4 - 1u);
                x[c * KV_VEC4 + j] =
                    FETCH(q, token[c] * (p.q_stride / 4u) + head_of(c) * n_d4 + d4);
            }
        [[unroll]] for (uint i = 0u; i < SPAN; i++) {
            vec4 k[KV_VEC4];
            kv_decode(FETCH(k_cache, at[i] + KV_TILE * s), k);
            [[unroll]] for (uint c = 0u; c < COLS; c++) {
                float sum = 0.0;
                [[unroll]] for (uint j = 0u; j < KV_VEC4; j++)
                    sum += dot(x[c * KV_VEC4 + j], k[j]);
#ifdef TYPE_Q8_0
                sum *= scale[i];
#endif
                score[c * SPAN + i] += sum;
            }
        }
    }
}

// One team: raise the lane's own `best`; its scores -> weights.
void weigh_lane(uint chunk)
{
    [[unroll]] for (uint c = 0u; c < COLS; c++) {
        float now = lane_best[c];
        [[unroll]] for (uint i = 0u; i < SPAN; i++) {
            const bool seen = sees(token[c], chunk + lane() + i * LANES);
            const float s = seen ? finish_score(score[c * SPAN + i]) : LOWEST;
            score[c * SPAN + i] = s;
            now = max(now, s);
        }
        lane_keep[c] = exp_f32(lane_best[c] - now);
        float sum = lane_total[c] * lane_keep[c];
        [[unroll]] for (uint i = 0u; i < SPAN; i++) {
            const float s = score[c * SPAN + i];
            const float w = s > LOWEST ? exp_f32(s - now) : 0.0;
            weight[c * CHUNK + lane() + i * LANES] = w;
            sum += w;
        }
        lane_best[c] = now;
        lane_total[c] = sum;
    }
}

// More teams: the same with everybody's scores, each column in PARTS parts.
void weigh_chunk(uint chunk)
{
    [[unroll]] for (uint c = 0u; c < COLS; c++)
        [[unroll]] for (uint i = 0u; i < SPAN; i++)
            weight[c * CHUNK + lane() + i * LANES] = score[c * SPAN + i];
    barrier();
    for (uint i = lane(); i < COLS * PARTS; i += LANES) {
        const uint c = i / PARTS, part = i % PARTS, t = token_of(c);
        float most = LOWEST;
        for (uint at = part; at < CHUNK; at += PARTS) {
            const float s =
                sees(t, chunk + at) ? finish_score(weight[c * CHUNK + at]) : LOWEST;
            weight[c * CHUNK + at] = s;
            most = max(most, s);
        }
        top[c][part] = most;
    }
    barrier();
    for (uint i = lane(); i < COLS * PARTS; i += LANES) {
        const uint c = i / PARTS, part = i % PARTS;
        float now = best[c][part];
        for (uint j = 0u; j < PARTS; j++)
            now = max(now, top[c][j]);
        const float scale = exp_f32(best[c][part] - now);
        float sum = total[c][part] * scale;
        for (uint at = part; at < CHUNK; at += PARTS) {
            const float s = weight[c * CHUNK + at];
            const float w = s > LOWEST ? exp_f32(s - now) : 0.0;
            weight[c * CHUNK + at] = w;
            sum += w;
        }
        best[c][part] = now;
        total[c][part] = sum;
        if (part == 0u)
            keep[c] = scale; // the same in all parts
    }
    barrier();
}

// acc += the weights value_weight[… + j] times slot s of the value at `at`.
void add_slot(uint i, uint s, uint at, uint j)
{
    vec4 v[KV_VEC4];
    kv_decode(FETCH(v_cache, at + KV_TILE * s), v);
#ifdef TYPE_Q8_0
    const float scale =
        kv_scale(FETCH(v_cache, at + KV_TILE * (kv_dim_slots(p.v_dims) + s / 8u)), s);
#else
    const float scale = 1.0;
#endif
    [[unroll]] for (uint c = 0u; c < COLS; c++) {
        const bool seen = value_weight[c * TURN + j] != 0.0; // 0 * NaN would not do
        const float ws = value_weight[c * TURN + j] * scale;
        [[unroll]] for (uint d = 0u; d < KV_DIMS; d++)
            acc[(c * SLOTS + i) * KV_DIMS + d] += seen ? ws * v[d / 4u][d % 4u] : 0.0;
    }
}

// acc = acc * keep + weights of the chunk times its values, positions chunk … end - 1.
void add_values(uint chunk, uint end)
{
    [[unroll]] for (uint c = 0u; c < COLS; c++) {
        const float scale = TEAMS == 1u ? lane_keep[c] : keep[c];
        [[unroll]] for (uint i = 0u; i < SLOTS; i++)
            [[unroll]] for (uint d = 0u; d < KV_DIMS; d++)
                acc[(c * SLOTS + i) * KV_DIMS + d] *= scale;
    }
    const uint team = lane() / 8u, n_slot = kv_dim_slots(p.head_dim_v);
    for (uint from = chunk; from < end; from += 8u * TURN) {
        uint at[TURN];
        [[unroll]] for (uint j = 0u; j < TURN; j++) {
            const uint pos = min(from + j * 8u + lane() % 8u, p.n_ctx - 1u);
            at[j] = kv_first_slot(kv_head, pos, p.n_ctx, kv_slots(p.v_dims));
            [[unroll]] for (uint c = 0u; c < COLS; c++)
                value_weight[c * TURN + j] =
                    weight[c * CHUNK + from - chunk + j * 8u + lane() % 8u];
        }
        [[unroll]] for (uint i = 0u; i < SLOTS; i++)
            [[unroll]] for (uint j = 0u; j < TURN; j++)
                add_slot(i, min(team + i * TEAMS, n_slot - 1u), at[j], j);
    }
    if (TEAMS > 1u)
        barrier(); // the next chunk's scores go where the weights were
}

// Which heads and tokens this workgroup has, and sums of nothing. A sink is in share 0.
void start()
{
    const uint group = p.n_head / p.n_head_kv;
    const uint n_share = (group + HEADS - 1u) / HEADS;
    const uint from = gl_WorkGroupID.x % n_share * HEADS;
    kv_head = gl_WorkGroupID.x / n_share;
    first_head = kv_head * group + from;
    n_head = min(HEADS, group - from);
    const bool sink = HAS_SINKS && gl_WorkGroupID.z == 0u;
    [[unroll]] for (uint c = 0u; c < COLS; c++) {
        token[c] = token_of(c);
        lane_best[c] = sink ? sinks[head_of(c)] : LOWEST;
        lane_total[c] = sink && lane() == 0u ? 1.0 : 0.0;
        [[unroll]] for (uint i = 0u; i < SLOTS; i++)
            [[unroll]] for (uint d = 0u; d < KV_DIMS; d++)
                acc[(c * SLOTS + i) * KV_DIMS + d] = 0.0;
    }
    if (TEAMS > 1u)
        for (uint i = lane(); i < COLS * PARTS; i += LANES) {
            best[i / PARTS][i % PARTS] = sink ? sinks[head_of(i / PARTS)] : LOWEST;
            total[i / PARTS][i % PARTS] = sink && i % PARTS == 0u ? 1.0 : 0.0;
        }
}

// Where dim 0 of a column goes, and what its sums are multiplied by.
uint place_of(uint c)
{
    const uint t = token_of(c), h = head_of(c);
    if (SPLITS > 1u)
        return ((t * p.n_head + h) * SPLITS + gl_WorkGroupID.z) * (p.head_dim_v + 4u);
    return t * p.y_stride + h * p.head_dim_v;
}

void store_split(uint c, float most, float sum)
{
    if (SPLITS > 1u && lane() == 0u) {
        y[place_of(c) + p.head_dim_v] = most;
        y[place_of(c) + p.head_dim_v + 1u] = sum;
    }
}

bool is_mine(uint c)
{
    return c % HEADS < n_head && first_token() + c / HEADS < run.n_token;
}

float total_of(uint c)
{
    float sum = 0.0;
    for (uint j = 0u; j < PARTS; j++)
        sum += total[c][j];
    return sum;
}

// A loop that is unrolled holds no loop that is not: compilers would keep both, and all
// sums in memory.
#ifdef FETCH_TEXEL

// One team: bring all lanes to a common `best`.
void level_lanes()
{
    [[unroll]] for (uint c = 0u; c < COLS; c++) {
        const float now = subgroupMax(lane_best[c]);
        const float scale = exp_f32(lane_best[c] - now);
        lane_total[c] = subgroupAdd(lane_total[c] * scale);
        lane_best[c] = now;
        [[unroll]] for (uint i = 0u; i < SLOTS; i++)
            [[unroll]] for (uint d = 0u; d < KV_DIMS; d++)
                acc[(c * SLOTS + i) * KV_DIMS + d] *= scale;
    }
}

void finish()
{
    for (uint c = 0u; c < COLS; c++) {
        float sums[SLOTS * KV_DIMS], sum = lane_total[0], most = lane_best[0];
        [[unroll]] for (uint other = 0u; other < COLS; other++) {
            if (other != 0u && other != c)
                continue;
            sum = lane_total[other];
            most = lane_best[other];
            [[unroll]] for (uint i = 0u; i < SLOTS; i++)
                [[unroll]] for (uint d = 0u; d < KV_DIMS; d++)
                    sums[i * KV_DIMS + d] = acc[(other * SLOTS + i) * KV_DIMS + d];
        }
        if (TEAMS > 1u) {
            sum = total_of(c);
            most = best[c][0];
        }
        const uint to = place_of(c);
        const float factor = SPLITS > 1u ? 1.0 : 1.0 / sum;
        for (uint i = 0u; i < SLOTS * KV_DIMS / 4u; i++) {
            float mine = 0.0; // lane j of the team has dim j of these four
            [[unroll]] for (uint j = 0u; j < 4u; j++) {
                const float all = subgroupAdd(sums[4u * i + j]);
                mine = lane() % 8u == j ? all : mine;
            }
            const uint slot = lane() / 8u + i / KV_VEC4 * TEAMS;
            const uint d = slot * KV_DIMS + i % KV_VEC4 * 4u + lane() % 8u;
            if (is_mine(c) && lane() % 8u < 4u && d < p.head_dim_v)
                y[to + d] = mine * factor;
        }
        if (is_mine(c))
            store_split(c, most, sum);
    }
}

#else

// One team: bring all lanes to a common `best`, so that the end is as with more teams.
void level_lanes()
{
    [[unroll]] for (uint c = 0u; c < COLS; c++)
        best[c][lane()] = lane_best[c];
    barrier();
    [[unroll]] for (uint c = 0u; c < COLS; c++) {
        float now = LOWEST;
        [[unroll]] for (uint j = 0u; j < PARTS; j++)
            now = max(now, best[c][j]);
        const float scale = exp_f32(lane_best[c] - now);
        total[c][lane()] = lane_total[c] * scale;
        lane_best[c] = now;
        [[unroll]] for (uint i = 0u; i < SLOTS; i++)
            [[unroll]] for (uint d = 0u; d < KV_DIMS; d++)
                acc[(c * SLOTS + i) * KV_DIMS + d] *= scale;
    }
    barrier();
    [[unroll]] for (uint c = 0u; c < COLS; c++)
        best[c][lane()] = lane_best[c];
    barrier();
}

// What eight lanes of a team left in the pool, added up -> y: slots [from, from + n) of
// each lane are there, [lane][n][KV_DIMS].
void store_slots(uint c, uint from, uint n)
{
    const uint to = place_of(c);
    const float sum = total_of(c);
    const float factor = SPLITS > 1u ? 1.0 : 1.0 / sum;
    for (uint i = lane(); i < TEAMS * n * KV_DIMS; i += LANES) {
        const uint team = i / (n * KV_DIMS), rest = i % (n * KV_DIMS);
        const uint d = (team + (from + rest / KV_DIMS) * TEAMS) * KV_DIMS + rest % KV_DIMS;
        float value = 0.0;
        for (uint j = 0u; j < 8u; j++)
            value += weight[(team * 8u + j) * n * KV_DIMS + rest];
        if (d < p.head_dim_v)
            y[to + d] = value * factor;
    }
    if (from == 0u)
        store_split(c, best[c][0], sum);
}

void finish()
{
    for (uint c = 0u; c < COLS; c++) {
        float sums[SLOTS * KV_DIMS];
        [[unroll]] for (uint other = 0u; other < COLS; other++)
            [[unroll]] for (uint i = 0u; i < SLOTS; i++)
                [[unroll]] for (uint d = 0u; d < KV_DIMS; d++)
                    if (other == 0u || other == c)
                        sums[i * KV_DIMS + d] = acc[(other * SLOTS + i) * KV_DIMS + d];
        for (uint from = 0u; from < SLOTS; from += TOGETHER) {
            const uint n = min(SLOTS - from, TOGETHER), first = lane() * n * KV_DIMS;
            [[unroll]] for (uint i = 0u; i < SLOTS; i++)
                if (i >= from && i < from + n)
                    [[unroll]] for (uint d = 0u; d < KV_DIMS; d++)
                        weight[first + (i - from) * KV_DIMS + d] = sums[i * KV_DIMS + d];
            barrier();
            if (is_mine(c))
                store_slots(c, from, n);
            barrier();
        }
    }
}

#endif

void main()
{
    if (first_token() >= run.n_token)
        return;
    start();

    uint begin = begin_of(token[0]) & ~(KV_TILE - 1u), end = end_of(token[COLS - 1u]);
    if (SPLITS > 1u) {
        const uint share = (end - begin + SPLITS * CHUNK - 1u) / (SPLITS * CHUNK) * CHUNK;
        begin += gl_WorkGroupID.z * share;
        end = min(end, begin + share);
    }
    for (uint chunk = begin; chunk < end; chunk += CHUNK) {
        score_chunk(chunk);
        if (TEAMS == 1u)
            weigh_lane(chunk);
        else
            weigh_chunk(chunk);
        add_values(chunk, min(chunk + CHUNK, end));
    }
    if (TEAMS == 1u)
        level_lanes();
    finish();
}
