/* offset.c - Q4_1, Q5_0 and Q5_1, blocks of 32 weights with a scale and a minimum or a
 * fifth bit: decoders and packing. */
#include "quant/types.h"

#include <string.h>

#include "base/half.h"
#include "quant/planes.h"

enum { BLOCK = 32, SB_BLOCKS = 8 };

/* In all of them nibble i of q is of weight i when low, of weight i + 16 when high,
 * and bit i of `fifth` is bit 4 of weight i's code. */

/* weight i = d * code + min */
struct block_q4_1 {
    uint16_t d, min; /* f16 */
    uint8_t q[BLOCK / 2];
};
_Static_assert(sizeof(struct block_q4_1) == 20, "20 bytes per 32 weights");

/* weight i = d * (code - 16) */
struct block_q5_0 {
    uint16_t d; /* f16 */
    uint8_t fifth[BLOCK / 8];
    uint8_t q[BLOCK / 2];
};
_Static_assert(sizeof(struct block_q5_0) == 22, "22 bytes per 32 weights");

/* weight i = d * code + min */
struct block_q5_1 {
    uint16_t d, min; /* f16 */
    uint8_t fifth[BLOCK / 8];
    uint8_t q[BLOCK / 2];
};
_Static_assert(sizeof(struct block_q5_1) == 24, "24 bytes per 32 weights");

/* A block of any of the three, taken apart. */
struct parts {
    uint16_t d, min;
    uint8_t code[BLOCK];
};

static void split_nibbles(const uint8_t *q, uint8_t *code)
{
    for (uint32_t i = 0; i < BLOCK / 2; i += 8) {
        const uint64_t word = quant_load8(q + i);
        quant_store8(code + i, word & QUANT_EACH_BYTE(15));
        quant_store8(code + i + BLOCK / 2, word >> 4 & QUANT_EACH_BYTE(15));
    }
}

/* Bit i of `bits` alone in byte i, as 0 or 1. */
static uint64_t bits_to_bytes(uint8_t bits)
{
    const uint64_t each = QUANT_EACH_BYTE(bits) & UINT64_C(0x8040201008040201);
    return (each + QUANT_EACH_BYTE(0x7f)) >> 7 & QUANT_EACH_BYTE(1);
}

static void add_fifth(const uint8_t *fifth, uint8_t *code)
{
    for (uint32_t i = 0; i < BLOCK; i += 8)
        quant_store8(code + i, quant_load8(code + i) | bits_to_bytes(fifth[i / 8]) << 4);
}

static void split_q4_1(const uint8_t *block, struct parts *p)
{
    struct block_q4_1 b;
    memcpy(&b, block, sizeof b); /* the file promises no alignment */
    p->d = b.d;
    p->min = b.min;
    split_nibbles(b.q, p->code);
}

static void split_q5_0(const uint8_t *block, struct parts *p)
{
    struct block_q5_0 b;
    memcpy(&b, block, sizeof b);
    p->d = b.d;
    p->min = 0;
    split_nibbles(b.q, p->code);
    add_fifth(b.fifth, p->code);
}

static void split_q5_1(const uint8_t *block, struct parts *p)
{
    struct block_q5_1 b;
    memcpy(&b, block, sizeof b);
    p->d = b.d;
    p->min = b.min;
    split_nibbles(b.q, p->code);
    add_fifth(b.fifth, p->code);
}

void quant_decode_q4_1(const void *src, float *dst, uint64_t n)
{
    const uint8_t *at = src;
    struct parts p;
    for (uint64_t i = 0; i < n; i += BLOCK, at += sizeof(struct block_q4_1)) {
        split_q4_1(at, &p);
        const float d = half_to_f32(p.d), min = half_to_f32(p.min);
        for (uint32_t j = 0; j < BLOCK; j++)
            dst[i + j] = d * (float)p.code[j] + min;
    }
}

void quant_decode_q5_0(const void *src, float *dst, uint64_t n)
{
    const uint8_t *at = src;
    struct parts p;
    for (uint64_t i = 0; i < n; i += BLOCK, at += sizeof(struct block_q5_0)) {
        split_q5_0(at, &p);
        const float d = half_to_f32(p.d);
        for (uint32_t j = 0; j < BLOCK; j++)
            dst[i + j] = d * (float)(p.code[j] - 16);
    }
}

void quant_decode_q5_1(const void *src, float *dst, uint64_t n)
{
    const uint8_t *at = src;
    struct parts p;
    for (uint64_t i = 0; i < n; i += BLOCK, at += sizeof(struct block_q5_1)) {
        split_q5_1(at, &p);
        const float d = half_to_f32(p.d), min = half_to_f32(p.min);
        for (uint32_t j = 0; j < BLOCK; j++)
            dst[i + j] = d * (float)p.code[j] + min;
    }
}

/* A superblock. What the file does not fill has scales, minimums and codes of 0. */
struct super {
    uint16_t d[SB_BLOCKS], min[SB_BLOCKS];
    uint8_t code[QUANT_SB_COLS];
};

static void gather(void (*split)(const uint8_t *, struct parts *), uint32_t bytes,
                   const uint8_t *src, uint32_t n, struct super *s)
{
    struct parts p;
    memset(s, 0, sizeof *s);
    for (uint32_t b = 0; b < n / BLOCK; b++) {
        split(src + (size_t)b * bytes, &p);
        s->d[b] = p.d;
        s->min[b] = p.min;
        memcpy(s->code + b * BLOCK, p.code, BLOCK);
    }
}

void quant_pack_q4_1(const void *src, uint32_t n, uint8_t *slot, uint32_t stride)
{
    struct super s;
    gather(split_q4_1, sizeof(struct block_q4_1), src, n, &s);
    memcpy(slot, s.d, sizeof s.d);
    memcpy(slot + stride, s.min, sizeof s.min);
    quant_lay_plane(s.code, 0, 4, slot + 2 * (size_t)stride, stride);
}

void quant_pack_q5_0(const void *src, uint32_t n, uint8_t *slot, uint32_t stride)
{
    struct super s;
    gather(split_q5_0, sizeof(struct block_q5_0), src, n, &s);
    memcpy(slot, s.d, sizeof s.d);
    quant_lay_plane(s.code, 0, 4, slot + stride, stride);
    quant_lay_plane(s.code, 4, 1, slot + 9 * (size_t)stride, stride);
}

void quant_pack_q5_1(const void *src, uint32_t n, uint8_t *slot, uint32_t stride)
{
    struct super s;
    gather(split_q5_1, sizeof(struct block_q5_1), src, n, &s);
    memcpy(slot, s.d, sizeof s.d);
    memcpy(slot + stride, s.min, sizeof s.min);
    quant_lay_plane(s.code, 0, 4, slot + 2 * (size_t)stride, stride);
    quant_lay_plane(s.code, 4, 1, slot + 10 * (size_t)stride, stride);
}
