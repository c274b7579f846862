/* k.h - a superblock of a K type taken apart; for the decoders, the packing and the
 * encoders alike. */
#ifndef QUANT_K_H
#define QUANT_K_H

#include <stdint.h>

#include "quant/planes.h"

/*
 * weight i = f16(d) * scale[s] * (code[i] - zero) - f16(dmin) * min[s]
 *
 * where s is the sub-block of column i, and zero belongs to the type. Types without
 * minimums have dmin and min 0.
 */
struct quant_k {
    uint8_t code[QUANT_SB_COLS]; /* in order of columns */
    int8_t scale[16];            /* of sub-blocks of 16, or the first 8 of 32 */
    uint8_t min[16];
    uint16_t d, dmin; /* f16 */
};

void quant_split_q2_k(const uint8_t *block, struct quant_k *k);
void quant_split_q3_k(const uint8_t *block, struct quant_k *k);
void quant_split_q4_k(const uint8_t *block, struct quant_k *k);
void quant_split_q5_k(const uint8_t *block, struct quant_k *k);
void quant_split_q6_k(const uint8_t *block, struct quant_k *k);

#endif
