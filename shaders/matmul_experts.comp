#version 450
// matmul_experts: y[pair][y_off + r] = W[expert of pair][r] . x[row] + bias; row is the
// pair's token, or the pair itself with EXPERTS_X_BY_PAIR. Many tokens, grouped by expert.
// What leaves goes through the activation ACT. With TABLE an expert says which matrix and
// which row of biases it uses, and where in x its own columns begin.
//
//   binding 0  w      experts [mat0, mat0 + n_mat), each tiles of [n_row][n_col]  read
//   binding 1  x      [rows][x_stride]            f32, or integers with -DACT_I8, -DACT_I16  read
//   binding 2  y      [n_token * n_used][y_stride] f32  write
//   binding 3  pairs  [n_token * n_used]          u32  read
//   binding 4  tiles  {expert, first in pairs, count, 0}  u32[4]  read; count >= 1
//   binding 5  bias   [n_expert][bias_stride]     f32  read, with EXPERTS_BIAS
//   binding 6  table  {matrix, row of biases, first vec4 in x, 0}  u32[4] [n_expert]
//                     read, with TABLE
//
// Workgroup (i, j) does rows i * (rows of a workgroup) … of the pairs of tile j, NT of
// them at a time. Tiles whose expert is in another window are left alone. KS is 1.
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require

#include "common/act.glsl"
#include "common/params.h"
#include "common/rows.glsl"

layout(constant_id = 4) const uint ACT = DENSE_IDENTITY;
layout(constant_id = 5) const bool TABLE = false;

layout(std430, set = 0, binding = 2) writeonly buffer Ys { float y[]; };
layout(std430, set = 0, binding = 3) readonly buffer Pairs { uint pairs[]; };
layout(std430, set = 0, binding = 4) readonly buffer Tiles { uvec4 tiles[]; };
layout(std430, set = 0, binding = 5) readonly buffer Bias { float bias[]; };
layout(std430, set = 0, binding = 6) readonly buffer Table { uvec4 table[]; };
layout(push_constant) uniform Push { matmul_experts_params p; };

// Rows row0 … of the lane for `n` pairs from `first` on; beyond them the last repeats.
// bias0: where the biases of the expert's rows are; x0: where its columns begin.
void pairs_of_tile(uint first, uint n, uint row0, uint bias0, uint x0)
{
    uint pair[NT];
    [[unroll]] for (uint t = 0; t < NT; t++) {
        pair[t] = pairs[first + min(t, n - 1)];
        const uint row = (p.flags & EXPERTS_X_BY_PAIR) != 0 ? pair[t] : pair[t] / p.n_used;
        x_at[t] = row * x_units(p.x_stride) + x0;
    }
    clear_acc();
    add_products(p.n_sb, p.n_block);

    [[unroll]] for (uint r = 0; r < NR; r++) {
        const uint row = row0 + r * ROW_STEP;
        float b = 0.0;
        if ((p.flags & EXPERTS_BIAS) != 0 && row < p.n_row)
            b = bias[bias0 + row];
        [[unroll]] for (uint t = 0; t < NT; t++)
            if (row < p.n_row && t < n)
                y[pair[t] * p.y_stride + p.y_off + row] =
                    act_dense(ACT, acc[r * NT + t] + b);
    }
}

void main()
{
    const uvec4 tile = tiles[gl_WorkGroupID.y];
    const uvec4 use = TABLE ? table[tile.x] : uvec4(tile.x, tile.x, 0u, 0u);
    const uint matrix = use.x - p.mat0; // wraps for those before the window
    if (matrix >= p.n_mat)
        return;

    const uint row0 = first_row(NR);
    set_rows(matrix * w_matrix(p.n_row, p.n_sb), row0, p.n_row, p.n_sb);
    if (in_rows(row0, p.n_row))
        for (uint t0 = 0; t0 < tile.z; t0 += NT)
            pairs_of_tile(tile.y + t0, min(NT, tile.z - t0), row0,
                          use.y * p.bias_stride + p.bias_off, use.z);
}
