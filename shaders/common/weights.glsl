// weights.glsl - weights in the layout of engine/quant/quant.h, decoded 32 at a time.
// The weight type is chosen by -DTYPE_…=1; a new one is one file in types/ and a line
// here. Each of them gives:
//
//   SB_BLOCKS, SB_SLOTS     blocks of 32 columns, and slots, in a superblock
//   uvec4 w_head(at)        what the blocks of a superblock share (scales)
//   float w_block(at, b, head, w)
//                           block b: 32 weights without their scale; returns that
//
// `at` is the index of the superblock's slot 0 in the row: slot s is at + s * TILE_ROWS.
// Indices count slots of 16 bytes; a window has at most 128 MiB, so 23 bits do.

#ifndef WEIGHTS_GLSL
#define WEIGHTS_GLSL

#define TILE_ROWS 8u
#define BLOCK_VEC4 8u // vec4 in a block of 32

layout(std430, set = 0, binding = 0) readonly buffer Weights { uvec4 w_slots[]; };
#define W_SLOT(i) w_slots[i]

#if defined(TYPE_F32)
#include "types/f32.glsl"
#elif defined(TYPE_F16)
#include "types/f16.glsl"
#elif defined(TYPE_BF16)
#include "types/bf16.glsl"
#elif defined(TYPE_Q8_0)
#include "types/q8_0.glsl"
#elif defined(TYPE_Q4_0)
#include "types/q4_0.glsl"
#else
#error "no weight type"
#endif

// Slot 0 of superblock 0 of `row`.
uint w_row(uint row, uint n_sb)
{
    return (row / TILE_ROWS) * n_sb * (SB_SLOTS * TILE_ROWS) + row % TILE_ROWS;
}

// Slots of a matrix of n_row rows: whole tiles.
uint w_matrix(uint n_row, uint n_sb)
{
    return (n_row + TILE_ROWS - 1) / TILE_ROWS * n_sb * (SB_SLOTS * TILE_ROWS);
}

#endif
