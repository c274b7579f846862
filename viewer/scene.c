/* scene.c - what the person looks at, and the commands that change it. */
#include "scene.h"
#include "steer.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { PAGE = 32, MAX_ZOOM = 64, NOTICE_SECONDS = 8 };

static const float ZOOM_STEP = 1.5f, PAN_STEP = 0.25f, SPEED_MOST = 256;

void scene_open(struct scene *s, struct source *source)
{
    *s = (struct scene){.source = source,
                        .hover = SCENE_NONE,
                        .pin = SCENE_NONE,
                        .expert = SCENE_NONE,
                        .side = VIEW_BANK,
                        .speed = source->live ? 0 : 8,
                        .zoom = {.by = 1},
                        .follow = source->live,
                        .playing = source->live};
    s->n_token = source_n_token(source);
    s->cursor = s->n_token ? s->n_token - 1 : 0;
    s->layer = source->facts.n_layer_moe / 2;
}

void scene_seek(struct scene *s, uint64_t token)
{
    const uint64_t last = s->n_token ? s->n_token - 1 : 0;
    s->cursor = token < last ? token : last;
    s->follow = s->source->live && s->cursor == last;
}

void scene_select(struct scene *s, uint32_t layer, int expert)
{
    const struct lem_trace_facts *f = &s->source->facts;
    if (layer < f->n_layer_moe)
        s->layer = layer;
    s->expert = expert >= 0 && (uint32_t)expert < f->n_expert ? expert : SCENE_NONE;
}

static void move(struct scene *s, int64_t by)
{
    const uint64_t back = (uint64_t)(by < 0 ? -by : 0);
    s->playing = s->playing && s->source->live; /* a model writes on */
    scene_seek(s, by < 0 ? (s->cursor > back ? s->cursor - back : 0)
                         : s->cursor + (uint64_t)by);
}

static void move_layer(struct scene *s, int by)
{
    const uint32_t n = s->source->facts.n_layer_moe;
    if (by > 0 && s->layer + 1 < n)
        s->layer++;
    if (by < 0 && s->layer > 0)
        s->layer--;
}

static void move_expert(struct scene *s, int by)
{
    const int n = (int)s->source->facts.n_expert;
    if (n > 0)
        s->expert =
            s->expert == SCENE_NONE ? (by > 0 ? 0 : n - 1) : (s->expert + by + n) % n;
}

static void play(struct scene *s)
{
    s->playing = !s->playing;
    if (s->playing && !s->source->live && s->cursor + 1 >= s->n_token)
        s->cursor = 0;
    if (s->playing && s->source->live)
        scene_seek(s, s->n_token);
    s->elapsed = 0;
    source_pause(s->source, !s->playing);
}

static void pin(struct scene *s)
{
    s->pin = s->pin == (int64_t)s->cursor ? SCENE_NONE : (int64_t)s->cursor;
    s->bank = s->pin == SCENE_NONE ? BANK_NOW : BANK_DIFFERENCE;
}

static const enum view sides[SCENE_SIDES] = {VIEW_BANK, VIEW_FLOW, VIEW_COACT,
                                             VIEW_PROMPT, VIEW_FIGURES};

static enum view next_side(enum view side)
{
    for (int i = 0; i + 1 < SCENE_SIDES; i++)
        if (sides[i] == side)
            return sides[i + 1];
    return sides[0];
}

static float clamp(float v, float most)
{
    return v > 0 ? v < most ? v : most : 0;
}

void scene_pan(struct scene *s, float x, float y)
{
    struct zoom *z = &s->zoom;
    z->x = clamp(z->x + x / z->by, 1 - 1 / z->by);
    z->y = clamp(z->y + y / z->by, 1 - 1 / z->by);
}

void scene_zoom(struct scene *s, float factor, float x, float y)
{
    struct zoom *z = &s->zoom;
    const float at_x = z->x + x / z->by, at_y = z->y + y / z->by;
    const float by = z->by * factor;
    z->by = by < 1.01f ? 1 : by < MAX_ZOOM ? by : MAX_ZOOM;
    z->x = at_x - x / z->by;
    z->y = at_y - y / z->by;
    scene_pan(s, 0, 0);
}

void scene_say(struct scene *s, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(s->notice, sizeof s->notice, fmt, ap);
    va_end(ap);
    s->notice_left = NOTICE_SECONDS;
}

/* A typed prompt begins a new text. */
static void write_prompt(struct scene *s)
{
    const struct source_ask ask = {.kind = SOURCE_ASK_PROMPT, .text = s->prompt.text};
    s->typing = false;
    if (s->prompt.n == 0)
        return;
    if (!source_ask(s->source, &ask)) {
        scene_say(s,
                  "A recording cannot be continued. To write, start the viewer without "
                  "one.");
        return;
    }
    s->follow = s->playing = true;
    source_pause(s->source, false);
}

/* By halves and doubles; a model knows no limit beyond the fastest. */
static void change_speed(struct scene *s, bool faster)
{
    const bool live = s->source->live;
    if (s->speed <= 0)
        s->speed = faster ? 0 : SPEED_MOST;
    else if (faster)
        s->speed = s->speed < SPEED_MOST ? s->speed * 2 : live ? 0 : SPEED_MOST;
    else
        s->speed = s->speed > 1 ? s->speed / 2 : 0.5f;
    source_pace(s->source, s->speed);
}

static void change_look(struct scene *s, enum command command)
{
    switch (command) {
    case CMD_SIDE:
        s->side = next_side(s->side);
        s->view = VIEW_OVERVIEW;
        break;
    case CMD_SIDE_BANK:
    case CMD_SIDE_FLOW:
    case CMD_SIDE_COACT:
    case CMD_SIDE_PROMPT:
    case CMD_SIDE_FIGURES:
        s->side = sides[command - CMD_SIDE_BANK];
        s->view = VIEW_OVERVIEW;
        break;
    case CMD_ZOOM_IN:
    case CMD_ZOOM_OUT:
        scene_zoom(s, command == CMD_ZOOM_IN ? ZOOM_STEP : 1 / ZOOM_STEP, 0.5f, 0.5f);
        break;
    case CMD_PAN_LEFT:
    case CMD_PAN_RIGHT:
        scene_pan(s, command == CMD_PAN_LEFT ? -PAN_STEP : PAN_STEP, 0);
        break;
    case CMD_PAN_UP:
    case CMD_PAN_DOWN:
        scene_pan(s, 0, command == CMD_PAN_UP ? -PAN_STEP : PAN_STEP);
        break;
    case CMD_COLOR:
        s->color = (enum color_by)((s->color + 1) % COLOR_COUNT);
        break;
    case CMD_BANK:
        s->bank = (enum bank_of)((s->bank + 1) % BANK_COUNT);
        break;
    case CMD_PIN:
        pin(s);
        break;
    case CMD_PALETTE:
        s->light = !s->light;
        break;
    case CMD_HELP:
        s->help = !s->help;
        break;
    case CMD_STEERING:
        s->steering = !s->steering;
        break;
    case CMD_FASTER:
    case CMD_SLOWER:
        change_speed(s, command == CMD_FASTER);
        break;
    default:
        if (command >= CMD_VIEW_0 && command < CMD_COUNT) {
            const enum view v = (enum view)(command - CMD_VIEW_0);
            s->view = s->view == v ? VIEW_OVERVIEW : v;
        }
    }
}

/* What the window or the source does. */
static bool ask_window(struct scene *s, enum command command)
{
    switch (command) {
    case CMD_SHOT:
        s->want_shot = true;
        break;
    case CMD_SAVE:
        s->want_save = true;
        break;
    case CMD_COPY:
        s->want_copy = true;
        break;
    case CMD_TYPE:
        if (s->source->live)
            s->typing = true;
        else
            scene_say(s, "This is a recording: there is no model to write with.");
        break;
    case CMD_WRITE:
        write_prompt(s);
        break;
    case CMD_QUIT:
        s->quit = true;
        break;
    default:
        return false;
    }
    return true;
}

/* Of what is open or selected; with nothing of it, of a view that is alone. */
static void let_go(struct scene *s)
{
    const bool picked = s->steer && s->steer->n_selected > 0;
    if (!s->help && !s->typing && !picked && s->expert == SCENE_NONE)
        s->view = VIEW_OVERVIEW;
    s->help = s->typing = false;
    s->expert = SCENE_NONE;
    if (s->steer)
        steer_pick_none(s->steer);
}

void scene_do(struct scene *s, enum command command)
{
    if (command >= CMD_SELECT && command <= CMD_POLICY_MORE) {
        scene_steer(s, command);
        return;
    }
    switch (command) {
    case CMD_PLAY:
        play(s);
        break;
    case CMD_NEXT:
        if (scene_write_one(s))
            break;
        move(s, 1);
        break;
    case CMD_BACK:
        move(s, -1);
        break;
    case CMD_PAGE_NEXT:
    case CMD_PAGE_BACK:
        move(s, command == CMD_PAGE_NEXT ? PAGE : -PAGE);
        break;
    case CMD_FIRST:
        move(s, -(int64_t)s->n_token);
        break;
    case CMD_LAST:
        move(s, (int64_t)s->n_token);
        break;
    case CMD_LAYER_UP:
    case CMD_LAYER_DOWN:
        move_layer(s, command == CMD_LAYER_UP ? 1 : -1);
        break;
    case CMD_EXPERT_NEXT:
    case CMD_EXPERT_BACK:
        move_expert(s, command == CMD_EXPERT_NEXT ? 1 : -1);
        break;
    case CMD_UNSELECT:
        let_go(s);
        break;
    default:
        if (!ask_window(s, command))
            change_look(s, command);
    }
}

/* Tokens may have been taken away. */
static void stay_within(struct scene *s)
{
    const uint64_t last = s->n_token ? s->n_token - 1 : 0;
    s->cursor = s->cursor < last ? s->cursor : last;
    if (s->hover > (int64_t)last)
        s->hover = SCENE_NONE;
    if (s->pin > (int64_t)last) {
        s->pin = SCENE_NONE;
        s->bank = s->bank == BANK_DIFFERENCE ? BANK_NOW : s->bank;
    }
}

bool scene_step(struct scene *s, float seconds)
{
    const uint64_t n = source_n_token(s->source), cursor = s->cursor;
    const uint32_t revision = source_revision(s->source);
    bool changed = n != s->n_token || revision != s->revision;
    s->n_token = n;
    s->revision = revision;
    if (changed)
        stay_within(s);
    if (changed && s->follow && n)
        s->cursor = n - 1;
    if (changed && s->layer >= s->source->facts.n_layer_moe)
        s->layer = s->source->facts.n_layer_moe / 2;
    if (s->playing && !s->source->live && n) {
        s->elapsed += seconds * s->speed;
        const uint64_t steps = (uint64_t)s->elapsed;
        s->elapsed -= (float)steps;
        s->cursor = s->cursor + steps < n ? s->cursor + steps : n - 1;
        if (s->cursor == n - 1)
            s->playing = false;
    }
    if (s->steer && steer_sync(s->steer, s->cursor))
        changed = true;
    if (s->notice_left > 0) {
        s->notice_left -= seconds;
        changed |= s->notice_left <= 0;
    }
    return changed || cursor != s->cursor;
}

static const char *const view_name[VIEW_COUNT] = {
    "overview",     "text",  "bank", "score",  "inspector", "flow",
    "coactivation", "steer", "ab",   "prompt", "figures"};

const char *scene_view_name(enum view view)
{
    return view_name[view];
}

enum view scene_find_view(const char *name)
{
    for (int i = 0; i < VIEW_COUNT; i++)
        if (strcmp(view_name[i], name) == 0)
            return (enum view)i;
    return VIEW_COUNT;
}

const char *scene_color_name(enum color_by color)
{
    static const char *const name[COLOR_COUNT] = {"strongest expert", "gate entropy",
                                                  "probability", "none"};
    return name[color];
}

const char *scene_bank_name(enum bank_of bank)
{
    static const char *const name[BANK_COUNT] = {"this token", "recent average",
                                                 "load so far", "difference"};
    return name[bank];
}
