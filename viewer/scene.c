/* scene.c - what the person looks at, and the commands that change it. */
#include "scene.h"

#include <string.h>

enum { PAGE = 32 };

void scene_open(struct scene *s, struct source *source)
{
    *s = (struct scene){.source = source,
                        .hover = SCENE_NONE,
                        .pin = SCENE_NONE,
                        .expert = SCENE_NONE,
                        .side = VIEW_BANK,
                        .speed = 8,
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
    s->playing = false;
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

static void change_look(struct scene *s, enum command command)
{
    static const enum view sides[] = {VIEW_BANK, VIEW_FLOW, VIEW_COACT, VIEW_BANK};
    switch (command) {
    case CMD_SIDE:
        for (int i = 0; i < 3; i++)
            if (s->side == sides[i]) {
                s->side = sides[i + 1];
                break;
            }
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
    case CMD_FASTER:
        s->speed = s->speed < 200 ? s->speed * 2 : 256;
        break;
    case CMD_SLOWER:
        s->speed = s->speed > 1 ? s->speed / 2 : 0.5f;
        break;
    default:
        if (command >= CMD_VIEW_0 && command < CMD_COUNT) {
            const enum view v = (enum view)(command - CMD_VIEW_0);
            s->view = s->view == v ? VIEW_OVERVIEW : v;
        }
    }
}

void scene_do(struct scene *s, enum command command)
{
    switch (command) {
    case CMD_PLAY:
        play(s);
        break;
    case CMD_NEXT:
    case CMD_BACK:
        move(s, command == CMD_NEXT ? 1 : -1);
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
        s->help = false;
        s->expert = SCENE_NONE;
        break;
    case CMD_SHOT:
        s->want_shot = true;
        break;
    case CMD_QUIT:
        s->quit = true;
        break;
    default:
        change_look(s, command);
    }
}

bool scene_step(struct scene *s, float seconds)
{
    const uint64_t n = source_n_token(s->source), cursor = s->cursor;
    bool changed = n != s->n_token;
    s->n_token = n;
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
    return changed || cursor != s->cursor;
}

static const char *const view_name[VIEW_COUNT] = {
    "overview", "text", "bank", "score", "inspector", "flow", "coactivation"};

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
