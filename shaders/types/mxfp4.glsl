// mxfp4.glsl - decoder of MXFP4, 32 four-bit floats and a power of two: see
// common/weights.glsl. Slot 0 of a superblock has its 8 exponents.

#include "common/codes.glsl"

#define SB_BLOCKS 8u
#define SB_SLOTS 9u
#define W_I8 1
#define W_RAW 1u

uvec4 w_head(uint at)
{
    return W_SLOT(at);
}

// Twice the weights of the ranks -7..7: 0, 1, 2, 3, 4, 6, 8, 12 and their negatives. The
// polynomial misses none by more than 0.43.
vec4 mxfp4_twice(vec4 rank)
{
    return roundEven(rank * fma(rank, rank * (1.0 / 52.0), vec4(37.0 / 52.0)));
}

void w_fetch(uint at, uint b, out uvec4 raw[W_RAW])
{
    raw[0] = W_SLOT(at + (1u + b) * TILE_ROWS);
}

float w_decode(uvec4 raw[W_RAW], uint b, uvec4 head, out vec4 w[BLOCK_VEC4])
{
    const uvec4 low = codes_low4(raw[0]);
    const uvec4 high = codes_high4(raw[0]);
    [[unroll]] for (uint i = 0; i < 4; i++) {
        w[i] = mxfp4_twice(codes_bytes(low[i]) - 7.0);
        w[i + 4] = mxfp4_twice(codes_bytes(high[i]) - 7.0);
    }
    // 2^(exponent - 128); what would be subnormal is 0
    const uint exponent = (head[b / 4u] >> (8u * (b & 3u))) & 0xffu;
    return uintBitsToFloat((max(exponent, 1u) - 1u) << 23);
}

// Four bytes of twice the weights from four of rank + 7. The magnitudes 0..3 stand for
// themselves; 4..7 are 4 + the lower two bits, twice: 4, 6, 8, 10, and 2 more for the last.
uvec4 mxfp4_twice_i8(uvec4 code)
{
    const uvec4 up = ((code + 0x79797979u) >> 7) & 0x01010101u; // rank >= 0
    const uvec4 not_up = (up ^ 0x01010101u) * 255u;
    const uvec4 seven = uvec4(0x07070707u);
    const uvec4 m = ((code & ~not_up) | (seven & not_up)) -
                    ((seven & ~not_up) | (code & not_up));
    const uvec4 low = m & 0x03030303u;
    const uvec4 large = ((m >> 2) & 0x01010101u) * 255u;
    const uvec4 more = low + 0x04040404u + ((low & (low >> 1)) << 1);
    return ((low + (more & large)) ^ not_up) + (not_up & 0x01010101u);
}

float w_decode_i8(uvec4 raw[W_RAW], uint b, uvec4 head, out uvec4 w[2])
{
    w[0] = mxfp4_twice_i8(codes_low4(raw[0]));
    w[1] = mxfp4_twice_i8(codes_high4(raw[0]));
    const uint exponent = (head[b / 4u] >> (8u * (b & 3u))) & 0xffu;
    return uintBitsToFloat((max(exponent, 1u) - 1u) << 23);
}
