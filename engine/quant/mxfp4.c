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

/* Eight bytes of two codes each, sorted so that one mask gives two floats of 16 bits of
 * the lower codes: sign of the lower, then the higher without its sign, the lower without
 * its, sign of the higher. Of zeros it is cleared: products of integers know no -0. */
static uint64_t for_halves(uint64_t codes)
{
    const uint64_t size = QUANT_EACH_BYTE(7), sign = QUANT_EACH_BYTE(8);
    const uint64_t low = codes & size, high = codes >> 4 & size;
    const uint64_t low_sign = codes & (low + size) & sign;
    const uint64_t high_sign = codes >> 4 & (high + size) & sign;
    return low_sign << 4 | high << 4 | low << 1 | high_sign >> 3;
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
        quant_store8(at, for_halves(quant_load8(p + 1)));
        quant_store8(at + 8, for_halves(quant_load8(p + 1 + 8)));
    }
    for (uint32_t b = n_block; b < SB_BLOCKS; b++, at += stride)
        memset(at, 0, QUANT_SLOT_BYTES);
    memcpy(slot, exponents, sizeof exponents);
}
