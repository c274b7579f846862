/* save.c - the recording of a run, as far as it has come. */
#include "save.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "os.h"

/* Memory of one token and of its events. */
struct saver {
    struct source *source;
    struct lem_trace_writer *writer;
    uint16_t *ids, *next;
    float *weights, *margins;
    char *text;
    size_t cap;
    uint32_t event;                 /* the next one */
    struct lem_trace_memory memory; /* written last */
};

static void on_log(void *priv, enum lem_log_level level, const char *text)
{
    if (level == LEM_LOG_ERROR)
        snprintf(priv, 400, "%s", text);
}

/* Room for `n` bytes of text. */
static bool make_room(struct saver *v, size_t n)
{
    if (n <= v->cap)
        return true;
    char *more = realloc(v->text, n);
    if (more) {
        v->text = more;
        v->cap = n;
    }
    return more != NULL;
}

/* Policies that came into force before token `i`. */
static bool save_events(struct saver *v, uint64_t i)
{
    for (; v->event < source_n_event(v->source); v->event++) {
        uint64_t before = 0;
        size_t n = source_event(v->source, v->event, &before, NULL, 0);
        if (before > i)
            return true;
        if (!make_room(v, n + 1))
            return false;
        n = source_event(v->source, v->event, &before, v->text, v->cap);
        if (n > v->cap || lem_trace_writer_policy(v->writer, v->text, n) != LEM_OK)
            return false;
    }
    return true;
}

/* The memory known before token `i`, unless it is what was written last. */
static bool save_memory(struct saver *v, uint64_t i)
{
    struct lem_trace_memory now, *last = &v->memory;
    source_memory(v->source, i, &now);
    if (now.weights == last->weights && now.session == last->session &&
        now.peak == last->peak)
        return true;
    *last = now;
    return lem_trace_writer_memory(v->writer, &now) == LEM_OK;
}

static bool save_token(struct saver *v, uint64_t i)
{
    struct lem_trace_token token;
    size_t n = source_piece(v->source, i, NULL, 0);
    if (!save_events(v, i) || !save_memory(v, i) || !make_room(v, n + 1) ||
        !source_token(v->source, i, &token))
        return false;
    n = source_piece(v->source, i, v->text, v->cap);
    if (v->source->facts.n_layer_moe && !source_routing(v->source, i, v->ids, v->weights))
        return false;
    if (source_margins(v->source, i, v->margins, v->next))
        (void)lem_trace_writer_margins(v->writer, v->margins, v->next);
    return lem_trace_writer_token(v->writer, &token, v->text, n, v->ids, v->weights) ==
           LEM_OK;
}

static bool save_all(struct saver *v, const char *path, char *message)
{
    const struct lem_log log = {.fn = on_log, .priv = message};
    bool ok = lem_trace_writer_open(path, &v->source->facts, &log, &v->writer) == LEM_OK;
    const uint64_t n = source_n_token(v->source);
    for (uint64_t i = 0; i < n && ok; i++)
        ok = save_token(v, i);
    ok = ok && save_memory(v, n);
    return (lem_trace_writer_close(&v->writer) == LEM_OK) && ok;
}

bool save_recording(struct source *s, const char *path, char *message, size_t cap)
{
    const size_t layers = s->facts.n_layer_moe + 1u,
                 pairs = layers * (s->facts.n_expert_used + 1u);
    struct saver v = {.source = s};
    char part[1100], said[400] = "no memory to save the recording";
    v.ids = calloc(pairs, sizeof *v.ids);
    v.weights = calloc(pairs, sizeof *v.weights);
    v.next = calloc(layers, sizeof *v.next);
    v.margins = calloc(layers, sizeof *v.margins);
    const int n = snprintf(part, sizeof part, "%s.part", path);
    bool ok =
        v.ids && v.weights && v.next && v.margins && n > 0 && (size_t)n < sizeof part;
    if (ok) {
        snprintf(said, sizeof said, "%s: the recording cannot be saved", path);
        ok = save_all(&v, part, said);
        if (ok && !os_replace(part, path)) {
            snprintf(said, sizeof said, "%s: cannot be put in place of what is there",
                     path);
            ok = false;
        }
        if (!ok)
            remove(part);
    }
    if (!ok)
        snprintf(message, cap, "%s", said);
    free(v.ids);
    free(v.weights);
    free(v.next);
    free(v.margins);
    free(v.text);
    return ok;
}
