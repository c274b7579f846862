/* test_cache_type.c - caches that round: how much they take, how far they move logits and
 * routing from the reference, that cutting and rewinding stay what they are. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model/run_model.h"
#include "support/gpu_fixture.h"
#include "support/tolerance.h"

enum { N = 40 };

/* Tiny models with random weights, whose keys are near 1: scores move by the rounding of
 * a key, 2^-12 for f16 and 1/254 of the largest of 32 for q8_0, and logits with them;
 * three layers add up. The bounds are several times what is seen; with a wrong scale, or
 * a dim in the wrong place, the distance is near 1. */
static double max_rms(enum lem_cache_type type)
{
    return type == LEM_CACHE_Q8_0 ? 0.03 : 0.003;
}

/* Margins below which rounding may choose another expert: scores of random routers move
 * by about as much as logits do. */
static float near_tie(enum lem_cache_type type)
{
    return type == LEM_CACHE_Q8_0 ? 0.1f : 0.01f;
}

static bool has(const uint16_t *chosen, uint32_t n, uint32_t id)
{
    while (n > 0 && chosen[n - 1] != id)
        n--;
    return n > 0;
}

/* Tokens before the first that has another set of experts, which must be a near tie. */
static uint32_t n_agreed(const struct run_model *r, const struct run_reference *ref,
                         const uint16_t *chosen, enum lem_cache_type type)
{
    for (uint32_t i = 0; i < N * r->n_layer_moe; i++)
        for (uint32_t k = 0; k < r->n_used; k++) {
            const size_t at = (size_t)i * r->n_used;
            if (has(chosen + at, r->n_used, ref->ids[at + k]))
                continue;
            if (!(ref->margin[i] < near_tie(type)))
                fail_msg("token %u is routed another way, margin %g", i / r->n_layer_moe,
                         (double)ref->margin[i]);
            return i / r->n_layer_moe;
        }
    return N;
}

/* rms of the differences over the standard deviation of what is wanted */
static double distance(const float *got, const float *want, size_t n)
{
    double sum = 0, square = 0, off = 0;
    for (size_t i = 0; i < n; i++) {
        sum += want[i];
        square += (double)want[i] * want[i];
        off += ((double)got[i] - want[i]) * ((double)got[i] - want[i]);
    }
    const double mean = sum / (double)n;
    return sqrt(off / (double)n) / sqrt(square / (double)n - mean * mean);
}

static void check_model(struct gpu_fixture *fx, const struct tiny *tiny,
                        enum lem_cache_type type)
{
    struct run_model r;
    run_model_open_tiny(&r, fx->device, tiny);
    r.cache_type = type;
    int32_t ids[N];
    run_random_ids(ids, N, r.n_vocab, 17);
    struct run_reference ref;
    run_reference_make(&ref, &r, ids, N);
    const size_t row = (size_t)r.n_layer_moe * r.n_used;
    float *logits = calloc((size_t)N * r.n_vocab, sizeof *logits);
    uint16_t *chosen = calloc(N * row + 1, sizeof *chosen);
    assert_true(logits && chosen);

    static const uint32_t batch[] = {N, 1};
    for (size_t i = 0; i < sizeof batch / sizeof *batch; i++) {
        struct lem_session *s = run_session(&r, N, N, true);
        run_append(&r, s, ids, N, batch[i], logits);
        if (row)
            assert_int_equal(lem_session_routing(s, 0, N, chosen, NULL), LEM_OK);
        const uint32_t n = n_agreed(&r, &ref, chosen, type);
        assert_true(n > 1);
        const double off = distance(logits, ref.logits, (size_t)n * r.n_vocab);
        print_message("%s, cache %d, batches of %u: %u tokens, rms %.2g of the spread\n",
                      tiny->name, (int)type, batch[i], n, off);
        assert_true(off > 0 && off <= max_rms(type)); /* 0: nothing was rounded */
        lem_session_close(&s);
    }
    free(logits);
    free(chosen);
    run_reference_free(&ref);
    run_model_close(&r);
}

static void rounding_moves_little(void **state)
{
    static const char *const name[] = {"olmoe", "qwen3moe", "gpt-oss", "deepseek2"};
    for (size_t i = 0; i < sizeof name / sizeof *name; i++) {
        check_model(*state, tiny_find(name[i]), LEM_CACHE_F16);
        check_model(*state, tiny_find(name[i]), LEM_CACHE_Q8_0);
    }
}

static uint64_t cache_bytes(struct run_model *r, enum lem_cache_type type)
{
    r->cache_type = type;
    struct lem_session *s = run_session(r, 640, 8, false);
    struct lem_session_stats stats;
    lem_session_get_stats(s, &stats);
    assert_true(stats.cache_bytes < stats.device_bytes);
    lem_session_close(&s);
    return stats.cache_bytes;
}

static void types_take_what_they_promise(void **state)
{
    struct gpu_fixture *fx = *state;
    struct run_model r;
    run_model_open_tiny(&r, fx->device, tiny_find("olmoe"));
    const struct layer_hparams *l = &r.model->hp.layer[0];
    /* Heads of keys and of values at all positions, each in slots of 16 bytes. */
    const uint64_t n = 2ull * r.model->hp.n_layer * 640 * l->n_head_kv * 16;
    const uint32_t dim = l->head_dim;
    assert_int_equal(cache_bytes(&r, LEM_CACHE_F32), n * (dim / 4));
    assert_int_equal(cache_bytes(&r, LEM_CACHE_F16), n * ((dim + 7) / 8));
    assert_int_equal(cache_bytes(&r, LEM_CACHE_Q8_0),
                     n * ((dim + 15) / 16 + (dim + 127) / 128));
    run_model_close(&r);
}

/* What was in the cache beyond the place of a rewind does not show. */
static void rewinding_forgets(void **state)
{
    struct gpu_fixture *fx = *state;
    struct run_model r;
    run_model_open_tiny(&r, fx->device, tiny_find("olmoe"));
    for (int type = LEM_CACHE_F16; type <= LEM_CACHE_Q8_0; type++) {
        r.cache_type = (enum lem_cache_type)type;
        int32_t ids[N], other[N];
        run_random_ids(ids, N, r.n_vocab, 1);
        run_random_ids(other, N, r.n_vocab, 2);
        memcpy(other, ids, 13 * sizeof *ids);
        struct lem_session *fresh = run_session(&r, N, 8, false);
        run_append(&r, fresh, other, 13, 13, NULL);
        run_append(&r, fresh, other + 13, N - 13, 9, NULL);
        struct lem_session *s = run_session(&r, N, 8, false);
        run_append(&r, s, ids, 13, 13, NULL);
        run_append(&r, s, ids + 13, N - 13, 5, NULL);
        assert_int_equal(lem_session_rewind(s, 13), LEM_OK);
        run_append(&r, s, other + 13, N - 13, 9, NULL);
        assert_memory_equal(lem_session_logits(s, NULL), lem_session_logits(fresh, NULL),
                            r.n_vocab * sizeof(float));
        lem_session_close(&s);
        lem_session_close(&fresh);
    }
    run_model_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rounding_moves_little),
        cmocka_unit_test(types_take_what_they_promise),
        cmocka_unit_test(rewinding_forgets),
    };
    return cmocka_run_group_tests_name("cache_type", tests, gpu_fixture_open,
                                       gpu_fixture_close);
}
