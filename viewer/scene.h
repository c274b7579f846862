/* scene.h - what the person looks at: the token, layer and expert that are selected,
 * and how they want them shown. Every control is a command, whoever gives it: a key, a
 * click or a test. */
#ifndef VIEWER_SCENE_H
#define VIEWER_SCENE_H

#include "source.h"

enum view {
    VIEW_OVERVIEW,
    VIEW_TEXT,
    VIEW_BANK,
    VIEW_SCORE,
    VIEW_INSPECTOR,
    VIEW_FLOW,
    VIEW_COACT,
    VIEW_COUNT
};

enum color_by { COLOR_EXPERT, COLOR_ENTROPY, COLOR_PROBABILITY, COLOR_NONE, COLOR_COUNT };
enum bank_of { BANK_NOW, BANK_DECAYED, BANK_LOAD, BANK_DIFFERENCE, BANK_COUNT };

enum command {
    CMD_NONE,
    CMD_PLAY,
    CMD_NEXT,
    CMD_BACK,
    CMD_PAGE_NEXT,
    CMD_PAGE_BACK,
    CMD_FIRST,
    CMD_LAST,
    CMD_LAYER_UP,
    CMD_LAYER_DOWN,
    CMD_EXPERT_NEXT,
    CMD_EXPERT_BACK,
    CMD_UNSELECT,
    CMD_SIDE,  /* the overview's right panel: bank, flow, co-activation */
    CMD_COLOR, /* what the tokens' colour means */
    CMD_BANK,  /* what the bank shows */
    CMD_PIN,   /* this token is what the bank's difference is taken from */
    CMD_PALETTE,
    CMD_FASTER,
    CMD_SLOWER,
    CMD_SHOT,
    CMD_HELP,
    CMD_QUIT,
    CMD_VIEW_0, /* and VIEW_COUNT - 1 more */
    CMD_COUNT = CMD_VIEW_0 + VIEW_COUNT
};

enum { SCENE_NONE = -1 };

struct scene {
    struct source *source;
    uint64_t n_token, cursor;
    int64_t hover, pin; /* tokens, or SCENE_NONE */
    uint32_t layer;     /* index among the routing layers */
    int expert;         /* or SCENE_NONE */
    enum view view, side;
    enum color_by color;
    enum bank_of bank;
    bool light, calm, help, playing, follow, quit, want_shot;
    float speed;   /* tokens per second when playing a recording */
    float elapsed; /* seconds towards the next token */
};

void scene_open(struct scene *s, struct source *source);
void scene_do(struct scene *s, enum command command);
void scene_seek(struct scene *s, uint64_t token);
void scene_select(struct scene *s, uint32_t layer, int expert);
/* Take in new tokens, play on. True when something to be seen has changed. */
bool scene_step(struct scene *s, float seconds);

const char *scene_view_name(enum view view);
/* VIEW_COUNT when there is none of that name. */
enum view scene_find_view(const char *name);
const char *scene_color_name(enum color_by color);
const char *scene_bank_name(enum bank_of bank);

#endif
