/* tolerance.h - comparing floats in tests, with messages that help. */
#ifndef SUPPORT_TOLERANCE_H
#define SUPPORT_TOLERANCE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* Fail unless |got - want| <= abs_tol + rel_tol * |want| for all `n` values. The
 * message has the first bad index, both values, how many are bad, and `fmt`. */
__attribute__((format(printf, 6, 7))) void assert_close(const float *got,
                                                        const float *want, size_t n,
                                                        float abs_tol, float rel_tol,
                                                        const char *fmt, ...);

/* Fail unless rms(got - want) <= tol * rms(want) and every value is finite. For
 * sums of many terms, whose single values may cancel. */
__attribute__((format(printf, 5, 6))) void assert_close_rms(const float *got,
                                                            const float *want, size_t n,
                                                            double tol, const char *fmt,
                                                            ...);

/* Fail unless all `n` values are the same bits, so that -0 and NaN count too. */
void assert_bits(const float *got, const float *want, size_t n);

/* Reproducible floats: uniform in [-1, 1). */
float random_f32(uint64_t *state);
uint32_t random_u32(uint64_t *state);

#endif
