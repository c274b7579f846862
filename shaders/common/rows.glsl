// rows.glsl - the loop of every matmul: a lane has NR rows of weights and NT rows of
// activations in registers, and sums their products over the columns.
//
// Lanes of a workgroup: row of the tile = lane % 8; KS lanes share a row and take every
// KS-th superblock of it, or every KS-th block, see rows_split.glsl; what remains of the
// lane number counts tiles. Eight lanes read 128 contiguous bytes at a time. No shared
// memory but for sums when KS > 1, and no subgroup operation but this: where texels are
// fetched, the four lanes of a quad, which are of one tile and one split, need the same
// activations and fetch them for each other. So all lanes of a tile must call add_products(), see
// in_rows().
// Binding 0 is the weights, binding 1 the activations, each row at a multiple of 4 floats;
// with -DACT_I8 rows of bytes, see rows_i8.glsl, with -DACT_I16 of integers of 16 bits, see
// rows_i16.glsl.

#ifndef ROWS_GLSL
#define ROWS_GLSL

#include "common/params.h"

#ifdef FETCH_TEXEL
#extension GL_KHR_shader_subgroup_quad : require
#endif

// Compilers for CPUs make two instructions, a shift and a mask, of what takes a byte out
// of a word; so there it stays in its place, and the activations are scaled for it.
#if defined(FETCH_TEXEL) && !defined(ACT_I16)
#define W_IN_PLACE 1
#endif
#include "common/weights.glsl"

layout(local_size_x_id = 0) in;
layout(constant_id = 0) const uint LOCAL = 64;
layout(constant_id = 1) const uint NR = 4; // rows of weights per lane
layout(constant_id = 2) const uint NT = 1; // rows of activations per lane
layout(constant_id = 3) const uint KS = 1; // lanes that share a row: 1 or 8

uint row_at[NR];    // slot 0 of each row of weights
uint x_at[NT];      // first vec4 (slot) of each row of activations
float acc[NR * NT]; // acc[r * NT + t]

shared float part[KS > 1 ? LOCAL * NR * NT : 1];

uint lane_split()
{
    return gl_LocalInvocationIndex / TILE_ROWS % KS;
}

// From a row of a lane to its next: tiles go to the eights of lanes in turn. CPUs work off
// one eight after the other; each continues in memory where the one before it ended, which
// caches foresee.
const uint ROW_STEP = LOCAL / KS;

// The lane's first row when each has `per_lane` of them, ROW_STEP apart.
uint first_row(uint per_lane)
{
    const uint tile = gl_LocalInvocationIndex / (TILE_ROWS * KS);
    return gl_WorkGroupID.x * (ROW_STEP * per_lane) + tile * TILE_ROWS +
           gl_LocalInvocationIndex % TILE_ROWS;
}

// The lane's NR rows of the matrix at slot w0; those past its end repeat the last.
void set_rows(uint w0, uint row0, uint n_row, uint n_sb)
{
    [[unroll]] for (uint r = 0; r < NR; r++)
        row_at[r] = w0 + w_row(min(row0 + r * ROW_STEP, n_row - 1), n_sb);
}

// Has the lane's tile rows that there are? Lanes past them repeat the last.
bool in_rows(uint row0, uint n_row)
{
    return row0 - gl_LocalInvocationIndex % TILE_ROWS < n_row;
}

void clear_acc()
{
    [[unroll]] for (uint i = 0; i < NR * NT; i++)
        acc[i] = 0.0;
}

#ifdef ACT_I16
#include "common/rows_i16.glsl"
#elif defined(ACT_I8)
#include "common/rows_i8.glsl"
#else

#ifdef FETCH_TEXEL
layout(set = 0, binding = 1) uniform samplerBuffer x_vec4;
#define X4(i) texelFetch(x_vec4, int(i))
#else
layout(std430, set = 0, binding = 1) readonly buffer Xs { vec4 x_vec4[]; };
#define X4(i) x_vec4[i]
#endif

// The block of activations at vec4 `at`.
void x_fetch(uint at, out vec4 x[BLOCK_VEC4])
{
#ifdef FETCH_TEXEL
    const uint lane = gl_SubgroupInvocationID & 3u;
    [[unroll]] for (uint i = 0; i < BLOCK_VEC4; i += 4) {
        const vec4 mine = X4(at + i + lane);
        x[i] = subgroupQuadBroadcast(mine, 0);
        x[i + 1] = subgroupQuadBroadcast(mine, 1);
        x[i + 2] = subgroupQuadBroadcast(mine, 2);
        x[i + 3] = subgroupQuadBroadcast(mine, 3);
    }
#else
    [[unroll]] for (uint i = 0; i < BLOCK_VEC4; i++)
        x[i] = X4(at + i);
#endif
}

// vec4 i of an activation row for codes of w_decode().
vec4 x_for_codes(vec4 x)
{
#if W_IN_PLACE && W_BYTES
    return x * vec4(1.0, 1.0 / 256.0, 1.0 / 65536.0, 1.0 / 16777216.0);
#else
    return x;
#endif
}

float add4(vec4 v)
{
    return (v.x + v.y) + (v.z + v.w);
}

#define ZERO_BY_SUM (W_IN_PLACE && W_ZERO)

// Sums of a block of activations, where the type has a use for them: of its halves, or .x
// of all.
vec2 sums_of(vec4 x[BLOCK_VEC4])
{
#if W_HALVES && (W_MIN || ZERO_BY_SUM)
    return vec2(add4((x[0] + x[1]) + (x[2] + x[3])), add4((x[4] + x[5]) + (x[6] + x[7])));
#elif W_MIN || ZERO_BY_SUM
    return vec2(add4(((x[0] + x[1]) + (x[2] + x[3])) + ((x[4] + x[5]) + (x[6] + x[7]))));
#else
    return vec2(0.0);
#endif
}

// A block of weights times a block of activations.
float product_of(W_SCALE scale, vec4 w[BLOCK_VEC4], vec4 x[BLOCK_VEC4], vec2 x_sum)
{
    vec4 s = w[0] * x[0];
#if W_HALVES
    vec4 s1 = w[4] * x[4];
    [[unroll]] for (uint i = 1; i < BLOCK_VEC4 / 2; i++) {
        s = fma(w[i], x[i], s);
        s1 = fma(w[i + 4], x[i + 4], s1);
    }
#if ZERO_BY_SUM
    return dot(scale, vec2(add4(s), add4(s1)) - float(W_ZERO) * x_sum);
#else
    float sum = scale.x * add4(s) + scale.y * add4(s1);
#if W_MIN
    sum += dot(scale.zw, x_sum);
#endif
    return sum;
#endif
#else
    [[unroll]] for (uint i = 1; i < BLOCK_VEC4; i++)
        s = fma(w[i], x[i], s);
#if W_MIN
    return scale.x * add4(s) + scale.y * x_sum.x;
#elif ZERO_BY_SUM
    return scale * (add4(s) - float(W_ZERO) * x_sum.x);
#else
    return scale * add4(s);
#endif
#endif
}

#ifndef FETCH_TEXEL
// Do the lanes that share rows of weights share their blocks? Others, superblocks.
layout(constant_id = 6) const uint SUMS = 64; // room for sums of blocks
const bool SPLIT = KS == SPLIT_LANES && NT == 1 && SB_BLOCKS == SPLIT_LANES;
#include "common/rows_split.glsl"
#endif

// acc += row_at . x_at over the superblocks of this lane. What there is less of, rows or
// tokens, is held in registers, the other goes by one at a time.
void add_products(uint n_sb, uint n_block)
{
#ifdef ROWS_SPLIT_GLSL
    if (SPLIT) {
        split_products(n_block);
        return;
    }
#endif
    for (uint sb = lane_split(); sb < n_sb; sb += KS) {
        const uint w_sb = sb * (SB_SLOTS * TILE_ROWS);
        W_HEAD head[NR];
        [[unroll]] for (uint r = 0; r < NR; r++)
            head[r] = w_head(row_at[r] + w_sb);

        const uint n_here = SB_BLOCKS == 1 ? 1 : min(SB_BLOCKS, n_block - sb * SB_BLOCKS);
        for (uint b = 0; b < n_here; b++) {
            const uint x_block = (sb * SB_BLOCKS + b) * BLOCK_VEC4;
            if (NT < NR || (W_IN_PLACE != 0 && NT == NR)) {
                vec4 x[NT][BLOCK_VEC4];
                vec2 x_sum[NT];
                [[unroll]] for (uint t = 0; t < NT; t++) {
                    x_fetch(x_at[t] + x_block, x[t]);
                    x_sum[t] = sums_of(x[t]);
                    [[unroll]] for (uint i = 0; i < BLOCK_VEC4; i++)
                        x[t][i] = x_for_codes(x[t][i]);
                }
                uvec4 raw[NR][W_RAW];
                [[unroll]] for (uint r = 0; r < NR; r++)
                    w_fetch(row_at[r] + w_sb, b, raw[r]);
                [[unroll]] for (uint r = 0; r < NR; r++) {
                    vec4 w[BLOCK_VEC4];
                    const W_SCALE scale = w_decode(raw[r], b, head[r], w);
                    [[unroll]] for (uint t = 0; t < NT; t++)
                        acc[r * NT + t] += product_of(scale, w, x[t], x_sum[t]);
                }
            } else {
                vec4 w[NR][BLOCK_VEC4];
                W_SCALE scale[NR];
                [[unroll]] for (uint r = 0; r < NR; r++)
                    scale[r] = w_block(row_at[r] + w_sb, b, head[r], w[r]);
                [[unroll]] for (uint t = 0; t < NT; t++) {
                    vec4 x[BLOCK_VEC4];
                    x_fetch(x_at[t] + x_block, x);
                    const vec2 x_sum = sums_of(x);
                    [[unroll]] for (uint i = 0; i < BLOCK_VEC4; i++)
                        x[i] = x_for_codes(x[i]);
                    [[unroll]] for (uint r = 0; r < NR; r++)
                        acc[r * NT + t] += product_of(scale[r], w[r], x, x_sum);
                }
            }
        }
    }
}

#endif

// Comes before add_products() wherever that may be split, by every lane of the workgroup.
void sum_x(uint n_block)
{
#ifdef ROWS_SPLIT_GLSL
    if (SPLIT)
        split_sums(n_block);
#endif
}

// From an offset of activations in the host's unit to one in x_at's.
uint x_units(uint stride)
{
#if defined(ACT_I8) || defined(ACT_I16)
    return stride;
#else
    return stride / 4;
#endif
}

// Lanes of split 0 get the sums of the lanes that share their rows, always added in
// the same order. Every lane of the workgroup must come here.
void add_splits()
{
    if (KS == 1)
        return;
    const uint lane = gl_LocalInvocationIndex;
    [[unroll]] for (uint i = 0; i < NR * NT; i++)
        part[i * LOCAL + lane] = acc[i];
    barrier();
    if (lane_split() != 0)
        return;
    [[unroll]] for (uint i = 0; i < NR * NT; i++)
        for (uint k = 1; k < KS; k++)
            acc[i] += part[i * LOCAL + lane + k * TILE_ROWS];
}

#endif
