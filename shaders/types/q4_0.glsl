// q4_0.glsl - decoder of Q4_0, 32 nibbles less 8 and an f16 scale: see
// common/weights.glsl. Slot 0 of a superblock has its 8 scales.

#include "common/codes.glsl"

#define SB_BLOCKS 8u
#define SB_SLOTS 9u
#define W_BYTES 1
#define W_NIBBLES 1
#define W_I8 1
#define W_SLOTS 1
#define W_RAW 1u
#define W_ZERO 8

uvec4 w_head(uint at)
{
    return W_SLOT(at);
}

uint w_slot(uint b, uint i)
{
    return 1u + b;
}

float w_codes(uvec4 raw[W_RAW], uint b, uvec4 head, out uvec4 w[2])
{
    w[0] = codes_low4(raw[0]);
    w[1] = codes_high4(raw[0]);
    return codes_half(head, b);
}

#define W_I8_MIN 1

void w_codes_i8(uvec4 raw[W_RAW], uint b, out uvec4 w[2])
{
    w[0] = codes_low4(raw[0]);
    w[1] = codes_high4(raw[0]);
}

vec2 w_decode_i8(uvec4 raw[W_RAW], uint b, uvec4 head, out uvec4 w[2])
{
    return w_codes(raw, b, head, w) * vec2(1.0, -8.0);
}

#ifndef FETCH_TEXEL
#define W_LANE 1
#define W_PLUS 1
#define W_SPLIT 1

vec4 w_lane(uvec4 raw[W_RAW], uint i)
{
    return codes_nibbles(raw[0], i);
}

vec4 w_plus(uint i)
{
    return codes_nibbles_plus(i) + 8.0;
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
