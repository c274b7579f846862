#version 450
// experts_glu: y[k][r] = act(W[e][r] . x) * (W[e][n_ff + r] . x), e = ids[k]: the first
// half of the experts of one token. Meaning on the CPU: part of ref_experts().
//
//   binding 0  w    experts [mat0, mat0 + n_mat), each tiles of [2 n_ff][n_col]  read
//   binding 1  x    [n_col]             f32, or integers with -DACT_I8, -DACT_I16  read
//   binding 2  ids  [n_used]            u32  read
//   binding 3  y    [n_used][y_stride]  f32  write
//   binding 4  bias [n_expert][2 n_ff]  f32  read, with EXPERTS_BIAS: on gate and up
//   binding 5  q    [n_used][q_stride]  u32[4]  write, with ROUND: what would be y, as bytes
//                   with a scale per 32, see common/i8.glsl; y is not written
//
// Workgroup (i, k) does rows i * (rows of a workgroup) … of slot k. Of a lane's NR rows
// of weights the first half are gate rows, the other half their up rows. Slots whose
// expert is in another window are left alone. With ROUND, KS is 1, n_ff and the rows of a
// workgroup are multiples of 32.
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require

#include "common/params.h"
#include "common/act.glsl"
#include "common/rows.glsl"

layout(std430, set = 0, binding = 2) readonly buffer Ids { uint ids[]; };
layout(std430, set = 0, binding = 3) writeonly buffer Ys { float y[]; };
layout(std430, set = 0, binding = 4) readonly buffer Bias { float bias[]; };
layout(std430, set = 0, binding = 5) writeonly buffer Q { uvec4 q[]; };
layout(constant_id = 4) const bool ROUND = false;
layout(push_constant) uniform Push { experts_glu_params p; };

#define I8_OUT q
#include "common/i8.glsl"

const uint PAIRS = NR / 2; // gate and up rows per lane
const uint ROWS = LOCAL * PAIRS; // of a workgroup, with ROUND

shared float of_row[ROUND ? ROWS : 1];

// What the lanes left in of_row, to q: a block of 32 for a lane.
void store_bytes(uint slot)
{
    barrier();
    const uint first = gl_WorkGroupID.x * ROWS;
    for (uint at = gl_LocalInvocationIndex * 32; at < ROWS; at += LOCAL * 32) {
        if (first + at >= p.n_ff)
            break;
        vec4 v[8];
        for (uint i = 0; i < 8; i++)
            v[i] = vec4(of_row[at + 4 * i], of_row[at + 4 * i + 1], of_row[at + 4 * i + 2],
                        of_row[at + 4 * i + 3]);
        i8_store(slot * p.q_stride, (first + at) / 32, i8_round(v));
    }
}

void main()
{
    const uint slot = gl_WorkGroupID.y;
    const uint expert = ids[slot] - p.mat0; // wraps for experts before the window
    if (expert >= p.n_mat)
        return;

    const uint w0 = expert * w_matrix(2 * p.n_ff, p.n_sb);
    const uint row0 = first_row(PAIRS);
    x_at[0] = 0;
    [[unroll]] for (uint i = 0; i < PAIRS; i++) {
        const uint row = min(row0 + i * ROW_STEP, p.n_ff - 1);
        row_at[i] = w0 + w_row(row, p.n_sb);
        row_at[PAIRS + i] = w0 + w_row(p.n_ff + row, p.n_sb);
    }
    clear_acc();
    sum_x(p.n_block);
    if (in_rows(row0, p.n_ff))
        add_products(p.n_sb, p.n_block);
    add_splits();
    if (lane_split() != 0)
        return;

    [[unroll]] for (uint i = 0; i < PAIRS; i++) {
        const uint row = row0 + i * ROW_STEP;
        if (row >= p.n_ff)
            break;
        vec2 gate_up = vec2(acc[i], acc[PAIRS + i]);
        if ((p.flags & EXPERTS_BIAS) != 0) {
            const uint at = ids[slot] * 2 * p.n_ff + row;
            gate_up += vec2(bias[at], bias[at + p.n_ff]);
        }
        const float v = act_glu(p.act, gate_up.x, gate_up.y, p.alpha, p.limit);
        if (ROUND)
            of_row[row - gl_WorkGroupID.x * ROWS] = v;
        else
            y[slot * p.y_stride + row] = v;
    }
    if (ROUND)
        store_bytes(slot);
}
