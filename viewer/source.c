/* source.c - the stream of tokens that the views show, and recordings as one. */
#include "source.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
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

/* An open recording. */
struct recorded {
    struct lem_trace *trace;
    uint32_t *policy; /* [n_policy] which of its events are policies */
    uint32_t n_policy;
};

static const struct lem_trace *trace_of(struct source *s)
{
    const struct recorded *r = s->priv;
    return r->trace;
}

static void close_recording(struct source *s)
{
    struct recorded *r = s->priv;
    lem_trace_close(&r->trace);
    free(r->policy);
    free(r);
}

static uint64_t recorded_n(struct source *s)
{
    struct lem_trace_info info;
    lem_trace_get_info(trace_of(s), &info);
    return info.n_token;
}

static bool recorded_token(struct source *s, uint64_t i, struct lem_trace_token *out)
{
    return lem_trace_get_token(trace_of(s), i, out) == LEM_OK;
}

static size_t recorded_piece(struct source *s, uint64_t i, char *out, size_t cap)
{
    return lem_trace_piece(trace_of(s), i, out, cap);
}

static bool recorded_routing(struct source *s, uint64_t i, uint16_t *ids, float *weights)
{
    return lem_trace_routing(trace_of(s), i, 1, ids, weights) == LEM_OK;
}

static enum source_phase recorded_phase(struct source *s, char *message, size_t cap)
{
    snprintf(message, cap, "%s", s->note);
    return SOURCE_DONE;
}

static uint32_t recorded_n_event(struct source *s)
{
    const struct recorded *r = s->priv;
    return r->n_policy;
}

static size_t recorded_event(struct source *s, uint32_t k, uint64_t *before, char *out,
                             size_t cap)
{
    const struct recorded *r = s->priv;
    struct lem_trace_event event;
    if (k >= r->n_policy || lem_trace_get_event(r->trace, r->policy[k], &event) != LEM_OK)
        return 0;
    *before = event.before;
    return lem_trace_event_text(r->trace, r->policy[k], out, cap);
}

static void recorded_pause(struct source *s, bool paused)
{
    (void)s;
    (void)paused;
}

static bool recorded_margins(struct source *s, uint64_t i, float *margins, uint16_t *next)
{
    return s->facts.margins &&
           lem_trace_margins(trace_of(s), i, 1, margins, next) == LEM_OK;
}

static void recorded_memory(struct source *s, uint64_t i, struct lem_trace_memory *out)
{
    (void)lem_trace_get_memory(trace_of(s), i, out);
}

static const struct source_kind recording = {
    .margins = recorded_margins,
    .memory = recorded_memory,
    .close = close_recording,
    .n_token = recorded_n,
    .token = recorded_token,
    .piece = recorded_piece,
    .routing = recorded_routing,
    .phase = recorded_phase,
    .pause = recorded_pause,
    .n_event = recorded_n_event,
    .event = recorded_event,
};

/* Once, so that nobody has to look through all events for the policies. */
static bool list_policies(struct recorded *r, uint32_t n_event)
{
    struct lem_trace_event event;
    r->policy = calloc((size_t)n_event + 1, sizeof *r->policy);
    for (uint32_t i = 0; r->policy && i < n_event; i++)
        if (lem_trace_get_event(r->trace, i, &event) == LEM_OK &&
            event.kind == LEM_TRACE_POLICY)
            r->policy[r->n_policy++] = i;
    return r->policy != NULL;
}

bool source_open_recording(struct source *s, const char *path, char *message, size_t cap)
{
    struct said said = {.text = "no memory to open the recording"};
    struct lem_trace_info info = {0};
    struct recorded *r = calloc(1, sizeof *r);
    *s = (struct source){.kind = &recording, .priv = r};
    if (r)
        r->trace = open_trace(path, &said);
    if (r && r->trace)
        lem_trace_get_info(r->trace, &info);
    if (!r || !r->trace || !list_policies(r, info.n_event)) {
        snprintf(message, cap, "%s", said.text);
        source_close(s);
        return false;
    }
    s->facts = info.facts;
    s->n_prompt = info.n_prompt;
    if (info.lost_bytes)
        snprintf(s->note, sizeof s->note,
                 "The recording was cut off: its last %llu bytes are no whole token.",
                 (unsigned long long)info.lost_bytes);
    return true;
}

/* ---- nothing ---------------------------------------------------------------------- */

static void close_nothing(struct source *s)
{
    (void)s;
}

static uint64_t no_n(struct source *s)
{
    (void)s;
    return 0;
}

static bool no_token(struct source *s, uint64_t i, struct lem_trace_token *out)
{
    (void)s;
    (void)i;
    (void)out;
    return false;
}

static size_t no_piece(struct source *s, uint64_t i, char *out, size_t cap)
{
    (void)s;
    (void)i;
    (void)out;
    (void)cap;
    return 0;
}

static bool no_routing(struct source *s, uint64_t i, uint16_t *ids, float *weights)
{
    (void)s;
    (void)i;
    (void)ids;
    (void)weights;
    return false;
}

static enum source_phase failed_phase(struct source *s, char *message, size_t cap)
{
    snprintf(message, cap, "%s", s->note);
    return SOURCE_FAILED;
}

static const struct source_kind nothing = {
    .close = close_nothing,
    .n_token = no_n,
    .token = no_token,
    .piece = no_piece,
    .routing = no_routing,
    .phase = failed_phase,
    .pause = recorded_pause,
};

void source_open_failed(struct source *s, const char *message)
{
    *s = (struct source){.kind = &nothing};
    snprintf(s->note, sizeof s->note, "%s", message);
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

void source_pace(struct source *s, float per_second)
{
    if (s->kind->pace)
        s->kind->pace(s, per_second);
}

bool source_margins(struct source *s, uint64_t i, float *margins, uint16_t *next)
{
    return s->kind->margins && s->kind->margins(s, i, margins, next);
}

void source_memory(struct source *s, uint64_t i, struct lem_trace_memory *out)
{
    *out = (struct lem_trace_memory){0};
    if (s->kind->memory)
        s->kind->memory(s, i, out);
}

uint32_t source_n_event(struct source *s)
{
    return s->kind->n_event ? s->kind->n_event(s) : 0;
}

size_t source_event(struct source *s, uint32_t k, uint64_t *before, char *out, size_t cap)
{
    return s->kind->event ? s->kind->event(s, k, before, out, cap) : 0;
}

bool source_ask(struct source *s, const struct source_ask *ask)
{
    return s->kind->ask && s->kind->ask(s, ask);
}

uint32_t source_revision(struct source *s)
{
    return s->kind->revision ? s->kind->revision(s) : 0;
}

uint32_t source_policy(struct source *s, struct lem_policy_entry *out, uint32_t cap,
                       uint32_t *revision)
{
    *revision = 0;
    return s->kind->policy ? s->kind->policy(s, out, cap, revision) : 0;
}

struct lem_sample_params source_sampling(struct source *s)
{
    return s->kind->sampling ? s->kind->sampling(s) : (struct lem_sample_params){0};
}

struct source *source_pinned(struct source *s)
{
    return s->kind->pinned ? s->kind->pinned(s) : NULL;
}

size_t source_divergence(struct source *s, uint64_t from, size_t n, float *out)
{
    return s->kind->divergence ? s->kind->divergence(s, from, n, out) : 0;
}
