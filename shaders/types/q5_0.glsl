// q5_0.glsl - decoder of Q5_0, 32 codes of 5 bits less 16 and an f16 scale: see
// common/weights.glsl. Slot 0 of a superblock has its 8 scales, 9 and 10 the fifth bits.

#include "common/codes.glsl"

#define SB_BLOCKS 8u
#define SB_SLOTS 11u

uvec4 w_head(uint at)
{
    return W_SLOT(at);
}

float w_block(uint at, uint b, uvec4 head, out vec4 w[BLOCK_VEC4])
{
    const uvec4 q = W_SLOT(at + (1u + b) * TILE_ROWS);
    const uvec4 h = W_SLOT(at + (9u + b / 4u) * TILE_ROWS) >> (2u * (b & 3u));
    codes_to_floats(codes_low4(q) | ((h << 4) & 0x10101010u),
                    codes_high4(q) | ((h << 3) & 0x10101010u), 16.0, w);
    return codes_half(head, b);
}
