/* trace_times.c - what the tokens of a recording took: time by stage, and memory. */
#include "cli/trace_times.h"

#include <inttypes.h>
#include <stdio.h>

#include "cli/text.h"

const char *const trace_stage_name[LEM_TRACE_STAGE_COUNT] = {
    [LEM_TRACE_ATTENTION] = "attention",
    [LEM_TRACE_ROUTER] = "router",
    [LEM_TRACE_EXPERTS] = "experts",
    [LEM_TRACE_HEAD] = "head",
    [LEM_TRACE_SAMPLING] = "sampling"};

/* ---- sums -------------------------------------------------------------------------- */

bool trace_has_stages(const struct lem_trace_token *token)
{
    for (int i = 0; i < LEM_TRACE_STAGE_COUNT; i++)
        if (token->stage_us[i])
            return true;
    return false;
}

void trace_times_add(struct trace_times *t, const struct lem_trace_token *token)
{
    if (token->prompt || token->total_us == 0)
        return;
    t->n++;
    t->total_us += token->total_us;
    if (!trace_has_stages(token))
        return;
    t->n_staged++;
    t->staged_us += token->total_us;
    for (int i = 0; i < LEM_TRACE_STAGE_COUNT; i++)
        t->stage_us[i] += token->stage_us[i];
}

struct trace_times trace_times_of(const struct lem_trace *trace)
{
    struct trace_times t = {0};
    struct lem_trace_info info;
    struct lem_trace_token token;
    lem_trace_get_info(trace, &info);
    for (uint64_t i = 0; i < info.n_token; i++)
        if (lem_trace_get_token(trace, i, &token) == LEM_OK)
            trace_times_add(&t, &token);
    return t;
}

/* Milliseconds of a token: of a stage, or, after the last stage, of what is in none. */
static double stage_ms(const struct trace_times *t, int stage)
{
    uint64_t us = t->staged_us;
    if (stage < LEM_TRACE_STAGE_COUNT)
        us = t->stage_us[stage];
    for (int i = 0; stage == LEM_TRACE_STAGE_COUNT && i < stage; i++)
        us -= t->stage_us[i] < us ? t->stage_us[i] : us;
    return t->n_staged ? (double)us / 1000 / (double)t->n_staged : 0;
}

static double total_ms(const struct trace_times *t)
{
    return t->n ? (double)t->total_us / 1000 / (double)t->n : 0;
}

static const char *name_of(int stage)
{
    return stage < LEM_TRACE_STAGE_COUNT ? trace_stage_name[stage] : "the rest";
}

/* ---- lines ------------------------------------------------------------------------- */

void trace_times_print(const struct trace_times *t)
{
    if (t->n)
        printf("%-18s%.2f ms (mean over %" PRIu64 " tokens)\n", "time per token",
               total_ms(t), t->n);
    if (t->n_staged == 0)
        return;
    const double all = (double)t->staged_us / 1000 / (double)t->n_staged;
    for (int i = 0; i <= LEM_TRACE_STAGE_COUNT; i++)
        printf("  %-16s%.3f ms, %.1f %%\n", name_of(i), stage_ms(t, i),
               100 * stage_ms(t, i) / all);
}

void trace_times_print_two(const struct trace_times t[2])
{
    if (t[0].n && t[1].n)
        printf("time per token    %.2f ms and %.2f ms (means over %" PRIu64
               " and %" PRIu64 " tokens)\n",
               total_ms(&t[0]), total_ms(&t[1]), t[0].n, t[1].n);
    for (int i = 0; i <= LEM_TRACE_STAGE_COUNT && t[0].n_staged && t[1].n_staged; i++)
        printf("  %-16s%.3f ms and %.3f ms\n", name_of(i), stage_ms(&t[0], i),
               stage_ms(&t[1], i));
}

static bool is_known(const struct lem_trace_memory *m)
{
    return m->weights || m->session || m->peak;
}

void trace_memory_print(const struct lem_trace_memory *m)
{
    if (!is_known(m))
        return;
    printf("%-18sweights %s, session %s", "memory", text_bytes(m->weights).s,
           text_bytes(m->session).s);
    printf(", of it the cache of %u tokens %s\n", m->n_ctx, text_bytes(m->cache).s);
    printf("  %-16s%s", "at most", text_bytes(m->peak).s);
    if (m->device)
        printf(" of the device's %s", text_bytes(m->device).s);
    printf("\n");
}

void trace_memory_print_two(const struct lem_trace_memory m[2])
{
    const struct {
        const char *name;
        uint64_t bytes[2];
    } row[] = {{"memory at most", {m[0].peak, m[1].peak}},
               {"  weights", {m[0].weights, m[1].weights}},
               {"  session", {m[0].session, m[1].session}},
               {"  its cache", {m[0].cache, m[1].cache}}};
    const size_t n = is_known(&m[0]) && is_known(&m[1]) ? sizeof row / sizeof *row : 0;
    for (size_t i = 0; i < n; i++)
        printf("%-18s%s and %s\n", row[i].name, text_bytes(row[i].bytes[0]).s,
               text_bytes(row[i].bytes[1]).s);
}

/* ---- JSON -------------------------------------------------------------------------- */

void trace_times_json(const struct trace_times *t)
{
    if (t->n == 0) {
        printf("null");
        return;
    }
    printf("{\"n_token\":%" PRIu64 ",\"us\":%.9g,\"n_staged\":%" PRIu64 ",\"stages_us\":",
           t->n, 1000 * total_ms(t), t->n_staged);
    for (int i = 0; i <= LEM_TRACE_STAGE_COUNT && t->n_staged; i++)
        printf("%s\"%s\":%.9g", i ? "," : "{",
               i < LEM_TRACE_STAGE_COUNT ? trace_stage_name[i] : "rest",
               1000 * stage_ms(t, i));
    printf("%s}", t->n_staged ? "}" : "null");
}

void trace_stages_json(const struct lem_trace_token *token)
{
    if (!trace_has_stages(token)) {
        printf("null");
        return;
    }
    for (int i = 0; i < LEM_TRACE_STAGE_COUNT; i++)
        printf("%s\"%s\":%u", i ? "," : "{", trace_stage_name[i], token->stage_us[i]);
    printf("}");
}

void trace_memory_json(const struct lem_trace_memory *m)
{
    if (!is_known(m)) {
        printf("null");
        return;
    }
    printf("{\"weights_bytes\":%" PRIu64 ",\"session_bytes\":%" PRIu64
           ",\"cache_bytes\":%" PRIu64 ",\"peak_bytes\":%" PRIu64
           ",\"device_bytes\":%" PRIu64 ",\"n_ctx\":%u}",
           m->weights, m->session, m->cache, m->peak, m->device, m->n_ctx);
}

/* ---- CSV --------------------------------------------------------------------------- */

void trace_times_csv_head(void)
{
    for (int i = 0; i < LEM_TRACE_STAGE_COUNT; i++)
        printf(",%s_us", trace_stage_name[i]);
    printf(",weights_bytes,session_bytes,cache_bytes,peak_bytes");
}

void trace_times_csv(const struct lem_trace_token *token,
                     const struct lem_trace_memory *m)
{
    const bool staged = trace_has_stages(token);
    for (int i = 0; i < LEM_TRACE_STAGE_COUNT; i++)
        staged ? printf(",%u", token->stage_us[i]) : printf(",");
    if (is_known(m))
        printf(",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64, m->weights, m->session,
               m->cache, m->peak);
    else
        printf(",,,,");
}
