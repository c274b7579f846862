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
void quant_decode_q4_1(const void *src, float *dst, uint64_t n);
void quant_decode_q5_0(const void *src, float *dst, uint64_t n);
void quant_decode_q5_1(const void *src, float *dst, uint64_t n);
void quant_decode_q2_k(const void *src, float *dst, uint64_t n);
void quant_decode_q3_k(const void *src, float *dst, uint64_t n);
void quant_decode_q4_k(const void *src, float *dst, uint64_t n);
void quant_decode_q5_k(const void *src, float *dst, uint64_t n);
void quant_decode_q6_k(const void *src, float *dst, uint64_t n);
void quant_decode_iq4_nl(const void *src, float *dst, uint64_t n);
void quant_decode_iq4_xs(const void *src, float *dst, uint64_t n);
void quant_decode_mxfp4(const void *src, float *dst, uint64_t n);

void quant_pack_f32(const void *src, uint32_t n, uint8_t *slot, uint32_t stride);
void quant_pack_16bit(const void *src, uint32_t n, uint8_t *slot, uint32_t stride);
void quant_pack_q8_0(const void *src, uint32_t n, uint8_t *slot, uint32_t stride);
void quant_pack_q4_0(const void *src, uint32_t n, uint8_t *slot, uint32_t stride);
void quant_pack_q4_1(const void *src, uint32_t n, uint8_t *slot, uint32_t stride);
void quant_pack_q5_0(const void *src, uint32_t n, uint8_t *slot, uint32_t stride);
void quant_pack_q5_1(const void *src, uint32_t n, uint8_t *slot, uint32_t stride);
void quant_pack_q2_k(const void *src, uint32_t n, uint8_t *slot, uint32_t stride);
void quant_pack_q3_k(const void *src, uint32_t n, uint8_t *slot, uint32_t stride);
void quant_pack_q4_k(const void *src, uint32_t n, uint8_t *slot, uint32_t stride);
void quant_pack_q5_k(const void *src, uint32_t n, uint8_t *slot, uint32_t stride);
void quant_pack_q6_k(const void *src, uint32_t n, uint8_t *slot, uint32_t stride);
void quant_pack_iq4_nl(const void *src, uint32_t n, uint8_t *slot, uint32_t stride);
void quant_pack_iq4_xs(const void *src, uint32_t n, uint8_t *slot, uint32_t stride);
void quant_pack_mxfp4(const void *src, uint32_t n, uint8_t *slot, uint32_t stride);

void quant_eight_f32(const uint8_t *src, uint64_t row_bytes, uint8_t *tile);
void quant_eight_16bit(const uint8_t *src, uint64_t row_bytes, uint8_t *tile);
void quant_eight_q8_0(const uint8_t *src, uint64_t row_bytes, uint8_t *tile);
void quant_eight_q4_0(const uint8_t *src, uint64_t row_bytes, uint8_t *tile);
void quant_eight_iq4_xs(const uint8_t *src, uint64_t row_bytes, uint8_t *tile);

void quant_encode_f32(const float *src, void *dst, uint64_t n);
void quant_encode_f16(const float *src, void *dst, uint64_t n);
void quant_encode_bf16(const float *src, void *dst, uint64_t n);
void quant_encode_q8_0(const float *src, void *dst, uint64_t n);
void quant_encode_q4_0(const float *src, void *dst, uint64_t n);
void quant_encode_q4_1(const float *src, void *dst, uint64_t n);
void quant_encode_q5_0(const float *src, void *dst, uint64_t n);
void quant_encode_q5_1(const float *src, void *dst, uint64_t n);
void quant_encode_q2_k(const float *src, void *dst, uint64_t n);
void quant_encode_q3_k(const float *src, void *dst, uint64_t n);
void quant_encode_q4_k(const float *src, void *dst, uint64_t n);
void quant_encode_q5_k(const float *src, void *dst, uint64_t n);
void quant_encode_q6_k(const float *src, void *dst, uint64_t n);
void quant_encode_iq4_nl(const float *src, void *dst, uint64_t n);
void quant_encode_iq4_xs(const float *src, void *dst, uint64_t n);
void quant_encode_mxfp4(const float *src, void *dst, uint64_t n);

/* What the sixteen codes of IQ4_NL and IQ4_XS mean, in rising order. */
extern const int8_t quant_iq4_value[16];

#endif
