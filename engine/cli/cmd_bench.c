/* cmd_bench.c - `lemnos bench`: tokens per second, and what belongs to them. */
#include <stdio.h>
#include <stdlib.h>

#include <cjson/cJSON.h>

#include "cli/bench.h"
#include "cli/commands.h"
#include "cli/os.h"
#include "cli/synthetic.h"

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

/* Positions that the longest run takes. */
static uint32_t most_tokens(const struct args *a)
{
    uint32_t most = a->depth + a->n_generate;
    for (uint32_t i = 0; i < a->n_prompt.n; i++)
        if (a->n_prompt.v[i] > most)
            most = a->n_prompt.v[i];
    return most;
}

static bool take_memory(struct bench *b)
{
    const struct lem_model_info *m = &b->app->info;
    const size_t chosen = (size_t)m->n_layer_moe * m->n_expert_used + 1;
    bool ok = (b->ids = calloc(b->n_ctx, sizeof *b->ids)) != NULL;
    ok &= (b->experts = calloc(chosen, sizeof *b->experts)) != NULL;
    ok &= (b->weights = calloc(chosen, sizeof *b->weights)) != NULL;
    if (!ok)
        app_error("memory ran out for %u tokens.", b->n_ctx);
    return ok && bench_add_series(b);
}

static bool open_model(struct app *app)
{
    const struct args *a = app->args;
    char path[PATHS_MAX];
    if (!a->synthetic)
        return app_open_model(app, false);
    return synthetic_find(app, a->synthetic, a->type, path, sizeof path) &&
           app_open_model_at(app, path, false);
}

static bool open_weights(struct bench *b)
{
    const uint64_t start = os_now_ns();
    const bool ok = app_open_weights(b->app);
    b->load_ns = os_now_ns() - start;
    return ok;
}

static bool open_sessions(struct bench *b)
{
    struct app *app = b->app;
    const struct args *a = app->args;
    const struct lem_session_params plain = {.n_ctx = b->n_ctx};
    struct lem_session_params tapped = plain, staged = plain;
    tapped.tap = true;
    staged.stages = true;
    return app_open_routed_session(app, plain, &b->session) &&
           (!a->tap || app_open_routed_session(app, tapped, &b->tapped)) &&
           (!a->depth || app_open_routed_session(app, plain, &b->deep)) &&
           (!a->stages || app_open_routed_session(app, staged, &b->staged));
}

static bool set_up(struct bench *b)
{
    struct app *app = b->app;
    if (!open_model(app))
        return false;
    if (app->args->tap && app->info.n_layer_moe == 0) {
        app_error("%s is a dense model: there is no routing for --tap to record.",
                  app_model_name(app));
        return false;
    }
    b->n_ctx = most_tokens(app->args);
    if (!take_memory(b))
        return false;
    fill_ids(b->ids, b->n_ctx, app->info.n_vocab);
    return open_weights(b) && open_sessions(b);
}

static void tear_down(struct bench *b)
{
    lem_session_close(&b->staged);
    lem_session_close(&b->deep);
    lem_session_close(&b->tapped);
    lem_session_close(&b->session);
    bench_free_series(b);
    free(b->ids);
    free(b->experts);
    free(b->weights);
}

/* ---- the command ------------------------------------------------------------- */

/* NULL, or what is wrong with the options. */
static const char *find_fault(const struct args *a)
{
    uint32_t n_prompt = 0;
    for (uint32_t i = 0; i < a->n_prompt.n; i++)
        n_prompt += a->n_prompt.v[i] != 0;
    if (n_prompt == 0 && a->n_generate == 0)
        return "-p 0 and -n 0 leave nothing to measure.";
    if (a->tap && a->n_generate == 0)
        return "--tap is measured on generation: -n must not be 0.";
    if (a->depth && a->n_generate == 0)
        return "--depth is measured on generation: -n must not be 0.";
    if (a->check_batch && n_prompt < 2)
        return "--check-batch compares prompts: give several, such as -p 2,4,8,16,32.";
    return NULL;
}

static bool measure(struct bench *b)
{
    const struct args *a = b->app->args;
    return bench_run(b) && (!a->limit || bench_limit_run(b)) &&
           (!a->stages || bench_stages_run(b)) &&
           (a->json ? bench_json(b) : bench_print(b));
}

int cmd_bench(struct app *app)
{
    const struct args *a = app->args;
    const char *fault = find_fault(a);
    if (fault)
        return args_wrong(a, "%s", fault);
    /* before anything is run */
    cJSON *before = a->against ? bench_load(a->against) : NULL;
    if (a->against && !before)
        return APP_FAILED;
    struct bench b = {.app = app};
    bool ok = set_up(&b) && measure(&b);
    if (ok && before)
        ok = bench_check_against(&b, before);
    if (ok && a->check_batch)
        ok = bench_check_batch(&b);
    cJSON_Delete(before);
    tear_down(&b);
    return ok ? APP_DONE : APP_FAILED;
}
