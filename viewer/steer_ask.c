/* steer_ask.c - what a person changes: put into words that the source takes. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "steer.h"

enum { MAX_TOP_K = 500 };

/* ---- the policy ---------------------------------------------------------- */

static bool can_steer(struct steer *s)
{
    if (s->source->live)
        return true;
    snprintf(s->note, sizeof s->note, "A recording cannot be changed: open a model.");
    return false;
}

static void ask_policy(struct steer *s, struct lem_policy_entry *e, uint32_t n,
                       bool replace)
{
    const struct source_ask ask = {
        .kind = SOURCE_ASK_POLICY, .entries = e, .n_entry = n, .replace = replace};
    s->note[0] = '\0';
    if (source_ask(s->source, &ask)) /* the next step counts from there */
        steer_expect(s, e, n, replace);
    else
        snprintf(s->note, sizeof s->note, "No memory to ask for that.");
}

static struct lem_policy_entry entry_for(const struct steer *s, enum lem_policy_kind kind,
                                         float bias, uint32_t layer, uint32_t expert)
{
    const float now = steer_rule(s, layer, expert);
    const bool add = kind == LEM_POLICY_BIAS && bias != 0 && isfinite(now);
    return (struct lem_policy_entry){.kind = kind,
                                     .layer = s->source->facts.layer[layer],
                                     .expert = expert,
                                     .bias = add ? now + bias : bias};
}

void steer_set(struct steer *s, enum lem_policy_kind kind, float bias, uint32_t layer,
               int expert)
{
    if (!can_steer(s))
        return;
    steer_sync(s, 0); /* what this one adds to */
    const bool one = s->n_selected == 0;
    if (one && (expert < 0 || layer >= s->n_layer)) {
        snprintf(s->note, sizeof s->note, "Select experts in the bank first.");
        return;
    }
    struct lem_policy_entry *e = calloc((size_t)s->n_selected + 1, sizeof *e);
    uint32_t n = 0;
    if (!e) {
        snprintf(s->note, sizeof s->note, "No memory to ask for that.");
        return;
    }
    if (one)
        e[n++] = entry_for(s, kind, bias, layer, (uint32_t)expert);
    for (uint32_t l = 0; l < s->n_layer && !one; l++)
        for (uint32_t x = 0; x < s->n_expert; x++)
            if (steer_is_selected(s, l, x))
                e[n++] = entry_for(s, kind, bias, l, x);
    ask_policy(s, e, n, false);
    free(e);
}

void steer_unset(struct steer *s, uint32_t layer, int expert)
{
    steer_set(s, LEM_POLICY_BIAS, 0, layer, expert);
}

void steer_undo_row(struct steer *s, uint32_t row)
{
    if (!can_steer(s) || row >= s->n_row)
        return;
    struct lem_policy_entry e = s->row[row];
    e.limit = 0;
    e.bias = 0;
    if (e.kind != LEM_POLICY_LIMIT)
        e.kind = LEM_POLICY_BIAS;
    ask_policy(s, &e, 1, false);
}

void steer_undo_all(struct steer *s)
{
    if (can_steer(s))
        ask_policy(s, NULL, 0, true);
}

/* ---- settings ------------------------------------------------------------ */

const char *steer_setting_name(enum steer_setting setting)
{
    static const char *const name[STEER_SETTING_COUNT] = {
        "experts", "temperature", "top-k", "top-p", "min-p", "seed"};
    return name[setting];
}

/* 0 when the layers have different limits. */
static uint32_t n_active(const struct steer *s)
{
    for (uint32_t layer = 1; layer < s->n_layer; layer++)
        if (s->limit[layer] != s->limit[0])
            return 0;
    return s->n_layer && s->limit[0] ? s->limit[0] : s->n_used;
}

void steer_value(const struct steer *s, enum steer_setting setting, char *out, size_t cap)
{
    const struct lem_sample_params *p = &s->sample;
    const uint32_t n = n_active(s);
    const float off = setting == STEER_TOP_P ? p->top_p : p->min_p;
    switch (setting) {
    case STEER_EXPERTS:
        if (n)
            snprintf(out, cap, "%u of %u", n, s->n_used);
        else
            snprintf(out, cap, "by layer");
        break;
    case STEER_TEMPERATURE:
        snprintf(out, cap, p->temperature > 0 ? "%.2f" : "0: likeliest",
                 (double)p->temperature);
        break;
    case STEER_TOP_K:
        snprintf(out, cap, p->top_k ? "%u" : "all", p->top_k);
        break;
    case STEER_TOP_P:
    case STEER_MIN_P:
        snprintf(out, cap, off > 0 && off < 1 ? "%.2f" : "off", (double)off);
        break;
    case STEER_SEED:
    case STEER_SETTING_COUNT:
        snprintf(out, cap, "%llu", (unsigned long long)p->seed);
        break;
    }
}

void steer_differences(const struct lem_sample_params *of,
                       const struct lem_sample_params *from, char *out, size_t cap)
{
    const struct steer view = {.sample = *of};
    const bool differs[STEER_SETTING_COUNT] = {[STEER_TEMPERATURE] =
                                                   of->temperature != from->temperature,
                                               [STEER_TOP_K] = of->top_k != from->top_k,
                                               [STEER_TOP_P] = of->top_p != from->top_p,
                                               [STEER_MIN_P] = of->min_p != from->min_p,
                                               [STEER_SEED] = of->seed != from->seed};
    size_t n = 0;
    out[0] = '\0';
    for (int i = 0; i < STEER_SETTING_COUNT && n < cap; i++) {
        const enum steer_setting setting = (enum steer_setting)i;
        char value[32];
        if (!differs[i])
            continue;
        steer_value(&view, setting, value, sizeof value);
        n += (size_t)snprintf(
            out + n, cap - n, "%s%s %s", n ? ", " : "",
            i == STEER_TEMPERATURE ? "temp" : steer_setting_name(setting), value);
    }
}

float steer_place(const struct steer *s, enum steer_setting setting)
{
    const struct lem_sample_params *p = &s->sample;
    switch (setting) {
    case STEER_EXPERTS:
        return s->n_used > 1
                   ? (float)(n_active(s) ? n_active(s) - 1 : 0) / (float)(s->n_used - 1)
                   : 1;
    case STEER_TEMPERATURE:
        return p->temperature / 2;
    case STEER_TOP_K:
        return p->top_k ? logf((float)p->top_k) / logf(MAX_TOP_K) : 1;
    case STEER_TOP_P:
        return p->top_p > 0 ? p->top_p : 1;
    case STEER_MIN_P:
        return p->min_p * 2;
    case STEER_SEED:
    case STEER_SETTING_COUNT:
        break;
    }
    return 0;
}

static void ask_sample(struct steer *s)
{
    const struct source_ask ask = {.kind = SOURCE_ASK_SAMPLE, .sample = s->sample};
    s->note[0] = '\0';
    if (!source_ask(s->source, &ask))
        snprintf(s->note, sizeof s->note, "No memory to ask for that.");
}

static void ask_limit(struct steer *s, uint32_t n)
{
    struct lem_policy_entry e = {.kind = LEM_POLICY_LIMIT,
                                 .layer = LEM_ALL_LAYERS,
                                 .limit = n < s->n_used ? n : 0};
    ask_policy(s, &e, 1, false);
}

static float at_least_0(float v, float most)
{
    return v > 0 ? v < most ? v : most : 0;
}

/* To hundredths, so that a slider gives numbers that can be said. */
static float rounded(float v)
{
    return roundf(v * 100) / 100;
}

void steer_slide(struct steer *s, enum steer_setting setting, float place)
{
    const float v = at_least_0(place, 1);
    struct lem_sample_params *p = &s->sample;
    if (!can_steer(s) || s->n_layer == 0)
        return;
    s->setting = setting;
    switch (setting) {
    case STEER_EXPERTS:
        ask_limit(s, 1 + (uint32_t)roundf(v * (float)(s->n_used - 1)));
        return;
    case STEER_TEMPERATURE:
        p->temperature = rounded(v * 2);
        break;
    case STEER_TOP_K:
        p->top_k = v < 1 ? (uint32_t)roundf(expf(v * logf(MAX_TOP_K))) : 0;
        break;
    case STEER_TOP_P:
        p->top_p = v > 0.01f ? rounded(v) : 0.01f;
        break;
    case STEER_MIN_P:
        p->min_p = rounded(v / 2);
        break;
    case STEER_SEED:
    case STEER_SETTING_COUNT:
        return;
    }
    ask_sample(s);
}

void steer_nudge(struct steer *s, enum steer_setting setting, int by)
{
    struct lem_sample_params *p = &s->sample;
    const float step = 0.05f * (float)by;
    if (!can_steer(s))
        return;
    steer_sync(s, 0);
    const uint32_t n = n_active(s) ? n_active(s) : s->n_used;
    s->setting = setting;
    switch (setting) {
    case STEER_EXPERTS:
        if (by < 0 ? n > 1 : n < s->n_used)
            ask_limit(s, by < 0 ? n - 1 : n + 1);
        return;
    case STEER_TEMPERATURE:
        p->temperature = rounded(at_least_0(p->temperature + step, 2));
        break;
    case STEER_TOP_K: /* 0 stands for all and lies above the largest */
        if (by < 0)
            p->top_k = p->top_k == 0 ? MAX_TOP_K : p->top_k > 1 ? p->top_k - 1 : 1;
        else
            p->top_k = p->top_k == 0 || p->top_k >= MAX_TOP_K ? 0 : p->top_k + 1;
        break;
    case STEER_TOP_P:
        p->top_p = rounded(at_least_0((p->top_p > 0 ? p->top_p : 1) + step, 1));
        p->top_p = p->top_p < 0.05f ? 0.05f : p->top_p;
        break;
    case STEER_MIN_P:
        p->min_p = rounded(at_least_0(p->min_p + step / 5, 0.5f));
        break;
    case STEER_SEED:
    case STEER_SETTING_COUNT:
        p->seed = by < 0 ? (p->seed ? p->seed - 1 : 0) : p->seed + 1;
        break;
    }
    ask_sample(s);
}
