#version 450
// group: sort the pairs (token * n_used + slot) by expert, for the grouped matmuls.
// Within an expert they stand by rising pair number: what is added to what never
// depends on the order of events. Slots with ROUTER_NO_EXPERT are left out.
//
//   binding 0  step_params
//   binding 1  ids    u32 [n_token][n_used]                                read
//   binding 2  pairs  u32 [n_token * n_used], by expert                    write
//   binding 3  tiles  {expert, first index in pairs, count, 0}             write
//   binding 4  args   {row_groups[i], number of tiles, 1, 0}, n_arg times  write
//
// One workgroup. Shared memory: a word per expert, a few per lane.
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require

#include "common/params.h"

layout(local_size_x_id = 0) in;
layout(constant_id = 1) const uint EXPERTS = 1; // n_expert
layout(push_constant) uniform Push { group_params p; };

layout(std140, binding = 0) uniform Step { step_params run; };
layout(std430, binding = 1) readonly buffer Ids { uint ids[]; };
layout(std430, binding = 2) writeonly buffer Pairs { uint pairs[]; };
layout(std430, binding = 3) writeonly buffer Tiles { uvec4 tiles[]; };
layout(std430, binding = 4) writeonly buffer Args { uvec4 args[]; };

const uint NONE = 0xffffffffu;

shared uint next[EXPERTS];   // pairs of the expert; then where its next one goes
shared uvec2 before[128];    // pairs and tiles of one lane's experts
shared uvec4 around[128];    // experts of the pairs in hand, four per lane

// The expert of a pair, NONE for a slot without one; a bad id must not leave the arrays.
uint expert_of(uint pair, uint n_pair)
{
    if (pair >= n_pair || ids[pair] == ROUTER_NO_EXPERT)
        return NONE;
    return min(ids[pair], p.n_expert - 1u);
}

// Sums do not depend on the order of the atomics.
void count_pairs(uint n_pair)
{
    const uint lane = gl_LocalInvocationIndex;
    for (uint e = lane; e < p.n_expert; e += gl_WorkGroupSize.x)
        next[e] = 0u;
    barrier();
    for (uint i = lane; i < n_pair; i += gl_WorkGroupSize.x) {
        const uint e = expert_of(i, n_pair);
        if (e != NONE)
            atomicAdd(next[e], 1u);
    }
    barrier();
}

uint n_tile_of(uint n)
{
    return (n + p.tile - 1u) / p.tile;
}

// Tiles of n pairs of an expert, which start at pairs[from].
void write_tiles(uint to, uint expert, uint from, uint n)
{
    for (uint i = 0u; i < n_tile_of(n); i++)
        tiles[to + i] = uvec4(expert, from + i * p.tile, min(p.tile, n - i * p.tile), 0u);
}

// Each lane does a run of experts: where its pairs and tiles begin is the sum over
// the lanes below.
void place_experts()
{
    const uint lane = gl_LocalInvocationIndex;
    const uint per_lane = (p.n_expert + gl_WorkGroupSize.x - 1u) / gl_WorkGroupSize.x;
    const uint first = min(lane * per_lane, p.n_expert);
    const uint end = min(first + per_lane, p.n_expert);

    uvec2 sum = uvec2(0u);
    for (uint e = first; e < end; e++)
        sum += uvec2(next[e], n_tile_of(next[e]));
    before[lane] = sum;
    barrier();

    uvec2 at = uvec2(0u);
    for (uint i = 0u; i < lane; i++)
        at += before[i];
    if (lane == gl_WorkGroupSize.x - 1u) {
        const uint row_groups[4] = {p.row_groups0, p.row_groups1, p.row_groups2,
                                    p.row_groups3};
        for (uint i = 0u; i < p.n_arg; i++)
            args[i] = uvec4(row_groups[i], at.y + sum.y, 1u, 0u);
    }
    for (uint e = first; e < end; e++) {
        const uint n = next[e];
        write_tiles(at.y, e, at.x, n);
        next[e] = at.x;
        at += uvec2(n, n_tile_of(n));
    }
    barrier();
}

// Four pairs per lane at a time. Within them a pair stands behind those of the same
// expert in lower lanes, which are counted, and in its own.
void place_pairs(uint n_pair)
{
    const uint lane = gl_LocalInvocationIndex;
    for (uint from = 0u; from < n_pair; from += 4u * gl_WorkGroupSize.x) {
        const uint pair = from + 4u * lane;
        const uvec4 mine = uvec4(expert_of(pair, n_pair), expert_of(pair + 1u, n_pair),
                                 expert_of(pair + 2u, n_pair),
                                 expert_of(pair + 3u, n_pair));
        around[lane] = mine;
        barrier();

        uvec4 at = uvec4(0u, uint(mine.x == mine.y),
                         uint(mine.x == mine.z) + uint(mine.y == mine.z),
                         uint(mine.x == mine.w) + uint(mine.y == mine.w) +
                             uint(mine.z == mine.w));
        for (uint i = 0u; i < lane; i++) {
            const uvec4 other = around[i];
            [[unroll]] for (uint j = 0u; j < 4u; j++)
                at += uvec4(equal(uvec4(other[j]), mine));
        }
        [[unroll]] for (uint j = 0u; j < 4u; j++)
            if (mine[j] != NONE)
                pairs[next[mine[j]] + at[j]] = pair + j;
        barrier();

        [[unroll]] for (uint j = 0u; j < 4u; j++)
            if (mine[j] != NONE)
                atomicAdd(next[mine[j]], 1u);
    }
}

void main()
{
    const uint n_pair = run.n_token * p.n_used;
    count_pairs(n_pair);
    place_experts();
    place_pairs(n_pair);
}
