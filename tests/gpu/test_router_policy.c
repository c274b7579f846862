/* test_router_policy.c - the router under a policy against ref_router: bans, forces,
 * biases and limits with every score and with groups; an untouched layer bit for bit;
 * and that the kernels behind the router leave slots without an expert alone. */
#include "op_env.h"

#include <math.h>
#include <string.h>

#include "ref/ref.h"

/* n_used is at most 8, MAX_EXPERT at least each n_expert below. POLICY_OFF: other
 * layers stand before ours. */
enum { N_TOKEN = 5, MAX_USED = 8, MAX_EXPERT = 160, POLICY_OFF = 7 };

/* As in test_router.c: scores that f32 roundings of values up to 2.5 may swap. */
#define NEAR_TIE 1e-6f

struct bench {
    struct op_env env;
    struct op_router op;
    struct ref_router r;
    float *logits;
    float bias[MAX_EXPERT], rule[MAX_EXPERT];
};

/* Kernel and reference with the same numbers. `header` 0: untouched, whatever the
 * rules; `bound` false: no policy at all. */
static void open_bench(struct bench *b, struct lem_device *device, uint32_t header,
                       bool bound)
{
    const struct ref_router *r = &b->r;
    uint32_t words[POLICY_OFF + 1 + MAX_EXPERT];
    memset(words, 0xa5, sizeof words);
    words[POLICY_OFF] = header;
    memcpy(words + POLICY_OFF + 1, b->rule, r->n_expert * sizeof *b->rule);
    const uint32_t stride = op_env_stride(r->n_expert);
    op_env_open(&b->env, device, (struct step_params){.n_token = N_TOKEN, .n_out = 1});
    b->op = (struct op_router){
        .logits = op_env_put(&b->env, b->logits, 4ull * N_TOKEN * stride),
        .ids = op_env_put(&b->env, NULL, 4ull * N_TOKEN * r->n_used),
        .weights = op_env_put(&b->env, NULL, 4ull * N_TOKEN * r->n_used),
        .tap = op_env_put(&b->env, NULL, 8ull * N_TOKEN * r->n_used),
        .p = {.n_expert = r->n_expert,
              .n_used = r->n_used,
              .x_stride = stride,
              .score = r->score,
              .flags = r->normalise ? ROUTER_NORMALISE : 0,
              .n_group = r->n_group,
              .n_group_used = r->n_group_used,
              .group_top = r->group_top,
              .scale = r->scale,
              .norm_eps = r->norm_eps,
              .tap_stride = r->n_used,
              .policy_off = POLICY_OFF}};
    if (r->bias)
        b->op.bias = op_env_put(&b->env, b->bias, 4ull * r->n_expert);
    if (bound)
        b->op.policy = op_env_put(&b->env, words, sizeof words);
    assert_int_equal(op_router(b->env.list, &b->env.at, &b->op), LEM_OK);
    op_env_run(&b->env);
}

static void close_bench(struct bench *b)
{
    op_env_close(&b->env);
}

static uint32_t header_of(const struct ref_router *r)
{
    bool biased = false;
    for (uint32_t e = 0; e < r->n_expert; e++)
        biased = biased || (r->policy[e] != 0 && isfinite(r->policy[e]));
    return (r->limit ? r->limit : r->n_used) | (biased ? POLICY_BIASED : 0);
}

/* Ids, weights and tap of all tokens; how many near ties there were. */
static uint32_t compare(const struct bench *b, const char *what)
{
    const struct ref_router *r = &b->r;
    const uint32_t *ids = op_env_get(&b->op.ids);
    const float *weights = op_env_get(&b->op.weights);
    const uint32_t(*tap)[2] = op_env_get(&b->op.tap);
    uint32_t n_near = 0;
    for (uint32_t t = 0; t < N_TOKEN; t++) {
        uint32_t want_ids[MAX_USED];
        float want[MAX_USED], margin;
        const uint32_t at = t * r->n_used;
        ref_router(want_ids, want, &margin, b->logits + t * b->op.p.x_stride, r);
        for (uint32_t k = 0; k < r->n_used; k++) {
            assert_int_equal(tap[at + k][0], ids[at + k]);
            assert_memory_equal(&tap[at + k][1], &weights[at + k], sizeof(float));
        }
        if (memcmp(want_ids, ids + at, r->n_used * sizeof *ids) != 0) {
            if (margin > NEAR_TIE)
                fail_msg("%s, score %d, token %u: %u %u …, not %u %u …; margin %g", what,
                         (int)r->score, t, ids[at], ids[at + 1], want_ids[0], want_ids[1],
                         (double)margin);
            n_near++;
            continue;
        }
        /* as in test_router.c */
        assert_close(weights + at, want, r->n_used, 1e-7f, 1e-5f,
                     "%s, score %d, token %u", what, (int)r->score, t);
    }
    return n_near;
}

enum shape { BANS, FORCES, BIASES, LIMIT, ALMOST_ALL_BANNED, EVERYTHING, N_SHAPE };
static const char *const shape_name[] = {
    "bans", "forces", "biases", "limit", "almost all banned", "everything"};

static void fill_rules(struct bench *b, enum shape shape, uint64_t *seed)
{
    const uint32_t n = b->r.n_expert;
    memset(b->rule, 0, sizeof b->rule);
    b->r.limit = shape == LIMIT || shape == EVERYTHING ? b->r.n_used / 2 + 1 : 0;
    uint32_t n_forced = 0;
    const uint32_t most = b->r.limit ? b->r.limit : b->r.n_used;
    for (uint32_t e = 0; e < n; e++) {
        const uint32_t draw = random_u32(seed) % 4;
        if ((shape == BANS || shape == EVERYTHING) && draw == 0)
            b->rule[e] = -INFINITY;
        if (shape == ALMOST_ALL_BANNED && e != n / 3 && e != n - 1)
            b->rule[e] = -INFINITY;
        if ((shape == BIASES || shape == EVERYTHING) && draw == 1)
            b->rule[e] = (float)(random_u32(seed) % 2001) / 1000 - 1;
        if ((shape == FORCES || shape == EVERYTHING) && draw == 2 &&
            n_forced < most - 1) {
            b->rule[e] = INFINITY;
            n_forced++;
        }
    }
}

static void fill_bench(struct bench *b, uint64_t *seed)
{
    const uint32_t stride = op_env_stride(b->r.n_expert);
    b->logits = op_env_random(seed, (size_t)N_TOKEN * stride);
    for (size_t i = 0; i < (size_t)N_TOKEN * stride; i++)
        b->logits[i] *= i % stride < b->r.n_expert ? 4 : 1e30f; /* padding */
    for (uint32_t e = 0; e < b->r.n_expert; e++)
        b->bias[e] = (float)(random_u32(seed) % 1000) / 2000;
}

static void agrees(void **state, const struct ref_router *r, bool with_bias)
{
    uint32_t n_near = 0;
    for (int shape = 0; shape < N_SHAPE; shape++) {
        struct bench b = {.r = *r};
        uint64_t seed = 31 + 7 * (uint64_t)shape + r->n_expert;
        fill_bench(&b, &seed);
        fill_rules(&b, (enum shape)shape, &seed);
        b.r.policy = b.rule;
        b.r.bias = with_bias ? b.bias : NULL;
        open_bench(&b, op_env_device(state), header_of(&b.r), true);
        n_near += compare(&b, shape_name[shape]);
        close_bench(&b);
        free(b.logits);
    }
    assert_int_equal(n_near, 0); /* none with these seeds */
}

static void agrees_for_scores(void **state)
{
    for (enum router_score score = SCORE_SOFTMAX; score <= SCORE_LOGIT; score++)
        for (int option = 0; option < 4; option++)
            agrees(state,
                   &(struct ref_router){.n_expert = 64,
                                        .n_used = 6,
                                        .score = score,
                                        .normalise = option & 1,
                                        .scale = 2.5f,
                                        .norm_eps = 1e-20f},
                   option & 2);
}

static void agrees_for_sizes(void **state)
{
    static const uint32_t n_expert[] = {3, 8, 16, 33, 129, 160};
    for (size_t i = 0; i < sizeof n_expert / sizeof *n_expert; i++)
        agrees(state,
               &(struct ref_router){.n_expert = n_expert[i],
                                    .n_used = n_expert[i] < 8 ? 2 : 8,
                                    .score = SCORE_SOFTMAX,
                                    .normalise = true,
                                    .scale = 1},
               false);
}

static void agrees_with_groups(void **state)
{
    for (uint32_t top = 1; top <= 2; top++)
        agrees(state,
               &(struct ref_router){.n_expert = 40,
                                    .n_used = 6,
                                    .score = SCORE_SIGMOID,
                                    .normalise = true,
                                    .scale = 2.5f,
                                    .norm_eps = 1e-20f,
                                    .n_group = 5,
                                    .n_group_used = 3,
                                    .group_top = top},
               top == 2);
}

/* A banned expert never appears, a forced one always does: not by comparison. */
static void does_what_was_asked(void **state)
{
    struct bench b = {.r = {.n_expert = 16, .n_used = 4, .normalise = true, .scale = 1}};
    uint64_t seed = 3;
    fill_bench(&b, &seed);
    b.rule[5] = b.rule[6] = -INFINITY;
    b.rule[9] = b.rule[2] = INFINITY;
    b.rule[11] = 100;
    b.r.policy = b.rule;
    open_bench(&b, op_env_device(state), 3 | POLICY_BIASED, true);
    const uint32_t *ids = op_env_get(&b.op.ids);
    const float *weights = op_env_get(&b.op.weights);
    for (uint32_t t = 0; t < N_TOKEN; t++) {
        const uint32_t want[4] = {2, 9, 11, ROUTER_NO_EXPERT};
        assert_memory_equal(ids + 4 * t, want, sizeof want);
        const float sum = weights[4 * t] + weights[4 * t + 1] + weights[4 * t + 2];
        assert_close(&sum, &(float){1}, 1, 0, 1e-6f, "token %u", t);
        assert_true(weights[4 * t + 3] == 0);
    }
    close_bench(&b);
    free(b.logits);
}

/* Forced experts whose probability is 0 in f32: no 0 / 0. */
static void stays_finite(void **state)
{
    struct bench b = {.r = {.n_expert = 8, .n_used = 2, .normalise = true, .scale = 1}};
    b.logits = op_env_filled((size_t)N_TOKEN * op_env_stride(8), -300);
    for (uint32_t t = 0; t < N_TOKEN; t++)
        b.logits[t * op_env_stride(8)] = 300;
    b.rule[3] = b.rule[4] = INFINITY;
    b.r.policy = b.rule;
    open_bench(&b, op_env_device(state), 2, true);
    const uint32_t *ids = op_env_get(&b.op.ids);
    const float *weights = op_env_get(&b.op.weights);
    for (uint32_t i = 0; i < 2 * N_TOKEN; i++) {
        assert_int_equal(ids[i], 3 + i % 2);
        assert_true(weights[i] >= 0 && weights[i] <= 1); /* false for NaN */
    }
    close_bench(&b);
    free(b.logits);
}

static void untouched_has_the_same_bits(void **state)
{
    for (enum router_score score = SCORE_SOFTMAX; score <= SCORE_LOGIT; score++) {
        uint32_t plain[2][N_TOKEN * 8];
        for (int pass = 0; pass < 2; pass++) {
            struct bench b = {.r = {.n_expert = 128,
                                    .n_used = 8,
                                    .score = score,
                                    .normalise = true,
                                    .scale = 1}};
            uint64_t seed = 77;
            fill_bench(&b, &seed);
            fill_rules(&b, EVERYTHING, &seed); /* not to be read */
            open_bench(&b, op_env_device(state), 0, pass == 1);
            const void *ids = op_env_get(&b.op.ids), *w = op_env_get(&b.op.weights);
            if (pass == 0) {
                memcpy(plain[0], ids, sizeof plain[0]);
                memcpy(plain[1], w, sizeof plain[1]);
            }
            assert_memory_equal(ids, plain[0], sizeof plain[0]);
            assert_memory_equal(w, plain[1], sizeof plain[1]);
            close_bench(&b);
            free(b.logits);
        }
    }
}

/* ---- what follows the router ------------------------------------------------- */

static void group_leaves_empty_slots_out(void **state)
{
    enum { TOKENS = 70, USED = 4, EXPERTS = 6, PAIRS = TOKENS * USED };
    uint32_t ids[PAIRS], n_chosen = 0;
    for (uint32_t i = 0; i < PAIRS; i++) {
        ids[i] = i % USED < 1 + i / USED % USED ? i % EXPERTS : ROUTER_NO_EXPERT;
        n_chosen += ids[i] != ROUTER_NO_EXPERT;
    }
    struct op_env env;
    op_env_open(&env, op_env_device(state),
                (struct step_params){.n_token = TOKENS, .n_out = 1});
    const uint32_t max_tile = op_group_max_tile(TOKENS, USED, EXPERTS);
    const struct op_group op = {.ids = op_env_put(&env, ids, sizeof ids),
                                .pairs = op_env_put(&env, NULL, sizeof ids),
                                .tiles = op_env_put(&env, NULL, 16ull * max_tile),
                                .args = op_env_put(&env, NULL, 16),
                                .n_expert = EXPERTS,
                                .n_used = USED,
                                .n_arg = 1,
                                .row_groups = {9}};
    assert_int_equal(op_group(env.list, &env.at, &op), LEM_OK);
    op_env_run(&env);
    const uint32_t *pairs = op_env_get(&op.pairs), *args = op_env_get(&op.args);
    const uint32_t(*tiles)[4] = op_env_get(&op.tiles);
    uint32_t n = 0;
    for (uint32_t i = 0; i < args[1]; i++)
        for (uint32_t j = 0; j < tiles[i][2]; j++, n++)
            assert_int_equal(ids[pairs[tiles[i][1] + j]], tiles[i][0]);
    assert_int_equal(n, n_chosen);
    op_env_close(&env);
}

static void combine_does_not_read_empty_slots(void **state)
{
    enum { TOKENS = 2, USED = 3, N = 32 };
    float x[TOKENS * USED * N];
    const float w[TOKENS * USED] = {0.5f, 0.25f, 0, 2, 0, 0};
    for (uint32_t i = 0; i < TOKENS * USED * N; i++)
        x[i] = w[i / N] != 0 ? (float)(i % N) : NAN;
    struct op_env env;
    op_env_open(&env, op_env_device(state),
                (struct step_params){.n_token = TOKENS, .n_out = 1});
    const struct op_combine op = {
        .x = op_env_put(&env, x, sizeof x),
        .weights = op_env_put(&env, w, sizeof w),
        .y = op_env_put(&env, NULL, sizeof(float) * TOKENS * N),
        .p = {.n = N, .n_used = USED, .x_stride = N, .y_stride = N}};
    assert_int_equal(op_combine(env.list, &env.at, &op), LEM_OK);
    op_env_run(&env);
    const float *y = op_env_get(&op.y);
    for (uint32_t i = 0; i < N; i++) {
        assert_true(y[i] == 0.75f * (float)i);
        assert_true(y[N + i] == 2 * (float)i);
    }
    op_env_close(&env);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_for_scores),
        cmocka_unit_test(agrees_for_sizes),
        cmocka_unit_test(agrees_with_groups),
        cmocka_unit_test(does_what_was_asked),
        cmocka_unit_test(stays_finite),
        cmocka_unit_test(untouched_has_the_same_bits),
        cmocka_unit_test(group_leaves_empty_slots_out),
        cmocka_unit_test(combine_does_not_read_empty_slots),
    };
    return cmocka_run_group_tests(tests, gpu_fixture_open, gpu_fixture_close);
}
