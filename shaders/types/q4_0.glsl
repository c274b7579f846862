// q4_0.glsl - decoder of Q4_0, 32 nibbles less 8 and an f16 scale: see
// common/weights.glsl. Slot 0 of a superblock has its 8 scales.

#include "common/codes.glsl"

#define SB_BLOCKS 8u
#define SB_SLOTS 9u

uvec4 w_head(uint at)
{
    return W_SLOT(at);
}

float w_block(uint at, uint b, uvec4 head, out vec4 w[BLOCK_VEC4])
{
    const uvec4 q = W_SLOT(at + (1u + b) * TILE_ROWS);
    codes_to_floats(codes_low4(q), codes_high4(q), 8.0, w);
    return codes_half(head, b);
}

#define W_I8_MIN 1

vec2 w_block_i8(uint at, uint b, uvec4 head, out uvec4 w[2])
{
    const uvec4 q = W_SLOT(at + (1u + b) * TILE_ROWS);
    w[0] = codes_low4(q);
    w[1] = codes_high4(q);
    return codes_half(head, b) * vec2(1.0, -8.0);
}
