/* test_ref_oracle.c - the CPU reference against logits, routing and greedy ids that
 * others computed from the same files: a script of ours in f64 (tests/data), and another
 * program in f32, whose files lie beside the project and are skipped where absent. */
#include <stdlib.h>

#include "ref/ref.h"
#include "support/capture.h"
#include "support/oracle.h"
#include "support/tolerance.h"

/* Both sides compute in f32 or better. Logits have a standard deviation of 2, and two
 * such programs differ by up to 3e-5 over a few layers of these sizes. */
static const float max_abs_logits = 1e-4f;
static const float max_abs_weights = 1e-5f;
static const float near_tie = 1e-4f;

struct run {
    struct lem_model *model;
    struct ref_state *state;
    float *logits, *weights; /* as in struct oracle */
    uint32_t *ids;
};

static void start(struct run *r, const struct oracle *o)
{
    struct capture said = {0};
    const struct lem_model_params p = {.path = o->model, .log = capture_log(&said)};
    if (lem_model_open(&p, &r->model) != LEM_OK)
        fail_msg("%s", said.error);
    assert_silent(&said);
    assert_int_equal(said.n_other, 0); /* no unused tensor */
    assert_int_equal(r->model->hp.n_vocab, o->n_vocab);
    assert_int_equal(r->model->info.n_layer_moe, o->n_layer);

    const size_t n_choice = (size_t)o->n_token * o->n_layer * o->n_used + 1;
    r->state = ref_open(r->model, o->n_token + o->n_greedy);
    r->logits = calloc((size_t)o->n_token * o->n_vocab, sizeof *r->logits);
    r->weights = calloc(n_choice, sizeof *r->weights);
    r->ids = calloc(n_choice, sizeof *r->ids);
    assert_non_null(r->state);
    assert_true(r->logits && r->weights && r->ids);
}

static void stop(struct run *r)
{
    ref_close(&r->state);
    lem_model_close(&r->model);
    free(r->logits);
    free(r->weights);
    free(r->ids);
}

static void check_case(const struct oracle *o)
{
    struct run r = {0};
    start(&r, o);
    for (uint32_t t = 0; t < o->n_token; t++) {
        const size_t at = (size_t)t * o->n_layer * o->n_used;
        ref_token(r.state, o->prompt[t], r.logits + (size_t)t * o->n_vocab, r.ids + at,
                  r.weights + at, NULL);
    }
    oracle_check_logits(o, r.logits, max_abs_logits);
    oracle_check_routing(o, r.ids, r.weights, near_tie, max_abs_weights);

    float *last = r.logits + (size_t)(o->n_token - 1) * o->n_vocab;
    for (uint32_t i = 0; i < o->n_greedy; i++) {
        const int32_t id = oracle_argmax(last, o->n_vocab);
        if (id != o->greedy[i])
            fail_msg("%s: greedy id %u is %d, expected %d", o->name, i, id, o->greedy[i]);
        ref_token(r.state, id, last, NULL, NULL, NULL);
    }
    stop(&r);
}

static void reference_agrees(void **state)
{
    struct oracle o;
    if (!oracle_open(&o, LEM_TEST_SHARED "/oracle", *state))
        skip();
    check_case(&o);
    oracle_close(&o);
}

static void own_case_agrees(void **state)
{
    struct oracle o;
    assert_true(oracle_open(&o, LEM_TEST_DATA "/cases", *state));
    check_case(&o);
    oracle_close(&o);
}

#define CASE(name)                                                                       \
    {                                                                                    \
        name, reference_agrees, NULL, NULL, name                                         \
    }
#define OWN(name)                                                                        \
    {                                                                                    \
        name, own_case_agrees, NULL, NULL, name                                          \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        OWN("mixtral-f16"),         OWN("olmoe-bf16"),          OWN("qwen3moe-mix"),
        OWN("smallthinker-window"), OWN("phimoe-long"),         OWN("phimoe-short"),
        OWN("deepseek2-yarn"),      OWN("granitemoe-shared"),   CASE("llama-f32"),
        CASE("mixtral-f32"),        CASE("mixtral-q8_0"),       CASE("olmoe-f32"),
        CASE("olmoe-q4_0"),         CASE("qwen3moe-f32"),       CASE("qwen3moe-q4_k"),
        CASE("qwen3-q8_0"),         CASE("qwen2moe-f32"),       CASE("granitemoe-f32"),
        CASE("granitemoe-q4_k"),    CASE("ernie4_5-moe-f32"),   CASE("ernie4_5-moe-q4_0"),
        CASE("glm4moe-f32"),        CASE("glm4moe-q4_0-nextn"), CASE("bailingmoe2-f32"),
        CASE("bailingmoe2-q8_0"),   CASE("phimoe-f32"),         CASE("phimoe-q4_0"),
        CASE("smallthinker-f32"),   CASE("smallthinker-q8_0"),  CASE("gpt-oss-f32"),
        CASE("gpt-oss-mxfp4"),      CASE("lfm2moe-f32"),        CASE("lfm2moe-q4_0"),
        CASE("deepseek2-f32"),      CASE("deepseek2-q8_0"),     CASE("gemma4-f32"),
        CASE("gemma4-q8_0"),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
