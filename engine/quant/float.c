/* float.c - F32, F16 and BF16: decoders, encoders and packing. */
#include "quant/types.h"

#include <string.h>

#include "base/half.h"
#include "quant/quant.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
               "weights are used as they lie in the file, which is little-endian");

enum { SB_WEIGHTS = 32 };

void quant_decode_f32(const void *src, float *dst, uint64_t n)
{
    memcpy(dst, src, n * sizeof *dst);
}

void quant_decode_f16(const void *src, float *dst, uint64_t n)
{
    const uint8_t *p = src;
    for (uint64_t i = 0; i < n; i++) {
        uint16_t h;
        memcpy(&h, p + 2 * i, sizeof h); /* the file promises no alignment */
        dst[i] = half_to_f32(h);
    }
}

void quant_decode_bf16(const void *src, float *dst, uint64_t n)
{
    const uint8_t *p = src;
    for (uint64_t i = 0; i < n; i++) {
        uint16_t b;
        memcpy(&b, p + 2 * i, sizeof b);
        dst[i] = bf16_to_f32(b);
    }
}

void quant_encode_f32(const float *src, void *dst, uint64_t n)
{
    memcpy(dst, src, n * sizeof *src);
}

void quant_encode_f16(const float *src, void *dst, uint64_t n)
{
    uint8_t *p = dst;
    for (uint64_t i = 0; i < n; i++) {
        const uint16_t h = half_from_f32(src[i]);
        memcpy(p + 2 * i, &h, sizeof h);
    }
}

void quant_encode_bf16(const float *src, void *dst, uint64_t n)
{
    uint8_t *p = dst;
    for (uint64_t i = 0; i < n; i++) {
        const uint16_t b = bf16_from_f32(src[i]);
        memcpy(p + 2 * i, &b, sizeof b);
    }
}

/* `n_slot` pieces of 16 bytes from `bytes` bytes, zeros behind them. */
static void scatter(const uint8_t *src, uint32_t bytes, uint32_t n_slot, uint8_t *slot,
                    uint32_t stride)
{
    for (uint32_t s = 0; s < n_slot; s++) {
        const uint32_t at = s * QUANT_SLOT_BYTES;
        const uint32_t have = bytes > at ? bytes - at : 0;
        uint8_t *piece = slot + (size_t)s * stride;
        if (have >= QUANT_SLOT_BYTES) {
            memcpy(piece, src + at, QUANT_SLOT_BYTES);
            continue;
        }
        memset(piece, 0, QUANT_SLOT_BYTES);
        if (have)
            memcpy(piece, src + at, have);
    }
}

void quant_pack_f32(const void *src, uint32_t n, uint8_t *slot, uint32_t stride)
{
    scatter(src, n * 4, SB_WEIGHTS * 4 / QUANT_SLOT_BYTES, slot, stride);
}

void quant_pack_16bit(const void *src, uint32_t n, uint8_t *slot, uint32_t stride)
{
    scatter(src, n * 2, SB_WEIGHTS * 2 / QUANT_SLOT_BYTES, slot, stride);
}
