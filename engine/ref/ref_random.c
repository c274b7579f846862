/* ref_random.c - random numbers by counter, and the races that draw experts. */
#include "ref/ref.h"

#include <math.h>
#include <string.h>

void ref_philox(uint32_t out[4], const uint32_t counter[4], const uint32_t key[2])
{
    uint32_t c[4], k[2] = {key[0], key[1]};
    memcpy(c, counter, sizeof c);
    for (int round = 0; round < 10; round++) {
        const uint64_t a = UINT64_C(0xd2511f53) * c[0], b = UINT64_C(0xcd9e8d57) * c[2];
        const uint32_t next[4] = {(uint32_t)(b >> 32) ^ c[1] ^ k[0], (uint32_t)b,
                                  (uint32_t)(a >> 32) ^ c[3] ^ k[1], (uint32_t)a};
        memcpy(c, next, sizeof c);
        k[0] += 0x9e3779b9;
        k[1] += 0xbb67ae85;
    }
    memcpy(out, c, sizeof c);
}

/* The upper 23 bits are enough, and a float holds them exactly. */
void ref_race(float *race, uint32_t n_expert, uint64_t seed, uint64_t row,
              uint32_t stream)
{
    const uint32_t key[2] = {(uint32_t)seed, (uint32_t)(seed >> 32)};
    for (uint32_t e = 0; e < n_expert; e++) {
        const uint32_t counter[4] = {(uint32_t)row, (uint32_t)(row >> 32), e, stream};
        uint32_t bits[4];
        ref_philox(bits, counter, key);
        race[e] = (float)-log1p(-((double)(bits[0] >> 9) + 0.5) * 0x1p-23);
    }
}
