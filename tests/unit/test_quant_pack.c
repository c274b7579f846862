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
#include "support/tolerance.h"

static const uint32_t run_types[] = {QUANT_F32, QUANT_F16, QUANT_BF16, QUANT_Q8_0,
                                     QUANT_Q4_0};

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

/* The weight at (row, col) of the packed matrix, by the table in quant.h. */
static float weight_at(const struct packed *m, uint64_t row, uint64_t col)
{
    const uint64_t sb = col / m->q->sb_weights, i = col % m->q->sb_weights;
    const uint64_t b = i / 32, j = i % 32;
    float f;
    switch (m->q->type) {
    case QUANT_F32:
        memcpy(&f, slot_of(m, row, sb, i / 4) + 4 * (i % 4), 4);
        return f;
    case QUANT_F16:
        return half_to_f32(u16_at(slot_of(m, row, sb, i / 8) + 2 * (i % 8)));
    case QUANT_BF16:
        return bf16_to_f32(u16_at(slot_of(m, row, sb, i / 8) + 2 * (i % 8)));
    case QUANT_Q8_0:
        return half_to_f32(u16_at(slot_of(m, row, sb, 0) + 2 * b)) *
               (float)(int8_t)slot_of(m, row, sb, 1 + 2 * b + j / 16)[j % 16];
    case QUANT_Q4_0: {
        const uint8_t byte = slot_of(m, row, sb, 1 + b)[j % 16];
        return half_to_f32(u16_at(slot_of(m, row, sb, 0) + 2 * b)) *
               (float)((j < 16 ? byte & 15 : byte >> 4) - 8);
    }
    default:
        fail_msg("type %s has no layout in this test", m->q->name);
        return NAN;
    }
}

/* Random bytes, with scales and floats kept finite. */
static void fill(const struct quant_info *q, uint8_t *src, uint64_t bytes, uint64_t *seed)
{
    for (uint64_t i = 0; i < bytes; i++)
        src[i] = (uint8_t)random_u32(seed);
    if (q->type == QUANT_F32)
        for (uint64_t i = 0; i < bytes; i += 4) {
            const float f = random_f32(seed);
            memcpy(src + i, &f, 4);
        }
    else
        for (uint64_t i = 0; i < bytes; i += q->block_bytes)
            src[i + 1] &= 0xbf; /* the exponent's top bit */
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
    fill(q, src + 1, n_row * row_bytes, &seed);
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
    for (size_t t = 0; t < sizeof run_types / sizeof *run_types; t++) {
        const struct quant_info *q = quant_find(run_types[t]);
        for (size_t r = 0; r < sizeof rows / sizeof *rows; r++)
            for (size_t c = 0; c < sizeof cols / sizeof *cols; c++)
                check_matrix(q, rows[r], cols[c] * q->block_weights);
    }
}

/* Nothing of what lay there before may remain: padding is written too, even where
 * values alone would not show it (a scale of 0 hides its weights). */
static void padding_is_zero_bytes(void **state)
{
    (void)state;
    for (size_t t = 0; t < sizeof run_types / sizeof *run_types; t++) {
        const struct quant_info *q = quant_find(run_types[t]);
        const uint64_t n_col = q->block_weights;
        uint8_t src[64], dst[17 * 128];
        memset(src, 0x11, sizeof src);
        memset(dst, 0xff, sizeof dst);
        quant_pack(q, src, 1, n_col, dst);
        const struct packed m = {.q = q, .n_row = 1, .n_col = n_col, .data = dst};
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
        {QUANT_F32, 32, 8},    {QUANT_F16, 32, 4},   {QUANT_BF16, 32, 4},
        {QUANT_Q8_0, 256, 17}, {QUANT_Q4_0, 256, 9},
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
        cmocka_unit_test(padding_is_zero_bytes),
        cmocka_unit_test(tiles_have_the_documented_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
