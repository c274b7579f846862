/* planes.h - laying the small integer codes of weights into 16-byte slots. */
#ifndef QUANT_PLANES_H
#define QUANT_PLANES_H

#include <string.h>

#include "quant/quant.h"

enum { QUANT_SB_COLS = 256 }; /* columns of a superblock of coded weights */

/* One rule for every width: byte i of a slot has the columns i, i + 16, i + 32 … of
 * the slot's 128 / bits columns, from its lowest bits up. So one mask over a word
 * gives the codes of four neighbouring columns, each in its own byte. */
static inline __attribute__((always_inline)) void quant_lay_slot(const uint8_t *code,
                                                                 uint32_t shift,
                                                                 uint32_t bits,
                                                                 uint8_t *slot)
{
    const uint8_t mask = (uint8_t)((1u << bits) - 1);
    uint8_t out[QUANT_SLOT_BYTES] = {0};
    for (uint32_t k = 0; k < 8 / bits; k++)
        for (uint32_t i = 0; i < QUANT_SLOT_BYTES; i++) {
            const uint8_t c = code[k * QUANT_SLOT_BYTES + i] >> shift & mask;
            out[i] |= (uint8_t)(c << (bits * k));
        }
    memcpy(slot, out, sizeof out);
}

/* The bits [shift, shift + bits) of all 256 codes: 2 * bits slots. */
static inline __attribute__((always_inline)) void quant_lay_plane(
    const uint8_t *code, uint32_t shift, uint32_t bits, uint8_t *slot, uint32_t stride)
{
    for (uint32_t s = 0; s < 2 * bits; s++)
        quant_lay_slot(code + s * (QUANT_SB_COLS / 2 / bits), shift, bits,
                       slot + (size_t)s * stride);
}

#endif
