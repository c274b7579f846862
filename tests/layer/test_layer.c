/* test_layer.c - worked cases of lemnos/layer.h with results known by hand: mixtures of
 * sigmoids, averages and strongest responses, slices, draws, adapting. */
#include "support/tolerance.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "layer_bed.h"

/* One dense layer an expert. */
struct simple {
    struct lem_layer_dense dense[5];
    struct lem_layer_expert experts[5];
    struct lem_layer_gate gate;
    struct lem_layer_params p;
    struct capture said;
};

static void simple_open(struct simple *s, void **state, uint32_t n_expert, uint32_t n_in,
                        const float *weights, enum lem_layer_act act, const float *fixed)
{
    *s = (struct simple){.gate = {.fixed = fixed}};
    for (uint32_t e = 0; e < n_expert; e++) {
        s->dense[e] = (struct lem_layer_dense){
            .weight = weights + (size_t)e * n_in, .n_in = n_in, .n_out = 1, .act = act};
        s->experts[e] = (struct lem_layer_expert){.dense = &s->dense[e], .n_dense = 1};
    }
    s->p = (struct lem_layer_params){.device = ((struct gpu_fixture *)*state)->device,
                                     .n_in = n_in,
                                     .experts = s->experts,
                                     .n_expert = n_expert,
                                     .gates = &s->gate,
                                     .n_gate = 1,
                                     .log = capture_log(&s->said)};
}

/* y of one row. */
static float simple_run(struct simple *s, const float *x)
{
    struct lem_layer *layer;
    float y = NAN;
    assert_int_equal(lem_layer_open(&s->p, &layer), LEM_OK);
    const struct lem_layer_io io = {.x = x, .n_row = 1, .y = &y};
    assert_int_equal(lem_layer_run(layer, &io), LEM_OK);
    lem_layer_close(&layer);
    assert_null(layer);
    assert_silent(&s->said);
    return y;
}

static void near(float got, double want, double tol)
{
    if (!(fabs((double)got - want) <= tol))
        fail_msg("%.9g, not %.9g", (double)got, want);
}

static double sigmoid(double x)
{
    return 1 / (1 + exp(-x));
}

/* ---- cases ----------------------------------------------------------------------- */

static void two_sigmoids(void **state)
{
    static const float theta[] = {1.0f, -2.0f, 0.5f, 3.0f}, weights[] = {0.6f, 0.4f};
    struct simple s;
    simple_open(&s, state, 2, 2, theta, LEM_ACT_SIGMOID, weights);
    for (int i = -20; i <= 20; i++) {
        const float x[] = {0.3f * (float)i, 0.7f - 0.1f * (float)i};
        double want = 0;
        for (int e = 0; e < 2; e++)
            want += (double)weights[e] * sigmoid((double)theta[2 * e] * (double)x[0] +
                                                 (double)theta[2 * e + 1] * (double)x[1]);
        near(simple_run(&s, x), want, 1e-6);
    }
}

/* Responses 2, 3, 1, 4, 5 with probabilities 0.2, 0.3, 0.1, 0.2, 0.2. A widely copied
 * article prints 5.1 for the weighted average; its arithmetic slips:
 * 0.4 + 0.9 + 0.1 + 0.8 + 1.0 is 3.2. */
static const float responses[] = {2, 3, 1, 4, 5};
static const float probabilities[] = {0.2f, 0.3f, 0.1f, 0.2f, 0.2f};

static void five_responses(void **state)
{
    static const struct {
        enum lem_layer_combine combine;
        double want;
    } cases[] = {
        {LEM_COMBINE_AVERAGE, 3.2},
        {LEM_COMBINE_STRONGEST, 5},
        {LEM_COMBINE_HEAVIEST, 3},
        {LEM_COMBINE_SUM, 3.2},
    };
    const float one = 1;
    struct simple s;
    simple_open(&s, state, 5, 1, responses, LEM_ACT_IDENTITY, probabilities);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        s.gate.combine = cases[i].combine;
        near(simple_run(&s, &one), cases[i].want, 1e-6);
    }

    /* an average does not ask for probabilities that sum to 1, a sum takes them as given
     */
    float tripled[5];
    for (int e = 0; e < 5; e++)
        tripled[e] = 3 * probabilities[e];
    s.gate.fixed = tripled;
    s.gate.combine = LEM_COMBINE_AVERAGE;
    near(simple_run(&s, &one), 3.2, 1e-6);
    s.gate.combine = LEM_COMBINE_SUM;
    near(simple_run(&s, &one), 9.6, 3e-6);
}

static void two_slices(void **state)
{
    static const float weights[] = {0.5f, 0.5f}, each[] = {0.2f, 2.0f};
    const float x[] = {1, 100, 2, 0.1f}; /* 0.2 + 2 * … of one slice, not of the other */
    struct simple s;
    simple_open(&s, state, 2, 2, each, LEM_ACT_IDENTITY, weights);
    static const float of[2][2] = {{0.2f, 0.004f}, {0.35f, 1.0f}};
    s.p.n_in = 4;
    s.dense[0].weight = of[0]; /* 0.2 * 1 + 0.004 * 100 = 0.6 */
    s.dense[1].weight = of[1]; /* 0.35 * 2 + 1 * 0.1 = 0.8 */
    s.experts[1].x_off = 2;
    near(simple_run(&s, x), 0.7, 1e-6);
}

/* ---- draws ----------------------------------------------------------------------- */

enum { N_DRAW = 100000, N_CHOICE = 5, K = 2 };

/* Five experts 10 -> 10 ReLU -> 1. */
struct draws {
    struct bed bed;
    float *x, *y, *weights;
    uint16_t *first, *again;
};

static void draws_open(struct draws *d, struct gpu_fixture *fx)
{
    const struct bed_shape shape = {.n_in = 10,
                                    .n_expert = N_CHOICE,
                                    .n_dense = 2,
                                    .n_out = {10, 1},
                                    .act = {LEM_ACT_RELU, LEM_ACT_IDENTITY},
                                    .bias = true,
                                    .n_gate = 1,
                                    .gate = {{.fixed = bed_fixed,
                                              .select = LEM_SELECT_DRAW,
                                              .k = K,
                                              .combine = LEM_COMBINE_AVERAGE}}};
    bed_open(&d->bed, fx, &shape);
    d->bed.gate[0].fixed = probabilities;
    d->bed.p.n_batch = 4096;
    d->bed.p.keep_responses = false;
    d->x = malloc((size_t)N_DRAW * 10 * sizeof *d->x);
    d->y = malloc(N_DRAW * sizeof *d->y);
    d->weights = malloc((size_t)N_DRAW * K * sizeof *d->weights);
    d->first = malloc((size_t)N_DRAW * K * sizeof *d->first);
    d->again = malloc((size_t)N_DRAW * K * sizeof *d->again);
    assert_true(d->x && d->y && d->weights && d->first && d->again);
    for (size_t i = 0; i < (size_t)N_DRAW * 10; i++)
        d->x[i] = random_f32(&fx->seed);
}

static void draws_close(struct draws *d)
{
    free(d->x);
    free(d->y);
    free(d->weights);
    free(d->first);
    free(d->again);
    bed_close(&d->bed);
}

static void draw(struct draws *d, struct lem_layer *layer, uint16_t *ids, uint32_t from,
                 uint32_t n)
{
    const struct lem_layer_io io = {.x = d->x + (size_t)from * 10,
                                    .n_row = n,
                                    .y = d->y + from,
                                    .ids = ids + (size_t)from * K,
                                    .weights = d->weights + (size_t)from * K};
    assert_int_equal(lem_layer_run(layer, &io), LEM_OK);
}

/* Within four standard errors; the k-th draw's distribution is known in closed form. */
static void check_frequencies(const uint16_t *ids)
{
    double count[K][N_CHOICE] = {{0}};
    for (uint32_t r = 0; r < N_DRAW; r++)
        for (uint32_t k = 0; k < K; k++) {
            const uint16_t id = ids[(size_t)r * K + k];
            assert_in_range(id, 0, N_CHOICE - 1);
            assert_true(k == 0 || id != ids[(size_t)r * K]);
            count[k][id]++;
        }
    for (uint32_t e = 0; e < N_CHOICE; e++) {
        const double p = (double)probabilities[e];
        double second = 0; /* sum over the first drawn of p_i p_e / (1 - p_i) */
        for (uint32_t i = 0; i < N_CHOICE; i++)
            if (i != e)
                second += (double)probabilities[i] * p / (1 - (double)probabilities[i]);
        near((float)(count[0][e] / N_DRAW), p, 4 * sqrt(p * (1 - p) / N_DRAW));
        near((float)(count[1][e] / N_DRAW), second,
             4 * sqrt(second * (1 - second) / N_DRAW));
    }
}

/* A few of them in full, experts included. */
static void check_some(struct draws *d)
{
    float scratch[256], y, weights[K];
    uint32_t ids[K];
    const struct ref_layer l = {.p = &d->bed.p, .scratch = scratch};
    assert_true(ref_layer_scratch(&d->bed.p) <= 256);
    for (uint32_t r = 0; r < N_DRAW; r += 997) {
        ref_layer(&y, ids, weights, NULL, d->x + (size_t)r * 10, r, &l);
        for (uint32_t k = 0; k < K; k++)
            assert_int_equal(d->first[(size_t)r * K + k], ids[k]);
        assert_close(d->weights + (size_t)r * K, weights, K, 1e-6f, 0, "row %u", r);
        assert_close(d->y + r, &y, 1, 2e-6f, 1e-6f, "row %u", r);
    }
}

static void seeded_draws(void **state)
{
    struct draws d;
    struct lem_layer *layer;
    const size_t bytes = (size_t)N_DRAW * K * sizeof *d.first;
    draws_open(&d, *state);
    assert_int_equal(lem_layer_open(&d.bed.p, &layer), LEM_OK);
    draw(&d, layer, d.first, 0, N_DRAW);
    check_frequencies(d.first);
    check_some(&d);

    /* the same seed again, in runs of other lengths */
    assert_int_equal(lem_layer_seed(layer, d.bed.p.seed), LEM_OK);
    draw(&d, layer, d.again, 0, 5001);
    draw(&d, layer, d.again, 5001, N_DRAW - 5001);
    assert_memory_equal(d.again, d.first, bytes);

    /* without it the draws go on, and another seed gives others */
    draw(&d, layer, d.again, 0, 1000);
    assert_memory_not_equal(d.again, d.first, (size_t)1000 * K * sizeof *d.first);
    assert_int_equal(lem_layer_seed(layer, d.bed.p.seed + (UINT64_C(1) << 40)), LEM_OK);
    draw(&d, layer, d.again, 0, 1000);
    assert_memory_not_equal(d.again, d.first, (size_t)1000 * K * sizeof *d.first);
    lem_layer_close(&layer);
    draws_close(&d);
}

/* ---- a larger one ---------------------------------------------------------------- */

static void thousand_to_thousand(void **state)
{
    struct gpu_fixture *fx = *state;
    const struct bed_shape shape = {
        .n_in = 1000,
        .n_expert = 10,
        .n_dense = 2,
        .n_out = {500, 1000},
        .act = {LEM_ACT_RELU, LEM_ACT_SOFTMAX},
        .bias = true,
        .n_gate = 1,
        .gate = {{.select = LEM_SELECT_TOP_K, .k = 2, .combine = LEM_COMBINE_AVERAGE}}};
    struct bed b;
    bed_open(&b, fx, &shape);
    bed_run(&b, 32, UINT32_MAX, &fx->seed);
    /* sums of 1000 and 500 products of about 0.05: some 1e-6 in an exponent, and values
     * of about 1e-3 */
    assert_int_equal(bed_compare(&b, UINT32_MAX, 0, 1e-8f, 1e-5f), 0);
    for (uint32_t r = 0; r < 32; r++) {
        double sum = 0;
        for (uint32_t i = 0; i < 1000; i++)
            sum += (double)b.y[(size_t)r * 1000 + i];
        near((float)sum, 1, 2e-6); /* rounding of 1000 values, and of two weights */
    }
    bed_close(&b);
}

/* ---- adapting -------------------------------------------------------------------- */

/* Only ratios count in an average: also of weights whose sum is no float any more. */
static void averages_of_extreme_weights(void **state)
{
    static const float each[] = {2, 3, 1};
    static const float large[] = {3e38f, 3e38f, 1e38f}, small[] = {1e-39f, 2e-39f, 0};
    const float one = 1;
    struct simple s;
    simple_open(&s, state, 3, 1, each, LEM_ACT_IDENTITY, large);
    s.gate.combine = LEM_COMBINE_AVERAGE;
    near(simple_run(&s, &one), (6.0 + 9 + 1) / 7, 1e-6);
    s.gate.fixed = small;
    near(simple_run(&s, &one), 8.0 / 3, 1e-5); /* 1e-39 itself has fewer digits */
}

/* A loss of all alike changes nothing, however large it is. */
static void common_losses_are_forgotten(void **state)
{
    static const float half[] = {0.5f, 0.5f}, each[] = {1, 0};
    static const float huge[] = {1e17f, 1e17f}, losses[] = {0, 1};
    float values[2];
    struct simple s;
    struct lem_layer *layer;
    simple_open(&s, state, 2, 1, each, LEM_ACT_IDENTITY, half);
    assert_int_equal(lem_layer_open(&s.p, &layer), LEM_OK);
    assert_int_equal(lem_layer_adapt(layer, 0, huge, 1), LEM_OK);
    assert_int_equal(lem_layer_adapt(layer, 0, losses, 1), LEM_OK);
    assert_int_equal(lem_layer_gate_values(layer, 0, values), LEM_OK);
    near(values[0], exp(1) / (exp(1) + 1), 1e-7);
    lem_layer_close(&layer);
}

static void adapts_fixed_weights(void **state)
{
    static const float half[] = {0.5f, 0.5f}, each[] = {1.0f, 0.0f}, losses[] = {0, 1};
    const double e = exp(1), want = e / (e + 1);
    const float one = 1;
    float y, values[2];
    struct simple s;
    struct lem_layer *layer;
    simple_open(&s, state, 2, 1, each, LEM_ACT_IDENTITY, half);
    assert_int_equal(lem_layer_open(&s.p, &layer), LEM_OK);
    assert_int_equal(lem_layer_adapt(layer, 0, losses, 1), LEM_OK);
    assert_int_equal(lem_layer_gate_values(layer, 0, values), LEM_OK);
    near(values[0], want, 1e-7);
    near(values[1], 1 - want, 1e-7);
    const struct lem_layer_io io = {.x = &one, .n_row = 1, .y = &y};
    assert_int_equal(lem_layer_run(layer, &io), LEM_OK);
    near(y, want, 1e-6); /* responses 1 and 0: the first weight */

    /* what was lost for very long can be won back */
    for (int i = 0; i < 10000; i++)
        assert_int_equal(lem_layer_adapt(layer, 0, losses, 1), LEM_OK);
    assert_int_equal(lem_layer_gate_values(layer, 0, values), LEM_OK);
    near(values[1], 0, 0);
    static const float other[] = {1, 0};
    for (int i = 0; i < 10002; i++)
        assert_int_equal(lem_layer_adapt(layer, 0, other, 1), LEM_OK);
    assert_int_equal(lem_layer_gate_values(layer, 0, values), LEM_OK);
    near(values[1], want, 1e-6);
    lem_layer_close(&layer);
}

/* p exp(-eta loss) / sum, for p that depend on x: a step of the biases. */
static void adapts_a_softmax(void **state)
{
    static const float g[] = {0.7f, -0.4f, 0.1f}, bias[] = {0.1f, 0.2f, -0.3f};
    static const float each[] = {1, 2, 3}, losses[] = {0.5f, 2.0f, -1.0f};
    struct simple s;
    struct lem_layer *layer;
    simple_open(&s, state, 3, 1, each, LEM_ACT_IDENTITY, NULL);
    s.gate.weight = g;
    s.gate.bias = bias;
    assert_int_equal(lem_layer_open(&s.p, &layer), LEM_OK);
    assert_int_equal(lem_layer_adapt(layer, 0, losses, 0.5f), LEM_OK);
    for (int i = -2; i <= 2; i++) {
        const float x = (float)i;
        float y, weights[3];
        uint16_t ids[3];
        double want[3], sum = 0;
        for (int e = 0; e < 3; e++)
            sum += want[e] = exp((double)g[e] * (double)x + (double)bias[e]) *
                             exp(-0.5 * (double)losses[e]);
        const struct lem_layer_io io = {
            .x = &x, .n_row = 1, .y = &y, .ids = ids, .weights = weights};
        assert_int_equal(lem_layer_run(layer, &io), LEM_OK);
        for (int k = 0; k < 3; k++)
            near(weights[k], want[ids[k]] / sum, 1e-6);
    }
    lem_layer_close(&layer);
}

/* ---- memory ---------------------------------------------------------------------- */

static void shared_arrays_are_stored_once(void **state)
{
    struct bed_shape shape = {.n_in = 64,
                              .n_expert = 6,
                              .n_dense = 2,
                              .n_out = {64, 64},
                              .act = {LEM_ACT_RELU, LEM_ACT_IDENTITY},
                              .bias = true,
                              .n_gate = 1,
                              .gate = {{.fixed = bed_fixed}}};
    struct gpu_fixture *fx = *state;
    struct lem_layer_info info[2];
    for (uint32_t i = 0; i < 2; i++) {
        struct bed b;
        shape.share = i ? 2 : 0; /* three times two experts */
        bed_open(&b, fx, &shape);
        bed_run(&b, 3, UINT32_MAX, &fx->seed);
        info[i] = b.info;
        bed_close(&b);
    }
    assert_int_equal(info[0].n_matrix, 12);
    assert_int_equal(info[1].n_matrix, 4);
    const uint64_t matrix = 64 * 64 * sizeof(float);
    assert_true(info[0].weight_bytes - info[1].weight_bytes >= 8 * matrix);

    /* both dense layers of an expert, too */
    struct bed b;
    bed_open(&b, fx, &shape);
    for (uint32_t e = 0; e < 6; e++) {
        struct lem_layer_dense *d = (void *)(uintptr_t)b.experts[e].dense;
        d[1].weight = d[0].weight;
    }
    bed_run(&b, 9, UINT32_MAX, &fx->seed);
    assert_int_equal(b.info.n_matrix, 2);
    assert_int_equal(bed_compare(&b, UINT32_MAX, 0, 4e-6f, 1e-5f), 0);
    bed_close(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_sigmoids),
        cmocka_unit_test(five_responses),
        cmocka_unit_test(two_slices),
        cmocka_unit_test(seeded_draws),
        cmocka_unit_test(thousand_to_thousand),
        cmocka_unit_test(averages_of_extreme_weights),
        cmocka_unit_test(common_losses_are_forgotten),
        cmocka_unit_test(adapts_fixed_weights),
        cmocka_unit_test(adapts_a_softmax),
        cmocka_unit_test(shared_arrays_are_stored_once),
    };
    return cmocka_run_group_tests(tests, gpu_fixture_open, gpu_fixture_close);
}
