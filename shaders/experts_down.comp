#version 450
// experts_down: y[y_off + r] += sum over slots k of weights[k] * (W[ids[k]][r] . x[k] +
// bias): the second half of the experts of one token. EXPERTS_SET: = instead of +=.
// Meaning on the CPU: part of ref_bank().
//
//   binding 0  w        experts [mat0, mat0 + n_mat), each tiles of [n_row][n_col]  read
//   binding 1  x        [n_used][x_stride]  f32, or integers with -DACT_I8, -DACT_I16  read
//   binding 2  ids      [n_used]            u32  read
//   binding 3  weights  [n_used]            f32  read
//   binding 4  y        [y_off + n_row]     f32  read and written
//   binding 5  bias     [n_expert][bias_stride]  f32  read, with EXPERTS_BIAS
//
// Workgroup i does rows i * (rows of a workgroup) …. Every lane goes through the slots in
// their order, so the sum is the same each time; slots whose expert is in another window
// are left to that window's dispatch.
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require

#include "common/params.h"
#include "common/rows.glsl"

layout(std430, set = 0, binding = 2) readonly buffer Ids { uint ids[]; };
layout(std430, set = 0, binding = 3) readonly buffer SlotWeights { float weights[]; };
layout(std430, set = 0, binding = 4) buffer Ys { float y[]; };
layout(std430, set = 0, binding = 5) readonly buffer Bias { float bias[]; };
layout(push_constant) uniform Push { experts_down_params p; };

// Biases of a row, weighed, of the slots that this window has.
float bias_of(uint row)
{
    float sum = 0.0;
    for (uint k = 0; k < p.n_used; k++)
        if (ids[k] - p.mat0 < p.n_mat)
            sum += weights[k] * bias[ids[k] * p.bias_stride + p.y_off + row];
    return sum;
}

void main()
{
    const uint row0 = first_row(NR);
    const uint matrix = w_matrix(p.n_row, p.n_sb);
    float sum[NR];
    [[unroll]] for (uint r = 0; r < NR; r++)
        sum[r] = 0.0;

    for (uint k = 0; k < p.n_used; k++) {
        const uint expert = ids[k] - p.mat0; // wraps for experts before the window
        if (expert >= p.n_mat)
            continue;
        x_at[0] = k * x_units(p.x_stride);
        sum_x(p.n_block);
        set_rows(expert * matrix, row0, p.n_row, p.n_sb);
        clear_acc();
        if (in_rows(row0, p.n_row))
            add_products(p.n_sb, p.n_block);
        [[unroll]] for (uint r = 0; r < NR; r++)
            sum[r] += weights[k] * acc[r];
    }

    [[unroll]] for (uint r = 0; r < NR; r++)
        acc[r] = sum[r];
    add_splits();
    if (lane_split() != 0)
        return;

    [[unroll]] for (uint r = 0; r < NR; r++) {
        const uint row = row0 + r * ROW_STEP;
        if (row >= p.n_row)
            break;
        if ((p.flags & EXPERTS_BIAS) != 0)
            acc[r] += bias_of(row);
        if ((p.flags & EXPERTS_SET) == 0)
            acc[r] += y[p.y_off + row];
        y[p.y_off + row] = acc[r];
    }
}
