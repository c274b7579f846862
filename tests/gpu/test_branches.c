/* test_branches.c - the switches of shared kernels that only some families use: norms
 * that are added, biased and scaled, results that replace instead of add, a switched
 * FFN, factors of experts, values that are normed. */
#include "op_env.h"

#include <math.h>
#include <string.h>

#include "ref/ref.h"

/* ---- norms ------------------------------------------------------------------------- */

static void run_norm(struct lem_device *device, uint32_t n, bool bias, bool add,
                     float scale)
{
    enum { N_TOKEN = 3 };
    const uint32_t stride = op_env_stride(n);
    uint64_t seed = n;
    float *x = op_env_random(&seed, (size_t)N_TOKEN * stride);
    float *y = op_env_random(&seed, (size_t)N_TOKEN * stride);
    float *w = op_env_random(&seed, n), *b = op_env_random(&seed, n);
    float *want = op_env_filled((size_t)N_TOKEN * stride, 0);
    memcpy(want, y, (size_t)N_TOKEN * stride * sizeof *want);
    for (uint32_t t = 0; t < N_TOKEN; t++) {
        float *row = op_env_filled(n, 0);
        ref_norm(row, x + (size_t)t * stride, w, 1, n, 1e-6f);
        for (uint32_t i = 0; i < n; i++) {
            float *to = &want[(size_t)t * stride + i];
            const float base = (bias ? b[i] : 0) + (add ? *to : 0);
            *to = (row[i] + base) * (scale == 0 ? 1 : scale);
        }
        free(row);
    }
    struct op_env env;
    op_env_open(&env, device, (struct step_params){.n_token = N_TOKEN});
    struct op_norm op = {.x = op_env_put(&env, x, 4ull * N_TOKEN * stride),
                         .w = op_env_put(&env, w, 4ull * n),
                         .y = op_env_put(&env, y, 4ull * N_TOKEN * stride),
                         .n = n,
                         .x_stride = stride,
                         .y_stride = stride,
                         .eps = 1e-6f,
                         .scale = scale,
                         .add = add};
    if (bias)
        op.bias = op_env_put(&env, b, 4ull * n);
    assert_int_equal(op_norm(env.list, &env.at, &op), LEM_OK);
    op_env_run(&env);
    /* A norm within 3e-6 of values up to sqrt(n) in theory, below 4 here. */
    assert_close(op_env_get(&op.y), want, (size_t)N_TOKEN * stride, 1e-5f, 3e-6f,
                 "norm of %u, bias %d, add %d, scale %g", n, bias, add, (double)scale);
    op_env_close(&env);
    free(x), free(y), free(w), free(b), free(want);
}

static void norms_with_bias_sum_and_scale(void **state)
{
    static const uint32_t n[] = {1, 33, 64, 257};
    for (size_t i = 0; i < sizeof n / sizeof *n; i++)
        for (uint32_t k = 0; k < 8; k++)
            run_norm(op_env_device(state), n[i], k & 1, k & 2, k & 4 ? 0.75f : 0);
}

/* ---- op_combine, op_glu ---------------------------------------------------------------
 */

static void combine_may_replace(void **state)
{
    enum { N = 37, N_TOKEN = 2, N_USED = 3, STRIDE = 64 };
    uint64_t seed = 5;
    float *x = op_env_random(&seed, N_TOKEN * N_USED * STRIDE);
    float *w = op_env_random(&seed, N_TOKEN * N_USED);
    float *y = op_env_filled(N_TOKEN * STRIDE, NAN); /* what was there must not count */
    struct op_env env;
    op_env_open(&env, op_env_device(state), (struct step_params){.n_token = N_TOKEN});
    const struct op_combine op = {.x = op_env_put(&env, x, 4 * N_TOKEN * N_USED * STRIDE),
                                  .weights = op_env_put(&env, w, 4 * N_TOKEN * N_USED),
                                  .y = op_env_put(&env, y, 4 * N_TOKEN * STRIDE),
                                  .p = {.n = N,
                                        .n_used = N_USED,
                                        .x_stride = STRIDE,
                                        .y_stride = STRIDE,
                                        .flags = EXPERTS_SET}};
    assert_int_equal(op_combine(env.list, &env.at, &op), LEM_OK);
    op_env_run(&env);
    const float *got = op_env_get(&op.y);
    for (uint32_t t = 0; t < N_TOKEN; t++)
        for (uint32_t i = 0; i < N; i++) {
            double sum = 0;
            for (uint32_t k = 0; k < N_USED; k++)
                sum +=
                    (double)w[t * N_USED + k] * (double)x[(t * N_USED + k) * STRIDE + i];
            const float want = (float)sum;
            assert_close(&got[t * STRIDE + i], &want, 1, 1e-6f, 1e-6f, "value %u", i);
        }
    op_env_close(&env);
    free(x), free(w), free(y);
}

static void an_ffn_may_be_switched(void **state)
{
    enum { N_FF = 70, N_TOKEN = 3, X_STRIDE = 160, Y_STRIDE = 96, GATE_STRIDE = 32 };
    uint64_t seed = 6;
    float *x = op_env_random(&seed, N_TOKEN * X_STRIDE);
    float *gate = op_env_random(&seed, N_TOKEN * GATE_STRIDE);
    for (uint32_t t = 0; t < N_TOKEN; t++)
        gate[t * GATE_STRIDE] *= 5;
    struct op_env env;
    op_env_open(&env, op_env_device(state), (struct step_params){.n_token = N_TOKEN});
    const struct op_glu op = {.x = op_env_put(&env, x, 4 * N_TOKEN * X_STRIDE),
                              .y = op_env_put(&env, NULL, 4 * N_TOKEN * Y_STRIDE),
                              .gate = op_env_put(&env, gate, 4 * N_TOKEN * GATE_STRIDE),
                              .p = {.n_ff = N_FF,
                                    .x_stride = X_STRIDE,
                                    .y_stride = Y_STRIDE,
                                    .act = ACT_SILU,
                                    .n_per_row = 1,
                                    .gate_stride = GATE_STRIDE}};
    assert_int_equal(op_glu(env.list, &env.at, &op), LEM_OK);
    op_env_run(&env);
    const float *got = op_env_get(&op.y);
    for (uint32_t t = 0; t < N_TOKEN; t++)
        for (uint32_t i = 0; i < N_FF; i++) {
            const float *row = x + (size_t)t * X_STRIDE;
            const double open = 1 / (1 + exp(-(double)gate[t * GATE_STRIDE]));
            const float want =
                (float)(open * (double)ref_glu(ACT_SILU, row[i], row[N_FF + i], 0, 0));
            assert_close(&got[t * Y_STRIDE + i], &want, 1, 1e-6f, 3e-6f, "token %u", t);
        }
    op_env_close(&env);
    free(x), free(gate);
}

/* ---- op_router ------------------------------------------------------------------------
 */

/* Factors and the last scale are in the weights that experts see, not in the tap. */
static void factors_stay_out_of_the_tap(void **state)
{
    enum { N_EXPERT = 11, N_USED = 3, N_TOKEN = 4, STRIDE = 32 };
    uint64_t seed = 8;
    float *z = op_env_random(&seed, N_TOKEN * STRIDE);
    float *factor = op_env_random(&seed, N_EXPERT);
    struct op_env env;
    op_env_open(&env, op_env_device(state), (struct step_params){.n_token = N_TOKEN});
    const struct op_router op = {.logits = op_env_put(&env, z, 4 * N_TOKEN * STRIDE),
                                 .ids = op_env_put(&env, NULL, 4 * N_TOKEN * N_USED),
                                 .weights = op_env_put(&env, NULL, 4 * N_TOKEN * N_USED),
                                 .tap = op_env_put(&env, NULL, 8 * N_TOKEN * N_USED),
                                 .factor = op_env_put(&env, factor, 4 * N_EXPERT),
                                 .p = {.n_expert = N_EXPERT,
                                       .n_used = N_USED,
                                       .x_stride = STRIDE,
                                       .score = SCORE_SOFTMAX,
                                       .flags = ROUTER_NORMALISE,
                                       .scale = 1,
                                       .tap_stride = N_USED,
                                       .out_scale = 0.25f}};
    assert_int_equal(op_router(env.list, &env.at, &op), LEM_OK);
    op_env_run(&env);
    const struct ref_router r = {.n_expert = N_EXPERT,
                                 .n_used = N_USED,
                                 .score = SCORE_SOFTMAX,
                                 .normalise = true,
                                 .scale = 1,
                                 .n_group = 1,
                                 .n_group_used = 1,
                                 .group_top = 1};
    const struct {
        uint32_t id;
        float weight;
    } *tap = op_env_get(&op.tap);
    const float *weights = op_env_get(&op.weights);
    for (uint32_t t = 0; t < N_TOKEN; t++) {
        uint32_t ids[N_USED];
        float want[N_USED];
        ref_router(ids, want, NULL, z + (size_t)t * STRIDE, &r);
        for (uint32_t k = 0; k < N_USED; k++) {
            const float used = want[k] * factor[ids[k]] * 0.25f;
            assert_int_equal(tap[t * N_USED + k].id, ids[k]);
            assert_close(&tap[t * N_USED + k].weight, &want[k], 1, 0, 3e-6f, "tap");
            assert_close(&weights[t * N_USED + k], &used, 1, 0, 3e-6f, "weight");
        }
    }
    op_env_close(&env);
    free(z), free(factor);
}

/* ---- op_rope: normed values
 * ------------------------------------------------------------ */

static void run_v_norm(struct lem_device *device, uint32_t n_head_kv, uint32_t dim,
                       bool qk_norm)
{
    enum { N_TOKEN = 3, POS = 5, N_CTX = OPS_CACHE_TILE };
    const uint32_t n_head = 2 * n_head_kv, width = (n_head + 2 * n_head_kv) * dim;
    const uint32_t stride = op_env_stride(width);
    struct op_env_cache k_cache, v_cache;
    op_env_cache_open(&k_cache, LEM_CACHE_F16, n_head_kv, N_CTX, dim);
    op_env_cache_open(&v_cache, LEM_CACHE_F16, n_head_kv, N_CTX, dim);
    uint64_t seed = dim;
    float *qkv = op_env_random(&seed, (size_t)N_TOKEN * stride);
    float *norm = op_env_random(&seed, (size_t)2 * dim);
    struct op_env env;
    op_env_open(&env, device, (struct step_params){.n_token = N_TOKEN, .pos = POS});
    struct op_rope op = {
        .qkv = op_env_put(&env, qkv, 4ull * N_TOKEN * stride),
        .k_cache = op_env_put(&env, k_cache.word, k_cache.bytes),
        .v_cache = op_env_put(&env, v_cache.word, v_cache.bytes),
        .type = LEM_CACHE_F16,
        .p = {.n_head = n_head,
              .n_head_kv = n_head_kv,
              .head_dim = dim,
              .row_stride = stride,
              .flags = ROPE_NONE | ROPE_NORM_V | (qk_norm ? ROPE_NORM_HEAD : 0),
              .n_ctx = N_CTX,
              .eps = 1e-6f,
              .mscale = 1}};
    if (qk_norm)
        op.norm = op_env_put(&env, norm, 8ull * dim);
    assert_int_equal(op_rope(env.list, &env.at, &op), LEM_OK);
    op_env_run(&env);
    memcpy(k_cache.word, op_env_get(&op.k_cache), k_cache.bytes);
    memcpy(v_cache.word, op_env_get(&op.v_cache), v_cache.bytes);
    float *want = op_env_filled(dim, 0);
    for (uint32_t t = 0; t < N_TOKEN; t++)
        for (uint32_t h = 0; h < n_head_kv; h++) {
            const float *k = qkv + (size_t)t * stride + (size_t)(n_head + h) * dim;
            ref_norm(want, k + (size_t)n_head_kv * dim, NULL, 1, dim, 1e-6f);
            op_env_cache_check(&v_cache, h, POS + t, want, 1e-5f, "v");
            if (qk_norm)
                ref_norm(want, k, norm + dim, 1, dim, 1e-6f);
            op_env_cache_check(&k_cache, h, POS + t, qk_norm ? want : k, 1e-5f, "k");
        }
    op_env_cache_close(&k_cache);
    op_env_cache_close(&v_cache);
    op_env_close(&env);
    free(qkv), free(norm), free(want);
}

static void values_may_be_normed(void **state)
{
    static const uint32_t dim[] = {4, 28, 64, 256};
    for (size_t i = 0; i < sizeof dim / sizeof *dim; i++)
        for (uint32_t n_head_kv = 1; n_head_kv <= 5; n_head_kv += 2)
            for (uint32_t norm = 0; norm < 2; norm++)
                run_v_norm(op_env_device(state), n_head_kv, dim[i], norm);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(norms_with_bias_sum_and_scale),
        cmocka_unit_test(combine_may_replace),
        cmocka_unit_test(an_ffn_may_be_switched),
        cmocka_unit_test(factors_stay_out_of_the_tap),
        cmocka_unit_test(values_may_be_normed),
    };
    return cmocka_run_group_tests_name("branches", tests, gpu_fixture_open,
                                       gpu_fixture_close);
}
