/* steer.c - what is in force on the experts, as the views show it. */
#include "steer.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policyfile/policyfile.h"

enum { MAX_POLICY_TEXT = 1 << 22 };

/* ---- opening ------------------------------------------------------------------------
 */

/* A policy of the recording; one that cannot be read is left out. */
static void take_past(struct steer *s, uint32_t k)
{
    struct steer_past p = {0};
    const size_t n = source_event(s->source, k, &p.before, NULL, 0);
    char *text = n && n <= MAX_POLICY_TEXT ? malloc(n) : NULL;
    if (text && source_event(s->source, k, &p.before, text, n) == n &&
        policyfile_read("policy", text, n, NULL, &p.entry, &p.n_entry) == LEM_OK)
        s->past[s->n_past++] = p;
    free(text);
}

bool steer_open(struct steer *s, struct source *source, const char *path)
{
    const struct lem_trace_facts *f = &source->facts;
    const size_t cells = (size_t)f->n_layer_moe * f->n_expert + 1;
    const uint32_t n_past = source->live ? 0 : source_n_event(source);
    *s = (struct steer){.source = source,
                        .path = path,
                        .n_layer = f->n_layer_moe,
                        .n_expert = f->n_expert,
                        .n_used = f->n_expert_used,
                        .sample = source_sampling(source)};
    s->selected = calloc(cells, sizeof *s->selected);
    s->kept = calloc(cells, sizeof *s->kept);
    s->rule = calloc(cells, sizeof *s->rule);
    s->limit = calloc((size_t)f->n_layer_moe + 1, sizeof *s->limit);
    s->past = calloc((size_t)n_past + 1, sizeof *s->past);
    if (!s->selected || !s->kept || !s->rule || !s->limit || !s->past) {
        steer_close(s);
        return false;
    }
    for (uint32_t k = 0; k < n_past; k++)
        take_past(s, k);
    return true;
}

void steer_close(struct steer *s)
{
    for (uint32_t k = 0; k < s->n_past; k++)
        free(s->past[k].entry);
    free(s->selected);
    free(s->kept);
    free(s->rule);
    free(s->limit);
    free(s->row);
    free(s->past);
    *s = (struct steer){0};
}

/* ---- what is in force ----------------------------------------------------------------
 */

float steer_rule(const struct steer *s, uint32_t layer, uint32_t expert)
{
    if (layer >= s->n_layer || expert >= s->n_expert)
        return 0;
    return s->rule[(size_t)layer * s->n_expert + expert];
}

static void look_up(struct steer *s, const struct lem_policy_entry *e, uint32_t layer)
{
    if (e->kind == LEM_POLICY_LIMIT) {
        s->limit[layer] = e->limit;
        return;
    }
    if (e->expert < s->n_expert)
        s->rule[(size_t)layer * s->n_expert + e->expert] =
            e->kind == LEM_POLICY_BAN     ? -INFINITY
            : e->kind == LEM_POLICY_FORCE ? INFINITY
                                          : e->bias;
}

static bool add_row(struct steer *s, struct lem_policy_entry e)
{
    if (s->n_row == s->cap_row) {
        const uint32_t cap = s->cap_row ? s->cap_row * 2 : 32;
        void *more = realloc(s->row, cap * sizeof *s->row);
        if (!more)
            return false;
        s->row = more;
        s->cap_row = cap;
    }
    s->row[s->n_row++] = e;
    return true;
}

static struct lem_policy_entry entry_of(float rule, uint32_t layer, uint32_t expert)
{
    const bool bias = isfinite(rule);
    return (struct lem_policy_entry){.kind = bias       ? LEM_POLICY_BIAS
                                             : rule < 0 ? LEM_POLICY_BAN
                                                        : LEM_POLICY_FORCE,
                                     .layer = layer,
                                     .expert = expert,
                                     .bias = bias ? rule : 0};
}

/* The rule that an expert has in all layers alike; 0 where it has none. */
static float rule_everywhere(const struct steer *s, uint32_t expert)
{
    const float rule = steer_rule(s, 0, expert);
    for (uint32_t layer = 1; layer < s->n_layer; layer++)
        if (steer_rule(s, layer, expert) != rule)
            return 0;
    return s->n_layer > 1 ? rule : 0;
}

static void list_rows(struct steer *s)
{
    bool even = s->n_layer > 1, ok = true;
    s->n_row = 0;
    for (uint32_t layer = 1; layer < s->n_layer; layer++)
        even = even && s->limit[layer] == s->limit[0];
    for (uint32_t layer = 0; layer < s->n_layer && ok; layer++)
        if (s->limit[layer] && (layer == 0 || !even))
            ok = add_row(
                s, (struct lem_policy_entry){
                       .kind = LEM_POLICY_LIMIT,
                       .layer = even ? LEM_ALL_LAYERS : s->source->facts.layer[layer],
                       .limit = s->limit[layer]});
    for (uint32_t e = 0; e < s->n_expert && s->n_layer && ok; e++) {
        const float rule = rule_everywhere(s, e);
        if (rule != 0)
            ok = add_row(s, entry_of(rule, LEM_ALL_LAYERS, e));
    }
    for (uint32_t layer = 0; layer < s->n_layer; layer++)
        for (uint32_t e = 0; e < s->n_expert && ok; e++) {
            const float rule = steer_rule(s, layer, e);
            if (rule != 0 && rule_everywhere(s, e) == 0)
                ok = add_row(s, entry_of(rule, s->source->facts.layer[layer], e));
        }
    if (s->first >= s->n_row)
        s->first = 0;
}

void steer_expect(struct steer *s, const struct lem_policy_entry *e, uint32_t n,
                  bool replace)
{
    if (replace) {
        memset(s->rule, 0, (size_t)s->n_layer * s->n_expert * sizeof *s->rule);
        memset(s->limit, 0, s->n_layer * sizeof *s->limit);
    }
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t layer = 0; layer < s->n_layer; layer++)
            if (e[i].layer == LEM_ALL_LAYERS ||
                e[i].layer == s->source->facts.layer[layer])
                look_up(s, &e[i], layer);
}

static void take(struct steer *s, const struct lem_policy_entry *e, uint32_t n)
{
    steer_expect(s, e, n, true);
    list_rows(s);
}

static bool sync_live(struct steer *s)
{
    uint32_t revision, n = source_policy(s->source, NULL, 0, &revision);
    if (s->has_seen && revision == s->seen)
        return false;
    struct lem_policy_entry *e = calloc((size_t)n + 1, sizeof *e);
    if (!e)
        return false;
    const uint32_t now = source_policy(s->source, e, n, &revision);
    take(s, e, now < n ? now : n);
    s->has_seen = true;
    s->seen = revision;
    free(e);
    return true;
}

static bool sync_past(struct steer *s, uint64_t cursor)
{
    uint32_t k = s->n_past;
    while (k > 0 && s->past[k - 1].before > cursor)
        k--;
    if (s->has_seen && s->seen == k)
        return false;
    take(s, k ? s->past[k - 1].entry : NULL, k ? s->past[k - 1].n_entry : 0);
    s->has_seen = true;
    s->seen = k;
    return true;
}

void steer_summary(const struct steer *s, char *out, size_t cap)
{
    char first[96];
    if (s->n_row == 0) {
        snprintf(out, cap, "no policy");
        return;
    }
    steer_describe(s, &s->row[0], first, sizeof first);
    if (s->n_row == 1)
        snprintf(out, cap, "%s", first);
    else
        snprintf(out, cap, "%s, %u more", first, s->n_row - 1);
}

/* The last policy of the pinned run, through the eyes of a steer of its own. */
static void describe_pinned(struct steer *s, struct source *pinned)
{
    struct steer other;
    const uint32_t n = source_n_event(pinned);
    snprintf(s->pinned, sizeof s->pinned, "no policy");
    if (n == 0 || !steer_open(&other, s->source, NULL))
        return;
    other.source = pinned;
    take_past(&other, n - 1); /* there is room for one */
    if (other.n_past)
        take(&other, other.past[0].entry, other.past[0].n_entry);
    steer_summary(&other, s->pinned, sizeof s->pinned);
    steer_close(&other);
}

bool steer_sync(struct steer *s, uint64_t cursor)
{
    if (!s->source || s->n_layer == 0)
        return false;
    struct source *pinned = source_pinned(s->source);
    const uint32_t revision = source_revision(s->source);
    if (pinned && s->pinned_seen != revision + 1)
        describe_pinned(s, pinned);
    s->pinned_seen = pinned ? revision + 1 : 0;
    return s->source->live ? sync_live(s) : sync_past(s, cursor);
}

void steer_describe(const struct steer *s, const struct lem_policy_entry *e, char *out,
                    size_t cap)
{
    char where[48] = "all layers";
    if (e->layer != LEM_ALL_LAYERS)
        snprintf(where, sizeof where, "layer %u", e->layer);
    switch (e->kind) {
    case LEM_POLICY_BAN:
        snprintf(out, cap, "%s: expert %u banned", where, e->expert);
        break;
    case LEM_POLICY_FORCE:
        snprintf(out, cap, "%s: expert %u forced", where, e->expert);
        break;
    case LEM_POLICY_BIAS:
        snprintf(out, cap, "%s: expert %u biased %+g", where, e->expert, (double)e->bias);
        break;
    case LEM_POLICY_LIMIT:
        snprintf(out, cap, "%s: %u of %u experts", where, e->limit, s->n_used);
        break;
    }
}
