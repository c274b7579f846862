/* k_pack.c - Q2_K to Q6_K: packing for the GPU. The scales' few bits are sorted so that
 * block b of 32 columns finds its own by one shift that depends on b alone. */
#include "quant/k.h"

#include <assert.h>
#include <string.h>

#include "quant/types.h"

/* Two lists of eight 6-bit numbers: nibbles of a, nibbles of b, then the two high bits
 * of all of a and of all of b. */
static void six_bits(const uint8_t a[8], const uint8_t b[8], uint32_t out[3])
{
    memset(out, 0, 3 * sizeof *out);
    for (uint32_t i = 0; i < 8; i++) {
        out[0] |= (a[i] & 15u) << (4 * i);
        out[1] |= (b[i] & 15u) << (4 * i);
        out[2] |= (uint32_t)a[i] >> 4 << (2 * i) | (uint32_t)b[i] >> 4 << (16 + 2 * i);
    }
}

static uint32_t two_halves(uint16_t low, uint16_t high)
{
    return low | (uint32_t)high << 16;
}

static void put_words(uint8_t *slot, uint32_t a, uint32_t b, uint32_t c, uint32_t d)
{
    const uint32_t word[] = {a, b, c, d};
    _Static_assert(sizeof word == QUANT_SLOT_BYTES, "four words are a slot");
    memcpy(slot, word, sizeof word);
}

/* The slot with everything but the codes of Q4_K and Q5_K. */
static void put_scales_and_mins(const struct quant_k *k, uint8_t *slot)
{
    uint8_t scale[8];
    uint32_t six[3];
    memcpy(scale, k->scale, sizeof scale);
    six_bits(scale, k->min, six);
    put_words(slot, two_halves(k->d, k->dmin), six[0], six[1], six[2]);
}

void quant_pack_q2_k(const void *src, uint32_t n, uint8_t *slot, uint32_t stride)
{
    struct quant_k k;
    uint32_t word[4] = {0}; /* scales of first and second halves, minimums likewise */
    assert(n == QUANT_SB_COLS);
    (void)n;
    quant_split_q2_k(src, &k);
    for (uint32_t s = 0; s < 16; s++) {
        word[s % 2] |= (uint32_t)k.scale[s] << (4 * (s / 2));
        word[2 + s % 2] |= (uint32_t)k.min[s] << (4 * (s / 2));
    }
    put_words(slot, word[0], word[1], word[2], word[3]);
    put_words(slot + stride, two_halves(k.d, k.dmin), 0, 0, 0);
    quant_lay_plane(k.code, 0, 2, slot + 2 * (size_t)stride, stride);
}

void quant_pack_q3_k(const void *src, uint32_t n, uint8_t *slot, uint32_t stride)
{
    struct quant_k k;
    uint8_t half[2][8];
    uint32_t six[3];
    assert(n == QUANT_SB_COLS);
    (void)n;
    quant_split_q3_k(src, &k);
    for (uint32_t s = 0; s < 16; s++)
        half[s % 2][s / 2] = (uint8_t)(k.scale[s] + 32);
    six_bits(half[0], half[1], six);
    put_words(slot, k.d, six[0], six[1], six[2]);
    quant_lay_plane(k.code, 0, 2, slot + stride, stride);
    quant_lay_plane(k.code, 2, 1, slot + 5 * (size_t)stride, stride);
}

void quant_pack_q4_k(const void *src, uint32_t n, uint8_t *slot, uint32_t stride)
{
    struct quant_k k;
    assert(n == QUANT_SB_COLS);
    (void)n;
    quant_split_q4_k(src, &k);
    put_scales_and_mins(&k, slot);
    quant_lay_plane(k.code, 0, 4, slot + stride, stride);
}

void quant_pack_q5_k(const void *src, uint32_t n, uint8_t *slot, uint32_t stride)
{
    struct quant_k k;
    assert(n == QUANT_SB_COLS);
    (void)n;
    quant_split_q5_k(src, &k);
    put_scales_and_mins(&k, slot);
    quant_lay_plane(k.code, 0, 4, slot + stride, stride);
    quant_lay_plane(k.code, 4, 1, slot + 9 * (size_t)stride, stride);
}

void quant_pack_q6_k(const void *src, uint32_t n, uint8_t *slot, uint32_t stride)
{
    struct quant_k k;
    assert(n == QUANT_SB_COLS);
    (void)n;
    quant_split_q6_k(src, &k);
    memcpy(slot, k.scale, sizeof k.scale);
    put_words(slot + stride, k.d, 0, 0, 0);
    quant_lay_plane(k.code, 0, 4, slot + 2 * (size_t)stride, stride);
    quant_lay_plane(k.code, 4, 2, slot + 10 * (size_t)stride, stride);
}
