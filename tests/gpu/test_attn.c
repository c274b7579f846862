/* test_attn.c - op_attn against ref_attn: head sizes, shared key heads, positions
 * around every boundary, windows, soft caps, sinks; NaN wherever no token may look. */
#include "op_env.h"

#include <math.h>
#include <string.h>

#include "base/check.h"
#include "ops/attn.h"
#include "ref/ref.h"

struct attn_case {
    uint32_t n_head_kv, group, head_dim;
    uint32_t pos, n_token;
    uint32_t window;
    float softcap, scale; /* scale 0: 1 / sqrt(head_dim) */
    bool sinks;
    enum lem_cache_type type;
    bool later_nan; /* the last token's value is NaN: only its own result may show it */
    const struct ops_attn_shape *shape; /* NULL: what the device gets */
};

struct attn_data {
    uint32_t n_head, n_ctx, n_pos, q_stride, y_stride;
    float *q, *k, *v, *sinks; /* k, v: [n_pos][n_head_kv][head_dim] */
    struct op_env_cache k_cache, v_cache;
    float *want;
};

static struct ref_attn ref_of(const struct attn_case *c, const struct attn_data *d)
{
    return (struct ref_attn){.n_head = d->n_head,
                             .n_head_kv = c->n_head_kv,
                             .head_dim = c->head_dim,
                             .window = c->window,
                             .scale =
                                 c->scale != 0 ? c->scale : 1 / sqrtf((float)c->head_dim),
                             .softcap = c->softcap,
                             .sinks = c->sinks ? d->sinks : NULL};
}

/* First position that the first token sees: what lies before is NaN in the cache. */
static uint32_t first_seen(const struct attn_case *c)
{
    return c->window > 0 && c->pos >= c->window ? c->pos - c->window + 1 : 0;
}

static void fill(struct attn_data *d, const struct attn_case *c)
{
    uint64_t seed = 1000 * c->head_dim + c->pos;
    d->n_head = c->n_head_kv * c->group;
    d->n_pos = c->pos + c->n_token;
    d->n_ctx = round_up(d->n_pos + 1, OPS_CACHE_TILE);
    d->q_stride = op_env_stride((d->n_head + 2 * c->n_head_kv) * c->head_dim);
    d->y_stride = op_env_stride(d->n_head * c->head_dim) + 32;
    const size_t n_kv = (size_t)d->n_pos * c->n_head_kv * c->head_dim;
    d->q = op_env_random(&seed, (size_t)c->n_token * d->q_stride);
    d->k = op_env_random(&seed, n_kv);
    d->v = op_env_random(&seed, n_kv);
    d->sinks = op_env_random(&seed, d->n_head);
    for (size_t i = 0; i < (size_t)c->n_token * d->q_stride; i++)
        d->q[i] *= 4; /* so that the softmax is not flat */

    const uint32_t dim = c->head_dim, n_kv_head = c->n_head_kv;
    op_env_cache_open(&d->k_cache, c->type, n_kv_head, d->n_ctx, dim);
    op_env_cache_open(&d->v_cache, c->type, n_kv_head, d->n_ctx, dim);
    for (uint32_t p = first_seen(c); p < d->n_pos; p++)
        for (uint32_t h = 0; h < n_kv_head; h++) {
            const size_t from = ((size_t)p * n_kv_head + h) * dim;
            op_env_cache_set(&d->k_cache, h, p, d->k + from);
            if (!c->later_nan || p + 1 < d->n_pos)
                op_env_cache_set(&d->v_cache, h, p, d->v + from);
        }
}

static void reference(struct attn_data *d, const struct attn_case *c)
{
    const struct ref_attn r = ref_of(c, d);
    const uint32_t width = d->n_head * c->head_dim;
    d->want = op_env_filled((size_t)c->n_token * width, 0);
    for (uint32_t t = 0; t < c->n_token; t++)
        ref_attn(d->want + (size_t)t * width, d->q + (size_t)t * d->q_stride, d->k, d->v,
                 c->pos + t, &r);
}

static void free_data(struct attn_data *d)
{
    free(d->q), free(d->k), free(d->v), free(d->sinks);
    free(d->want);
    op_env_cache_close(&d->k_cache);
    op_env_cache_close(&d->v_cache);
}

static struct op_attn op_of(struct op_env *env, const struct attn_case *c,
                            const struct attn_data *d, const float *y)
{
    const struct ref_attn r = ref_of(c, d);
    struct op_attn op = {.q = op_env_put(env, d->q, 4ull * c->n_token * d->q_stride),
                         .k_cache = op_env_put(env, d->k_cache.word, d->k_cache.bytes),
                         .v_cache = op_env_put(env, d->v_cache.word, d->v_cache.bytes),
                         .type = c->type,
                         .y = op_env_put(env, y, 4ull * c->n_token * d->y_stride),
                         .p = {.n_head = d->n_head,
                               .n_head_kv = c->n_head_kv,
                               .head_dim = c->head_dim,
                               .q_stride = d->q_stride,
                               .y_stride = d->y_stride,
                               .n_ctx = d->n_ctx,
                               .window = c->window,
                               .scale = r.scale,
                               .softcap = c->softcap}};
    if (c->sinks)
        op.sinks = op_env_put(env, d->sinks, 4ull * d->n_head);
    return op;
}

static void add(struct op_env *env, const struct attn_case *c, struct op_attn *op)
{
    struct attn_params p = op->p;
    p.head_dim_v = p.head_dim;
    const uint64_t bytes = c->shape
                               ? ops_attn_part_bytes(&p, c->shape, c->n_token)
                               : op_attn_part_bytes(env->device, &p, c->type, c->n_token);
    if (bytes)
        op->part = op_env_put(env, NULL, bytes);
    assert_int_equal(c->shape ? ops_attn(env->list, &env->at, op, c->shape)
                              : op_attn(env->list, &env->at, op),
                     LEM_OK);
}

static void run_case(struct lem_device *device, const struct attn_case *c, uint32_t n_run)
{
    struct attn_data d;
    fill(&d, c);
    reference(&d, c);
    const uint32_t width = d.n_head * c->head_dim;
    const size_t n_y = (size_t)c->n_token * d.y_stride;
    float *y = op_env_filled(n_y, -7), *first = op_env_filled(n_y, 0);

    struct op_env env;
    op_env_open(&env, device,
                (struct step_params){.n_token = c->n_token, .pos = c->pos, .n_out = 1});
    struct op_attn op = op_of(&env, c, &d, y);
    add(&env, c, &op);
    for (uint32_t run = 0; run < n_run; run++) {
        op_env_run(&env);
        const float *got = op_env_get(&op.y);
        if (run == 0)
            memcpy(first, got, n_y * sizeof *got);
        assert_memory_equal(got, first, n_y * sizeof *got);
    }
    for (uint32_t t = 0; t + c->later_nan < c->n_token; t++) {
        /* Scores are sums of head_dim f32 products of size up to 12: off by up to
         * 5e-6, which is the relative error of their exp; values are below 1, so the
         * weighted mean is off by as much at most. */
        assert_close(first + (size_t)t * d.y_stride, d.want + (size_t)t * width, width,
                     1e-5f, 0, "%s dim %u group %u x %u pos %u token %u window %u cap %g",
                     ops_cache_name(c->type), c->head_dim, c->group, c->n_head_kv, c->pos,
                     t, c->window, (double)c->softcap);
        for (uint32_t i = width; i < d.y_stride; i++)
            assert_float_equal(first[(size_t)t * d.y_stride + i], -7, 0);
    }
    op_env_close(&env);
    free(y), free(first);
    free_data(&d);
}

/* The reference gets what the cache gives back, so all types have one tolerance. */
static const enum lem_cache_type types[] = {LEM_CACHE_F16, LEM_CACHE_F32, LEM_CACHE_Q8_0};

static void matches_for_head_sizes(void **state)
{
    static const uint32_t dim[] = {4, 20, 64, 64, 64, 80, 96, 128, 256, 512};
    for (size_t i = 0; i < sizeof dim / sizeof *dim; i++)
        run_case(op_env_device(state),
                 &(struct attn_case){.n_head_kv = 2,
                                     .group = 2,
                                     .head_dim = dim[i],
                                     .pos = 77,
                                     .n_token = 1 + (uint32_t)i % 2,
                                     .type = types[i % 3]},
                 1);
}

static void matches_for_shared_heads(void **state)
{
    static const uint32_t group[] = {1, 3, 7, 8, 11, 16};
    for (size_t i = 0; i < sizeof group / sizeof *group; i++)
        run_case(op_env_device(state),
                 &(struct attn_case){.n_head_kv = 2,
                                     .group = group[i],
                                     .head_dim = i == 3 ? 256 : 64,
                                     .pos = 40,
                                     .n_token = 1,
                                     .type = types[i % 3]},
                 1);
}

/* Shapes that other devices get, for one token and for a few; shares that are empty. */
static void matches_in_every_shape(void **state)
{
    static const struct ops_attn_shape shapes[] = {
        {.lanes = 8, .heads = 2, .tokens = 1, .span = 8, .splits = 1},
        {.lanes = 8, .heads = 1, .tokens = 1, .span = 4, .splits = 3},
        {.lanes = 16, .heads = 3, .tokens = 1, .span = 4, .splits = 1},
        {.lanes = 64, .heads = 3, .tokens = 1, .span = 2, .splits = 5},
        {.lanes = 64, .heads = 2, .tokens = 2, .span = 4, .splits = 1},
        {.lanes = 128, .heads = 3, .tokens = 2, .span = 2, .splits = 2},
    };
    static const uint32_t pos[] = {0, 63, 300};
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        for (size_t k = 0; k < sizeof pos / sizeof *pos; k++)
            run_case(op_env_device(state),
                     &(struct attn_case){.n_head_kv = 2,
                                         .group = 3,
                                         .head_dim = i % 2 ? 80 : 64,
                                         .pos = pos[k],
                                         .n_token = shapes[i].tokens > 1 ? 5 : 1,
                                         .window = k == 2 && i % 2 ? 100 : 0,
                                         .sinks = i == 2,
                                         .type = types[i % 3],
                                         .shape = &shapes[i]},
                     2);
}

/* The kernel for one token, where the device can run it: long and short heads, more heads
 * than a workgroup has, windows that begin inside a chunk, sinks, shares. */
static void matches_unrolled(void **state)
{
    static const struct ops_attn_shape shapes[] = {
        {.lanes = 8, .heads = 2, .tokens = 1, .span = 8, .splits = 1, .unrolled = true},
        {.lanes = 8, .heads = 1, .tokens = 1, .span = 4, .splits = 3, .unrolled = true},
        {.lanes = 8, .heads = 3, .tokens = 1, .span = 2, .splits = 2, .unrolled = true},
        {.lanes = 8, .heads = 1, .tokens = 1, .span = 8, .splits = 1, .unrolled = true},
    };
    static const uint32_t dim[] = {64, 128, 20, 128}, pos[] = {0, 7, 63, 64, 300};
    const struct lem_device_caps *caps = gpu_caps(op_env_device(state));
    if (gpu_type(op_env_device(state)) != LEM_DEVICE_CPU || !caps->subgroup_arithmetic ||
        caps->subgroup_size != 8)
        skip();
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        for (size_t k = 0; k < 3 * sizeof pos / sizeof *pos; k++)
            run_case(op_env_device(state),
                     &(struct attn_case){.n_head_kv = 2,
                                         .group = 3,
                                         .head_dim = dim[i],
                                         .pos = pos[k / 3],
                                         .n_token = 1,
                                         .window = k % 3 == 1 ? 37 : 0,
                                         .softcap = k % 3 == 2 ? 15 : 0,
                                         .sinks = k % 3 != 0,
                                         .type = types[(i + k) % 3],
                                         .shape = &shapes[i]},
                     2);
}

static void later_values_stay_out(void **state)
{
    for (size_t t = 0; t < sizeof types / sizeof *types; t++)
        for (uint32_t n_token = 2; n_token <= 7; n_token += 5)
            run_case(op_env_device(state),
                     &(struct attn_case){.n_head_kv = 1,
                                         .group = 2,
                                         .head_dim = 64,
                                         .pos = 60,
                                         .n_token = n_token,
                                         .type = types[t],
                                         .later_nan = true},
                     1);
}

static void matches_at_positions(void **state)
{
    static const uint32_t pos[] = {0,  1,  7,   8,   31,  32,  63,
                                   64, 65, 127, 128, 129, 200, 513};
    for (size_t i = 0; i < sizeof pos / sizeof *pos; i++)
        for (uint32_t n_token = 1; n_token <= 5; n_token += 4)
            run_case(op_env_device(state),
                     &(struct attn_case){.n_head_kv = 2,
                                         .group = 3,
                                         .head_dim = 80,
                                         .pos = pos[i],
                                         .n_token = n_token},
                     1);
}

static void matches_with_windows(void **state)
{
    static const uint32_t window[] = {1, 2, 7, 8, 9, 64, 100};
    static const uint32_t pos[] = {0, 6, 8, 99, 100, 200};
    for (size_t i = 0; i < sizeof window / sizeof *window; i++)
        for (size_t j = 0; j < sizeof pos / sizeof *pos; j++)
            run_case(op_env_device(state),
                     &(struct attn_case){.n_head_kv = 1,
                                         .group = 2,
                                         .head_dim = 64,
                                         .pos = pos[j],
                                         .n_token = 3,
                                         .window = window[i]},
                     1);
}

static void matches_with_softcap_and_sinks(void **state)
{
    for (int sinks = 0; sinks < 2; sinks++)
        for (uint32_t pos = 0; pos < 150; pos += 70)
            for (float cap = 0; cap <= 30; cap += 15)
                run_case(op_env_device(state),
                         &(struct attn_case){.n_head_kv = 2,
                                             .group = 3,
                                             .head_dim = 64,
                                             .pos = pos,
                                             .n_token = 2,
                                             .window = 64,
                                             .softcap = cap,
                                             .sinks = sinks},
                         1);
}

/* Scores of some hundreds: one position takes all, nothing overflows. The scores'
 * own error, 1e-7 of 200, stays within the tolerance where one weight is 1. */
static void stands_large_scores(void **state)
{
    run_case(op_env_device(state),
             &(struct attn_case){.n_head_kv = 1,
                                 .group = 2,
                                 .head_dim = 4,
                                 .pos = 30,
                                 .n_token = 1,
                                 .softcap = 50,
                                 .scale = 100},
             1);
}

static void repeats_bit_by_bit(void **state)
{
    run_case(op_env_device(state),
             &(struct attn_case){.n_head_kv = 2,
                                 .group = 8,
                                 .head_dim = 128,
                                 .pos = 300,
                                 .n_token = 4,
                                 .sinks = true},
             20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(matches_for_head_sizes),
        cmocka_unit_test(matches_for_shared_heads),
        cmocka_unit_test(matches_in_every_shape),
        cmocka_unit_test(matches_unrolled),
        cmocka_unit_test(later_values_stay_out),
        cmocka_unit_test(matches_at_positions),
        cmocka_unit_test(matches_with_windows),
        cmocka_unit_test(matches_with_softcap_and_sinks),
        cmocka_unit_test(stands_large_scores),
        cmocka_unit_test(repeats_bit_by_bit),
    };
    return cmocka_run_group_tests(tests, gpu_fixture_open, gpu_fixture_close);
}
