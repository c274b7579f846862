// mxfp4.glsl - decoder of MXFP4, 32 four-bit floats and a power of two: see
// common/weights.glsl. Slot 0 of a superblock has its 8 exponents.
//
// Sign, two bits of exponent and one of mantissa are at their places in an f16 of the same
// value times 2^-14. What is subnormal here, 0.5, is so there; for devices that may take
// such f16 for 0 bytes are made, as for products of bytes. Bytes of the slots are sorted
// for the f16: see engine/quant/quant.h.

#include "common/codes.glsl"
#include "common/params.h"

layout(constant_id = CONSTANT_SUBNORMALS) const bool SUBNORMALS = true;

#define SB_BLOCKS 8u
#define SB_SLOTS 9u
#define W_I8 1
#define W_SLOTS 1
#define W_RAW 1u

uvec4 w_head(uint at)
{
    return W_SLOT(at);
}

uint w_slot(uint b, uint i)
{
    return 1u + b;
}

// Of the word of slot 0 that has it: where block b's exponent is.
uvec2 mxfp4_exponent_at(uint b)
{
    return uvec2(b / 4u, 8u * (b & 3u));
}

// Four bytes of four times the weights without a scale. Codes 0..3 stand for themselves,
// 4..7 for 4, 6, 8, 12: the code again, and 2 more for the last. Of both codes of each byte
// at once, until their sums need more bits than they have.
void w_codes_i8(uvec4 raw[W_RAW], uint b, out uvec4 w[2])
{
    const uvec4 q = raw[0];
    const uvec4 large = q & 0x48484848u;
    const uvec4 again = q & (large - (large >> 2));
    const uvec4 more = again + ((again & (again >> 1)) << 1);
    const uvec4 low = (q & 0x0e0e0e0eu) + (more & 0x0e0e0e0eu);
    const uvec4 high = ((q & 0x70707070u) + (more & 0x70707070u)) >> 3;
    const uvec4 low_sign = (q >> 7) & 0x01010101u, high_sign = q & 0x01010101u;
    w[0] = (low ^ ((low_sign << 8) - low_sign)) + low_sign;
    w[1] = (high ^ ((high_sign << 8) - high_sign)) + high_sign;
}

// 2^(exponent - 127 + 14), which is in the lowest byte. Weights of 2^113 and more, with
// exponents above 240, are taken for smaller.
float mxfp4_scale(uint exponent)
{
    return uintBitsToFloat((min(exponent & 0xffu, 240u) + 14u) << 23);
}

// Codes 4 i … of a block, times 2^-14.
vec4 mxfp4_codes(uvec4 raw, uint i)
{
    if (!SUBNORMALS) {
        uvec4 four[2];
        w_codes_i8(uvec4[W_RAW](raw), 0, four);
        return codes_signed_bytes(four[i / 4u][i % 4u]) * (1.0 / 65536.0);
    }
    const uint w = raw[i % 4u];
    const uint size = 0x0e000e00u, sign = 0x80008000u;
    if (i < 4u)
        return vec4(unpackHalf2x16((w << 8) & (size | sign)),
                    unpackHalf2x16(w & (size | sign)))
            .xzyw;
    return vec4(unpackHalf2x16(((w << 5) & size) | ((w << 15) & sign)),
                unpackHalf2x16(((w >> 3) & size) | ((w << 7) & sign)))
        .xzyw;
}

float w_decode(uvec4 raw[W_RAW], uint b, uvec4 head, out vec4 w[BLOCK_VEC4])
{
    [[unroll]] for (uint i = 0; i < BLOCK_VEC4; i++)
        w[i] = mxfp4_codes(raw[0], i);
    const uvec2 where = mxfp4_exponent_at(b);
    return mxfp4_scale(head[where.x] >> where.y);
}

// A quarter of 2^(exponent - 127); what would be subnormal is 0.
float mxfp4_scale_i8(uint exponent)
{
    return uintBitsToFloat((max(exponent & 0xffu, 2u) - 2u) << 23);
}

float w_decode_i8(uvec4 raw[W_RAW], uint b, uvec4 head, out uvec4 w[2])
{
    w_codes_i8(raw, b, w);
    const uvec2 where = mxfp4_exponent_at(b);
    return mxfp4_scale_i8(head[where.x] >> where.y);
}

#ifndef FETCH_TEXEL
#define W_SPLIT 1
#define W_LANE 1

vec4 w_lane(uvec4 raw[W_RAW], uint i)
{
    return mxfp4_codes(raw[0], i);
}

uvec2 w_scale_at(uint b)
{
    return mxfp4_exponent_at(b);
}

float w_scale_of(uint at, uint word, uvec2 where)
{
#ifdef ACT_I8
    return mxfp4_scale_i8(w_words[word] >> where.y);
#else
    return mxfp4_scale(w_words[word] >> where.y);
#endif
}
#endif
