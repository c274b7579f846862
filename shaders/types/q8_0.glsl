// q8_0.glsl - decoder of Q8_0, 32 signed bytes and an f16 scale: see
// common/weights.glsl. Slot 0 of a superblock has its 8 scales.

#include "common/codes.glsl"

#define SB_BLOCKS 8u
#define SB_SLOTS 17u

uvec4 w_head(uint at)
{
    return W_SLOT(at);
}

float w_block(uint at, uint b, uvec4 head, out vec4 w[BLOCK_VEC4])
{
    const uint s = at + (1u + 2u * b) * TILE_ROWS;
    const uvec4 q0 = W_SLOT(s);
    const uvec4 q1 = W_SLOT(s + TILE_ROWS);
    [[unroll]] for (uint i = 0; i < 4; i++) {
        w[i] = codes_signed_bytes(q0[i]);
        w[i + 4] = codes_signed_bytes(q1[i]);
    }
    return codes_half(head, b);
}

float w_block_i8(uint at, uint b, uvec4 head, out uvec4 w[2])
{
    const uint s = at + (1u + 2u * b) * TILE_ROWS;
    w[0] = W_SLOT(s);
    w[1] = W_SLOT(s + TILE_ROWS);
    return codes_half(head, b);
}
