/* cmd_bench.c - `lemnos bench`: tokens per second. */
#include "cli/commands.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/app.h"
#include "cli/json_out.h"
#include "cli/os.h"

/* What was measured; in tokens per second, but for ratios. */
struct series {
    double *value; /* [cap], sorted by summarize() */
    uint32_t n;
    double median, min, max;
};

struct bench {
    struct app *app;
    struct lem_session *session; /* without the tap */
    struct lem_session *tapped;  /* with it; NULL = not asked for */
    int32_t *ids;                /* [the larger of n_prompt, n_generate] */
    uint16_t *experts;           /* of one token, all layers */
    float *weights;
    struct series prompt, generate, with_tap, ratio;
    uint32_t step, n_step; /* for the bar */
};

static int compare(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void summarize(struct series *s)
{
    if (s->n == 0)
        return;
    qsort(s->value, s->n, sizeof *s->value, compare);
    s->median = (s->value[(s->n - 1) / 2] + s->value[s->n / 2]) / 2;
    s->min = s->value[0];
    s->max = s->value[s->n - 1];
}

static double rate(uint32_t n, uint64_t ns)
{
    return (double)n / ((double)(ns ? ns : 1) * 1e-9);
}

static bool run_prompt(struct bench *b, double *out)
{
    const uint32_t n = b->app->args->n_prompt;
    lem_session_reset(b->session);
    const uint64_t start = os_now_ns();
    if (lem_session_append(b->session, b->ids, n) != LEM_OK)
        return false;
    *out = rate(n, os_now_ns() - start);
    return true;
}

/* Tokens one by one; with the tap their routing is read, as a viewer would. */
static bool run_generate(struct bench *b, struct lem_session *session, double *out)
{
    const uint32_t n = b->app->args->n_generate;
    lem_session_reset(session);
    const uint64_t start = os_now_ns();
    for (uint32_t i = 0; i < n; i++) {
        if (lem_session_append(session, b->ids + i, 1) != LEM_OK)
            return false;
        if (session == b->tapped &&
            lem_session_routing(session, i, 1, b->experts, b->weights) != LEM_OK)
            return false;
    }
    *out = rate(n, os_now_ns() - start);
    return true;
}

static void add(struct series *s, double v, bool keep)
{
    if (keep)
        s->value[s->n++] = v;
}

/* One round of all that was asked for; not kept when it is the warm-up. With the tap,
 * which of the two goes first changes from round to round, so that a device that
 * grows hot slows both down alike. */
static bool run_round(struct bench *b, uint32_t round, bool keep)
{
    const struct args *a = b->app->args;
    double v = 0, off = 0, on = 0;
    bar_show(&b->app->bar, "bench", b->step++, b->n_step);
    if (a->n_prompt) {
        if (!run_prompt(b, &v))
            return false;
        add(&b->prompt, v, keep);
    }
    if (!a->n_generate)
        return true;
    const bool tap_first = b->tapped && round % 2;
    if (tap_first && !run_generate(b, b->tapped, &on))
        return false;
    if (!run_generate(b, b->session, &off))
        return false;
    if (b->tapped && !tap_first && !run_generate(b, b->tapped, &on))
        return false;
    add(&b->generate, off, keep);
    if (b->tapped) {
        add(&b->with_tap, on, keep);
        add(&b->ratio, on / off, keep);
    }
    return true;
}

static bool run_all(struct bench *b)
{
    const uint32_t n = b->app->args->repetitions;
    b->n_step = n + 1;
    if (!run_round(b, 0, false))
        return false;
    for (uint32_t i = 0; i < n; i++)
        if (!run_round(b, i, true))
            return false;
    bar_clear(&b->app->bar);
    summarize(&b->prompt);
    summarize(&b->generate);
    summarize(&b->with_tap);
    summarize(&b->ratio);
    return true;
}

/* ---- setting up ----------------------------------------------------------- */

/* The same ids each time, spread over the vocabulary: Knuth's MMIX generator. */
static void fill_ids(int32_t *ids, uint32_t n, uint32_t n_vocab)
{
    uint64_t x = 1;
    for (uint32_t i = 0; i < n; i++) {
        x = x * 6364136223846793005u + 1442695040888963407u;
        ids[i] = (int32_t)((x >> 33) % n_vocab);
    }
}

static bool take_memory(struct bench *b, uint32_t n_ids)
{
    const struct lem_model_info *m = &b->app->info;
    const uint32_t n = b->app->args->repetitions;
    bool ok = (b->prompt.value = calloc(n, sizeof(double))) != NULL;
    ok &= (b->generate.value = calloc(n, sizeof(double))) != NULL;
    ok &= (b->with_tap.value = calloc(n, sizeof(double))) != NULL;
    ok &= (b->ratio.value = calloc(n, sizeof(double))) != NULL;
    const size_t chosen = (size_t)m->n_layer_moe * m->n_expert_used + 1;
    ok &= (b->ids = calloc(n_ids, sizeof *b->ids)) != NULL;
    ok &= (b->experts = calloc(chosen, sizeof *b->experts)) != NULL;
    ok &= (b->weights = calloc(chosen, sizeof *b->weights)) != NULL;
    if (!ok)
        app_error("memory ran out for %u tokens and %u repetitions.", n_ids, n);
    return ok;
}

static bool set_up(struct bench *b)
{
    struct app *app = b->app;
    const struct args *a = app->args;
    const uint32_t n = a->n_prompt > a->n_generate ? a->n_prompt : a->n_generate;
    if (!app_open_model(app, false))
        return false;
    if (a->tap && app->info.n_layer_moe == 0) {
        app_error("%s is a dense model: there is no routing for --tap to record.",
                  app_model_name(app));
        return false;
    }
    if (!take_memory(b, n))
        return false;
    fill_ids(b->ids, n, app->info.n_vocab);
    struct lem_session_params params = {.n_ctx = n};
    if (!app_open_weights(app) || !app_open_routed_session(app, params, &b->session))
        return false;
    params.tap = true;
    return !a->tap || app_open_routed_session(app, params, &b->tapped);
}

/* ---- results -------------------------------------------------------------- */

static void put_series(struct json_out *j, const char *key, uint32_t n,
                       const struct series *s, const struct series *ratio)
{
    if (s->n == 0)
        return;
    struct cJSON *o = json_object(j, NULL, key);
    json_num(j, o, "n", n);
    json_num(j, o, "median", s->median);
    json_num(j, o, "min", s->min);
    json_num(j, o, "max", s->max);
    if (ratio)
        json_num(j, o, "ratio", ratio->median);
}

static bool print_json(const struct bench *b)
{
    const struct args *a = b->app->args;
    struct json_out j;
    json_begin(&j);
    json_str(&j, NULL, "model", app_model_name(b->app));
    json_str(&j, NULL, "device", b->app->device_info.name);
    put_series(&j, "pp", a->n_prompt, &b->prompt, NULL);
    put_series(&j, "tg", a->n_generate, &b->generate, NULL);
    put_series(&j, "tap", a->n_generate, &b->with_tap, &b->ratio);
    return json_print(&j);
}

static void print_series(const char *name, uint32_t n, const struct series *s)
{
    char label[32];
    snprintf(label, sizeof label, "%s %u", name, n);
    if (s->n)
        printf("%-16s %10.1f %10.1f %10.1f\n", label, s->median, s->min, s->max);
}

static bool print_table(const struct bench *b)
{
    const struct args *a = b->app->args;
    printf("model   %s\ndevice  %s\n\n%-16s %10s %10s %10s\n", app_model_name(b->app),
           b->app->device_info.name, "tokens/s", "median", "min", "max");
    print_series("prompt", a->n_prompt, &b->prompt);
    print_series("generate", a->n_generate, &b->generate);
    print_series("with tap", a->n_generate, &b->with_tap);
    if (b->ratio.n)
        printf("\nThe tap leaves %.2f %% of the generation speed (median of %u pairs, "
               "%.2f to %.2f).\n",
               b->ratio.median * 100, b->ratio.n, b->ratio.min * 100, b->ratio.max * 100);
    return true;
}

int cmd_bench(struct app *app)
{
    const struct args *a = app->args;
    if (a->n_prompt == 0 && a->n_generate == 0)
        return args_wrong(a, "-p 0 and -n 0 leave nothing to measure.");
    if (a->tap && a->n_generate == 0)
        return args_wrong(a, "--tap is measured on generation: -n must not be 0.");
    struct bench b = {.app = app};
    const bool ok =
        set_up(&b) && run_all(&b) && (a->json ? print_json(&b) : print_table(&b));
    lem_session_close(&b.tapped);
    lem_session_close(&b.session);
    free(b.ids);
    free(b.experts);
    free(b.weights);
    free(b.prompt.value);
    free(b.generate.value);
    free(b.with_tap.value);
    free(b.ratio.value);
    return ok ? APP_DONE : APP_FAILED;
}
