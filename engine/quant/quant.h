/* quant.h - the weight types of GGUF: names, block sizes, decoders; and the
 * layout in which weights lie on the GPU.
 *
 * Decoders are the meaning of a type (ref/ uses them); shaders/types/ must agree. */
#ifndef QUANT_QUANT_H
#define QUANT_QUANT_H

#include <stdbool.h>
#include <stdint.h>

/* Type ids as GGUF files state them (ggml's numbering). */
enum quant_type {
    QUANT_F32 = 0,
    QUANT_F16 = 1,
    QUANT_Q4_0 = 2,
    QUANT_Q4_1 = 3,
    QUANT_Q5_0 = 6,
    QUANT_Q5_1 = 7,
    QUANT_Q8_0 = 8,
    QUANT_Q8_1 = 9,
    QUANT_Q2_K = 10,
    QUANT_Q3_K = 11,
    QUANT_Q4_K = 12,
    QUANT_Q5_K = 13,
    QUANT_Q6_K = 14,
    QUANT_Q8_K = 15,
    QUANT_IQ2_XXS = 16,
    QUANT_IQ2_XS = 17,
    QUANT_IQ3_XXS = 18,
    QUANT_IQ1_S = 19,
    QUANT_IQ4_NL = 20,
    QUANT_IQ3_S = 21,
    QUANT_IQ2_S = 22,
    QUANT_IQ4_XS = 23,
    QUANT_I8 = 24,
    QUANT_I16 = 25,
    QUANT_I32 = 26,
    QUANT_I64 = 27,
    QUANT_F64 = 28,
    QUANT_IQ1_M = 29,
    QUANT_BF16 = 30,
    QUANT_TQ1_0 = 34,
    QUANT_TQ2_0 = 35,
    QUANT_MXFP4 = 39,
    QUANT_NVFP4 = 40
};

struct quant_info {
    uint32_t type;          /* enum quant_type */
    const char *name;       /* "Q8_0" */
    const char *shader;     /* "q8_0": format part of shader names; NULL when
                             * the kernels do not know the type yet */
    uint32_t block_weights; /* weights per block in the file */
    uint32_t block_bytes;   /* bytes per block in the file */

    /* `n` weights (a multiple of block_weights) -> f32. NULL: cannot run yet. */
    void (*decode)(const void *src, float *dst, uint64_t n);
    /* The other way. NULL: we do not write this type. */
    void (*encode)(const float *src, void *dst, uint64_t n);

    /* The GPU layout: superblocks of `sb_weights` columns of one row in
     * `sb_slots` slots of 16 bytes; 0 when there is no decoder. */
    uint32_t sb_weights;
    uint32_t sb_slots;
    /* One superblock of one row. `n` of its sb_weights are in the file at `src`
     * (whole blocks), the rest become zero. `slot` receives sb_slots pieces of
     * 16 bytes, each `stride` bytes after the one before. */
    void (*pack)(const void *src, uint32_t n, uint8_t *slot, uint32_t stride);
    /* The same of eight rows, `row_bytes` apart, with all sb_weights in the file: a whole
     * superblock of a tile. NULL where that is no faster than one row at a time. */
    void (*pack_eight)(const uint8_t *src, uint64_t row_bytes, uint8_t *tile);
};

/* NULL when the id is not known to us at all. */
const struct quant_info *quant_find(uint32_t type);

/* By name, in capitals or not; NULL when there is none. */
const struct quant_info *quant_find_name(const char *name);

/* Bytes of `n` weights in the file; false when `n` is no multiple of the block
 * or the size does not fit 64 bits. */
bool quant_bytes(const struct quant_info *q, uint64_t n, uint64_t *bytes);

/*
 * The GPU layout of a matrix [n_row][n_col]: tiles of 8 rows; a tile holds its
 * superblocks one after the other, a superblock its slots, a slot the 16 bytes
 * of each of the 8 rows. In units of 16 bytes:
 *
 *     ((row / 8 * n_sb + sb) * sb_slots + slot) * 8 + row % 8
 *
 * Rows are padded to 8 and columns to sb_weights, with weights of zero.
 * Eight lanes that work on 8 rows read 128 contiguous bytes at a time.
 *
 *   type   sb_weights  slots  a slot's 16 bytes
 *   F32            32      8  4 weights
 *   F16, BF16      32      4  8 weights
 *   Q8_0          256     17  0: d; 1+2b, 2+2b: 32 signed bytes of block b
 *   Q4_0, IQ4_NL  256      9  0: d; 1..8: codes
 *   Q4_1          256     10  0: d; 1: m; 2..9: codes
 *   Q5_0          256     11  0: d; 1..8: low 4 bits; 9, 10: bit 4
 *   Q5_1          256     12  0: d; 1: m; 2..9: low 4 bits; 10, 11: bit 4
 *   Q2_K          256      6  0: scales; 1: u16 d, dmin; 2..5: codes
 *                             scales: 4 bits, nibble b of word 0 is of the first 16
 *                             columns of block b, of word 1 of the other 16; words 2
 *                             and 3 have the minimums in the same way
 *   Q3_K          256      7  0: u16 d, 0, then six(first, second); 1..4: low 2
 *                             bits; 5, 6: bit 2; first: the scales (plus 32) of the
 *                             first 16 columns of each block, second: of the others
 *   Q4_K          256      9  0: u16 d, dmin, then six(scales, minimums); 1..8: codes
 *   Q5_K          256     11  0: as Q4_K; 1..8: low 4 bits; 9, 10: bit 4
 *   Q6_K          256     14  0: 16 signed bytes, scales of 16 columns; 1: u16 d;
 *                             2..9: low 4 bits; 10..13: bits 4 and 5
 *   IQ4_XS        256      9  0: the file's d and scales; 1..8: codes
 *   MXFP4         256      9  0: eight exponents; 1..8: codes of the block, sorted; byte
 *                             i has, from its highest bit, the sign of column i, three
 *                             bits of i + 16, those of i, the sign of i + 16; zeros
 *                             have none
 *
 *   b      a block of 32 columns, 0..7
 *   d, m   eight f16: the scales, minimums of the blocks
 *   codes  the weights' small integers as the file has them, but sorted: byte i of a
 *          slot with codes of n bits has the columns i, i + 16, i + 32 … of the slot's
 *          128 / n columns, from its lowest bits up
 *   six(a, b)  two lists of eight 6-bit numbers in three words: nibble i of the first
 *          word is of a[i], of the second of b[i]; the high bits of a[i] are at 2 i of
 *          the third, those of b[i] at 16 + 2 i
 *   What is not named is 0.
 */
enum { QUANT_TILE_ROWS = 8, QUANT_SLOT_BYTES = 16 };

uint32_t quant_n_sb(const struct quant_info *q, uint64_t n_col);
/* Bytes of one tile of 8 rows; false when that does not fit 64 bits. */
bool quant_tile_bytes(const struct quant_info *q, uint64_t n_col, uint64_t *bytes);

/* Pack `n_row` rows of the file's bytes at `src` (each row n_col weights, whole
 * blocks) into tiles at `dst`, which holds ceil(n_row / 8) tiles. */
void quant_pack(const struct quant_info *q, const void *src, uint64_t n_row,
                uint64_t n_col, void *dst);

#endif
