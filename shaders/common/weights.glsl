// weights.glsl - weights in the layout of engine/quant/quant.h, decoded 32 at a time.
// The weight type is chosen by -DTYPE_…=1; a new one is one file in types/ and a line
// here. Each of them gives:
//
//   SB_BLOCKS, SB_SLOTS     blocks of 32 columns, and slots, in a superblock
//   W_HEAD w_head(at)       what the blocks of a superblock share (scales)
//   W_RAW, w_fetch(at, b, raw)
//                           the slots that have block b
//   W_SCALE w_decode(raw, b, head, w)
//                           block b: 32 codes w; returns what makes weights of them
//   or, with W_BYTES 1, the same from
//   W_SCALE w_codes(raw, b, head, w)
//                           those codes plus W_ZERO (0 if not defined), as bytes below 128
//   or, with W_SLOTS 1, w_fetch() from
//   uint w_slot(b, i)       the slot that becomes raw[i]: that of raw[0] plus i, unless
//                           W_APART is 1
//
// and may define W_HEAD (uvec4 otherwise), W_HALVES 1 when the two halves of a block have
// scales of their own, W_MIN 1 when something is added to what was scaled, see below; and
// for rows_split.glsl, which reads buffers only:
//
//   W_SPLIT 1, uvec2 w_scale_at(b), W_SCALE w_scale_of(at, word, where)
//                           with w_slot(), the scale of block b of the superblock at
//                           `at`; where: w_scale_at(b), which all superblocks share;
//                           word: that number where.x of w_words[] in its slot 0
//   W_LANE 1, vec4 w_lane(raw, i)
//                           with these, and instead of w_codes(): codes 4 i …, or
//   W_PLUS 1, vec4 w_plus(i)
//                           codes plus w_plus(i)
//
//   W_HALVES  W_MIN  W_SCALE     weights of the first, of the last 16 columns
//                    float s     s w
//               1    vec2 s      s.x w + s.y
//       1            vec2 s      s.x w             s.y w
//       1       1    vec4 s      s.x w + s.z       s.y w + s.w
//
// `at` is the index of the superblock's slot 0 in the row: slot s is at + s * TILE_ROWS.
// Indices count slots of 16 bytes; a window has at most 128 MiB, so 23 bits do.

#ifndef WEIGHTS_GLSL
#define WEIGHTS_GLSL

#ifndef W_IN_PLACE // see codes_to_floats(): for who includes this, and subtracts W_ZERO
#define W_IN_PLACE 0
#endif

#define TILE_ROWS 8u
#define BLOCK_VEC4 8u // vec4 in a block of 32

// Some devices, CPUs above all, fetch texels many times faster than buffer elements:
// -DFETCH_TEXEL builds that variant of the same code.
#ifdef FETCH_TEXEL
layout(set = 0, binding = 0) uniform usamplerBuffer w_slots;
#define W_SLOT(i) texelFetch(w_slots, int(i))
#else
layout(std430, set = 0, binding = 0) readonly buffer Weights { uvec4 w_slots[]; };
#define W_SLOT(i) w_slots[i]
layout(std430, set = 0, binding = 0) readonly buffer WeightWords { uint w_words[]; };
#endif

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
#elif defined(TYPE_Q4_1)
#include "types/q4_1.glsl"
#elif defined(TYPE_Q5_0)
#include "types/q5_0.glsl"
#elif defined(TYPE_Q5_1)
#include "types/q5_1.glsl"
#elif defined(TYPE_Q2_K)
#include "types/q2_k.glsl"
#elif defined(TYPE_Q3_K)
#include "types/q3_k.glsl"
#elif defined(TYPE_Q4_K)
#include "types/q4_k.glsl"
#elif defined(TYPE_Q5_K)
#include "types/q5_k.glsl"
#elif defined(TYPE_Q6_K)
#include "types/q6_k.glsl"
#elif defined(TYPE_IQ4_NL)
#include "types/iq4_nl.glsl"
#elif defined(TYPE_IQ4_XS)
#include "types/iq4_xs.glsl"
#elif defined(TYPE_MXFP4)
#include "types/mxfp4.glsl"
#else
#error "no weight type"
#endif

#ifndef W_HEAD
#define W_HEAD uvec4
#endif
#ifdef W_SLOTS
void w_fetch(uint at, uint b, out uvec4 raw[W_RAW])
{
    [[unroll]] for (uint i = 0; i < W_RAW; i++)
        raw[i] = W_SLOT(at + w_slot(b, i) * TILE_ROWS);
}
#endif
#ifndef W_BYTES
#define W_BYTES 0
#endif
#ifndef W_NIBBLES // bytes of w_codes() are below 16
#define W_NIBBLES 0
#endif
#ifndef W_ZERO
#define W_ZERO 0
#endif
#ifndef W_LANE
#define W_LANE 0
#endif
#ifndef W_SPLIT
#define W_SPLIT 0
#endif
#ifndef W_APART
#define W_APART 0
#endif
#ifndef W_HALVES
#define W_HALVES 0
#endif
#ifndef W_MIN
#define W_MIN 0
#endif

#if W_HALVES && W_MIN
#define W_SCALE vec4
#elif W_HALVES || W_MIN
#define W_SCALE vec2
#else
#define W_SCALE float
#endif

#if W_BYTES
W_SCALE w_decode(uvec4 raw[W_RAW], uint b, W_HEAD head, out vec4 w[BLOCK_VEC4])
{
    uvec4 bytes[2];
    const W_SCALE scale = w_codes(raw, b, head, bytes);
    codes_to_floats(bytes[0], bytes[1], w);
#if W_ZERO && !W_IN_PLACE
    [[unroll]] for (uint i = 0; i < BLOCK_VEC4; i++)
        w[i] -= float(W_ZERO);
#endif
    return scale;
}
#endif

// Weights 4 i … of a block from its codes w[i].
vec4 w_value(W_SCALE s, uint i, vec4 w)
{
#if W_HALVES && W_MIN
    return i < BLOCK_VEC4 / 2 ? fma(vec4(s.x), w, vec4(s.z)) : fma(vec4(s.y), w, vec4(s.w));
#elif W_HALVES
    return (i < BLOCK_VEC4 / 2 ? s.x : s.y) * w;
#elif W_MIN
    return fma(vec4(s.x), w, vec4(s.y));
#else
    return s * w;
#endif
}

// Block b of the superblock at `at`, see w_decode().
W_SCALE w_block(uint at, uint b, W_HEAD head, out vec4 w[BLOCK_VEC4])
{
    uvec4 raw[W_RAW];
    w_fetch(at, b, raw);
    return w_decode(raw, b, head, w);
}

#if defined(ACT_I8) || defined(ACT_I16)
#ifndef W_I8_MIN
#define W_I8_MIN 0
#endif
#if W_I8_MIN || W_HALVES
#define I8_SCALE vec2
#else
#define I8_SCALE float
#endif

#ifdef W_I8
I8_SCALE w_block_i8(uint at, uint b, W_HEAD head, out uvec4 w[2])
{
    uvec4 raw[W_RAW];
    w_fetch(at, b, raw);
    return w_decode_i8(raw, b, head, w);
}
#endif
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
