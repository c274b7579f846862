/* test_glu.c - op_glu against ref_glu, and op_combine against plain loops. */
#include "op_env.h"

#include <math.h>
#include <string.h>

#include "ref/ref.h"

struct glu_case {
    uint32_t n_ff, n_token, n_per_row;
    enum act act;
    float scale;
};

static void run_glu(struct lem_device *device, const struct glu_case *c)
{
    const float alpha = 1.702f, limit = 7.0f;
    const uint32_t n_row = c->n_token * c->n_per_row;
    const uint32_t x_stride = op_env_stride(2 * c->n_ff);
    const uint32_t y_stride = op_env_stride(c->n_ff) + 32;
    uint64_t seed = c->n_ff;
    float *x = op_env_random(&seed, (size_t)n_row * x_stride);
    float *y = op_env_filled((size_t)n_row * y_stride, -7);
    float *want = op_env_filled((size_t)n_row * y_stride, -7);
    for (size_t i = 0; i < (size_t)n_row * x_stride; i++)
        x[i] *= c->scale;
    for (uint32_t r = 0; r < n_row; r++)
        for (uint32_t i = 0; i < c->n_ff; i++)
            want[r * y_stride + i] = ref_glu(c->act, x[r * x_stride + i],
                                             x[r * x_stride + c->n_ff + i], alpha, limit);

    struct op_env env;
    op_env_open(&env, device, (struct step_params){.n_token = c->n_token, .n_out = 1});
    const struct op_glu op = {.x = op_env_put(&env, x, 4ull * n_row * x_stride),
                              .y = op_env_put(&env, y, 4ull * n_row * y_stride),
                              .p = {.n_ff = c->n_ff,
                                    .x_stride = x_stride,
                                    .y_stride = y_stride,
                                    .act = c->act,
                                    .n_per_row = c->n_per_row,
                                    .alpha = alpha,
                                    .limit = limit}};
    assert_int_equal(op_glu(env.list, &env.at, &op), LEM_OK);
    op_env_run(&env);
    /* exp within 1 ulp, its argument (up to 8) rounded: 1e-6 relative. Far out on the
     * negative side results below 1e-6 of the largest are told apart by no one. */
    assert_close(op_env_get(&op.y), want, (size_t)n_row * y_stride,
                 1e-6f * c->scale * c->scale, 3e-6f, "act %d n_ff %u scale %g",
                 (int)c->act, c->n_ff, (double)c->scale);
    op_env_close(&env);
    free(x), free(y), free(want);
}

static void matches_reference(void **state)
{
    static const uint32_t n_ff[] = {1, 31, 32, 33, 63, 64, 65, 127, 129, 257, 2048, 2880};
    for (size_t i = 0; i < sizeof n_ff / sizeof *n_ff; i++)
        for (enum act act = ACT_SILU; act <= ACT_SWIGLU_CLAMPED; act++)
            run_glu(op_env_device(state),
                    &(struct glu_case){.n_ff = n_ff[i],
                                       .n_token = 3,
                                       .n_per_row = 1 + (uint32_t)i % 3,
                                       .act = act,
                                       .scale = 8});
}

/* Where exp leaves the range of f32. */
static void matches_at_extreme_scales(void **state)
{
    for (enum act act = ACT_SILU; act <= ACT_SWIGLU_CLAMPED; act++) {
        run_glu(
            op_env_device(state),
            &(struct glu_case){
                .n_ff = 100, .n_token = 1, .n_per_row = 1, .act = act, .scale = 1e4f});
        run_glu(
            op_env_device(state),
            &(struct glu_case){
                .n_ff = 100, .n_token = 1, .n_per_row = 1, .act = act, .scale = 1e-3f});
    }
}

static void run_combine(struct lem_device *device, uint32_t n, uint32_t n_token,
                        uint32_t n_used)
{
    const uint32_t x_stride = op_env_stride(n) + 32, y_stride = op_env_stride(n);
    const size_t n_x = (size_t)n_token * n_used * x_stride;
    const size_t n_y = (size_t)n_token * y_stride;
    uint64_t seed = n;
    float *x = op_env_random(&seed, n_x);
    float *w = op_env_random(&seed, (size_t)n_token * n_used);
    float *y = op_env_random(&seed, n_y);
    float *want = op_env_filled(n_y, 0);
    memcpy(want, y, n_y * sizeof *y);
    for (uint32_t t = 0; t < n_token; t++)
        for (uint32_t i = 0; i < n; i++) {
            double sum = 0;
            for (uint32_t k = 0; k < n_used; k++)
                sum += (double)w[t * n_used + k] *
                       (double)x[(size_t)(t * n_used + k) * x_stride + i];
            want[t * y_stride + i] += (float)sum;
        }

    struct op_env env;
    op_env_open(&env, device, (struct step_params){.n_token = n_token, .n_out = 1});
    const struct op_combine op = {
        .x = op_env_put(&env, x, 4 * n_x),
        .weights = op_env_put(&env, w, 4ull * n_token * n_used),
        .y = op_env_put(&env, y, 4 * n_y),
        .p = {.n = n, .n_used = n_used, .x_stride = x_stride, .y_stride = y_stride}};
    assert_int_equal(op_combine(env.list, &env.at, &op), LEM_OK);
    op_env_run(&env);
    /* n_used products below 1, each step rounds a sum below n_used to 24 bits */
    assert_close(op_env_get(&op.y), want, n_y, 6e-8f * (float)(n_used * n_used + 2), 0,
                 "n %u n_used %u", n, n_used);
    op_env_close(&env);
    free(x), free(w), free(y), free(want);
}

static void combines_slots(void **state)
{
    static const uint32_t n[] = {1, 31, 32, 33, 63, 64, 65, 127, 129, 257, 2048, 2880};
    static const uint32_t n_used[] = {1, 2, 3, 8, 16};
    for (size_t i = 0; i < sizeof n / sizeof *n; i++)
        run_combine(op_env_device(state), n[i], 1 + (uint32_t)i % 4, n_used[i % 5]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(matches_reference),
        cmocka_unit_test(matches_at_extreme_scales),
        cmocka_unit_test(combines_slots),
    };
    return cmocka_run_group_tests(tests, gpu_fixture_open, gpu_fixture_close);
}
