/* test_experts_bias.c - experts with biases, one token (op_experts_glu and _down) and
 * many (op_matmul_experts), against ref_bank(): every window, gate and up apart, and
 * results that replace instead of add. */
#include "op_env.h"

#include <math.h>
#include <string.h>

#include "ops/weight.h"
#include "ref/ref.h"
#include "support/weights.h"

enum { N_EXPERT = 7, N_USED = 3, N_EMBD = 64, N_FF = 96 };
static const float alpha = 1.702f, limit = 1.5f;

struct bank {
    struct weights gate_up, down;
    float gate_up_bias[N_EXPERT * 2 * N_FF], down_bias[N_EXPERT * N_EMBD];
};

static void bank_open(struct bank *b, struct gpu_fixture *fx, uint32_t type)
{
    weights_open(&b->gate_up, fx->device, type, N_EXPERT, 2 * N_FF, N_EMBD, &fx->seed);
    weights_open(&b->down, fx->device, type, N_EXPERT, N_EMBD, N_FF, &fx->seed);
    for (size_t i = 0; i < sizeof b->gate_up_bias / sizeof(float); i++)
        b->gate_up_bias[i] = random_f32(&fx->seed);
    for (size_t i = 0; i < sizeof b->down_bias / sizeof(float); i++)
        b->down_bias[i] = random_f32(&fx->seed);
}

static void bank_close(struct bank *b)
{
    weights_close(&b->gate_up);
    weights_close(&b->down);
}

/* A bank as a file would have it. */
static struct tensor tensor_of(const struct weights *w)
{
    return (struct tensor){.type = w->ops.type,
                           .n_mat = w->ops.n_mat,
                           .n_row = w->ops.n_row,
                           .n_col = w->ops.n_col,
                           .data = w->file};
}

/* y[N_EMBD] of one token. */
static void reference(const struct bank *b, const float *x, const uint32_t *ids,
                      const float *weights, float *y)
{
    const struct tensor gate_up = tensor_of(&b->gate_up), down = tensor_of(&b->down);
    float gate[N_EXPERT * N_FF], up[N_EXPERT * N_FF];
    for (uint32_t e = 0; e < N_EXPERT; e++) {
        memcpy(gate + e * N_FF, b->gate_up_bias + e * 2 * N_FF, N_FF * sizeof *gate);
        memcpy(up + e * N_FF, b->gate_up_bias + (e * 2 + 1) * N_FF, N_FF * sizeof *up);
    }
    const struct ref_bank r = {.gate = &gate_up,
                               .up = &gate_up,
                               .down = &down,
                               .gate_bias = gate,
                               .up_bias = up,
                               .down_bias = b->down_bias,
                               .n_ff = N_FF,
                               .act = ACT_SWIGLU_CLAMPED,
                               .alpha = alpha,
                               .limit = limit,
                               .scale = 1};
    ref_bank(y, x, ids, weights, N_USED, &r);
}

/* ---- one token ----------------------------------------------------------------------
 */

/* `shape` NULL: what the operations pick for this device. */
static void run_one(struct gpu_fixture *fx, uint32_t type, uint32_t mats, bool set,
                    const struct ops_shape *shape)
{
    static const uint32_t ids[N_USED] = {6, 0, 3};
    static const float weights[N_USED] = {0.5f, 0.3f, -0.2f};
    struct bank b;
    bank_open(&b, fx, type);
    if (mats) {
        weights_cut(&b.gate_up, mats, 0);
        weights_cut(&b.down, mats, 0);
    }
    float *x = op_env_random(&fx->seed, N_EMBD);
    float y[N_EMBD], want[N_EMBD];
    for (uint32_t i = 0; i < N_EMBD; i++) {
        y[i] = set ? NAN : 0.25f;
        want[i] = set ? 0 : 0.25f;
    }
    reference(&b, x, ids, weights, want);

    struct op_env env;
    op_env_open(&env, fx->device, (struct step_params){.n_token = 1});
    const struct gpu_slice h = op_env_put(&env, NULL, 4 * N_USED * N_FF);
    const struct gpu_slice ids_slice = op_env_put(&env, ids, sizeof ids);
    const struct op_experts_glu glu = {
        .weight = &b.gate_up.ops,
        .x = op_env_put(&env, x, 4 * N_EMBD),
        .ids = ids_slice,
        .y = h,
        .n_used = N_USED,
        .y_stride = N_FF,
        .act = ACT_SWIGLU_CLAMPED,
        .alpha = alpha,
        .limit = limit,
        .bias = op_env_put(&env, b.gate_up_bias, sizeof b.gate_up_bias)};
    const struct op_experts_down down = {
        .weight = &b.down.ops,
        .x = h,
        .ids = ids_slice,
        .weights = op_env_put(&env, weights, sizeof weights),
        .y = op_env_put(&env, y, sizeof y),
        .bias = op_env_put(&env, b.down_bias, sizeof b.down_bias),
        .n_used = N_USED,
        .x_stride = N_FF,
        .set = set};
    assert_int_equal(shape ? ops_experts_glu(env.list, &env.at, &glu, shape)
                           : op_experts_glu(env.list, &env.at, &glu),
                     LEM_OK);
    assert_int_equal(shape ? ops_experts_down(env.list, &env.at, &down, shape)
                           : op_experts_down(env.list, &env.at, &down),
                     LEM_OK);
    op_env_run(&env);
    /* two sums of up to 96 products, values of about 5 */
    assert_close(op_env_get(&down.y), want, N_EMBD, 5e-5f, 1e-5f,
                 "%s, windows of %u experts, set %d", b.down.ops.type->name, mats, set);
    op_env_close(&env);
    bank_close(&b);
    free(x);
}

static void one_token(void **state)
{
    static const uint32_t types[] = {QUANT_F32, QUANT_F16, QUANT_Q8_0, QUANT_MXFP4};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        for (uint32_t mats = 0; mats <= 4; mats += 2)
            for (uint32_t set = 0; set < 2; set++)
                run_one(*state, types[i], mats, set, NULL);
}

/* Shapes that other devices pick. */
static void one_token_in_every_shape(void **state)
{
    static const struct ops_shape shapes[] = {{.rows = 2, .tokens = 1, .split = 8},
                                              {.rows = 4, .tokens = 1, .split = 1},
                                              {.rows = 2, .tokens = 1, .split = 1}};
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        for (uint32_t set = 0; set < 2; set++)
            run_one(*state, QUANT_F16, 3, set, &shapes[i]);
}

/* Down rows in windows of their own. */
static void one_token_rows_apart(void **state)
{
    struct gpu_fixture *fx = *state;
    static const uint32_t ids[N_USED] = {2, 5, 1};
    static const float weights[N_USED] = {1, 1, 1};
    struct bank b;
    bank_open(&b, fx, QUANT_F16);
    weights_cut(&b.down, 0, 24);
    float *h = op_env_random(&fx->seed, N_USED * N_FF);
    float want[N_EMBD] = {0}, part[N_EMBD];
    for (uint32_t k = 0; k < N_USED; k++) {
        ref_matvec(part, b.down.ops.type, weights_row(&b.down, ids[k], 0), N_EMBD, N_FF,
                   h + k * N_FF);
        for (uint32_t r = 0; r < N_EMBD; r++)
            want[r] += part[r] + b.down_bias[ids[k] * N_EMBD + r];
    }
    struct op_env env;
    op_env_open(&env, fx->device, (struct step_params){.n_token = 1});
    const struct op_experts_down down = {
        .weight = &b.down.ops,
        .x = op_env_put(&env, h, 4 * N_USED * N_FF),
        .ids = op_env_put(&env, ids, sizeof ids),
        .weights = op_env_put(&env, weights, sizeof weights),
        .y = op_env_put(&env, NULL, 4 * N_EMBD),
        .bias = op_env_put(&env, b.down_bias, sizeof b.down_bias),
        .n_used = N_USED,
        .x_stride = N_FF,
        .set = true};
    assert_int_equal(op_experts_down(env.list, &env.at, &down), LEM_OK);
    op_env_run(&env);
    assert_close(op_env_get(&down.y), want, N_EMBD, 5e-5f, 1e-5f, "rows apart");
    op_env_close(&env);
    bank_close(&b);
    free(h);
}

/* ---- many tokens
 * ------------------------------------------------------------------------ */

/* Each of 5 tokens' pairs goes to expert `pair % N_EXPERT`; a tile for every pair. The
 * first N_FF rows of y are left alone: as up rows behind gate rows. */
static void run_many(struct gpu_fixture *fx, uint32_t type, uint32_t mats)
{
    enum { N_TOKEN = 5, N_PAIR = N_TOKEN * N_USED, Y_STRIDE = 3 * N_FF };
    struct bank b;
    bank_open(&b, fx, type);
    if (mats)
        weights_cut(&b.gate_up, mats, 0);
    float *x = op_env_random(&fx->seed, N_TOKEN * N_EMBD);
    float *y = op_env_filled(N_PAIR * Y_STRIDE, -7);
    uint32_t pairs[N_PAIR], tiles[N_PAIR * 4];
    for (uint32_t i = 0; i < N_PAIR; i++) {
        pairs[i] = i;
        memcpy(tiles + 4 * i, (uint32_t[]){i % N_EXPERT, i, 1, 0}, 16);
    }
    const uint32_t args[] = {
        op_matmul_experts_row_groups(fx->device, &b.gate_up.ops, false), N_PAIR, 1, 0};
    struct op_env env;
    op_env_open(&env, fx->device, (struct step_params){.n_token = N_TOKEN});
    const struct op_matmul_experts op = {
        .weight = &b.gate_up.ops,
        .x = op_env_put(&env, x, 4 * N_TOKEN * N_EMBD),
        .y = op_env_put(&env, y, 4 * N_PAIR * Y_STRIDE),
        .pairs = op_env_put(&env, pairs, sizeof pairs),
        .tiles = op_env_put(&env, tiles, sizeof tiles),
        .bias = op_env_put(&env, b.gate_up_bias, sizeof b.gate_up_bias),
        .bias_stride = 2 * N_FF,
        .args = op_env_put(&env, args, sizeof args),
        .x_stride = N_EMBD,
        .y_stride = Y_STRIDE,
        .y_off = N_FF,
        .n_used = N_USED};
    assert_int_equal(op_matmul_experts(env.list, &env.at, &op), LEM_OK);
    op_env_run(&env);
    const float *got = op_env_get(&op.y);
    float want[Y_STRIDE];
    for (uint32_t i = 0; i < N_PAIR; i++) {
        const uint32_t e = i % N_EXPERT;
        for (uint32_t r = 0; r < N_FF; r++)
            want[r] = -7;
        ref_matvec(want + N_FF, b.gate_up.ops.type, weights_row(&b.gate_up, e, 0),
                   2 * N_FF, N_EMBD, x + (size_t)(i / N_USED) * N_EMBD);
        for (uint32_t r = 0; r < 2 * N_FF; r++)
            want[N_FF + r] += b.gate_up_bias[e * 2 * N_FF + r];
        assert_close(got + (size_t)i * Y_STRIDE, want, Y_STRIDE, 5e-5f, 1e-5f,
                     "%s, windows of %u, pair %u", b.gate_up.ops.type->name, mats, i);
    }
    op_env_close(&env);
    bank_close(&b);
    free(x), free(y);
}

static void many_tokens(void **state)
{
    static const uint32_t types[] = {QUANT_F32, QUANT_Q8_0, QUANT_MXFP4};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        for (uint32_t mats = 0; mats <= 4; mats += 2)
            run_many(*state, types[i], mats);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_token),
        cmocka_unit_test(one_token_in_every_shape),
        cmocka_unit_test(one_token_rows_apart),
        cmocka_unit_test(many_tokens),
    };
    return cmocka_run_group_tests_name("experts_bias", tests, gpu_fixture_open,
                                       gpu_fixture_close);
}
