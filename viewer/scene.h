/* scene.h - what the person looks at: the token, layer and expert that are selected,
 * and how they want them shown. Every control is a command, whoever gives it: a key, a
 * click or a test. */
#ifndef VIEWER_SCENE_H
#define VIEWER_SCENE_H

#include "edit.h"
#include "source.h"

enum view {
    VIEW_OVERVIEW,
    VIEW_TEXT,
    VIEW_BANK,
    VIEW_SCORE,
    VIEW_INSPECTOR,
    VIEW_FLOW,
    VIEW_COACT,
    VIEW_STEER,
    VIEW_AB,
    VIEW_PROMPT,
    VIEW_FIGURES,
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
    CMD_TYPE,    /* the keyboard goes to the prompt */
    CMD_WRITE,   /* a new text from the prompt */
    CMD_SAVE,    /* the recording of the run so far */
    CMD_COPY,    /* the text, to the clipboard */
    CMD_ZOOM_IN, /* the bank */
    CMD_ZOOM_OUT,
    CMD_PAN_LEFT,
    CMD_PAN_RIGHT,
    CMD_PAN_UP,
    CMD_PAN_DOWN,
    CMD_SIDE_BANK, /* beside the text; SCENE_SIDES of them, as CMD_SIDE goes round */
    CMD_SIDE_FLOW,
    CMD_SIDE_COACT,
    CMD_SIDE_PROMPT,
    CMD_SIDE_FIGURES,
    CMD_STEERING, /* the panel for stepping in, instead of the inspector */
    /* Stepping in (scene_steer.c) */
    CMD_SELECT, /* this expert joins the selection, or leaves it */
    CMD_BAN,
    CMD_FORCE,
    CMD_BIAS_UP,
    CMD_BIAS_DOWN,
    CMD_UNSET,
    CMD_UNSET_ALL,
    CMD_SETTING, /* the next one is what these two change */
    CMD_SETTING_UP,
    CMD_SETTING_DOWN,
    CMD_SEED_UP,
    CMD_SEED_DOWN,
    CMD_STEP_BACK,  /* forget this token and what follows, and wait */
    CMD_REGENERATE, /* forget what follows, and write it anew */
    CMD_PIN_RUN,    /* keep the run to compare with, or let go of it */
    CMD_POLICY_SAVE,
    CMD_POLICY_LOAD,
    CMD_POLICY_MORE, /* of a list too long to be seen at once */
    CMD_VIEW_0,      /* and VIEW_COUNT - 1 more */
    CMD_COUNT = CMD_VIEW_0 + VIEW_COUNT
};

enum { SCENE_NONE = -1, SCENE_SIDES = 5 };

/* What part of the bank is seen: 1 is all of it, and x, y are the corner as parts of all.
 */
struct zoom {
    float by, x, y;
};

struct steer;

struct scene {
    struct source *source;
    struct steer *steer;     /* NULL until the views are open */
    const char *policy_path; /* of the policy file, or NULL */
    uint32_t revision;       /* of the source, as last seen */
    uint64_t n_token, cursor;
    int64_t hover, pin; /* tokens, or SCENE_NONE */
    uint32_t layer;     /* index among the routing layers */
    int expert;         /* or SCENE_NONE */
    enum view view, side;
    enum color_by color;
    enum bank_of bank;
    bool light, calm, help, playing, follow, quit, want_shot, steering;
    bool want_save, want_copy;
    struct edit prompt; /* what is being typed for the next text */
    bool typing;        /* the keyboard goes there */
    struct zoom zoom;
    char notice[256]; /* "" or a line for the person, for as long as notice_left */
    float notice_left;
    float speed;   /* tokens per second when playing; 0 = as fast as a model writes */
    float elapsed; /* seconds towards the next token */
};

void scene_open(struct scene *s, struct source *source);
void scene_do(struct scene *s, enum command command);
/* Show a line for some seconds. */
__attribute__((format(printf, 2, 3))) void scene_say(struct scene *s, const char *fmt,
                                                     ...);
/* See more (`factor` > 1) or less of the bank, with the place (x, y), parts of what is
 * seen now, kept where it is. */
void scene_zoom(struct scene *s, float factor, float x, float y);
/* Move by parts of what is seen. */
void scene_pan(struct scene *s, float x, float y);
void scene_seek(struct scene *s, uint64_t token);
void scene_select(struct scene *s, uint32_t layer, int expert);
/* Take in new tokens, play on. True when something to be seen has changed. */
bool scene_step(struct scene *s, float seconds);

/* The commands from CMD_SELECT to CMD_POLICY_MORE. (scene_steer.c) */
void scene_steer(struct scene *s, enum command command);
/* At the end of a paused text: ask for one token more. False elsewhere. */
bool scene_write_one(struct scene *s);

const char *scene_view_name(enum view view);
/* VIEW_COUNT when there is none of that name. */
enum view scene_find_view(const char *name);
const char *scene_color_name(enum color_by color);
const char *scene_bank_name(enum bank_of bank);

#endif
