/* window.c - the window and its events: pictures are made in memory and handed over,
 * only when something on them has changed. */
#include "window.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <SDL.h>

#include "dpi.h"
#include "drop.h"
#include "frames.h"
#include "input.h"
#include "os.h"
#include "prefs.h"
#include "present.h"
#include "save.h"
#include "shot.h"

enum {
    READ_AT_ONCE = 256,
    READ_MS = 3,
    IDLE_MS = 100, /* longest sleep where only the person can change what is seen */
    GRIP = 32,     /* points of the upper edge that must be on a screen */
    MIN_W = 320,
    MIN_H = 400
};

struct window {
    SDL_Window *window;
    struct ui ui;
    struct scene state;
    struct stats stats;
    const struct window_options *options;
    struct input input;
    struct frames frames;
    bool dirty, has_stats, rescued;
    bool whole;   /* the screen's picture may be gone */
    bool reading; /* sums over the text are not whole yet */
};

/* ---- opening --------------------------------------------------------------------------
 */

/* As large as the window's picture. */
static bool fit_canvas(struct window *w)
{
    int width, height;
    w->dirty = w->whole = true;
    return present_size(w->window, &width, &height) && ui_resize(&w->ui, width, height);
}

/* Pixels to each unit that the window and the mouse are measured in. */
static float pixel_ratio(struct window *w)
{
    int points, pixels, unused;
    SDL_GetWindowSize(w->window, &points, &unused);
    const bool known = present_size(w->window, &pixels, &unused);
    return known && points > 0 && pixels > points ? (float)pixels / (float)points : 1.0f;
}

/* How large a point is drawn. */
static float view_scale(struct window *w)
{
    const float ratio = pixel_ratio(w);
    if (w->options->scale > 0)
        return w->options->scale;
    return ratio > 1 ? ratio : dpi_display(SDL_GetWindowDisplayIndex(w->window));
}

/* Where there is no display, SDL draws windows that nobody can see. */
static bool is_unseen(void)
{
    const char *driver = SDL_GetCurrentVideoDriver();
    return driver && strcmp(driver, "offscreen") == 0 && !os_variable("SDL_VIDEODRIVER");
}

/* Where the window was when it was closed, if a screen still shows that: enough of its
 * upper edge to take hold of. */
static SDL_Point place(const struct window_options *o)
{
    const SDL_Point centre = {SDL_WINDOWPOS_CENTERED, SDL_WINDOWPOS_CENTERED};
    if (!o->prefs || !o->prefs->has_place)
        return centre;
    const SDL_Rect edge = {o->prefs->x, o->prefs->y, o->w, GRIP};
    const int n = SDL_GetNumVideoDisplays();
    for (int i = 0; i < n; i++) {
        SDL_Rect screen, seen;
        if (SDL_GetDisplayBounds(i, &screen) == 0 &&
            SDL_IntersectRect(&screen, &edge, &seen) && seen.w >= 2 * GRIP &&
            seen.h == GRIP)
            return (SDL_Point){edge.x, edge.y};
    }
    return centre;
}

/* As many points as the options say, where those are not a person's choice, as far as the
 * display has room for them. */
static SDL_Point first_size(const struct window_options *o)
{
    SDL_Rect room;
    SDL_Point size = {o->w, o->h};
    const float scale = dpi_display(0);
    if (!o->fresh || scale <= 1 || SDL_GetDisplayUsableBounds(0, &room) != 0)
        return size;
    const int w = (int)((float)o->w * scale), h = (int)((float)o->h * scale);
    size.x = w < room.w ? w : room.w > o->w ? room.w : o->w;
    size.y = h < room.h ? h : room.h > o->h ? room.h : o->h;
    return size;
}

static bool open_window(struct window *w, const struct window_options *o)
{
    int width, height;
    if (SDL_Init(SDL_INIT_VIDEO) != 0)
        return false;
    if (is_unseen()) {
        SDL_SetError("there is no display");
        return false;
    }
    present_prepare();
    const SDL_Point at = place(o), size = first_size(o);
    w->window = SDL_CreateWindow("Lemnos", at.x, at.y, size.x, size.y,
                                 SDL_WINDOW_RESIZABLE | SDL_WINDOW_ALLOW_HIGHDPI);
    if (!w->window)
        return false;
    const float points = dpi_display(0) < 2 ? dpi_display(0) : 2;
    SDL_SetWindowMinimumSize(w->window, (int)(MIN_W * points), (int)(MIN_H * points));
    return present_size(w->window, &width, &height);
}

/* Statistics and lists fit the model, which a live source knows late. */
static bool open_views(struct window *w)
{
    const struct window_options *o = w->options;
    int width, height;
    if (!present_size(w->window, &width, &height))
        return false;
    const float scale = view_scale(w);
    stats_close(&w->stats);
    ui_close(&w->ui);
    return stats_open(&w->stats, w->state.source) &&
           ui_open(&w->ui, &w->state, &w->stats, width, height, scale, o->builtin_font) &&
           fit_canvas(w);
}

/* ---- events ---------------------------------------------------------------------------
 */

/* Text comes from the system, with its input method, while the prompt is typed in. */
static void follow_typing(struct window *w)
{
    const float k = w->input.scale > 0 ? w->input.scale : 1;
    const struct box c = w->ui.caret;
    if (w->state.typing && !SDL_IsTextInputActive())
        SDL_StartTextInput();
    if (!w->state.typing && SDL_IsTextInputActive()) {
        SDL_StopTextInput();
        edit_compose(&w->state.prompt, "");
    }
    const SDL_Rect rect = {(int)((float)c.x / k), (int)((float)c.y / k),
                           (int)((float)c.w / k), (int)((float)c.h / k)};
    if (w->state.typing)
        SDL_SetTextInputRect(&rect);
}

static void on_event(struct window *w, const SDL_Event *e)
{
    w->input.scale = pixel_ratio(w);
    w->dirty |= input_event(&w->input, e);
    if (e->type == SDL_QUIT)
        w->state.quit = true;
    if (e->type == SDL_DROPFILE) {
        if (w->options->next)
            drop_file(&w->state, e->drop.file, w->options->next, w->options->next_cap);
        SDL_free(e->drop.file);
        w->dirty = true;
    }
    if (e->type != SDL_WINDOWEVENT)
        return;
    w->dirty = w->whole = true;
    if (e->window.event == SDL_WINDOWEVENT_SIZE_CHANGED)
        fit_canvas(w);
    if (e->window.event == SDL_WINDOWEVENT_LEAVE)
        ui_hover(&w->ui, -1, -1);
}

/* ---- frames ---------------------------------------------------------------------------
 */

/* The first "lemnos-NNN.ext" of the folder that is not there yet. */
static void free_name(const char *ext, char *path, size_t cap)
{
    FILE *taken;
    unsigned n = 0;
    do {
        snprintf(path, cap, "lemnos-%03u.%s", ++n, ext);
        taken = fopen(path, "rb");
        if (taken)
            fclose(taken);
    } while (taken && n < 999);
}

static void save_shot(struct window *w)
{
    char path[64], message[256];
    w->state.want_shot = false;
    free_name("png", path, sizeof path);
    if (w->state.notice_left > 0) { /* no line about the last picture in this one */
        w->state.notice_left = 0;
        layout_draw(&w->ui);
    }
    if (shot_write(&w->ui.canvas, path, message, sizeof message))
        scene_say(&w->state, "Saved as %s", path);
    else
        scene_say(&w->state, "%s", message);
    w->dirty = true;
}

static void save_text(struct window *w)
{
    char path[64], message[400];
    w->state.want_save = false;
    w->dirty = true;
    if (!w->state.source->live) {
        scene_say(&w->state, "This is a recording already: there is nothing to save.");
        return;
    }
    free_name("lemtrace", path, sizeof path);
    if (save_recording(w->state.source, path, message, sizeof message))
        scene_say(&w->state, "Saved as %s, %llu tokens", path,
                  (unsigned long long)w->state.n_token);
    else
        scene_say(&w->state, "%s", message);
}

/* A model that stops in the middle of a text, a lost device say, leaves what there is. */
static void rescue(struct window *w)
{
    char name[64], stamp[16], path[1024], message[400];
    if (w->rescued || !w->state.source->live || w->state.n_token == 0 ||
        source_phase(w->state.source, message, sizeof message) != SOURCE_FAILED)
        return;
    w->rescued = w->dirty = true;
    os_stamp(stamp);
    snprintf(name, sizeof name, "rescued-%s.lemtrace", stamp);
    if (!os_state_path(name, path, sizeof path))
        snprintf(path, sizeof path, "%s", name);
    if (save_recording(w->state.source, path, message, sizeof message))
        scene_say(&w->state, "The text so far is saved as %s", path);
    else
        scene_say(&w->state, "The text so far could not be saved: %s", message);
}

/* What the last frames took, for the page of figures; a test's pictures are without. */
static void tell_frames(struct window *w)
{
    if (w->options->on_frame)
        return;
    w->ui.n_frame = w->frames.n_known;
    w->ui.frame_median = w->frames.median;
    w->ui.frame_p99 = w->frames.p99;
}

static void draw_frame(struct window *w)
{
    frames_begin(&w->frames);
    layout_draw(&w->ui);
    follow_typing(w);
    /* A window that cannot be drawn on now can be later: all of it, then. */
    w->whole = !present_show(w->window, &w->ui.canvas, w->whole);
    frames_end(&w->frames);
    tell_frames(w);
    w->dirty = w->ui.moving;
    if (w->options->on_frame)
        w->options->on_frame(w->options->priv, &w->ui);
    if (w->state.want_shot)
        save_shot(w);
}

static bool learn_facts(struct window *w)
{
    char message[200];
    if (w->has_stats ||
        source_phase(w->state.source, message, sizeof message) == SOURCE_OPENING)
        return true;
    w->has_stats = true;
    const struct window_options *o = w->options;
    const uint32_t middle = w->state.source->facts.n_layer_moe / 2;
    scene_select(&w->state, o->layer >= 0 ? (uint32_t)o->layer : middle, o->expert);
    return open_views(w);
}

/* For some milliseconds: the sums over a long text are whole after some seconds, and no
 * frame is late for them. */
static bool read_on(struct window *w)
{
    const uint64_t end =
        SDL_GetPerformanceCounter() + SDL_GetPerformanceFrequency() * READ_MS / 1000;
    bool some = false;
    while (stats_read(&w->stats, READ_AT_ONCE)) {
        some = true;
        if (SDL_GetPerformanceCounter() > end)
            break;
    }
    return some;
}

/* A measurement without a number of frames ends with the text. */
static bool is_measured(struct window *w)
{
    char message[64];
    const struct window_options *o = w->options;
    if (!o->figures || o->frames || !w->state.source->live)
        return false;
    const enum source_phase phase =
        source_phase(w->state.source, message, sizeof message);
    return phase == SOURCE_DONE || phase == SOURCE_FAILED;
}

/* Until the next frame is due; where nothing moves by itself, until something is done. */
static void take_events(struct window *w)
{
    SDL_Event e;
    const bool still = !w->state.source->live && !w->state.playing && !w->dirty &&
                       !w->reading && !w->options->frames && !w->options->on_frame;
    int wait = still ? IDLE_MS : frames_wait(&w->frames);
    while (SDL_WaitEventTimeout(&e, wait)) {
        do
            on_event(w, &e);
        while (SDL_PollEvent(&e));
        wait = frames_wait(&w->frames);
        if (wait == 0)
            return;
    }
}

/* What has happened since the last frame. */
static void step(struct window *w, float seconds)
{
    w->ui.seconds = seconds;
    w->dirty |= scene_step(&w->state, seconds);
    rescue(w);
    w->state.quit |= is_measured(w);
    if (w->state.want_save)
        save_text(w);
    /* The sums grow a slice per frame, also while nothing else moves. */
    w->reading = w->has_stats && read_on(w);
    w->dirty |= w->reading;
    if (w->options->frames && !w->state.source->live)
        scene_seek(&w->state, w->state.n_token * w->frames.n / w->options->frames);
}

static bool run_frames(struct window *w)
{
    uint64_t last = SDL_GetTicks64(), told = 0;
    /* Where the model's device is this CPU, drawing takes what the model leaves. */
    if (w->state.source->live)
        SDL_SetThreadPriority(SDL_THREAD_PRIORITY_LOW);
    while (!w->state.quit && (!w->options->frames || w->frames.n < w->options->frames)) {
        take_events(w);
        if (!learn_facts(w))
            return false;
        const uint64_t now = SDL_GetTicks64();
        step(w, (float)(now - last) / 1000);
        last = now;
        if (now - told > 500) { /* messages and progress of a source at work */
            w->dirty |= w->state.source->live;
            told = now;
        }
        if (w->dirty || w->options->frames || w->options->on_frame)
            draw_frame(w);
        else
            frames_skip(&w->frames);
    }
    return true;
}

/* ---- the beginning and the end --------------------------------------------------------
 */

static void begin(struct window *w)
{
    const struct window_options *o = w->options;
    struct scene *s = &w->state;
    const struct prefs *p = o->prefs;
    s->calm = o->calm;
    if (p) {
        s->view = p->view;
        s->side = p->side;
        s->color = p->color;
        s->bank = p->bank == BANK_DIFFERENCE ? BANK_NOW : p->bank;
        s->light = p->light;
    }
    if (o->note && o->note[0])
        scene_say(s, "%s", o->note);
    if (o->at >= 0)
        scene_seek(s, (uint64_t)o->at);
    scene_select(s, o->layer >= 0 ? (uint32_t)o->layer : s->layer,
                 o->expert >= 0 ? o->expert : s->expert);
}

static void end(struct window *w)
{
    struct prefs *p = w->options->prefs;
    if (!p || !w->window)
        return;
    SDL_GetWindowSize(w->window, &p->w, &p->h);
    SDL_GetWindowPosition(w->window, &p->x, &p->y);
    p->has_place = true;
    p->view = w->state.view;
    p->side = w->state.side;
    p->color = w->state.color;
    p->bank = w->state.bank;
    p->light = w->state.light;
}

static void write_figures(struct window *w)
{
    const char *path = w->options->figures;
    if (path && w->frames.n &&
        !frames_write(&w->frames, path, w->state.source, w->state.n_token))
        fprintf(stderr,
                "lemnos-viewer: %s: cannot be written; is there room, and the folder?\n",
                path);
}

bool window_run(struct source *source, const struct window_options *options,
                char *message, size_t cap)
{
    struct window *w = calloc(1, sizeof *w);
    if (!w) {
        snprintf(message, cap, "no memory for a window");
        return false;
    }
    w->options = options;
    w->input.ui = &w->ui;
    scene_open(&w->state, source);
    begin(w);
    w->state.policy_path = options->policy ? options->policy : "lemnos-policy.json";
    bool ok = open_window(w, options);
    const bool measured = options->figures || options->frames;
    if (!ok)
        snprintf(message, cap,
                 "no window can be opened: %s. Without a display, use --shot FILE.png.",
                 SDL_GetError());
    if (ok && (!frames_open(&w->frames, options->started, measured) || !open_views(w) ||
               !run_frames(w))) {
        snprintf(message, cap, "no memory for the window's picture");
        ok = false;
    }
    if (ok)
        end(w);
    write_figures(w);
    ui_close(&w->ui);
    stats_close(&w->stats);
    SDL_DestroyWindow(w->window);
    frames_close(&w->frames);
    free(w);
    return ok;
}
