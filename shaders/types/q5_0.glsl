// q5_0.glsl - decoder of Q5_0, 32 codes of 5 bits less 16 and an f16 scale: see
// common/weights.glsl. Slot 0 of a superblock has its 8 scales, 9 and 10 the fifth bits.

#include "common/codes.glsl"

#define SB_BLOCKS 8u
#define SB_SLOTS 11u
#define W_BYTES 1
#define W_SLOTS 1
#define W_APART 1
#define W_RAW 2u
#define W_ZERO 16

uvec4 w_head(uint at)
{
    return W_SLOT(at);
}

uint w_slot(uint b, uint i)
{
    return i == 0u ? 1u + b : 9u + b / 4u;
}

float w_codes(uvec4 raw[W_RAW], uint b, uvec4 head, out uvec4 w[2])
{
    const uvec4 h = raw[1] >> (2u * (b & 3u));
    w[0] = codes_low4(raw[0]) | ((h << 4) & 0x10101010u);
    w[1] = codes_high4(raw[0]) | ((h << 3) & 0x10101010u);
    return codes_half(head, b);
}

#ifndef FETCH_TEXEL
#define W_SPLIT 1

uvec2 w_scale_at(uint b)
{
    return codes_half_at(b);
}

float w_scale_of(uint at, uint word, uvec2 where)
{
    return codes_half_of(w_words[word], where);
}
#endif
