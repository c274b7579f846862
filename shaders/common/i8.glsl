// i8.glsl - activations as bytes, for products by packed integer dot. Every block of 32
// columns is rounded to q = round(x / d), d = max |x| / 127, so that |q| <= 127.
//
// Rows are superblocks of 256 columns in I8_SLOTS slots of 16 bytes: slots 2b and 2b + 1
// have the 32 codes of block b, four to a word, lowest column in the lowest byte; slot
// 16 + b / 2 has, for blocks b and b + 1, {d, d * sum of q}. What lies past a row's last
// block stays 0, so blocks may be read in pairs.

#ifndef I8_GLSL
#define I8_GLSL

#include "common/params.h"

// Index of the first slot of superblock sb, in a row that begins at `row`.
uint i8_superblock(uint row, uint sb)
{
    return row + sb * I8_SLOTS;
}

struct i8_block {
    uvec4 q[2];
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

i8_block i8_round(vec4 x[8])
{
    vec4 most = abs(x[0]);
    for (uint i = 1; i < 8; i++)
        most = max(most, abs(x[i]));
    const float largest = max(max(most.x, most.y), max(most.z, most.w));
    const float inverse = largest > 0.0 ? 127.0 / largest : 0.0;

    i8_block b;
    float sum = 0.0;
    for (uint i = 0; i < 4; i++) {
        b.q[0][i] = i8_word(x[i], inverse, sum);
        b.q[1][i] = i8_word(x[i + 4], inverse, sum);
    }
    b.scale = largest / 127.0 * vec2(1.0, sum);
    return b;
}

#ifdef I8_OUT // the buffer of uvec4 to write to, declared before this file is included
// Block b of the row that begins at slot `row`.
void i8_store(uint row, uint b, i8_block v)
{
    const uint sb = i8_superblock(row, b / 8u), i = b % 8u;
    I8_OUT[sb + 2u * i] = v.q[0];
    I8_OUT[sb + 2u * i + 1u] = v.q[1];
    I8_OUT[sb + 16u + i / 2u][2u * (i & 1u)] = floatBitsToUint(v.scale.x);
    I8_OUT[sb + 16u + i / 2u][2u * (i & 1u) + 1u] = floatBitsToUint(v.scale.y);
}
#endif

#endif
