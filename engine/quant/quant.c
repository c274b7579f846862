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
#define RUNS(id, shader_name, weights, bytes, decoder, sb, slots, packer)                \
    [QUANT_##id] = {.type = QUANT_##id,                                                  \
                    .name = #id,                                                         \
                    .shader = (shader_name),                                             \
                    .block_weights = (weights),                                          \
                    .block_bytes = (bytes),                                              \
                    .decode = (decoder),                                                 \
                    .sb_weights = (sb),                                                  \
                    .sb_slots = (slots),                                                 \
                    .pack = (packer)}

/* Indexed by enum quant_type; ids that were given up by ggml have no name. */
static const struct quant_info types[] = {
    RUNS(F32, "f32", 1, 4, quant_decode_f32, 32, 8, quant_pack_f32),
    RUNS(F16, "f16", 1, 2, quant_decode_f16, 32, 4, quant_pack_16bit),
    RUNS(BF16, "bf16", 1, 2, quant_decode_bf16, 32, 4, quant_pack_16bit),
    RUNS(Q8_0, "q8_0", 32, 34, quant_decode_q8_0, 256, 17, quant_pack_q8_0),
    RUNS(Q4_0, "q4_0", 32, 18, quant_decode_q4_0, 256, 9, quant_pack_q4_0),
    RUNS(Q4_1, "q4_1", 32, 20, quant_decode_q4_1, 256, 10, quant_pack_q4_1),
    RUNS(Q5_0, "q5_0", 32, 22, quant_decode_q5_0, 256, 11, quant_pack_q5_0),
    RUNS(Q5_1, "q5_1", 32, 24, quant_decode_q5_1, 256, 12, quant_pack_q5_1),
    KNOWN(Q8_1, 32, 36),
    RUNS(Q2_K, "q2_k", 256, 84, quant_decode_q2_k, 256, 6, quant_pack_q2_k),
    RUNS(Q3_K, "q3_k", 256, 110, quant_decode_q3_k, 256, 7, quant_pack_q3_k),
    RUNS(Q4_K, "q4_k", 256, 144, quant_decode_q4_k, 256, 9, quant_pack_q4_k),
    RUNS(Q5_K, "q5_k", 256, 176, quant_decode_q5_k, 256, 11, quant_pack_q5_k),
    RUNS(Q6_K, "q6_k", 256, 210, quant_decode_q6_k, 256, 14, quant_pack_q6_k),
    KNOWN(Q8_K, 256, 292),
    KNOWN(IQ2_XXS, 256, 66),
    KNOWN(IQ2_XS, 256, 74),
    KNOWN(IQ3_XXS, 256, 98),
    KNOWN(IQ1_S, 256, 50),
    RUNS(IQ4_NL, "iq4_nl", 32, 18, quant_decode_iq4_nl, 256, 9, quant_pack_iq4_nl),
    KNOWN(IQ3_S, 256, 110),
    KNOWN(IQ2_S, 256, 82),
    RUNS(IQ4_XS, "iq4_xs", 256, 136, quant_decode_iq4_xs, 256, 9, quant_pack_iq4_xs),
    KNOWN(I8, 1, 1),
    KNOWN(I16, 1, 2),
    KNOWN(I32, 1, 4),
    KNOWN(I64, 1, 8),
    KNOWN(F64, 1, 8),
    KNOWN(IQ1_M, 256, 56),
    KNOWN(TQ1_0, 256, 54),
    KNOWN(TQ2_0, 256, 66),
    RUNS(MXFP4, "mxfp4", 32, 17, quant_decode_mxfp4, 256, 9, quant_pack_mxfp4),
    KNOWN(NVFP4, 64, 36),
};

const struct quant_info *quant_find(uint32_t type)
{
    if (type >= sizeof types / sizeof *types || !types[type].name)
        return NULL;
    return &types[type];
}

bool quant_bytes(const struct quant_info *q, uint64_t n, uint64_t *bytes)
{
    return n % q->block_weights == 0 &&
           check_mul(n / q->block_weights, q->block_bytes, bytes);
}
