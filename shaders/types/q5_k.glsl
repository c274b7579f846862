// q5_k.glsl - decoder of Q5_K, 5 bits with 6-bit scale and minimum per 32 columns: see
// common/weights.glsl. Slot 0 of a superblock has the scales and minimums, 9 and 10 the
// fifth bits.

#include "common/codes.glsl"

#define SB_BLOCKS 8u
#define SB_SLOTS 11u
#define W_MIN 1

uvec4 w_head(uint at)
{
    return W_SLOT(at);
}

vec2 w_block(uint at, uint b, uvec4 head, out vec4 w[BLOCK_VEC4])
{
    const uvec4 q = W_SLOT(at + (1u + b) * TILE_ROWS);
    const uvec4 h = W_SLOT(at + (9u + b / 4u) * TILE_ROWS) >> (2u * (b & 3u));
    codes_to_floats(codes_low4(q) | ((h << 4) & 0x10101010u),
                    codes_high4(q) | ((h << 3) & 0x10101010u), 0.0, w);
    const vec2 d = unpackHalf2x16(head.x);
    return vec2(codes_six(head.yzw, b)) * vec2(d.x, -d.y);
}
