/* test_pick.c - op_pick against ref_pick: sizes around those of workgroups and levels,
 * equal values, rows in order, infinities, and what is no number. */
#include <math.h>
#include <string.h>

#include "op_env.h"
#include "ref/ref.h"

struct pair {
    float value;
    uint32_t id;
};

static void check(void **state, const float *x, uint32_t n, const char *what)
{
    struct op_env env;
    struct ref_candidate want[PICK_MOST];
    const uint32_t k = n < PICK_MOST ? n : PICK_MOST;
    struct lem_device *device = op_env_device(state);
    op_env_open(&env, device, (struct step_params){.n_token = 1});
    const uint64_t part = op_pick_part_bytes(device, n);
    const struct op_pick op = {
        .x = op_env_put(&env, x, 4ull * n),
        .y = op_env_put(&env, NULL, PICK_MOST * sizeof(struct pair)),
        .part = part ? op_env_put(&env, NULL, part) : (struct gpu_slice){0},
        .n = n};
    assert_int_equal(op_pick(env.list, &env.at, &op), LEM_OK);
    ref_pick(want, k, x, n);
    for (int again = 0; again < 2; again++) {
        op_env_run(&env);
        const struct pair *got = op_env_get(&op.y);
        for (uint32_t i = 0; i < PICK_MOST; i++) {
            const uint32_t id = i < k ? want[i].id : PICK_NONE;
            const float value = i < k ? want[i].value : -INFINITY;
            const bool lost = isnan(value) || value == INFINITY;
            if (got[i].id != id || (lost ? !isnan(got[i].value) : got[i].value != value))
                fail_msg("%s, %u values, place %u: %g of %u, not %g of %u", what, n, i,
                         (double)got[i].value, got[i].id, (double)value, id);
        }
    }
    op_env_close(&env);
}

/* Two levels are full at 200,704 values. */
static const uint32_t sizes[] = {1,    2,    63,    64,     65,     127,
                                 128,  129,  300,   3583,   3584,   3585,
                                 7168, 7169, 49155, 151936, 200704, 200705};
enum { N_SIZE = sizeof sizes / sizeof *sizes, LARGEST = 200705 };

static void random_values(void **state)
{
    struct gpu_fixture *fx = *state;
    float *x = op_env_random(&fx->seed, LARGEST);
    for (int i = 0; i < N_SIZE; i++)
        check(state, x, sizes[i], "random");
    free(x);
}

/* A few different values, zeros of both signs among them: the smaller id is better. */
static void equal_values(void **state)
{
    static const float few[] = {0.0f, -0.0f, 1.5f, -3.25f, -INFINITY, 1e-40f};
    struct gpu_fixture *fx = *state;
    float *x = op_env_filled(LARGEST, 0);
    for (uint32_t n_few = 1; n_few <= 6; n_few += 5) {
        for (uint32_t i = 0; i < LARGEST; i++)
            x[i] = few[random_u32(&fx->seed) % n_few];
        for (int i = 0; i < N_SIZE; i++)
            check(state, x, sizes[i], "few values");
    }
    for (uint32_t i = 0; i < LARGEST; i++)
        x[i] = -INFINITY;
    for (int i = 0; i < N_SIZE; i++)
        check(state, x, sizes[i], "all ruled out");
    free(x);
}

/* The best all in one workgroup, all in one lane, or all in one of many rows. */
static void values_in_order(void **state)
{
    float *x = op_env_filled(LARGEST, 0);
    for (uint32_t i = 0; i < LARGEST; i++)
        x[i] = (float)i;
    for (int i = 0; i < N_SIZE; i++)
        check(state, x, sizes[i], "rising");
    for (uint32_t i = 0; i < LARGEST; i++)
        x[i] = -(float)i;
    for (int i = 0; i < N_SIZE; i++)
        check(state, x, sizes[i], "falling");
    for (uint32_t lanes = 64; lanes <= 4096; lanes *= 2) {
        for (uint32_t i = 0; i < LARGEST; i++)
            x[i] = i % lanes == 5 ? (float)(i % 9973) : -(float)(i % 9973);
        check(state, x, 49155, "in one lane");
        check(state, x, 3584, "in one lane");
    }
    free(x);
}

static void broken_values_come_first(void **state)
{
    struct gpu_fixture *fx = *state;
    float *x = op_env_random(&fx->seed, LARGEST);
    const uint32_t payload = 0xff912345u; /* a negative NaN */
    x[17] = 3e38f;
    for (int i = 1; i < N_SIZE; i++) {
        const uint32_t n = sizes[i];
        const float kept[2] = {x[n - 1], x[n / 2]};
        x[n - 1] = INFINITY;
        check(state, x, n, "infinity");
        memcpy(&x[n / 2], &payload, sizeof payload);
        check(state, x, n, "infinity and NaN");
        x[n - 1] = kept[0], x[n / 2] = kept[1];
    }
    free(x);
}

static void too_little_room_is_refused(void **state)
{
    struct gpu_fixture *fx = *state;
    struct op_env env;
    op_env_open(&env, fx->device, (struct step_params){.n_token = 1});
    struct op_pick op = {.x = op_env_put(&env, NULL, 4 * 4096),
                         .y = op_env_put(&env, NULL, PICK_MOST * sizeof(struct pair)),
                         .n = 4096};
    assert_true(op_pick_part_bytes(fx->device, 3584) == 0);
    assert_true(op_pick_part_bytes(fx->device, op.n) > 0);
    assert_int_equal(op_pick(env.list, &env.at, &op), LEM_ERR_ARGUMENT);
    gpu_fixture_said(fx, "4096 values");
    op.n = 0;
    assert_int_equal(op_pick(env.list, &env.at, &op), LEM_ERR_ARGUMENT);
    gpu_fixture_said(fx, "0 values");
    op_env_close(&env);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_values),
        cmocka_unit_test(equal_values),
        cmocka_unit_test(values_in_order),
        cmocka_unit_test(broken_values_come_first),
        cmocka_unit_test(too_little_room_is_refused),
    };
    return cmocka_run_group_tests_name("pick", tests, gpu_fixture_open,
                                       gpu_fixture_close);
}
