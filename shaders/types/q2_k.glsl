// q2_k.glsl - decoder of Q2_K, 2 bits with scale and minimum per 16 columns: see
// common/weights.glsl. Slot 0 of a superblock has the 4-bit scales and minimums, slot 1
// what they are multiplied with.

#include "common/codes.glsl"

#define SB_BLOCKS 8u
#define SB_SLOTS 6u
#define W_BYTES 1
#define W_NIBBLES 1
#define W_RAW 1u
#define W_HALVES 1
#define W_MIN 1

struct w_scales {
    uvec4 code; // scales of first and second halves, then minimums
    vec2 d;     // of the scales, of the minimums
};
#define W_HEAD w_scales

w_scales w_head(uint at)
{
    return w_scales(W_SLOT(at), unpackHalf2x16(W_SLOT(at + TILE_ROWS).x));
}

void w_fetch(uint at, uint b, out uvec4 raw[W_RAW])
{
    raw[0] = W_SLOT(at + (2u + b / 2u) * TILE_ROWS);
}

vec4 w_codes(uvec4 raw[W_RAW], uint b, w_scales head, out uvec4 w[2])
{
    const uvec4 q = raw[0] >> (4u * (b & 1u));
    w[0] = q & 0x03030303u;
    w[1] = (q >> 2) & 0x03030303u;
    const vec4 code = vec4((head.code >> (4u * b)) & 15u);
    return code * vec4(head.d.xx, -head.d.yy);
}
