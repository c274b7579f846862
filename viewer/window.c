/* window.c - the window and its events: pictures are made in memory and handed over,
 * only when something on them has changed. */
#include "window.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <SDL.h>

#include "input.h"
#include "os.h"
#include "prefs.h"
#include "save.h"
#include "shot.h"

enum {
    READ_AT_ONCE = 256,
    READ_MS = 3,
    N_RECENT = 256,
    MAX_FRAMES = 100000,
    MIN_W = 320,
    MIN_H = 400
};

struct window {
    SDL_Window *window;
    SDL_Renderer *renderer;
    SDL_Texture *texture;
    struct ui ui;
    struct scene state;
    struct stats stats;
    const struct window_options *options;
    struct input input;
    bool dirty, has_stats, rescued;
    float *frame_ms; /* [MAX_FRAMES] */
    float recent[N_RECENT];
    unsigned n_recent;
    unsigned n_frame, n_written;
    double first_frame_ms; /* from the program's start until it was shown */
    double cpu_ms;         /* processor time of all frames, of the worker's, too */
};

/* ---- opening --------------------------------------------------------------------------
 */

static bool make_texture(struct window *w)
{
    int width, height;
    if (SDL_GetRendererOutputSize(w->renderer, &width, &height) != 0)
        return false;
    if (!ui_resize(&w->ui, width, height))
        return false;
    SDL_DestroyTexture(w->texture);
    w->texture = SDL_CreateTexture(w->renderer, SDL_PIXELFORMAT_ARGB8888,
                                   SDL_TEXTUREACCESS_STREAMING, width, height);
    w->dirty = true;
    return w->texture != NULL;
}

static float display_scale(struct window *w)
{
    int points, pixels, unused;
    SDL_GetWindowSize(w->window, &points, &unused);
    SDL_GetRendererOutputSize(w->renderer, &pixels, &unused);
    return points > 0 && pixels > points ? (float)pixels / (float)points : 1.0f;
}

static bool open_window(struct window *w, const struct window_options *o)
{
    if (SDL_Init(SDL_INIT_VIDEO) != 0)
        return false;
    w->window =
        SDL_CreateWindow("Lemnos", SDL_WINDOWPOS_CENTERED, SDL_WINDOWPOS_CENTERED, o->w,
                         o->h, SDL_WINDOW_RESIZABLE | SDL_WINDOW_ALLOW_HIGHDPI);
    if (!w->window)
        return false;
    SDL_SetWindowMinimumSize(w->window, MIN_W, MIN_H);
    /* The picture is made by us and only copied: through OpenGL on a machine without a
     * GPU that copy would cost ten times as much as the picture. */
    SDL_SetHint(SDL_HINT_FRAMEBUFFER_ACCELERATION, "0");
    w->renderer = SDL_CreateRenderer(w->window, -1, SDL_RENDERER_SOFTWARE);
    if (!w->renderer)
        w->renderer = SDL_CreateRenderer(w->window, -1, 0);
    return w->renderer != NULL;
}

/* Statistics and lists fit the model, which a live source knows late. */
static bool open_views(struct window *w)
{
    const struct window_options *o = w->options;
    int width, height;
    SDL_GetRendererOutputSize(w->renderer, &width, &height);
    const float scale = o->scale > 0 ? o->scale : display_scale(w);
    stats_close(&w->stats);
    ui_close(&w->ui);
    return stats_open(&w->stats, w->state.source) &&
           ui_open(&w->ui, &w->state, &w->stats, width, height, scale, o->builtin_font) &&
           make_texture(w);
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
    w->input.scale = display_scale(w);
    w->dirty |= input_event(&w->input, e);
    if (e->type == SDL_QUIT)
        w->state.quit = true;
    if (e->type != SDL_WINDOWEVENT)
        return;
    w->dirty = true;
    if (e->window.event == SDL_WINDOWEVENT_SIZE_CHANGED)
        make_texture(w);
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

static int by_size(const void *a, const void *b)
{
    const float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

/* What the last frames took, for the page of figures. */
static void note_frame(struct window *w, uint64_t ticks)
{
    float sorted[N_RECENT];
    const float ms = (float)((double)ticks * 1e3 / (double)SDL_GetPerformanceFrequency());
    w->recent[w->n_recent++ % N_RECENT] = ms;
    const unsigned n = w->n_recent < N_RECENT ? w->n_recent : N_RECENT;
    if (w->n_recent % 32 != 0 || w->options->on_frame)
        return;
    memcpy(sorted, w->recent, n * sizeof *sorted);
    qsort(sorted, n, sizeof *sorted, by_size);
    w->ui.n_frame = n;
    w->ui.frame_median = sorted[n / 2];
    w->ui.frame_p99 = sorted[n * 99 / 100];
}

static void draw_frame(struct window *w)
{
    const uint64_t start = SDL_GetPerformanceCounter();
    const clock_t cpu = clock();
    layout_draw(&w->ui);
    follow_typing(w);
    const struct canvas *c = &w->ui.canvas;
    SDL_UpdateTexture(w->texture, NULL, c->pixel, c->w * (int)sizeof *c->pixel);
    SDL_RenderCopy(w->renderer, w->texture, NULL, NULL);
    SDL_RenderPresent(w->renderer);
    const uint64_t now = SDL_GetPerformanceCounter(), ticks = now - start;
    w->cpu_ms += (double)(clock() - cpu) * 1e3 / CLOCKS_PER_SEC;
    if (w->first_frame_ms <= 0 && w->options->started)
        w->first_frame_ms = (double)(now - w->options->started) * 1e3 /
                            (double)SDL_GetPerformanceFrequency();
    note_frame(w, ticks);
    if (w->frame_ms && w->n_frame < MAX_FRAMES)
        w->frame_ms[w->n_frame++] =
            (float)((double)ticks * 1e3 / (double)SDL_GetPerformanceFrequency());
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

static bool run_frames(struct window *w)
{
    uint64_t last = SDL_GetTicks64(), told = 0;
    while (!w->state.quit && (!w->options->frames || w->n_frame < w->options->frames)) {
        SDL_Event e;
        if (SDL_WaitEventTimeout(&e, 15)) {
            do
                on_event(w, &e);
            while (SDL_PollEvent(&e));
        }
        if (!learn_facts(w))
            return false;
        const uint64_t now = SDL_GetTicks64();
        w->ui.seconds = (float)(now - last) / 1000;
        w->dirty |= scene_step(&w->state, w->ui.seconds);
        rescue(w);
        w->state.quit |= is_measured(w);
        if (w->state.want_save)
            save_text(w);
        last = now;
        /* The sums grow a slice per frame, also while nothing else moves. */
        w->dirty |= read_on(w);
        if (now - told > 500) { /* messages and progress of a source at work */
            w->dirty |= w->state.source->live;
            told = now;
        }
        if (w->options->frames && !w->state.source->live)
            scene_seek(&w->state, w->state.n_token * w->n_frame / w->options->frames);
        if (w->dirty || w->options->frames || w->options->on_frame)
            draw_frame(w);
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
    p->view = w->state.view;
    p->side = w->state.side;
    p->color = w->state.color;
    p->bank = w->state.bank;
    p->light = w->state.light;
}

/* Of all tokens that the model wrote, by the time each took. */
static double written_per_second(struct window *w)
{
    struct source *source = w->state.source;
    uint64_t us = 0;
    w->n_written = 0;
    for (uint64_t i = source->n_prompt; source->live && i < w->state.n_token; i++) {
        struct lem_trace_token t;
        if (!source_token(source, i, &t))
            continue;
        us += t.total_us;
        w->n_written++;
    }
    return us ? w->n_written * 1e6 / (double)us : 0;
}

static void write_figures(struct window *w)
{
    if (!w->frame_ms || !w->options->figures || w->n_frame == 0)
        return;
    qsort(w->frame_ms, w->n_frame, sizeof *w->frame_ms, by_size);
    FILE *f = fopen(w->options->figures, "w");
    if (!f) {
        fprintf(stderr, "lemnos-viewer: %s: cannot be written\n", w->options->figures);
        return;
    }
    const struct scene *s = &w->state;
    const double rate = written_per_second(w);
    fprintf(f,
            "{\"frames\":%u,\"median_ms\":%.2f,\"p99_ms\":%.2f,\"worst_ms\":%.2f,"
            "\"cpu_ms\":%.2f,\"first_frame_ms\":%.1f,\"tokens\":%llu,\"written\":%u,"
            "\"written_per_second\":%.2f}\n",
            w->n_frame, (double)w->frame_ms[w->n_frame / 2],
            (double)w->frame_ms[w->n_frame * 99 / 100],
            (double)w->frame_ms[w->n_frame - 1], w->cpu_ms / w->n_frame,
            w->first_frame_ms, (unsigned long long)s->n_token, w->n_written, rate);
    fclose(f);
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
    if (options->figures || options->frames)
        w->frame_ms = calloc(MAX_FRAMES, sizeof *w->frame_ms);
    scene_open(&w->state, source);
    begin(w);
    w->state.policy_path = options->policy ? options->policy : "lemnos-policy.json";
    bool ok = open_window(w, options);
    if (!ok)
        snprintf(message, cap,
                 "no window can be opened: %s. Without a display, use --shot FILE.png.",
                 SDL_GetError());
    if (ok && (!open_views(w) || !run_frames(w))) {
        snprintf(message, cap, "no memory for the window's picture");
        ok = false;
    }
    if (ok)
        end(w);
    write_figures(w);
    ui_close(&w->ui);
    stats_close(&w->stats);
    SDL_DestroyTexture(w->texture);
    SDL_DestroyRenderer(w->renderer);
    SDL_DestroyWindow(w->window);
    free(w->frame_ms);
    free(w);
    return ok;
}
