// q5_1.glsl - decoder of Q5_1, 32 codes of 5 bits with an f16 scale and minimum: see
// common/weights.glsl. Slots 0 and 1 of a superblock have its 8 scales and minimums, 10
// and 11 the fifth bits.

#include "common/codes.glsl"

#define SB_BLOCKS 8u
#define SB_SLOTS 12u
#define W_BYTES 1
#define W_RAW 2u
#define W_MIN 1

struct w_scales {
    uvec4 d, m;
};
#define W_HEAD w_scales

w_scales w_head(uint at)
{
    return w_scales(W_SLOT(at), W_SLOT(at + TILE_ROWS));
}

void w_fetch(uint at, uint b, out uvec4 raw[W_RAW])
{
    raw[0] = W_SLOT(at + (2u + b) * TILE_ROWS);
    raw[1] = W_SLOT(at + (10u + b / 4u) * TILE_ROWS);
}

vec2 w_codes(uvec4 raw[W_RAW], uint b, w_scales head, out uvec4 w[2])
{
    const uvec4 h = raw[1] >> (2u * (b & 3u));
    w[0] = codes_low4(raw[0]) | ((h << 4) & 0x10101010u);
    w[1] = codes_high4(raw[0]) | ((h << 3) & 0x10101010u);
    return vec2(codes_half(head.d, b), codes_half(head.m, b));
}
