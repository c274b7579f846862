// iq4_xs.glsl - decoder of IQ4_XS, nibbles that choose from 16 values and a 6-bit scale
// per 32 columns: see common/weights.glsl. Slot 0 of a superblock has the scales: word 0
// an f16 and the two high bits of each, word 1 the low nibbles.

#include "common/codes.glsl"
#include "common/iq4.glsl"

#define SB_BLOCKS 8u
#define SB_SLOTS 9u
#define W_RAW 1u

uvec4 w_head(uint at)
{
    return W_SLOT(at);
}

void w_fetch(uint at, uint b, out uvec4 raw[W_RAW])
{
    raw[0] = W_SLOT(at + (1u + b) * TILE_ROWS);
}

float w_decode(uvec4 raw[W_RAW], uint b, uvec4 head, out vec4 w[BLOCK_VEC4])
{
    iq4_values(raw[0], w);
    const uint low = (head.y >> (4u * b)) & 15u;
    const uint high = (head.x >> (16u + 2u * b)) & 3u;
    return unpackHalf2x16(head.x).x * (float(low | high << 4) - 32.0);
}
