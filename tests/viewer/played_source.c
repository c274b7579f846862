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

/* Where in the recording token `i` of this run stands. */
static uint64_t place_of(const struct played *p, uint64_t i)
{
    return p->n_cut && i >= p->cut ? i + p->n_cut : i;
}

static bool played_token(struct source *s, uint64_t i, struct lem_trace_token *out)
{
    struct played *p = s->priv;
    return i < p->n && source_token(&p->recording, place_of(p, i), out);
}

static size_t played_piece(struct source *s, uint64_t i, char *out, size_t cap)
{
    struct played *p = s->priv;
    return i < p->n ? source_piece(&p->recording, place_of(p, i), out, cap) : 0;
}

static bool played_routing(struct source *s, uint64_t i, uint16_t *ids, float *weights)
{
    struct played *p = s->priv;
    return i < p->n && source_routing(&p->recording, place_of(p, i), ids, weights);
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

static void played_pace(struct source *s, float per_second)
{
    struct played *p = s->priv;
    p->pace = per_second;
}

/* ---- stepping in --------------------------------------------------------- */

static bool is_of(const struct lem_policy_entry *a, const struct lem_policy_entry *b)
{
    const bool limit = a->kind == LEM_POLICY_LIMIT;
    return a->layer == b->layer && limit == (b->kind == LEM_POLICY_LIMIT) &&
           (limit || a->expert == b->expert);
}

/* Instead of what there is on the same expert or layer; nothing undoes that. */
static void put_entry(struct played *p, const struct lem_policy_entry *e)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < p->n_policy; i++)
        if (!is_of(&p->policy[i], e))
            p->policy[n++] = p->policy[i];
    p->n_policy = n;
    const bool undoes = e->kind == LEM_POLICY_LIMIT  ? e->limit == 0
                        : e->kind == LEM_POLICY_BIAS ? e->bias == 0
                                                     : false;
    assert_true(n < PLAYED_ENTRIES);
    if (!undoes)
        p->policy[p->n_policy++] = *e;
}

static void put_policy(struct played *p, const struct source_ask *ask)
{
    const struct lem_trace_facts *f = &p->recording.facts;
    if (ask->replace)
        p->n_policy = 0;
    for (uint32_t i = 0; i < ask->n_entry; i++) {
        struct lem_policy_entry e = ask->entries[i];
        const bool all = e.layer == LEM_ALL_LAYERS;
        for (uint32_t l = 0; l < (all ? f->n_layer_moe : 1); l++) {
            e.layer = all ? f->layer[l] : ask->entries[i].layer;
            put_entry(p, &e);
        }
    }
}

static bool played_ask(struct source *s, const struct source_ask *ask)
{
    struct played *p = s->priv;
    p->n_ask++;
    p->asked = ask->kind;
    p->revision++;
    if (ask->kind == SOURCE_ASK_PROMPT)
        snprintf(p->prompt, sizeof p->prompt, "%s", ask->text);
    if (ask->kind == SOURCE_ASK_POLICY)
        put_policy(p, ask);
    if (ask->kind == SOURCE_ASK_SAMPLE)
        p->sample = ask->sample;
    if (ask->kind == SOURCE_ASK_PIN || ask->kind == SOURCE_ASK_UNPIN)
        p->is_pinned = ask->kind == SOURCE_ASK_PIN;
    if (ask->kind == SOURCE_ASK_KEEP && ask->at < p->n)
        p->n = ask->at;
    return true;
}

static uint32_t played_revision(struct source *s)
{
    const struct played *p = s->priv;
    return p->revision;
}

static uint32_t played_policy(struct source *s, struct lem_policy_entry *out,
                              uint32_t cap, uint32_t *revision)
{
    const struct played *p = s->priv;
    for (uint32_t i = 0; i < p->n_policy && i < cap; i++)
        out[i] = p->policy[i];
    *revision = p->revision;
    return p->n_policy;
}

static struct lem_sample_params played_sampling(struct source *s)
{
    const struct played *p = s->priv;
    return p->sample;
}

static struct source *played_pinned(struct source *s)
{
    struct played *p = s->priv;
    return p->is_pinned ? &p->recording : NULL;
}

/* Made up: none before the runs part, then falling waves. */
static size_t played_divergence(struct source *s, uint64_t from, size_t n, float *out)
{
    struct played *p = s->priv;
    const uint64_t all = source_n_token(&p->recording);
    size_t got = 0;
    for (; got < n && from + got < all; got++) {
        const uint64_t i = from + got;
        out[got] = i < p->cut ? 0 : (float)(i * 7 % 11) / (float)(i - p->cut + 9);
    }
    return got;
}

static const struct source_kind kind = {.close = close_played,
                                        .n_token = played_n,
                                        .token = played_token,
                                        .piece = played_piece,
                                        .routing = played_routing,
                                        .phase = played_phase,
                                        .pause = played_pause,
                                        .pace = played_pace,
                                        .ask = played_ask,
                                        .revision = played_revision,
                                        .policy = played_policy,
                                        .sampling = played_sampling,
                                        .pinned = played_pinned,
                                        .divergence = played_divergence};

void played_open(struct played *p, struct source *s, const char *path)
{
    char message[200] = "";
    *p = (struct played){.sample = {.temperature = 0.8f, .top_k = 40, .seed = 1}};
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
