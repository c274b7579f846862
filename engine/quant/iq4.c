/* iq4.c - IQ4_NL and IQ4_XS, nibbles that choose from sixteen values which lie closer
 * together near zero: decoders and packing. */
#include "quant/types.h"

#include <assert.h>
#include <string.h>

#include "base/half.h"
#include "quant/planes.h"

enum { BLOCK = 32, SB_BLOCKS = 8 };

const int8_t quant_iq4_value[16] = {-127, -104, -83, -65, -49, -35, -22, -10,
                                    1,    13,   25,  38,  53,  69,  89,  113};

/* weight i = d * value[low nibble of q[i]], i + 16: of the high nibble */
struct block_iq4_nl {
    uint16_t d; /* f16 */
    uint8_t q[BLOCK / 2];
};
_Static_assert(sizeof(struct block_iq4_nl) == 18, "18 bytes per 32 weights");

/* Eight blocks of 32 as above; the scale of block b is d times its 6 bits less 32. */
struct block_iq4_xs {
    uint16_t d;                       /* f16 */
    uint16_t scale_high;              /* bits 2b, 2b + 1 */
    uint8_t scale_low[SB_BLOCKS / 2]; /* nibble b */
    uint8_t q[SB_BLOCKS * BLOCK / 2];
};
_Static_assert(sizeof(struct block_iq4_xs) == 136, "136 bytes per 256 weights");

static void decode_block(const uint8_t *q, float scale, float *dst)
{
    for (uint32_t i = 0; i < BLOCK / 2; i++) {
        dst[i] = scale * (float)quant_iq4_value[q[i] & 15];
        dst[i + BLOCK / 2] = scale * (float)quant_iq4_value[q[i] >> 4];
    }
}

void quant_decode_iq4_nl(const void *src, float *dst, uint64_t n)
{
    const uint8_t *p = src;
    for (uint64_t i = 0; i < n; i += BLOCK, p += sizeof(struct block_iq4_nl)) {
        struct block_iq4_nl b;
        memcpy(&b, p, sizeof b); /* the file promises no alignment */
        decode_block(b.q, half_to_f32(b.d), dst + i);
    }
}

void quant_decode_iq4_xs(const void *src, float *dst, uint64_t n)
{
    const uint8_t *p = src;
    for (uint64_t i = 0; i < n; i += QUANT_SB_COLS, p += sizeof(struct block_iq4_xs)) {
        struct block_iq4_xs x;
        memcpy(&x, p, sizeof x);
        const float d = half_to_f32(x.d);
        for (uint32_t b = 0; b < SB_BLOCKS; b++) {
            const int low = x.scale_low[b / 2] >> (4 * (b % 2)) & 15;
            const int high = x.scale_high >> (2 * b) & 3;
            decode_block(x.q + b * (BLOCK / 2), d * (float)((low | high << 4) - 32),
                         dst + i + (uint64_t)b * BLOCK);
        }
    }
}

/* A block has the members of Q4_0's. */
void quant_pack_iq4_nl(const void *src, uint32_t n, uint8_t *slot, uint32_t stride)
{
    quant_pack_q4_0(src, n, slot, stride);
}

void quant_pack_iq4_xs(const void *src, uint32_t n, uint8_t *slot, uint32_t stride)
{
    enum { HEAD = 8 }; /* everything before the nibbles */
    const uint8_t *p = src;
    assert(n == QUANT_SB_COLS);
    (void)n;
    memcpy(slot, p, HEAD);
    memset(slot + HEAD, 0, QUANT_SLOT_BYTES - HEAD);
    for (size_t b = 0; b < SB_BLOCKS; b++)
        memcpy(slot + (1 + b) * stride, p + HEAD + b * QUANT_SLOT_BYTES,
               QUANT_SLOT_BYTES);
}
