/* source.c - the stream of tokens that the views show, and recordings as one. */
#include "source.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- recordings --------------------------------------------------------------- */

struct said {
    char text[512];
    bool muted; /* damaged tokens are shown as such, not told one by one */
};

static void on_log(void *priv, enum lem_log_level level, const char *text)
{
    struct said *said = priv;
    if (!said->muted && level <= LEM_LOG_WARN)
        snprintf(said->text, sizeof said->text, "%s", text);
}

/* Messages while opening only: the log's memory ends with the call. */
static struct lem_trace *open_trace(const char *path, struct said *said)
{
    struct lem_trace *loud = NULL, *quiet = NULL;
    const struct lem_log log = {.fn = on_log, .priv = said};
    if (lem_trace_open(path, &log, &loud) != LEM_OK)
        return NULL;
    lem_trace_close(&loud);
    return lem_trace_open(path, NULL, &quiet) == LEM_OK ? quiet : NULL;
}

static void close_recording(struct source *s)
{
    struct lem_trace *t = s->priv;
    lem_trace_close(&t);
}

static uint64_t recorded_n(struct source *s)
{
    struct lem_trace_info info;
    lem_trace_get_info(s->priv, &info);
    return info.n_token;
}

static bool recorded_token(struct source *s, uint64_t i, struct lem_trace_token *out)
{
    return lem_trace_get_token(s->priv, i, out) == LEM_OK;
}

static size_t recorded_piece(struct source *s, uint64_t i, char *out, size_t cap)
{
    return lem_trace_piece(s->priv, i, out, cap);
}

static bool recorded_routing(struct source *s, uint64_t i, uint16_t *ids, float *weights)
{
    return lem_trace_routing(s->priv, i, 1, ids, weights) == LEM_OK;
}

static enum source_phase recorded_phase(struct source *s, char *message, size_t cap)
{
    snprintf(message, cap, "%s", s->note);
    return SOURCE_DONE;
}

static void recorded_pause(struct source *s, bool paused)
{
    (void)s;
    (void)paused;
}

static const struct source_kind recording = {
    .close = close_recording,
    .n_token = recorded_n,
    .token = recorded_token,
    .piece = recorded_piece,
    .routing = recorded_routing,
    .phase = recorded_phase,
    .pause = recorded_pause,
};

bool source_open_recording(struct source *s, const char *path, char *message, size_t cap)
{
    struct said said = {.text = "the recording cannot be opened"};
    struct lem_trace_info info;
    *s = (struct source){.kind = &recording};
    s->priv = open_trace(path, &said);
    if (!s->priv) {
        snprintf(message, cap, "%s", said.text);
        return false;
    }
    lem_trace_get_info(s->priv, &info);
    s->facts = info.facts;
    s->n_prompt = info.n_prompt;
    if (info.lost_bytes)
        snprintf(s->note, sizeof s->note,
                 "The recording was cut off: its last %llu bytes are no whole token.",
                 (unsigned long long)info.lost_bytes);
    return true;
}

/* ---- either kind ---------------------------------------------------------------- */

void source_close(struct source *s)
{
    if (s->kind && s->priv)
        s->kind->close(s);
    *s = (struct source){0};
}

uint64_t source_n_token(struct source *s)
{
    return s->kind->n_token(s);
}

bool source_token(struct source *s, uint64_t i, struct lem_trace_token *out)
{
    return s->kind->token(s, i, out);
}

size_t source_piece(struct source *s, uint64_t i, char *out, size_t cap)
{
    return s->kind->piece(s, i, out, cap);
}

bool source_routing(struct source *s, uint64_t i, uint16_t *ids, float *weights)
{
    if (!s->kind->routing(s, i, ids, weights))
        return false;
    const size_t n = (size_t)s->facts.n_layer_moe * s->facts.n_expert_used;
    for (size_t k = 0; k < n; k++)
        if (!isfinite(weights[k]))
            weights[k] = 0;
    return true;
}

enum source_phase source_phase(struct source *s, char *message, size_t cap)
{
    return s->kind->phase(s, message, cap);
}

void source_pause(struct source *s, bool paused)
{
    s->kind->pause(s, paused);
}
