/* test_ref.c - the CPU meaning of operations, against numbers worked out by hand. */
#include <math.h>
#include <string.h>

#include "ref/ref.h"
#include "support/tolerance.h"

static const float tight = 1e-6f;

/* ---- router ------------------------------------------------------------------ */

/* Logits whose softmax is 0.1, 0.4, 0.2, 0.3. */
static void four_logits(float *z)
{
    static const float p[] = {0.1f, 0.4f, 0.2f, 0.3f};
    for (int i = 0; i < 4; i++)
        z[i] = logf(p[i]) + 5;
}

static void check_router(const struct ref_router *r, const float *logits,
                         const uint32_t *want_ids, const float *want, float want_margin,
                         const char *what)
{
    uint32_t ids[8];
    float weights[8], margin;
    ref_router(ids, weights, &margin, logits, r);
    for (uint32_t k = 0; k < r->n_used; k++)
        if (ids[k] != want_ids[k])
            fail_msg("%s: choice %u is %u, expected %u", what, k, ids[k], want_ids[k]);
    assert_close(weights, want, r->n_used, tight, 0, "%s: weights", what);
    assert_close(&margin, &want_margin, isinf(want_margin) ? 0 : 1, tight, 0,
                 "%s: margin", what);
    assert_int_equal(isinf(margin), isinf(want_margin));
}

static void router_scores_and_weights(void **state)
{
    (void)state;
    float z[4];
    four_logits(z);
    struct ref_router r = {.n_expert = 4,
                           .n_used = 2,
                           .scale = 1,
                           .n_group = 1,
                           .n_group_used = 1,
                           .group_top = 1};
    const uint32_t best[] = {1, 3, 2, 0};
    check_router(&r, z, best, (float[]){0.4f, 0.3f}, 0.1f, "softmax");
    r.normalise = true;
    check_router(&r, z, best, (float[]){4 / 7.0f, 3 / 7.0f}, 0.1f, "normalised");
    r.scale = 2.5f;
    check_router(&r, z, best, (float[]){10 / 7.0f, 7.5f / 7}, 0.1f, "scaled");
    r.norm_eps = 1; /* above the sum of 0.7 */
    check_router(&r, z, best, (float[]){1, 0.75f}, 0.1f, "bounded sum");

    r = (struct ref_router){.n_expert = 4, .n_used = 2, .scale = 1, .score = SCORE_LOGIT};
    check_router(&r, z, best, (float[]){4 / 7.0f, 3 / 7.0f}, logf(1.5f),
                 "softmax of the chosen");
    r.n_used = 4;
    check_router(&r, z, best, (float[]){0.4f, 0.3f, 0.2f, 0.1f}, INFINITY, "all");

    r = (struct ref_router){
        .n_expert = 4, .n_used = 1, .scale = 1, .score = SCORE_SIGMOID};
    check_router(&r, (float[]){0, logf(3), 0, 0}, best, (float[]){0.75f}, 0.25f,
                 "sigmoid");
}

static void router_bias_chooses_only(void **state)
{
    (void)state;
    float z[4];
    four_logits(z);
    const float bias[] = {1, -INFINITY, 0, 0}; /* help 0, ban 1 */
    const struct ref_router r = {.n_expert = 4, .n_used = 2, .scale = 1, .bias = bias};
    check_router(&r, z, (uint32_t[]){0, 3}, (float[]){0.1f, 0.3f}, 0.1f, "bias");

    const float force[] = {0, 0, INFINITY, INFINITY}; /* a tie of two infinities */
    const struct ref_router one = {.n_expert = 4, .n_used = 1, .scale = 1, .bias = force};
    check_router(&one, z, (uint32_t[]){2}, (float[]){0.2f}, 0, "forced");
}

static void router_ties_go_to_the_smaller_id(void **state)
{
    (void)state;
    const struct ref_router r = {.n_expert = 5, .n_used = 3, .scale = 1};
    check_router(&r, (float[]){1, 2, 2, 1, 1}, (uint32_t[]){1, 2, 0},
                 (float[]){0.32220249f, 0.32220249f, 0.11853167f}, 0, "ties");
}

static void router_groups(void **state)
{
    (void)state;
    /* three groups of two; sigmoid(0) = 0.5 */
    const float z[] = {logf(9), logf(1 / 9.0f), logf(4),
                       logf(4), logf(3),        logf(7 / 3.0f)};
    /* scores             0.9        0.1           0.8     0.8      0.75       0.7 */
    struct ref_router r = {.n_expert = 6,
                           .n_used = 2,
                           .scale = 1,
                           .score = SCORE_SIGMOID,
                           .n_group = 3,
                           .n_group_used = 1,
                           .group_top = 2};
    check_router(&r, z, (uint32_t[]){2, 3}, (float[]){0.8f, 0.8f}, INFINITY,
                 "the best sum of two");
    r.group_top = 1;
    check_router(&r, z, (uint32_t[]){0, 1}, (float[]){0.9f, 0.1f}, INFINITY,
                 "the best one");
    r.group_top = 2;
    r.n_group_used = 2;
    check_router(&r, z, (uint32_t[]){2, 3}, (float[]){0.8f, 0.8f}, 0.05f,
                 "two groups, the first left out is in the second");
}

/* ---- the rest ---------------------------------------------------------------- */

static void gated_units(void **state)
{
    (void)state;
    static const struct {
        enum act act;
        float gate, up, want;
    } rows[] = {
        {ACT_SILU, 1, 2, 1.4621172f},
        {ACT_SILU, -2, 3, -0.71521752f},
        {ACT_RELU, -1, 5, 0},
        {ACT_RELU, 2, 5, 10},
        {ACT_GELU_TANH, 1, 1, 0.84119199f},
        {ACT_GELU_TANH, -1, 2, -0.31761602f},
        /* alpha 1.702, limit 7: both clamped, then the gate from below not */
        {ACT_SWIGLU_CLAMPED, 9, 9, 55.999625f},
        {ACT_SWIGLU_CLAMPED, -9, -9, 1.2019068e-05f},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const float got = ref_glu(rows[i].act, rows[i].gate, rows[i].up, 1.702f, 7);
        assert_close(&got, &rows[i].want, 1, 1e-9f, 1e-6f, "row %zu", i);
    }
}

static void rope_pairs(void **state)
{
    (void)state;
    const float freq[] = {(float)acos(0), 0}; /* a quarter turn per position; none */
    struct ref_rope r = {.n_head = 1,
                         .n_head_kv = 1,
                         .head_dim = 6,
                         .n_rot = 4,
                         .freq = freq,
                         .mscale = 2,
                         .kind = ROPE_PAIRS_HALVES};
    float q[] = {1, 2, 3, 4, 5, 6}, k[] = {1, 2, 3, 4, 5, 6};
    ref_rope(q, k, 1, &r);
    assert_close(q, (float[]){-6, 4, 2, 8, 5, 6}, 6, 1e-5f, 0, "halves, q");
    assert_close(k, q, 6, 0, 0, "halves, k");

    float a[] = {1, 2, 3, 4, 5, 6};
    r.kind = ROPE_PAIRS_ADJACENT;
    ref_rope(a, k, 3, &r); /* three quarters */
    assert_close(a, (float[]){4, -2, 6, 8, 5, 6}, 6, 1e-5f, 0, "adjacent");
}

static void qk_norms(void **state)
{
    (void)state;
    const float w[] = {1, 2, 1, 2};
    struct ref_rope r = {.n_head = 2,
                         .n_head_kv = 1,
                         .head_dim = 2,
                         .q_norm = w,
                         .k_norm = w,
                         .kind = ROPE_PAIRS_NONE,
                         .qk_norm = QK_NORM_HEAD};
    float q[] = {3, 4, 1, 1}, k[] = {0, 2};
    ref_rope(q, k, 7, &r);
    const float rms = sqrtf(12.5f);
    assert_close(q, (float[]){3 / rms, 8 / rms, 1, 2}, 4, tight, 0, "per head");
    assert_close(k, (float[]){0, 2 * sqrtf(2)}, 2, tight, 0, "per head, k");

    float row[] = {1, 1, 5, 3};
    r.qk_norm = QK_NORM_ROW; /* mean of squares 9 */
    ref_rope(row, k, 7, &r);
    assert_close(row, (float[]){1 / 3.0f, 2 / 3.0f, 5 / 3.0f, 2}, 4, tight, 0, "row");
}

/* Keys that make the logits of position p: ln(p + 1), so weights go as 1 : 2 : 3. */
static void attention(void **state)
{
    (void)state;
    const float k[] = {0, 0, logf(2), 0, logf(3), 0};
    const float v[] = {6, 0, 0, 6, 12, 12};
    const float q[] = {2, 9, 2, 9}; /* two heads share one key head */
    float y[4];
    struct ref_attn a = {.n_head = 2, .n_head_kv = 1, .head_dim = 2, .scale = 0.5f};
    ref_attn(y, q, k, v, 2, &a);
    assert_close(y, (float[]){7, 8, 7, 8}, 4, 1e-5f, 0, "full");
    ref_attn(y, q, k, v, 0, &a);
    assert_close(y, (float[]){6, 0, 6, 0}, 4, 1e-5f, 0, "the first position");

    a.window = 2;
    ref_attn(y, q, k, v, 2, &a);
    assert_close(y, (float[]){7.2f, 9.6f, 7.2f, 9.6f}, 4, 1e-5f, 0, "window");
    a.sinks = (float[]){logf(5), -INFINITY}; /* half of all; nothing */
    ref_attn(y, q, k, v, 2, &a);
    assert_close(y, (float[]){3.6f, 4.8f, 7.2f, 9.6f}, 4, 1e-5f, 0, "sinks");

    a = (struct ref_attn){
        .n_head = 1, .n_head_kv = 1, .head_dim = 1, .scale = 1, .softcap = 2};
    const float big[] = {0, 1000}, one[] = {0, 1}, ask = 1;
    ref_attn(y, &ask, big, one, 1, &a); /* logits 0 and 2 tanh(500) = 2 */
    assert_close(y, (float[]){0.88079708f}, 1, 1e-6f, 0, "softcap");
}

static void products(void **state)
{
    (void)state;
    const float w[] = {1, 2, 3, 4, 5, 6}, x[] = {1, 0, -1, 2, 2, 2}, bias[] = {10, 20};
    float y[4];
    ref_matmul(y, quant_find(QUANT_F32), w, 2, 3, x, 2, bias);
    assert_close(y, (float[]){8, 18, 22, 50}, 4, 0, 0, "matmul");
    ref_norm(y, x, (float[]){1, 1, 2}, 1, 3, 1.0f / 3); /* mean 2/3 */
    assert_close(y, (float[]){1, 0, -2}, 3, tight, 0, "norm");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(router_scores_and_weights),
        cmocka_unit_test(router_bias_chooses_only),
        cmocka_unit_test(router_ties_go_to_the_smaller_id),
        cmocka_unit_test(router_groups),
        cmocka_unit_test(gated_units),
        cmocka_unit_test(rope_pairs),
        cmocka_unit_test(qk_norms),
        cmocka_unit_test(attention),
        cmocka_unit_test(products),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
