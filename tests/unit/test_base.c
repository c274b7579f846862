/* test_base.c - half floats, checked arithmetic, arena, cursor, messages. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/check.h"
#include "base/file.h"
#include "base/half.h"
#include "base/log.h"
#include "base/path.h"
#include "base/thread.h"
#include "lemnos/device.h"
#include "support/capture.h"

static uint32_t bits_of(float f)
{
    uint32_t u;
    memcpy(&u, &f, sizeof u);
    return u;
}

/* The value by the definition of binary16, with no bit of half.c in it. */
static double half_value(uint32_t h)
{
    const int exponent = (int)(h >> 10 & 31);
    const int mantissa = (int)(h & 1023);
    const double v =
        exponent == 0 ? ldexp(mantissa, -24) : ldexp(1024 + mantissa, exponent - 25);
    return h >> 15 ? -v : v;
}

static void every_half_has_its_value(void **state)
{
    (void)state;
    for (uint32_t h = 0; h < 0x10000; h++) {
        const float f = half_to_f32((uint16_t)h);
        if ((h & 0x7fff) > 0x7c00) {
            assert_true(isnan(f));
            assert_int_equal(signbit(f) != 0, h >> 15);
        } else if ((h & 0x7fff) == 0x7c00) {
            assert_true(isinf(f) && (signbit(f) != 0) == (h >> 15));
        } else {
            assert_true((double)f == half_value(h));
            assert_int_equal(signbit(f) != 0, h >> 15); /* -0 as well */
        }
    }
}

static void every_half_survives_the_way_back(void **state)
{
    (void)state;
    for (uint32_t h = 0; h < 0x10000; h++) {
        const uint16_t back = half_from_f32(half_to_f32((uint16_t)h));
        if ((h & 0x7fff) > 0x7c00) /* a NaN may become quiet */
            assert_int_equal(back | 0x200, h | 0x200);
        else
            assert_int_equal(back, h);
    }
}

/* Between any two neighbours: the middle goes to the even one, anything else to the
 * nearer one. The last pair is 65504 and what would be 65536, that is infinity. */
static void halves_are_rounded_to_nearest_even(void **state)
{
    (void)state;
    for (uint32_t h = 0; h < 0x7c00; h++) {
        const double a = half_value(h);
        const double b = h == 0x7bff ? 65536.0 : half_value(h + 1);
        const float middle = (float)((a + b) / 2);
        const uint32_t even = h & 1 ? h + 1 : h;
        assert_true((double)middle == (a + b) / 2);
        for (uint32_t sign = 0; sign <= 0x8000; sign += 0x8000) {
            const float s = sign ? -1.0f : 1.0f;
            assert_int_equal(half_from_f32(s * middle), even | sign);
            assert_int_equal(half_from_f32(s * nextafterf(middle, 0)), h | sign);
            assert_int_equal(half_from_f32(s * nextafterf(middle, INFINITY)),
                             (h + 1) | sign);
        }
    }
    assert_int_equal(half_from_f32(1e30f), 0x7c00);
    assert_int_equal(half_from_f32(-INFINITY), 0xfc00);
    assert_int_equal(half_from_f32(1e-30f), 0);
    assert_int_equal(half_from_f32(-1e-45f), 0x8000);
}

static void bf16_is_the_upper_half_rounded(void **state)
{
    (void)state;
    for (uint32_t b = 0; b < 0x10000; b++) {
        const float f = bf16_to_f32((uint16_t)b);
        assert_int_equal(bits_of(f), b << 16);
        if ((b & 0x7fff) > 0x7f80) {
            const uint16_t back = bf16_from_f32(f);
            assert_true((back & 0x7fff) > 0x7f80);
            continue;
        }
        assert_int_equal(bf16_from_f32(f), b);
        if ((b & 0x7fff) == 0x7f80)
            continue;
        for (uint32_t low = 0x7fff; low <= 0x8001; low++) {
            const uint32_t u = b << 16 | low;
            float between;
            memcpy(&between, &u, sizeof between);
            const uint32_t up = low > 0x8000 || (low == 0x8000 && (b & 1));
            assert_int_equal(bf16_from_f32(between), b + up);
        }
    }
    const uint32_t low_nan = 0x7f800001; /* its upper half alone would be infinity */
    float nan;
    memcpy(&nan, &low_nan, sizeof nan);
    assert_true((bf16_from_f32(nan) & 0x7fff) > 0x7f80);
}

static void sizes_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    uint64_t v = 1;
    assert_true(check_mul(1ull << 32, (1ull << 32) - 1, &v));
    assert_true(v == 0xffffffff00000000u);
    assert_false(check_mul(1ull << 32, 1ull << 32, &v));
    assert_true(check_mul(0, UINT64_MAX, &v) && v == 0);
    assert_true(check_add(UINT64_MAX, 0, &v) && v == UINT64_MAX);
    assert_false(check_add(UINT64_MAX, 1, &v));
    assert_true(check_round_up(33, 32, &v) && v == 64);
    assert_true(check_round_up(64, 32, &v) && v == 64);
    assert_true(check_round_up(0, 32, &v) && v == 0);
    assert_true(check_round_up(UINT64_MAX - 31, 32, &v) && v == UINT64_MAX - 31);
    assert_false(check_round_up(UINT64_MAX - 30, 32, &v));
    assert_int_equal(ceil_div(UINT32_MAX, 2), 0x80000000u);
    assert_int_equal(ceil_div(0, 7), 0);
    assert_int_equal(round_up(257, 256), 512);
}

static void arena_gives_zeroed_aligned_separate_memory(void **state)
{
    (void)state;
    struct arena a = {0};
    enum { n = 300 };
    unsigned char *p[n];
    for (size_t i = 0; i < n; i++) { /* up to beyond one block */
        const size_t size = i * i;
        p[i] = arena_alloc(&a, i, i);
        assert_non_null(p[i]);
        assert_int_equal((uintptr_t)p[i] % _Alignof(max_align_t), 0);
        for (size_t j = 0; j < size; j++)
            assert_int_equal(p[i][j], 0);
        memset(p[i], (int)(i & 255), size);
    }
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < i * i; j++)
            assert_int_equal(p[i][j], i & 255);
    assert_null(arena_alloc(&a, SIZE_MAX / 2, 3));
    assert_null(arena_alloc(&a, SIZE_MAX, 1));
    assert_non_null(arena_alloc(&a, 0, 8));
    arena_free(&a);
    assert_null(a.head);
}

static void arena_keeps_strings(void **state)
{
    (void)state;
    struct arena a = {0};
    const char *s = arena_str(&a, "expert", 3);
    const char *t = arena_printf(&a, "%s-%05d", s, 42);
    assert_string_equal(s, "exp");
    assert_string_equal(t, "exp-00042");
    assert_string_equal(arena_str(&a, NULL, 0), "");
    assert_null(arena_str(&a, "x", SIZE_MAX));
    arena_free(&a);
}

static void cursor_stops_at_its_end_and_stays_there(void **state)
{
    (void)state;
    static const uint8_t data[] = {1, 0x34, 0x12, 4, 3, 2, 1,    8,
                                   7, 6,    5,    4, 3, 2, 0x81, 9};
    struct cursor c = cursor_over(data, sizeof data);
    assert_int_equal(cursor_u8(&c), 1);
    assert_int_equal(cursor_u16(&c), 0x1234);
    assert_int_equal(cursor_u32(&c), 0x01020304);
    assert_true(cursor_u64(&c) == 0x8102030405060708u);
    assert_int_equal(cursor_offset(&c), 15);
    assert_int_equal(cursor_left(&c), 1);
    assert_false(c.failed);
    assert_int_equal(cursor_u16(&c), 0);
    assert_true(c.failed);
    assert_int_equal(cursor_u8(&c), 0); /* though a byte is left */
    assert_int_equal(cursor_offset(&c), 15);

    c = cursor_over(data, sizeof data);
    assert_null(cursor_take(&c, UINT64_MAX));
    assert_true(c.failed);
    c = cursor_over(data, sizeof data);
    assert_ptr_equal(cursor_take(&c, 16), data);
    assert_ptr_equal(cursor_take(&c, 0), data + 16);
    c = cursor_over(NULL, 0);
    assert_int_equal(cursor_u64(&c), 0);
    assert_true(c.failed);
}

static void a_message_is_one_line_and_may_be_cut(void **state)
{
    (void)state;
    struct capture cap;
    const struct lem_log log = capture_log(&cap);
    char text[2000];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    assert_int_equal(log_fail(&log, LEM_ERR_IO, "%s", text), LEM_ERR_IO);
    assert_int_equal(strlen(cap.error), 1023);
    assert_said(&cap, "xxx");
    log_msg(&log, LEM_LOG_INFO, "%d", 1);
    assert_silent(&cap);
    assert_int_equal(cap.n_other, 1);
    assert_int_equal(log_fail(NULL, LEM_ERR_FORMAT, "nobody listens"), LEM_ERR_FORMAT);
}

static void every_status_has_its_own_text(void **state)
{
    (void)state;
    for (int i = 0; i < LEM_STATUS_COUNT; i++) {
        const char *text = lem_status_text((enum lem_status)i);
        assert_true(text[0] != '\0');
        for (int j = 0; j < i; j++)
            assert_string_not_equal(text, lem_status_text((enum lem_status)j));
    }
    assert_non_null(lem_status_text((enum lem_status)12345));
    char version[32];
    snprintf(version, sizeof version, "%d.%d.%d", LEM_VERSION_MAJOR, LEM_VERSION_MINOR,
             LEM_VERSION_PATCH);
    assert_string_equal(lem_version(), version);
}

/* What the user has set stays, be it empty. */
static void drivers_are_told_what_nobody_has_set(void **state)
{
    (void)state;
    static const char name[] = "LP_NUM_THREADS";
    static const char *const set[] = {"1", ""};
    for (size_t i = 0; i < sizeof set / sizeof *set; i++) {
        setenv(name, set[i], 1);
        lem_prepare_drivers();
        assert_string_equal(getenv(name), set[i]);
    }
    unsetenv(name);
    lem_prepare_drivers();
    if (thread_cpus() < 2 || thread_cpus() > 8) { /* nothing would be gained */
        assert_null(getenv(name));
        return;
    }
    char want[16];
    snprintf(want, sizeof want, "%u", 2 * thread_cpus());
    assert_string_equal(getenv(name), want);
    unsetenv(name);
}

static void paths_are_joined_if_they_fit(void **state)
{
    (void)state;
    char out[8];
    assert_true(path_join(out, sizeof out, "abc", "def"));
    assert_string_equal(out, "abc/def");
    assert_false(path_join(out, sizeof out, "abc", "defg"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_half_has_its_value),
        cmocka_unit_test(every_half_survives_the_way_back),
        cmocka_unit_test(halves_are_rounded_to_nearest_even),
        cmocka_unit_test(bf16_is_the_upper_half_rounded),
        cmocka_unit_test(sizes_that_do_not_fit_are_refused),
        cmocka_unit_test(arena_gives_zeroed_aligned_separate_memory),
        cmocka_unit_test(arena_keeps_strings),
        cmocka_unit_test(cursor_stops_at_its_end_and_stays_there),
        cmocka_unit_test(a_message_is_one_line_and_may_be_cut),
        cmocka_unit_test(every_status_has_its_own_text),
        cmocka_unit_test(drivers_are_told_what_nobody_has_set),
        cmocka_unit_test(paths_are_joined_if_they_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
