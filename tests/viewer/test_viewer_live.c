/* test_viewer_live.c - a model at work as a source: stepping in between two tokens. The
 * model that ships writes; waits are for what must come, not for a time. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <SDL.h>
#include <cmocka.h>

#include "live_fixture.h"
#include "save.h"
#include "support/program.h"
#include "support/scratch.h"
#include "ui.h"

enum { LAYER = 3 };

/* Of tokens [from, to): how many have the expert at the layer. */
static unsigned count_expert(struct fixture *f, uint32_t from, uint32_t to,
                             uint16_t expert)
{
    uint16_t ids[256];
    float weights[256];
    unsigned n = 0;
    assert_in_range(f->pairs, 1, 256);
    for (uint32_t i = from; i < to; i++) {
        assert_true(source_routing(&f->source, i, ids, weights));
        for (uint32_t k = 0; k < f->n_used; k++)
            n += ids[LAYER * f->n_used + k] == expert;
    }
    return n;
}

/* The expert of LAYER that most tokens have. */
static uint16_t busiest(struct fixture *f, uint32_t n)
{
    uint16_t best = 0;
    for (uint16_t e = 1; e < f->source.facts.n_expert; e++)
        if (count_expert(f, 0, n, e) > count_expert(f, 0, n, best))
            best = e;
    return best;
}

/* ---- the tests ----------------------------------------------------------- */

/* Rewind gives the same text, another seed another one, and what was kept stays. */
static void going_back_is_a_real_rewind(void **state)
{
    struct fixture *f = *state;
    int32_t first[MAX_TOKEN], again[MAX_TOKEN];
    const uint32_t n = fixture_ids(&f->source, first), at = f->source.n_prompt + 5;
    assert_int_equal(n, f->source.n_prompt + N_WRITE);
    fixture_keep(f, at);
    fixture_wait_for_end(f);
    assert_int_equal(fixture_ids(&f->source, again), n);
    assert_memory_equal(again, first, n * sizeof *first);
    struct source_ask ask = {.kind = SOURCE_ASK_SAMPLE,
                             .sample = source_sampling(&f->source)};
    ask.sample.seed = 99;
    assert_true(source_ask(&f->source, &ask));
    fixture_keep(f, at);
    fixture_wait_for_end(f);
    assert_int_equal(source_sampling(&f->source).seed, 99);
    const uint32_t n_other = fixture_ids(&f->source, again);
    assert_true(n_other > at);
    assert_memory_equal(again, first, at * sizeof *first);
    assert_true(n_other != n || memcmp(again, first, n * sizeof *first) != 0);
}

/* Paused: a token is taken back, and one at a time is written. */
static void tokens_come_and_go_one_by_one(void **state)
{
    struct fixture *f = *state;
    int32_t first[MAX_TOKEN], again[MAX_TOKEN];
    const uint32_t n = fixture_ids(&f->source, first);
    source_pause(&f->source, true);
    fixture_keep(f, n - 3);
    assert_int_equal(source_n_token(&f->source), n - 3);
    const struct source_ask step = {.kind = SOURCE_ASK_STEP};
    for (uint32_t k = 3; k-- > 0;) {
        assert_true(source_ask(&f->source, &step));
        for (uint64_t since = 0; source_n_token(&f->source) < n - k;)
            fixture_wait(f, &since, "one token more");
        assert_int_equal(source_n_token(&f->source), n - k);
    }
    assert_int_equal(fixture_ids(&f->source, again), n);
    assert_memory_equal(again, first, n * sizeof *first);
}

/* One token in 1000 seconds is written at once, the next ones when the pace is let go. */
static void a_pace_holds_the_model_back(void **state)
{
    struct fixture *f = *state;
    int32_t first[MAX_TOKEN], again[MAX_TOKEN];
    const uint32_t n = fixture_ids(&f->source, first);
    source_pace(&f->source, 0.001f);
    fixture_keep(f, n - 5);
    for (uint64_t since = 0; source_n_token(&f->source) < n - 4;)
        fixture_wait(f, &since, "the first token under the pace");
    SDL_Delay(300);
    assert_int_equal(source_n_token(&f->source), n - 4);
    source_pace(&f->source, 0);
    fixture_wait_for_end(f);
    assert_int_equal(fixture_ids(&f->source, again), n);
    assert_memory_equal(again, first, n * sizeof *first);
}

static void a_banned_expert_is_not_taken(void **state)
{
    struct fixture *f = *state;
    int32_t ids[MAX_TOKEN];
    const uint32_t n = fixture_ids(&f->source, ids), at = f->source.n_prompt;
    const uint16_t e = busiest(f, n);
    assert_true(count_expert(f, at, n, e) > 0);
    struct lem_policy_entry ban = {
        .kind = LEM_POLICY_BAN, .layer = f->source.facts.layer[LAYER], .expert = e};
    fixture_policy(f, &ban, 1);
    fixture_keep(f, at);
    fixture_wait_for_end(f);
    const uint32_t n_now = fixture_ids(&f->source, ids);
    /* The last token kept was run again, under the ban. */
    assert_int_equal(count_expert(f, at - 1, n_now, e), 0);
    assert_true(n_now > at);
    /* One event, before the first token that was run under it. */
    uint64_t before = 0;
    char text[512];
    assert_int_equal(source_n_event(&f->source), 1);
    const size_t n_text = source_event(&f->source, 0, &before, text, sizeof text - 1);
    assert_in_range(n_text, 1, sizeof text - 1);
    text[n_text] = '\0';
    assert_contains(text, "\"ban\": [");
    assert_int_equal(before, at - 1);
    /* Undone before another token came: as if it had never been. */
    fixture_keep(f, at);
    fixture_policy(f, NULL, 0);
    fixture_keep(f, at);
    fixture_wait_for_end(f);
    assert_int_equal(source_n_event(&f->source), 0);
}

static void what_is_refused_changes_nothing(void **state)
{
    struct fixture *f = *state;
    char message[512] = "";
    struct lem_policy_entry e[2] = {{.kind = LEM_POLICY_BAN, .layer = 0, .expert = 1},
                                    {.kind = LEM_POLICY_BAN, .layer = 77, .expert = 1}};
    struct lem_policy_entry now[4];
    uint32_t revision, before;
    fixture_policy(f, e, 1);
    source_policy(&f->source, NULL, 0, &before);
    const struct source_ask ask = {
        .kind = SOURCE_ASK_POLICY, .entries = e, .n_entry = 2, .replace = true};
    assert_true(source_ask(&f->source, &ask));
    /* Another revision, so that who expected the change looks again. */
    uint64_t since = 0;
    uint32_t n = 0;
    do {
        fixture_wait(f, &since, "the refusal");
        n = source_policy(&f->source, now, 4, &revision);
    } while (revision == before);
    source_phase(&f->source, message, sizeof message);
    assert_contains(message, "block 77");
    assert_int_equal(n, 1);
    assert_int_equal(now[0].expert, 1);
    fixture_keep(f, 3); /* and it goes on */
    fixture_wait_for_end(f);
}

static void a_prompt_begins_anew(void **state)
{
    struct fixture *f = *state;
    const uint32_t before = source_revision(&f->source);
    char prompt[] = "The dog", piece[64];
    const struct source_ask ask = {.kind = SOURCE_ASK_PROMPT, .text = prompt};
    assert_true(source_ask(&f->source, &ask));
    fixture_wait_for_revision(f, before);
    fixture_wait_for_end(f);
    const size_t n =
        source_piece(&f->source, f->source.n_prompt - 1u, piece, sizeof piece);
    assert_int_equal(n, 4);
    assert_memory_equal(piece, " dog", 4);
    assert_int_equal(source_n_token(&f->source), f->source.n_prompt + N_WRITE);
    char message[512] = "";
    source_phase(&f->source, message, sizeof message);
    assert_string_equal(message, ""); /* of reading the prompt nothing is said any more */
    /* One that cannot be run leaves the text as it is, and says why. */
    char longer[16 * MAX_TOKEN] = "";
    for (int i = 0; i < 2 * MAX_TOKEN; i++)
        strcat(longer, " dog");
    const struct source_ask bad = {.kind = SOURCE_ASK_PROMPT, .text = longer};
    assert_true(source_ask(&f->source, &bad));
    uint64_t since = 0;
    while (source_phase(&f->source, message, sizeof message) != SOURCE_FAILED &&
           !message[0])
        fixture_wait(f, &since, "the refusal");
    assert_contains(message, "has room for 64");
    assert_int_equal(source_n_token(&f->source), f->source.n_prompt + N_WRITE);
}

/* ---- A and B ------------------------------------------------------------- */

/* KL divergence at each token, computed by two sessions of our own, token by token. */
static void direct_divergence(const int32_t *id, uint32_t n, uint32_t from,
                              const struct lem_policy_entry *ban, double *kl)
{
    struct lem_model *m = NULL;
    struct lem_device *d = NULL;
    struct lem_weights *w = NULL;
    struct lem_session *s[2] = {NULL, NULL};
    const struct lem_device_params dp = {.caps = getenv("LEMNOS_TEST_CAPS")};
    assert_int_equal(
        lem_model_open(&(struct lem_model_params){.path = fixture_model}, &m), LEM_OK);
    assert_int_equal(lem_device_open(&dp, &d), LEM_OK);
    assert_int_equal(
        lem_weights_open(&(struct lem_weights_params){.model = m, .device = d}, &w),
        LEM_OK);
    for (int k = 0; k < 2; k++)
        assert_int_equal(
            lem_session_open(
                &(struct lem_session_params){.weights = w, .n_ctx = MAX_TOKEN}, &s[k]),
            LEM_OK);
    struct lem_model_info info;
    lem_model_get_info(m, &info);
    kl[0] = 0;
    for (uint32_t i = 0; i + 1 < n; i++) {
        double sum[2] = {0}, d_kl = 0;
        const float *row[2];
        if (i == from)
            assert_int_equal(lem_session_ban(s[1], ban->layer, ban->expert), LEM_OK);
        for (int k = 0; k < 2; k++) {
            assert_int_equal(lem_session_append(s[k], &id[i], 1), LEM_OK);
            row[k] = lem_session_logits(s[k], NULL);
            for (uint32_t v = 0; v < info.n_vocab; v++)
                sum[k] += exp((double)row[k][v]);
        }
        for (uint32_t v = 0; v < info.n_vocab; v++) {
            const double lp = (double)row[0][v] - log(sum[0]);
            d_kl += exp(lp) * (lp - ((double)row[1][v] - log(sum[1])));
        }
        kl[i + 1] = d_kl;
    }
    for (int k = 0; k < 2; k++)
        lem_session_close(&s[k]);
    lem_weights_close(&w);
    lem_device_close(&d);
    lem_model_close(&m);
}

static void wait_for_divergence(struct fixture *f, uint32_t n, float *kl)
{
    uint64_t since = 0;
    for (bool all = false; !all;) {
        fixture_wait(f, &since, "the divergence");
        all = source_divergence(&f->source, 0, n, kl) == n;
        for (uint32_t i = 0; i < n && all; i++)
            all = !isnan(kl[i]);
    }
}

static void the_pinned_run_is_compared(void **state)
{
    struct fixture *f = *state;
    int32_t id[MAX_TOKEN], kept[MAX_TOKEN];
    float kl[MAX_TOKEN];
    double want[MAX_TOKEN];
    const uint32_t n = fixture_ids(&f->source, id), at = f->source.n_prompt + 4;
    const uint32_t before = source_revision(&f->source);
    assert_null(source_pinned(&f->source));
    assert_true(source_ask(&f->source, &(struct source_ask){.kind = SOURCE_ASK_PIN}));
    fixture_wait_for_revision(f, before);
    struct source *pinned = source_pinned(&f->source);
    assert_non_null(pinned);
    assert_int_equal(source_sampling(pinned).seed, 1);
    wait_for_divergence(f, n, kl);
    for (uint32_t i = 0; i < n; i++)
        assert_true(kl[i] == 0); /* from itself */
    struct lem_policy_entry ban = {.kind = LEM_POLICY_BAN,
                                   .layer = f->source.facts.layer[LAYER],
                                   .expert = busiest(f, n)};
    fixture_policy(f, &ban, 1);
    fixture_keep(f, at);
    fixture_wait_for_end(f);
    wait_for_divergence(f, n, kl);
    assert_int_equal(fixture_ids(pinned, kept), n); /* whatever became of the other */
    assert_memory_equal(kept, id, n * sizeof *id);
    direct_divergence(id, n, at - 1, &ban, want);
    bool any = false;
    for (uint32_t i = 0; i < n; i++) {
        if (i < at)
            assert_true(kl[i] == 0);
        /* Batches and single tokens round differently: logits of about 1e-4. */
        assert_true(fabs((double)kl[i] - want[i]) < 2e-3 + 1e-2 * want[i]);
        any |= kl[i] > 0.01f;
    }
    assert_true(any);
    assert_true(source_ask(&f->source, &(struct source_ask){.kind = SOURCE_ASK_UNPIN}));
    for (uint64_t since = 0; source_pinned(&f->source);)
        fixture_wait(f, &since, "the run to be unpinned");
    assert_int_equal(source_divergence(&f->source, 0, n, kl), 0);
}

/* ---- times and memory ------------------------------------------------------ */

/* What the figures show of a model at work they show of its recording, too. */
static void a_saved_run_has_times_and_memory(void **state)
{
    struct fixture *f = *state;
    struct scratch scratch;
    struct source saved;
    char message[600] = "";
    scratch_open(&scratch);
    const char *path = scratch_path(&scratch, "run.lemtrace");
    assert_true(save_recording(&f->source, path, message, sizeof message));
    assert_true(source_open_recording(&saved, path, message, sizeof message));
    const uint64_t n = source_n_token(&f->source);
    assert_int_equal(source_n_token(&saved), n);
    for (uint64_t i = 0; i < n; i++) {
        struct lem_trace_token live, kept;
        assert_true(source_token(&f->source, i, &live));
        assert_true(source_token(&saved, i, &kept));
        assert_int_equal(kept.total_us, live.total_us);
        assert_memory_equal(kept.stage_us, live.stage_us, sizeof live.stage_us);
        for (int k = 0; k < LEM_TRACE_STAGE_COUNT; k++) /* a prompt is not drawn */
            assert_true((live.stage_us[k] > 0) ==
                        !(live.prompt && k == LEM_TRACE_SAMPLING));
        struct lem_trace_memory a, b;
        source_memory(&f->source, i, &a);
        source_memory(&saved, i, &b);
        assert_true(a.weights > 0 && a.cache > 0 && a.cache <= a.session);
        assert_true(a.peak >= a.weights + a.session && a.device >= a.peak);
        assert_true(a.weights == b.weights && a.session == b.session &&
                    a.cache == b.cache && a.peak == b.peak && a.device == b.device);
        assert_int_equal(a.n_ctx, MAX_TOKEN);
        assert_int_equal(b.n_ctx, MAX_TOKEN);
    }
    source_close(&saved);
    scratch_close(&scratch);
}

/* ---- by the controls ----------------------------------------------------- */

struct viewer {
    struct scene scene;
    struct stats stats;
    struct ui ui;
};

static void press(struct viewer *v, enum command command)
{
    layout_draw(&v->ui);
    for (uint32_t i = 0; i < v->ui.n_hit; i++) {
        const struct hit h = v->ui.hit[i];
        const int x = h.box.x + h.box.w / 2, y = h.box.y + h.box.h / 2;
        if (h.kind != HIT_COMMAND || h.command != command ||
            ui_hit_at(&v->ui, x, y) != &v->ui.hit[i])
            continue;
        ui_click(&v->ui, x, y);
        return;
    }
    fail_msg("no button for command %d", (int)command);
}

/* As the window does between two frames, until `done` is true of what is shown. */
static void run_until(struct fixture *f, struct viewer *v, bool (*done)(struct viewer *v),
                      const char *what)
{
    uint64_t since = 0;
    do {
        fixture_wait(f, &since, what);
        scene_step(&v->scene, 0.01f);
        stats_read(&v->stats, 1000);
        layout_draw(&v->ui);
    } while (!done(v));
}

static bool has_rule(struct viewer *v)
{
    return v->ui.steer.n_row == 1;
}

static bool has_none(struct viewer *v)
{
    return v->ui.steer.n_row == 0;
}

static bool is_pinned(struct viewer *v)
{
    return source_pinned(v->scene.source) != NULL;
}

static bool went_back(struct viewer *v)
{
    return v->scene.n_token == 10 && v->stats.n_read == 10;
}

static bool is_long(struct viewer *v)
{
    return v->scene.n_token > 20 && v->stats.n_read == v->scene.n_token;
}

static void buttons_step_in(void **state)
{
    struct fixture *f = *state;
    struct viewer *v = calloc(1, sizeof *v);
    assert_non_null(v);
    scene_open(&v->scene, &f->source);
    assert_true(stats_open(&v->stats, &f->source));
    assert_true(ui_open(&v->ui, &v->scene, &v->stats, 1280, 800, 1, true));
    scene_do(&v->scene, CMD_STEERING);
    scene_select(&v->scene, 2, 5);
    press(v, CMD_BAN);
    run_until(f, v, has_rule, "the rule");
    assert_true(steer_rule(&v->ui.steer, 2, 5) == -INFINITY);
    press(v, CMD_PIN_RUN);
    run_until(f, v, is_pinned, "the pinned run");
    scene_seek(&v->scene, 10);
    press(v, CMD_STEP_BACK);
    run_until(f, v, went_back, "ten tokens");
    assert_false(v->scene.playing);
    assert_int_equal(v->scene.cursor, 9);
    press(v, CMD_REGENERATE);
    assert_true(v->scene.playing);
    run_until(f, v, is_long, "the text to go on");
    uint64_t load = 0;
    for (uint32_t e = 0; e < v->stats.n_expert; e++)
        load += v->stats.load[e];
    assert_int_equal(load, v->stats.n_read * f->n_used); /* counted once each */
    press(v, CMD_UNSET_ALL);
    run_until(f, v, has_none, "no rule");
    ui_close(&v->ui);
    stats_close(&v->stats);
    free(v);
}

int main(void)
{
#define WITH_FIXTURE(fn) cmocka_unit_test_setup_teardown(fn, fixture_open, fixture_close)
    const struct CMUnitTest tests[] = {
        WITH_FIXTURE(going_back_is_a_real_rewind),
        WITH_FIXTURE(tokens_come_and_go_one_by_one),
        WITH_FIXTURE(a_pace_holds_the_model_back),
        WITH_FIXTURE(a_banned_expert_is_not_taken),
        WITH_FIXTURE(what_is_refused_changes_nothing),
        WITH_FIXTURE(a_prompt_begins_anew),
        WITH_FIXTURE(the_pinned_run_is_compared),
        WITH_FIXTURE(buttons_step_in),
        cmocka_unit_test_setup_teardown(a_saved_run_has_times_and_memory,
                                        fixture_open_staged, fixture_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
