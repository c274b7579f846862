/* fake_source.c - a source made up by a test: runs of given tokens. */
#include "fake_source.h"

#include <stdio.h>
#include <string.h>

static const struct fake_run *run_of(struct source *s)
{
    return s->priv;
}

static void close_fake(struct source *s)
{
    (void)s;
}

static uint64_t fake_n(struct source *s)
{
    return run_of(s)->n;
}

static bool fake_token(struct source *s, uint64_t i, struct lem_trace_token *out)
{
    if (i >= run_of(s)->n)
        return false;
    *out = (struct lem_trace_token){.id = run_of(s)->id[i], .probability = -1};
    return true;
}

/* " 7", and a line's end for token 0; from FAKE_INSIDE on a word's middle: "600". */
static size_t fake_piece(struct source *s, uint64_t i, char *out, size_t cap)
{
    char piece[16];
    if (i >= run_of(s)->n)
        return 0;
    const int32_t id = run_of(s)->id[i];
    const int n = snprintf(piece, sizeof piece,
                           id >= FAKE_INSIDE ? "%d"
                           : id              ? " %d"
                                             : "\n",
                           id);
    if ((size_t)n <= cap)
        memcpy(out, piece, (size_t)n);
    return (size_t)n;
}

static bool fake_routing(struct source *s, uint64_t i, uint16_t *ids, float *weights)
{
    const struct lem_trace_facts *f = &s->facts;
    for (uint32_t k = 0; k < f->n_layer_moe * f->n_expert_used; k++) {
        ids[k] = (uint16_t)(k % f->n_expert_used);
        weights[k] = 0.5f;
    }
    return i < run_of(s)->n;
}

static enum source_phase fake_phase(struct source *s, char *message, size_t cap)
{
    (void)s;
    snprintf(message, cap, "%s", "");
    return SOURCE_DONE;
}

static void fake_pause(struct source *s, bool paused)
{
    (void)s;
    (void)paused;
}

static bool fake_ask(struct source *s, const struct source_ask *ask)
{
    struct fake_run *r = s->priv;
    r->asked = *ask;
    r->n_ask++;
    for (uint32_t i = 0; i < ask->n_entry && i < FAKE_ENTRIES; i++)
        r->entry[i] = ask->entries[i];
    return true;
}

static uint32_t fake_revision(struct source *s)
{
    return run_of(s)->revision;
}

static uint32_t fake_policy(struct source *s, struct lem_policy_entry *out, uint32_t cap,
                            uint32_t *revision)
{
    const struct fake_run *r = run_of(s);
    for (uint32_t i = 0; i < r->n_policy && i < cap; i++)
        out[i] = r->policy[i];
    *revision = r->policy_revision;
    return r->n_policy;
}

static struct lem_sample_params fake_sampling(struct source *s)
{
    return run_of(s)->sample;
}

static struct source *fake_pinned(struct source *s)
{
    return run_of(s)->pinned;
}

static size_t fake_divergence(struct source *s, uint64_t from, size_t n, float *out)
{
    const struct fake_run *r = run_of(s);
    size_t got = 0;
    for (; got < n && from + got < r->n_kl; got++)
        out[got] = r->kl[from + got];
    return got;
}

static const struct source_kind kind = {
    .close = close_fake,
    .n_token = fake_n,
    .token = fake_token,
    .piece = fake_piece,
    .routing = fake_routing,
    .phase = fake_phase,
    .pause = fake_pause,
    .ask = fake_ask,
    .revision = fake_revision,
    .policy = fake_policy,
    .sampling = fake_sampling,
    .pinned = fake_pinned,
    .divergence = fake_divergence,
};

void fake_source_open(struct source *s, struct fake_run *run)
{
    static const uint32_t layer[] = {1, 2, 5};
    *s = (struct source){.kind = &kind,
                         .priv = run,
                         .live = true,
                         .facts = {.name = "made up",
                                   .architecture = "none",
                                   .device = "none",
                                   .n_layer_moe = 3,
                                   .n_expert = 8,
                                   .n_expert_used = 2,
                                   .n_vocab = 1000,
                                   .layer = layer}};
}
