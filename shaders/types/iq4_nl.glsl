// iq4_nl.glsl - decoder of IQ4_NL, 32 nibbles that choose from 16 values and an f16
// scale: see common/weights.glsl. Slot 0 of a superblock has its 8 scales.

#include "common/codes.glsl"
#include "common/iq4.glsl"

#define SB_BLOCKS 8u
#define SB_SLOTS 9u

uvec4 w_head(uint at)
{
    return W_SLOT(at);
}

float w_block(uint at, uint b, uvec4 head, out vec4 w[BLOCK_VEC4])
{
    iq4_values(W_SLOT(at + (1u + b) * TILE_ROWS), w);
    return codes_half(head, b);
}
