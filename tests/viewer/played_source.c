/* played_source.c - a recording played as if a model were at work. */
#include "played_source.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void close_played(struct source *s)
{
    struct played *p = s->priv;
    source_close(&p->recording);
}

static uint64_t played_n(struct source *s)
{
    const struct played *p = s->priv;
    return p->n;
}

static bool played_token(struct source *s, uint64_t i, struct lem_trace_token *out)
{
    struct played *p = s->priv;
    return i < p->n && source_token(&p->recording, i, out);
}

static size_t played_piece(struct source *s, uint64_t i, char *out, size_t cap)
{
    struct played *p = s->priv;
    return i < p->n ? source_piece(&p->recording, i, out, cap) : 0;
}

static bool played_routing(struct source *s, uint64_t i, uint16_t *ids, float *weights)
{
    struct played *p = s->priv;
    return i < p->n && source_routing(&p->recording, i, ids, weights);
}

static enum source_phase played_phase(struct source *s, char *message, size_t cap)
{
    const struct played *p = s->priv;
    snprintf(message, cap, "%s", p->failed ? "the device was lost" : "");
    return p->failed ? SOURCE_FAILED : SOURCE_RUNNING;
}

static void played_pause(struct source *s, bool paused)
{
    struct played *p = s->priv;
    p->paused = paused;
}

static bool played_ask(struct source *s, const struct source_ask *ask)
{
    struct played *p = s->priv;
    p->n_ask++;
    if (ask->kind == SOURCE_ASK_PROMPT)
        snprintf(p->prompt, sizeof p->prompt, "%s", ask->text);
    return true;
}

static const struct source_kind kind = {.close = close_played,
                                        .n_token = played_n,
                                        .token = played_token,
                                        .piece = played_piece,
                                        .routing = played_routing,
                                        .phase = played_phase,
                                        .pause = played_pause,
                                        .ask = played_ask};

void played_open(struct played *p, struct source *s, const char *path)
{
    char message[200] = "";
    *p = (struct played){0};
    if (!source_open_recording(&p->recording, path, message, sizeof message))
        fail_msg("%s", message);
    p->n = source_n_token(&p->recording);
    *s = (struct source){.kind = &kind,
                         .priv = p,
                         .facts = p->recording.facts,
                         .n_prompt = p->recording.n_prompt,
                         .live = true};
    s->facts.margins = false;
}
