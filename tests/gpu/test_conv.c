/* test_conv.c - op_conv against ref_conv, one text cut into runs of every kind so that
 * the ring carries it over the cuts; op_softcap against tanh. */
#include "op_env.h"

#include <math.h>
#include <string.h>

#include "ref/ref.h"

enum { N_TEXT = 23 };

struct conv_case {
    uint32_t n, n_tap, n_ring;
    const uint32_t *runs; /* tokens of each, together N_TEXT; ended by 0 */
};

/* What all tokens give, from the reference: [N_TEXT][n]. */
static float *reference(const struct conv_case *c, const float *x, const float *w)
{
    float *want = op_env_filled((size_t)N_TEXT * c->n, 0);
    float *past = op_env_filled((size_t)c->n_tap * c->n, 0);
    for (uint32_t t = 0; t < N_TEXT; t++) {
        const float *row = x + (size_t)t * 3 * c->n;
        memmove(past, past + c->n, (size_t)(c->n_tap - 1) * c->n * sizeof *past);
        ref_conv(want + (size_t)t * c->n, past, row, row + c->n, row + 2 * c->n, w, c->n,
                 c->n_tap);
    }
    free(past);
    return want;
}

/* One run of `n_token` tokens from `pos` on. */
static void run_part(struct lem_device *device, const struct conv_case *c, const float *x,
                     const float *w, float *ring, const float *want, uint32_t pos,
                     uint32_t n_token)
{
    const uint32_t x_stride = op_env_stride(3 * c->n), y_stride = op_env_stride(c->n);
    float *rows = op_env_filled((size_t)n_token * x_stride, NAN);
    float *y = op_env_filled((size_t)n_token * y_stride, -7);
    for (uint32_t t = 0; t < n_token; t++)
        memcpy(rows + (size_t)t * x_stride, x + (size_t)(pos + t) * 3 * c->n,
               3 * c->n * sizeof *x);
    struct op_env env;
    op_env_open(&env, device, (struct step_params){.n_token = n_token, .pos = pos});
    const uint64_t ring_bytes = 4ull * c->n_ring * c->n;
    const struct op_conv op = {.x = op_env_put(&env, rows, 4ull * n_token * x_stride),
                               .y = op_env_put(&env, y, 4ull * n_token * y_stride),
                               .w = op_env_put(&env, w, 4ull * c->n * c->n_tap),
                               .ring = op_env_put(&env, ring, ring_bytes),
                               .p = {.n = c->n,
                                     .n_tap = c->n_tap,
                                     .n_ring = c->n_ring,
                                     .x_stride = x_stride,
                                     .y_stride = y_stride}};
    assert_int_equal(op_conv(env.list, &env.at, &op), LEM_OK);
    op_env_run(&env);
    const float *got = op_env_get(&op.y);
    for (uint32_t t = 0; t < n_token; t++) /* three roundings a tap, values below 1 */
        assert_close(got + (size_t)t * y_stride, want + (size_t)(pos + t) * c->n, c->n,
                     1e-6f, 1e-6f, "%u channels, %u taps, token %u of a run at %u", c->n,
                     c->n_tap, t, pos);
    memcpy(ring, op_env_get(&op.ring), ring_bytes);
    op_env_close(&env);
    free(rows), free(y);
}

static void run_case(struct lem_device *device, const struct conv_case *c)
{
    uint64_t seed = c->n + c->n_tap;
    float *x = op_env_random(&seed, (size_t)N_TEXT * 3 * c->n);
    float *w = op_env_random(&seed, (size_t)c->n * c->n_tap);
    float *ring = op_env_filled((size_t)c->n_ring * c->n, NAN);
    float *want = reference(c, x, w);
    uint32_t pos = 0;
    for (const uint32_t *n = c->runs; *n; n++) {
        run_part(device, c, x, w, ring, want, pos, *n);
        pos += *n;
    }
    assert_int_equal(pos, N_TEXT);
    free(x), free(w), free(ring), free(want);
}

static void every_cut_gives_the_same(void **state)
{
    static const uint32_t whole[] = {N_TEXT, 0};
    static const uint32_t ones[] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
                                    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0};
    static const uint32_t mixed[] = {2, 1, 7, 1, 3, 9, 0};
    static const uint32_t n[] = {1, 31, 64, 65, 200};
    static const uint32_t n_tap[] = {1, 2, 3, 4, 9};
    for (size_t i = 0; i < sizeof n / sizeof *n; i++) {
        struct conv_case c = {.n = n[i], .n_tap = n_tap[i], .runs = whole};
        c.n_ring = N_TEXT + c.n_tap - 1; /* the least that is allowed */
        run_case(op_env_device(state), &c);
        c.runs = ones;
        c.n_ring = c.n_tap;
        run_case(op_env_device(state), &c);
        c.runs = mixed;
        c.n_ring = 9 + c.n_tap - 1;
        run_case(op_env_device(state), &c);
    }
}

static void a_short_ring_is_refused(void **state)
{
    struct gpu_fixture *fx = *state;
    struct op_env env;
    op_env_open(&env, fx->device, (struct step_params){.n_token = 4});
    const struct gpu_slice some = op_env_put(&env, NULL, 4096);
    const struct op_conv op = {.x = some,
                               .y = some,
                               .w = some,
                               .ring = some,
                               .p = {.n = 4, .n_tap = 3, .n_ring = 5}};
    assert_int_equal(op_conv(env.list, &env.at, &op), LEM_ERR_ARGUMENT);
    gpu_fixture_said(fx, "ring of 5");
    op_env_close(&env);
}

static void softcap_bends_logits(void **state)
{
    static const uint32_t n[] = {1, 63, 65, 320, 1000};
    for (size_t i = 0; i < sizeof n / sizeof *n; i++) {
        enum { N_ROW = 3, N_OUT = 2 };
        const uint32_t stride = op_env_stride(n[i]) + 32;
        const float cap = 30;
        uint64_t seed = n[i];
        float *y = op_env_random(&seed, (size_t)N_ROW * stride);
        float *want = op_env_filled((size_t)N_ROW * stride, 0);
        for (uint32_t k = 0; k < N_ROW * stride; k++) {
            y[k] *= k % 7 == 0 ? 1000 : 60;
            const bool bent = k / stride < N_OUT && k % stride < n[i];
            want[k] = bent ? (float)(30 * tanh((double)y[k] / 30)) : y[k];
        }
        struct op_env env;
        op_env_open(&env, op_env_device(state),
                    (struct step_params){.n_token = N_ROW, .n_out = N_OUT});
        const struct op_softcap op = {.y = op_env_put(&env, y, 4ull * N_ROW * stride),
                                      .p = {.n = n[i], .stride = stride, .cap = cap}};
        assert_int_equal(op_softcap(env.list, &env.at, &op), LEM_OK);
        op_env_run(&env);
        /* 1 - 2 / (e + 1) is rounded at 1, times 30 */
        assert_close(op_env_get(&op.y), want, (size_t)N_ROW * stride, 1e-5f, 1e-6f,
                     "softcap of %u", n[i]);
        op_env_close(&env);
        free(y), free(want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_cut_gives_the_same),
        cmocka_unit_test(a_short_ring_is_refused),
        cmocka_unit_test(softcap_bends_logits),
    };
    return cmocka_run_group_tests_name("conv", tests, gpu_fixture_open,
                                       gpu_fixture_close);
}
