// q4_1.glsl - decoder of Q4_1, 32 nibbles with an f16 scale and minimum: see
// common/weights.glsl. Slots 0 and 1 of a superblock have its 8 scales and minimums.

#include "common/codes.glsl"

#define SB_BLOCKS 8u
#define SB_SLOTS 10u
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
    codes_to_floats(codes_low4(q), codes_high4(q), 0.0, w);
    return vec2(codes_half(head.d, b), codes_half(head.m, b));
}
