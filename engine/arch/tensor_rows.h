/* tensor_rows.h - rows of tensor lists, shortly: slot, name, need, sizes innermost
 * first. BLK: one of each block, whose number comes before the name. */
#ifndef ARCH_TENSOR_ROWS_H
#define ARCH_TENSOR_ROWS_H

#include "arch/arch.h"

/* clang-format off */
#define ROW(slot, name, need, ...) {SLOT_##slot, name, NEED_##need, {__VA_ARGS__}}
#define BLK(slot, name, need, ...) ROW(slot, "blk.%u." name, need, __VA_ARGS__)
#define END_OF_LIST {.name = NULL}
/* clang-format on */

#endif
