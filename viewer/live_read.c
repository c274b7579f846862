/* live_read.c - what the window asks of a model at work: all of it answered under the
 * lock, which the worker never holds while it computes. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "live.h"
#include "policyfile/policyfile.h"

/* ---- runs ------------------------------------------------------------------------- */

static uint64_t n_token(struct live *l, const struct run *r)
{
    SDL_LockMutex(l->lock);
    const uint64_t n = r->n;
    SDL_UnlockMutex(l->lock);
    return n;
}

static bool read_token(struct live *l, const struct run *r, uint64_t i,
                       struct lem_trace_token *out)
{
    SDL_LockMutex(l->lock);
    const bool there = i < r->n;
    if (there)
        *out = r->done[i].token;
    SDL_UnlockMutex(l->lock);
    return there;
}

static size_t read_piece(struct live *l, const struct run *r, uint64_t i, char *out,
                         size_t cap)
{
    size_t n = 0;
    SDL_LockMutex(l->lock);
    if (i < r->n) {
        n = r->done[i].n_piece;
        if (n <= cap)
            memcpy(out, r->done[i].piece, n);
    }
    SDL_UnlockMutex(l->lock);
    return n;
}

static bool read_routing(struct live *l, const struct run *r, uint64_t i, uint16_t *ids,
                         float *weights)
{
    SDL_LockMutex(l->lock);
    const bool there = i < r->n;
    if (there && r->pairs) {
        memcpy(ids, r->ids + i * r->pairs, r->pairs * sizeof *ids);
        memcpy(weights, r->weights + i * r->pairs, r->pairs * sizeof *weights);
    }
    SDL_UnlockMutex(l->lock);
    return there;
}

static uint32_t n_event(struct live *l, const struct run *r)
{
    SDL_LockMutex(l->lock);
    const uint32_t n = r->n_span;
    SDL_UnlockMutex(l->lock);
    return n;
}

static size_t read_event(struct live *l, const struct run *r, uint32_t k,
                         uint64_t *before, char *out, size_t cap)
{
    size_t n = 0;
    char *text = NULL;
    SDL_LockMutex(l->lock);
    if (k < r->n_span) {
        *before = r->span[k].from;
        text = policyfile_write(l->name, r->span[k].entries, r->span[k].n_entry);
    }
    SDL_UnlockMutex(l->lock);
    if (text) {
        n = strlen(text);
        if (n <= cap)
            memcpy(out, text, n);
    }
    free(text);
    return n;
}

/* ---- the present run, and the pinned one --------------------------------------------
 */

/* Each function once for either run. */
#define READERS(prefix, member)                                                          \
    static uint64_t prefix##_n(struct source *s)                                         \
    {                                                                                    \
        struct live *l = s->priv;                                                        \
        return n_token(l, &l->member);                                                   \
    }                                                                                    \
    static bool prefix##_token(struct source *s, uint64_t i,                             \
                               struct lem_trace_token *out)                              \
    {                                                                                    \
        struct live *l = s->priv;                                                        \
        return read_token(l, &l->member, i, out);                                        \
    }                                                                                    \
    static size_t prefix##_piece(struct source *s, uint64_t i, char *out, size_t cap)    \
    {                                                                                    \
        struct live *l = s->priv;                                                        \
        return read_piece(l, &l->member, i, out, cap);                                   \
    }                                                                                    \
    static bool prefix##_routing(struct source *s, uint64_t i, uint16_t *ids,            \
                                 float *weights)                                         \
    {                                                                                    \
        struct live *l = s->priv;                                                        \
        return read_routing(l, &l->member, i, ids, weights);                             \
    }                                                                                    \
    static uint32_t prefix##_n_event(struct source *s)                                   \
    {                                                                                    \
        struct live *l = s->priv;                                                        \
        return n_event(l, &l->member);                                                   \
    }                                                                                    \
    static size_t prefix##_event(struct source *s, uint32_t k, uint64_t *before,         \
                                 char *out, size_t cap)                                  \
    {                                                                                    \
        struct live *l = s->priv;                                                        \
        return read_event(l, &l->member, k, before, out, cap);                           \
    }

READERS(live, run)
READERS(pinned, pinned)

static enum source_phase live_phase(struct source *s, char *message, size_t cap)
{
    struct live *l = s->priv;
    SDL_LockMutex(l->lock);
    const enum source_phase phase = l->phase;
    snprintf(message, cap, "%s", l->message);
    SDL_UnlockMutex(l->lock);
    return phase;
}

static enum source_phase pinned_phase(struct source *s, char *message, size_t cap)
{
    (void)s;
    snprintf(message, cap, "%s", "");
    return SOURCE_DONE;
}

static bool read_margins(struct live *l, const struct run *r, uint64_t i, float *margins,
                         uint16_t *next)
{
    SDL_LockMutex(l->lock);
    const bool there = i < r->n && r->done[i].margins;
    if (there) {
        memcpy(margins, r->done[i].margins, r->n_layer * sizeof *margins);
        memcpy(next, r->done[i].margins + r->n_layer, r->n_layer * sizeof *next);
    }
    SDL_UnlockMutex(l->lock);
    return there;
}

static bool live_margins(struct source *s, uint64_t i, float *margins, uint16_t *next)
{
    struct live *l = s->priv;
    return read_margins(l, &l->run, i, margins, next);
}

static bool pinned_margins(struct source *s, uint64_t i, float *margins, uint16_t *next)
{
    struct live *l = s->priv;
    return read_margins(l, &l->pinned, i, margins, next);
}

/* It is the same for all tokens: only the peak ever changes. */
static void live_memory(struct source *s, uint64_t i, struct lem_trace_memory *out)
{
    struct live *l = s->priv;
    (void)i;
    SDL_LockMutex(l->lock);
    if (l->phase != SOURCE_OPENING) /* until then the worker fills them */
        *out = l->memory;
    SDL_UnlockMutex(l->lock);
}

static uint32_t live_revision(struct source *s)
{
    struct live *l = s->priv;
    SDL_LockMutex(l->lock);
    const uint32_t revision = l->revision;
    SDL_UnlockMutex(l->lock);
    return revision;
}

static uint32_t live_policy_now(struct source *s, struct lem_policy_entry *out,
                                uint32_t cap, uint32_t *revision)
{
    struct live *l = s->priv;
    SDL_LockMutex(l->lock);
    const uint32_t n = l->n_policy;
    if (n && cap)
        memcpy(out, l->policy, (n < cap ? n : cap) * sizeof *out);
    *revision = l->policy_revision;
    SDL_UnlockMutex(l->lock);
    return n;
}

static struct lem_sample_params live_sampling(struct source *s)
{
    struct live *l = s->priv;
    SDL_LockMutex(l->lock);
    const struct lem_sample_params sample = l->params.sample;
    SDL_UnlockMutex(l->lock);
    return sample;
}

static struct lem_sample_params pinned_sampling(struct source *s)
{
    struct live *l = s->priv;
    SDL_LockMutex(l->lock);
    const struct lem_sample_params sample = l->pinned_sample;
    SDL_UnlockMutex(l->lock);
    return sample;
}

static struct source *live_pinned(struct source *s)
{
    struct live *l = s->priv;
    SDL_LockMutex(l->lock);
    struct source *pinned = l->is_pinned ? &l->pinned_source : NULL;
    SDL_UnlockMutex(l->lock);
    return pinned;
}

static size_t live_divergence(struct source *s, uint64_t from, size_t n, float *out)
{
    struct live *l = s->priv;
    size_t got = 0;
    SDL_LockMutex(l->lock);
    const uint64_t all = l->is_pinned && l->score.kl ? l->pinned.n : 0;
    for (; got < n && from + got < all; got++)
        out[got] = l->score.kl[from + got];
    SDL_UnlockMutex(l->lock);
    return got;
}

/* ---- to the worker ------------------------------------------------------------------
 */

static void live_pause(struct source *s, bool paused)
{
    struct live *l = s->priv;
    SDL_LockMutex(l->lock);
    l->paused = paused;
    SDL_CondSignal(l->wake);
    SDL_UnlockMutex(l->lock);
}

static void live_pace(struct source *s, float per_second)
{
    struct live *l = s->priv;
    SDL_LockMutex(l->lock);
    l->pace = per_second;
    SDL_CondSignal(l->wake);
    SDL_UnlockMutex(l->lock);
}

static void free_ask(struct ask_entry *e)
{
    if (!e)
        return;
    free(e->ask.entries);
    free(e->ask.text);
    free(e);
}

void live_drop_asks(struct live *l)
{
    while (l->first_ask) {
        struct ask_entry *e = l->first_ask;
        l->first_ask = e->next;
        free_ask(e);
    }
    l->last_ask = NULL;
}

static struct ask_entry *copy_ask(const struct source_ask *ask)
{
    struct ask_entry *e = calloc(1, sizeof *e);
    if (!e)
        return NULL;
    e->ask = *ask;
    e->ask.entries = NULL;
    e->ask.text = NULL;
    if (ask->n_entry) {
        e->ask.entries = malloc(ask->n_entry * sizeof *ask->entries);
        if (e->ask.entries)
            memcpy(e->ask.entries, ask->entries, ask->n_entry * sizeof *ask->entries);
    }
    if (ask->text) {
        const size_t n = strlen(ask->text) + 1;
        e->ask.text = malloc(n);
        if (e->ask.text)
            memcpy(e->ask.text, ask->text, n);
    }
    if ((!ask->n_entry || e->ask.entries) && (!ask->text || e->ask.text))
        return e;
    free_ask(e);
    return NULL;
}

static bool live_ask(struct source *s, const struct source_ask *ask)
{
    struct live *l = s->priv;
    struct ask_entry *e = copy_ask(ask);
    if (!e)
        return false;
    SDL_LockMutex(l->lock);
    if (l->last_ask)
        l->last_ask->next = e;
    else
        l->first_ask = e;
    l->last_ask = e;
    SDL_CondSignal(l->wake);
    SDL_UnlockMutex(l->lock);
    return true;
}

/* ---- closing ------------------------------------------------------------------------
 */

static void close_live(struct source *s)
{
    struct live *l = s->priv;
    SDL_LockMutex(l->lock);
    l->stop = true;
    if (l->session)
        lem_session_cancel(l->session);
    SDL_CondSignal(l->wake);
    SDL_UnlockMutex(l->lock);
    SDL_WaitThread(l->thread, NULL);
    score_unpin(l);
    lem_session_close(&l->session);
    lem_weights_close(&l->model_weights);
    lem_device_close(&l->device);
    lem_tokenizer_close(&l->tokenizer);
    lem_model_close(&l->model);
    live_drop_asks(l);
    run_free(&l->run);
    free(l->policy);
    free(l->ids);
    free(l->weights);
    free(l->margins);
    free(l->next);
    free(l->layer);
    SDL_DestroyCond(l->wake);
    SDL_DestroyMutex(l->lock);
    free(l);
}

static void close_nothing(struct source *s)
{
    (void)s; /* it goes with the present run */
}

static void pause_nothing(struct source *s, bool paused)
{
    (void)s;
    (void)paused;
}

const struct source_kind live_kind = {
    .margins = live_margins,
    .memory = live_memory,
    .close = close_live,
    .n_token = live_n,
    .token = live_token,
    .piece = live_piece,
    .routing = live_routing,
    .phase = live_phase,
    .pause = live_pause,
    .pace = live_pace,
    .n_event = live_n_event,
    .event = live_event,
    .ask = live_ask,
    .revision = live_revision,
    .policy = live_policy_now,
    .sampling = live_sampling,
    .pinned = live_pinned,
    .divergence = live_divergence,
};

const struct source_kind live_pinned_kind = {
    .margins = pinned_margins,
    .memory = live_memory,
    .close = close_nothing,
    .n_token = pinned_n,
    .token = pinned_token,
    .piece = pinned_piece,
    .routing = pinned_routing,
    .phase = pinned_phase,
    .pause = pause_nothing,
    .n_event = pinned_n_event,
    .event = pinned_event,
    .sampling = pinned_sampling,
};
