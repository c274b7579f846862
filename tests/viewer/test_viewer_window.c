/* test_viewer_window.c - the real window on an X server without a screen: every button
 * is clicked and every key pressed by events as the system sends them, text is typed into
 * the prompt, and a model that stops leaves its recording. Skipped without Xvfb. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <SDL.h>
#include <cmocka.h>
#include <png.h>

#include "dpi.h"
#include "keys.h"
#include "person.h"
#include "played_source.h"
#include "prefs.h"
#include "support/program.h"
#include "support/scratch.h"
#include "window.h"
#include "xserver.h"

static const char recording[] = LEM_TEST_ASSETS "/tale.lemtrace";

/* ---- what a test begins with ----------------------------------------------------- */

/* A state in which every command has something to do. */
static void middle_state(struct scene *s)
{
    s->cursor = s->n_token / 2;
    s->follow = s->playing = s->help = s->typing = s->quit = false;
    s->layer = 2;
    s->expert = 3;
    s->speed = 8;
    s->zoom = (struct zoom){.by = 2, .x = 0.2f, .y = 0.2f};
    s->view = VIEW_OVERVIEW;
    s->side = VIEW_BANK;
    s->notice_left = 0;
    s->notice[0] = '\0';
}

/* Fields that time alone changes are no effect. */
static bool same_scene(struct scene a, struct scene b)
{
    a.hover = b.hover = 0;
    a.elapsed = b.elapsed = 0;
    a.notice_left = b.notice_left = 0;
    a.steer = b.steer = NULL;
    return memcmp(&a, &b, sizeof a) == 0;
}

/* ---- the tests ------------------------------------------------------------------- */

/* Those whose effect is not in the scene, or that stepping in has its own test for. */
static bool is_shell_command(enum command c)
{
    return c != CMD_NONE && c != CMD_QUIT && c != CMD_WRITE &&
           !(c >= CMD_STEERING && c <= CMD_POLICY_MORE);
}

static void each_button(void *priv, struct ui *ui)
{
    struct person *p = priv;
    struct scene *s = ui->state;
    if (p->pressed) {
        /* Saving and pictures leave a line; what else is pressed changes something. */
        if (same_scene(p->before, *s))
            fail_msg("the button of command %zu does nothing", p->i);
        p->n_done++;
        p->i++;
        p->pressed = false;
        middle_state(s);
        return;
    }
    while (p->i < CMD_COUNT) {
        const struct hit *h = person_find(ui, HIT_COMMAND, (enum command)p->i);
        if (h && is_shell_command((enum command)p->i)) {
            middle_state(s);
            if (p->i == CMD_SIDE_BANK)
                s->side = VIEW_FLOW;
            p->before = *s;
            p->pressed = true;
            person_click_hit(h);
            return;
        }
        p->i++;
    }
    s->quit = true;
}

static void every_button_does_something(void **state)
{
    const struct xserver *server = *state;
    struct played played;
    struct source source;
    struct person p = {.played = &played};
    if (!server->there)
        skip();
    assert_int_equal(chdir(server->scratch.dir), 0);
    played_open(&played, &source, recording);
    person_show(&source, &p, each_button);
    assert_in_range(p.n_done, 20, CMD_COUNT);
    source_close(&source);
}

static void each_key(void *priv, struct ui *ui)
{
    struct person *p = priv;
    struct scene *s = ui->state;
    size_t n;
    const struct key *key = keys_table(&n);
    if (p->pressed) {
        if (same_scene(p->before, *s))
            fail_msg("key %d with %u, command %d, does nothing", key[p->i].symbol,
                     key[p->i].with, (int)key[p->i].command);
        p->n_done++;
        p->i++;
        p->pressed = false;
    }
    while (p->i < n && !is_shell_command(key[p->i].command))
        p->i++;
    if (p->i == n) {
        person_key(SDLK_q, 0);
        return;
    }
    middle_state(s);
    s->want_shot = false;     /* the last key's, which the window takes after this */
    s->view = VIEW_COUNT - 1; /* so that "0" has a way to go */
    p->before = *s;
    p->pressed = true;
    person_key(key[p->i].symbol, key[p->i].with);
}

static void every_key_does_something(void **state)
{
    const struct xserver *server = *state;
    struct played played;
    struct source source;
    struct person p = {.played = &played};
    if (!server->there)
        skip();
    assert_int_equal(chdir(server->scratch.dir), 0);
    played_open(&played, &source, recording);
    person_show(&source, &p, each_key);
    assert_in_range(p.n_done, 40, 120);
    source_close(&source);
}

/* A prompt is typed, with an input method, the clipboard and the mouse. */
static void typing(void *priv, struct ui *ui)
{
    struct person *p = priv;
    struct scene *s = ui->state;
    struct edit *e = &s->prompt;
    SDL_Event compose = {.type = SDL_TEXTEDITING};
    switch (p->at++) {
    case 0:
        person_click_hit(person_find(ui, HIT_FIELD, CMD_NONE));
        break;
    case 1:
        assert_true(s->typing);
        assert_true(SDL_IsTextInputActive());
        person_type("Ein M\xc3\xa4rchen q?");
        strcpy(compose.edit.text, "\xe3\x81\x8b");
        SDL_PushEvent(&compose);
        person_key(SDLK_RETURN, 0); /* belongs to the input method */
        break;
    case 2:
        assert_string_equal(e->text, "Ein M\xc3\xa4rchen q?");
        assert_string_equal(e->composing, "\xe3\x81\x8b");
        assert_int_equal(p->played->n_ask, 0);
        person_type("\xe7\x81\xab"); /* which is how composing ends */
        break;
    case 3:
        assert_string_equal(e->text, "Ein M\xc3\xa4rchen q?\xe7\x81\xab");
        assert_string_equal(e->composing, "");
        assert_false(s->quit); /* the q went into the field */
        person_key(SDLK_a, KEYS_CTRL);
        person_key(SDLK_c, KEYS_CTRL);
        person_key(SDLK_END, 0);
        person_key(SDLK_v, KEYS_CTRL);
        break;
    case 4:
        assert_string_equal(e->text, "Ein M\xc3\xa4rchen q?\xe7\x81\xab"
                                     "Ein M\xc3\xa4rchen q?\xe7\x81\xab");
        person_mouse(SDL_MOUSEBUTTONDOWN, ui->field.x + 1, ui->field.y + 5,
                     SDL_BUTTON_LEFT, 1);
        person_mouse(SDL_MOUSEMOTION, ui->field.x + ui->field.w, ui->field.y + 5, 0, 0);
        person_mouse(SDL_MOUSEBUTTONUP, ui->field.x + ui->field.w, ui->field.y + 5,
                     SDL_BUTTON_LEFT, 1);
        break;
    case 5:
        assert_int_equal(e->mark, 0); /* all of it is selected, and typed over */
        assert_int_equal(e->caret, e->n);
        person_type("One fox");
        person_key(SDLK_RETURN, 0);
        break;
    case 6:
        assert_false(s->typing);
        assert_string_equal(p->played->prompt, "One fox");
        assert_false(p->played->paused);
        break;
    default:
        assert_false(SDL_IsTextInputActive());
        s->quit = true;
    }
}

static void a_prompt_is_typed(void **state)
{
    const struct xserver *server = *state;
    struct played played;
    struct source source;
    struct person p = {.played = &played};
    if (!server->there)
        skip();
    played_open(&played, &source, recording);
    person_show(&source, &p, typing);
    assert_int_equal(p.at, 8);
    source_close(&source);
}

/* The wheel is a lens over the bank, and the right button moves what it shows. */
static void zooming(void *priv, struct ui *ui)
{
    struct person *p = priv;
    struct scene *s = ui->state;
    const int x = ui->bank.x + ui->bank.w / 2, y = ui->bank.y + ui->bank.h / 2;
    SDL_Event wheel = {.type = SDL_MOUSEWHEEL};
    switch (p->at++) {
    case 0:
        assert_true(ui->bank.w > 0);
        person_mouse(SDL_MOUSEMOTION, x, y, 0, 0);
        wheel.wheel.y = 1;
        for (int i = 0; i < 4; i++)
            SDL_PushEvent(&wheel);
        break;
    case 1:
        assert_true(s->zoom.by > 2 && s->zoom.x > 0.1f && s->zoom.y > 0.1f);
        p->before = *s;
        person_mouse(SDL_MOUSEBUTTONDOWN, x, y, SDL_BUTTON_RIGHT, 1);
        person_mouse(SDL_MOUSEMOTION, x + 40, y, 0, 0);
        person_mouse(SDL_MOUSEBUTTONUP, x + 40, y, SDL_BUTTON_RIGHT, 1);
        break;
    case 2:
        assert_true(s->zoom.x < p->before.zoom.x);
        assert_true(s->zoom.by == p->before.zoom.by);
        wheel.wheel.y = -1;
        for (int i = 0; i < 9; i++)
            SDL_PushEvent(&wheel);
        break;
    case 3:
        assert_true(s->zoom.by == 1 && s->zoom.x == 0 && s->zoom.y == 0);
        break;
    default:
        s->quit = true;
    }
}

static void the_bank_is_zoomed(void **state)
{
    const struct xserver *server = *state;
    struct played played;
    struct source source;
    struct person p = {.played = &played};
    if (!server->there)
        skip();
    played_open(&played, &source, recording);
    person_show(&source, &p, zooming);
    assert_true(p.at > 4);
    source_close(&source);
}

/* The device is lost in the middle of the text. */
static void losing(void *priv, struct ui *ui)
{
    struct person *p = priv;
    if (p->at++ == 2)
        p->played->failed = true;
    if (p->at == 6) {
        assert_int_equal(ui->state->n_token, 50);
        assert_contains(ui->state->notice, "rescued-");
        person_key(SDLK_q, 0);
    }
}

static void a_lost_device_leaves_the_recording(void **state)
{
    const struct xserver *server = *state;
    struct played played;
    struct source source, rescued;
    struct person p = {.played = &played};
    char line[600], message[200] = "";
    struct program list = {0};
    if (!server->there)
        skip();
    played_open(&played, &source, recording);
    played.n = 50;
    person_show(&source, &p, losing);
    source_close(&source);

    snprintf(line, sizeof line, "ls %s/lemnos/rescued-*.lemtrace", server->scratch.dir);
    program_run(&list, (const char *[]){"/bin/sh", "-c", line, NULL});
    assert_int_equal(list.code, 0);
    list.out[strcspn(list.out, "\n")] = '\0';
    if (!source_open_recording(&rescued, list.out, message, sizeof message))
        fail_msg("%s", message);
    assert_int_equal(source_n_token(&rescued), 50);
    source_close(&rescued);
    program_free(&list);
    snprintf(line, sizeof line, "rm -r %s/lemnos", server->scratch.dir);
    program_run(&list, (const char *[]){"/bin/sh", "-c", line, NULL});
    program_free(&list);
}

/* A picture of the window is without the line that told of the one before. */
static void shooting(void *priv, struct ui *ui)
{
    struct person *p = priv;
    struct scene *s = ui->state;
    if (p->at++ == 0) {
        scene_say(s, "Saved as some.png");
        s->want_shot = true;
        return;
    }
    assert_contains(s->notice, "Saved as lemnos-");
    png_image png = {.version = PNG_IMAGE_VERSION};
    assert_true(png_image_begin_read_from_file(&png, s->notice + strlen("Saved as ")));
    png.format = PNG_FORMAT_BGRA; /* which is the canvas', byte by byte */
    assert_int_equal(png.width, ui->canvas.w);
    assert_int_equal(png.height, ui->canvas.h);
    const size_t n = PNG_IMAGE_SIZE(png);
    uint32_t *got = malloc(n);
    assert_non_null(got);
    assert_true(png_image_finish_read(&png, NULL, got, 0, NULL));
    assert_memory_not_equal(got, ui->canvas.pixel, n); /* where there is the new line */
    s->notice_left = 0;
    layout_draw(ui);
    assert_memory_equal(got, ui->canvas.pixel, n);
    free(got);
    s->quit = true;
}

static void pictures_are_without_notices(void **state)
{
    const struct xserver *server = *state;
    struct played played;
    struct source source;
    struct person p = {.played = &played};
    if (!server->there)
        skip();
    assert_int_equal(chdir(server->scratch.dir), 0);
    played_open(&played, &source, recording);
    person_show(&source, &p, shooting);
    assert_int_equal(p.at, 2);
    source_close(&source);
}

static void looking_once(void *priv, struct ui *ui)
{
    (void)priv;
    ui->state->quit = true;
}

/* The window opens where it was, unless no screen shows that place. */
static void the_place_is_remembered(void **state)
{
    const struct xserver *server = *state;
    struct played played;
    struct source source;
    struct prefs prefs = {.side = VIEW_BANK, .x = 90, .y = 70, .has_place = true};
    struct person p = {.played = &played, .prefs = &prefs};
    if (!server->there)
        skip();
    played_open(&played, &source, recording);
    person_show(&source, &p, looking_once);
    assert_true(prefs.has_place);
    assert_int_equal(prefs.x, 90);
    assert_int_equal(prefs.y, 70);
    prefs.x = 5000;
    prefs.y = -3000;
    person_show(&source, &p, looking_once);
    assert_in_range(prefs.x, 0, 1400 - 1280);
    assert_in_range(prefs.y, 0, 1000 - 800);
    source_close(&source);
}

static void looking_at_points(void *priv, struct ui *ui)
{
    struct person *p = priv;
    p->n_done = (unsigned)(ui->scale * 100);
    ui->state->quit = true;
}

/* X counts pixels: how many a point has comes from the environment where that says so,
 * or from the display itself. */
static void points_are_as_large_as_the_display_asks(void **state)
{
    const struct xserver *server = *state;
    struct played played;
    struct source source;
    struct person p = {.played = &played, .own_scale = true};
    if (!server->there)
        skip();
    played_open(&played, &source, recording);
    setenv("GDK_SCALE", "2", 1);
    person_show(&source, &p, looking_at_points);
    assert_int_equal(p.n_done, 200);
    setenv("GDK_SCALE", "much", 1);
    person_show(&source, &p, looking_at_points);
    unsetenv("GDK_SCALE");
    const unsigned without = p.n_done;
    person_show(&source, &p, looking_at_points);
    assert_int_equal(p.n_done, without);
    float dpi = 0; /* of the display that the last window was on */
    const bool known = SDL_GetDisplayDPI(0, &dpi, NULL, NULL) == 0;
    assert_int_equal(without, known ? (unsigned)(dpi_scale(dpi) * 100) : 100);
    p.own_scale = false; /* and --scale is above all */
    setenv("GDK_SCALE", "3", 1);
    person_show(&source, &p, looking_at_points);
    assert_int_equal(p.n_done, 100);
    unsetenv("GDK_SCALE");
    source_close(&source);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_button_does_something),
        cmocka_unit_test(every_key_does_something),
        cmocka_unit_test(a_prompt_is_typed),
        cmocka_unit_test(the_bank_is_zoomed),
        cmocka_unit_test(a_lost_device_leaves_the_recording),
        cmocka_unit_test(pictures_are_without_notices),
        cmocka_unit_test(the_place_is_remembered),
        cmocka_unit_test(points_are_as_large_as_the_display_asks),
    };
    return cmocka_run_group_tests(tests, xserver_start, xserver_stop);
}
