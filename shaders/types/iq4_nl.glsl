// iq4_nl.glsl - decoder of IQ4_NL, 32 nibbles that choose from 16 values and an f16
// scale: see common/weights.glsl. Slot 0 of a superblock has its 8 scales.

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
    return codes_half(head, b);
}
