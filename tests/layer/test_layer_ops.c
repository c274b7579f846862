/* test_layer_ops.c - the operations that layers have beyond language models, each against
 * ref/: softmax of rows, gathering the choices of several routers, routers that draw or
 * compare with a threshold, combinations that take the strongest. */
#include "gpu/op_env.h"

#include <math.h>
#include <string.h>

#include "ref/ref_layer.h"

/* ---- softmax --------------------------------------------------------------------- */

static void softmax_matches(void **state)
{
    static const uint32_t sizes[] = {1, 2, 31, 32, 33, 64, 257, 3000};
    static const float spreads[] = {0.01f, 3, 60, 1e30f}; /* the last: one hot */
    enum { N_TOKEN = 3, PER_ROW = 2, N_ROW = N_TOKEN * PER_ROW };
    uint64_t seed = 8;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (size_t j = 0; j < sizeof spreads / sizeof *spreads; j++) {
            const uint32_t n = sizes[i], stride = op_env_stride(n) + 32;
            float *x = op_env_random(&seed, (size_t)N_ROW * stride);
            for (size_t k = 0; k < (size_t)N_ROW * stride; k++)
                x[k] *= spreads[j];
            struct op_env env;
            op_env_open(&env, op_env_device(state),
                        (struct step_params){.n_token = N_TOKEN});
            const struct op_softmax op = {
                .x = op_env_put(&env, x, 4ull * N_ROW * stride),
                .p = {.n = n, .stride = stride, .n_per_row = PER_ROW}};
            assert_int_equal(op_softmax(env.list, &env.at, &op), LEM_OK);
            op_env_run(&env);
            for (uint32_t r = 0; r < N_ROW; r++) {
                float *want = x + (size_t)r * stride;
                const float *got = (float *)op_env_get(&op.x) + (size_t)r * stride;
                assert_bits(got + n, want + n, stride - n); /* nothing beyond */
                ref_softmax(want, n);
                /* exponents below 120 rounded to half of 8e-6; the kernel's exp is never
                 * below 1.2e-38 */
                assert_close(got, want, n, 1e-37f, 2e-5f, "%u values, spread %g", n,
                             (double)spreads[j]);
            }
            op_env_close(&env);
            free(x);
        }
}

/* ---- gather ---------------------------------------------------------------------- */

static void gathers_each_expert_once(void **state)
{
    enum { N_TOKEN = 4, N_EXPERT = 71 };
    static const uint32_t n_used[] = {3, 1, 40};
    uint32_t want[N_TOKEN][N_EXPERT];
    uint64_t seed = 4;
    struct op_env env;
    op_env_open(&env, op_env_device(state), (struct step_params){.n_token = N_TOKEN});
    memset(want, 0xff, sizeof want);
    uint32_t stale[N_TOKEN * N_EXPERT];
    for (uint32_t i = 0; i < N_TOKEN * N_EXPERT; i++)
        stale[i] = i;
    const struct gpu_slice all = op_env_put(&env, stale, sizeof stale);
    for (int g = 0; g < 3; g++) {
        uint32_t ids[N_TOKEN][40];
        for (uint32_t t = 0; t < N_TOKEN; t++)
            for (uint32_t k = 0; k < n_used[g]; k++) {
                const uint32_t id = random_u32(&seed) % (N_EXPERT + 9);
                ((uint32_t *)ids)[t * n_used[g] + k] = id < N_EXPERT ? id : REF_NO_EXPERT;
                if (id < N_EXPERT)
                    want[t][id] = id;
            }
        const struct op_gather op = {
            .ids = op_env_put(&env, ids, 4ull * N_TOKEN * n_used[g]),
            .all = all,
            .n_expert = N_EXPERT,
            .n_used = n_used[g],
            .first = g == 0};
        assert_int_equal(op_gather(env.list, &env.at, &op), LEM_OK);
    }
    op_env_run(&env);
    assert_memory_equal(op_env_get(&all), want, sizeof want);
    op_env_close(&env);
}

/* ---- routers --------------------------------------------------------------------- */

struct route {
    struct ref_router r; /* race is filled in */
    uint64_t seed, row;
    uint32_t stream;
};

/* Some rows of logits through router and reference: ids exactly. */
static void check_router(void **state, const struct route *c, const float *z)
{
    enum { N_TOKEN = 5 };
    const uint32_t n = c->r.n_expert, stride = op_env_stride(n);
    const struct draw_params draw = {.seed_lo = (uint32_t)c->seed,
                                     .seed_hi = (uint32_t)(c->seed >> 32),
                                     .row_lo = (uint32_t)c->row,
                                     .row_hi = (uint32_t)(c->row >> 32)};
    struct op_env env;
    op_env_open(&env, op_env_device(state), (struct step_params){.n_token = N_TOKEN});
    const struct op_router op = {
        .logits = op_env_put(&env, z, 4ull * N_TOKEN * stride),
        .ids = op_env_put(&env, NULL, 4ull * N_TOKEN * c->r.n_used),
        .weights = op_env_put(&env, NULL, 4ull * N_TOKEN * c->r.n_used),
        .draw = op_env_put(&env, &draw, sizeof draw),
        .select = c->r.select,
        .p = {.n_expert = n,
              .n_used = c->r.n_used,
              .x_stride = stride,
              .score = c->r.score,
              .flags = c->r.normalise ? ROUTER_NORMALISE : 0,
              .scale = 1,
              .norm_eps = c->r.norm_eps,
              .threshold = c->r.threshold,
              .stream = c->stream}};
    assert_int_equal(op_router(env.list, &env.at, &op), LEM_OK);
    op_env_run(&env);
    for (uint32_t t = 0; t < N_TOKEN; t++) {
        float race[512], weights[512];
        uint32_t ids[512];
        struct ref_router r = c->r;
        ref_race(race, n, c->seed, c->row + t, c->stream);
        r.race = race;
        ref_router(ids, weights, NULL, z + (size_t)t * stride, &r);
        assert_memory_equal((uint32_t *)op_env_get(&op.ids) + t * r.n_used, ids,
                            r.n_used * sizeof *ids);
        /* exp is off by an ulp or two, its argument, below 20, by half of one in 1e-6 */
        assert_close((float *)op_env_get(&op.weights) + t * r.n_used, weights, r.n_used,
                     1e-7f, 1e-5f, "%u of %u experts, token %u", r.n_used, n, t);
    }
    op_env_close(&env);
}

static void routers_draw_and_compare(void **state)
{
    static const uint32_t sizes[][2] = {{1, 1},    {5, 2},     {8, 8},    {33, 7},
                                        {128, 30}, {130, 130}, {300, 299}};
    uint64_t seed = 21;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (int score = SCORE_SOFTMAX; score <= SCORE_GIVEN; score++)
            for (int select = REF_SELECT_DRAW; select <= REF_SELECT_ABOVE; select++) {
                if (score == SCORE_LOGIT && select == REF_SELECT_DRAW)
                    continue; /* logits may be negative: no probabilities */
                const uint32_t n = sizes[i][0], stride = op_env_stride(n);
                float *z = op_env_random(&seed, (size_t)5 * stride);
                for (uint32_t k = 0; k < 5 * stride; k++)
                    z[k] = score == SCORE_GIVEN ? k % 3 ? fabsf(z[k]) : 0 : 3 * z[k];
                /* seed and row with high words, and a row that carries into them */
                const struct route c = {
                    .r = {.n_expert = n,
                          .n_used = sizes[i][1],
                          .score = (enum router_score)score,
                          .select = (enum ref_select)select,
                          .normalise = i % 2 == 0,
                          .norm_eps = 1e-6f,
                          .scale = 1,
                          .threshold = score == SCORE_SOFTMAX ? 1.0f / (float)n : 0.3f},
                    .seed = UINT64_C(0x123456789abcdef),
                    .row = i % 2 ? 3 : UINT64_C(0x5fffffffe),
                    .stream = (uint32_t)i};
                check_router(state, &c, z);
                free(z);
            }
}

/* What has no probability is never drawn, even when nothing else is left. */
static void zeros_are_never_drawn(void **state)
{
    float z[5 * 32] = {0};
    for (int t = 1; t < 5; t++)
        z[t * 32 + t] = 0.25f;
    const struct route c = {.r = {.n_expert = 6,
                                  .n_used = 3,
                                  .score = SCORE_GIVEN,
                                  .select = REF_SELECT_DRAW,
                                  .scale = 1},
                            .seed = 1};
    check_router(state, &c, z);
    uint32_t ids[3];
    float weights[3], race[6];
    struct ref_router r = c.r;
    ref_race(race, 6, 1, 0, 0);
    r.race = race;
    ref_router(ids, weights, NULL, z + 2 * 32, &r); /* the reference itself */
    assert_true(ids[0] == 2 && ids[1] == REF_NO_EXPERT && weights[0] == 0.25f);
    ref_router(ids, weights, NULL, z, &r);
    assert_true(ids[0] == REF_NO_EXPERT && weights[0] == 0);
}

static void groups_and_draws_do_not_mix(void **state)
{
    struct op_env env;
    op_env_open(&env, op_env_device(state), (struct step_params){.n_token = 1});
    const struct gpu_slice any = op_env_put(&env, NULL, 256);
    const struct op_router op = {
        .logits = any,
        .ids = op_env_put(&env, NULL, 256),
        .weights = op_env_put(&env, NULL, 256),
        .select = ROUTER_SELECT_DRAW,
        .p = {.n_expert = 8, .n_used = 2, .n_group = 2, .n_group_used = 1}};
    assert_int_equal(op_router(env.list, &env.at, &op), LEM_ERR_ARGUMENT);
    gpu_fixture_said(*state, "by groups");
    op_env_close(&env);
}

/* ---- combine --------------------------------------------------------------------- */

enum { N_TOKEN = 4, N_USED = 3, N_EXPERT = 5, N_SLOT_MAX = N_EXPERT };

/* Token 1 has one expert, token 2 none; rows of empty slots are NaN. */
static void make_choice(uint32_t ids[N_TOKEN][N_USED], float weights[N_TOKEN][N_USED])
{
    static const uint32_t chosen[N_TOKEN][N_USED] = {
        {4, 0, 2},
        {1, REF_NO_EXPERT, REF_NO_EXPERT},
        {REF_NO_EXPERT, REF_NO_EXPERT, REF_NO_EXPERT},
        {3, 2, 0}};
    static const float w[N_TOKEN][N_USED] = {
        {0.2f, 0.5f, 0.3f}, {0.7f, 0, 0}, {0, 0, 0}, {0.1f, 0.4f, 0.4f}};
    memcpy(ids, chosen, sizeof chosen);
    memcpy(weights, w, sizeof w);
}

static void check_combine(void **state, enum lem_layer_combine how, uint32_t n,
                          bool by_expert)
{
    static const uint32_t kernel[] = {
        [LEM_COMBINE_SUM] = COMBINE_SUM,
        [LEM_COMBINE_AVERAGE] = COMBINE_SUM,
        [LEM_COMBINE_STRONGEST] = COMBINE_STRONGEST,
        [LEM_COMBINE_HEAVIEST] = COMBINE_HEAVIEST,
    };
    const uint32_t stride = op_env_stride(n), n_slot = by_expert ? N_EXPERT : N_USED;
    uint32_t ids[N_TOKEN][N_USED];
    float weights[N_TOKEN][N_USED], *want = op_env_filled(n, 0);
    float *rows = op_env_filled((size_t)N_USED * stride, 0);
    float *x = op_env_filled((size_t)N_TOKEN * n_slot * stride, NAN);
    uint64_t seed = n;
    make_choice(ids, weights);
    for (uint32_t t = 0; t < N_TOKEN; t++)
        for (uint32_t k = 0; k < N_USED; k++)
            for (uint32_t i = 0; ids[t][k] != REF_NO_EXPERT && i < stride; i++)
                x[((size_t)t * n_slot + (by_expert ? ids[t][k] : k)) * stride + i] =
                    random_f32(&seed) - 2; /* all below 0: not mixed up with nothing */

    struct op_env env;
    op_env_open(&env, op_env_device(state), (struct step_params){.n_token = N_TOKEN});
    const struct op_combine op = {
        .x = op_env_put(&env, x, 4ull * N_TOKEN * n_slot * stride),
        .weights = op_env_put(&env, weights, sizeof weights),
        .y = op_env_put(&env, NULL, 4ull * N_TOKEN * stride),
        .ids = op_env_put(&env, ids, sizeof ids),
        .how = kernel[how],
        .by_expert = by_expert,
        .p = {.n = n,
              .n_used = N_USED,
              .x_stride = stride,
              .y_stride = stride,
              .flags = EXPERTS_SET,
              .n_slot = n_slot}};
    assert_int_equal(op_combine(env.list, &env.at, &op), LEM_OK);
    op_env_run(&env);
    for (uint32_t t = 0; t < N_TOKEN; t++) {
        for (uint32_t k = 0; k < N_USED; k++)
            if (ids[t][k] != REF_NO_EXPERT)
                memcpy(rows + (size_t)k * stride,
                       x + ((size_t)t * n_slot + (by_expert ? ids[t][k] : k)) * stride,
                       n * sizeof *x);
        const struct ref_combine c = {.how = how,
                                      .n = n,
                                      .n_used = N_USED,
                                      .x_stride = stride,
                                      .ids = ids[t],
                                      .weights = weights[t]};
        ref_combine(want, rows, &c);
        /* a sum of three products rounds; the strongest is copied */
        const float tol = kernel[how] == COMBINE_SUM ? 1e-6f : 0;
        assert_close((float *)op_env_get(&op.y) + (size_t)t * stride, want, n, tol, 0,
                     "how %d, %u values, token %u", (int)how, n, t);
    }
    op_env_close(&env);
    free(x);
    free(rows);
    free(want);
}

static void combines_in_every_way(void **state)
{
    static const uint32_t sizes[] = {1, 3, 4, 33, 600};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (int how = 0; how <= LEM_COMBINE_HEAVIEST; how++)
            for (int by_expert = 0; by_expert < 2; by_expert++)
                check_combine(state, (enum lem_layer_combine)how, sizes[i], by_expert);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(softmax_matches),
        cmocka_unit_test(gathers_each_expert_once),
        cmocka_unit_test(routers_draw_and_compare),
        cmocka_unit_test(zeros_are_never_drawn),
        cmocka_unit_test(groups_and_draws_do_not_mix),
        cmocka_unit_test(combines_in_every_way),
    };
    return cmocka_run_group_tests(tests, gpu_fixture_open, gpu_fixture_close);
}
