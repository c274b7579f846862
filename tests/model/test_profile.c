/* test_profile.c - times by stage and the plan's listing: that they agree with each other
 * and with what was run, that timing changes no result, and the device's limit. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lemnos/profile.h"
#include "model/run_model.h"
#include "support/gpu_fixture.h"
#include "support/tolerance.h"

enum { N = 12, MAX_STAGE = 64 };

/* Samples on the host, whatever the device: for the other way see test_sampling.c. */
static struct lem_session *open_session(struct run_model *r, uint32_t n_batch,
                                        bool stages)
{
    struct lem_session *s = NULL;
    const struct lem_session_params p = {.weights = r->weights,
                                         .n_ctx = 32,
                                         .n_batch = n_batch,
                                         .stages = stages,
                                         .sampling = LEM_SAMPLING_HOST,
                                         .log = capture_log(&r->said)};
    if (lem_session_open(&p, &s) != LEM_OK)
        fail_msg("%s", r->said.error);
    return s;
}

static void open_tiny(struct run_model *r, void **state, const char *name)
{
    const struct gpu_fixture *fx = *state;
    run_model_open_tiny(r, fx->device, tiny_find(name));
}

/* ---- stages ---------------------------------------------------------------------------
 */

struct stages {
    struct lem_stage list[MAX_STAGE];
    struct lem_stage_total total;
};

static void get(struct lem_session *s, enum lem_phase phase, struct stages *out)
{
    assert_int_equal(lem_session_stages(s, phase, out->list, MAX_STAGE, &out->total),
                     LEM_OK);
    assert_true(out->total.n_stage <= MAX_STAGE);
}

static const struct lem_stage *find(const struct stages *s, const char *name,
                                    const char *layers)
{
    for (uint32_t i = 0; i < s->total.n_stage; i++)
        if (strcmp(s->list[i].name, name) == 0 && strcmp(s->list[i].layers, layers) == 0)
            return &s->list[i];
    return NULL;
}

static void stages_add_up(const struct stages *s, uint32_t n_dispatch)
{
    uint64_t last = 0, sum = 0;
    uint32_t n = 0;
    for (uint32_t i = 0; i < s->total.n_stage; i++) {
        assert_true(s->list[i].sum_ns >= s->list[i].last_ns);
        last += s->list[i].last_ns;
        sum += s->list[i].sum_ns;
        n += s->list[i].n_dispatch;
    }
    assert_int_equal(last, s->total.last_ns);
    assert_int_equal(sum, s->total.sum_ns);
    assert_int_equal(n, n_dispatch);
    assert_true(sum > 0);
}

static void times_are_those_of_the_runs(void **state)
{
    struct run_model r;
    open_tiny(&r, state, "olmoe");
    int32_t ids[N];
    run_random_ids(ids, N, r.n_vocab, 3);
    struct lem_session *s = open_session(&r, 8, true);
    struct stages prompt, token;
    get(s, LEM_PHASE_TOKEN, &token);
    assert_int_equal(token.total.n_token, 0);

    assert_int_equal(lem_session_append(s, ids, 10), LEM_OK); /* 8 and 2 */
    assert_int_equal(lem_session_append(s, ids, 1), LEM_OK);
    struct lem_sampled drawn;
    const struct lem_sample_params greedy = {0};
    assert_int_equal(lem_session_sample(s, &greedy, &drawn), LEM_OK);
    get(s, LEM_PHASE_PROMPT, &prompt);
    get(s, LEM_PHASE_TOKEN, &token);
    assert_int_equal(prompt.total.n_token, 10);
    assert_int_equal(prompt.total.last_token, 2);
    assert_int_equal(prompt.total.n_submission, 2);
    assert_int_equal(token.total.n_token, 1);
    stages_add_up(&prompt, lem_session_plan_length(s, LEM_PHASE_PROMPT));
    stages_add_up(&token, lem_session_plan_length(s, LEM_PHASE_TOKEN));

    assert_non_null(find(&prompt, "group", "attention, experts"));
    assert_null(find(&token, "group", "attention, experts"));
    assert_null(find(&prompt, "sampling", ""));
    const struct lem_stage *sampling = find(&token, "sampling", "");
    assert_true(sampling && sampling->on_host && sampling->sum_ns > 0);
    assert_ptr_equal(sampling, &token.list[token.total.n_stage - 1]);
    const struct lem_stage *embed = find(&token, "embed", "");
    assert_true(embed && !embed->on_host && embed->n_dispatch == 1);

    lem_session_clear_stages(s);
    get(s, LEM_PHASE_PROMPT, &prompt);
    assert_int_equal(prompt.total.sum_ns, 0);
    assert_int_equal(prompt.total.n_submission, 0);
    lem_session_close(&s);
    run_model_close(&r);
}

/* A model whose layers differ: each kind of layer has stages of its own. */
static void kinds_of_layers_are_apart(void **state)
{
    struct run_model r;
    open_tiny(&r, state, "lfm2moe");
    const int32_t id = 3;
    struct lem_session *s = open_session(&r, 1, true);
    assert_int_equal(lem_session_append(s, &id, 1), LEM_OK);
    struct stages token;
    get(s, LEM_PHASE_TOKEN, &token);
    stages_add_up(&token, lem_session_plan_length(s, LEM_PHASE_TOKEN));
    uint32_t n_convolution = 0, n_attention = 0;
    for (uint32_t i = 0; i < token.total.n_stage; i++) {
        n_convolution += strncmp(token.list[i].layers, "convolution, ", 13) == 0;
        n_attention += strncmp(token.list[i].layers, "attention, ", 11) == 0;
    }
    assert_true(n_convolution > 0 && n_attention > 0);
    assert_int_equal(lem_session_plan_length(s, LEM_PHASE_PROMPT), 0);
    lem_session_close(&s);
    run_model_close(&r);
}

static void timing_changes_no_result(void **state)
{
    struct run_model r;
    open_tiny(&r, state, "qwen3moe");
    int32_t ids[N];
    run_random_ids(ids, N, r.n_vocab, 5);
    struct lem_session *s[2] = {open_session(&r, 8, false), open_session(&r, 8, true)};
    for (int i = 0; i < 2; i++)
        assert_int_equal(lem_session_append(s[i], ids, N), LEM_OK);
    assert_bits(lem_session_logits(s[1], NULL), lem_session_logits(s[0], NULL),
                r.n_vocab);

    /* and the one without times says so */
    struct lem_stage_total total;
    assert_int_equal(lem_session_stages(s[0], LEM_PHASE_TOKEN, NULL, 0, &total),
                     LEM_ERR_ARGUMENT);
    assert_said(&r.said, "opened without stages");
    lem_session_clear_stages(s[0]);
    /* counting alone needs no room */
    assert_int_equal(lem_session_stages(s[1], LEM_PHASE_TOKEN, NULL, 0, &total), LEM_OK);
    assert_true(total.n_stage > 0);
    for (int i = 0; i < 2; i++)
        lem_session_close(&s[i]);
    run_model_close(&r);
}

/* ---- for a recording
 * -------------------------------------------------------------------
 */

/* Sums over both phases of what is named so in a recording, in nanoseconds. */
static uint64_t sum_of(struct lem_session *s, const char *const *names)
{
    uint64_t sum = 0;
    for (int phase = 0; phase < 2; phase++) {
        struct stages all;
        get(s, (enum lem_phase)phase, &all);
        for (uint32_t i = 0; i < all.total.n_stage; i++)
            for (const char *const *name = names; *name; name++)
                sum += strcmp(all.list[i].name, *name) == 0 ? all.list[i].sum_ns : 0;
    }
    return sum;
}

/* lfm2moe: layers with convolutions, dense ones, and ones with experts. */
static void a_recording_gathers_stages(void **state)
{
    static const char *const names[LEM_TRACE_STAGE_COUNT][8] = {
        [LEM_TRACE_ATTENTION] = {"norm", "qkv", "rope", "attention", "attn_out"},
        [LEM_TRACE_ROUTER] = {"router", "group"},
        [LEM_TRACE_EXPERTS] = {"gate_up", "down", "ffn_gate_up", "ffn_down"},
        [LEM_TRACE_HEAD] = {"head"},
        [LEM_TRACE_SAMPLING] = {"sampling"}};
    struct run_model r;
    open_tiny(&r, state, "lfm2moe");
    int32_t ids[N];
    uint32_t us[LEM_TRACE_STAGE_COUNT], one[LEM_TRACE_STAGE_COUNT];
    run_random_ids(ids, N, r.n_vocab, 3);
    struct lem_session *s = open_session(&r, 8, true);
    struct lem_sampled drawn;
    const struct lem_sample_params greedy = {0};
    assert_int_equal(lem_session_append(s, ids, 9), LEM_OK); /* 8 and 1: both phases */
    assert_int_equal(lem_session_sample(s, &greedy, &drawn), LEM_OK);
    assert_int_equal(lem_session_trace_stages(s, 9, us), LEM_OK);
    assert_int_equal(lem_session_trace_stages(s, 1, one), LEM_OK);
    for (int k = 0; k < LEM_TRACE_STAGE_COUNT; k++) {
        const uint64_t ns = sum_of(s, names[k]);
        assert_true(ns > 0);
        const double want = (double)ns / 1e3;
        assert_true(fabs((double)one[k] - want) <= 1); /* rounded, and at least 1 */
        assert_true(fabs((double)us[k] - want / 9) <= 1);
        assert_true(us[k] > 0);
    }
    lem_session_clear_stages(s);
    assert_int_equal(lem_session_trace_stages(s, 1, us), LEM_OK);
    for (int k = 0; k < LEM_TRACE_STAGE_COUNT; k++)
        assert_int_equal(us[k], 0);
    assert_int_equal(lem_session_trace_stages(s, 0, us), LEM_ERR_ARGUMENT);
    assert_said(&r.said, "at least 1");
    lem_session_close(&s);
    s = open_session(&r, 8, false);
    assert_int_equal(lem_session_trace_stages(s, 1, us), LEM_ERR_ARGUMENT);
    assert_said(&r.said, "opened without stages");
    lem_session_close(&s);
    run_model_close(&r);
}

static void a_recording_counts_memory(void **state)
{
    struct run_model r;
    open_tiny(&r, state, "olmoe");
    uint64_t before, after;
    lem_device_memory(r.device, &before, NULL);
    struct lem_session *s = open_session(&r, 8, false);
    lem_device_memory(r.device, &after, NULL);
    struct lem_trace_memory m;
    struct lem_session_stats stats;
    lem_session_trace_memory(s, &m);
    lem_session_get_stats(s, &stats);
    assert_int_equal(m.session, stats.device_bytes);
    assert_int_equal(m.cache, stats.cache_bytes);
    assert_int_equal(m.n_ctx, 32);
    assert_true(m.cache > 0 && m.cache <= m.session);
    assert_true(m.weights > 0 && m.weights <= before);
    assert_true(m.session <= after - before);
    assert_true(m.peak >= m.weights + m.session && m.device >= m.peak);
    lem_session_close(&s);
    run_model_close(&r);
}

/* ---- the plan
 * -------------------------------------------------------------------------- */

/* Bytes of all matrices that a token takes, as they lie on the device: rows padded to
 * 8, columns to whole superblocks. F32 of tiny shapes that need no padding: exact. */
static void estimates_are_the_models(void **state)
{
    struct run_model r;
    open_tiny(&r, state, "qwen3moe");
    const struct hparams *hp = &r.model->hp;
    struct lem_session *s = open_session(&r, 8, false);
    struct lem_plan_row row;
    uint64_t flops = 0, router = 0;
    const uint32_t n = lem_session_plan_length(s, LEM_PHASE_TOKEN);
    for (uint32_t i = 0; i < n; i++) {
        assert_int_equal(lem_session_plan_row(s, LEM_PHASE_TOKEN, i, &row), LEM_OK);
        assert_true(row.bytes >= row.weight_bytes && row.bytes > 0);
        assert_true(row.kernel[0] && row.stage[0]);
        if (strncmp(row.kernel, "matmul.", 7) == 0 ||
            strncmp(row.kernel, "experts_", 8) == 0)
            flops += row.flops;
        if (strcmp(row.label, "blk.0 router_logits") == 0)
            router = row.flops;
    }
    const struct layer_hparams *l = &hp->layer[0];
    const uint64_t att = (uint64_t)l->n_head * l->head_dim;
    const uint64_t kv = (uint64_t)l->n_head_kv * l->head_dim;
    const uint64_t layer = hp->n_embd * (2 * att + 2 * kv + hp->n_expert +
                                         (uint64_t)3 * hp->n_expert_used * hp->n_ff_exp);
    assert_int_equal(router, 2 * hp->n_embd * hp->n_expert);
    assert_int_equal(flops,
                     2 * (hp->n_layer * layer + (uint64_t)hp->n_embd * hp->n_vocab));

    assert_int_equal(lem_session_plan_row(s, LEM_PHASE_TOKEN, n, &row), LEM_ERR_ARGUMENT);
    assert_said(&r.said, "but there are");
    lem_session_close(&s);
    run_model_close(&r);
}

static void a_batch_has_its_own_plan(void **state)
{
    struct run_model r;
    open_tiny(&r, state, "olmoe");
    struct lem_session *s = open_session(&r, 8, false);
    struct lem_plan_row row;
    bool indirect = false, many = false;
    const uint32_t n = lem_session_plan_length(s, LEM_PHASE_PROMPT);
    assert_true(n > 0);
    for (uint32_t i = 0; i < n; i++) {
        assert_int_equal(lem_session_plan_row(s, LEM_PHASE_PROMPT, i, &row), LEM_OK);
        indirect = indirect || row.group[0] == 0;
        many = many || row.group[1] > 1;
    }
    assert_true(indirect && many);
    lem_session_close(&s);
    run_model_close(&r);
}

/* ---- the limit
 * --------------------------------------------------------------------------- */

static void the_limit_names_its_kernel(void **state)
{
    struct gpu_fixture *fx = *state;
    struct lem_limit limit;
    assert_int_equal(lem_device_limit(fx->device, "q8_0", &limit), LEM_OK);
    assert_int_equal(strncmp(limit.kernel, "matmul.q8_0", 11), 0);
    assert_true(limit.ns > 0);
    assert_true(limit.weight_bytes >= (uint64_t)limit.n_row * limit.n_col);
    assert_int_equal(lem_device_limit(fx->device, "q9_9", &limit), LEM_ERR_ARGUMENT);
    gpu_fixture_said(fx, "no weight type \"q9_9\"");
    assert_int_equal(lem_device_limit(fx->device, "IQ1_S", &limit), LEM_ERR_UNSUPPORTED);
    gpu_fixture_said(fx, "no kernels");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_are_those_of_the_runs),
        cmocka_unit_test(kinds_of_layers_are_apart),
        cmocka_unit_test(timing_changes_no_result),
        cmocka_unit_test(a_recording_gathers_stages),
        cmocka_unit_test(a_recording_counts_memory),
        cmocka_unit_test(estimates_are_the_models),
        cmocka_unit_test(a_batch_has_its_own_plan),
        cmocka_unit_test(the_limit_names_its_kernel),
    };
    return cmocka_run_group_tests(tests, gpu_fixture_open, gpu_fixture_close);
}
