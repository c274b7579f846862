/* test_rope.c - op_rope against ref_rope: all kinds of norm and rotation, every
 * place that keys and values go to in the cache, and no other place. */
#include "op_env.h"

#include <math.h>
#include <string.h>

#include "base/check.h"
#include "ref/ref.h"

struct rope_case {
    uint32_t n_head, n_head_kv, head_dim, n_rot;
    enum arch_rope kind;
    enum arch_qk_norm norm;
    uint32_t pos, n_token, n_ctx; /* n_ctx 0: room for all */
    enum lem_cache_type type;
};

struct rope_data {
    uint32_t row_stride;
    uint32_t n_ctx;
    float *qkv, *norm, *freq, *want;
    struct op_env_cache k, v;
};

static void fill(struct rope_data *d, const struct rope_case *c)
{
    const uint32_t width = (c->n_head + 2 * c->n_head_kv) * c->head_dim;
    uint64_t seed = 77 + c->head_dim;
    d->row_stride = op_env_stride(width);
    d->qkv = op_env_random(&seed, (size_t)c->n_token * d->row_stride);
    d->norm = op_env_random(&seed, width);
    d->freq = op_env_filled(c->n_rot / 2 + 1, 0);
    for (uint32_t i = 0; i < c->n_rot / 2; i++)
        d->freq[i] = powf(10000.0f, -2.0f * (float)i / (float)c->n_rot);
    d->n_ctx = c->n_ctx ? c->n_ctx : round_up(c->pos + c->n_token, OPS_CACHE_TILE);
    op_env_cache_open(&d->k, c->type, c->n_head_kv, d->n_ctx, c->head_dim);
    op_env_cache_open(&d->v, c->type, c->n_head_kv, d->n_ctx, c->head_dim);
}

/* Rows as they must be afterwards: k as the cache gets it, too. */
static void reference(struct rope_data *d, const struct rope_case *c)
{
    const uint32_t dim = c->head_dim;
    const struct ref_rope r = {.n_head = c->n_head,
                               .n_head_kv = c->n_head_kv,
                               .head_dim = dim,
                               .n_rot = c->n_rot,
                               .kind = c->kind,
                               .qk_norm = c->norm,
                               .q_norm = d->norm,
                               .k_norm = d->norm +
                                         (c->norm == QK_NORM_ROW ? c->n_head * dim : dim),
                               .freq = d->freq,
                               .mscale = 1.25f,
                               .eps = 1e-6f};
    const size_t bytes = (size_t)c->n_token * d->row_stride * sizeof(float);
    d->want = malloc(bytes);
    assert_non_null(d->want);
    memcpy(d->want, d->qkv, bytes);
    for (uint32_t t = 0; t < c->n_token; t++) {
        float *q = d->want + (size_t)t * d->row_stride;
        ref_rope(q, q + (size_t)c->n_head * dim, c->pos + t, &r);
    }
}

/* Rotation: cos and sin within 3e-7, two products and a sum: 1e-6 of the pair, whose
 * parts are below 1.25. A norm multiplies by up to 1/rms, sums up to 4096 squares:
 * another few 1e-6 of values that reach sqrt(n) in theory, below 4 here. */
#define TOLERANCE 1e-5f

/* Positions of tokens hold what is wanted, all others are untouched. `from`: of the heads
 * in a row of want. */
static void check_cache(const struct op_env_cache *cache, const struct rope_data *d,
                        const struct rope_case *c, uint32_t from, const char *what)
{
    for (uint32_t h = 0; h < c->n_head_kv; h++)
        for (uint32_t p = 0; p < d->n_ctx; p++) {
            const float *want = NULL;
            if (p >= c->pos && p < c->pos + c->n_token)
                want = d->want + (size_t)(p - c->pos) * d->row_stride + from +
                       h * c->head_dim;
            op_env_cache_check(cache, h, p, want, TOLERANCE, what);
        }
}

static uint32_t flags_of(const struct rope_case *c)
{
    const uint32_t kind = c->kind == ROPE_PAIRS_HALVES ? ROPE_HALVES
                          : c->kind == ROPE_PAIRS_NONE ? ROPE_NONE
                                                       : 0;
    return kind | (c->norm == QK_NORM_HEAD  ? ROPE_NORM_HEAD
                   : c->norm == QK_NORM_ROW ? ROPE_NORM_ROW
                                            : 0);
}

static void run_case(struct lem_device *device, const struct rope_case *c)
{
    struct rope_data d;
    fill(&d, c);
    struct op_env env;
    op_env_open(&env, device,
                (struct step_params){.n_token = c->n_token, .pos = c->pos, .n_out = 1});
    const uint32_t width = (c->n_head + 2 * c->n_head_kv) * c->head_dim;
    struct op_rope op = {.qkv = op_env_put(&env, d.qkv, 4ull * c->n_token * d.row_stride),
                         .k_cache = op_env_put(&env, d.k.word, d.k.bytes),
                         .v_cache = op_env_put(&env, d.v.word, d.v.bytes),
                         .type = c->type,
                         .p = {.n_head = c->n_head,
                               .n_head_kv = c->n_head_kv,
                               .head_dim = c->head_dim,
                               .n_rot = c->n_rot,
                               .row_stride = d.row_stride,
                               .flags = flags_of(c),
                               .n_ctx = d.n_ctx,
                               .eps = 1e-6f,
                               .mscale = 1.25f}};
    if (c->norm != QK_NORM_NONE)
        op.norm = op_env_put(&env, d.norm, 4ull * width);
    if (c->kind != ROPE_PAIRS_NONE)
        op.freq = op_env_put(&env, d.freq, 4ull * (c->n_rot / 2 + 1));
    reference(&d, c);

    assert_int_equal(op_rope(env.list, &env.at, &op), LEM_OK);
    op_env_run(&env);
    assert_close(op_env_get(&op.qkv), d.want, (size_t)c->n_token * d.row_stride,
                 TOLERANCE, 0, "dim %u rot %u heads %u/%u kind %d norm %d pos %u",
                 c->head_dim, c->n_rot, c->n_head, c->n_head_kv, (int)c->kind,
                 (int)c->norm, c->pos);
    memcpy(d.k.word, op_env_get(&op.k_cache), d.k.bytes);
    memcpy(d.v.word, op_env_get(&op.v_cache), d.v.bytes);
    check_cache(&d.k, &d, c, c->n_head * c->head_dim, "k");
    check_cache(&d.v, &d, c, (c->n_head + c->n_head_kv) * c->head_dim, "v");
    op_env_close(&env);
    free(d.qkv), free(d.norm), free(d.freq), free(d.want);
    op_env_cache_close(&d.k);
    op_env_cache_close(&d.v);
}

static void matches_for_head_sizes(void **state)
{
    static const uint32_t dim[] = {4, 64, 80, 96, 128, 256};
    static const enum arch_rope kind[] = {ROPE_PAIRS_HALVES, ROPE_PAIRS_ADJACENT,
                                          ROPE_PAIRS_NONE};
    for (size_t i = 0; i < sizeof dim / sizeof *dim; i++)
        for (size_t k = 0; k < 3; k++)
            run_case(op_env_device(state),
                     &(struct rope_case){.n_head = 5,
                                         .n_head_kv = 2,
                                         .head_dim = dim[i],
                                         .n_rot = dim[i],
                                         .kind = kind[k],
                                         .pos = 3,
                                         .n_token = 3,
                                         .type = (enum lem_cache_type)k});
}

static void matches_with_norms(void **state)
{
    static const struct {
        uint32_t n_head, n_head_kv, dim;
    } s[] = {{1, 1, 4}, {3, 1, 80}, {8, 8, 64}, {16, 16, 128}, {32, 4, 128}, {7, 1, 96}};
    for (size_t i = 0; i < sizeof s / sizeof *s; i++)
        for (enum arch_qk_norm norm = QK_NORM_NONE; norm <= QK_NORM_ROW; norm++)
            run_case(op_env_device(state),
                     &(struct rope_case){.n_head = s[i].n_head,
                                         .n_head_kv = s[i].n_head_kv,
                                         .head_dim = s[i].dim,
                                         .n_rot = s[i].dim,
                                         .kind = ROPE_PAIRS_HALVES,
                                         .norm = norm,
                                         .pos = 5,
                                         .n_token = 2,
                                         .type = (enum lem_cache_type)norm});
}

static void leaves_other_dims_alone(void **state)
{
    static const uint32_t n_rot[] = {2, 6, 24, 48};
    for (size_t i = 0; i < sizeof n_rot / sizeof *n_rot; i++)
        for (enum arch_rope k = ROPE_PAIRS_ADJACENT; k <= ROPE_PAIRS_HALVES; k++)
            run_case(op_env_device(state), &(struct rope_case){.n_head = 4,
                                                               .n_head_kv = 2,
                                                               .head_dim = 48,
                                                               .n_rot = n_rot[i],
                                                               .kind = k,
                                                               .norm = QK_NORM_HEAD,
                                                               .pos = 9,
                                                               .n_token = 1});
}

/* Far positions: where a product in f32 would have lost the angle. */
static void matches_at_positions(void **state)
{
    static const uint32_t pos[] = {0, 1, 7, 8, 63, 64, 65, 200, 32767, 131071};
    for (size_t i = 0; i < sizeof pos / sizeof *pos; i++)
        run_case(op_env_device(state), &(struct rope_case){.n_head = 2,
                                                           .n_head_kv = 1,
                                                           .head_dim = 8,
                                                           .n_rot = 8,
                                                           .kind = ROPE_PAIRS_HALVES,
                                                           .pos = pos[i],
                                                           .n_token = 5});
}

/* A position too far is turned, but does not land on another head's. */
static void stores_nothing_past_the_cache(void **state)
{
    run_case(op_env_device(state), &(struct rope_case){.n_head = 2,
                                                       .n_head_kv = 2,
                                                       .head_dim = 8,
                                                       .n_rot = 8,
                                                       .kind = ROPE_PAIRS_HALVES,
                                                       .pos = OPS_CACHE_TILE - 2,
                                                       .n_token = 4,
                                                       .n_ctx = OPS_CACHE_TILE});
}

static void refuses_contradictions(void **state)
{
    struct op_env env;
    op_env_open(&env, op_env_device(state),
                (struct step_params){.n_token = 1, .n_out = 1});
    float *zero = op_env_filled(1024, 0);
    const struct op_rope good = {.qkv = op_env_put(&env, zero, 4096),
                                 .k_cache = op_env_put(&env, zero, 4096),
                                 .v_cache = op_env_put(&env, zero, 4096),
                                 .freq = op_env_put(&env, zero, 4096),
                                 .p = {.n_head = 2,
                                       .n_head_kv = 1,
                                       .head_dim = 8,
                                       .n_rot = 8,
                                       .row_stride = 32,
                                       .n_ctx = OPS_CACHE_TILE,
                                       .mscale = 1}};
    static const char *const said[] = {"head_dim", "n_ctx", "n_rot",
                                       "norm",     "rows",  "frequencies"};
    struct op_rope bad[6];
    for (int i = 0; i < 6; i++)
        bad[i] = good;
    bad[0].p.head_dim = 6;
    bad[1].p.n_ctx = 12;
    bad[2].p.n_rot = 16;
    bad[3].p.flags = ROPE_NORM_HEAD;
    bad[4].p.row_stride = 24;
    bad[5].freq.buf = NULL;
    for (int i = 0; i < 6; i++) {
        assert_int_equal(op_rope(env.list, &env.at, &bad[i]), LEM_ERR_ARGUMENT);
        gpu_fixture_said(*state, said[i]);
    }
    assert_int_equal(op_rope(env.list, &env.at, &good), LEM_OK);
    op_env_close(&env);
    free(zero);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(matches_for_head_sizes),
        cmocka_unit_test(matches_with_norms),
        cmocka_unit_test(leaves_other_dims_alone),
        cmocka_unit_test(matches_at_positions),
        cmocka_unit_test(stores_nothing_past_the_cache),
        cmocka_unit_test(refuses_contradictions),
    };
    return cmocka_run_group_tests(tests, gpu_fixture_open, gpu_fixture_close);
}
