// q6_k.glsl - decoder of Q6_K, 6 bits less 32 with an 8-bit scale per 16 columns: see
// common/weights.glsl. Slot 0 of a superblock has the scales, slot 1 what they are
// multiplied with, 2 to 9 four bits of the codes, 10 to 13 the other two.

#include "common/codes.glsl"

#define SB_BLOCKS 8u
#define SB_SLOTS 14u
#define W_BYTES 1
#define W_I8 1
#define W_SLOTS 1
#define W_APART 1
#define W_RAW 2u
#define W_HALVES 1
#define W_ZERO 32

struct w_scales {
    uvec4 code;
    float d;
};
#define W_HEAD w_scales

w_scales w_head(uint at)
{
    return w_scales(W_SLOT(at), unpackHalf2x16(W_SLOT(at + TILE_ROWS).x).x);
}

uint w_slot(uint b, uint i)
{
    return i == 0u ? 2u + b : 10u + b / 2u;
}

vec2 scales_of(uint b, w_scales head)
{
    const uint two = head.code[b / 2u] >> (16u * (b & 1u));
    return head.d * vec2(ivec2(uvec2(two << 24, two << 16)) >> 24);
}

vec2 w_codes(uvec4 raw[W_RAW], uint b, w_scales head, out uvec4 w[2])
{
    const uvec4 h = raw[1] << ((4u * b + 4u) & 4u);
    w[0] = codes_low4(raw[0]) | (h & 0x30303030u);
    w[1] = codes_high4(raw[0]) | ((h >> 2) & 0x30303030u);
    return scales_of(b, head);
}

void w_codes_i8(uvec4 raw[W_RAW], uint b, out uvec4 w[2])
{
    const uvec4 h = raw[1] << ((4u * b + 4u) & 4u);
    w[0] = codes_less(codes_low4(raw[0]) | (h & 0x30303030u), 0x20202020u);
    w[1] = codes_less(codes_high4(raw[0]) | ((h >> 2) & 0x30303030u), 0x20202020u);
}

vec2 w_decode_i8(uvec4 raw[W_RAW], uint b, w_scales head, out uvec4 w[2])
{
    w_codes_i8(raw, b, w);
    return scales_of(b, head);
}

#ifndef FETCH_TEXEL
#define W_SPLIT 1

uvec2 w_scale_at(uint b)
{
    return codes_half_at(b);
}

vec2 w_scale_of(uint at, uint word, uvec2 where)
{
    const int two = int(w_words[word] >> where.y);
    const float d = unpackHalf2x16(w_words[4u * (at + TILE_ROWS)]).x;
    return d * vec2(bitfieldExtract(two, 0, 8), bitfieldExtract(two, 8, 8));
}
#endif
