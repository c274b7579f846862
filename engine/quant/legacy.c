/* legacy.c - Q8_0 and Q4_0, blocks of 32 weights with one f16 scale: decoders and
 * packing. */
#include "quant/types.h"

#include <string.h>

#include "base/half.h"
#include "quant/quant.h"

enum { BLOCK = 32, SB_BLOCKS = 8 };

/* weight i = d * q[i] */
struct block_q8_0 {
    uint16_t d; /* f16 */
    int8_t q[BLOCK];
};
_Static_assert(sizeof(struct block_q8_0) == 34, "34 bytes per 32 weights");

/* weight i = d * (low nibble of q[i] - 8), weight i + 16 = d * (high nibble - 8) */
struct block_q4_0 {
    uint16_t d; /* f16 */
    uint8_t q[BLOCK / 2];
};
_Static_assert(sizeof(struct block_q4_0) == 18, "18 bytes per 32 weights");

void quant_decode_q8_0(const void *src, float *dst, uint64_t n)
{
    const uint8_t *p = src;
    for (uint64_t i = 0; i < n; i += BLOCK, p += sizeof(struct block_q8_0)) {
        struct block_q8_0 b;
        memcpy(&b, p, sizeof b); /* the file promises no alignment */
        const float d = half_to_f32(b.d);
        for (uint32_t j = 0; j < BLOCK; j++)
            dst[i + j] = d * (float)b.q[j];
    }
}

void quant_decode_q4_0(const void *src, float *dst, uint64_t n)
{
    const uint8_t *p = src;
    for (uint64_t i = 0; i < n; i += BLOCK, p += sizeof(struct block_q4_0)) {
        struct block_q4_0 b;
        memcpy(&b, p, sizeof b);
        const float d = half_to_f32(b.d);
        for (uint32_t j = 0; j < BLOCK / 2; j++) {
            dst[i + j] = d * (float)((b.q[j] & 15) - 8);
            dst[i + j + BLOCK / 2] = d * (float)((b.q[j] >> 4) - 8);
        }
    }
}

void quant_pack_q8_0(const void *src, uint32_t n, uint8_t *slot, uint32_t stride)
{
    const uint8_t *p = src;
    const uint32_t n_block = n / BLOCK;
    uint16_t d[SB_BLOCKS] = {0};
    uint8_t *at = slot + stride;

    for (uint32_t b = 0; b < n_block; b++, p += sizeof(struct block_q8_0)) {
        memcpy(&d[b], p, 2);
        memcpy(at, p + 2, QUANT_SLOT_BYTES);
        memcpy(at + stride, p + 2 + QUANT_SLOT_BYTES, QUANT_SLOT_BYTES);
        at += 2 * (size_t)stride;
    }
    for (uint32_t s = 2 * n_block; s < 2 * SB_BLOCKS; s++, at += stride)
        memset(at, 0, QUANT_SLOT_BYTES);
    memcpy(slot, d, sizeof d);
}

void quant_pack_q4_0(const void *src, uint32_t n, uint8_t *slot, uint32_t stride)
{
    const uint8_t *p = src;
    const uint32_t n_block = n / BLOCK;
    uint16_t d[SB_BLOCKS] = {0};
    uint8_t *at = slot + stride;

    for (uint32_t b = 0; b < n_block; b++, p += sizeof(struct block_q4_0), at += stride) {
        memcpy(&d[b], p, 2);
        memcpy(at, p + 2, QUANT_SLOT_BYTES);
    }
    /* Nibbles of 0 mean -8, but their scale is 0 too. */
    for (uint32_t b = n_block; b < SB_BLOCKS; b++, at += stride)
        memset(at, 0, QUANT_SLOT_BYTES);
    memcpy(slot, d, sizeof d);
}
