/* test_quant_pack.c - the GPU layout: every weight of a packed matrix is looked up with
 * the index formula of quant.h and compared with the decoder's value. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/half.h"
#include "quant/quant.h"
#include "support/blocks.h"
#include "support/tolerance.h"

struct packed {
    const struct quant_info *q;
    uint64_t n_row, n_col;
    uint8_t *data;
};

/* The 16 bytes of a slot, by the formula. */
static const uint8_t *slot_of(const struct packed *m, uint64_t row, uint64_t sb,
                              uint64_t slot)
{
    const uint64_t n_sb = quant_n_sb(m->q, m->n_col);
    return m->data + 16 * (((row / 8 * n_sb + sb) * m->q->sb_slots + slot) * 8 + row % 8);
}

static uint16_t u16_at(const uint8_t *p)
{
    return (uint16_t)(p[0] | p[1] << 8);
}

/* The place of a superblock of one row. */
struct place {
    const struct packed *m;
    uint64_t row, sb;
};

static const uint8_t *slot_at(const struct place *p, uint64_t slot)
{
    return slot_of(p->m, p->row, p->sb, slot);
}

static uint32_t word_at(const struct place *p, uint64_t slot, uint32_t i)
{
    uint32_t word;
    memcpy(&word, slot_at(p, slot) + 4 * i, sizeof word);
    return word;
}

/* f16 number i of a slot. */
static float half_at(const struct place *p, uint64_t slot, uint64_t i)
{
    return half_to_f32(u16_at(slot_at(p, slot) + 2 * i));
}

/* Column i's code of `bits` bits in slots from `slot` on. */
static uint32_t code_at(const struct place *p, uint64_t slot, uint32_t bits, uint32_t i)
{
    const uint32_t per_slot = 128 / bits, j = i % per_slot;
    return (uint32_t)slot_at(p, slot + i / per_slot)[j % 16] >> (j / 16 * bits) &
           ((1u << bits) - 1);
}

/* a[i] (list 0) or b[i] (list 1) of six(a, b) in words 1 to 3 of slot 0. */
static uint32_t six_at(const struct place *p, uint32_t list, uint32_t i)
{
    return (word_at(p, 0, 1 + list) >> (4 * i) & 15) |
           (word_at(p, 0, 3) >> (16 * list + 2 * i) & 3) << 4;
}

static float single_at(const struct place *p, uint32_t i)
{
    float f;
    switch (p->m->q->type) {
    case QUANT_F32:
        memcpy(&f, slot_at(p, i / 4) + 4 * (i % 4), 4);
        return f;
    case QUANT_F16:
        return half_at(p, i / 8, i % 8);
    default:
        return bf16_to_f32(u16_at(slot_at(p, i / 8) + 2 * (i % 8)));
    }
}

static const float iq4[16] = {-127, -104, -83, -65, -49, -35, -22, -10,
                              1,    13,   25,  38,  53,  69,  89,  113};

/* Types with blocks of 32. */
static float block_at(const struct place *p, uint32_t i)
{
    const uint32_t b = i / 32;
    static const float twice[] = {0, 1, 2, 3, 4, 6, 8, 12};
    uint8_t byte;
    float value;
    switch (p->m->q->type) {
    case QUANT_Q8_0:
        return half_at(p, 0, b) * (float)(int8_t)slot_at(p, 1 + i / 16)[i % 16];
    case QUANT_Q4_0:
        return half_at(p, 0, b) * ((float)code_at(p, 1, 4, i) - 8);
    case QUANT_IQ4_NL:
        return half_at(p, 0, b) * iq4[code_at(p, 1, 4, i)];
    case QUANT_Q4_1:
        return half_at(p, 0, b) * (float)code_at(p, 2, 4, i) + half_at(p, 1, b);
    case QUANT_Q5_0:
        return half_at(p, 0, b) *
               ((float)(code_at(p, 1, 4, i) | code_at(p, 9, 1, i) << 4) - 16);
    case QUANT_Q5_1:
        return half_at(p, 0, b) *
                   (float)(code_at(p, 2, 4, i) | code_at(p, 10, 1, i) << 4) +
               half_at(p, 1, b);
    default: /* MXFP4 */
        byte = slot_at(p, 1 + b)[i % 16];
        value = i % 32 < 16 ? twice[byte >> 1 & 7] : twice[byte >> 4 & 7];
        if (i % 32 < 16 ? byte >> 7 : byte & 1)
            value = -value;
        return ldexpf(value, slot_at(p, 0)[b] - 128);
    }
}

/* Types with superblocks. */
static float super_at(const struct place *p, uint32_t i)
{
    const uint32_t b = i / 32, half = i / 16 % 2;
    const float d = half_at(p, 0, 0), dmin = half_at(p, 0, 1);
    switch (p->m->q->type) {
    case QUANT_Q2_K:
        return half_at(p, 1, 0) * (float)(word_at(p, 0, half) >> (4 * b) & 15) *
                   (float)code_at(p, 2, 2, i) -
               half_at(p, 1, 1) * (float)(word_at(p, 0, 2 + half) >> (4 * b) & 15);
    case QUANT_Q3_K:
        return d * ((float)six_at(p, half, b) - 32) *
               ((float)(code_at(p, 1, 2, i) | code_at(p, 5, 1, i) << 2) - 4);
    case QUANT_Q4_K:
        return d * (float)six_at(p, 0, b) * (float)code_at(p, 1, 4, i) -
               dmin * (float)six_at(p, 1, b);
    case QUANT_Q5_K:
        return d * (float)six_at(p, 0, b) *
                   (float)(code_at(p, 1, 4, i) | code_at(p, 9, 1, i) << 4) -
               dmin * (float)six_at(p, 1, b);
    case QUANT_Q6_K:
        return half_at(p, 1, 0) * (float)(int8_t)slot_at(p, 0)[i / 16] *
               ((float)(code_at(p, 2, 4, i) | code_at(p, 10, 2, i) << 4) - 32);
    case QUANT_IQ4_XS:
        return d *
               ((float)((word_at(p, 0, 1) >> (4 * b) & 15) |
                        (word_at(p, 0, 0) >> (16 + 2 * b) & 3) << 4) -
                32) *
               iq4[code_at(p, 1, 4, i)];
    default:
        fail_msg("type %s has no layout in this test", p->m->q->name);
        return NAN;
    }
}

/* The weight at (row, col) of the packed matrix, by the table in quant.h. */
static float weight_at(const struct packed *m, uint64_t row, uint64_t col)
{
    const struct place p = {.m = m, .row = row, .sb = col / m->q->sb_weights};
    const uint32_t i = (uint32_t)(col % m->q->sb_weights);
    return m->q->block_weights == 1    ? single_at(&p, i)
           : m->q->block_weights == 32 ? block_at(&p, i)
                                       : super_at(&p, i);
}

static void check_matrix(const struct quant_info *q, uint64_t n_row, uint64_t n_col)
{
    enum { GUARD = 64 };
    uint64_t seed = n_row * 10007 + n_col + q->type, row_bytes, tile_bytes;
    assert_true(quant_bytes(q, n_col, &row_bytes));
    assert_true(quant_tile_bytes(q, n_col, &tile_bytes));
    const uint64_t n_tile = (n_row + 7) / 8;
    uint8_t *src = malloc(n_row * row_bytes + 1);
    uint8_t *dst = malloc(n_tile * tile_bytes + GUARD);
    float *want = malloc(n_col * sizeof *want);
    assert_true(src && dst && want);
    blocks_random(q, src + 1, n_row * row_bytes, &seed);
    memset(dst, 0xa5, n_tile * tile_bytes + GUARD);

    quant_pack(q, src + 1, n_row, n_col, dst);

    const struct packed m = {.q = q, .n_row = n_row, .n_col = n_col, .data = dst};
    for (uint64_t r = 0; r < n_tile * 8; r++) {
        if (r < n_row)
            q->decode(src + 1 + r * row_bytes, want, n_col);
        for (uint64_t c = 0; c < quant_n_sb(q, n_col) * (uint64_t)q->sb_weights; c++) {
            const float w = r < n_row && c < n_col ? want[c] : 0;
            const float got = weight_at(&m, r, c);
            if (got != w)
                fail_msg("%s %llu x %llu: weight (%llu, %llu) is %g, expected %g",
                         q->name, (unsigned long long)n_row, (unsigned long long)n_col,
                         (unsigned long long)r, (unsigned long long)c, (double)got,
                         (double)w);
        }
    }
    for (int i = 0; i < GUARD; i++)
        assert_int_equal(dst[n_tile * tile_bytes + (unsigned)i], 0xa5);
    free(src);
    free(dst);
    free(want);
}

static void every_weight_is_where_the_formula_says(void **state)
{
    (void)state;
    static const uint64_t rows[] = {1, 3, 7, 8, 9, 16, 17, 31};
    /* in blocks of the type: odd, below, at and beyond a superblock */
    static const uint64_t cols[] = {1, 3, 7, 8, 9, 15, 16, 17, 31, 32, 33, 64, 65};
    for (const struct quant_info *q = NULL; (q = blocks_next_type(q));) {
        const uint64_t n_col = q->block_weights == 256 ? 3 : sizeof cols / sizeof *cols;
        for (size_t r = 0; r < sizeof rows / sizeof *rows; r++)
            for (size_t c = 0; c < n_col; c++)
                check_matrix(q, rows[r], cols[c] * q->block_weights);
    }
}

/* Nothing of what lay there before may remain: padding is written too, even where
 * values alone would not show it (a scale of 0 hides its weights). */
static void padding_is_written(void **state)
{
    (void)state;
    for (const struct quant_info *q = NULL; (q = blocks_next_type(q));) {
        enum { MAX_BYTES = 17 * 128 };
        uint8_t src[256], dst[2][MAX_BYTES];
        memset(src, 0x11, sizeof src);
        memset(dst[0], 0xff, MAX_BYTES);
        memset(dst[1], 0, MAX_BYTES);
        for (int i = 0; i < 2; i++)
            quant_pack(q, src, 1, q->block_weights, dst[i]);
        assert_memory_equal(dst[0], dst[1], (size_t)q->sb_slots * 128);
        if (q->block_weights == 256)
            continue;
        const struct packed m = {
            .q = q, .n_row = 1, .n_col = q->block_weights, .data = dst[0]};
        uint64_t nonzero = 0;
        for (uint64_t s = 0; s < q->sb_slots; s++)
            for (uint64_t r = 0; r < 8; r++)
                for (int i = 0; i < 16; i++)
                    nonzero += slot_of(&m, r, 0, s)[i] != 0;
        assert_int_equal(nonzero, q->block_bytes);
    }
}

static void tiles_have_the_documented_size(void **state)
{
    (void)state;
    static const struct {
        uint32_t type, sb_weights, sb_slots;
    } layout[] = {
        {QUANT_F32, 32, 8},    {QUANT_F16, 32, 4},     {QUANT_BF16, 32, 4},
        {QUANT_Q8_0, 256, 17}, {QUANT_Q4_0, 256, 9},   {QUANT_Q4_1, 256, 10},
        {QUANT_Q5_0, 256, 11}, {QUANT_Q5_1, 256, 12},  {QUANT_Q2_K, 256, 6},
        {QUANT_Q3_K, 256, 7},  {QUANT_Q4_K, 256, 9},   {QUANT_Q5_K, 256, 11},
        {QUANT_Q6_K, 256, 14}, {QUANT_IQ4_NL, 256, 9}, {QUANT_IQ4_XS, 256, 9},
        {QUANT_MXFP4, 256, 9},
    };
    uint64_t bytes;
    for (size_t i = 0; i < sizeof layout / sizeof *layout; i++) {
        const struct quant_info *q = quant_find(layout[i].type);
        assert_int_equal(q->sb_weights, layout[i].sb_weights);
        assert_int_equal(q->sb_slots, layout[i].sb_slots);
        assert_true(quant_tile_bytes(q, 2048, &bytes));
        assert_int_equal(bytes, 2048 / q->sb_weights * q->sb_slots * 128);
        assert_int_equal(quant_n_sb(q, q->sb_weights + 1), 2);
        assert_false(quant_tile_bytes(q, UINT64_MAX, &bytes));
    }
    assert_false(quant_tile_bytes(quant_find(QUANT_IQ1_M), 256, &bytes)); /* no layout */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_weight_is_where_the_formula_says),
        cmocka_unit_test(padding_is_written),
        cmocka_unit_test(tiles_have_the_documented_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
