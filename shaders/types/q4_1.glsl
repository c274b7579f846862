// q4_1.glsl - decoder of Q4_1, 32 nibbles with an f16 scale and minimum: see
// common/weights.glsl. Slots 0 and 1 of a superblock have its 8 scales and minimums.

#include "common/codes.glsl"

#define SB_BLOCKS 8u
#define SB_SLOTS 10u
#define W_BYTES 1
#define W_NIBBLES 1
#define W_SLOTS 1
#define W_RAW 1u
#define W_MIN 1

struct w_scales {
    uvec4 d, m;
};
#define W_HEAD w_scales

w_scales w_head(uint at)
{
    return w_scales(W_SLOT(at), W_SLOT(at + TILE_ROWS));
}

uint w_slot(uint b, uint i)
{
    return 2u + b;
}

vec2 w_codes(uvec4 raw[W_RAW], uint b, w_scales head, out uvec4 w[2])
{
    w[0] = codes_low4(raw[0]);
    w[1] = codes_high4(raw[0]);
    return vec2(codes_half(head.d, b), codes_half(head.m, b));
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
    return codes_half_at(b);
}

vec2 w_scale_of(uint at, uint word, uvec2 where)
{
    return vec2(codes_half_of(w_words[word], where),
                codes_half_of(w_words[word + 4u * TILE_ROWS], where));
}
#endif
