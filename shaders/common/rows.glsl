// rows.glsl - the loop of every matmul: a lane has NR rows of weights and NT rows of
// activations in registers, and sums their products over the columns.
//
// Lanes of a workgroup: row of the tile = lane % 8; KS lanes share a row and take every
// KS-th superblock of it; what remains of the lane number counts tiles. Eight lanes
// read 128 contiguous bytes at a time. No subgroup operation, and no shared memory but
// for one sum at the end when KS > 1.
// Binding 0 is the weights, binding 1 the activations, each row at a multiple of 4 floats;
// with -DACT_I8 rows of bytes, see rows_i8.glsl.

#ifndef ROWS_GLSL
#define ROWS_GLSL

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

// The lane's first row when each has `per_lane` of them, 8 apart.
uint first_row(uint per_lane)
{
    const uint tile = gl_WorkGroupID.x * (LOCAL / (TILE_ROWS * KS)) +
                      gl_LocalInvocationIndex / (TILE_ROWS * KS);
    return tile * per_lane * TILE_ROWS + gl_LocalInvocationIndex % TILE_ROWS;
}

// The lane's NR rows of the matrix at slot w0; those past its end repeat the last.
void set_rows(uint w0, uint row0, uint n_row, uint n_sb)
{
    [[unroll]] for (uint r = 0; r < NR; r++)
        row_at[r] = w0 + w_row(min(row0 + r * TILE_ROWS, n_row - 1), n_sb);
}

void clear_acc()
{
    [[unroll]] for (uint i = 0; i < NR * NT; i++)
        acc[i] = 0.0;
}

#ifdef ACT_I8
#include "common/rows_i8.glsl"
#else

#ifdef FETCH_TEXEL
layout(set = 0, binding = 1) uniform samplerBuffer x_vec4;
#define X4(i) texelFetch(x_vec4, int(i))
#else
layout(std430, set = 0, binding = 1) readonly buffer Xs { vec4 x_vec4[]; };
#define X4(i) x_vec4[i]
#endif

float add4(vec4 v)
{
    return (v.x + v.y) + (v.z + v.w);
}

// acc += row_at . x_at over the superblocks of this lane.
void add_products(uint n_sb, uint n_block)
{
    for (uint sb = lane_split(); sb < n_sb; sb += KS) {
        W_HEAD head[NR];
        [[unroll]] for (uint r = 0; r < NR; r++)
            head[r] = w_head(row_at[r] + sb * (SB_SLOTS * TILE_ROWS));

        const uint n_here = SB_BLOCKS == 1 ? 1 : min(SB_BLOCKS, n_block - sb * SB_BLOCKS);
        for (uint b = 0; b < n_here; b++) {
            vec4 w[NR][BLOCK_VEC4];
            W_SCALE scale[NR];
            [[unroll]] for (uint r = 0; r < NR; r++)
                scale[r] = w_block(row_at[r] + sb * (SB_SLOTS * TILE_ROWS), b, head[r],
                                   w[r]);

            const uint x_block = (sb * SB_BLOCKS + b) * BLOCK_VEC4;
            [[unroll]] for (uint t = 0; t < NT; t++) {
                vec4 x[BLOCK_VEC4];
                [[unroll]] for (uint i = 0; i < BLOCK_VEC4; i++)
                    x[i] = X4(x_at[t] + x_block + i);
#if W_HALVES && W_MIN // the sums of x serve all rows
                const vec2 x_sum = vec2(add4((x[0] + x[1]) + (x[2] + x[3])),
                                        add4((x[4] + x[5]) + (x[6] + x[7])));
#elif W_MIN
                const float x_sum = add4(((x[0] + x[1]) + (x[2] + x[3])) +
                                         ((x[4] + x[5]) + (x[6] + x[7])));
#endif
                [[unroll]] for (uint r = 0; r < NR; r++) {
                    vec4 s = w[r][0] * x[0];
#if W_HALVES
                    vec4 s1 = w[r][4] * x[4];
                    [[unroll]] for (uint i = 1; i < BLOCK_VEC4 / 2; i++) {
                        s = fma(w[r][i], x[i], s);
                        s1 = fma(w[r][i + 4], x[i + 4], s1);
                    }
                    acc[r * NT + t] += scale[r].x * add4(s) + scale[r].y * add4(s1);
#if W_MIN
                    acc[r * NT + t] += dot(scale[r].zw, x_sum);
#endif
#else
                    [[unroll]] for (uint i = 1; i < BLOCK_VEC4; i++)
                        s = fma(w[r][i], x[i], s);
#if W_MIN
                    acc[r * NT + t] += scale[r].x * add4(s) + scale[r].y * x_sum;
#else
                    acc[r * NT + t] += scale[r] * add4(s);
#endif
#endif
                }
            }
        }
    }
}

#endif // ACT_I8

// From an offset of activations in the host's unit to one in x_at's.
uint x_units(uint stride)
{
#ifdef ACT_I8
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
