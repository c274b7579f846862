/* mxfp4.c - MXFP4, blocks of 32 four-bit floats with a power of two: decoder and
 * packing. Source: OCP Microscaling Formats (MX) Specification 1.0: elements E2M1,
 * scale E8M0. */
#include "quant/types.h"

#include <math.h>
#include <string.h>

#include "quant/planes.h"

enum { BLOCK = 32, SB_BLOCKS = 8 };

/* weight i = 2^(exponent - 127) * E2M1 of the low nibble of q[i], i + 16: of the high
 * one. As ggml does, 255 is an exponent like the others and no NaN. */
struct block_mxfp4 {
    uint8_t exponent;
    uint8_t q[BLOCK / 2];
};
_Static_assert(sizeof(struct block_mxfp4) == 17, "17 bytes per 32 weights");

/* Twice the value of sign, two bits of exponent, one of mantissa. */
static const int8_t twice[16] = {0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};

void quant_decode_mxfp4(const void *src, float *dst, uint64_t n)
{
    const uint8_t *p = src;
    for (uint64_t i = 0; i < n; i += BLOCK, p += sizeof(struct block_mxfp4)) {
        struct block_mxfp4 b;
        memcpy(&b, p, sizeof b);
        const float scale = ldexpf(1.0f, b.exponent - 128);
        for (uint32_t j = 0; j < BLOCK / 2; j++) {
            dst[i + j] = scale * (float)twice[b.q[j] & 15];
            dst[i + j + BLOCK / 2] = scale * (float)twice[b.q[j] >> 4];
        }
    }
}

/* Sixteen nibbles of sign and magnitude to their order of value, 7 in the middle: that
 * way a short polynomial gives the weight, where the original code would need a table. 7
 * + magnitude, or where the sign is set 7 - magnitude, which is its low bits flipped. */
static uint64_t in_order(uint64_t nibbles)
{
    const uint64_t sevens = UINT64_C(0x7777777777777777);
    const uint64_t negative = (nibbles >> 3 & UINT64_C(0x1111111111111111)) * 7;
    return ((nibbles & sevens) ^ negative) + (sevens ^ negative);
}

void quant_pack_mxfp4(const void *src, uint32_t n, uint8_t *slot, uint32_t stride)
{
    const uint8_t *p = src;
    const uint32_t n_block = n / BLOCK;
    uint8_t exponents[QUANT_SLOT_BYTES] = {0};
    uint8_t *at = slot + stride;

    for (uint32_t b = 0; b < n_block;
         b++, p += sizeof(struct block_mxfp4), at += stride) {
        exponents[b] = p[0];
        quant_store8(at, in_order(quant_load8(p + 1)));
        quant_store8(at + 8, in_order(quant_load8(p + 1 + 8)));
    }
    /* The kernels take exponents of 0 and 1, whose scales are no normal f32, as 0. */
    for (uint32_t b = n_block; b < SB_BLOCKS; b++, at += stride)
        memset(at, 0, QUANT_SLOT_BYTES);
    memcpy(slot, exponents, sizeof exponents);
}
