#version 450
// matmul_heads: y[t][h * y_step + r] = W[h][r] . x[t][h * x_step …], a matrix for each
// head h. Meaning on the CPU: ref_matvec(), head by head.
//
//   binding 0  w     heads [mat0, …), each tiles of [n_row][n_col]  read
//   binding 1  x     [n_token][x_stride]  f32  read
//   binding 2  y     [n_token][y_stride]  f32  write
//   binding 3  step  struct step_params        uniform
//
// Workgroup (i, j, k) does rows i * (rows of a workgroup) … of tokens j * NT … for the
// k-th matrix of the window; see common/rows.glsl for the lanes.
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require

#include "common/params.h"
#include "common/rows.glsl"

layout(std430, set = 0, binding = 2) writeonly buffer Ys { float y[]; };
layout(std140, set = 0, binding = 3) uniform Step { step_params step_; };
layout(push_constant) uniform Push { matmul_heads_params p; };

void main()
{
    const uint head = p.mat0 + gl_WorkGroupID.z;
    const uint t0 = gl_WorkGroupID.y * NT;
    if (t0 >= step_.n_token)
        return;
    [[unroll]] for (uint t = 0; t < NT; t++)
        x_at[t] = (min(t0 + t, step_.n_token - 1) * p.x_stride + head * p.x_step) / 4;

    const uint row0 = first_row(NR);
    set_rows(gl_WorkGroupID.z * w_matrix(p.n_row, p.n_sb), row0, p.n_row, p.n_sb);
    clear_acc();
    sum_x(p.n_block);
    if (in_rows(row0, p.n_row))
        add_products(p.n_sb, p.n_block);
    add_splits();
    if (lane_split() != 0)
        return;

    [[unroll]] for (uint r = 0; r < NR; r++) {
        const uint row = row0 + r * ROW_STEP;
        [[unroll]] for (uint t = 0; t < NT; t++)
            if (row < p.n_row && t0 + t < step_.n_token)
                y[(t0 + t) * p.y_stride + head * p.y_step + row] = acc[r * NT + t];
    }
}
