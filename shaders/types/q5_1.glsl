// q5_1.glsl - decoder of Q5_1, 32 codes of 5 bits with an f16 scale and minimum: see
// common/weights.glsl. Slots 0 and 1 of a superblock have its 8 scales and minimums, 10
// and 11 the fifth bits.

#include "common/codes.glsl"

#define SB_BLOCKS 8u
#define SB_SLOTS 12u
#define W_MIN 1

struct w_scales {
    uvec4 d, m;
};
#define W_HEAD w_scales

w_scales w_head(uint at)
{
    return w_scales(W_SLOT(at), W_SLOT(at + TILE_ROWS));
}

vec2 w_block(uint at, uint b, w_scales head, out vec4 w[BLOCK_VEC4])
{
    const uvec4 q = W_SLOT(at + (2u + b) * TILE_ROWS);
    const uvec4 h = W_SLOT(at + (10u + b / 4u) * TILE_ROWS) >> (2u * (b & 3u));
    codes_to_floats(codes_low4(q) | ((h << 4) & 0x10101010u),
                    codes_high4(q) | ((h << 3) & 0x10101010u), 0.0, w);
    return vec2(codes_half(head.d, b), codes_half(head.m, b));
}
