// q2_k.glsl - decoder of Q2_K, 2 bits with scale and minimum per 16 columns: see
// common/weights.glsl. Slot 0 of a superblock has the 4-bit scales and minimums, slot 1
// what they are multiplied with.

#include "common/codes.glsl"

#define SB_BLOCKS 8u
#define SB_SLOTS 6u
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

vec4 w_block(uint at, uint b, w_scales head, out vec4 w[BLOCK_VEC4])
{
    const uvec4 q = W_SLOT(at + (2u + b / 2u) * TILE_ROWS) >> (4u * (b & 1u));
    codes_to_floats(q & 0x03030303u, (q >> 2) & 0x03030303u, 0.0, w);
    const vec4 code = vec4((head.code >> (4u * b)) & 15u);
    return code * vec4(head.d.xx, -head.d.yy);
}
