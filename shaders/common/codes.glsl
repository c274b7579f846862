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

// f16 number b of a slot.
float codes_half(uvec4 head, uint b)
{
    const vec2 two = unpackHalf2x16(head[b / 2u]);
    return (b & 1u) == 0u ? two.x : two.y;
}

// a[b] and b[b] of the lists that six(a, b) of engine/quant/quant.h packs.
uvec2 codes_six(uvec3 six, uint b)
{
    const uvec2 low = (six.xy >> (4u * b)) & 15u;
    const uvec2 high = (uvec2(six.z, six.z >> 16) >> (2u * b)) & 3u;
    return low | high << 4;
}

#endif
