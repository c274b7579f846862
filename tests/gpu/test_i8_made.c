/* test_i8_made.c - bytes that kernels write besides, or in the place of, their floats:
 * those of the experts' first half and of attention are the ones that op_round_i8 makes
 * of the floats. No device needs int_dot for it. */
#include "op_env.h"

#include <string.h>

#include "ops/attn.h"
#include "ops/weight.h"
#include "ref/ref.h"
#include "support/weights.h"

/* What op_round_i8 makes of `n_row` rows of x, after what env->list has so far. */
static struct gpu_slice round_after(struct op_env *env, struct gpu_slice x, uint32_t n,
                                    uint32_t n_row, uint32_t x_stride, uint32_t y_stride)
{
    const struct op_round_i8 op = {.x = x,
                                   .y = op_env_put(env, NULL, 16ull * n_row * y_stride),
                                   .n = n,
                                   .n_per_row = n_row,
                                   .x_stride = x_stride,
                                   .y_stride = y_stride};
    assert_int_equal(op_round_i8(env->list, &env->at, &op), LEM_OK);
    return op.y;
}

/* ---- experts ---------------------------------------------------------------------- */

enum { EXPERTS = 5, USED = 3, EMBD = 96 };
static const uint32_t chosen[USED] = {4, 0, 2};

static void check_glu(struct lem_device *device, uint32_t n_ff,
                      const struct ops_shape *shape)
{
    struct op_env env;
    struct weights up;
    uint64_t seed = n_ff;
    const uint32_t stride = op_i8_stride(n_ff) + 1;
    op_env_open(&env, device, (struct step_params){.n_token = 1});
    weights_open(&up, device, QUANT_Q8_0, EXPERTS, 2 * n_ff, EMBD, &seed);
    float *x = op_env_random(&seed, EMBD);
    struct op_experts_glu glu = {.weight = &up.ops,
                                 .x = op_env_put(&env, x, 4 * EMBD),
                                 .ids = op_env_put(&env, chosen, sizeof chosen),
                                 .y = op_env_put(&env, NULL, 4ull * USED * n_ff),
                                 .n_used = USED,
                                 .y_stride = n_ff,
                                 .act = ACT_SILU};
    assert_int_equal(ops_experts_glu(env.list, &env.at, &glu, shape), LEM_OK);
    const struct gpu_slice want = round_after(&env, glu.y, n_ff, USED, n_ff, stride);
    glu.y_i8 = op_env_put(&env, NULL, 16ull * USED * stride);
    glu.y_i8_stride = stride;
    assert_int_equal(ops_experts_glu(env.list, &env.at, &glu, shape), LEM_OK);
    op_env_run(&env);
    assert_memory_equal(op_env_get(&glu.y_i8), op_env_get(&want), 16ull * USED * stride);
    uint32_t words = 0;
    for (uint32_t i = 0; i < 4 * USED * stride; i++)
        words += ((const uint32_t *)op_env_get(&want))[i] != 0;
    assert_true(words > USED * n_ff / 8);
    weights_close(&up);
    op_env_close(&env);
    free(x);
}

static void experts_round_what_they_make(void **state)
{
    static const struct ops_shape shapes[] = {
        {.rows = 2, .tokens = 1, .split = 1},
        {.rows = 4, .tokens = 1, .split = 1},
        {.rows = 8, .tokens = 1, .split = 1},
        {.rows = 4, .tokens = 1, .split = 1, .lanes = 16},
        {.rows = 16, .tokens = 1, .split = 1, .lanes = 16}};
    static const uint32_t n_ff[] = {32, 96, 512};
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        for (size_t k = 0; k < sizeof n_ff / sizeof *n_ff; k++)
            check_glu(op_env_device(state), n_ff[k], &shapes[i]);
}

/* A block has 32 values of one row, and a workgroup must have all of them. */
static void experts_refuse_broken_blocks(void **state)
{
    struct op_env env;
    struct weights up;
    uint64_t seed = 3;
    op_env_open(&env, op_env_device(state), (struct step_params){.n_token = 1});
    weights_open(&up, env.device, QUANT_Q8_0, EXPERTS, 2 * 40, EMBD, &seed);
    const struct gpu_slice some = op_env_put(&env, NULL, 4096);
    const struct op_experts_glu glu = {.weight = &up.ops,
                                       .x = some,
                                       .ids = some,
                                       .y = some,
                                       .y_i8 = some,
                                       .n_used = USED,
                                       .y_stride = 64,
                                       .y_i8_stride = 20};
    const struct ops_shape whole = {.rows = 2, .tokens = 1, .split = 1};
    assert_false(op_experts_glu_rounds(env.device, &glu));
    assert_int_equal(ops_experts_glu(env.list, &env.at, &glu, &whole), LEM_ERR_ARGUMENT);
    gpu_fixture_said(*state, "rows of 40 values cannot be rounded here");
    weights_close(&up);
    op_env_close(&env);
}

/* ---- attention -------------------------------------------------------------------- */

enum { HEADS = 6, KV_HEADS = 2, CTX = 128 };

static struct op_attn attention(struct op_env *env, uint32_t dim, uint64_t *seed)
{
    struct op_env_cache k, v;
    float *row = op_env_random(seed, dim), *q = op_env_random(seed, HEADS * dim);
    op_env_cache_open(&k, LEM_CACHE_F16, KV_HEADS, CTX, dim);
    op_env_cache_open(&v, LEM_CACHE_F16, KV_HEADS, CTX, dim);
    for (uint32_t i = 0; i < KV_HEADS * CTX; i++) {
        op_env_cache_set(&k, i / CTX, i % CTX, row);
        for (uint32_t d = 0; d < dim; d++)
            row[d] = random_f32(seed);
        op_env_cache_set(&v, i / CTX, i % CTX, row);
    }
    const struct op_attn a = {.q = op_env_put(env, q, 4ull * HEADS * dim),
                              .k_cache = op_env_put(env, k.word, k.bytes),
                              .v_cache = op_env_put(env, v.word, v.bytes),
                              .y = op_env_put(env, NULL, 4ull * HEADS * dim),
                              .type = LEM_CACHE_F16,
                              .p = {.n_head = HEADS,
                                    .n_head_kv = KV_HEADS,
                                    .head_dim = dim,
                                    .head_dim_v = dim,
                                    .q_stride = HEADS * dim,
                                    .y_stride = HEADS * dim,
                                    .n_ctx = CTX,
                                    .scale = 0.3f}};
    op_env_cache_close(&k);
    op_env_cache_close(&v);
    free(row), free(q);
    return a;
}

static void check_attn(struct lem_device *device, uint32_t dim,
                       const struct ops_attn_shape *shape)
{
    struct op_env env;
    uint64_t seed = dim + shape->splits;
    const uint32_t n = HEADS * dim, stride = op_i8_stride(n);
    op_env_open(&env, device, (struct step_params){.n_token = 1, .pos = 70});
    struct op_attn a = attention(&env, dim, &seed);
    const uint64_t part = ops_attn_part_bytes(&a.p, shape, 1);
    if (part)
        a.part = op_env_put(&env, NULL, part);
    a.y_i8 = op_env_put(&env, NULL, 16ull * stride);
    assert_int_equal(ops_attn(env.list, &env.at, &a, shape), LEM_OK);
    const struct gpu_slice want = round_after(&env, a.y, n, 1, n, stride);
    op_env_run(&env);
    assert_memory_equal(op_env_get(&a.y_i8), op_env_get(&want), 16ull * stride);
    assert_true(*(const uint32_t *)op_env_get(&want) != 0);
    op_env_close(&env);
}

static void attention_rounds_what_it_makes(void **state)
{
    static const struct ops_attn_shape shapes[] = {
        {.lanes = 8, .heads = 2, .tokens = 1, .span = 4, .splits = 3},
        {.lanes = 64, .heads = 3, .tokens = 1, .span = 2, .splits = 2},
        {.lanes = 8, .heads = 2, .tokens = 1, .span = 4, .splits = 1, .unrolled = true},
        {.lanes = 8, .heads = 3, .tokens = 1, .span = 4, .splits = 2, .unrolled = true},
    };
    struct lem_device *device = op_env_device(state);
    const struct lem_device_caps *caps = gpu_caps(device);
    const bool teams = gpu_type(device) == LEM_DEVICE_CPU && caps->subgroup_arithmetic &&
                       caps->subgroup_size == 8;
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        for (uint32_t dim = 32; dim <= 96; dim += 64)
            if (teams || !shapes[i].unrolled)
                check_attn(device, dim, &shapes[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(experts_round_what_they_make),
        cmocka_unit_test(experts_refuse_broken_blocks),
        cmocka_unit_test(attention_rounds_what_it_makes),
    };
    return cmocka_run_group_tests(tests, gpu_fixture_open, gpu_fixture_close);
}
