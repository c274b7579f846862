/* half.h - f16 and bf16 to f32 and back. */
#ifndef BASE_HALF_H
#define BASE_HALF_H

#include <stdint.h>

/* IEEE 754 binary16 -> binary32, exact, subnormals, infinities and NaN kept. */
float half_to_f32(uint16_t h);
/* Nearest, ties to even; overflow gives infinity. */
uint16_t half_from_f32(float f);

/* bfloat16 is the upper half of an f32. */
float bf16_to_f32(uint16_t b);
/* Nearest, ties to even; NaN stays NaN. */
uint16_t bf16_from_f32(float f);

#endif
