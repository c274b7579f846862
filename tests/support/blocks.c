/* blocks.c - random blocks of every weight type that can run, as a file has them. */
#include "support/blocks.h"

#include <string.h>

#include "base/half.h"
#include "support/tolerance.h"

/* Of types with blocks: where their f16 numbers are, and how large those may be. Every
 * other byte may be anything. */
static const struct block_form {
    uint32_t type;
    uint32_t d_at;
    float d; /* a tenth to all of it */
    uint32_t min_at;
    float min; /* 0: the type has none */
} forms[] = {
    {QUANT_Q8_0, 0, 1.0f / 127, 0, 0},
    {QUANT_Q4_0, 0, 1.0f / 8, 0, 0},
    {QUANT_Q4_1, 0, 1.0f / 8, 2, -1.0f},
    {QUANT_Q5_0, 0, 1.0f / 16, 0, 0},
    {QUANT_Q5_1, 0, 1.0f / 16, 2, -1.0f},
    {QUANT_Q2_K, 80, 2.0f / (15 * 3), 82, 1.0f / 15},
    {QUANT_Q3_K, 108, 1.0f / (32 * 4), 0, 0},
    {QUANT_Q4_K, 0, 2.0f / (63 * 15), 2, 1.0f / 63},
    {QUANT_Q5_K, 0, 2.0f / (63 * 31), 2, 1.0f / 63},
    {QUANT_Q6_K, 208, 1.0f / (128 * 32), 0, 0},
    {QUANT_IQ4_NL, 0, 1.0f / 127, 0, 0},
    {QUANT_IQ4_XS, 0, 1.0f / (127 * 32), 0, 0},
};

static void put_half(uint8_t *at, float largest, uint64_t *seed)
{
    const float share = 0.55f + 0.45f * random_f32(seed); /* 0.1 to 1 */
    const uint16_t h = half_from_f32(largest * share);
    memcpy(at, &h, sizeof h);
}

static void random_block(const struct quant_info *q, uint8_t *block, uint64_t *seed)
{
    for (uint32_t i = 0; i < q->block_bytes; i++)
        block[i] = (uint8_t)random_u32(seed);
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        if (forms[i].type != q->type)
            continue;
        put_half(block + forms[i].d_at, forms[i].d, seed);
        if (forms[i].min != 0)
            put_half(block + forms[i].min_at, forms[i].min, seed);
        return;
    }
    if (q->type != QUANT_MXFP4)
        fail_msg("no random weights of type %s", q->name);
    block[0] = (uint8_t)(122 + block[0] % 4); /* largest: 2^(125 - 128) * 12 */
}

static void random_weight(const struct quant_info *q, uint8_t *at, uint64_t *seed)
{
    const float f = random_f32(seed);
    const uint16_t h = q->type == QUANT_F16 ? half_from_f32(f) : bf16_from_f32(f);
    if (q->type == QUANT_F32)
        memcpy(at, &f, sizeof f);
    else
        memcpy(at, &h, sizeof h);
}

void blocks_random(const struct quant_info *q, uint8_t *dst, uint64_t bytes,
                   uint64_t *seed)
{
    const bool single = q->block_weights == 1;
    assert_int_equal(bytes % q->block_bytes, 0);
    assert_non_null(q->decode);
    for (uint64_t i = 0; i < bytes; i += q->block_bytes)
        if (single)
            random_weight(q, dst + i, seed);
        else
            random_block(q, dst + i, seed);
}

const struct quant_info *blocks_next_type(const struct quant_info *after)
{
    for (uint32_t id = after ? after->type + 1 : 0; id <= QUANT_NVFP4; id++) {
        const struct quant_info *q = quant_find(id);
        if (q && q->decode)
            return q;
    }
    return NULL;
}
