/* test_latent.c - the operations of latent attention against ref/: matrices by head,
 * the key into the cache, and attention over keys whose first dims are the values. */
#include "op_env.h"

#include <math.h>
#include <string.h>

#include "base/check.h"
#include "ops/weight.h"
#include "ref/ref.h"
#include "support/weights.h"

/* ---- op_matmul_heads ----------------------------------------------------------------
 */

struct heads_case {
    uint32_t type, n_head, n_row, n_col, n_token;
    uint32_t x_gap, y_gap; /* floats between heads, beyond what they need */
};

/* y[t][h] = W[h] x[t][h], with heads that stand apart, into rows that hold something.
 * shape NULL: what the operation picks for this device. */
static void run_heads(struct gpu_fixture *fx, const struct heads_case *c, uint32_t mats,
                      const struct ops_shape *shape)
{
    struct weights w;
    weights_open(&w, fx->device, c->type, c->n_head, c->n_row, c->n_col, &fx->seed);
    if (mats)
        weights_cut(&w, mats, 0);
    const uint32_t x_step = round_up(c->n_col, 4) + c->x_gap;
    const uint32_t y_step = c->n_row + c->y_gap;
    const uint32_t x_stride = op_env_stride(c->n_head * x_step + 31);
    const uint32_t y_stride = op_env_stride(c->n_head * y_step);
    float *x = op_env_random(&fx->seed, (size_t)c->n_token * x_stride);
    float *y = op_env_filled((size_t)c->n_token * y_stride, -7);
    float *want = op_env_filled((size_t)c->n_token * y_stride, -7);
    for (uint32_t t = 0; t < c->n_token; t++)
        for (uint32_t h = 0; h < c->n_head; h++)
            ref_matvec(want + (size_t)t * y_stride + h * y_step, w.ops.type,
                       weights_row(&w, h, 0), c->n_row, c->n_col,
                       x + (size_t)t * x_stride + h * x_step);

    struct op_env env;
    op_env_open(&env, fx->device, (struct step_params){.n_token = c->n_token});
    const struct op_matmul_heads op = {
        .weight = &w.ops,
        .x = op_env_put(&env, x, 4ull * c->n_token * x_stride),
        .y = op_env_put(&env, y, 4ull * c->n_token * y_stride),
        .x_stride = x_stride,
        .y_stride = y_stride,
        .x_step = x_step,
        .y_step = y_step};
    assert_int_equal(shape ? ops_matmul_heads(env.list, &env.at, &op, shape)
                           : op_matmul_heads(env.list, &env.at, &op),
                     LEM_OK);
    op_env_run(&env);
    /* f32 sums of up to 520 products below 1, in another order. */
    assert_close(op_env_get(&op.y), want, (size_t)c->n_token * y_stride, 1e-4f, 1e-5f,
                 "%s, %u heads of %u x %u, %u tokens", w.ops.type->name, c->n_head,
                 c->n_row, c->n_col, c->n_token);
    op_env_close(&env);
    weights_close(&w);
    free(x), free(y), free(want);
}

static void heads_match_reference(void **state)
{
    static const uint32_t types[] = {QUANT_F32, QUANT_F16, QUANT_Q8_0, QUANT_Q4_K};
    static const uint32_t sizes[][2] = {{1, 4}, {8, 32}, {36, 20}, {129, 96}, {520, 256}};
    static const uint32_t n_token[] = {1, 2, 9};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++)
            for (size_t n = 0; n < sizeof n_token / sizeof *n_token; n++) {
                const uint32_t block = quant_find(types[i])->block_weights;
                const struct heads_case c = {.type = types[i],
                                             .n_head = 3 + (uint32_t)k,
                                             .n_row = sizes[k][0],
                                             .n_col = round_up(sizes[k][1], block),
                                             .n_token = n_token[n],
                                             .x_gap = k % 2 ? 12 : 0,
                                             .y_gap = k % 2 ? 0 : 5};
                run_heads(*state, &c, 0, NULL);
            }
}

static void heads_in_several_windows(void **state)
{
    const struct heads_case c = {
        .type = QUANT_Q8_0, .n_head = 7, .n_row = 40, .n_col = 64, .n_token = 3};
    for (uint32_t mats = 1; mats <= 4; mats++)
        run_heads(*state, &c, mats, NULL);
}

/* Shapes that other devices pick. */
static void heads_in_every_shape(void **state)
{
    static const struct ops_shape shapes[] = {{.rows = 1, .tokens = 1, .split = 8},
                                              {.rows = 2, .tokens = 1, .split = 8},
                                              {.rows = 2, .tokens = 8, .split = 1},
                                              {.rows = 1, .tokens = 8, .split = 1}};
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        const struct heads_case c = {
            .type = QUANT_F16, .n_head = 3, .n_row = 75, .n_col = 140, .n_token = 5};
        run_heads(*state, &c, 0, &shapes[i]);
    }
}

static void heads_off_the_grid_are_refused(void **state)
{
    struct gpu_fixture *fx = *state;
    struct weights w;
    weights_open(&w, fx->device, QUANT_F32, 2, 8, 8, &fx->seed);
    struct op_env env;
    op_env_open(&env, fx->device, (struct step_params){.n_token = 1});
    const struct op_matmul_heads op = {.weight = &w.ops,
                                       .x = op_env_put(&env, NULL, 4096),
                                       .y = op_env_put(&env, NULL, 4096),
                                       .x_stride = 64,
                                       .y_stride = 64,
                                       .x_step = 10,
                                       .y_step = 8};
    assert_int_equal(op_matmul_heads(env.list, &env.at, &op), LEM_ERR_ARGUMENT);
    gpu_fixture_said(fx, "no multiples of 4");
    op_env_close(&env);
    weights_close(&w);
}

/* ---- op_latent ----------------------------------------------------------------------
 */

struct latent_case {
    uint32_t n_head, n_latent, n_rot, nope, pos, n_token;
    enum arch_rope kind;
    enum lem_cache_type type;
};

struct latent_data {
    struct latent_params p;
    float *x, *q, *want_q, *norm, *freq;
    float *want_k; /* [n_token][dim] */
    struct op_env_cache k;
};

static void fill(struct latent_data *d, const struct latent_case *c)
{
    const uint32_t dim = c->n_latent + c->n_rot;
    uint64_t seed = 9 + c->n_latent;
    d->p =
        (struct latent_params){.n_head = c->n_head,
                               .n_ctx = round_up(c->pos + c->n_token + 1, OPS_CACHE_TILE),
                               .head_dim = dim,
                               .n_latent = c->n_latent,
                               .n_rot = c->n_rot,
                               .nope = c->nope,
                               .kv_off = c->n_head * (c->nope + c->n_rot),
                               .flags = c->kind == ROPE_PAIRS_HALVES ? ROPE_HALVES : 0,
                               .eps = 1e-6f,
                               .mscale = 1.25f};
    d->p.x_stride = op_env_stride(d->p.kv_off + dim);
    d->p.q_stride = op_env_stride(c->n_head * dim);
    d->x = op_env_random(&seed, (size_t)c->n_token * d->p.x_stride);
    d->norm = op_env_random(&seed, c->n_latent);
    d->freq = op_env_filled(c->n_rot / 2, 0);
    for (uint32_t i = 0; i < c->n_rot / 2; i++)
        d->freq[i] = powf(10000.0f, -2.0f * (float)i / (float)c->n_rot);
    op_env_cache_open(&d->k, c->type, 1, d->p.n_ctx, dim);
    d->want_k = op_env_filled((size_t)c->n_token * dim, 0);
    d->q = op_env_filled((size_t)c->n_token * d->p.q_stride, -7);
    d->want_q = op_env_filled((size_t)c->n_token * d->p.q_stride, -7);
}

static void reference(struct latent_data *d, const struct latent_case *c)
{
    const uint32_t dim = d->p.head_dim;
    const struct ref_rope r = {.n_head = 1,
                               .head_dim = c->n_rot,
                               .n_rot = c->n_rot,
                               .kind = c->kind,
                               .freq = d->freq,
                               .mscale = 1.25f};
    float none[2] = {0};
    for (uint32_t t = 0; t < c->n_token; t++) {
        float *key = d->want_k + (size_t)t * dim;
        const float *x = d->x + (size_t)t * d->p.x_stride;
        ref_norm(key, x + d->p.kv_off, d->norm, 1, c->n_latent, 1e-6f);
        memcpy(key + c->n_latent, x + d->p.kv_off + c->n_latent, c->n_rot * sizeof *key);
        ref_rope(key + c->n_latent, none, c->pos + t, &r);
        for (uint32_t h = 0; h < c->n_head; h++) {
            float *tail = d->want_q + (size_t)t * d->p.q_stride + h * dim + c->n_latent;
            memcpy(tail, x + h * (c->nope + c->n_rot) + c->nope, c->n_rot * sizeof *tail);
            ref_rope(tail, none, c->pos + t, &r);
        }
    }
}

static void run_latent(struct lem_device *device, const struct latent_case *c)
{
    struct latent_data d;
    fill(&d, c);
    reference(&d, c);
    const size_t n_q = (size_t)c->n_token * d.p.q_stride;
    struct op_env env;
    op_env_open(&env, device, (struct step_params){.n_token = c->n_token, .pos = c->pos});
    const struct op_latent op = {
        .x = op_env_put(&env, d.x, 4ull * c->n_token * d.p.x_stride),
        .q = op_env_put(&env, d.q, 4 * n_q),
        .k_cache = op_env_put(&env, d.k.word, d.k.bytes),
        .type = c->type,
        .norm = op_env_put(&env, d.norm, 4ull * c->n_latent),
        .freq = op_env_put(&env, d.freq, 4ull * (c->n_rot / 2)),
        .p = d.p};
    assert_int_equal(op_latent(env.list, &env.at, &op), LEM_OK);
    op_env_run(&env);
    /* cos and sin within 3e-7, two products and a sum; a norm of up to 512 squares */
    assert_close(op_env_get(&op.q), d.want_q, n_q, 3e-6f, 3e-6f, "q of %u heads",
                 c->n_head);
    memcpy(d.k.word, op_env_get(&op.k_cache), d.k.bytes);
    for (uint32_t p = 0; p < d.p.n_ctx; p++)
        op_env_cache_check(&d.k, 0, p,
                           p >= c->pos && p < c->pos + c->n_token
                               ? d.want_k + (size_t)(p - c->pos) * d.p.head_dim
                               : NULL,
                           1e-5f, "latent");
    op_env_close(&env);
    op_env_cache_close(&d.k);
    free(d.x), free(d.q), free(d.want_q), free(d.norm), free(d.freq);
    free(d.want_k);
}

static void latent_matches_reference(void **state)
{
    static const struct latent_case cases[] = {
        {1, 4, 4, 4, 0, 1, ROPE_PAIRS_ADJACENT, LEM_CACHE_F16},
        {3, 36, 12, 20, 5, 3, ROPE_PAIRS_ADJACENT, LEM_CACHE_F32},
        {4, 100, 8, 32, 1000, 2, ROPE_PAIRS_HALVES, LEM_CACHE_Q8_0},
        {16, 512, 64, 128, 7, 2, ROPE_PAIRS_ADJACENT, LEM_CACHE_F16},
        {2, 33, 131, 64, 63, 9, ROPE_PAIRS_HALVES, LEM_CACHE_F32},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct latent_case c = cases[i];
        c.n_rot -= c.n_rot % 2;
        c.n_latent += (4 - (c.n_latent + c.n_rot) % 4) % 4;
        run_latent(op_env_device(state), &c);
    }
}

/* ---- attention over it
 * ----------------------------------------------------------------- */

struct attn_case {
    uint32_t n_head, head_dim, head_dim_v, pos, n_token, window;
    enum lem_cache_type type;
};

static void run_attn(struct lem_device *device, const struct attn_case *c)
{
    const uint32_t n_pos = c->pos + c->n_token,
                   n_ctx = round_up(n_pos + 1, OPS_CACHE_TILE);
    const uint32_t q_stride = op_env_stride(c->n_head * c->head_dim);
    const uint32_t y_stride = op_env_stride(c->n_head * c->head_dim_v);
    uint64_t seed = 31 + c->head_dim;
    float *q = op_env_random(&seed, (size_t)c->n_token * q_stride);
    float *k = op_env_random(&seed, (size_t)n_pos * c->head_dim);
    struct op_env_cache cache;
    op_env_cache_open(&cache, c->type, 1, n_ctx, c->head_dim);
    float *y = op_env_filled((size_t)c->n_token * y_stride, -7);
    float *want = op_env_filled((size_t)c->n_token * y_stride, -7);
    for (uint32_t p = 0; p < n_pos; p++)
        op_env_cache_set(&cache, 0, p, k + (size_t)p * c->head_dim);
    const struct ref_attn r = {.n_head = c->n_head,
                               .n_head_kv = 1,
                               .head_dim = c->head_dim,
                               .head_dim_v = c->head_dim_v,
                               .window = c->window,
                               .scale = 0.5f};
    for (uint32_t t = 0; t < c->n_token; t++)
        ref_attn(want + (size_t)t * y_stride, q + (size_t)t * q_stride, k, NULL,
                 c->pos + t, &r);

    struct op_env env;
    op_env_open(&env, device, (struct step_params){.n_token = c->n_token, .pos = c->pos});
    struct op_attn op = {.q = op_env_put(&env, q, 4ull * c->n_token * q_stride),
                         .k_cache = op_env_put(&env, cache.word, cache.bytes),
                         .type = c->type,
                         .y = op_env_put(&env, y, 4ull * c->n_token * y_stride),
                         .p = {.n_head = c->n_head,
                               .n_head_kv = 1,
                               .head_dim = c->head_dim,
                               .head_dim_v = c->head_dim_v,
                               .q_stride = q_stride,
                               .y_stride = y_stride,
                               .n_ctx = n_ctx,
                               .window = c->window,
                               .scale = 0.5f}};
    const uint64_t part = op_attn_part_bytes(device, &op.p, c->type, c->n_token);
    if (part)
        op.part = op_env_put(&env, NULL, part);
    assert_int_equal(op_attn(env.list, &env.at, &op), LEM_OK);
    op_env_run(&env);
    /* scores of up to 576 products, error 1e-5 in the exponent; sums of weights to 1 */
    assert_close(op_env_get(&op.y), want, (size_t)c->n_token * y_stride, 5e-5f, 0,
                 "%u heads of %u, values %u, at %u", c->n_head, c->head_dim,
                 c->head_dim_v, c->pos);
    op_env_close(&env);
    op_env_cache_close(&cache);
    free(q), free(k), free(y), free(want);
}

static void values_inside_keys(void **state)
{
    static const struct attn_case cases[] = {
        {1, 8, 4, 0, 1, 0, LEM_CACHE_F16},
        {3, 48, 36, 5, 3, 0, LEM_CACHE_Q8_0},
        {4, 104, 96, 70, 9, 0, LEM_CACHE_F32},
        {5, 40, 32, 200, 2, 17, LEM_CACHE_F16},
        {16, 576, 512, 33, 2, 0, LEM_CACHE_F16},
        {16, 576, 512, 133, 1, 0, LEM_CACHE_F16},
        {16, 576, 512, 70, 1, 0, LEM_CACHE_Q8_0},
        {7, 64, 64, 63, 1, 0, LEM_CACHE_F32},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        run_attn(op_env_device(state), &cases[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(heads_match_reference),
        cmocka_unit_test(heads_in_several_windows),
        cmocka_unit_test(heads_in_every_shape),
        cmocka_unit_test(heads_off_the_grid_are_refused),
        cmocka_unit_test(latent_matches_reference),
        cmocka_unit_test(values_inside_keys),
    };
    return cmocka_run_group_tests_name("latent", tests, gpu_fixture_open,
                                       gpu_fixture_close);
}
