/* check.h - arithmetic on sizes from files that says when it overflows. */
#ifndef BASE_CHECK_H
#define BASE_CHECK_H

#include <stdbool.h>
#include <stdint.h>

/* *out = a * b, or false when that does not fit. */
static inline bool check_mul(uint64_t a, uint64_t b, uint64_t *out)
{
    return !__builtin_mul_overflow(a, b, out);
}

/* *out = a + b, or false when that does not fit. */
static inline bool check_add(uint64_t a, uint64_t b, uint64_t *out)
{
    return !__builtin_add_overflow(a, b, out);
}

/* Round `a` up to a multiple of `to` (> 0), or false when that does not fit. */
static inline bool check_round_up(uint64_t a, uint64_t to, uint64_t *out)
{
    const uint64_t rest = a % to;
    return rest == 0 ? (*out = a, true) : check_add(a, to - rest, out);
}

/* For sizes of our own that are known to fit. */
static inline uint32_t ceil_div(uint32_t a, uint32_t b)
{
    return a / b + (a % b != 0);
}

static inline uint32_t round_up(uint32_t a, uint32_t to)
{
    return ceil_div(a, to) * to;
}

#endif
