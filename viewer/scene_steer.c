/* scene_steer.c - the commands by which a person steps in. */
#include "scene.h"
#include "steer.h"

static void ask(struct scene *s, enum source_ask_kind kind, uint64_t at)
{
    const struct source_ask a = {.kind = kind, .at = at};
    source_ask(s->source, &a);
}

/* Only a model at work can be asked; says so where there is none. */
static bool can_ask(struct scene *s, const char *what)
{
    if (!s->source->live)
        scene_say(s, "This is a recording: there is no model that could %s.", what);
    return s->source->live;
}

static void set_playing(struct scene *s, bool playing)
{
    s->playing = playing;
    s->follow = true; /* the cursor goes with what is written */
    source_pause(s->source, !playing);
}

/* Forget the token at the cursor and all after it, and wait there. */
static void step_back(struct scene *s)
{
    if (!can_ask(s, "take a token back") || s->n_token < 2 || s->cursor == 0)
        return;
    set_playing(s, false);
    ask(s, SOURCE_ASK_KEEP, s->cursor);
}

/* Keep the text up to the cursor and write on from there. */
static void regenerate(struct scene *s)
{
    if (!can_ask(s, "write anew from here") || s->n_token == 0)
        return;
    ask(s, SOURCE_ASK_KEEP, s->cursor + 1);
    set_playing(s, true);
}

static void pin_run(struct scene *s)
{
    if (can_ask(s, "write a second run to compare with"))
        ask(s, source_pinned(s->source) ? SOURCE_ASK_UNPIN : SOURCE_ASK_PIN, 0);
}

bool scene_write_one(struct scene *s)
{
    if (!s->source->live || s->playing || s->cursor + 1 < s->n_token)
        return false;
    s->follow = true;
    ask(s, SOURCE_ASK_STEP, 0);
    return true;
}

static void next_setting(struct steer *t)
{
    t->setting = (enum steer_setting)((t->setting + 1) % STEER_SETTING_COUNT);
}

void scene_steer(struct scene *s, enum command command)
{
    struct steer *t = s->steer;
    if (!t || !t->source)
        return;
    switch (command) {
    case CMD_SELECT:
        if (s->expert != SCENE_NONE)
            steer_pick(t, s->layer, (uint32_t)s->expert, STEER_TOGGLE);
        break;
    case CMD_BAN:
    case CMD_FORCE:
        steer_set(t, command == CMD_BAN ? LEM_POLICY_BAN : LEM_POLICY_FORCE, 0, s->layer,
                  s->expert);
        break;
    case CMD_BIAS_UP:
    case CMD_BIAS_DOWN:
        steer_set(t, LEM_POLICY_BIAS, command == CMD_BIAS_UP ? 0.1f : -0.1f, s->layer,
                  s->expert);
        break;
    case CMD_UNSET:
        steer_unset(t, s->layer, s->expert);
        break;
    case CMD_UNSET_ALL:
        steer_undo_all(t);
        break;
    case CMD_SETTING:
        next_setting(t);
        break;
    case CMD_SETTING_UP:
    case CMD_SETTING_DOWN:
        steer_nudge(t, t->setting, command == CMD_SETTING_UP ? 1 : -1);
        break;
    case CMD_SEED_UP:
    case CMD_SEED_DOWN:
        steer_nudge(t, STEER_SEED, command == CMD_SEED_UP ? 1 : -1);
        break;
    case CMD_STEP_BACK:
        step_back(s);
        break;
    case CMD_REGENERATE:
        regenerate(s);
        break;
    case CMD_PIN_RUN:
        pin_run(s);
        break;
    case CMD_POLICY_SAVE:
        steer_save(t);
        break;
    case CMD_POLICY_LOAD:
        steer_load(t);
        break;
    default: /* CMD_POLICY_MORE */
        t->first = t->first + t->shown < t->n_row ? t->first + t->shown : 0;
    }
}
