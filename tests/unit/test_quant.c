/* test_quant.c - the table of weight types, and decoders against values worked out by
 * hand from the formats' definitions. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "quant/quant.h"
#include "support/tolerance.h"

/* Each block, member by member, as ggml's block structures define it: f16 scales are
 * 2 bytes, K types have superblocks of 256. */
static const struct {
    uint32_t type;
    const char *name;
    uint32_t weights, bytes;
} blocks[] = {
    {0, "F32", 1, 4},
    {1, "F16", 1, 2},
    {2, "Q4_0", 32, 2 + 16},                  /* d, nibbles */
    {3, "Q4_1", 32, 2 + 2 + 16},              /* d, m, nibbles */
    {6, "Q5_0", 32, 2 + 4 + 16},              /* d, fifth bits, nibbles */
    {7, "Q5_1", 32, 2 + 2 + 4 + 16},          /* d, m, fifth bits, nibbles */
    {8, "Q8_0", 32, 2 + 32},                  /* d, bytes */
    {9, "Q8_1", 32, 2 + 2 + 32},              /* d, d times sum, bytes */
    {10, "Q2_K", 256, 16 + 64 + 2 + 2},       /* scales, 2 bits, d, dmin */
    {11, "Q3_K", 256, 32 + 64 + 12 + 2},      /* high bits, 2 bits, scales, d */
    {12, "Q4_K", 256, 2 + 2 + 12 + 128},      /* d, dmin, scales, nibbles */
    {13, "Q5_K", 256, 2 + 2 + 12 + 32 + 128}, /* …, high bits, nibbles */
    {14, "Q6_K", 256, 128 + 64 + 16 + 2},     /* low 4, high 2 bits, scales, d */
    {15, "Q8_K", 256, 4 + 256 + 2 * 16},      /* f32 d, bytes, sums of 16 */
    {16, "IQ2_XXS", 256, 2 + 2 * 32},         /* d, 16-bit codes */
    {17, "IQ2_XS", 256, 2 + 2 * 32 + 8},      /* d, codes, scales */
    {18, "IQ3_XXS", 256, 2 + 64 + 32},        /* d, codes, scales and signs */
    {19, "IQ1_S", 256, 2 + 32 + 2 * 8},       /* d, codes, high bits and scales */
    {20, "IQ4_NL", 32, 2 + 16},               /* d, nibbles */
    {21, "IQ3_S", 256, 2 + 64 + 8 + 32 + 4},  /* d, codes, high bits, signs, scales */
    {22, "IQ2_S", 256, 2 + 64 + 8 + 8},       /* d, codes and signs, high bits, scales */
    {23, "IQ4_XS", 256, 2 + 2 + 4 + 128},     /* d, high and low scale bits, nibbles */
    {24, "I8", 1, 1},
    {25, "I16", 1, 2},
    {26, "I32", 1, 4},
    {27, "I64", 1, 8},
    {28, "F64", 1, 8},
    {29, "IQ1_M", 256, 32 + 16 + 8}, /* codes, high bits, scales with d inside */
    {30, "BF16", 1, 2},
    {34, "TQ1_0", 256, 48 + 4 + 2}, /* five per byte, the rest four per byte, d */
    {35, "TQ2_0", 256, 64 + 2},     /* 2 bits, d */
    {39, "MXFP4", 32, 1 + 16},      /* exponent, nibbles */
    {40, "NVFP4", 64, 4 + 32},      /* a scale per 16, nibbles */
};

enum { N_TYPE = sizeof blocks / sizeof *blocks };

static void every_type_has_its_block(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_TYPE; i++) {
        const struct quant_info *q = quant_find(blocks[i].type);
        assert_non_null(q);
        assert_int_equal(q->type, blocks[i].type);
        assert_string_equal(q->name, blocks[i].name);
        assert_int_equal(q->block_weights, blocks[i].weights);
        assert_int_equal(q->block_bytes, blocks[i].bytes);
    }
}

static void other_ids_are_not_known(void **state)
{
    (void)state;
    size_t known = 0;
    for (uint32_t id = 0; id < 1000; id++)
        known += quant_find(id) != NULL;
    assert_int_equal(known, N_TYPE);
    assert_null(quant_find(UINT32_MAX));
    assert_null(quant_find(4)); /* Q4_2, given up */
    assert_null(quant_find(31));
}

static void a_type_can_run_wholly_or_not_at_all(void **state)
{
    (void)state;
    uint32_t runs = 0;
    for (size_t i = 0; i < N_TYPE; i++) {
        const struct quant_info *q = quant_find(blocks[i].type);
        const bool can = q->decode != NULL;
        assert_int_equal(q->pack != NULL, can);
        assert_int_equal(q->shader != NULL, can);
        assert_int_equal(q->sb_weights != 0, can);
        assert_int_equal(q->sb_slots != 0, can);
        if (can)
            assert_int_equal(q->sb_weights % q->block_weights, 0);
        runs += can;
    }
    assert_int_equal(runs, 16);
}

static void sizes_are_checked(void **state)
{
    (void)state;
    const struct quant_info *q = quant_find(QUANT_Q8_0);
    uint64_t bytes = 7;
    assert_true(quant_bytes(q, 64, &bytes) && bytes == 68);
    assert_true(quant_bytes(q, 0, &bytes) && bytes == 0);
    assert_false(quant_bytes(q, 33, &bytes));
    assert_false(quant_bytes(q, UINT64_MAX - 31, &bytes));
    assert_true(quant_bytes(quant_find(QUANT_F32), UINT64_MAX / 4, &bytes));
    assert_false(quant_bytes(quant_find(QUANT_F32), UINT64_MAX / 4 + 1, &bytes));
}

static void floats_are_decoded(void **state)
{
    (void)state;
    /* one byte off, since a file promises no alignment */
    static const uint8_t f32[] = {9, 0, 0, 0x80, 0x3f, 0, 0, 0x20, 0xc0, 1, 0, 0, 0x80};
    static const float f32_want[] = {1.0f, -2.5f, -0x1p-149f};
    static const uint8_t f16[] = {9,    0x00, 0x3c, 0x00, 0xc1, 0x01, 0x00, 0xff,
                                  0x83, 0xff, 0x7b, 0x00, 0x80, 0x00, 0x7c};
    static const float f16_want[] = {1.0f,     -2.5f, 0x1p-24f, -1023 * 0x1p-24f,
                                     65504.0f, -0.0f, INFINITY};
    static const uint8_t bf16[] = {9, 0x80, 0x3f, 0x20, 0xc0, 0x01, 0x00, 0x80, 0xff};
    static const float bf16_want[] = {1.0f, -2.5f, 0x1p-133f, -INFINITY};
    float got[8];

    quant_find(QUANT_F32)->decode(f32 + 1, got, 3);
    assert_bits(got, f32_want, 3);
    quant_find(QUANT_F16)->decode(f16 + 1, got, 7);
    assert_bits(got, f16_want, 7);
    quant_find(QUANT_BF16)->decode(bf16 + 1, got, 4);
    assert_bits(got, bf16_want, 4);
}

/* f16 scales and what they are: an ordinary one, a negative one, the least and the
 * largest subnormal, zero, the largest finite one. */
static const struct {
    uint16_t f16;
    float value;
} scales[] = {
    {0x2e66, 1638 * 0x1p-14f},  {0xb800, -0.5f}, {0x0001, 0x1p-24f},
    {0x83ff, -1023 * 0x1p-24f}, {0x0000, 0.0f},  {0x7bff, 65504.0f},
};
enum { N_SCALE = sizeof scales / sizeof *scales };

static void q8_0_is_decoded(void **state)
{
    (void)state;
    uint8_t file[1 + N_SCALE * 34];
    float got[N_SCALE * 32], want[N_SCALE * 32];
    for (uint32_t b = 0; b < N_SCALE; b++) {
        uint8_t *p = file + 1 + b * 34;
        p[0] = (uint8_t)(scales[b].f16 & 255);
        p[1] = (uint8_t)(scales[b].f16 >> 8);
        for (int i = 0; i < 32; i++) {
            /* -128, -127, 127, 126, and others of both signs */
            const int q = i == 0 ? -128 : i == 1 ? -127 : i == 2 ? 127 : 5 * i - 80;
            p[2 + i] = (uint8_t)(q < 0 ? q + 256 : q);
            want[b * 32 + (uint32_t)i] = scales[b].value * (float)q;
        }
    }
    quant_find(QUANT_Q8_0)->decode(file + 1, got, N_SCALE * 32);
    assert_bits(got, want, N_SCALE * 32);
    assert_true(got[0] == -128 * (1638 * 0x1p-14f));
    assert_true(got[2 * 32] == -0x1p-17f); /* the least subnormal times -128 */
}

static void q4_0_is_decoded(void **state)
{
    (void)state;
    uint8_t file[1 + N_SCALE * 18];
    float got[N_SCALE * 32], want[N_SCALE * 32];
    for (uint32_t b = 0; b < N_SCALE; b++) {
        uint8_t *p = file + 1 + b * 18;
        p[0] = (uint8_t)(scales[b].f16 & 255);
        p[1] = (uint8_t)(scales[b].f16 >> 8);
        for (uint32_t i = 0; i < 16; i++) {
            /* byte i: i is the low nibble, 15 - i the high one */
            p[2 + i] = (uint8_t)(i | (15 - i) << 4);
            want[b * 32 + i] = scales[b].value * ((float)i - 8);
            want[b * 32 + 16 + i] = scales[b].value * (7 - (float)i);
        }
    }
    quant_find(QUANT_Q4_0)->decode(file + 1, got, N_SCALE * 32);
    assert_bits(got, want, N_SCALE * 32);
    assert_true(got[32] == 4.0f && got[47] == -3.5f && got[48] == -3.5f); /* scale -0.5 */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type_has_its_block),
        cmocka_unit_test(other_ids_are_not_known),
        cmocka_unit_test(a_type_can_run_wholly_or_not_at_all),
        cmocka_unit_test(sizes_are_checked),
        cmocka_unit_test(floats_are_decoded),
        cmocka_unit_test(q8_0_is_decoded),
        cmocka_unit_test(q4_0_is_decoded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
