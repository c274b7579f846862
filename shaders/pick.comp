#version 450
// pick: the PICK_MOST best of n values, best first; of equal ones the smaller id is
// better. Meaning on the CPU: ref_pick().
//
//   binding 0  x  u32 [n]: f32 values, their ids are 0 … n-1     read
//                 or, JOIN: uvec2 [n] pairs as in y
//   binding 1  y  uvec2 [PICK_MOST][n_group] {bits of a value, id}  write
//
// Workgroup g does values [g, g + 1) * lanes * PER_LANE and writes column g of y; slots
// that stay empty have the id PICK_NONE. Further dispatches join the columns, until there
// is one. A value that is infinite or no number is best of all and comes out as NaN, so
// that nobody can miss it; -infinity is a value like others.
//
// In three steps. Each lane finds its best value; the PICK_MOST-th best of those is no
// better than what is looked for: whatever is worse is out. What is left, about as many
// values as there are lanes, goes to shared memory, where every value counts those better
// than itself: its place in y. At most PICK_MOST lanes have a value that is left, so
// there is always room. Columns of y are best first and side by side, which spreads the
// best over the lanes that join them.
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require

#include "common/params.h"

layout(local_size_x_id = 0) in; // PICK_MOST or more
layout(constant_id = 1) const uint PER_LANE = 8; // a multiple of AT_ONCE
layout(constant_id = 2) const bool JOIN = false;
layout(push_constant) uniform Push { pick_params p; };

layout(std430, binding = 0) readonly buffer X { uint x[]; };
layout(std430, binding = 1) writeonly buffer Y { uvec2 y[]; };

// A key per lane and its id; then of the values that are left.
shared uint lane_key[128], lane_id[128];
shared uint left_key[PICK_MOST * PER_LANE], left_id[PICK_MOST * PER_LANE];
shared uint least_key, least_id, n_left;

const uint NO_KEY = 0u; // worse than any value's
const uint AT_ONCE = 4u; // loads that wait for memory together

// Keys are ordered as the values are; both zeros have the same.
uint key_of(uint bits)
{
    if ((bits & 0x7fffffffu) >= 0x7f800000u && bits != 0xff800000u)
        return 0xffffffffu;
    if (bits == 0x80000000u)
        bits = 0u;
    return (bits & 0x80000000u) != 0u ? ~bits : bits | 0x80000000u;
}

uint bits_of(uint key)
{
    return (key & 0x80000000u) != 0u ? key & 0x7fffffffu : ~key;
}

// Value i of this dispatch as {key, id}.
uvec2 load(uint i)
{
    if (i >= p.n)
        return uvec2(NO_KEY, PICK_NONE);
    if (!JOIN)
        return uvec2(key_of(x[i]), i);
    const uint id = x[2u * i + 1u];
    return uvec2(id == PICK_NONE ? NO_KEY : key_of(x[2u * i]), id);
}

bool better(uint key, uint id, uint than_key, uint than_id)
{
    return key > than_key || (key == than_key && id < than_id);
}

// The best value of every lane; the one that PICK_MOST - 1 others beat is the least.
void find_least(uint first)
{
    const uint lane = gl_LocalInvocationIndex;
    uvec2 best = uvec2(NO_KEY, PICK_NONE);
    for (uint k = 0u; k < PER_LANE; k += AT_ONCE) {
        uvec2 v[AT_ONCE];
        [[unroll]] for (uint j = 0u; j < AT_ONCE; j++)
            v[j] = load(first + (k + j) * gl_WorkGroupSize.x);
        [[unroll]] for (uint j = 0u; j < AT_ONCE; j++)
            if (better(v[j].x, v[j].y, best.x, best.y))
                best = v[j];
    }
    lane_key[lane] = best.x;
    lane_id[lane] = best.y;
    barrier();

    uint place = 0u; // lanes without a value are equal: the smaller lane is better
    for (uint other = 0u; other < gl_WorkGroupSize.x; other++) {
        const uint key = lane_key[other], id = lane_id[other];
        if (better(key, id, best.x, best.y) ||
            (key == best.x && id == best.y && other < lane))
            place++;
    }
    if (place == PICK_MOST - 1u) {
        least_key = best.x;
        least_id = best.y;
    }
    if (lane == 0u)
        n_left = 0u;
    barrier();
}

void main()
{
    const uint lane = gl_LocalInvocationIndex;
    const uint first = gl_WorkGroupID.x * gl_WorkGroupSize.x * PER_LANE + lane;
    find_least(first);

    for (uint k = 0u; k < PER_LANE; k += AT_ONCE) {
        uvec2 v[AT_ONCE];
        [[unroll]] for (uint j = 0u; j < AT_ONCE; j++)
            v[j] = load(first + (k + j) * gl_WorkGroupSize.x);
        [[unroll]] for (uint j = 0u; j < AT_ONCE; j++) {
            if (v[j].x == NO_KEY || better(least_key, least_id, v[j].x, v[j].y))
                continue;
            const uint at = atomicAdd(n_left, 1u);
            left_key[at] = v[j].x;
            left_id[at] = v[j].y;
        }
    }
    barrier();

    const uint n = n_left, column = gl_WorkGroupID.x, n_column = gl_NumWorkGroups.x;
    for (uint i = lane; i < n; i += gl_WorkGroupSize.x) {
        uint place = 0u;
        for (uint other = 0u; other < n; other++)
            place += better(left_key[other], left_id[other], left_key[i], left_id[i])
                         ? 1u
                         : 0u;
        if (place < PICK_MOST)
            y[place * n_column + column] = uvec2(bits_of(left_key[i]), left_id[i]);
    }
    for (uint place = n + lane; place < PICK_MOST; place += gl_WorkGroupSize.x)
        y[place * n_column + column] = uvec2(0xff800000u, PICK_NONE);
}
