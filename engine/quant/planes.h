/* planes.h - laying the small integer codes of weights into 16-byte slots. */
#ifndef QUANT_PLANES_H
#define QUANT_PLANES_H

#include <string.h>

#include "quant/quant.h"

enum { QUANT_SB_COLS = 256 }; /* columns of a superblock of coded weights */

/* Eight codes of a byte each are worked on at once, in one word: a shift takes bits of
 * the neighbour along, which the mask after it drops. */
#define QUANT_EACH_BYTE(value) (UINT64_C(0x0101010101010101) * (value))

static inline uint64_t quant_load8(const uint8_t *at)
{
    uint64_t word;
    memcpy(&word, at, sizeof word); /* the file promises no alignment */
    return word;
}

static inline void quant_store8(uint8_t *at, uint64_t word)
{
    memcpy(at, &word, sizeof word);
}

/* One rule for every width: byte i of a slot has the columns i, i + 16, i + 32 … of
 * the slot's 128 / bits columns, from its lowest bits up. So one mask over a word
 * gives the codes of four neighbouring columns, each in its own byte. */
static inline __attribute__((always_inline)) void quant_lay_slot(const uint8_t *code,
                                                                 uint32_t shift,
                                                                 uint32_t bits,
                                                                 uint8_t *slot)
{
    const uint64_t mask = QUANT_EACH_BYTE((1u << bits) - 1);
    for (uint32_t i = 0; i < QUANT_SLOT_BYTES; i += 8) {
        uint64_t out = 0;
        for (uint32_t k = 0; k < 8 / bits; k++)
            out |= (quant_load8(code + k * QUANT_SLOT_BYTES + i) >> shift & mask)
                   << (bits * k);
        quant_store8(slot + i, out);
    }
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
