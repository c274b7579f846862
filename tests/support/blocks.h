/* blocks.h - random blocks of every weight type that can run, as a file has them. */
#ifndef SUPPORT_BLOCKS_H
#define SUPPORT_BLOCKS_H

#include "quant/quant.h"

/* Fill `bytes` (whole blocks) at `dst` with weights below about 1. All bits of codes
 * and scales are random. Fails the test for types that are not known here. */
void blocks_random(const struct quant_info *q, uint8_t *dst, uint64_t bytes,
                   uint64_t *seed);

/* The type that can run with the next higher id than `after`'s; NULL behind the last.
 * Start with NULL. */
const struct quant_info *blocks_next_type(const struct quant_info *after);

#endif
