/* test_norm.c - op_norm against ref_norm: sizes around a subgroup and a workgroup,
 * padded rows, the rows whose logits are wanted. */
#include "op_env.h"

#include <math.h>
#include <string.h>

#include "ref/ref.h"

#define PAST (-7.0f) /* what y holds before: must survive outside the rows */

struct norm_case {
    uint32_t n, n_token;
    float scale; /* of the values */
    bool from_out;
    uint32_t out_row, n_out;
};

static void check_rows(const float *y, const float *want, const struct norm_case *c,
                       uint32_t n_row, uint32_t y_stride)
{
    for (uint32_t t = 0; t < c->n_token; t++) {
        const float *row = y + (size_t)t * y_stride;
        /* A sum of up to 2880 squares in f32, in another order than the reference's:
         * its relative error is below 64 ulp of 6e-8 and halves in the root; then
         * three roundings. */
        if (t < n_row)
            assert_close(row, want + (size_t)t * c->n, c->n, 0, 3e-6f, "n %u row %u",
                         c->n, t);
        for (uint32_t i = t < n_row ? c->n : 0; i < y_stride; i++)
            assert_float_equal(row[i], PAST, 0);
    }
}

static void run_case(struct lem_device *device, const struct norm_case *c)
{
    const uint32_t x_stride = op_env_stride(c->n), y_stride = x_stride + 32;
    uint64_t seed = c->n;
    float *x = op_env_random(&seed, (size_t)c->n_token * x_stride);
    float *w = op_env_random(&seed, c->n);
    float *y = op_env_filled((size_t)c->n_token * y_stride, PAST);
    float *dense = op_env_filled((size_t)c->n_token * c->n, 0);
    float *want = op_env_filled((size_t)c->n_token * c->n, 0);
    const uint32_t n_row = c->from_out ? c->n_out : c->n_token;
    for (uint32_t t = 0; t < c->n_token; t++)
        for (uint32_t i = 0; i < x_stride; i++)
            x[t * x_stride + i] *= i < c->n ? c->scale : 1e9f; /* padding is not used */
    for (uint32_t t = 0; t < n_row; t++)
        memcpy(dense + (size_t)t * c->n,
               x + (size_t)(t + (c->from_out ? c->out_row : 0)) * x_stride,
               c->n * sizeof *x);
    ref_norm(want, dense, w, n_row, c->n, 1e-6f);

    struct op_env env;
    op_env_open(&env, device,
                (struct step_params){.n_token = c->n_token,
                                     .out_row = c->out_row,
                                     .n_out = c->from_out ? c->n_out : c->n_token});
    const struct op_norm op = {.x = op_env_put(&env, x, 4ull * c->n_token * x_stride),
                               .w = op_env_put(&env, w, 4ull * c->n),
                               .y = op_env_put(&env, y, 4ull * c->n_token * y_stride),
                               .n = c->n,
                               .x_stride = x_stride,
                               .y_stride = y_stride,
                               .eps = 1e-6f,
                               .from_out = c->from_out};
    assert_int_equal(op_norm(env.list, &env.at, &op), LEM_OK);
    op_env_run(&env);
    check_rows(op_env_get(&op.y), want, c, n_row, y_stride);
    op_env_close(&env);
    free(x), free(w), free(y), free(dense), free(want);
}

static void matches_reference(void **state)
{
    static const uint32_t n[] = {1, 31, 32, 33, 63, 64, 65, 127, 129, 257, 2048, 2880};
    for (size_t i = 0; i < sizeof n / sizeof *n; i++)
        run_case(op_env_device(state),
                 &(struct norm_case){.n = n[i], .n_token = 3, .scale = 1});
}

/* eps decides for the first, and squares stay far below the largest float. */
static void matches_at_extreme_scales(void **state)
{
    run_case(op_env_device(state),
             &(struct norm_case){.n = 100, .n_token = 2, .scale = 1e-4f});
    run_case(op_env_device(state),
             &(struct norm_case){.n = 100, .n_token = 2, .scale = 1e15f});
    run_case(op_env_device(state),
             &(struct norm_case){.n = 100, .n_token = 2, .scale = 0});
}

static void takes_wanted_rows(void **state)
{
    run_case(op_env_device(state), &(struct norm_case){.n = 65,
                                                       .n_token = 5,
                                                       .scale = 1,
                                                       .from_out = true,
                                                       .out_row = 2,
                                                       .n_out = 3});
    run_case(op_env_device(state), &(struct norm_case){.n = 65,
                                                       .n_token = 5,
                                                       .scale = 1,
                                                       .from_out = true,
                                                       .out_row = 4,
                                                       .n_out = 1});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(matches_reference),
        cmocka_unit_test(matches_at_extreme_scales),
        cmocka_unit_test(takes_wanted_rows),
    };
    return cmocka_run_group_tests(tests, gpu_fixture_open, gpu_fixture_close);
}
