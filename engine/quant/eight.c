/* eight.c - packing eight rows at once, for types whose codes go to the GPU as the file
 * has them: each slot of a tile is written whole and in order, which is as fast as
 * copying and kind to write-combined memory. */
#include "quant/types.h"

#include <string.h>

#include "quant/quant.h"

/* A superblock of `n_block` blocks: of each block the first `head` bytes go to slot 0 and
 * `n_slot` pieces of 16 bytes to slots of their own. Without heads there is no slot 0. */
static inline __attribute__((always_inline)) void copy_blocks(
    uint32_t n_block, uint32_t head, uint32_t n_slot, const uint8_t *src,
    uint64_t row_bytes, uint8_t *tile)
{
    const uint32_t block = head + n_slot * QUANT_SLOT_BYTES;
    for (uint32_t r = 0; r < QUANT_TILE_ROWS && head; r++) {
        uint8_t slot[QUANT_SLOT_BYTES] = {0};
        for (uint32_t b = 0; b < n_block; b++)
            memcpy(slot + b * head, src + r * row_bytes + b * block, head);
        memcpy(tile, slot, sizeof slot);
        tile += QUANT_SLOT_BYTES;
    }
    for (uint32_t b = 0; b < n_block; b++)
        for (uint32_t s = 0; s < n_slot; s++)
            for (uint32_t r = 0; r < QUANT_TILE_ROWS; r++) {
                memcpy(tile,
                       src + r * row_bytes + b * block + head + s * QUANT_SLOT_BYTES,
                       QUANT_SLOT_BYTES);
                tile += QUANT_SLOT_BYTES;
            }
}

void quant_eight_f32(const uint8_t *src, uint64_t row_bytes, uint8_t *tile)
{
    copy_blocks(1, 0, 8, src, row_bytes, tile);
}

void quant_eight_16bit(const uint8_t *src, uint64_t row_bytes, uint8_t *tile)
{
    copy_blocks(1, 0, 4, src, row_bytes, tile);
}

void quant_eight_q8_0(const uint8_t *src, uint64_t row_bytes, uint8_t *tile)
{
    copy_blocks(8, 2, 2, src, row_bytes, tile);
}

void quant_eight_q4_0(const uint8_t *src, uint64_t row_bytes, uint8_t *tile)
{
    copy_blocks(8, 2, 1, src, row_bytes, tile);
}

void quant_eight_iq4_xs(const uint8_t *src, uint64_t row_bytes, uint8_t *tile)
{
    copy_blocks(1, 8, 8, src, row_bytes, tile);
}
