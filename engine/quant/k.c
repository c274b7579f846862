/* k.c - Q2_K to Q6_K, superblocks of 256 weights whose sub-blocks have scales of few
 * bits: from the file's bytes to codes and scales, and to f32. */
#include "quant/k.h"

#include <string.h>

#include "base/half.h"
#include "quant/types.h"

/* Blocks as ggml's structures define them. A file promises no alignment, so they are
 * copied before use. */

struct block_q2_k {
    uint8_t scale[16]; /* of 16 columns: low nibble scale, high nibble minimum */
    uint8_t q[64];
    uint16_t d, dmin;
};
_Static_assert(sizeof(struct block_q2_k) == 84, "84 bytes per 256 weights");

struct block_q3_k {
    uint8_t high[32];
    uint8_t q[64];
    uint8_t scale[12];
    uint16_t d;
};
_Static_assert(sizeof(struct block_q3_k) == 110, "110 bytes per 256 weights");

struct block_q4_k {
    uint16_t d, dmin;
    uint8_t scale[12];
    uint8_t q[128];
};
_Static_assert(sizeof(struct block_q4_k) == 144, "144 bytes per 256 weights");

struct block_q5_k {
    uint16_t d, dmin;
    uint8_t scale[12];
    uint8_t high[32];
    uint8_t q[128];
};
_Static_assert(sizeof(struct block_q5_k) == 176, "176 bytes per 256 weights");

struct block_q6_k {
    uint8_t q[128];
    uint8_t high[64];
    int8_t scale[16];
    uint16_t d;
};
_Static_assert(sizeof(struct block_q6_k) == 210, "210 bytes per 256 weights");

/* 64 bytes: of each 32 the columns l, l + 32, l + 64, l + 96 from low to high bits. */
static void split_two_bits(const uint8_t *q, uint8_t *code)
{
    for (uint32_t half = 0; half < 2; half++)
        for (uint32_t j = 0; j < 4; j++)
            for (uint32_t l = 0; l < 32; l += 8)
                quant_store8(code + 128 * half + 32 * j + l,
                             quant_load8(q + 32 * half + l) >> (2 * j) &
                                 QUANT_EACH_BYTE(3));
}

/* 128 bytes: of each 32 the columns l in the low, l + 32 in the high nibbles. */
static void split_nibbles(const uint8_t *q, uint8_t *code)
{
    for (uint32_t c = 0; c < 4; c++)
        for (uint32_t l = 0; l < 32; l += 8) {
            const uint64_t word = quant_load8(q + 32 * c + l);
            quant_store8(code + 64 * c + l, word & QUANT_EACH_BYTE(15));
            quant_store8(code + 64 * c + 32 + l, word >> 4 & QUANT_EACH_BYTE(15));
        }
}

/* 32 bytes: bit j of byte l belongs to column 32 j + l. */
static void add_high_bits(const uint8_t *high, uint32_t shift, uint8_t *code)
{
    for (uint32_t j = 0; j < 8; j++)
        for (uint32_t l = 0; l < 32; l += 8) {
            uint8_t *at = code + 32 * j + l;
            const uint64_t bit = quant_load8(high + l) >> j & QUANT_EACH_BYTE(1);
            quant_store8(at, quant_load8(at) | bit << shift);
        }
}

/* 12 bytes: eight scales and eight minimums of 6 bits. The first four of each fill
 * the low bits of bytes 0..3 and 4..7; of the others the low nibbles are in bytes
 * 8..11 (minimums in the high half) and the rest in the two top bits of 0..7. */
static void split_scales_and_mins(const uint8_t *s, struct quant_k *k)
{
    for (uint32_t j = 0; j < 4; j++) {
        k->scale[j] = (int8_t)(s[j] & 63);
        k->min[j] = s[4 + j] & 63;
        k->scale[4 + j] = (int8_t)((s[8 + j] & 15) | s[j] >> 6 << 4);
        k->min[4 + j] = (uint8_t)(s[8 + j] >> 4 | s[4 + j] >> 6 << 4);
    }
}

void quant_split_q2_k(const uint8_t *block, struct quant_k *k)
{
    struct block_q2_k b;
    memcpy(&b, block, sizeof b);
    split_two_bits(b.q, k->code);
    for (uint32_t s = 0; s < 16; s++) {
        k->scale[s] = (int8_t)(b.scale[s] & 15);
        k->min[s] = b.scale[s] >> 4;
    }
    k->d = b.d;
    k->dmin = b.dmin;
}

/* Scales less 32: low nibbles of 0..7 and 8..15 in bytes 0..7, and two more bits in
 * bytes 8..11, four scales apart. */
void quant_split_q3_k(const uint8_t *block, struct quant_k *k)
{
    struct block_q3_k b;
    memcpy(&b, block, sizeof b);
    split_two_bits(b.q, k->code);
    add_high_bits(b.high, 2, k->code);
    for (uint32_t s = 0; s < 16; s++) {
        const uint32_t low = s < 8 ? b.scale[s] & 15u : b.scale[s - 8] >> 4;
        const uint32_t high = b.scale[8 + s % 4] >> (2 * (s / 4)) & 3u;
        k->scale[s] = (int8_t)((int)(low | high << 4) - 32);
        k->min[s] = 0;
    }
    k->d = b.d;
    k->dmin = 0;
}

void quant_split_q4_k(const uint8_t *block, struct quant_k *k)
{
    struct block_q4_k b;
    memcpy(&b, block, sizeof b);
    split_nibbles(b.q, k->code);
    split_scales_and_mins(b.scale, k);
    k->d = b.d;
    k->dmin = b.dmin;
}

void quant_split_q5_k(const uint8_t *block, struct quant_k *k)
{
    struct block_q5_k b;
    memcpy(&b, block, sizeof b);
    split_nibbles(b.q, k->code);
    add_high_bits(b.high, 4, k->code);
    split_scales_and_mins(b.scale, k);
    k->d = b.d;
    k->dmin = b.dmin;
}

/* Of each half: 64 bytes with the columns l and l + 64 in the nibbles, 32 with the two
 * high bits of the columns l, l + 32, l + 64, l + 96. */
void quant_split_q6_k(const uint8_t *block, struct quant_k *k)
{
    struct block_q6_k b;
    memcpy(&b, block, sizeof b);
    split_two_bits(b.high, k->code);
    for (uint32_t half = 0; half < 2; half++)
        for (uint32_t l = 0; l < 64; l += 8) {
            uint8_t *c = k->code + 128 * half + l;
            const uint64_t q = quant_load8(b.q + 64 * half + l);
            quant_store8(c, quant_load8(c) << 4 | (q & QUANT_EACH_BYTE(15)));
            quant_store8(c + 64,
                         quant_load8(c + 64) << 4 | (q >> 4 & QUANT_EACH_BYTE(15)));
        }
    memcpy(k->scale, b.scale, sizeof b.scale);
    memset(k->min, 0, sizeof k->min);
    k->d = b.d;
    k->dmin = 0;
}

/* `sub` columns share a scale. No product rounds: an f16 has 11 significant bits, a
 * scale at most 7, a code at most 5 of its own; so only the minimum's subtraction does.
 */
static void decode(void (*split)(const uint8_t *, struct quant_k *), uint32_t bytes,
                   uint32_t sub, int zero, const void *src, float *dst, uint64_t n)
{
    const uint8_t *p = src;
    struct quant_k k;
    for (uint64_t at = 0; at < n; at += QUANT_SB_COLS, p += bytes) {
        split(p, &k);
        const float d = half_to_f32(k.d), dmin = half_to_f32(k.dmin);
        for (uint32_t i = 0; i < QUANT_SB_COLS; i++) {
            const float scale = d * (float)k.scale[i / sub];
            const float min = dmin * (float)k.min[i / sub];
            dst[at + i] = scale * (float)(k.code[i] - zero) - min;
        }
    }
}

void quant_decode_q2_k(const void *src, float *dst, uint64_t n)
{
    decode(quant_split_q2_k, sizeof(struct block_q2_k), 16, 0, src, dst, n);
}

void quant_decode_q3_k(const void *src, float *dst, uint64_t n)
{
    decode(quant_split_q3_k, sizeof(struct block_q3_k), 16, 4, src, dst, n);
}

void quant_decode_q4_k(const void *src, float *dst, uint64_t n)
{
    decode(quant_split_q4_k, sizeof(struct block_q4_k), 32, 0, src, dst, n);
}

void quant_decode_q5_k(const void *src, float *dst, uint64_t n)
{
    decode(quant_split_q5_k, sizeof(struct block_q5_k), 32, 0, src, dst, n);
}

void quant_decode_q6_k(const void *src, float *dst, uint64_t n)
{
    decode(quant_split_q6_k, sizeof(struct block_q6_k), 16, 32, src, dst, n);
}
