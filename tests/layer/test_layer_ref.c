/* test_layer_ref.c - layers on the device against ref_layer(), at awkward sizes: every
 * gate, choice, activation, combination and weight type; slices, shared arrays, bans and
 * batches. */
#include "layer_bed.h"

#include <math.h>
#include <stdlib.h>

/* Scores are off by an ulp or two, logits by the order of their sums: what is closer may
 * swap. Few do, see MOST_NEAR. */
#define NEAR 2e-6f
enum { MOST_NEAR = 1, NOBODY = -1 };

/* Sums of up to some hundred products of about 1 in f32, in another order, through up to
 * four layers; erf within 3e-7. */
#define ABS_TOL 4e-6f
#define REL_TOL 1e-5f

static void check(struct gpu_fixture *fx, const struct bed_shape *s, uint32_t n_row,
                  uint32_t n_batch, enum lem_layer_type type, uint32_t banned)
{
    struct bed b;
    bed_open(&b, fx, s);
    b.p.n_batch = n_batch;
    b.p.type = type;
    bed_run(&b, n_row, banned, &fx->seed);
    assert_in_range(bed_compare(&b, banned, NEAR, ABS_TOL, REL_TOL), 0, MOST_NEAR);
    bed_close(&b);
}

static void every_choice_and_combination(void **state)
{
    struct bed_shape s = {.n_in = 37,
                          .n_expert = 9,
                          .n_dense = 2,
                          .n_out = {33, 5},
                          .act = {LEM_ACT_RELU, LEM_ACT_IDENTITY},
                          .bias = true,
                          .n_gate = 1};
    for (int kind = 0; kind < 3; kind++)
        for (int select = 0; select <= LEM_SELECT_THRESHOLD; select++)
            for (int combine = 0; combine <= LEM_COMBINE_HEAVIEST; combine++) {
                s.gate[0] = (struct lem_layer_gate){
                    .fixed = kind == 0 ? bed_fixed : NULL,
                    .score = kind == 1 ? LEM_SCORE_SOFTMAX : LEM_SCORE_SIGMOID,
                    .select = (enum lem_layer_select)select,
                    .k = 3,
                    .threshold = kind == 1 ? 0.1f : 0.5f,
                    .combine = (enum lem_layer_combine)combine};
                check(*state, &s, 13, 0, LEM_LAYER_F32, (uint32_t)NOBODY);
            }
}

/* Below, at and beyond a block, a tile of rows, a workgroup; one column, one row. */
static void awkward_sizes(void **state)
{
    static const uint32_t sizes[][4] = {/* in, hidden, out, experts */
                                        {1, 1, 1, 1},     {31, 32, 33, 2},
                                        {32, 31, 1, 3},   {33, 65, 8, 17},
                                        {257, 9, 130, 5}, {64, 256, 64, 40}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        const uint32_t n_expert = sizes[i][3];
        const struct bed_shape s = {
            .n_in = sizes[i][0],
            .n_expert = n_expert,
            .n_dense = 2,
            .n_out = {sizes[i][1], sizes[i][2]},
            .act = {LEM_ACT_SILU, LEM_ACT_IDENTITY},
            .bias = i % 2 == 0,
            .n_gate = 1,
            .gate = {{.select = LEM_SELECT_TOP_K, .k = (n_expert + 1) / 2}}};
        check(*state, &s, 1, 0, LEM_LAYER_F32, (uint32_t)NOBODY);
        check(*state, &s, 21, 0, LEM_LAYER_F32, (uint32_t)NOBODY);
    }
}

static void every_activation(void **state)
{
    for (int act = 0; act < LEM_ACT_COUNT; act++) {
        const struct bed_shape s = {.n_in = 40,
                                    .n_expert = 4,
                                    .n_dense = act == LEM_ACT_SOFTMAX ? 1 : 2,
                                    .n_out = {47, 6},
                                    .act = {(enum lem_layer_act)act, LEM_ACT_IDENTITY},
                                    .bias = true,
                                    .n_gate = 1,
                                    .gate = {{.select = LEM_SELECT_TOP_K, .k = 2}}};
        check(*state, &s, 9, 0, LEM_LAYER_F32, (uint32_t)NOBODY);
    }
}

/* From where an activation is flat to where it is small, both signs. */
static void activations_over_their_range(void **state)
{
    static const enum lem_layer_act acts[] = {LEM_ACT_RELU,      LEM_ACT_SIGMOID,
                                              LEM_ACT_TANH,      LEM_ACT_GELU,
                                              LEM_ACT_GELU_TANH, LEM_ACT_SILU};
    enum { N = 2000 };
    const float one = 1;
    float x[N], y[N];
    for (int i = 0; i < N; i++)
        x[i] = (i % 2 ? -1.0f : 1.0f) * 40 * expf(-(float)i / 120);
    for (size_t a = 0; a < sizeof acts / sizeof *acts; a++) {
        const struct lem_layer_dense dense = {
            .weight = &one, .n_in = 1, .n_out = 1, .act = acts[a]};
        const struct lem_layer_expert expert = {.dense = &dense, .n_dense = 1};
        const struct lem_layer_gate gate = {.fixed = &one};
        const struct lem_layer_params p = {.device =
                                               ((struct gpu_fixture *)*state)->device,
                                           .n_in = 1,
                                           .experts = &expert,
                                           .n_expert = 1,
                                           .gates = &gate,
                                           .n_gate = 1};
        const struct lem_layer_io io = {.x = x, .n_row = N, .y = y};
        struct lem_layer *layer;
        assert_int_equal(lem_layer_open(&p, &layer), LEM_OK);
        assert_int_equal(lem_layer_run(layer, &io), LEM_OK);
        lem_layer_close(&layer);
        for (int i = 0; i < N; i++) {
            const float want = ref_act(acts[a], x[i]);
            /* erf and sums with 1 round by 3e-7 and 6e-8 at most, times x */
            const float tol = 3e-7f * fminf(1, fabsf(x[i]));
            assert_close(&y[i], &want, 1, tol, 1e-6f, "act %d of %g", (int)acts[a],
                         (double)x[i]);
        }
    }
}

/* More dense layers than one op_group has arguments, widths that come again. */
static void long_chains(void **state)
{
    const struct bed_shape s = {.n_in = 20,
                                .n_expert = 3,
                                .n_dense = 6,
                                .n_out = {20, 300, 20, 20, 7, 2},
                                .act = {LEM_ACT_TANH, LEM_ACT_SWIGLU, LEM_ACT_TANH,
                                        LEM_ACT_SIGMOID, LEM_ACT_GELU, LEM_ACT_SOFTMAX},
                                .bias = true,
                                .n_gate = 1,
                                .gate = {{.select = LEM_SELECT_ALL}}};
    check(*state, &s, 11, 4, LEM_LAYER_F32, (uint32_t)NOBODY);
}

static void slices_and_shared_arrays(void **state)
{
    struct bed_shape s = {.n_in = 100,
                          .n_expert = 8,
                          .n_slice = 34,
                          .n_dense = 2,
                          .n_out = {12, 3},
                          .act = {LEM_ACT_RELU, LEM_ACT_IDENTITY},
                          .bias = true,
                          .n_gate = 1,
                          .gate = {{.select = LEM_SELECT_TOP_K, .k = 3}}};
    for (uint32_t share = 0; share <= 6; share += 3)
        for (int fixed = 0; fixed < 2; fixed++) {
            s.share = share;
            s.gate[0].fixed = fixed ? bed_fixed : NULL;
            check(*state, &s, 17, 0, LEM_LAYER_F32, (uint32_t)NOBODY);
        }
}

static void several_gates(void **state)
{
    struct bed_shape s = {
        .n_in = 30,
        .n_expert = 6,
        .n_dense = 1,
        .n_out = {10},
        .act = {LEM_ACT_TANH},
        .bias = true,
        .n_gate = 3,
        .gate = {{.select = LEM_SELECT_TOP_K, .k = 2, .combine = LEM_COMBINE_AVERAGE},
                 {.score = LEM_SCORE_SIGMOID,
                  .select = LEM_SELECT_THRESHOLD,
                  .threshold = 0.9f,
                  .combine = LEM_COMBINE_STRONGEST},
                 {.fixed = bed_fixed, .select = LEM_SELECT_DRAW, .k = 1}}};
    check(*state, &s, 33, 8, LEM_LAYER_F32, (uint32_t)NOBODY);
    check(*state, &s, 33, 8, LEM_LAYER_F32, 4);
    s.gate[1].select = LEM_SELECT_ALL;
    s.gate[1].combine = LEM_COMBINE_HEAVIEST;
    check(*state, &s, 5, 0, LEM_LAYER_F32, (uint32_t)NOBODY);
}

static void bans(void **state)
{
    struct bed_shape s = {.n_in = 12,
                          .n_expert = 4,
                          .n_dense = 1,
                          .n_out = {3},
                          .act = {LEM_ACT_IDENTITY},
                          .n_gate = 1,
                          .gate = {{.k = 4, .combine = LEM_COMBINE_AVERAGE}}};
    for (int select = 0; select <= LEM_SELECT_THRESHOLD; select++) {
        s.gate[0].select = (enum lem_layer_select)select;
        s.gate[0].threshold = 0.2f;
        check(*state, &s, 10, 0, LEM_LAYER_F32, 2);
    }
}

/* What is stored is what ref/ makes of it, and the error reported is its distance. */
static void every_weight_type(void **state)
{
    const struct bed_shape s = {.n_in = 90,
                                .n_expert = 5,
                                .n_slice = 50,
                                .n_dense = 2,
                                .n_out = {260, 9},
                                .act = {LEM_ACT_SWIGLU, LEM_ACT_IDENTITY},
                                .bias = true,
                                .n_gate = 1,
                                .gate = {{.select = LEM_SELECT_TOP_K, .k = 2}}};
    /* half a step of 2^-12 of the largest weight; of 1/127 and 1/8 of a block's largest;
     * weights are evenly spread, the largest is near half the range */
    static const double worst[] = {0, 0.5 / 1024, 0.5 / 127, 0.5 / 7};
    double last = -1;
    for (int type = 0; type <= LEM_LAYER_Q4_0; type++) {
        struct bed b;
        bed_open(&b, *state, &s);
        b.p.type = (enum lem_layer_type)type;
        bed_run(&b, 19, (uint32_t)NOBODY, &((struct gpu_fixture *)*state)->seed);
        assert_in_range(bed_compare(&b, (uint32_t)NOBODY, NEAR, ABS_TOL, REL_TOL), 0,
                        MOST_NEAR);
        assert_true(b.info.rmse > last && b.info.rmse <= worst[type]);
        assert_true(b.info.max_error >= b.info.rmse);
        assert_true(type == 0 ? b.info.max_error == 0 : b.info.max_error > 0);
        last = b.info.rmse;
        bed_close(&b);
    }
}

/* A batch of any size gives the same bits, draws included. */
static void batches_do_not_show(void **state)
{
    struct gpu_fixture *fx = *state;
    const struct bed_shape s = {
        .n_in = 16,
        .n_expert = 7,
        .n_dense = 2,
        .n_out = {16, 4},
        .act = {LEM_ACT_RELU, LEM_ACT_SOFTMAX},
        .n_gate = 1,
        .gate = {{.select = LEM_SELECT_DRAW, .k = 3, .combine = LEM_COMBINE_AVERAGE}}};
    struct bed b;
    bed_open(&b, fx, &s);
    float *first_y = NULL;
    uint16_t *first_ids = NULL;
    static const uint32_t sizes[] = {50, 1, 7, 64};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        uint64_t seed = 5;
        b.p.n_batch = sizes[i];
        bed_run(&b, 50, (uint32_t)NOBODY, &seed);
        assert_int_equal(b.info.n_batch, sizes[i]);
        if (i > 0) {
            assert_bits(b.y, first_y, (size_t)50 * b.n_out);
            assert_memory_equal(b.ids, first_ids, (size_t)50 * b.n_used * 2);
            free(b.y);
            free(b.ids);
        } else {
            first_y = b.y;
            first_ids = b.ids;
        }
        free(b.x);
        free(b.weights);
        free(b.responses);
        b.x = b.y = b.weights = b.responses = NULL;
        b.ids = NULL;
    }
    free(first_y);
    free(first_ids);
    bed_close(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_choice_and_combination),
        cmocka_unit_test(awkward_sizes),
        cmocka_unit_test(every_activation),
        cmocka_unit_test(activations_over_their_range),
        cmocka_unit_test(long_chains),
        cmocka_unit_test(slices_and_shared_arrays),
        cmocka_unit_test(several_gates),
        cmocka_unit_test(bans),
        cmocka_unit_test(every_weight_type),
        cmocka_unit_test(batches_do_not_show),
    };
    return cmocka_run_group_tests(tests, gpu_fixture_open, gpu_fixture_close);
}
