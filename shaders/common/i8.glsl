// i8.glsl - activations as bytes, for products by packed integer dot, or, where texels are
// fetched, as integers of 16 bits. Every block of 32 columns is rounded to q = round(x / d),
// d = max |x| / 127 or 32767, which is the largest |q|.
//
// Rows are superblocks of 256 columns in slots of 16 bytes.
//   I8_SLOTS   slots 2b and 2b + 1 have the 32 codes of block b, four to a word, lowest
//              column in the lowest byte; slot 16 + b / 2 has, for blocks b and b + 1,
//              {d, d * sum of q}
//   I16_SLOTS  slots 4b … 4b + 3 have the codes of block b, two to a word; word b % 4 of
//              slot 32 + b / 4 has d
// What lies past a row's last block stays 0, so blocks may be read in pairs.

#ifndef I8_GLSL
#define I8_GLSL

#include "common/params.h"

layout(constant_id = CONSTANT_TEXELS) const bool ROUND_I16 = false;

struct i8_block {
    uvec4 q[4]; // the first two, of bytes
    vec2 scale; // d, d * sum of q
};

// Four codes in a word, and their sum.
uint i8_word(vec4 x, float inverse, inout float sum)
{
    const vec4 q = roundEven(x * inverse);
    sum += (q.x + q.y) + (q.z + q.w);
    const uvec4 u = uvec4(ivec4(q)) & 0xffu;
    return u.x | u.y << 8 | u.z << 16 | u.w << 24;
}

// Four codes in two words.
uvec2 i16_words(vec4 x, float inverse)
{
    const uvec4 u = uvec4(ivec4(roundEven(x * inverse)));
    return (u.xz & 0xffffu) | u.yw << 16;
}

i8_block i8_round(vec4 x[8])
{
    const float range = ROUND_I16 ? 32767.0 : 127.0;
    vec4 most = abs(x[0]);
    for (uint i = 1; i < 8; i++)
        most = max(most, abs(x[i]));
    const float largest = max(max(most.x, most.y), max(most.z, most.w));
    const float inverse = largest > 1.0e-30 ? range / largest : 0.0; // finite

    i8_block b;
    float sum = 0.0;
    if (ROUND_I16)
        for (uint i = 0; i < 4; i++)
            b.q[i] = uvec4(i16_words(x[2 * i], inverse), i16_words(x[2 * i + 1], inverse));
    else
        for (uint i = 0; i < 4; i++) {
            b.q[0][i] = i8_word(x[i], inverse, sum);
            b.q[1][i] = i8_word(x[i + 4], inverse, sum);
        }
    b.scale = largest / range * vec2(1.0, sum);
    return b;
}

#ifdef I8_OUT // the buffer of uvec4 to write to, declared before this file is included
// Block b of the row that begins at slot `row`.
void i8_store(uint row, uint b, i8_block v)
{
    const uint i = b % 8u;
    if (ROUND_I16) {
        const uint sb = row + b / 8u * I16_SLOTS;
        for (uint k = 0; k < 4; k++)
            I8_OUT[sb + 4u * i + k] = v.q[k];
        I8_OUT[sb + 32u + i / 4u][i % 4u] = floatBitsToUint(v.scale.x);
        return;
    }
    const uint sb = row + b / 8u * I8_SLOTS;
    I8_OUT[sb + 2u * i] = v.q[0];
    I8_OUT[sb + 2u * i + 1u] = v.q[1];
    I8_OUT[sb + 16u + i / 2u][2u * (i & 1u)] = floatBitsToUint(v.scale.x);
    I8_OUT[sb + 16u + i / 2u][2u * (i & 1u) + 1u] = floatBitsToUint(v.scale.y);
}
#endif

#endif
