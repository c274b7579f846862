/* pack.c - rows of a matrix in the file -> tiles of 8 rows for the GPU. */
#include "quant/quant.h"

#include <assert.h>
#include <string.h>

#include "base/check.h"

enum {
    STRIDE = QUANT_TILE_ROWS * QUANT_SLOT_BYTES, /* from slot to slot of a row */
    MAX_SLOTS = 32                               /* of a superblock, over all types */
};

uint32_t quant_n_sb(const struct quant_info *q, uint64_t n_col)
{
    const uint64_t n = n_col / q->sb_weights + (n_col % q->sb_weights != 0);
    assert(n <= UINT32_MAX); /* quant_tile_bytes() says no before */
    return (uint32_t)n;
}

bool quant_tile_bytes(const struct quant_info *q, uint64_t n_col, uint64_t *bytes)
{
    if (!q->sb_weights || n_col / q->sb_weights >= UINT32_MAX)
        return false;
    return check_mul(quant_n_sb(q, n_col), (uint64_t)q->sb_slots * STRIDE, bytes);
}

/* One tile. A superblock of 8 rows is gathered in the first level cache and then
 * written in one piece: `dst` may be write-combined memory of the GPU, where
 * scattered 16 bytes would each cost a bus transfer. */
static void pack_tile(const struct quant_info *q, const uint8_t *src, uint64_t row_bytes,
                      uint32_t n_row, uint64_t n_col, uint8_t *dst)
{
    uint8_t gathered[MAX_SLOTS * STRIDE];
    const uint32_t n_sb = quant_n_sb(q, n_col);
    const uint64_t sb_src = q->sb_weights / q->block_weights * (uint64_t)q->block_bytes;
    const size_t sb_dst = (size_t)q->sb_slots * STRIDE;

    assert(q->sb_slots <= MAX_SLOTS);
    if (n_row < QUANT_TILE_ROWS) /* rows past the matrix's end stay zero */
        memset(gathered, 0, sb_dst);
    for (uint32_t sb = 0; sb < n_sb; sb++, dst += sb_dst) {
        const uint64_t left = n_col - (uint64_t)sb * q->sb_weights;
        const uint32_t n = left < q->sb_weights ? (uint32_t)left : q->sb_weights;
        if (q->pack_eight && n_row == QUANT_TILE_ROWS && n == q->sb_weights) {
            q->pack_eight(src + sb * sb_src, row_bytes, dst);
            continue;
        }
        for (uint32_t r = 0; r < n_row; r++)
            q->pack(src + r * row_bytes + sb * sb_src, n, gathered + r * QUANT_SLOT_BYTES,
                    STRIDE);
        memcpy(dst, gathered, sb_dst);
    }
}

void quant_pack(const struct quant_info *q, const void *src, uint64_t n_row,
                uint64_t n_col, void *dst)
{
    const uint8_t *from = src;
    uint8_t *to = dst;
    const uint64_t row_bytes = n_col / q->block_weights * q->block_bytes;
    const uint64_t tile_bytes = (uint64_t)quant_n_sb(q, n_col) * q->sb_slots * STRIDE;

    for (uint64_t row = 0; row < n_row; row += QUANT_TILE_ROWS) {
        const uint64_t left = n_row - row;
        const uint32_t n = left < QUANT_TILE_ROWS ? (uint32_t)left : QUANT_TILE_ROWS;
        pack_tile(q, from, row_bytes, n, n_col, to);
        from += n * row_bytes;
        to += tile_bytes;
    }
}
