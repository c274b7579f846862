/* test_oracle.c - sessions on the device against logits, routing and greedy ids that
 * others computed from the same files, with the prompt cut in several ways: a script of
 * ours in f64 (tests/data), and another program in f32, whose files lie beside the
 * project and are skipped where absent. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "model/run_model.h"
#include "support/gpu_fixture.h"
#include "support/oracle.h"
#include "support/tolerance.h"

/* f32 arithmetic on both sides. The reference's own distance between whole prompts
 * and single steps is up to 3e-5 at logits of standard deviation 2; the order of the
 * sums differs more here. */
static const float max_abs_logits = 1e-3f;
static const float max_abs_weights = 1e-4f;
static const float near_tie = 1e-4f;

static void check_cut(struct run_model *r, const struct oracle *o, uint32_t batch)
{
    const size_t n_choice = (size_t)o->n_token * o->n_layer * o->n_used;
    float *logits = calloc((size_t)o->n_token * o->n_vocab, sizeof *logits);
    float *weights = calloc(n_choice + 1, sizeof *weights);
    uint16_t *ids = calloc(n_choice + 1, sizeof *ids);
    uint32_t *wide = calloc(n_choice + 1, sizeof *wide);
    assert_true(logits && weights && ids && wide);

    struct lem_session *s = run_session(r, o->n_token + o->n_greedy, 128, true);
    run_append(r, s, o->prompt, o->n_token, batch, logits);
    oracle_check_logits(o, logits, max_abs_logits);
    if (o->n_layer) {
        assert_int_equal(lem_session_routing(s, 0, o->n_token, ids, weights), LEM_OK);
        for (size_t i = 0; i < n_choice; i++)
            wide[i] = ids[i];
        oracle_check_routing(o, wide, weights, near_tie, max_abs_weights);
    }
    for (uint32_t i = 0; i < o->n_greedy; i++) {
        struct lem_sampled best;
        const struct lem_sample_params greedy = {0};
        assert_int_equal(lem_session_sample(s, &greedy, &best), LEM_OK);
        if (best.id != o->greedy[i])
            fail_msg("%s in batches of %u: greedy id %u is %d, expected %d", o->name,
                     batch, i, best.id, o->greedy[i]);
        run_append(r, s, &best.id, 1, 1, NULL);
    }
    lem_session_close(&s);
    free(logits);
    free(weights);
    free(ids);
    free(wide);
}

/* Do all experts of a token agree? Where one differs, its logits may be any. */
static bool same_route(const struct oracle *o, const uint32_t *ids, uint32_t token)
{
    const size_t n = (size_t)o->n_layer * o->n_used, at = token * n;
    for (size_t l = 0; l < n;
         l += o->n_used) /* as sets: the order of near ones may turn */
        for (uint32_t i = 0; i < o->n_used; i++) {
            bool found = false;
            for (uint32_t k = 0; k < o->n_used; k++)
                found = found || ids[at + l + i] == o->ids[at + l + k];
            if (!found)
                return false;
        }
    return true;
}

/* What a session does that is asked for nothing: a cache in f16. */
static void check_default(struct run_model *r, const struct oracle *o)
{
    const size_t n_choice = (size_t)o->n_token * o->n_layer * o->n_used;
    float *logits = calloc((size_t)o->n_token * o->n_vocab, sizeof *logits);
    uint16_t *ids = calloc(n_choice + 1, sizeof *ids);
    uint32_t *wide = calloc(n_choice + 1, sizeof *wide);
    float *weights = calloc(n_choice + 1, sizeof *weights);
    assert_true(logits && ids && wide && weights);
    const struct lem_session_params p = {.weights = r->weights,
                                         .n_ctx = o->n_token,
                                         .logits = LEM_LOGITS_ALL,
                                         .tap = o->n_layer > 0,
                                         .log = capture_log(&r->said)};
    struct lem_session *s = NULL;
    assert_int_equal(lem_session_open(&p, &s), LEM_OK);
    run_append(r, s, o->prompt, o->n_token, 17, logits);
    if (o->n_layer) {
        assert_int_equal(lem_session_routing(s, 0, o->n_token, ids, weights), LEM_OK);
        for (size_t i = 0; i < n_choice; i++)
            wide[i] = ids[i];
        oracle_check_routing(o, wide, weights, 0.01f, 0.02f);
    }
    double off = 0, sum = 0, square = 0, n = 0;
    for (uint32_t t = 0; t < o->n_token; t++)
        for (uint32_t i = 0; same_route(o, wide, t) && i < o->n_vocab; i++) {
            const size_t at = (size_t)t * o->n_vocab + i;
            const double want = (double)o->logits[at], d = (double)logits[at] - want;
            off += d * d, sum += want, square += want * want, n++;
        }
    assert_true(n > 0);
    const double ratio = sqrt(off / (square - sum * sum / n));
    if (!(ratio <= 0.03))
        fail_msg("%s: rms of the error over the spread is %.4f", o->name, ratio);
    lem_session_close(&s);
    free(logits), free(ids), free(wide), free(weights);
}

static void check_case(struct gpu_fixture *fx, struct oracle *o)
{
    struct run_model r;
    run_model_open(&r, fx->device, o->model);
    assert_int_equal(r.n_vocab, o->n_vocab);
    assert_int_equal(r.n_layer_moe, o->n_layer);
    static const uint32_t batch[] = {128, 17, 2, 1};
    for (size_t i = 0; i < sizeof batch / sizeof *batch; i++)
        check_cut(&r, o, batch[i]);
    check_default(&r, o);
    run_model_close(&r);
    oracle_close(o);
}

static void device_agrees(struct gpu_fixture *fx, const char *name)
{
    struct oracle o;
    if (!oracle_open(&o, LEM_TEST_SHARED "/oracle", name))
        skip();
    check_case(fx, &o);
}

static void own_case_agrees(struct gpu_fixture *fx, const char *name)
{
    struct oracle o;
    assert_true(oracle_open(&o, LEM_TEST_DATA "/cases", name));
    check_case(fx, &o);
}

#define OWN(id, name)                                                                    \
    static void id(void **state)                                                         \
    {                                                                                    \
        own_case_agrees(*state, name);                                                   \
    }
OWN(own_mixtral_f16, "mixtral-f16")
OWN(own_olmoe_bf16, "olmoe-bf16")
OWN(own_qwen3moe_mix, "qwen3moe-mix")
OWN(own_smallthinker_window, "smallthinker-window")
OWN(own_phimoe_long, "phimoe-long")
OWN(own_phimoe_short, "phimoe-short")
OWN(own_deepseek2_yarn, "deepseek2-yarn")
OWN(own_granitemoe_shared, "granitemoe-shared")

#define CASE(id, name)                                                                   \
    static void id(void **state)                                                         \
    {                                                                                    \
        device_agrees(*state, name);                                                     \
    }
CASE(llama_f32, "llama-f32")
CASE(mixtral_f32, "mixtral-f32")
CASE(mixtral_q8_0, "mixtral-q8_0")
CASE(olmoe_f32, "olmoe-f32")
CASE(olmoe_q4_0, "olmoe-q4_0")
CASE(qwen3moe_f32, "qwen3moe-f32")
CASE(qwen3moe_q4_k, "qwen3moe-q4_k")
CASE(qwen3_q8_0, "qwen3-q8_0")
CASE(qwen2moe_f32, "qwen2moe-f32")
CASE(granitemoe_f32, "granitemoe-f32")
CASE(granitemoe_q4_k, "granitemoe-q4_k")
CASE(ernie4_5_moe_f32, "ernie4_5-moe-f32")
CASE(ernie4_5_moe_q4_0, "ernie4_5-moe-q4_0")
CASE(glm4moe_f32, "glm4moe-f32")
CASE(glm4moe_q4_0_nextn, "glm4moe-q4_0-nextn")
CASE(bailingmoe2_f32, "bailingmoe2-f32")
CASE(bailingmoe2_q8_0, "bailingmoe2-q8_0")
CASE(phimoe_f32, "phimoe-f32")
CASE(phimoe_q4_0, "phimoe-q4_0")
CASE(smallthinker_f32, "smallthinker-f32")
CASE(smallthinker_q8_0, "smallthinker-q8_0")
CASE(gpt_oss_f32, "gpt-oss-f32")
CASE(gpt_oss_mxfp4, "gpt-oss-mxfp4")
CASE(lfm2moe_f32, "lfm2moe-f32")
CASE(lfm2moe_q4_0, "lfm2moe-q4_0")
CASE(deepseek2_f32, "deepseek2-f32")
CASE(deepseek2_q8_0, "deepseek2-q8_0")
CASE(gemma4_f32, "gemma4-f32")
CASE(gemma4_q8_0, "gemma4-q8_0")

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(own_mixtral_f16),    cmocka_unit_test(own_olmoe_bf16),
        cmocka_unit_test(own_qwen3moe_mix),   cmocka_unit_test(own_smallthinker_window),
        cmocka_unit_test(own_phimoe_long),    cmocka_unit_test(own_phimoe_short),
        cmocka_unit_test(own_deepseek2_yarn), cmocka_unit_test(own_granitemoe_shared),
        cmocka_unit_test(llama_f32),          cmocka_unit_test(mixtral_f32),
        cmocka_unit_test(mixtral_q8_0),       cmocka_unit_test(olmoe_f32),
        cmocka_unit_test(olmoe_q4_0),         cmocka_unit_test(qwen3moe_f32),
        cmocka_unit_test(qwen3moe_q4_k),      cmocka_unit_test(qwen3_q8_0),
        cmocka_unit_test(qwen2moe_f32),       cmocka_unit_test(granitemoe_f32),
        cmocka_unit_test(granitemoe_q4_k),    cmocka_unit_test(ernie4_5_moe_f32),
        cmocka_unit_test(ernie4_5_moe_q4_0),  cmocka_unit_test(glm4moe_f32),
        cmocka_unit_test(glm4moe_q4_0_nextn), cmocka_unit_test(bailingmoe2_f32),
        cmocka_unit_test(bailingmoe2_q8_0),   cmocka_unit_test(phimoe_f32),
        cmocka_unit_test(phimoe_q4_0),        cmocka_unit_test(smallthinker_f32),
        cmocka_unit_test(smallthinker_q8_0),  cmocka_unit_test(gpt_oss_f32),
        cmocka_unit_test(gpt_oss_mxfp4),      cmocka_unit_test(lfm2moe_f32),
        cmocka_unit_test(lfm2moe_q4_0),       cmocka_unit_test(deepseek2_f32),
        cmocka_unit_test(deepseek2_q8_0),     cmocka_unit_test(gemma4_f32),
        cmocka_unit_test(gemma4_q8_0),
    };
    return cmocka_run_group_tests_name("oracle", tests, gpu_fixture_open,
                                       gpu_fixture_close);
}
