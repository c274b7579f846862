// q4_k.glsl - decoder of Q4_K, nibbles with 6-bit scale and minimum per 32 columns: see
// common/weights.glsl. Slot 0 of a superblock has the scales and minimums.

#include "common/codes.glsl"

#define SB_BLOCKS 8u
#define SB_SLOTS 9u
#define W_BYTES 1
#define W_NIBBLES 1
#define W_I8 1
#define W_SLOTS 1
#define W_RAW 1u
#define W_MIN 1

uvec4 w_head(uint at)
{
    return W_SLOT(at);
}

uint w_slot(uint b, uint i)
{
    return 1u + b;
}

vec2 w_codes(uvec4 raw[W_RAW], uint b, uvec4 head, out uvec4 w[2])
{
    w[0] = codes_low4(raw[0]);
    w[1] = codes_high4(raw[0]);
    const vec2 d = unpackHalf2x16(head.x);
    return vec2(codes_six(head.yzw, b)) * vec2(d.x, -d.y);
}

#define W_I8_MIN 1

void w_codes_i8(uvec4 raw[W_RAW], uint b, out uvec4 w[2])
{
    w[0] = codes_low4(raw[0]);
    w[1] = codes_high4(raw[0]);
}

vec2 w_decode_i8(uvec4 raw[W_RAW], uint b, uvec4 head, out uvec4 w[2])
{
    return w_codes(raw, b, head, w);
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
    return codes_nibbles_plus(i);
}

uvec2 w_scale_at(uint b)
{
    return codes_six_at(b);
}

vec2 w_scale_of(uint at, uint word, uvec2 where)
{
    const uvec4 head = w_head(at);
    const vec2 d = unpackHalf2x16(head.x);
    return vec2(codes_six_of(head.yzw, where)) * vec2(d.x, -d.y);
}
#endif
