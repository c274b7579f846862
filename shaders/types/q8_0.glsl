// q8_0.glsl - decoder of Q8_0, 32 signed bytes and an f16 scale: see
// common/weights.glsl. Slot 0 of a superblock has its 8 scales.

#include "common/codes.glsl"

#define SB_BLOCKS 8u
#define SB_SLOTS 17u
#define W_I8 1
#define W_SLOTS 1
#define W_RAW 2u

uvec4 w_head(uint at)
{
    return W_SLOT(at);
}

uint w_slot(uint b, uint i)
{
    return 1u + 2u * b + i;
}

float w_decode(uvec4 raw[W_RAW], uint b, uvec4 head, out vec4 w[BLOCK_VEC4])
{
    [[unroll]] for (uint i = 0; i < 4; i++) {
        w[i] = codes_signed_bytes(raw[0][i]);
        w[i + 4] = codes_signed_bytes(raw[1][i]);
    }
    return codes_half(head, b);
}

void w_codes_i8(uvec4 raw[W_RAW], uint b, out uvec4 w[2])
{
    w[0] = raw[0];
    w[1] = raw[1];
}

float w_decode_i8(uvec4 raw[W_RAW], uint b, uvec4 head, out uvec4 w[2])
{
    w_codes_i8(raw, b, w);
    return codes_half(head, b);
}

#ifndef FETCH_TEXEL
#define W_SPLIT 1
#define W_LANE 1

vec4 w_lane(uvec4 raw[W_RAW], uint i)
{
    return codes_signed_bytes(raw[i / 4u][i % 4u]);
}

uvec2 w_scale_at(uint b)
{
    return codes_half_at(b);
}

float w_scale_of(uint at, uint word, uvec2 where)
{
    return codes_half_of(w_words[word], where);
}
#endif
