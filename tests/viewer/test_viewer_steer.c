/* test_viewer_steer.c - stepping in without a model: selecting experts, what is asked of
 * the source for it, the list of what is in force, and policy files. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fake_source.h"
#include "steer.h"
#include "support/program.h"
#include "support/scratch.h"

enum { N_LAYER = 3, N_EXPERT = 8 };

struct fixture {
    struct fake_run run;
    struct source source;
    struct steer steer;
    struct scratch scratch;
    char path[512];
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    if (!f)
        return -1;
    scratch_open(&f->scratch);
    snprintf(f->path, sizeof f->path, "%s", scratch_path(&f->scratch, "policy.json"));
    f->run.sample =
        (struct lem_sample_params){.temperature = 0.8f, .top_k = 40, .seed = 7};
    fake_source_open(&f->source, &f->run);
    if (!steer_open(&f->steer, &f->source, f->path))
        return -1;
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    steer_close(&f->steer);
    scratch_close(&f->scratch);
    free(f);
    return 0;
}

/* ---- selecting ------------------------------------------------------------------------
 */

static void picks_and_drags_select(void **state)
{
    struct steer *s = &((struct fixture *)*state)->steer;
    steer_pick(s, 1, 3, STEER_ONLY);
    assert_int_equal(s->n_selected, 1);
    steer_pick(s, 2, 4, STEER_ONLY);
    assert_int_equal(s->n_selected, 1);
    assert_false(steer_is_selected(s, 1, 3));
    steer_pick(s, 0, 7, STEER_TOGGLE);
    steer_pick(s, 2, 4, STEER_TOGGLE);
    assert_int_equal(s->n_selected, 1);
    assert_true(steer_is_selected(s, 0, 7));
    /* From the last pick, in any direction, beside what there was. */
    steer_pick(s, 2, 1, STEER_TOGGLE);
    steer_drag(s, 1, 2);
    assert_int_equal(s->n_selected, 1 + 4);
    steer_drag(s, 1, 0);
    assert_int_equal(s->n_selected, 1 + 4);
    assert_true(steer_is_selected(s, 1, 0) && !steer_is_selected(s, 1, 2));
    steer_pick(s, N_LAYER, 0, STEER_ONLY); /* there is no such place */
    steer_drag(s, 0, N_EXPERT);
    assert_int_equal(s->n_selected, 1 + 4);
    steer_pick_none(s);
    assert_int_equal(s->n_selected, 0);
}

/* ---- asking ---------------------------------------------------------------------------
 */

static void verbs_ask_for_what_is_selected(void **state)
{
    struct fixture *f = *state;
    struct steer *s = &f->steer;
    steer_set(s, LEM_POLICY_BAN, 0, 0, -1); /* nothing selected at all */
    assert_int_equal(f->run.n_ask, 0);
    assert_contains(s->note, "Select");
    steer_set(s, LEM_POLICY_BAN, 0, 2, 6); /* the one that is looked at */
    assert_int_equal(f->run.asked.kind, SOURCE_ASK_POLICY);
    assert_int_equal(f->run.asked.n_entry, 1);
    assert_int_equal(f->run.entry[0].kind, LEM_POLICY_BAN);
    assert_int_equal(f->run.entry[0].layer, 5); /* its block */
    assert_int_equal(f->run.entry[0].expert, 6);
    steer_pick(s, 0, 1, STEER_ONLY);
    steer_drag(s, 1, 2);
    steer_set(s, LEM_POLICY_FORCE, 0, 2, 6);
    assert_int_equal(f->run.asked.n_entry, 4);
    assert_int_equal(f->run.entry[3].kind, LEM_POLICY_FORCE);
    assert_int_equal(f->run.entry[3].layer, 2);
    assert_int_equal(f->run.entry[3].expert, 2);
    steer_unset(s, 2, 6);
    assert_int_equal(f->run.entry[0].kind, LEM_POLICY_BIAS);
    assert_true(f->run.entry[0].bias == 0);
    steer_undo_all(s);
    assert_true(f->run.asked.replace && f->run.asked.n_entry == 0);
}

/* A bias is added to the one in force, and takes the place of a ban. */
static void biases_add_up(void **state)
{
    struct fixture *f = *state;
    const struct lem_policy_entry policy[] = {{LEM_POLICY_BIAS, 1, 3, 0.5f, 0},
                                              {LEM_POLICY_BAN, 1, 4, 0, 0}};
    f->run.policy = policy;
    f->run.n_policy = 2;
    assert_true(steer_sync(&f->steer, 0));
    steer_set(&f->steer, LEM_POLICY_BIAS, 0.25f, 0, 3);
    assert_true(f->run.entry[0].bias == 0.75f);
    steer_set(&f->steer, LEM_POLICY_BIAS, -0.25f, 0, 4);
    assert_true(f->run.entry[0].bias == -0.25f);
}

/* Pressed faster than the model answers, and refused at last. */
static void presses_are_not_lost(void **state)
{
    struct fixture *f = *state;
    struct steer *s = &f->steer;
    for (int i = 1; i <= 3; i++) {
        steer_set(s, LEM_POLICY_BIAS, 0.25f, 0, 3);
        assert_true(f->run.entry[0].bias == 0.25f * (float)i);
    }
    steer_nudge(s, STEER_EXPERTS, -1);
    assert_int_equal(f->run.entry[0].limit, 1);
    steer_nudge(s, STEER_EXPERTS, 1);
    assert_int_equal(f->run.entry[0].limit, 0);
    f->run.policy_revision++;
    assert_true(steer_sync(s, 0));
    assert_true(steer_rule(s, 0, 3) == 0);
}

static void settings_that_differ_are_named(void **state)
{
    (void)state;
    const struct lem_sample_params a = {.temperature = 0.8f, .top_k = 40, .seed = 1};
    struct lem_sample_params b = a;
    char text[128], small[8];
    steer_differences(&a, &b, text, sizeof text);
    assert_string_equal(text, "");
    b.temperature = 0.5f;
    b.seed = 2;
    steer_differences(&b, &a, text, sizeof text);
    assert_string_equal(text, "temp 0.50, seed 2");
    steer_differences(&b, &a, small, sizeof small);
    assert_string_equal(small, "temp 0.");
}

static void settings_slide_and_step(void **state)
{
    struct fixture *f = *state;
    struct steer *s = &f->steer;
    char text[48];
    steer_slide(s, STEER_TEMPERATURE, 0.5f);
    assert_int_equal(f->run.asked.kind, SOURCE_ASK_SAMPLE);
    assert_true(fabsf(f->run.asked.sample.temperature - 1) < 1e-6f);
    steer_slide(s, STEER_TEMPERATURE, -3);
    assert_true(f->run.asked.sample.temperature == 0);
    steer_slide(s, STEER_TOP_K, 1);
    assert_int_equal(f->run.asked.sample.top_k, 0);
    steer_value(s, STEER_TOP_K, text, sizeof text);
    assert_string_equal(text, "all");
    steer_slide(s, STEER_TOP_K, 0);
    assert_int_equal(f->run.asked.sample.top_k, 1);
    steer_nudge(s, STEER_SEED, 1);
    assert_int_equal(f->run.asked.sample.seed, 8);
    steer_slide(s, STEER_EXPERTS, 0);
    assert_int_equal(f->run.asked.kind, SOURCE_ASK_POLICY);
    assert_int_equal(f->run.entry[0].kind, LEM_POLICY_LIMIT);
    assert_int_equal(f->run.entry[0].layer, LEM_ALL_LAYERS);
    assert_int_equal(f->run.entry[0].limit, 1);
    steer_slide(s, STEER_EXPERTS, 1); /* all that the model uses: no limit */
    assert_int_equal(f->run.entry[0].limit, 0);
    /* Where a slider is put it stays, and every step is a step. */
    for (int i = 0; i < STEER_SEED; i++) {
        const enum steer_setting setting = (enum steer_setting)i;
        if (setting == STEER_EXPERTS)
            continue;
        for (int at = 1; at <= 20; at++) {
            steer_slide(s, setting, (float)at / 20);
            assert_true(fabsf(steer_place(s, setting) - (float)at / 20) < 0.06f);
        }
        const float before = steer_place(s, setting);
        steer_nudge(s, setting, -1);
        assert_true(steer_place(s, setting) <= before);
    }
}

/* ---- what is in force ---------------------------------------------------- */

static void rows_say_all_layers(void **state)
{
    struct fixture *f = *state;
    struct steer *s = &f->steer;
    const struct lem_policy_entry policy[] = {
        {LEM_POLICY_LIMIT, 1, 0, 0, 1}, {LEM_POLICY_BAN, 1, 3, 0, 0},
        {LEM_POLICY_LIMIT, 2, 0, 0, 1}, {LEM_POLICY_BAN, 2, 3, 0, 0},
        {LEM_POLICY_LIMIT, 5, 0, 0, 1}, {LEM_POLICY_BAN, 5, 3, 0, 0},
        {LEM_POLICY_FORCE, 5, 7, 0, 0}};
    char text[128];
    f->run.policy = policy;
    f->run.n_policy = 7;
    f->run.policy_revision = 1;
    assert_true(steer_sync(s, 0));
    assert_false(steer_sync(s, 0)); /* nothing new */
    assert_int_equal(s->n_row, 3);
    steer_describe(s, &s->row[0], text, sizeof text);
    assert_string_equal(text, "all layers: 1 of 2 experts");
    steer_describe(s, &s->row[1], text, sizeof text);
    assert_string_equal(text, "all layers: expert 3 banned");
    steer_describe(s, &s->row[2], text, sizeof text);
    assert_string_equal(text, "layer 5: expert 7 forced");
    assert_true(steer_rule(s, 1, 3) == -INFINITY);
    assert_true(steer_rule(s, 2, 7) == INFINITY);
    steer_summary(s, text, sizeof text);
    assert_string_equal(text, "all layers: 1 of 2 experts, 2 more");
    steer_undo_row(s, 0);
    assert_int_equal(f->run.entry[0].kind, LEM_POLICY_LIMIT);
    assert_int_equal(f->run.entry[0].limit, 0);
    steer_undo_row(s, 1);
    assert_int_equal(f->run.entry[0].layer, LEM_ALL_LAYERS);
    assert_true(f->run.entry[0].kind == LEM_POLICY_BIAS && f->run.entry[0].bias == 0);
}

static void a_saved_policy_is_loaded(void **state)
{
    struct fixture *f = *state;
    struct steer *s = &f->steer;
    const struct lem_policy_entry policy[] = {{LEM_POLICY_LIMIT, 1, 0, 0, 1},
                                              {LEM_POLICY_BAN, 1, 3, 0, 0},
                                              {LEM_POLICY_BIAS, 2, 4, -0.3f, 0}};
    f->run.policy = policy;
    f->run.n_policy = 3;
    steer_sync(s, 0);
    steer_save(s);
    assert_contains(s->note, "Saved to");
    size_t n = 0;
    char *text = program_read_file(f->path, &n);
    assert_contains(text, "\"layer\": 1, \"experts\": 1");
    assert_contains(text, "\"bias\": {\"4\": -0.3");
    free(text);
    assert_int_equal(scratch_count(&f->scratch), 1); /* nothing left beside it */
    steer_load(s);
    assert_contains(s->note, "Loaded from");
    assert_true(f->run.asked.replace);
    assert_int_equal(f->run.asked.n_entry, 3);
    assert_int_equal(f->run.entry[2].kind, LEM_POLICY_BIAS);
    assert_true(f->run.entry[2].bias == -0.3f);
}

static void bad_files_are_told(void **state)
{
    struct fixture *f = *state;
    struct steer *s = &f->steer;
    steer_load(s);
    assert_contains(s->note, "cannot be read");
    FILE *file = fopen(f->path, "w");
    assert_non_null(file);
    assert_true(fputs("{\"layers\": [{\"layer\": 1, \"bann\": [1]}]}", file) >= 0);
    assert_int_equal(fclose(file), 0);
    steer_load(s);
    assert_contains(s->note, "\"bann\" is not known");
    s->path = "/no/such/dir/p.json";
    steer_save(s);
    assert_contains(s->note, "/no/such/dir/p.json");
    s->path = NULL;
    steer_save(s);
    assert_contains(s->note, "--policy");
    assert_int_equal(f->run.n_ask, 0);
}

static void write_recording(const char *path)
{
    static const char *const policy[] = {
        "{\"layers\": [{\"layer\": 9, \"ban\": [2]}]}", "not a policy",
        "{\"layers\": [{\"layer\": \"all\", \"force\": [3]}]}"};
    const struct lem_trace_facts facts = {.n_layer_moe = 2,
                                          .n_expert = 4,
                                          .n_expert_used = 2,
                                          .n_vocab = 10,
                                          .layer = (const uint32_t[]){4, 9}};
    const struct lem_trace_token token = {.id = 1, .probability = -1};
    const uint16_t ids[] = {0, 1, 3, LEM_NO_EXPERT};
    const float weights[] = {0.5f, 0.5f, 1, 0};
    struct lem_trace_writer *w;
    assert_int_equal(lem_trace_writer_open(path, &facts, NULL, &w), LEM_OK);
    for (int i = 0; i < 12; i++) {
        if (i % 3 == 2 && i < 9)
            assert_int_equal(
                lem_trace_writer_policy(w, policy[i / 3], strlen(policy[i / 3])), LEM_OK);
        assert_int_equal(lem_trace_writer_token(w, &token, "x", 1, ids, weights), LEM_OK);
    }
    assert_int_equal(lem_trace_writer_close(&w), LEM_OK);
}

/* In a recording what was in force at the token is shown, and nothing can be changed. */
static void a_recording_tells_its_policies(void **state)
{
    struct fixture *f = *state;
    struct source source;
    struct steer s;
    char message[200] = "", text[96];
    const char *path = scratch_path(&f->scratch, "x.lemtrace");
    write_recording(path);
    assert_true(source_open_recording(&source, path, message, sizeof message));
    assert_int_equal(source_n_event(&source), 3);
    assert_true(steer_open(&s, &source, NULL));
    assert_int_equal(s.n_past, 2); /* the one that is none is left out */
    steer_sync(&s, 1);
    assert_int_equal(s.n_row, 0);
    assert_true(steer_sync(&s, 2));
    steer_describe(&s, &s.row[0], text, sizeof text);
    assert_string_equal(text, "layer 9: expert 2 banned");
    assert_false(steer_sync(&s, 7));
    assert_true(steer_sync(&s, 11));
    assert_int_equal(s.n_row, 1);
    steer_describe(&s, &s.row[0], text, sizeof text);
    assert_string_equal(text, "all layers: expert 3 forced");
    assert_true(steer_sync(&s, 0)); /* and back again */
    assert_int_equal(s.n_row, 0);
    steer_set(&s, LEM_POLICY_BAN, 0, 0, 0);
    assert_contains(s.note, "cannot be changed");
    steer_close(&s);
    source_close(&source);
}

int main(void)
{
#define WITH_FIXTURE(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        WITH_FIXTURE(picks_and_drags_select),
        WITH_FIXTURE(verbs_ask_for_what_is_selected),
        WITH_FIXTURE(biases_add_up),
        WITH_FIXTURE(presses_are_not_lost),
        cmocka_unit_test(settings_that_differ_are_named),
        WITH_FIXTURE(settings_slide_and_step),
        WITH_FIXTURE(rows_say_all_layers),
        WITH_FIXTURE(a_saved_policy_is_loaded),
        WITH_FIXTURE(bad_files_are_told),
        WITH_FIXTURE(a_recording_tells_its_policies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
