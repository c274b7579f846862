// q3_k.glsl - decoder of Q3_K, 3 bits less 4 with a 6-bit scale per 16 columns: see
// common/weights.glsl. Slot 0 of a superblock has the scales, 1 to 4 two bits of the
// codes, 5 and 6 the third.

#include "common/codes.glsl"

#define SB_BLOCKS 8u
#define SB_SLOTS 7u
#define W_BYTES 1
#define W_NIBBLES 1
#define W_RAW 2u
#define W_HALVES 1
#define W_ZERO 4

uvec4 w_head(uint at)
{
    return W_SLOT(at);
}

void w_fetch(uint at, uint b, out uvec4 raw[W_RAW])
{
    raw[0] = W_SLOT(at + (1u + b / 2u) * TILE_ROWS);
    raw[1] = W_SLOT(at + (5u + b / 4u) * TILE_ROWS);
}

vec2 w_codes(uvec4 raw[W_RAW], uint b, uvec4 head, out uvec4 w[2])
{
    const uvec4 q = raw[0] >> (4u * (b & 1u));
    const uvec4 h = raw[1] >> (2u * (b & 3u));
    w[0] = (q & 0x03030303u) | ((h << 2) & 0x04040404u);
    w[1] = ((q >> 2) & 0x03030303u) | ((h << 1) & 0x04040404u);
    return unpackHalf2x16(head.x).x * (vec2(codes_six(head.yzw, b)) - 32.0);
}
