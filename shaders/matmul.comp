#version 450
// matmul: y[t][y_off + r] (+)= scale * (sum over c of W[r][c] x[t][c] + bias[r])
// Meaning on the CPU: ref_matmul() in engine/ref.
//
//   binding 0  w     tiles of [n_row][n_col], see engine/quant/quant.h   read
//   binding 1  x     [n_token][x_stride]  f32, or integers with -DACT_I8, -DACT_I16  read
//   binding 2  y     [n_token][y_stride]  f32  read and written
//   binding 3  bias  [bias_off + n_row]   f32  read; any buffer without MATMUL_BIAS
//   binding 4  step  struct step_params        uniform
//
// Workgroup (i, j) does rows i * (rows of a workgroup) … of tokens j * NT …; see
// common/rows.glsl for the lanes. What lies beyond the last row or token repeats it and
// is not stored.
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require

#include "common/params.h"
#include "common/rows.glsl"

layout(std430, set = 0, binding = 2) buffer Ys { float y[]; };
layout(std430, set = 0, binding = 3) readonly buffer Bias { float bias[]; };
layout(std140, set = 0, binding = 4) uniform Step { step_params step_; };
layout(push_constant) uniform Push { matmul_params p; };

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
    const uint n_token = (p.flags & MATMUL_N_OUT) != 0 ? step_.n_out : step_.n_token;
    const uint t0 = gl_WorkGroupID.y * NT;
    if (t0 >= n_token)
        return;
    [[unroll]] for (uint t = 0; t < NT; t++)
        x_at[t] = min(t0 + t, n_token - 1) * x_units(p.x_stride);

    const uint row0 = first_row(NR);
    set_rows(0, row0, p.n_row, p.n_sb);
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
            if (row < p.n_row && t0 + t < n_token)
                store(row, t0 + t, acc[r * NT + t]);
    }
}
