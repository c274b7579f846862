#version 450
// matmul_tile: what matmul.comp computes, through tiles in shared memory.
// Meaning on the CPU: ref_matmul() in engine/ref.
//
//   binding 0  w     tiles of [n_row][n_col], see engine/quant/quant.h   read
//   binding 1  x     [n_token][x_stride]  f32, or bytes with -DACT_I8  read
//   binding 2  y     [n_token][y_stride]  f32  read and written
//   binding 3  bias  [bias_off + n_row]   f32  read; any buffer without MATMUL_BIAS
//   binding 4  step  struct step_params        uniform
//
// Workgroup (i, j) does rows i * TILE_R … of tokens j * TILE_T …; see common/tile.glsl
// for the lanes. What lies beyond the last row or token repeats it and is not stored.
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require

#include "common/params.h"
#include "common/tile.glsl"

layout(std430, set = 0, binding = 2) buffer Ys { float y[]; };
layout(std430, set = 0, binding = 3) readonly buffer Bias { float bias[]; };
layout(std140, set = 0, binding = 4) uniform Step { step_params step_; };
layout(push_constant) uniform Push { matmul_params p; };

uint token0, n_token; // of this workgroup

uint tile_x(uint token)
{
    return (token0 + min(token, n_token - 1)) * x_units(p.x_stride);
}

void store(uint row, uint token, float sum)
{
    const uint i = token * p.y_stride + p.y_off + row;
    if ((p.flags & MATMUL_BIAS) != 0)
        sum += bias[p.bias_off + row];
    sum *= p.scale;
    y[i] = (p.flags & MATMUL_ADD) != 0 ? y[i] + sum : sum;
}

void main()
{
    const uint n_all = (p.flags & MATMUL_N_OUT) != 0 ? step_.n_out : step_.n_token;
    token0 = gl_WorkGroupID.y * TILE_T;
    if (token0 >= n_all)
        return;
    n_token = min(TILE_T, n_all - token0);

    const uint row0 = gl_WorkGroupID.x * TILE_R;
    set_tile(0, row0, p.n_row, p.n_sb);
    clear_acc();
    add_products(n_token, p.n_sb, p.n_block);

    [[unroll]] for (uint t = 0; t < NT; t++)
        [[unroll]] for (uint r = 0; r < NR; r++)
            if (row0 + lane_row(r) < p.n_row && lane_token(t) < n_token)
                store(row0 + lane_row(r), token0 + lane_token(t), acc[r * NT + t]);
}
