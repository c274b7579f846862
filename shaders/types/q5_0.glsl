// q5_0.glsl - decoder of Q5_0, 32 codes of 5 bits less 16 and an f16 scale: see
// common/weights.glsl. Slot 0 of a superblock has its 8 scales, 9 and 10 the fifth bits.

#include "common/codes.glsl"

#define SB_BLOCKS 8u
#define SB_SLOTS 11u
#define W_BYTES 1
#define W_RAW 2u
#define W_ZERO 16

uvec4 w_head(uint at)
{
    return W_SLOT(at);
}

void w_fetch(uint at, uint b, out uvec4 raw[W_RAW])
{
    raw[0] = W_SLOT(at + (1u + b) * TILE_ROWS);
    raw[1] = W_SLOT(at + (9u + b / 4u) * TILE_ROWS);
}

float w_codes(uvec4 raw[W_RAW], uint b, uvec4 head, out uvec4 w[2])
{
    const uvec4 h = raw[1] >> (2u * (b & 3u));
    w[0] = codes_low4(raw[0]) | ((h << 4) & 0x10101010u);
    w[1] = codes_high4(raw[0]) | ((h << 3) & 0x10101010u);
    return codes_half(head, b);
}
