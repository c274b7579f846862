// q4_0.glsl - decoder of Q4_0, 32 nibbles less 8 and an f16 scale: see
// common/weights.glsl. Slot 0 of a superblock has its 8 scales.

#define SB_BLOCKS 8u
#define SB_SLOTS 9u

uvec4 w_head(uint at)
{
    return W_SLOT(at);
}

// Four bytes of a word, each 0..15.
vec4 w_bytes(uint q)
{
    return vec4(q & 0xffu, (q >> 8) & 0xffu, (q >> 16) & 0xffu, q >> 24);
}

// Byte i has column i in its low nibble, column i + 16 in its high one. Masked once
// per word, so that what is left are whole bytes, which GPUs convert in one go.
float w_block(uint at, uint b, uvec4 head, out vec4 w[BLOCK_VEC4])
{
    const uvec4 q = W_SLOT(at + (1u + b) * TILE_ROWS);
    const uvec4 low = q & 0x0f0f0f0fu;
    const uvec4 high = (q >> 4) & 0x0f0f0f0fu;
    [[unroll]] for (uint i = 0; i < 4; i++) {
        w[i] = w_bytes(low[i]) - 8.0;
        w[i + 4] = w_bytes(high[i]) - 8.0;
    }
    const vec2 two = unpackHalf2x16(head[b / 2u]);
    return (b & 1u) == 0u ? two.x : two.y;
}
