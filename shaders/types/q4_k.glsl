// q4_k.glsl - decoder of Q4_K, nibbles with 6-bit scale and minimum per 32 columns: see
// common/weights.glsl. Slot 0 of a superblock has the scales and minimums.

#include "common/codes.glsl"

#define SB_BLOCKS 8u
#define SB_SLOTS 9u
#define W_MIN 1

uvec4 w_head(uint at)
{
    return W_SLOT(at);
}

vec2 w_block(uint at, uint b, uvec4 head, out vec4 w[BLOCK_VEC4])
{
    const uvec4 q = W_SLOT(at + (1u + b) * TILE_ROWS);
    codes_to_floats(codes_low4(q), codes_high4(q), 0.0, w);
    const vec2 d = unpackHalf2x16(head.x);
    return vec2(codes_six(head.yzw, b)) * vec2(d.x, -d.y);
}

#define W_I8_MIN 1

vec2 w_block_i8(uint at, uint b, uvec4 head, out uvec4 w[2])
{
    const uvec4 q = W_SLOT(at + (1u + b) * TILE_ROWS);
    w[0] = codes_low4(q);
    w[1] = codes_high4(q);
    const vec2 d = unpackHalf2x16(head.x);
    return vec2(codes_six(head.yzw, b)) * vec2(d.x, -d.y);
}
