// codes.glsl - what the decoders of types/ share: from words of small integers to
// floats, and the scales of a block from a superblock's head.
//
// Masked once per word, so that what is left are whole bytes, which GPUs convert in one
// go. Byte i of a slot with codes of n bits has the columns i, i + 16, i + 32 …; so of
// block b the first 16 columns are `low` and the others `high` below.

#ifndef CODES_GLSL
#define CODES_GLSL

// Four bytes of a word, each 0..255.
vec4 codes_bytes(uint q)
{
    return vec4(q & 0xffu, (q >> 8) & 0xffu, (q >> 16) & 0xffu, q >> 24);
}

// Signed bytes. Shifts, because some compilers make a function call of bitfieldExtract.
vec4 codes_signed_bytes(uint q)
{
    const ivec4 up = ivec4(uvec4(q << 24, q << 16, q << 8, q));
    return vec4(up >> 24);
}

// A block's 32 codes. With W_IN_PLACE each byte stays where it is in its word, and so is
// 256^i times as large: a loop over many rows has scaled the activations to fit.
void codes_to_floats(uvec4 low, uvec4 high, out vec4 w[BLOCK_VEC4])
{
#if W_IN_PLACE
    const uvec4 mask = uvec4(0x7fu, 0x7f00u, 0x7f0000u, 0x7f000000u);
    [[unroll]] for (uint i = 0; i < 4; i++) {
        w[i] = vec4(ivec4(low[i] & mask));
        w[i + 4] = vec4(ivec4(high[i] & mask));
    }
#else
    [[unroll]] for (uint i = 0; i < 4; i++) {
        w[i] = codes_bytes(low[i]);
        w[i + 4] = codes_bytes(high[i]);
    }
#endif
}

// Nibbles: a slot is one block.
uvec4 codes_low4(uvec4 q)
{
    return q & 0x0f0f0f0fu;
}

uvec4 codes_high4(uvec4 q)
{
    return (q >> 4) & 0x0f0f0f0fu;
}

// Four bytes less those of `zero`, as signed bytes; all below 128.
uvec4 codes_less(uvec4 q, uint zero)
{
    return ((q | 0x80808080u) - zero) ^ 0x80808080u;
}

// Codes 4 i … of a slot of nibbles, as floats, plus codes_nibbles_plus(i). The lower ones
// as bytes. The upper ones are put into the mantissas of pairs of f16 with the exponent of
// 16: GPUs turn those to floats as they multiply, or two in one go. An exponent of 64
// would save a shift, and cost more digits than the others lose.
vec4 codes_nibbles(uvec4 q, uint i)
{
    const uint w = q[i % 4u];
    if (i < 4u)
        return codes_bytes(w & 0x0f0f0f0fu);
    const vec2 xz = unpackHalf2x16(((w << 2) & 0x03c003c0u) | 0x4c004c00u);
    const vec2 yw = unpackHalf2x16(((w >> 6) & 0x03c003c0u) | 0x4c004c00u);
    return vec4(xz, yw).xzyw;
}

vec4 codes_nibbles_plus(uint i)
{
    return vec4(i < 4u ? 0.0 : 16.0);
}

// f16 number b of a slot.
float codes_half(uvec4 head, uint b)
{
    const vec2 two = unpackHalf2x16(head[b / 2u]);
    return (b & 1u) == 0u ? two.x : two.y;
}

// The same of the word of the slot that has it: where it is, and it.
uvec2 codes_half_at(uint b)
{
    return uvec2(b / 2u, (b & 1u) != 0u ? 16u : 0u);
}

float codes_half_of(uint word, uvec2 where)
{
    return unpackHalf2x16(word >> where.y).x;
}

// a[b] and b[b] of the lists that six(a, b) of engine/quant/quant.h packs.
uvec2 codes_six(uvec3 six, uint b)
{
    const uvec2 low = (six.xy >> (4u * b)) & 15u;
    const uvec2 high = (uvec2(six.z, six.z >> 16) >> (2u * b)) & 3u;
    return low | high << 4;
}

// The same in fewer steps, where what does not depend on the superblock is had before.
uvec2 codes_six_at(uint b)
{
    return uvec2(4u * b, 2u * b + 12u);
}

uvec2 codes_six_of(uvec3 six, uvec2 where)
{
    const int bit = int(where.x);
    const uvec2 low =
        uvec2(bitfieldExtract(six.x, bit, 4), bitfieldExtract(six.y, bit, 4));
    return low | (uvec2((six.z << 16), six.z) >> where.y & 0x30u);
}

#endif
