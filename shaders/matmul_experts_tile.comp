#version 450
// matmul_experts_tile: what matmul_experts.comp computes, through tiles in shared memory.
//
//   binding 0  w      experts [mat0, mat0 + n_mat), each tiles of [n_row][n_col]  read
//   binding 1  x      [rows][x_stride]            f32, or bytes with -DACT_I8  read
//   binding 2  y      [n_token * n_used][y_stride] f32  write
//   binding 3  pairs  [n_token * n_used]          u32  read
//   binding 4  tiles  {expert, first in pairs, count, 0}  u32[4]  read; count >= 1
//   binding 5  bias   [n_expert][bias_stride]     f32  read, with EXPERTS_BIAS
//   binding 6  table  {matrix, row of biases, first vec4 in x, 0}  u32[4] [n_expert]
//                     read, with TABLE
//
// Workgroup (i, j) does rows i * TILE_R … of the pairs of tile j, TILE_T of them at a
// time; see common/tile.glsl for the lanes. Tiles whose expert is in another window are
// left alone.
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require

#include "common/act.glsl"
#include "common/params.h"
#include "common/tile.glsl"

layout(constant_id = 4) const uint ACT = DENSE_IDENTITY;
layout(constant_id = 5) const bool TABLE = false;

layout(std430, set = 0, binding = 2) writeonly buffer Ys { float y[]; };
layout(std430, set = 0, binding = 3) readonly buffer Pairs { uint pairs[]; };
layout(std430, set = 0, binding = 4) readonly buffer Tiles { uvec4 tiles[]; };
layout(std430, set = 0, binding = 5) readonly buffer Bias { float bias[]; };
layout(std430, set = 0, binding = 6) readonly buffer Table { uvec4 table[]; };
layout(push_constant) uniform Push { matmul_experts_params p; };

uint first, n_pair; // pairs in hand: pairs[first …]
uint x0;            // where the expert's columns begin

uint tile_x(uint token)
{
    const uint pair = pairs[first + min(token, n_pair - 1)];
    const uint row = (p.flags & EXPERTS_X_BY_PAIR) != 0 ? pair : pair / p.n_used;
    return row * x_units(p.x_stride) + x0;
}

// bias0: where the biases of the expert's rows are.
void pairs_of_tile(uint row0, uint bias0)
{
    clear_acc();
    add_products(n_pair, p.n_sb, p.n_block);

    [[unroll]] for (uint t = 0; t < NT; t++) {
        if (lane_token(t) >= n_pair)
            break;
        const uint to = pairs[first + lane_token(t)] * p.y_stride + p.y_off;
        [[unroll]] for (uint r = 0; r < NR; r++) {
            const uint row = row0 + lane_row(r);
            if (row >= p.n_row)
                break;
            const float b = (p.flags & EXPERTS_BIAS) != 0 ? bias[bias0 + row] : 0.0;
            y[to + row] = act_dense(ACT, acc[r * NT + t] + b);
        }
    }
}

void main()
{
    const uvec4 tile = tiles[gl_WorkGroupID.y];
    const uvec4 use = TABLE ? table[tile.x] : uvec4(tile.x, tile.x, 0u, 0u);
    const uint matrix = use.x - p.mat0; // wraps for those before the window
    if (matrix >= p.n_mat)
        return;

    const uint row0 = gl_WorkGroupID.x * TILE_R;
    set_tile(matrix * w_matrix(p.n_row, p.n_sb), row0, p.n_row, p.n_sb);
    x0 = use.z;
    for (uint t0 = 0; t0 < tile.z; t0 += TILE_T) {
        first = tile.y + t0;
        n_pair = min(TILE_T, tile.z - t0);
        pairs_of_tile(row0, use.y * p.bias_stride + p.bias_off);
    }
}
