/* test_kernels.c - a whole model with every family of kernels: the CPU's logits and
 * experts, and the same bits from run to run. */
#include "support/tolerance.h"

#include <stdlib.h>
#include <string.h>

#include "gpu/gpu.h"
#include "lemnos/device.h"
#include "run_model.h"
#include "support/gpu_fixture.h"

enum { N = 40, BATCH = 33 };

static float *logits_of(struct run_model *r, const int32_t *ids, bool exact)
{
    float *logits = malloc((size_t)N * r->n_vocab * sizeof *logits);
    assert_non_null(logits);
    const struct lem_session_params p = {.weights = r->weights,
                                         .n_ctx = 64,
                                         .n_batch = BATCH,
                                         .logits = LEM_LOGITS_ALL,
                                         .exact = exact,
                                         .log = capture_log(&r->said)};
    struct lem_session *s = NULL;
    if (lem_session_open(&p, &s) != LEM_OK)
        fail_msg("%s", r->said.error);
    run_append(r, s, ids, N, BATCH, logits);
    lem_session_close(&s);
    return logits;
}

static void check_family(struct gpu_fixture *fx, enum lem_kernels family,
                         const float *want, struct run_model *r, const int32_t *ids)
{
    const size_t n = (size_t)N * r->n_vocab;
    assert_int_equal(lem_device_tune(fx->device, family, NULL), LEM_OK);
    /* exact: floats, for tiles to multiply */
    float *got = logits_of(r, ids, true), *again = logits_of(r, ids, true);
    /* f32 sums of a few hundred terms in another order, through six layers */
    assert_close_rms(got, want, n, 1e-4, "family %d", (int)family);
    assert_memory_equal(got, again, n * sizeof *got);
    free(got);
    free(again);
    assert_int_equal(lem_device_tune(fx->device, LEM_KERNELS_RULE, NULL), LEM_OK);
}

static void every_family_agrees_with_the_reference(void **state)
{
    struct gpu_fixture *fx = *state;
    struct run_model r;
    int32_t ids[N];
    run_model_open(&r, fx->device, LEM_TEST_ASSETS "/moe-tales-q8_0.gguf");
    run_random_ids(ids, N, r.n_vocab, 7);
    struct run_reference ref;
    run_reference_make(&ref, &r, ids, N);
    check_family(fx, LEM_KERNELS_REGISTERS, ref.logits, &r, ids);
    check_family(fx, LEM_KERNELS_TILES, ref.logits, &r, ids);
    run_reference_free(&ref);
    run_model_close(&r);
}

/* Gate in one family, up in another: one may have integers and the other not. */
static void check_mixed(struct gpu_fixture *fx, uint32_t gate, uint32_t up)
{
    static const enum lem_kernels family[] = {LEM_KERNELS_RULE, LEM_KERNELS_REGISTERS,
                                              LEM_KERNELS_TILES};
    struct run_model r;
    int32_t ids[N];
    struct tiny tiny = *tiny_find("mixtral");
    tiny.ffn = gate;
    tiny.up_exps = up;
    run_model_open_tiny(&r, fx->device, &tiny);
    run_random_ids(ids, N, r.n_vocab, 7);
    struct run_reference ref;
    run_reference_make(&ref, &r, ids, N);
    for (size_t i = 0; i < sizeof family / sizeof *family; i++) {
        assert_int_equal(lem_device_tune(fx->device, family[i], NULL), LEM_OK);
        float *got = logits_of(&r, ids, false);
        /* what 16 bits cost, and the f16 cache; missing rows cost a tenth and more */
        assert_close_rms(got, ref.logits, (size_t)N * r.n_vocab, 5e-3,
                         "gate %u, up %u, family %d", gate, up, (int)family[i]);
        free(got);
    }
    assert_int_equal(lem_device_tune(fx->device, LEM_KERNELS_RULE, NULL), LEM_OK);
    run_reference_free(&ref);
    run_model_close(&r);
}

static void experts_of_two_families(void **state)
{
    check_mixed(*state, QUANT_F16, QUANT_Q8_0);
    check_mixed(*state, QUANT_Q8_0, QUANT_F16);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_family_agrees_with_the_reference),
        cmocka_unit_test(experts_of_two_families),
    };
    return cmocka_run_group_tests_name("kernels", tests, gpu_fixture_open,
                                       gpu_fixture_close);
}
