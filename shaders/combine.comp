#version 450
// combine: y[t][i] += (= with EXPERTS_SET) the sum over slots k, in order, of
// w[t][k] * x[t * n_used + k][i]
// HOW: COMBINE_STRONGEST takes the largest of the x instead, COMBINE_HEAVIEST the x of
// the largest w; slots without an expert have no part, without any the result is 0.
// Meaning on the CPU: ref_combine().
//
//   binding 0  x  f32 [n_token * n_used][x_stride]  read
//   binding 1  w  f32 [n_token][n_used]             read
//   binding 2  y  f32 [n_token][y_stride]           read, write
//   binding 3  ids  u32 [n_token][n_used]           read, but for COMBINE_SUM of rows by
//              slot; with COMBINE_BY_EXPERT x is [n_token * n_slot][x_stride]
//
// Workgroup (g, t) does values g * 4 * PER_LANE * lanes … of token t, four at a time.
// Reads may pass the end of a row's values, within its stride.
#extension GL_GOOGLE_include_directive : require

#include "common/params.h"

layout(local_size_x_id = 0) in;
layout(constant_id = 1) const uint PER_LANE = 2;
layout(constant_id = 2) const uint HOW = COMBINE_SUM;
layout(constant_id = 3) const uint ROWS = COMBINE_BY_SLOT;
layout(push_constant) uniform Push { combine_params p; };

layout(std430, binding = 0) readonly buffer X { vec4 x[]; };
layout(std430, binding = 1) readonly buffer W { float w[]; };
layout(std430, binding = 2) buffer Y { vec4 y[]; };
layout(std430, binding = 3) readonly buffer Ids { uint ids[]; };

// First vec4 of column i in the row of a slot that has an expert.
uint x_at(uint t, uint k, uint i)
{
    const uint row = ROWS == COMBINE_BY_EXPERT ? t * p.n_slot + ids[t * p.n_used + k]
                                               : t * p.n_used + k;
    return (row * p.x_stride + i) / 4u;
}

vec4 strongest(uint t, uint i)
{
    vec4 best = vec4(0.0);
    bool any = false;
    for (uint k = 0u; k < p.n_used; k++) {
        if (ids[t * p.n_used + k] == ROUTER_NO_EXPERT)
            continue;
        const vec4 v = x[x_at(t, k, i)];
        best = any ? max(best, v) : v;
        any = true;
    }
    return best;
}

vec4 heaviest(uint t, uint i)
{
    uint best = p.n_used;
    for (uint k = 0u; k < p.n_used; k++) {
        if (ids[t * p.n_used + k] == ROUTER_NO_EXPERT)
            continue;
        if (best == p.n_used || w[t * p.n_used + k] > w[t * p.n_used + best])
            best = k;
    }
    return best < p.n_used ? x[x_at(t, best, i)] : vec4(0.0);
}

void main()
{
    const uint t = gl_WorkGroupID.y;
    const uint step4 = 4u * gl_WorkGroupSize.x;
    const uint first = gl_WorkGroupID.x * step4 * PER_LANE;
    const uint end = min(first + step4 * PER_LANE, p.n);

    for (uint i = first + 4u * gl_LocalInvocationIndex; i < end; i += step4) {
        vec4 sum = vec4(0.0);
        for (uint k = 0u; HOW == COMBINE_SUM && k < p.n_used; k++) {
            const uint pair = t * p.n_used + k;
            // A slot without an expert has weight 0; its row is stale, maybe NaN.
            if (w[pair] != 0.0)
                sum += w[pair] * x[x_at(t, k, i)];
        }
        if (HOW == COMBINE_STRONGEST)
            sum = strongest(t, i);
        else if (HOW == COMBINE_HEAVIEST)
            sum = heaviest(t, i);
        const uint to = (t * p.y_stride + i) / 4u;
        if ((p.flags & EXPERTS_SET) == 0u)
            sum += y[to];
        if (i + 4u <= p.n)
            y[to] = sum;
        else
            for (uint c = 0u; i + c < p.n; c++)
                y[to][c] = sum[c];
    }
}
