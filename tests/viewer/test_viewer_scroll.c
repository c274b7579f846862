/* test_viewer_scroll.c - the inspector holds more than it shows: by wheel, keys, thumb
 * and finger all of it comes into view; and what a window shows alone needs none of them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <SDL.h>
#include <cmocka.h>

#include "input.h"
#include "made_recording.h"
#include "support/scratch.h"
#include "ui.h"

/* Of each token 8 experts, in 16 layers or as many as a test wants. */
struct fixture {
    struct scratch scratch;
    struct source source;
    struct scene state;
    struct stats stats;
    struct ui ui;
    struct input input;
};

static void open_made(struct fixture *f, uint32_t n_layer, uint32_t n_expert, int w,
                      int h)
{
    char message[200] = "";
    const struct made made = {.n_token = 200,
                              .n_prompt = 10,
                              .n_layer = n_layer,
                              .n_expert = n_expert,
                              .n_used = 8};
    *f = (struct fixture){0};
    scratch_open(&f->scratch);
    const char *path = scratch_path(&f->scratch, "made.lemtrace");
    assert_true(made_recording(path, &made));
    if (!source_open_recording(&f->source, path, message, sizeof message))
        fail_msg("%s", message);
    scene_open(&f->state, &f->source);
    assert_true(stats_open(&f->stats, &f->source));
    /* with the built-in face, whose letters are the widest */
    assert_true(ui_open(&f->ui, &f->state, &f->stats, w, h, 1, true));
    while (stats_read(&f->stats, 1 << 16))
        ;
    f->input = (struct input){.ui = &f->ui, .scale = 1};
    layout_draw(&f->ui);
}

static void close_made(struct fixture *f)
{
    ui_close(&f->ui);
    stats_close(&f->stats);
    source_close(&f->source);
    scratch_close(&f->scratch);
}

/* Which of the inspector's layers are seen whole, as bits. */
static uint64_t layers_seen(const struct fixture *f)
{
    const struct box b = f->ui.scroll.box;
    uint64_t seen = 0;
    int whole = 0; /* what the panel cuts is less high */
    for (uint32_t i = 0; i < f->ui.n_hit; i++) {
        const struct hit *h = &f->ui.hit[i];
        if (h->kind == HIT_LAYER && box_holds(b, h->box.x + 1, h->box.y) &&
            h->box.h > whole)
            whole = h->box.h;
    }
    for (uint32_t i = 0; i < f->ui.n_hit; i++) {
        const struct hit *h = &f->ui.hit[i];
        if (h->kind == HIT_LAYER && box_holds(b, h->box.x + 1, h->box.y) &&
            h->box.h == whole)
            seen |= 1ull << h->layer;
    }
    return seen;
}

static void give(struct fixture *f, SDL_Event e)
{
    input_event(&f->input, &e);
    layout_draw(&f->ui);
}

static void move_to(struct fixture *f, int x, int y)
{
    give(f, (SDL_Event){.motion = {.type = SDL_MOUSEMOTION, .x = x, .y = y}});
}

static void wheel(struct fixture *f, int y)
{
    give(f, (SDL_Event){.wheel = {.type = SDL_MOUSEWHEEL, .y = y}});
}

static void key(struct fixture *f, int symbol)
{
    give(f, (SDL_Event){.key = {.type = SDL_KEYDOWN, .keysym = {.sym = symbol}}});
}

static void button(struct fixture *f, uint32_t type, int x, int y, uint32_t which)
{
    give(f, (SDL_Event){.button = {.type = type,
                                   .which = which,
                                   .button = SDL_BUTTON_LEFT,
                                   .clicks = 1,
                                   .x = x,
                                   .y = y}});
}

/* In the overview at its smallest: the wheel brings every layer, and ends at the ends. */
static void the_wheel_brings_all_layers(void **state)
{
    (void)state;
    struct fixture f;
    open_made(&f, 16, 64, 1280, 800);
    const struct box b = f.ui.scroll.box;
    const uint64_t cursor = f.state.cursor;
    uint64_t seen = layers_seen(&f);
    assert_true(b.w > 0 && scroll_hidden(&f.ui) > 0);
    assert_true(seen != 0xffff);
    move_to(&f, b.x + b.w / 2, b.y + b.h / 2);
    for (int i = 0; i < 40; i++) {
        wheel(&f, -1);
        seen |= layers_seen(&f);
    }
    assert_int_equal(seen, 0xffff);
    assert_int_equal(f.ui.scroll.at, scroll_hidden(&f.ui));
    assert_true(layers_seen(&f) >> 15 & 1);
    assert_int_equal(f.state.cursor, cursor); /* the text stays where it is */
    /* A selected expert is told of from its beginning. */
    scene_select(&f.state, 3, 5);
    layout_draw(&f.ui);
    assert_int_equal(f.ui.scroll.at, 0);
    for (int i = 0; i < 40; i++)
        wheel(&f, -1);
    assert_true(f.ui.scroll.at > 0);
    for (int i = 0; i < 60; i++)
        wheel(&f, 1);
    assert_int_equal(f.ui.scroll.at, 0);
    move_to(&f, b.x - 800, b.y + 40); /* elsewhere the wheel goes through the text */
    wheel(&f, 1);
    assert_int_equal(f.state.cursor, cursor - 1);
    close_made(&f);
}

/* The keys for pages are the panel's while the mouse is over it or it is alone. */
static void pages_are_turned(void **state)
{
    (void)state;
    struct fixture f;
    open_made(&f, 48, 128, 390, 844);
    f.state.view = VIEW_INSPECTOR;
    layout_draw(&f.ui);
    const uint64_t cursor = f.state.cursor;
    uint64_t seen = layers_seen(&f);
    for (int i = 0; i < 20; i++) {
        key(&f, SDLK_PAGEDOWN);
        seen |= layers_seen(&f);
    }
    assert_int_equal(seen, (1ull << 48) - 1);
    assert_int_equal(f.state.cursor, cursor);
    key(&f, SDLK_PAGEUP);
    assert_true(f.ui.scroll.at < scroll_hidden(&f.ui));
    f.state.view = VIEW_OVERVIEW;
    assert_true(ui_resize(&f.ui, 1280, 800));
    move_to(&f, 30, 100);
    key(&f, SDLK_PAGEUP);
    assert_true(f.state.cursor < cursor);
    const uint64_t back = f.state.cursor;
    const int at = f.ui.scroll.at;
    move_to(&f, f.ui.scroll.box.x + 20, f.ui.scroll.box.y + 20);
    key(&f, SDLK_PAGEUP);
    assert_true(f.ui.scroll.at < at);
    assert_int_equal(f.state.cursor, back);
    close_made(&f);
}

static const struct hit *find_in_panel(const struct ui *ui, enum hit_kind kind)
{
    const struct box b = ui->scroll.box;
    for (uint32_t i = 0; i < ui->n_hit; i++)
        if (ui->hit[i].kind == kind &&
            (kind == HIT_SCROLL || box_holds(b, ui->hit[i].box.x, ui->hit[i].box.y)))
            return &ui->hit[i];
    return NULL;
}

/* A finger moves what lies under it, and clicks where it did not move; the mouse clicks
 * there at once; the thumb is dragged. */
static void it_is_dragged(void **state)
{
    (void)state;
    struct fixture f;
    open_made(&f, 24, 64, 390, 844);
    f.state.view = VIEW_INSPECTOR;
    layout_draw(&f.ui);
    const struct box b = f.ui.scroll.box;
    const int x = b.x + 40, y = b.y + b.h - 20;
    button(&f, SDL_MOUSEBUTTONDOWN, x, y, SDL_TOUCH_MOUSEID);
    for (int i = 1; i <= 200; i += 4)
        move_to(&f, x, y - i);
    button(&f, SDL_MOUSEBUTTONUP, x, y - 200, SDL_TOUCH_MOUSEID);
    assert_in_range(f.ui.scroll.at, 180, 200);
    for (int i = 0; i < 4; i++)
        key(&f, SDLK_PAGEDOWN);
    const struct hit *cell = find_in_panel(&f.ui, HIT_CELL);
    assert_non_null(cell);
    const struct hit plate = *cell;
    const int px = plate.box.x + 2, py = plate.box.y + 2, at = f.ui.scroll.at;
    move_to(&f, px, py);
    button(&f, SDL_MOUSEBUTTONDOWN, px, py, SDL_TOUCH_MOUSEID);
    assert_int_equal(f.state.expert, SCENE_NONE);
    assert_int_equal(f.ui.scroll.at, at);
    button(&f, SDL_MOUSEBUTTONUP, px, py, SDL_TOUCH_MOUSEID);
    assert_int_equal(f.state.expert, plate.expert);
    assert_int_equal(f.state.layer, plate.layer);
    assert_int_equal(f.ui.scroll.at, 0);
    const struct hit *track = find_in_panel(&f.ui, HIT_SCROLL);
    assert_non_null(track);
    const struct box t = track->box;
    move_to(&f, t.x + t.w / 2, t.y + 4);
    button(&f, SDL_MOUSEBUTTONDOWN, t.x + t.w / 2, t.y + 4, 0);
    move_to(&f, t.x + t.w / 2, t.y + t.h + 30);
    assert_int_equal(f.ui.scroll.at, scroll_hidden(&f.ui));
    move_to(&f, t.x + t.w / 2, t.y - 30);
    assert_int_equal(f.ui.scroll.at, 0);
    button(&f, SDL_MOUSEBUTTONUP, t.x, t.y, 0);
    close_made(&f);
}

/* Alone in the smallest desktop window, all layers of 8 experts stand at once. */
static void alone_nothing_is_hidden(void **state)
{
    (void)state;
    static const struct {
        uint32_t n_layer, n_expert;
    } model[] = {{6, 16}, {16, 64}, {24, 32}};
    for (size_t i = 0; i < sizeof model / sizeof *model; i++) {
        struct fixture f;
        open_made(&f, model[i].n_layer, model[i].n_expert, 1280, 800);
        f.state.view = VIEW_INSPECTOR;
        layout_draw(&f.ui);
        assert_int_equal(scroll_hidden(&f.ui), 0);
        assert_int_equal(layers_seen(&f), (1ull << model[i].n_layer) - 1);
        assert_null(find_in_panel(&f.ui, HIT_SCROLL));
        f.state.view = VIEW_BANK;
        layout_draw(&f.ui); /* and what is not there takes no wheel */
        assert_int_equal(scroll_hidden(&f.ui), 0);
        close_made(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_wheel_brings_all_layers),
        cmocka_unit_test(pages_are_turned),
        cmocka_unit_test(it_is_dragged),
        cmocka_unit_test(alone_nothing_is_hidden),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
