/* bench_run.c - rounds of everything that `lemnos bench` measures. */
#include "cli/bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/os.h"

/* ---- series -------------------------------------------------------------------------
 */

static bool add(struct bench *b, enum bench_kind kind, uint32_t n)
{
    const struct args *a = b->app->args;
    struct bench_series *s = &b->series[b->n_series++];
    *s = (struct bench_series){.kind = kind, .n = n};
    static const char *const form[] = {[BENCH_PROMPT] = "pp",
                                       [BENCH_GENERATE] = "tg",
                                       [BENCH_DEEP] = "tg",
                                       [BENCH_TAP] = "tg"};
    int len = snprintf(s->name, sizeof s->name, "%s%u", form[kind], n);
    if (kind == BENCH_DEEP)
        len += snprintf(s->name + len, sizeof s->name - (size_t)len, "@%u", a->depth);
    if (kind == BENCH_TAP)
        snprintf(s->name + len, sizeof s->name - (size_t)len, "+tap");
    s->value = calloc(a->repetitions, sizeof *s->value);
    const bool compared = kind == BENCH_DEEP || kind == BENCH_TAP;
    if (compared)
        s->ratio = calloc(a->repetitions, sizeof *s->ratio);
    if (s->value && (s->ratio || !compared))
        return true;
    app_error("memory ran out for %u repetitions.", a->repetitions);
    return false;
}

bool bench_add_series(struct bench *b)
{
    const struct args *a = b->app->args;
    bool ok = true;
    for (uint32_t i = 0; i < a->n_prompt.n && ok; i++)
        if (a->n_prompt.v[i])
            ok = add(b, BENCH_PROMPT, a->n_prompt.v[i]);
    if (a->n_generate == 0)
        return ok;
    ok = ok && add(b, BENCH_GENERATE, a->n_generate);
    if (ok && a->depth)
        ok = add(b, BENCH_DEEP, a->n_generate);
    if (ok && a->tap)
        ok = add(b, BENCH_TAP, a->n_generate);
    return ok;
}

void bench_free_series(struct bench *b)
{
    for (uint32_t i = 0; i < b->n_series; i++) {
        free(b->series[i].value);
        free(b->series[i].ratio);
    }
    b->n_series = 0;
}

const struct bench_series *bench_find(const struct bench *b, const char *name)
{
    for (uint32_t i = 0; i < b->n_series; i++)
        if (strcmp(b->series[i].name, name) == 0)
            return &b->series[i];
    return NULL;
}

/* ---- runs ---------------------------------------------------------------------------
 */

static double rate(uint32_t n, uint64_t ns)
{
    return (double)n / ((double)(ns ? ns : 1) * 1e-9);
}

static bool run_prompt(struct bench *b, uint32_t n, double *out)
{
    lem_session_reset(b->session);
    const uint64_t start = os_now_ns();
    if (lem_session_append(b->session, b->ids, n) != LEM_OK)
        return false;
    *out = rate(n, os_now_ns() - start);
    return true;
}

/* Tokens one by one after `depth` that are there; with the tap their routing is read, as
 * a viewer would. */
static bool run_generate(struct bench *b, struct lem_session *session, uint32_t depth,
                         uint32_t n, double *out)
{
    if (lem_session_rewind(session, depth) != LEM_OK)
        return false;
    const uint64_t start = os_now_ns();
    for (uint32_t i = depth; i < depth + n; i++) {
        if (lem_session_append(session, b->ids + i, 1) != LEM_OK)
            return false;
        if (session == b->tapped &&
            lem_session_routing(session, i, 1, b->experts, b->weights) != LEM_OK)
            return false;
    }
    *out = rate(n, os_now_ns() - start);
    return true;
}

static bool run_plain(struct bench *b, uint32_t n, bool keep, double *out)
{
    struct lem_session_stats before, after;
    lem_session_get_stats(b->session, &before);
    if (!run_generate(b, b->session, 0, n, out))
        return false;
    lem_session_get_stats(b->session, &after);
    const uint64_t all = after.generate_ns - before.generate_ns;
    const uint64_t wait = after.wait_ns - before.wait_ns;
    if (keep) {
        b->step_ns += all;
        b->host_ns += all > wait ? all - wait : 0;
    }
    return true;
}

static bool run_one(struct bench *b, const struct bench_series *s, bool keep, double *out)
{
    switch (s->kind) {
    case BENCH_PROMPT:
        return run_prompt(b, s->n, out);
    case BENCH_GENERATE:
        return run_plain(b, s->n, keep, out);
    case BENCH_DEEP:
        return run_generate(b, b->deep, b->app->args->depth, s->n, out);
    default:
        return run_generate(b, b->tapped, 0, s->n, out);
    }
}

/* Every other round goes backwards, so that a device that grows hot, or a machine that
 * others use, slows all of them down alike. */
static bool run_round(struct bench *b, uint32_t round, bool keep)
{
    double now[BENCH_MAX_SERIES] = {0}, plain = 0;
    for (uint32_t k = 0; k < b->n_series; k++) {
        const uint32_t i = round % 2 ? b->n_series - 1 - k : k;
        bar_show(&b->app->bar, "bench", b->step++, b->n_step);
        if (!run_one(b, &b->series[i], keep, &now[i]))
            return false;
        if (b->series[i].kind == BENCH_GENERATE)
            plain = now[i];
    }
    for (uint32_t i = 0; keep && i < b->n_series; i++) {
        b->series[i].value[round] = now[i];
        if (b->series[i].ratio)
            b->series[i].ratio[round] = now[i] / plain;
    }
    return true;
}

static int compare(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void summarize(double *v, uint32_t n, double *median, double *min, double *max)
{
    qsort(v, n, sizeof *v, compare);
    *median = (v[(n - 1) / 2] + v[n / 2]) / 2;
    *min = v[0];
    *max = v[n - 1];
}

bool bench_run(struct bench *b)
{
    const uint32_t n = b->app->args->repetitions;
    b->n_step = (n + 1) * b->n_series;
    /* the context that generation at depth starts from */
    if (b->deep && lem_session_append(b->deep, b->ids, b->app->args->depth) != LEM_OK)
        return false;
    if (!run_round(b, 0, false))
        return false;
    for (uint32_t i = 0; i < n; i++)
        if (!run_round(b, i, true))
            return false;
    bar_clear(&b->app->bar);
    for (uint32_t i = 0; i < b->n_series; i++) {
        struct bench_series *s = &b->series[i];
        summarize(s->value, n, &s->median, &s->min, &s->max);
        if (s->ratio)
            summarize(s->ratio, n, &s->ratio_median, &s->ratio_min, &s->ratio_max);
    }
    return true;
}
