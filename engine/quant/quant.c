/* quant.c - the table of weight types. */
#include "quant/quant.h"

#include <stddef.h>

#include "base/check.h"
#include "quant/types.h"

/* Block sizes as ggml's block structures have them; "how it adds up" of a block
 * is beside its size in tests/unit/test_quant.c. */
#define KNOWN(id, weights, bytes)                                                        \
    [QUANT_##id] = {.type = QUANT_##id,                                                  \
                    .name = #id,                                                         \
                    .block_weights = (weights),                                          \
                    .block_bytes = (bytes)}
/* `lower` is the type's name in shaders and functions; `eight` and `enc` may be NULL. */
#define RUNS(id, lower, weights, bytes, sb, slots, packer, eight, enc)                   \
    [QUANT_##id] = {.type = QUANT_##id,                                                  \
                    .name = #id,                                                         \
                    .shader = #lower,                                                    \
                    .block_weights = (weights),                                          \
                    .block_bytes = (bytes),                                              \
                    .decode = quant_decode_##lower,                                      \
                    .encode = (enc),                                                     \
                    .sb_weights = (sb),                                                  \
                    .sb_slots = (slots),                                                 \
                    .pack = (packer),                                                    \
                    .pack_eight = (eight)}

/* Indexed by enum quant_type; ids that were given up by ggml have no name. */
static const struct quant_info types[] = {
    RUNS(F32, f32, 1, 4, 32, 8, quant_pack_f32, quant_eight_f32, quant_encode_f32),
    RUNS(F16, f16, 1, 2, 32, 4, quant_pack_16bit, quant_eight_16bit, quant_encode_f16),
    RUNS(BF16, bf16, 1, 2, 32, 4, quant_pack_16bit, quant_eight_16bit, quant_encode_bf16),
    RUNS(Q8_0, q8_0, 32, 34, 256, 17, quant_pack_q8_0, quant_eight_q8_0,
         quant_encode_q8_0),
    RUNS(Q4_0, q4_0, 32, 18, 256, 9, quant_pack_q4_0, quant_eight_q4_0,
         quant_encode_q4_0),
    RUNS(Q4_1, q4_1, 32, 20, 256, 10, quant_pack_q4_1, NULL, quant_encode_q4_1),
    RUNS(Q5_0, q5_0, 32, 22, 256, 11, quant_pack_q5_0, NULL, quant_encode_q5_0),
    RUNS(Q5_1, q5_1, 32, 24, 256, 12, quant_pack_q5_1, NULL, quant_encode_q5_1),
    KNOWN(Q8_1, 32, 36),
    RUNS(Q2_K, q2_k, 256, 84, 256, 6, quant_pack_q2_k, NULL, quant_encode_q2_k),
    RUNS(Q3_K, q3_k, 256, 110, 256, 7, quant_pack_q3_k, NULL, quant_encode_q3_k),
    RUNS(Q4_K, q4_k, 256, 144, 256, 9, quant_pack_q4_k, NULL, quant_encode_q4_k),
    RUNS(Q5_K, q5_k, 256, 176, 256, 11, quant_pack_q5_k, NULL, quant_encode_q5_k),
    RUNS(Q6_K, q6_k, 256, 210, 256, 14, quant_pack_q6_k, NULL, quant_encode_q6_k),
    KNOWN(Q8_K, 256, 292),
    KNOWN(IQ2_XXS, 256, 66),
    KNOWN(IQ2_XS, 256, 74),
    KNOWN(IQ3_XXS, 256, 98),
    KNOWN(IQ1_S, 256, 50),
    RUNS(IQ4_NL, iq4_nl, 32, 18, 256, 9, quant_pack_iq4_nl, quant_eight_q4_0,
         quant_encode_iq4_nl),
    KNOWN(IQ3_S, 256, 110),
    KNOWN(IQ2_S, 256, 82),
    RUNS(IQ4_XS, iq4_xs, 256, 136, 256, 9, quant_pack_iq4_xs, quant_eight_iq4_xs,
         quant_encode_iq4_xs),
    KNOWN(I8, 1, 1),
    KNOWN(I16, 1, 2),
    KNOWN(I32, 1, 4),
    KNOWN(I64, 1, 8),
    KNOWN(F64, 1, 8),
    KNOWN(IQ1_M, 256, 56),
    KNOWN(TQ1_0, 256, 54),
    KNOWN(TQ2_0, 256, 66),
    RUNS(MXFP4, mxfp4, 32, 17, 256, 9, quant_pack_mxfp4, NULL, quant_encode_mxfp4),
    KNOWN(NVFP4, 64, 36),
};

const struct quant_info *quant_find(uint32_t type)
{
    if (type >= sizeof types / sizeof *types || !types[type].name)
        return NULL;
    return &types[type];
}

/* Compares without regard to the case of ASCII letters. */
static bool same_name(const char *a, const char *b)
{
    for (; *a && *b; a++, b++) {
        const char upper = *b >= 'a' && *b <= 'z' ? (char)(*b - 'a' + 'A') : *b;
        if (*a != upper)
            return false;
    }
    return *a == *b;
}

const struct quant_info *quant_find_name(const char *name)
{
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (types[i].name && same_name(types[i].name, name))
            return &types[i];
    return NULL;
}

bool quant_bytes(const struct quant_info *q, uint64_t n, uint64_t *bytes)
{
    return n % q->block_weights == 0 &&
           check_mul(n / q->block_weights, q->block_bytes, bytes);
}
