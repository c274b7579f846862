/* test_router.c - op_router against ref_router: every score and option, ids exactly,
 * ties, logits at the ends of the range, NaN, the tap, and what it refuses. */
#include "op_env.h"

#include <math.h>
#include <string.h>

#include "ref/ref.h"

enum { N_TOKEN = 4, TAP_OFF = 3 };

/* Random biased scores this close may swap: the kernel's and the reference's scores
 * differ by some f32 roundings of values up to 1.5. */
#define NEAR_TIE 5e-7f

struct router_case {
    struct ref_router r; /* bias: filled in */
    bool with_bias;
    float spread; /* of the logits */
};

static uint32_t flags_of(const struct ref_router *r)
{
    return r->normalise ? ROUTER_NORMALISE : 0;
}

static struct op_router op_of(struct op_env *env, const struct ref_router *r,
                              const float *logits, uint32_t n_token)
{
    const uint32_t stride = op_env_stride(r->n_expert);
    const uint32_t tap_stride = r->n_used + 2;
    struct op_router op = {
        .margin = true,
        .logits = op_env_put(env, logits, 4ull * n_token * stride),
        .ids = op_env_put(env, NULL, 4ull * n_token * r->n_used),
        .weights = op_env_put(env, NULL, 4ull * n_token * r->n_used),
        .tap = op_env_put(env, NULL, 8ull * (TAP_OFF + n_token * tap_stride)),
        .p = {.n_expert = r->n_expert,
              .n_used = r->n_used,
              .x_stride = stride,
              .score = r->score,
              .flags = flags_of(r),
              .n_group = r->n_group,
              .n_group_used = r->n_group_used,
              .group_top = r->group_top,
              .scale = r->scale,
              .norm_eps = r->norm_eps,
              .tap_off = TAP_OFF,
              .tap_stride = tap_stride}};
    if (r->bias)
        op.bias = op_env_put(env, r->bias, 4ull * r->n_expert);
    return op;
}

/* The tap has the same as ids and weights, at its own places, and the margin after them
 * (see check_margin()), and nothing else. */
static void check_tap(const struct op_router *op, uint32_t n_token)
{
    const uint32_t *ids = op_env_get(&op->ids), *weights = op_env_get(&op->weights);
    const uint32_t(*tap)[2] = op_env_get(&op->tap);
    const uint32_t n = op->p.n_used;
    for (uint32_t i = 0; i < TAP_OFF; i++)
        assert_true(tap[i][0] == 0 && tap[i][1] == 0);
    for (uint32_t t = 0; t < n_token; t++)
        for (uint32_t k = 0; k < op->p.tap_stride; k++) {
            if (k == n)
                continue;
            const uint32_t *got = tap[TAP_OFF + t * op->p.tap_stride + k];
            assert_int_equal(got[0], k < n ? ids[t * n + k] : 0);
            assert_int_equal(got[1], k < n ? weights[t * n + k] : 0);
        }
}

static void fail_ids(const uint32_t *got, const uint32_t *want,
                     const struct ref_router *r, uint32_t token, float margin)
{
    uint32_t k = 0;
    while (got[k] == want[k])
        k++;
    fail_msg("%u of %u experts, score %d, token %u, place %u: %u, not %u; margin %g",
             r->n_used, r->n_expert, (int)r->score, token, k, got[k], want[k],
             (double)margin);
}

/* The margin to the first expert left out, and which that is: what n_used + 1 would have
 * chosen last. `near`: it may be another one of the same score. */
static void check_margin(const struct op_router *op, const struct ref_router *r,
                         const float *logits, uint32_t token, float want)
{
    const uint32_t(*tap)[2] = op_env_get(&op->tap);
    const uint32_t *entry = tap[TAP_OFF + token * op->p.tap_stride + r->n_used];
    float got;
    memcpy(&got, &entry[1], sizeof got);
    if (isinf(want)) {
        assert_true(isinf(got) && got > 0);
        assert_int_equal(entry[0] == ROUTER_NO_EXPERT,
                         r->n_used == r->n_expert || r->n_group > 1);
        return;
    }
    /* scores up to 4, or 16 where they are logits, off by some roundings */
    assert_close(&got, &want, 1, 4e-6f, 1e-5f, "margin, %u of %u experts, token %u",
                 r->n_used, r->n_expert, token);
    uint32_t ids[1025];
    float weights[1025], further;
    struct ref_router more = *r;
    more.n_used++;
    ref_router(ids, weights, &further, logits, &more);
    if (further > NEAR_TIE || !r->bias)
        assert_int_equal(entry[0], ids[r->n_used]);
}

/* Number of tokens whose ids differ, with a margin that allows it. */
static uint32_t compare(const struct op_router *op, const struct ref_router *r,
                        const float *logits, uint32_t n_token)
{
    uint32_t want_ids[1024], n_near = 0;
    float want[1024], margin;
    for (uint32_t t = 0; t < n_token; t++) {
        const uint32_t *ids = (uint32_t *)op_env_get(&op->ids) + t * r->n_used;
        const float *weights = (float *)op_env_get(&op->weights) + t * r->n_used;
        ref_router(want_ids, want, &margin, logits + t * op->p.x_stride, r);
        if (memcmp(ids, want_ids, r->n_used * sizeof *ids) != 0) {
            if (!r->bias || margin > NEAR_TIE)
                fail_ids(ids, want_ids, r, t, margin);
            n_near++;
            continue;
        }
        check_margin(op, r, logits + t * op->p.x_stride, t, margin);
        /* exp is off by an ulp or two, its argument, below 60 here, by half of one in
         * 4e-6; the sums of up to 384 terms by some ulp */
        assert_close(weights, want, r->n_used, 1e-7f, 1e-5f,
                     "%u of %u experts, score %d, token %u", r->n_used, r->n_expert,
                     (int)r->score, t);
    }
    return n_near;
}

static uint32_t run_case(struct lem_device *device, const struct router_case *c)
{
    struct ref_router r = c->r;
    const uint32_t stride = op_env_stride(r.n_expert);
    uint64_t seed = 5 + r.n_expert * 64 + r.n_used;
    float *logits = op_env_random(&seed, (size_t)N_TOKEN * stride);
    float *bias = op_env_random(&seed, r.n_expert);
    for (size_t i = 0; i < (size_t)N_TOKEN * stride; i++)
        logits[i] *= i % stride < r.n_expert ? c->spread : 1e30f; /* padding */
    for (uint32_t e = 0; e < r.n_expert; e++)
        bias[e] *= 0.25f;
    r.bias = c->with_bias ? bias : NULL;

    struct op_env env;
    op_env_open(&env, device, (struct step_params){.n_token = N_TOKEN, .n_out = 1});
    const struct op_router op = op_of(&env, &r, logits, N_TOKEN);
    assert_int_equal(op_router(env.list, &env.at, &op), LEM_OK);
    op_env_run(&env);
    check_tap(&op, N_TOKEN);
    const uint32_t n_near = compare(&op, &r, logits, N_TOKEN);
    op_env_close(&env);
    free(logits), free(bias);
    return n_near;
}

static void matches_for_sizes(void **state)
{
    static const uint32_t n_expert[] = {1, 3, 10, 16, 40, 64, 128, 256, 384, 1024};
    for (size_t i = 0; i < sizeof n_expert / sizeof *n_expert; i++) {
        const uint32_t n_used[] = {1, 2, 8, n_expert[i]};
        for (int k = 0; k < 4; k++) {
            if (n_used[k] > n_expert[i])
                continue;
            const struct router_case c = {.r = {.n_expert = n_expert[i],
                                                .n_used = n_used[k],
                                                .score = SCORE_SOFTMAX,
                                                .normalise = i % 2,
                                                .scale = 1},
                                          .spread = 6};
            assert_int_equal(run_case(op_env_device(state), &c), 0);
        }
    }
}

static void matches_for_scores(void **state)
{
    uint32_t n_near = 0;
    for (enum router_score score = SCORE_SOFTMAX; score <= SCORE_LOGIT; score++)
        for (int option = 0; option < 8; option++) {
            const struct router_case c = {.r = {.n_expert = 64,
                                                .n_used = 6,
                                                .score = score,
                                                .normalise = option & 1,
                                                .scale = option & 2 ? 2.5f : 1,
                                                .norm_eps = 1e-20f},
                                          .with_bias = option & 4,
                                          .spread = 4};
            n_near += run_case(op_env_device(state), &c);
        }
    assert_int_equal(n_near, 0); /* none with these seeds */
}

static void matches_with_groups(void **state)
{
    static const struct {
        uint32_t n_expert, n_used, n_group, n_group_used;
    } s[] = {
        {256, 8, 8, 4}, {16, 4, 4, 2}, {40, 6, 5, 3}, {12, 3, 12, 4}, {64, 64, 4, 4}};
    for (size_t i = 0; i < sizeof s / sizeof *s; i++)
        for (int option = 0; option < 8; option++) {
            const struct router_case c = {
                .r = {.n_expert = s[i].n_expert,
                      .n_used = s[i].n_used,
                      .score = option & 1 ? SCORE_SIGMOID : SCORE_SOFTMAX,
                      .normalise = true,
                      .scale = 2.5f,
                      .norm_eps = 1e-20f,
                      .n_group = s[i].n_group,
                      .n_group_used = s[i].n_group_used,
                      .group_top = option & 2 ? 2 : 1},
                .with_bias = option & 4,
                .spread = 4};
            assert_int_equal(run_case(op_env_device(state), &c), 0);
        }
}

/* A sum that norm_eps bounds: sigmoid(-30 …) is about 1e-13. */
static void bounds_the_sum(void **state)
{
    struct op_env env;
    op_env_open(&env, op_env_device(state),
                (struct step_params){.n_token = 1, .n_out = 1});
    float logits[32];
    for (int i = 0; i < 32; i++)
        logits[i] = -30 - (float)i * 0.25f;
    const struct ref_router r = {.n_expert = 20,
                                 .n_used = 3,
                                 .score = SCORE_SIGMOID,
                                 .normalise = true,
                                 .scale = 1,
                                 .norm_eps = 1e-9f};
    const struct op_router op = op_of(&env, &r, logits, 1);
    assert_int_equal(op_router(env.list, &env.at, &op), LEM_OK);
    op_env_run(&env);
    const float *w = op_env_get(&op.weights);
    for (int k = 0; k < 3; k++) {
        const float want = (float)(1 / (1 + exp(30 + 0.25 * k)) / 1e-9);
        assert_close(&w[k], &want, 1, 0, 1e-5f, "slot %d", k);
    }
    op_env_close(&env);
}

/* Ids for given logits; the reference is asked by the caller. */
static void ids_of(struct lem_device *device, uint32_t *ids, const struct ref_router *r,
                   const float *logits)
{
    struct op_env env;
    op_env_open(&env, device, (struct step_params){.n_token = 1, .n_out = 1});
    const struct op_router op = op_of(&env, r, logits, 1);
    assert_int_equal(op_router(env.list, &env.at, &op), LEM_OK);
    op_env_run(&env);
    memcpy(ids, op_env_get(&op.ids), r->n_used * sizeof *ids);
    const float *w = op_env_get(&op.weights);
    for (uint32_t k = 0; k < r->n_used; k++)
        assert_true(isfinite(w[k]) && w[k] >= 0);
    op_env_close(&env);
}

static void breaks_ties_by_id(void **state)
{
    float logits[160];
    for (uint32_t step = 1; step <= 160; step *= 2) {
        /* runs of equal values, and all equal at the end; both zeros are one value */
        for (uint32_t i = 0; i < 160; i++)
            logits[i] = i / step % 3 == 1 ? 1.5f : i % 2 ? 0.0f : -0.0f;
        for (enum router_score s = SCORE_SOFTMAX; s <= SCORE_LOGIT; s++)
            for (uint32_t n_group = 1; n_group <= 10; n_group += 9) {
                const struct ref_router r = {.n_expert = 160,
                                             .n_used = 16,
                                             .score = s,
                                             .scale = 1,
                                             .n_group = n_group,
                                             .n_group_used = n_group / 2 + 1,
                                             .group_top = step % 3};
                uint32_t got[16], want[16];
                float weights[16];
                ref_router(want, weights, NULL, logits, &r);
                ids_of(op_env_device(state), got, &r, logits);
                assert_memory_equal(got, want, sizeof want);
            }
    }
}

/* Scores that are all 0 or all 1 in f32, but logits that differ: their order counts. */
static void orders_extreme_logits(void **state)
{
    static const float scale[] = {1e4f, 3e38f, 1e-30f};
    for (size_t s = 0; s < sizeof scale / sizeof *scale; s++)
        for (enum router_score score = SCORE_SOFTMAX; score <= SCORE_LOGIT; score++) {
            float logits[96];
            for (uint32_t i = 0; i < 96; i++)
                logits[i] = ((float)(i * 37 % 96) / 96 - 0.25f) * scale[s];
            const struct ref_router r = {
                .n_expert = 96, .n_used = 96, .score = score, .scale = 1};
            uint32_t ids[96];
            ids_of(op_env_device(state), ids, &r, logits);
            for (uint32_t k = 0; k < 96; k++)
                assert_int_equal(ids[k] * 37 % 96, 95 - k);
        }
}

/* Broken weights must not lead to an expert that does not exist, or to one twice. */
static void puts_nan_last(void **state)
{
    float logits[64];
    for (uint32_t i = 0; i < 64; i++)
        logits[i] = i % 3 == 0 ? NAN : i % 3 == 1 ? -INFINITY : (float)i;
    const struct ref_router r = {.n_expert = 50, .n_used = 50, .scale = 1};
    struct op_env env;
    op_env_open(&env, op_env_device(state),
                (struct step_params){.n_token = 1, .n_out = 1});
    const struct op_router op = op_of(&env, &r, logits, 1);
    assert_int_equal(op_router(env.list, &env.at, &op), LEM_OK);
    op_env_run(&env);
    const uint32_t *ids = op_env_get(&op.ids);
    for (uint32_t k = 0; k < 16; k++)
        assert_int_equal(ids[k], 47 - 3 * k); /* 47, 44, … 2 */
    for (uint32_t k = 0; k < 17; k++) {
        assert_int_equal(ids[16 + k], 1 + 3 * k);
        assert_int_equal(ids[33 + k], 3 * k);
    }
    op_env_close(&env);
}

static void repeats_bit_by_bit(void **state)
{
    uint64_t seed = 99;
    float *logits = op_env_random(&seed, 8 * 128);
    const struct ref_router r = {
        .n_expert = 128, .n_used = 8, .normalise = true, .scale = 1};
    struct op_env env;
    op_env_open(&env, op_env_device(state),
                (struct step_params){.n_token = 8, .n_out = 1});
    const struct op_router op = op_of(&env, &r, logits, 8);
    assert_int_equal(op_router(env.list, &env.at, &op), LEM_OK);
    uint32_t first[2][64];
    for (int run = 0; run < 20; run++) {
        op_env_run(&env);
        if (run == 0) {
            memcpy(first[0], op_env_get(&op.ids), sizeof first[0]);
            memcpy(first[1], op_env_get(&op.weights), sizeof first[1]);
        }
        assert_memory_equal(op_env_get(&op.ids), first[0], sizeof first[0]);
        assert_memory_equal(op_env_get(&op.weights), first[1], sizeof first[1]);
        memset(op_env_get(&op.ids), 0xff, sizeof first[0]);
        memset(op_env_get(&op.weights), 0xff, sizeof first[1]);
    }
    op_env_close(&env);
    free(logits);
}

static void refuses_what_does_not_fit(void **state)
{
    static const struct {
        uint32_t n_expert, n_used, n_group, n_group_used;
        enum lem_status status;
        const char *said;
    } bad[] = {
        {1u << 20, 4, 0, 0, LEM_ERR_UNSUPPORTED, "shared memory"},
        {64, 65, 0, 0, LEM_ERR_ARGUMENT, "n_used must be"},
        {64, 0, 0, 0, LEM_ERR_ARGUMENT, "n_used must be"},
        {64, 4, 5, 2, LEM_ERR_ARGUMENT, "multiple of n_group"},
        {64, 4, 8, 9, LEM_ERR_ARGUMENT, "n_group_used must be"},
        {64, 4, 32, 1, LEM_ERR_ARGUMENT, "fewer than n_used"},
    };
    struct op_env env;
    op_env_open(&env, op_env_device(state),
                (struct step_params){.n_token = 1, .n_out = 1});
    float logits[64] = {0};
    const struct ref_router r = {.n_expert = 64, .n_used = 4, .scale = 1};
    const struct op_router good = op_of(&env, &r, logits, 1);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct op_router op = good;
        op.p.n_expert = bad[i].n_expert;
        op.p.n_used = bad[i].n_used;
        op.p.n_group = bad[i].n_group;
        op.p.n_group_used = bad[i].n_group_used;
        assert_int_equal(op_router(env.list, &env.at, &op), bad[i].status);
        gpu_fixture_said(*state, bad[i].said);
    }
    op_env_close(&env);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(matches_for_sizes),
        cmocka_unit_test(matches_for_scores),
        cmocka_unit_test(matches_with_groups),
        cmocka_unit_test(bounds_the_sum),
        cmocka_unit_test(breaks_ties_by_id),
        cmocka_unit_test(orders_extreme_logits),
        cmocka_unit_test(puts_nan_last),
        cmocka_unit_test(repeats_bit_by_bit),
        cmocka_unit_test(refuses_what_does_not_fit),
    };
    return cmocka_run_group_tests(tests, gpu_fixture_open, gpu_fixture_close);
}
