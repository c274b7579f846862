/* test_layer_bad.c - what lemnos/layer.h refuses: a status, one line that names the
 * argument, and nothing half made. */
#include "support/tolerance.h"

#include <math.h>
#include <string.h>

#include "layer_bed.h"

/* A layer that is fine: 3 experts 4 -> 5 -> 2. A case breaks one thing. */
struct layer {
    float w0[3][20], w1[3][10], bias[5], gate_w[12], gate_b[3], fixed[3];
    struct lem_layer_dense dense[3][2];
    struct lem_layer_expert experts[3];
    struct lem_layer_gate gate[2];
    struct lem_layer_params p;
    struct capture said;
};

static void layer_make(struct layer *l, void **state)
{
    uint64_t seed = 3;
    memset(l, 0, sizeof *l);
    for (uint32_t e = 0; e < 3; e++) {
        for (uint32_t i = 0; i < 20; i++)
            l->w0[e][i] = random_f32(&seed);
        for (uint32_t i = 0; i < 10; i++)
            l->w1[e][i] = random_f32(&seed);
        l->dense[e][0] = (struct lem_layer_dense){
            .weight = l->w0[e], .bias = l->bias, .n_in = 4, .n_out = 5};
        l->dense[e][1] =
            (struct lem_layer_dense){.weight = l->w1[e], .n_in = 5, .n_out = 2};
        l->experts[e] = (struct lem_layer_expert){.dense = l->dense[e], .n_dense = 2};
        l->fixed[e] = 1;
    }
    l->gate[0] = (struct lem_layer_gate){.weight = l->gate_w, .bias = l->gate_b};
    l->gate[1] = (struct lem_layer_gate){.fixed = l->fixed};
    l->p = (struct lem_layer_params){.device = ((struct gpu_fixture *)*state)->device,
                                     .n_in = 4,
                                     .experts = l->experts,
                                     .n_expert = 3,
                                     .gates = l->gate,
                                     .n_gate = 2,
                                     .log = capture_log(&l->said)};
}

static struct lem_layer *layer_open(struct layer *l)
{
    struct lem_layer *layer;
    assert_int_equal(lem_layer_open(&l->p, &layer), LEM_OK);
    return layer;
}

/* ---- opening --------------------------------------------------------------------- */

static void no_device(struct layer *l)
{
    l->p.device = NULL;
}
static void no_experts(struct layer *l)
{
    l->p.n_expert = 0;
}
static void too_many_experts(struct layer *l)
{
    l->p.n_expert = 65536;
}
static void no_gates(struct layer *l)
{
    l->p.gates = NULL;
}
static void no_input(struct layer *l)
{
    l->p.n_in = 0;
}
static void odd_type(struct layer *l)
{
    l->p.type = (enum lem_layer_type)9;
}
static void k_too_large(struct layer *l)
{
    l->gate[1].select = LEM_SELECT_TOP_K;
    l->gate[1].k = 4;
}
static void k_zero(struct layer *l)
{
    l->gate[0].select = LEM_SELECT_DRAW;
}
static void chain_broken(struct layer *l)
{
    l->dense[1][1].n_in = 6;
}
static void widths_disagree(struct layer *l)
{
    l->dense[2][1].n_out = 1;
}
static void acts_disagree(struct layer *l)
{
    l->dense[2][0].act = LEM_ACT_TANH;
}
static void lengths_disagree(struct layer *l)
{
    l->experts[1].n_dense = 1;
}
static void no_dense(struct layer *l)
{
    l->experts[1].dense = NULL;
}
static void no_weight(struct layer *l)
{
    l->dense[1][0].weight = NULL;
}
static void no_rows_of_weights(struct layer *l)
{
    l->dense[1][0].n_out = 0;
}
static void odd_act(struct layer *l)
{
    l->dense[1][0].act = LEM_ACT_COUNT;
}
static void softmax_inside(struct layer *l)
{
    l->dense[0][0].act = LEM_ACT_SOFTMAX;
}
static void slice_outside(struct layer *l)
{
    l->experts[2].x_off = 1;
}
static void slice_far_outside(struct layer *l)
{
    l->experts[2].x_off = UINT32_MAX;
}
static void slice_too_long(struct layer *l)
{
    l->p.n_in = 3;
}
static void nan_weight(struct layer *l)
{
    l->w1[2][3] = NAN;
}
static void infinite_weight(struct layer *l)
{
    l->w0[1][19] = -INFINITY;
}
static void nan_bias(struct layer *l)
{
    l->bias[4] = NAN;
}
static void nan_gate(struct layer *l)
{
    l->gate_w[11] = NAN;
}
static void nan_gate_bias(struct layer *l)
{
    l->gate_b[1] = INFINITY;
}
static void nan_fixed(struct layer *l)
{
    l->fixed[0] = NAN;
}
static void negative_fixed(struct layer *l)
{
    l->fixed[2] = -0.5f;
}
static void zero_fixed(struct layer *l)
{
    memset(l->fixed, 0, sizeof l->fixed);
}
static void both_kinds(struct layer *l)
{
    l->gate[0].fixed = l->fixed;
}
static void neither_kind(struct layer *l)
{
    l->gate[1].fixed = NULL;
}
static void bias_of_fixed(struct layer *l)
{
    l->gate[1].bias = l->gate_b;
}
static void odd_select(struct layer *l)
{
    l->gate[1].select = (enum lem_layer_select)7;
}
static void nan_threshold(struct layer *l)
{
    l->gate[1].select = LEM_SELECT_THRESHOLD;
    l->gate[1].threshold = NAN;
}

static const struct {
    void (*breaks)(struct layer *l);
    const char *said;
} bad[] = {
    {no_device, "device is NULL"},
    {no_experts, "n_expert 0"},
    {too_many_experts, "n_expert 65536"},
    {no_gates, "gates is NULL"},
    {no_input, "n_in is 0"},
    {odd_type, "type is 9"},
    {k_too_large, "gates[1].k is 4; with 3 experts"},
    {k_zero, "gates[0].k is 0"},
    {chain_broken, "experts[1].dense[1].n_in is 6, but dense[0].n_out is 5"},
    {widths_disagree, "experts[2].dense[1] has n_out 1"},
    {acts_disagree, "experts[2].dense[0]"},
    {lengths_disagree, "experts[1].n_dense is 1"},
    {no_dense, "experts[1] has no dense layers"},
    {no_weight, "experts[1].dense[0].weight is NULL"},
    {no_rows_of_weights, "experts[1].dense[0] has n_in 4 and n_out 0"},
    {odd_act, "experts[1].dense[0].act"},
    {softmax_inside, "experts[0].dense[0].act is softmax"},
    {slice_outside, "experts[2] reads columns x_off 1 to 5"},
    {slice_far_outside, "experts[2] reads columns x_off 4294967295"},
    {slice_too_long, "experts[0] reads columns x_off 0 to 4"},
    {nan_weight, "experts[2].dense[1].weight[3] is"},
    {infinite_weight, "experts[1].dense[0].weight[19] is -inf"},
    {nan_bias, "experts[0].dense[0].bias[4] is"},
    {nan_gate, "gates[0].weight[11] is"},
    {nan_gate_bias, "gates[0].bias[1] is inf"},
    {nan_fixed, "gates[1].fixed[0] is"},
    {negative_fixed, "gates[1].fixed[2] is -0.5"},
    {zero_fixed, "gates[1].fixed: all weights are 0"},
    {both_kinds, "gates[0]: set either weight or fixed, not both"},
    {neither_kind, "gates[1]: set either weight or fixed, not none"},
    {bias_of_fixed, "gates[1].bias"},
    {odd_select, "gates[1] has score 0, select 7"},
    {nan_threshold, "gates[1].threshold is"},
};

static void open_names_the_argument(void **state)
{
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct layer l;
        struct lem_layer *layer = (void *)&l;
        layer_make(&l, state);
        bad[i].breaks(&l);
        assert_int_equal(lem_layer_open(&l.p, &layer), LEM_ERR_ARGUMENT);
        assert_null(layer);
        assert_said(&l.said, bad[i].said);
    }
}

static void open_needs_params_and_out(void **state)
{
    struct layer l;
    struct lem_layer *layer;
    layer_make(&l, state);
    assert_int_equal(lem_layer_open(&l.p, NULL), LEM_ERR_ARGUMENT);
    assert_int_equal(lem_layer_open(NULL, &layer), LEM_ERR_ARGUMENT);
    assert_null(layer);
    lem_layer_close(NULL);
    lem_layer_close(&layer);
}

static void weights_beyond_the_type(void **state)
{
    static const enum lem_layer_type types[] = {LEM_LAYER_F16, LEM_LAYER_Q8_0,
                                                LEM_LAYER_Q4_0};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        struct layer l;
        struct lem_layer *layer;
        layer_make(&l, state);
        l.p.type = types[i];
        l.w0[1][2] = 1e9f;
        assert_int_equal(lem_layer_open(&l.p, &layer), LEM_ERR_UNSUPPORTED);
        assert_said(&l.said, "too large for");
    }
}

/* Choosing all of so many takes more shared memory than any device here has. */
static void more_experts_than_fit(void **state)
{
    struct layer l;
    struct lem_layer *layer;
    layer_make(&l, state);
    static struct lem_layer_expert many[30000];
    static float fixed[30000];
    for (uint32_t e = 0; e < 30000; e++) {
        many[e] = l.experts[e % 3];
        fixed[e] = 1;
    }
    l.gate[0] = (struct lem_layer_gate){.fixed = fixed};
    l.p.experts = many;
    l.p.n_expert = 30000;
    l.p.n_gate = 1;
    assert_int_equal(lem_layer_open(&l.p, &layer), LEM_ERR_UNSUPPORTED);
    gpu_fixture_said(*state, "shared memory");
}

/* ---- using ----------------------------------------------------------------------- */

static void run_names_the_argument(void **state)
{
    struct layer l;
    layer_make(&l, state);
    struct lem_layer *layer = layer_open(&l);
    float x[8] = {0}, y[8], responses[24];
    const struct lem_layer_io good = {.x = x, .n_row = 2, .y = y};
    struct lem_layer_io io = good;

    io.n_row = 0;
    assert_int_equal(lem_layer_run(layer, &io), LEM_ERR_ARGUMENT);
    assert_said(&l.said, "n_row is 0");
    io = good;
    io.x = NULL;
    assert_int_equal(lem_layer_run(layer, &io), LEM_ERR_ARGUMENT);
    assert_said(&l.said, "x is NULL");
    io = good;
    io.y = NULL;
    assert_int_equal(lem_layer_run(layer, &io), LEM_ERR_ARGUMENT);
    assert_said(&l.said, "y is NULL");
    assert_int_equal(lem_layer_run(layer, NULL), LEM_ERR_ARGUMENT);
    assert_said(&l.said, "io is NULL");
    io = good;
    io.responses = responses;
    assert_int_equal(lem_layer_run(layer, &io), LEM_ERR_ARGUMENT);
    assert_said(&l.said, "keep_responses");
    x[6] = NAN;
    assert_int_equal(lem_layer_run(layer, &good), LEM_ERR_ARGUMENT);
    assert_said(&l.said, "x[1][2] is");
    x[6] = 0;
    assert_int_equal(lem_layer_run(layer, &good), LEM_OK);
    assert_int_equal(lem_layer_run(NULL, &good), LEM_ERR_ARGUMENT);
    lem_layer_close(&layer);
    assert_silent(&l.said);
}

static void the_last_expert_stays(void **state)
{
    struct layer l;
    layer_make(&l, state);
    struct lem_layer *layer = layer_open(&l);
    assert_int_equal(lem_layer_ban(layer, 0, 2, true), LEM_OK);
    assert_int_equal(lem_layer_ban(layer, 0, 2, true), LEM_OK); /* no second one */
    assert_int_equal(lem_layer_ban(layer, 0, 0, true), LEM_OK);
    assert_int_equal(lem_layer_ban(layer, 0, 1, true), LEM_ERR_ARGUMENT);
    assert_said(&l.said, "expert 1 is the last that gate 0 may choose");
    assert_int_equal(lem_layer_ban(layer, 1, 1, true), LEM_OK); /* another gate */
    assert_int_equal(lem_layer_ban(layer, 0, 2, false), LEM_OK);
    assert_int_equal(lem_layer_ban(layer, 0, 1, true), LEM_OK);

    float x[4] = {1, 2, 3, 4}, y[4];
    uint16_t ids[6];
    const struct lem_layer_io io = {.x = x, .n_row = 1, .y = y, .ids = ids};
    assert_int_equal(lem_layer_run(layer, &io), LEM_OK);
    assert_true(ids[0] == 2 && ids[1] == LEM_NO_EXPERT && ids[2] == LEM_NO_EXPERT);
    assert_true(ids[3] == 0 && ids[4] == 2 && ids[5] == LEM_NO_EXPERT);

    assert_int_equal(lem_layer_ban(layer, 0, 3, true), LEM_ERR_ARGUMENT);
    assert_said(&l.said, "expert is 3");
    assert_int_equal(lem_layer_ban(layer, 2, 0, true), LEM_ERR_ARGUMENT);
    assert_said(&l.said, "gate is 2");
    assert_int_equal(lem_layer_ban(NULL, 0, 0, true), LEM_ERR_ARGUMENT);
    lem_layer_close(&layer);
}

static void adapt_names_the_argument(void **state)
{
    struct layer l;
    layer_make(&l, state);
    l.gate[0].score = LEM_SCORE_SIGMOID;
    struct lem_layer *layer = layer_open(&l);
    float losses[] = {0, 1, 2}, before[3], after[3];
    assert_int_equal(lem_layer_gate_values(layer, 1, before), LEM_OK);

    assert_int_equal(lem_layer_adapt(layer, 0, losses, 1), LEM_ERR_ARGUMENT);
    assert_said(&l.said, "gate 0 scores by sigmoid");
    assert_int_equal(lem_layer_adapt(layer, 1, NULL, 1), LEM_ERR_ARGUMENT);
    assert_said(&l.said, "losses is NULL");
    assert_int_equal(lem_layer_adapt(layer, 1, losses, -1), LEM_ERR_ARGUMENT);
    assert_said(&l.said, "eta -1");
    losses[2] = INFINITY;
    assert_int_equal(lem_layer_adapt(layer, 1, losses, 1), LEM_ERR_ARGUMENT);
    assert_said(&l.said, "losses[2] is inf");
    assert_int_equal(lem_layer_adapt(layer, 2, losses, 1), LEM_ERR_ARGUMENT);
    assert_said(&l.said, "gate is 2");
    assert_int_equal(lem_layer_adapt(NULL, 0, losses, 1), LEM_ERR_ARGUMENT);
    assert_int_equal(lem_layer_gate_values(layer, 1, NULL), LEM_ERR_ARGUMENT);
    assert_said(&l.said, "values is NULL");
    assert_int_equal(lem_layer_gate_values(layer, 1, after), LEM_OK);
    assert_memory_equal(before, after, sizeof before);
    lem_layer_close(&layer);
}

/* Every point at which memory may run out leaves nothing behind. */
static void too_little_device_memory(void **state)
{
    struct layer l;
    layer_make(&l, state);
    l.p.n_batch = 1000;
    uint64_t max_bytes = 1000, now;
    for (uint32_t n_failed = 0;; n_failed++, max_bytes = max_bytes * 3 / 2) {
        struct capture said = {0};
        struct lem_layer *layer;
        l.p.device = gpu_fixture_second_device(*state, max_bytes, &said);
        const enum lem_status st = lem_layer_open(&l.p, &layer);
        assert_true(st == LEM_OK || st == LEM_ERR_GPU_MEMORY);
        lem_layer_close(&layer);
        lem_device_memory(l.p.device, &now, NULL);
        assert_int_equal(now, 0);
        lem_device_close(&l.p.device);
        if (st == LEM_OK) {
            assert_true(n_failed > 3);
            break;
        }
        assert_said(&said, NULL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(open_names_the_argument),
        cmocka_unit_test(open_needs_params_and_out),
        cmocka_unit_test(weights_beyond_the_type),
        cmocka_unit_test(more_experts_than_fit),
        cmocka_unit_test(run_names_the_argument),
        cmocka_unit_test(the_last_expert_stays),
        cmocka_unit_test(adapt_names_the_argument),
        cmocka_unit_test(too_little_device_memory),
    };
    return cmocka_run_group_tests(tests, gpu_fixture_open, gpu_fixture_close);
}
