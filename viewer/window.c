/* window.c - the window and its events: pictures are made in memory and handed over,
 * only when something on them has changed. */
#include "window.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <SDL.h>

#include "shot.h"

enum { READ_PER_FRAME = 4000, MAX_FRAMES = 100000, MIN_W = 320, MIN_H = 400 };

struct window {
    SDL_Window *window;
    SDL_Renderer *renderer;
    SDL_Texture *texture;
    struct ui ui;
    struct scene state;
    struct stats stats;
    const struct window_options *options;
    bool dirty, has_stats, dragging;
    unsigned n_shot;
    float *frame_ms; /* [MAX_FRAMES] */
    unsigned n_frame;
};

enum command window_key_command(int symbol)
{
    static const struct {
        int key;
        enum command command;
    } keys[] = {
        {SDLK_SPACE, CMD_PLAY},
        {SDLK_RIGHT, CMD_NEXT},
        {SDLK_LEFT, CMD_BACK},
        {SDLK_PAGEDOWN, CMD_PAGE_NEXT},
        {SDLK_PAGEUP, CMD_PAGE_BACK},
        {SDLK_HOME, CMD_FIRST},
        {SDLK_END, CMD_LAST},
        {SDLK_UP, CMD_LAYER_UP},
        {SDLK_DOWN, CMD_LAYER_DOWN},
        {SDLK_RIGHTBRACKET, CMD_EXPERT_NEXT},
        {SDLK_LEFTBRACKET, CMD_EXPERT_BACK},
        {SDLK_ESCAPE, CMD_UNSELECT},
        {SDLK_TAB, CMD_SIDE},
        {SDLK_c, CMD_COLOR},
        {SDLK_b, CMD_BANK},
        {SDLK_p, CMD_PIN},
        {SDLK_l, CMD_PALETTE},
        {SDLK_PLUS, CMD_FASTER},
        {SDLK_EQUALS, CMD_FASTER},
        {SDLK_MINUS, CMD_SLOWER},
        {SDLK_s, CMD_SHOT},
        {SDLK_QUESTION, CMD_HELP},
        {SDLK_SLASH, CMD_HELP},
        {SDLK_F1, CMD_HELP},
        {SDLK_q, CMD_QUIT},
    };
    if (symbol >= SDLK_1 && symbol < SDLK_1 + VIEW_COUNT - 1)
        return (enum command)(CMD_VIEW_0 + 1 + (symbol - SDLK_1));
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (keys[i].key == symbol)
            return keys[i].command;
    return CMD_NONE;
}

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

static float pixels_per_point(struct window *w)
{
    return display_scale(w);
}

static void on_mouse(struct window *w, const SDL_Event *e)
{
    const float k = pixels_per_point(w);
    if (e->type == SDL_MOUSEMOTION) {
        const int x = (int)((float)e->motion.x * k), y = (int)((float)e->motion.y * k);
        ui_hover(&w->ui, x, y);
        const struct hit *h = ui_hit_at(&w->ui, x, y);
        if (w->dragging && h && (h->kind == HIT_SEEK || h->kind == HIT_TOKEN))
            ui_click(&w->ui, x, y);
    } else if (e->type == SDL_MOUSEBUTTONDOWN) {
        const int x = (int)((float)e->button.x * k), y = (int)((float)e->button.y * k);
        const struct hit *h = ui_hit_at(&w->ui, x, y);
        w->dragging = h && h->kind == HIT_SEEK;
        ui_click(&w->ui, x, y);
    } else {
        w->dragging = false;
    }
}

static void on_event(struct window *w, const SDL_Event *e)
{
    w->dirty = true;
    switch (e->type) {
    case SDL_QUIT:
        w->state.quit = true;
        break;
    case SDL_KEYDOWN: {
        const bool question =
            e->key.keysym.sym == SDLK_SLASH && (e->key.keysym.mod & KMOD_SHIFT);
        scene_do(&w->state, question ? CMD_HELP : window_key_command(e->key.keysym.sym));
        break;
    }
    case SDL_MOUSEMOTION:
    case SDL_MOUSEBUTTONDOWN:
    case SDL_MOUSEBUTTONUP:
        on_mouse(w, e);
        break;
    case SDL_MOUSEWHEEL:
        scene_do(&w->state, e->wheel.y > 0 ? CMD_BACK : CMD_NEXT);
        break;
    case SDL_WINDOWEVENT:
        if (e->window.event == SDL_WINDOWEVENT_SIZE_CHANGED)
            make_texture(w);
        break;
    default:
        w->dirty = false;
    }
}

/* ---- frames ---------------------------------------------------------------------------
 */

static void save_shot(struct window *w)
{
    char path[64], message[256];
    FILE *taken;
    do {
        snprintf(path, sizeof path, "lemnos-%03u.png", ++w->n_shot);
        taken = fopen(path, "rb");
        if (taken)
            fclose(taken);
    } while (taken && w->n_shot < 999);
    w->state.want_shot = false;
    if (shot_write(&w->ui.canvas, path, message, sizeof message))
        printf("%s\n", path);
    else
        fprintf(stderr, "lemnos-viewer: %s\n", message);
}

static void draw_frame(struct window *w)
{
    const uint64_t start = SDL_GetPerformanceCounter();
    layout_draw(&w->ui);
    const struct canvas *c = &w->ui.canvas;
    SDL_UpdateTexture(w->texture, NULL, c->pixel, c->w * (int)sizeof *c->pixel);
    SDL_RenderCopy(w->renderer, w->texture, NULL, NULL);
    SDL_RenderPresent(w->renderer);
    const uint64_t ticks = SDL_GetPerformanceCounter() - start;
    if (w->frame_ms && w->n_frame < MAX_FRAMES)
        w->frame_ms[w->n_frame++] =
            (float)((double)ticks * 1e3 / (double)SDL_GetPerformanceFrequency());
    w->dirty = false;
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
    w->state.layer = w->state.source->facts.n_layer_moe / 2;
    return open_views(w);
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
        w->dirty |= scene_step(&w->state, (float)(now - last) / 1000);
        last = now;
        /* The sums grow a slice per frame, also while nothing else moves. */
        w->dirty |= stats_read(&w->stats, READ_PER_FRAME);
        if (now - told > 500) { /* messages and progress of a source at work */
            w->dirty |= w->state.source->live;
            told = now;
        }
        if (w->dirty || w->options->frames)
            draw_frame(w);
    }
    return true;
}

static int by_size(const void *a, const void *b)
{
    const float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

static void write_figures(struct window *w)
{
    if (!w->frame_ms || w->n_frame == 0)
        return;
    qsort(w->frame_ms, w->n_frame, sizeof *w->frame_ms, by_size);
    FILE *f = fopen(w->options->figures, "w");
    if (!f) {
        fprintf(stderr, "lemnos-viewer: %s: cannot be written\n", w->options->figures);
        return;
    }
    fprintf(f, "{\"frames\":%u,\"median_ms\":%.2f,\"p99_ms\":%.2f,\"worst_ms\":%.2f}\n",
            w->n_frame, (double)w->frame_ms[w->n_frame / 2],
            (double)w->frame_ms[w->n_frame * 99 / 100],
            (double)w->frame_ms[w->n_frame - 1]);
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
    if (options->figures)
        w->frame_ms = calloc(MAX_FRAMES, sizeof *w->frame_ms);
    scene_open(&w->state, source);
    w->state.calm = options->calm;
    bool ok = open_window(w, options);
    if (!ok)
        snprintf(message, cap,
                 "no window can be opened: %s. Without a display, use --shot FILE.png.",
                 SDL_GetError());
    if (ok && (!open_views(w) || !run_frames(w))) {
        snprintf(message, cap, "no memory for the window's picture");
        ok = false;
    }
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
