// q3_k.glsl - decoder of Q3_K, 3 bits less 4 with a 6-bit scale per 16 columns: see
// common/weights.glsl. Slot 0 of a superblock has the scales, 1 to 4 two bits of the
// codes, 5 and 6 the third.

#include "common/codes.glsl"

#define SB_BLOCKS 8u
#define SB_SLOTS 7u
#define W_HALVES 1

uvec4 w_head(uint at)
{
    return W_SLOT(at);
}

vec2 w_block(uint at, uint b, uvec4 head, out vec4 w[BLOCK_VEC4])
{
    const uvec4 q = W_SLOT(at + (1u + b / 2u) * TILE_ROWS) >> (4u * (b & 1u));
    const uvec4 h = W_SLOT(at + (5u + b / 4u) * TILE_ROWS) >> (2u * (b & 3u));
    codes_to_floats((q & 0x03030303u) | ((h << 2) & 0x04040404u),
                    ((q >> 2) & 0x03030303u) | ((h << 1) & 0x04040404u), 4.0, w);
    return unpackHalf2x16(head.x).x * (vec2(codes_six(head.yzw, b)) - 32.0);
}
