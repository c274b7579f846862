/* test_i8.c - activations as bytes or, on devices that fetch texels, as integers of 16
 * bits: op_round_i8 against ref_round(), and every operation that takes them against the
 * reference on what the device rounded to, so that only the products answer for the
 * difference. Devices without texels and int_dot are not asked. */
#include "support/tolerance.h"

#include <math.h>
#include <string.h>

#include "op_env.h"
#include "ops/weight.h"
#include "ref/ref.h"
#include "support/weights.h"

static const uint32_t types[] = {
    QUANT_Q4_0, QUANT_Q8_0, QUANT_Q4_K, QUANT_Q6_K, QUANT_MXFP4,
    /* with 16 bits alone */
    QUANT_Q4_1, QUANT_Q5_0, QUANT_Q5_1, QUANT_Q2_K, QUANT_Q3_K, QUANT_Q5_K};
enum { N_TYPE_I8 = 5, N_TYPE_I16 = sizeof types / sizeof *types, MAX_ROWS = 40 };

static uint32_t n_type(const struct lem_device *device)
{
    return gpu_fetches_texels(device) ? N_TYPE_I16 : N_TYPE_I8;
}

static bool wants_whole_superblocks(uint32_t type)
{
    return type == QUANT_Q4_K || type == QUANT_Q6_K || type == QUANT_Q2_K ||
           type == QUANT_Q3_K || type == QUANT_Q5_K;
}

static bool has_integers(const struct lem_device *device)
{
    return gpu_caps(device)->int_dot || gpu_fetches_texels(device);
}

static void need_integers(void **state)
{
    if (!has_integers(op_env_device(state)))
        skip();
}

/* ---- rounding --------------------------------------------------------------------- */

static void decode_i16(float *x, const uint32_t *slots, uint32_t stride, uint32_t row,
                       uint32_t n)
{
    for (uint32_t b = 0; b < n / 32; b++) {
        const uint32_t *sb =
            slots + 4 * ((size_t)row * stride + (size_t)b / 8 * I16_SLOTS);
        const int16_t *q = (const int16_t *)(sb + (size_t)16 * (b % 8));
        float scale;
        memcpy(&scale, sb + 128 + b % 8, sizeof scale);
        for (uint32_t i = 0; i < 32; i++)
            x[b * 32 + i] = (float)q[i] * scale;
    }
}

/* Row `row` of integers as floats; the sums with it must fit. */
static void decode(const struct lem_device *device, float *x, const uint32_t *slots,
                   uint32_t stride, uint32_t row, uint32_t n)
{
    if (gpu_fetches_texels(device)) {
        decode_i16(x, slots, stride, row, n);
        return;
    }
    for (uint32_t b = 0; b < n / 32; b++) {
        const uint32_t *sb =
            slots + 4 * ((size_t)row * stride + (size_t)b / 8 * I8_SLOTS);
        const int8_t *q = (const int8_t *)(sb + (size_t)8 * (b % 8));
        float scale[2];
        memcpy(scale, sb + 64 + b % 8 / 2 * 4 + b % 2 * 2, sizeof scale);
        int sum = 0;
        for (uint32_t i = 0; i < 32; i++) {
            x[b * 32 + i] = (float)q[i] * scale[0];
            sum += q[i];
        }
        assert_true(fabsf(scale[1] - scale[0] * (float)sum) <=
                    1e-6f * scale[0] * 127 * 32);
    }
}

struct round_case {
    uint32_t n, rows, n_per_row;
};

static void check_rounding(struct lem_device *device, const struct round_case *c)
{
    struct op_env env;
    uint64_t seed = c->n + c->rows;
    const uint32_t n_row = c->rows * c->n_per_row, stride = op_i8_stride(c->n);
    const uint32_t x_stride = op_env_stride(c->n);
    const float most = gpu_fetches_texels(device) ? 32767 : 127;
    op_env_open(&env, device, (struct step_params){.n_token = c->rows});
    env.at.max_rows = c->rows;
    float *x = op_env_random(&seed, (size_t)n_row * x_stride);
    float *got = op_env_filled(c->n, 0), *want = op_env_filled(c->n, 0);
    for (uint32_t i = 0; i < 32; i++)
        x[i] = 0; /* a block without a largest value */
    for (uint32_t i = 32; i < 64 && c->n >= 64; i++)
        x[i] = 1e-37f; /* and one that no factor brings to the largest code */
    const struct op_round_i8 op = {.x = op_env_put(&env, x, 4ull * n_row * x_stride),
                                   .y = op_env_put(&env, NULL, 16ull * n_row * stride),
                                   .n = c->n,
                                   .n_per_row = c->n_per_row,
                                   .x_stride = x_stride,
                                   .y_stride = stride};
    assert_int_equal(op_round_i8(env.list, &env.at, &op), LEM_OK);
    op_env_run(&env);
    for (uint32_t r = 0; r < n_row; r++) {
        decode(device, got, op_env_get(&op.y), stride, r, c->n);
        ref_round(want, x + (size_t)r * x_stride, c->n, most);
        for (uint32_t i = 0; i < c->n; i++) {
            /* A value halfway between two multiples may go either way. */
            assert_true(isfinite(got[i]));
            const float off = fabsf(got[i] - x[(size_t)r * x_stride + i]);
            if (fabsf(got[i] - want[i]) > 1e-6f && off > 0.5001f / most + 1e-6f)
                fail_msg("row %u, value %u: %g became %g, not %g", r, i,
                         (double)x[(size_t)r * x_stride + i], (double)got[i],
                         (double)want[i]);
        }
    }
    op_env_close(&env);
    free(x), free(got), free(want);
}

static void rows_are_rounded(void **state)
{
    static const struct round_case cases[] = {{32, 1, 1},  {96, 3, 1},   {256, 2, 2},
                                              {288, 1, 8}, {2048, 5, 1}, {2976, 2, 3}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        check_rounding(op_env_device(state), &cases[i]);
}

/* Two rows normed: their bytes are those of rounding what the norm wrote as floats. */
static void check_norm(struct lem_device *device, uint32_t n)
{
    struct op_env env;
    uint64_t seed = n;
    const uint32_t stride = op_env_stride(n), q_stride = op_i8_stride(n) + 3;
    op_env_open(&env, device, (struct step_params){.n_token = 2, .n_out = 2});
    env.at.max_rows = 2;
    float *x = op_env_random(&seed, (size_t)2 * stride), *w = op_env_random(&seed, n);
    const struct op_norm norm = {.x = op_env_put(&env, x, 8ull * stride),
                                 .w = op_env_put(&env, w, 4ull * n),
                                 .y = op_env_put(&env, NULL, 8ull * stride),
                                 .y_i8 = op_env_put(&env, NULL, 32ull * q_stride),
                                 .n = n,
                                 .x_stride = stride,
                                 .y_stride = stride,
                                 .y_i8_stride = q_stride,
                                 .eps = 1e-6f};
    const struct op_round_i8 after = {.x = norm.y,
                                      .y = op_env_put(&env, NULL, 32ull * q_stride),
                                      .n = n,
                                      .n_per_row = 1,
                                      .x_stride = stride,
                                      .y_stride = q_stride};
    assert_int_equal(op_norm(env.list, &env.at, &norm), LEM_OK);
    assert_int_equal(op_round_i8(env.list, &env.at, &after), LEM_OK);
    op_env_run(&env);
    assert_memory_equal(op_env_get(&norm.y_i8), op_env_get(&after.y), 32ull * q_stride);
    decode(device, x, op_env_get(&norm.y_i8), q_stride, 1, n);
    const float *y = (const float *)op_env_get(&norm.y) + stride;
    for (uint32_t i = 0; i < n; i++)
        assert_true(fabsf(x[i] - y[i]) < 0.05f);
    op_env_close(&env);
    free(x), free(w);
}

static void norms_round_what_they_write(void **state)
{
    static const uint32_t n[] = {32, 96, 256, 2048, 2880};
    for (size_t i = 0; i < sizeof n / sizeof *n; i++)
        check_norm(op_env_device(state), n[i]);
}

/* ---- products --------------------------------------------------------------------- */

/* Random rows, rounded by the device: what it has, and the same as floats. */
struct bytes {
    struct gpu_slice slots;
    uint32_t stride;
    float *x; /* [n_row][n] */
};

static struct bytes make_bytes(struct op_env *env, uint32_t n_row, uint32_t n,
                               uint64_t *seed)
{
    const uint32_t x_stride = op_env_stride(n);
    struct bytes b = {.stride = op_i8_stride(n),
                      .x = op_env_filled((size_t)n_row * n, 0)};
    float *x = op_env_random(seed, (size_t)n_row * x_stride);
    b.slots = op_env_put(env, NULL, 16ull * n_row * b.stride);
    const struct op_round_i8 op = {.x = op_env_put(env, x, 4ull * n_row * x_stride),
                                   .y = b.slots,
                                   .n = n,
                                   .n_per_row = n_row,
                                   .x_stride = x_stride,
                                   .y_stride = b.stride};
    struct gpu_list *list;
    struct op_at at = env->at;
    at.max_rows = 1;
    assert_int_equal(gpu_list_open(env->device, "round", false, &list), LEM_OK);
    assert_int_equal(op_round_i8(list, &at, &op), LEM_OK);
    assert_int_equal(gpu_list_run(&list, 1, 1, NULL), LEM_OK);
    gpu_list_close(&list);
    for (uint32_t r = 0; r < n_row; r++)
        decode(env->device, b.x + (size_t)r * n, op_env_get(&b.slots), b.stride, r, n);
    free(x);
    return b;
}

static void check_row(const struct weights *w, uint32_t mat, const float *x,
                      const float *y, const char *what)
{
    const uint32_t n_row = w->ops.n_row;
    float *want = op_env_filled(n_row, 0);
    ref_matvec(want, w->ops.type, weights_row(w, mat, 0), n_row, w->ops.n_col, x);
    /* Sums of integers are exact: what is left are the scales, and adding blocks; of few
     * values all may be small differences of large sums. */
    assert_close_rms(y, want, n_row, n_row < 32 ? 1e-4 : 2e-6, "%s, %s %u x %u", what,
                     w->ops.type->name, n_row, w->ops.n_col);
    free(want);
}

static void check_matmul(struct lem_device *device, uint32_t type, uint32_t n_row,
                         uint32_t n_col, uint32_t n_token, const struct ops_shape *shape)
{
    struct op_env env;
    struct weights w;
    uint64_t seed = type * 1000 + n_row + n_col + n_token;
    op_env_open(&env, device, (struct step_params){.n_token = n_token});
    env.at.max_rows = n_token;
    weights_open(&w, device, type, 1, n_row, n_col, &seed);
    assert_true(op_takes_i8(device, &w.ops));
    const struct bytes x = make_bytes(&env, n_token, n_col, &seed);
    const uint32_t y_stride = op_env_stride(n_row);
    const struct op_matmul op = {.weight = &w.ops,
                                 .x = x.slots,
                                 .y = op_env_put(&env, NULL, 4ull * n_token * y_stride),
                                 .x_stride = x.stride,
                                 .x_i8 = true,
                                 .y_stride = y_stride,
                                 .scale = 1};
    assert_int_equal(shape ? ops_matmul(env.list, &env.at, &op, shape)
                           : op_matmul(env.list, &env.at, &op),
                     LEM_OK);
    op_env_run(&env);
    const float *y = op_env_get(&op.y);
    for (uint32_t t = 0; t < n_token; t++)
        check_row(&w, 0, x.x + (size_t)t * n_col, y + (size_t)t * y_stride, "matmul");
    weights_close(&w);
    op_env_close(&env);
    free(x.x);
}

static void products_of_rows(void **state)
{
    static const uint32_t rows[] = {1, 9, 65, 300}, cols[] = {32, 96, 288, 2080};
    need_integers(state);
    for (uint32_t k = 0; k < n_type(op_env_device(state)); k++)
        for (uint32_t i = 0; i < 4; i++) {
            const uint32_t n =
                wants_whole_superblocks(types[k]) ? 256 * (i + 1) : cols[i];
            check_matmul(op_env_device(state), types[k], rows[i], n, 1, NULL);
            check_matmul(op_env_device(state), types[k], rows[3 - i], n, 5, NULL);
        }
}

static void products_in_every_shape(void **state)
{
    static const struct ops_shape shape[] = {
        {.rows = 1, .tokens = 1, .split = 8, .i8 = true},
        {.rows = 2, .tokens = 1, .split = 8, .i8 = true},
        {.rows = 8, .tokens = 1, .split = 1, .i8 = true},
        {.rows = 2, .tokens = 8, .split = 1, .i8 = true}};
    need_integers(state);
    for (size_t s = 0; s < sizeof shape / sizeof *shape; s++)
        for (uint32_t k = 0; k < n_type(op_env_device(state)); k++)
            check_matmul(op_env_device(state), types[k], 100, 2304,
                         shape[s].tokens == 1 ? 1 : 11, &shape[s]);
}

/* Where bytes are multiplied, and not integers of 16 bits. */
static void products_through_tiles(void **state)
{
    static const uint32_t tokens[] = {1, 4, 11, 33, 70};
    struct lem_device *device = op_env_device(state);
    if (!ops_way_possible(device, OPS_USE_PROMPT_I8, OPS_WAY_TILE))
        skip();
    for (uint32_t k = 0; k < N_TYPE_I8; k++) {
        const struct ops_shape shape =
            ops_shape_tile(k % 2 ? 16 : 32, true, OPS_WAY_TILE);
        for (uint32_t i = 0; i < 5; i++)
            check_matmul(device, types[k], 30 + 35 * (i % 4),
                         wants_whole_superblocks(types[k]) ? 768 : 768 + 32 * (i % 3),
                         tokens[i], &shape);
    }
}

enum { EXPERTS = 6, USED = 3, EMBD = 512, FF = 256 };
static const uint32_t chosen[USED] = {4, 0, 5};

static void check_experts(struct lem_device *device, uint32_t type)
{
    struct op_env env;
    struct weights up, down;
    uint64_t seed = type;
    const float slot_weight[USED] = {0.5f, 0.3f, 0.2f};
    op_env_open(&env, device, (struct step_params){.n_token = 1});
    weights_open(&up, device, type, EXPERTS, 2 * FF, EMBD, &seed);
    weights_open(&down, device, type, EXPERTS, EMBD, FF, &seed);
    const struct bytes x = make_bytes(&env, 1, EMBD, &seed);
    const struct bytes h = make_bytes(&env, USED, FF, &seed);
    const struct gpu_slice ids = op_env_put(&env, chosen, sizeof chosen);
    const struct op_experts_glu glu = {.weight = &up.ops,
                                       .x = x.slots,
                                       .x_i8 = true,
                                       .ids = ids,
                                       .y = op_env_put(&env, NULL, 4 * USED * FF),
                                       .n_used = USED,
                                       .y_stride = FF,
                                       .act = ACT_SILU};
    const struct op_experts_down sum = {
        .weight = &down.ops,
        .x = h.slots,
        .x_i8 = true,
        .ids = ids,
        .weights = op_env_put(&env, slot_weight, sizeof slot_weight),
        .y = op_env_put(&env, NULL, 4 * EMBD),
        .n_used = USED,
        .x_stride = h.stride,
        .set = true};
    assert_int_equal(op_experts_glu(env.list, &env.at, &glu), LEM_OK);
    assert_int_equal(op_experts_down(env.list, &env.at, &sum), LEM_OK);
    /* As GPUs do it: rows shared by lanes. Rows of x begin at odd superblocks, too. */
    static const struct ops_shape shared = {
        .rows = 1, .tokens = 1, .split = 8, .i8 = true};
    const bool splits = !gpu_fetches_texels(device);
    struct op_experts_down again = sum;
    again.y = op_env_put(&env, NULL, 4 * EMBD);
    if (splits)
        assert_int_equal(ops_experts_down(env.list, &env.at, &again, &shared), LEM_OK);
    op_env_run(&env);

    float gate_up[2 * FF], part[EMBD], want[EMBD] = {0};
    for (uint32_t k = 0; k < USED; k++) {
        ref_matvec(gate_up, up.ops.type, weights_row(&up, chosen[k], 0), 2 * FF, EMBD,
                   x.x);
        for (uint32_t i = 0; i < FF; i++)
            gate_up[i] = ref_glu(ACT_SILU, gate_up[i], gate_up[FF + i], 0, 0);
        assert_close_rms((const float *)op_env_get(&glu.y) + (size_t)k * FF, gate_up, FF,
                         5e-6, "glu of slot %u, %s", k, up.ops.type->name);
        ref_matvec(part, down.ops.type, weights_row(&down, chosen[k], 0), EMBD, FF,
                   h.x + (size_t)k * FF);
        for (uint32_t i = 0; i < EMBD; i++)
            want[i] += slot_weight[k] * part[i];
    }
    assert_close_rms(op_env_get(&sum.y), want, EMBD, 2e-6, "down, %s", up.ops.type->name);
    if (splits)
        assert_close_rms(op_env_get(&again.y), want, EMBD, 2e-6, "down, shared, %s",
                         up.ops.type->name);
    weights_close(&up);
    weights_close(&down);
    op_env_close(&env);
    free(x.x), free(h.x);
}

static void experts_of_one_token(void **state)
{
    need_integers(state);
    for (uint32_t k = 0; k < n_type(op_env_device(state)); k++)
        check_experts(op_env_device(state), types[k]);
}

/* Five tokens, all with the same experts: tiles with and without a full set of pairs. */
static void check_grouped(struct lem_device *device, uint32_t type, uint32_t n_token)
{
    struct op_env env;
    struct weights w;
    uint64_t seed = type + n_token;
    const uint32_t n_row = 72, n_pair = n_token * USED;
    op_env_open(&env, device, (struct step_params){.n_token = n_token});
    env.at.max_rows = n_token;
    weights_open(&w, device, type, EXPERTS, n_row, EMBD, &seed);
    const struct bytes x = make_bytes(&env, n_token, EMBD, &seed);
    uint32_t ids[MAX_ROWS * USED];
    for (uint32_t i = 0; i < n_pair; i++)
        ids[i] = chosen[i % USED];
    const uint32_t n_tile = op_group_max_tile(n_token, USED, EXPERTS);
    const struct op_group group = {
        .ids = op_env_put(&env, ids, 4ull * n_pair),
        .pairs = op_env_put(&env, NULL, 4ull * n_pair),
        .tiles = op_env_put(&env, NULL, 16ull * n_tile),
        .args = op_env_put(&env, NULL, 16),
        .n_expert = EXPERTS,
        .n_used = USED,
        .tile = op_group_tile(device, true, n_token, USED, EXPERTS),
        .n_arg = 1,
        .row_groups = {op_matmul_experts_row_groups(device, &w.ops, true)}};
    const struct op_matmul_experts op = {
        .weight = &w.ops,
        .x = x.slots,
        .x_i8 = true,
        .y = op_env_put(&env, NULL, 4ull * n_pair * n_row),
        .pairs = group.pairs,
        .tiles = group.tiles,
        .args = group.args,
        .x_stride = x.stride,
        .y_stride = n_row,
        .n_used = USED};
    assert_int_equal(op_group(env.list, &env.at, &group), LEM_OK);
    assert_int_equal(op_matmul_experts(env.list, &env.at, &op), LEM_OK);
    op_env_run(&env);
    const float *y = op_env_get(&op.y);
    for (uint32_t p = 0; p < n_pair; p++)
        check_row(&w, ids[p], x.x + (size_t)(p / USED) * EMBD, y + (size_t)p * n_row,
                  "grouped");
    weights_close(&w);
    op_env_close(&env);
    free(x.x);
}

static void experts_of_many_tokens(void **state)
{
    static const enum ops_way ways[] = {OPS_WAY_ANY, OPS_WAY_TILE};
    struct lem_device *device = op_env_device(state);
    need_integers(state);
    for (int i = 0; i < 2; i++) {
        if (ways[i] && !ops_way_possible(device, OPS_USE_PROMPT_I8, ways[i]))
            continue;
        ops_way_choose(device, OPS_USE_PROMPT_I8, ways[i]);
        for (uint32_t k = 0; k < n_type(device); k++) {
            check_grouped(device, types[k], 5);
            check_grouped(device, types[k], MAX_ROWS);
        }
    }
    ops_way_choose(device, OPS_USE_PROMPT_I8, OPS_WAY_ANY);
}

/* Types without the kernels, odd widths, and devices without the product say so. */
static void others_are_left_to_floats(void **state)
{
    struct lem_device *device = op_env_device(state);
    uint64_t seed = 1;
    struct weights w;
    weights_open(&w, device, QUANT_F16, 1, 8, 32, &seed);
    assert_false(op_takes_i8(device, &w.ops));
    weights_close(&w);
    weights_open(&w, device, QUANT_Q8_0, 1, 8, 32, &seed);
    assert_int_equal(op_takes_i8(device, &w.ops), has_integers(device));
    weights_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_rounded),
        cmocka_unit_test(norms_round_what_they_write),
        cmocka_unit_test(products_of_rows),
        cmocka_unit_test(products_in_every_shape),
        cmocka_unit_test(products_through_tiles),
        cmocka_unit_test(experts_of_one_token),
        cmocka_unit_test(experts_of_many_tokens),
        cmocka_unit_test(others_are_left_to_floats),
    };
    return cmocka_run_group_tests_name("i8", tests, gpu_fixture_open, gpu_fixture_close);
}
