/* test_viewer_controls.c - every control of the viewer is clicked, every key pressed,
 * and does what it says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "support/program.h"
#include "support/scratch.h"
#include "ui.h"
#include "window.h"

static const char recording[] = LEM_TEST_ASSETS "/tale.lemtrace";

struct fixture {
    struct source source;
    struct scene state;
    struct stats stats;
    struct ui ui;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    char message[200] = "";
    if (!f || !source_open_recording(&f->source, recording, message, sizeof message))
        return -1;
    scene_open(&f->state, &f->source);
    if (!stats_open(&f->stats, &f->source) ||
        !ui_open(&f->ui, &f->state, &f->stats, 1280, 800, 1, true))
        return -1;
    while (stats_read(&f->stats, 1 << 16))
        ;
    scene_seek(&f->state, 100);
    layout_draw(&f->ui);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    ui_close(&f->ui);
    stats_close(&f->stats);
    source_close(&f->source);
    free(f);
    return 0;
}

/* The middle of the first place of this kind, if it is not covered. */
static bool find(struct fixture *f, enum hit_kind kind, enum command command, int *x,
                 int *y)
{
    for (uint32_t i = 0; i < f->ui.n_hit; i++) {
        const struct hit *h = &f->ui.hit[i];
        if (h->kind != kind || h->command != command)
            continue;
        *x = h->box.x + h->box.w / 2;
        *y = h->box.y + h->box.h / 2;
        if (ui_hit_at(&f->ui, *x, *y) == h)
            return true;
    }
    return false;
}

static void press(struct fixture *f, enum command command)
{
    int x = 0, y = 0;
    layout_draw(&f->ui);
    if (!find(f, HIT_COMMAND, command, &x, &y))
        fail_msg("no button for command %d", (int)command);
    ui_click(&f->ui, x, y);
    layout_draw(&f->ui);
}

static void buttons_do_what_they_say(void **state)
{
    struct fixture *f = *state;
    struct scene *s = &f->state;
    press(f, CMD_NEXT);
    assert_int_equal(s->cursor, 101);
    press(f, CMD_BACK);
    assert_int_equal(s->cursor, 100);
    press(f, CMD_FIRST);
    assert_int_equal(s->cursor, 0);
    press(f, CMD_LAST);
    assert_int_equal(s->cursor, s->n_token - 1);
    press(f, CMD_PLAY);
    assert_true(s->playing);
    assert_int_equal(s->cursor, 0); /* from the end it begins again */
    press(f, CMD_PLAY);
    assert_false(s->playing);
    const uint32_t layer = s->layer;
    press(f, CMD_LAYER_UP);
    assert_int_equal(s->layer, layer + 1);
    press(f, CMD_LAYER_DOWN);
    assert_int_equal(s->layer, layer);
    const float speed = s->speed;
    press(f, CMD_FASTER);
    assert_true(s->speed > speed);
    press(f, CMD_SLOWER);
    assert_true(s->speed == speed);
    press(f, CMD_PALETTE);
    assert_true(s->light);
    press(f, CMD_COLOR);
    assert_int_equal(s->color, COLOR_ENTROPY);
    press(f, CMD_BANK);
    assert_int_equal(s->bank, BANK_DECAYED);
    press(f, CMD_PIN);
    assert_int_equal(s->pin, s->cursor);
    assert_int_equal(s->bank, BANK_DIFFERENCE);
    press(f, CMD_PIN);
    assert_int_equal(s->pin, SCENE_NONE);
    press(f, CMD_SIDE_FLOW);
    assert_int_equal(s->side, VIEW_FLOW);
    press(f, CMD_SIDE_COACT);
    assert_int_equal(s->side, VIEW_COACT);
    press(f, CMD_SIDE_PROMPT);
    assert_int_equal(s->side, VIEW_PROMPT);
    press(f, CMD_SIDE_FIGURES);
    assert_int_equal(s->side, VIEW_FIGURES);
    scene_do(s, CMD_SIDE);
    assert_int_equal(s->side, VIEW_BANK);
    press(f, CMD_ZOOM_IN);
    assert_true(s->zoom.by > 1);
    press(f, CMD_ZOOM_OUT);
    assert_true(s->zoom.by == 1);
    press(f, CMD_HELP);
    assert_true(s->help);
    press(f, CMD_HELP); /* now the page itself lies on top */
    assert_false(s->help);
}

/* Each place that answers is clicked, in every view, and selects what it shows. */
static void places_select_what_they_show(void **state)
{
    struct fixture *f = *state;
    unsigned n_token = 0, n_cell = 0, n_layer = 0;
    for (int view = 0; view < VIEW_COUNT; view++) {
        f->state.view = (enum view)view;
        layout_draw(&f->ui);
        const uint32_t n = f->ui.n_hit;
        for (uint32_t i = 0; i < n; i++) {
            const struct hit h = f->ui.hit[i];
            /* A layer's cells cover all of its row but the label at the left. */
            const int x = h.box.x + (h.kind == HIT_LAYER ? 2 : h.box.w / 2);
            const int y = h.box.y + h.box.h / 2;
            if (ui_hit_at(&f->ui, x, y) != &f->ui.hit[i])
                continue;
            f->state.expert = SCENE_NONE;
            if (h.kind == HIT_TOKEN) {
                ui_hover(&f->ui, x, y);
                assert_int_equal(f->state.hover, h.token);
                ui_click(&f->ui, x, y);
                assert_int_equal(f->state.cursor, h.token);
                n_token++;
            } else if (h.kind == HIT_CELL) {
                ui_click(&f->ui, x, y);
                assert_int_equal(f->state.layer, h.layer);
                assert_int_equal(f->state.expert, h.expert);
                n_cell++;
            } else if (h.kind == HIT_LAYER) {
                ui_click(&f->ui, x, y);
                assert_int_equal(f->state.layer, h.layer);
                n_layer++;
            }
        }
    }
    assert_true(n_token > 300);
    assert_true(n_cell > 3 * 16);
    assert_true(n_layer >= 6);
}

static void the_timeline_seeks(void **state)
{
    struct fixture *f = *state;
    for (uint32_t i = 0; i < f->ui.n_hit; i++) {
        const struct hit h = f->ui.hit[i];
        if (h.kind != HIT_SEEK)
            continue;
        ui_click(&f->ui, h.box.x + h.box.w / 2, h.box.y + h.box.h / 2);
        assert_in_range(f->state.cursor, f->state.n_token / 2 - 1,
                        f->state.n_token / 2 + 1);
        ui_click(&f->ui, h.box.x, h.box.y);
        assert_int_equal(f->state.cursor, 0);
        ui_click(&f->ui, h.box.x + h.box.w - 1, h.box.y);
        assert_true(f->state.cursor + 2 >= f->state.n_token);
        return;
    }
    fail_msg("there is no timeline");
}

/* A panel's title shows it alone and back again; so does Esc, once nothing is selected.
 */
static void titles_show_one_view(void **state)
{
    struct fixture *f = *state;
    static const enum view view[] = {VIEW_TEXT, VIEW_BANK, VIEW_SCORE, VIEW_INSPECTOR};
    for (size_t i = 0; i < sizeof view / sizeof *view; i++) {
        const enum command c = (enum command)(CMD_VIEW_0 + (int)view[i]);
        press(f, c);
        assert_int_equal(f->state.view, view[i]);
        press(f, c);
        assert_int_equal(f->state.view, VIEW_OVERVIEW);
    }
    scene_select(&f->state, 1, 3);
    f->state.view = VIEW_SCORE;
    scene_do(&f->state, CMD_UNSELECT);
    assert_int_equal(f->state.expert, SCENE_NONE);
    assert_int_equal(f->state.view, VIEW_SCORE);
    scene_do(&f->state, CMD_UNSELECT);
    assert_int_equal(f->state.view, VIEW_OVERVIEW);
}

/* What only a model at work can do is not left unanswered. */
static void a_recording_says_what_it_cannot(void **state)
{
    struct fixture *f = *state;
    static const enum command command[] = {CMD_PIN_RUN, CMD_REGENERATE, CMD_STEP_BACK,
                                           CMD_TYPE};
    for (size_t i = 0; i < sizeof command / sizeof *command; i++) {
        f->state.notice[0] = '\0';
        f->state.notice_left = 0;
        scene_do(&f->state, command[i]);
        assert_contains(f->state.notice, "recording");
        assert_true(f->state.notice_left > 0);
    }
}

/* Whatever is pressed in whatever order, the state stays within the recording. */
static void any_keys_leave_a_sound_state(void **state)
{
    struct fixture *f = *state;
    uint32_t random = 12345;
    for (unsigned i = 0; i < 4000; i++) {
        random = random * 1664525 + 1013904223;
        const enum command c = (enum command)(1 + random / 65536 % (CMD_COUNT - 1));
        scene_do(&f->state, c);
        scene_step(&f->state, 0.05f);
        assert_true(f->state.cursor < f->state.n_token);
        assert_true(f->state.layer < f->source.facts.n_layer_moe);
        assert_true(f->state.expert < (int)f->source.facts.n_expert);
        if (i % 100 == 0)
            layout_draw(&f->ui);
    }
}

static void playing_moves_at_its_speed(void **state)
{
    struct fixture *f = *state;
    scene_seek(&f->state, 0);
    f->state.speed = 10;
    scene_do(&f->state, CMD_PLAY);
    for (int i = 0; i < 60; i++)
        scene_step(&f->state, 1.0f / 30);
    /* Two seconds of ten tokens; the sum of the steps may round one away. */
    assert_in_range(f->state.cursor, 19, 20);
    scene_step(&f->state, 1000);
    assert_int_equal(f->state.cursor, f->state.n_token - 1);
    assert_false(f->state.playing);
}

static void odd_sizes_are_drawn(void **state)
{
    struct fixture *f = *state;
    static const int size[][2] = {{200, 200},  {320, 400},  {390, 844}, {721, 301},
                                  {1280, 800}, {3000, 250}, {500, 2000}};
    for (size_t i = 0; i < sizeof size / sizeof *size; i++)
        for (int view = 0; view < VIEW_COUNT; view++) {
            f->state.view = (enum view)view;
            assert_true(ui_resize(&f->ui, size[i][0], size[i][1]));
            layout_draw(&f->ui);
            assert_true(f->ui.n_hit > 0);
        }
}

/* However little room the text has, the token at the cursor stands in it. */
static void the_cursor_is_seen(void **state)
{
    struct fixture *f = *state;
    static const enum view view[] = {VIEW_OVERVIEW, VIEW_TEXT, VIEW_STEER, VIEW_BANK};
    static const int size[][2] = {{390, 844}, {360, 740}, {1280, 800}, {721, 400}};
    for (size_t k = 0; k < sizeof size / sizeof *size; k++) {
        assert_true(ui_resize(&f->ui, size[k][0], size[k][1]));
        for (uint64_t at = 0; at < f->state.n_token; at += 7) {
            char piece[8] = "";
            source_piece(&f->source, at, piece, sizeof piece);
            if (piece[0] == '\n')
                continue; /* which is a mark at its line's end and answers no mouse */
            for (size_t v = 0; v < sizeof view / sizeof *view; v++) {
                bool seen = size[k][0] > 720 && view[v] >= VIEW_BANK; /* no text there */
                scene_seek(&f->state, at);
                f->state.view = view[v];
                layout_draw(&f->ui);
                for (uint32_t i = 0; i < f->ui.n_hit && !seen; i++)
                    seen = f->ui.hit[i].kind == HIT_TOKEN && f->ui.hit[i].token == at &&
                           f->ui.hit[i].box.h < 40; /* in the text, not in the score */
                if (!seen)
                    fail_msg("%d x %d, view %d: token %u is not seen", size[k][0],
                             size[k][1], (int)view[v], (unsigned)at);
            }
        }
    }
}

/* The real window, on SDL's driver without a display. */
static void the_window_opens_and_closes(void **state)
{
    (void)state;
    struct scratch scratch;
    scratch_open(&scratch);
    struct program run = {0};
    const char *figures = scratch_path(&scratch, "figures.json");
    program_run(&run, (const char *[]){LEM_TEST_VIEWER, "--builtin-font", "--frames",
                                       "20", "--figures", figures, recording, NULL});
    assert_string_equal(run.err, "");
    assert_int_equal(run.code, 0);
    size_t n = 0;
    char *text = program_read_file(figures, &n);
    assert_contains(text, "\"frames\":20");
    assert_contains(text, "\"tokens\":211");
    free(text);
    program_free(&run);
    scratch_close(&scratch);
}

/* What cannot be opened is said on stderr and in the window, which is there all the
 * same; without a display stderr has to do. */
static void the_window_says_what_is_wrong(void **state)
{
    (void)state;
    struct program run = {0};
    program_run(&run, (const char *[]){LEM_TEST_VIEWER, "--frames", "3",
                                       "/no/such.lemtrace", NULL});
    assert_int_equal(run.code, 1);
    assert_contains(run.err, "/no/such.lemtrace");
    program_free(&run);

    run = (struct program){
        .env = (const char *const[]){"SDL_VIDEODRIVER=x11", "DISPLAY=:54321", NULL}};
    program_run(&run,
                (const char *[]){LEM_TEST_VIEWER, "--frames", "3", recording, NULL});
    assert_int_equal(run.code, 1);
    assert_contains(run.err, "--shot");
    program_free(&run);
}

/* The model is never read to its end: the list of drivers is a pipe that nobody writes
 * to. The window is closed all the same, and nothing is left to wait for. */
static void closing_does_not_wait_for_the_model(void **state)
{
    (void)state;
    static const char model[] = LEM_TEST_ASSETS "/moe-tales-q8_0.gguf";
    char files[600], icds[600];
    struct scratch scratch;
    scratch_open(&scratch);
    const char *pipe_path = scratch_path(&scratch, "drivers.json");
    assert_int_equal(mkfifo(pipe_path, 0600), 0);
    snprintf(files, sizeof files, "VK_DRIVER_FILES=%s", pipe_path);
    snprintf(icds, sizeof icds, "VK_ICD_FILENAMES=%s", pipe_path);
    struct program run = {.env = (const char *const[]){files, icds, NULL}};
    program_run(&run,
                (const char *[]){"/usr/bin/timeout", "300", LEM_TEST_VIEWER,
                                 "--builtin-font", "--frames", "30", "-m", model, NULL});
    assert_string_equal(run.err, "");
    assert_int_equal(run.code, 0);
    program_free(&run);
    scratch_close(&scratch);
}

/* A source that failed before its first token: the reason stands in the middle. */
static void a_failed_source_is_shown(void **state)
{
    (void)state;
    struct source source;
    struct scene scene;
    struct stats stats;
    struct ui ui;
    source_open_failed(&source, "the recording is of version 9, which this program does "
                                "not read");
    scene_open(&scene, &source);
    assert_true(stats_open(&stats, &source));
    assert_true(ui_open(&ui, &scene, &stats, 390, 844, 1, true));
    layout_draw(&ui);
    unsigned n_warn = 0;
    for (int i = 0; i < 390 * 844; i++)
        n_warn += (ui.canvas.pixel[i] & 0xffffff) == ui.palette.warn;
    assert_true(n_warn > 50); /* the stripe beside the words */
    for (int c = 1; c < CMD_COUNT; c++) {
        scene_do(&scene, (enum command)c);
        scene_step(&scene, 0.1f);
        layout_draw(&ui);
    }
    ui_close(&ui);
    stats_close(&stats);
    source_close(&source);
}

int main(void)
{
#define WITH_FIXTURE(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        WITH_FIXTURE(buttons_do_what_they_say),
        WITH_FIXTURE(places_select_what_they_show),
        WITH_FIXTURE(the_timeline_seeks),
        WITH_FIXTURE(titles_show_one_view),
        WITH_FIXTURE(a_recording_says_what_it_cannot),
        WITH_FIXTURE(any_keys_leave_a_sound_state),
        WITH_FIXTURE(playing_moves_at_its_speed),
        WITH_FIXTURE(odd_sizes_are_drawn),
        WITH_FIXTURE(the_cursor_is_seen),
        cmocka_unit_test(the_window_opens_and_closes),
        cmocka_unit_test(the_window_says_what_is_wrong),
        cmocka_unit_test(closing_does_not_wait_for_the_model),
        cmocka_unit_test(a_failed_source_is_shown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
