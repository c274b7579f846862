/* half.c - f16 and bf16 to f32 and back. */
#include "base/half.h"

#include <string.h>

static uint32_t bits_of(float f)
{
    uint32_t u;
    memcpy(&u, &f, sizeof u);
    return u;
}

static float float_of(uint32_t u)
{
    float f;
    memcpy(&f, &u, sizeof f);
    return f;
}

float half_to_f32(uint16_t h)
{
    const uint32_t sign = (uint32_t)(h & 0x8000u) << 16;
    const uint32_t exponent = (h >> 10) & 0x1fu;
    const uint32_t mantissa = h & 0x3ffu;

    if (exponent == 31) /* infinity and NaN */
        return float_of(sign | 0x7f800000u | mantissa << 13);
    if (exponent == 0) { /* zero and subnormals: mantissa * 2^-24 */
        const float f = (float)mantissa * 0x1p-24f;
        return float_of(bits_of(f) | sign);
    }
    return float_of(sign | (exponent + 112) << 23 | mantissa << 13);
}

uint16_t half_from_f32(float f)
{
    const uint32_t u = bits_of(f);
    const uint16_t sign = (uint16_t)(u >> 16 & 0x8000u);
    const uint32_t a = u & 0x7fffffffu;

    if (a > 0x7f800000u) /* NaN: quiet, payload cut */
        return sign | 0x7e00u | (uint16_t)(a >> 13 & 0x3ffu);
    if (a >= 0x477ff000u) /* rounds to 65520 or more */
        return sign | 0x7c00u;
    if (a < 0x38800000u) { /* below 2^-14: a multiple of 2^-24, by the FPU's rounding */
        const float magic = float_of(a) + 0.5f;
        return sign | (uint16_t)(bits_of(magic) - bits_of(0.5f));
    }
    const uint32_t odd = a >> 13 & 1u;
    return sign | (uint16_t)((a - 0x38000000u + 0xfffu + odd) >> 13);
}

float bf16_to_f32(uint16_t b)
{
    return float_of((uint32_t)b << 16);
}

uint16_t bf16_from_f32(float f)
{
    const uint32_t u = bits_of(f);
    if ((u & 0x7fffffffu) > 0x7f800000u)
        return (uint16_t)(u >> 16 | 0x40u);
    return (uint16_t)((u + 0x7fffu + (u >> 16 & 1u)) >> 16);
}
