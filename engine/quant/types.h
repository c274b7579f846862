/* types.h - what each type's file gives to the table in quant.c. A new type is a
 * decoder and a pack here, and a row there. */
#ifndef QUANT_TYPES_H
#define QUANT_TYPES_H

#include <stdint.h>

void quant_decode_f32(const void *src, float *dst, uint64_t n);
void quant_decode_f16(const void *src, float *dst, uint64_t n);
void quant_decode_bf16(const void *src, float *dst, uint64_t n);
void quant_decode_q8_0(const void *src, float *dst, uint64_t n);
void quant_decode_q4_0(const void *src, float *dst, uint64_t n);

void quant_pack_f32(const void *src, uint32_t n, uint8_t *slot, uint32_t stride);
void quant_pack_16bit(const void *src, uint32_t n, uint8_t *slot, uint32_t stride);
void quant_pack_q8_0(const void *src, uint32_t n, uint8_t *slot, uint32_t stride);
void quant_pack_q4_0(const void *src, uint32_t n, uint8_t *slot, uint32_t stride);

#endif
