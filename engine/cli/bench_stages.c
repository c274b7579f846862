/* bench_stages.c - the device's time by stage, for prompts and for generation. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/bench.h"

static const struct {
    enum lem_phase phase;
    const char *key, *title;
} phases[] = {{LEM_PHASE_PROMPT, "prompt", "a prompt's token"},
              {LEM_PHASE_TOKEN, "generate", "a generated token"}};

/* The longest prompt that is asked for; 0: none of more than one token. */
static uint32_t longest(const struct args *a)
{
    uint32_t most = 1;
    for (uint32_t i = 0; i < a->n_prompt.n; i++)
        if (a->n_prompt.v[i] > most)
            most = a->n_prompt.v[i];
    return most > 1 ? most : 0;
}

static bool run_round(struct bench *b)
{
    const struct args *a = b->app->args;
    const uint32_t n = longest(a);
    const struct lem_sample_params greedy = {0};
    struct lem_sampled drawn;
    lem_session_reset(b->staged);
    if (n && lem_session_append(b->staged, b->ids, n) != LEM_OK)
        return false;
    lem_session_reset(b->staged);
    for (uint32_t i = 0; i < a->n_generate; i++)
        if (lem_session_append(b->staged, b->ids + i, 1) != LEM_OK ||
            lem_session_sample(b->staged, &greedy, &drawn) != LEM_OK)
            return false;
    return true;
}

bool bench_stages_run(struct bench *b)
{
    bool ok = run_round(b);
    lem_session_clear_stages(b->staged);
    for (uint32_t i = 0; i < b->app->args->repetitions && ok; i++) {
        bar_show(&b->app->bar, "stages", i, b->app->args->repetitions);
        ok = run_round(b);
    }
    bar_clear(&b->app->bar);
    return ok;
}

/* To free(); NULL when there is nothing of the phase, or, said, on failure. */
static struct lem_stage *take(const struct bench *b, enum lem_phase phase,
                              struct lem_stage_total *total, bool *ok)
{
    *ok = lem_session_stages(b->staged, phase, NULL, 0, total) == LEM_OK;
    if (!*ok || total->n_submission == 0)
        return NULL;
    struct lem_stage *list = calloc(total->n_stage, sizeof *list);
    if (!list)
        app_error("memory ran out for %u stages.", total->n_stage);
    *ok = list &&
          lem_session_stages(b->staged, phase, list, total->n_stage, total) == LEM_OK;
    return list;
}

bool bench_stages_print(const struct bench *b)
{
    bool ok = true;
    for (size_t p = 0; p < sizeof phases / sizeof *phases && ok; p++) {
        struct lem_stage_total total;
        struct lem_stage *list = take(b, phases[p].phase, &total, &ok);
        if (!list)
            continue;
        const double token = (double)total.n_token, all = (double)total.sum_ns;
        printf("\n%-12s  %-26s %10s %12s %9s\n", "stage", "layers", "dispatches",
               "us per token", "share");
        for (uint32_t i = 0; i < total.n_stage; i++) {
            const struct lem_stage *s = &list[i];
            char n[16] = "host clock";
            if (!s->on_host)
                snprintf(n, sizeof n, "%u", s->n_dispatch);
            printf("%-12s  %-26s %10s %12.1f %7.1f %%\n", s->name, s->layers, n,
                   (double)s->sum_ns / token / 1e3, 100 * (double)s->sum_ns / all);
        }
        printf("%-12s  %-26s %10s %12.1f   of %s\n", "all", "", "", all / token / 1e3,
               phases[p].title);
        free(list);
    }
    return ok;
}

bool bench_stages_json(const struct bench *b, struct json_out *j)
{
    struct cJSON *stages = json_object(j, NULL, "stages");
    bool ok = true;
    for (size_t p = 0; p < sizeof phases / sizeof *phases && ok; p++) {
        struct lem_stage_total total;
        struct lem_stage *list = take(b, phases[p].phase, &total, &ok);
        if (!list)
            continue;
        struct cJSON *o = json_object(j, stages, phases[p].key);
        json_num(j, o, "n_token", (double)total.n_token);
        json_num(j, o, "n_submission", (double)total.n_submission);
        json_num(j, o, "ns", (double)total.sum_ns);
        struct cJSON *rows = json_array(j, o, "stages");
        for (uint32_t i = 0; i < total.n_stage; i++) {
            struct cJSON *row = json_object(j, rows, NULL);
            json_str(j, row, "name", list[i].name);
            json_str(j, row, "layers", list[i].layers);
            json_bool(j, row, "on_host", list[i].on_host);
            json_num(j, row, "n_dispatch", list[i].n_dispatch);
            json_num(j, row, "ns", (double)list[i].sum_ns);
        }
        free(list);
    }
    return ok;
}
