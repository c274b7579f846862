// q4_0.glsl - decoder of Q4_0, 32 nibbles less 8 and an f16 scale: see
// common/weights.glsl. Slot 0 of a superblock has its 8 scales.

#include "common/codes.glsl"

#define SB_BLOCKS 8u
#define SB_SLOTS 9u
#define W_BYTES 1
#define W_NIBBLES 1
#define W_I8 1
#define W_RAW 1u
#define W_ZERO 8

uvec4 w_head(uint at)
{
    return W_SLOT(at);
}

void w_fetch(uint at, uint b, out uvec4 raw[W_RAW])
{
    raw[0] = W_SLOT(at + (1u + b) * TILE_ROWS);
}

float w_codes(uvec4 raw[W_RAW], uint b, uvec4 head, out uvec4 w[2])
{
    w[0] = codes_low4(raw[0]);
    w[1] = codes_high4(raw[0]);
    return codes_half(head, b);
}

#define W_I8_MIN 1

vec2 w_decode_i8(uvec4 raw[W_RAW], uint b, uvec4 head, out uvec4 w[2])
{
    return w_codes(raw, b, head, w) * vec2(1.0, -8.0);
}
