/* test_ref_random.c - the random numbers behind draws: known answers of Philox, and
 * races that are exponentially distributed and independent. */
#include "support/tolerance.h"

#include <math.h>
#include <string.h>

#include "ref/ref.h"

/* From the known-answer file of Random123, the authors' own implementation. */
static void philox_gives_the_known_answers(void **state)
{
    (void)state;
    static const uint32_t cases[][10] = {
        {0, 0, 0, 0, 0, 0, 0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8},
        {0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff,
         0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd},
        {0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344, 0xa4093822, 0x299f31d0,
         0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint32_t got[4];
        ref_philox(got, cases[i], cases[i] + 4);
        assert_memory_equal(got, cases[i] + 6, sizeof got);
    }
}

/* Mean and variance 1, within five standard errors (the variance of a square is 8); all
 * finite and above 0. */
static void races_are_exponential(void **state)
{
    (void)state;
    enum { N = 400000, N_EXPERT = 4 };
    double sum = 0, squares = 0;
    for (uint64_t row = 0; row < N / N_EXPERT; row++) {
        float race[N_EXPERT];
        ref_race(race, N_EXPERT, 42, row, 0);
        for (int e = 0; e < N_EXPERT; e++) {
            const double v = (double)race[e];
            assert_true(v > 0 && v < 20);
            sum += v;
            squares += (v - 1) * (v - 1);
        }
    }
    assert_true(fabs(sum / N - 1) < 5 / sqrt(N));
    assert_true(fabs(squares / N - 1) < 5 * sqrt(8.0 / N));
}

/* Every part of seed, row, stream and expert gives other numbers. */
static void races_depend_on_everything(void **state)
{
    (void)state;
    enum { N = 16 };
    static const struct {
        uint64_t seed, row;
        uint32_t stream;
    } cases[] = {{1, 1, 1},
                 {2, 1, 1},
                 {UINT64_C(1) << 32 | 1, 1, 1},
                 {1, 2, 1},
                 {1, UINT64_C(1) << 32 | 1, 1},
                 {1, 1, 2}};
    enum { N_CASE = sizeof cases / sizeof *cases };
    float race[N_CASE][N];
    for (int i = 0; i < N_CASE; i++) {
        ref_race(race[i], N, cases[i].seed, cases[i].row, cases[i].stream);
        for (int j = 0; j < i; j++)
            for (int e = 0; e < N; e++)
                assert_true(race[i][e] != race[j][e]);
        for (int e = 1; e < N; e++)
            assert_true(race[i][e] != race[i][e - 1]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(philox_gives_the_known_answers),
        cmocka_unit_test(races_are_exponential),
        cmocka_unit_test(races_depend_on_everything),
    };
    return cmocka_run_group_tests_name("ref_random", tests, NULL, NULL);
}
