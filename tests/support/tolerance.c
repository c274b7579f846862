/* tolerance.c - comparing floats in tests, with messages that help. */
#include "support/tolerance.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

void assert_close(const float *got, const float *want, size_t n, float abs_tol,
                  float rel_tol, const char *fmt, ...)
{
    size_t bad = 0, first = 0;
    for (size_t i = 0; i < n; i++) {
        const float limit = abs_tol + rel_tol * fabsf(want[i]);
        const bool ok = fabsf(got[i] - want[i]) <= limit; /* false for NaN */
        if (!ok && bad++ == 0)
            first = i;
    }
    if (!bad)
        return;
    char what[256];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(what, sizeof what, fmt, ap);
    va_end(ap);
    fail_msg("%s: %zu of %zu values differ, first at %zu: got %.9g, want %.9g", what, bad,
             n, first, (double)got[first], (double)want[first]);
}

void assert_close_rms(const float *got, const float *want, size_t n, double tol,
                      const char *fmt, ...)
{
    double d2 = 0, w2 = 0;
    bool finite = true;
    for (size_t i = 0; i < n; i++) {
        const double d = (double)got[i] - (double)want[i];
        finite = finite && isfinite(got[i]);
        d2 += d * d;
        w2 += (double)want[i] * (double)want[i];
    }
    if (finite && d2 <= tol * tol * w2)
        return;
    char what[256];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(what, sizeof what, fmt, ap);
    va_end(ap);
    fail_msg("%s: rms error %.3g of rms %.3g over %zu values, limit %.3g%s", what,
             sqrt(d2 / (double)(n ? n : 1)), sqrt(w2 / (double)(n ? n : 1)), n, tol,
             finite ? "" : "; some are not finite");
}

void assert_bits(const float *got, const float *want, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint32_t g, w;
        memcpy(&g, &got[i], sizeof g);
        memcpy(&w, &want[i], sizeof w);
        if (g != w)
            fail_msg("value %zu is %a, expected %a", i, (double)got[i], (double)want[i]);
    }
}

/* splitmix64 (Steele, Lea, Flood 2014) */
uint32_t random_u32(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return (uint32_t)((z ^ z >> 31) >> 32);
}

float random_f32(uint64_t *state)
{
    return (float)(random_u32(state) >> 8) * 0x1p-23f - 1.0f;
}
