#version 450
// embed: y[t][c] = scale * W[ids[t]][c]
//
//   binding 0  w    tiles of rows [row0, row0 + n_row) x [n_col]   read
//   binding 1  ids  [n_token]            u32  read
//   binding 2  y    [n_token][y_stride]  f32  write, in whole blocks of 32
//
// Workgroup (i, t) does blocks i * local size … of token t; a lane does one block.
// Rows of other windows are left alone.
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require

#include "common/params.h"
#include "common/weights.glsl"

layout(local_size_x_id = 0) in;
layout(std430, set = 0, binding = 1) readonly buffer Ids { uint ids[]; };
layout(std430, set = 0, binding = 2) writeonly buffer Ys { vec4 y[]; };
layout(push_constant) uniform Push { embed_params p; };

void main()
{
    const uint token = gl_WorkGroupID.y;
    const uint row = ids[token] - p.row0; /* wraps for rows before the window */
    const uint block = gl_GlobalInvocationID.x;
    if (row >= p.n_row || block * 32 >= p.n_col)
        return;

    const uint at = w_row(row, p.n_sb) + block / SB_BLOCKS * (SB_SLOTS * TILE_ROWS);
    vec4 w[BLOCK_VEC4];
    const W_SCALE s = w_block(at, block % SB_BLOCKS, w_head(at), w);
    const uint y0 = token * (p.y_stride / 4) + block * BLOCK_VEC4;
    [[unroll]] for (uint i = 0; i < BLOCK_VEC4; i++)
        y[y0 + i] = p.scale * w_value(s, i, w[i]);
}
