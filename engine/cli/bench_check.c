/* bench_check.c - what makes `lemnos bench` fail: slower than an earlier run, or batches
 * that cost more per token than smaller ones. */
#include <stdio.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "cli/bench.h"

/* ---- an earlier run
 * --------------------------------------------------------------------- */

struct cJSON *bench_load(const char *path)
{
    struct text all = {0};
    const bool read = text_read(&all, path);
    cJSON *o = read && all.n ? cJSON_ParseWithLength(all.data, all.n) : NULL;
    text_free(&all);
    if (!read || cJSON_IsArray(cJSON_GetObjectItemCaseSensitive(o, "results")))
        return o;
    app_error("%s: is not what lemnos bench --json prints. Make it again.", path);
    cJSON_Delete(o);
    return NULL;
}

static void warn_other(const struct bench *b, const cJSON *before, const char *key,
                       const char *now)
{
    const cJSON *was = cJSON_GetObjectItemCaseSensitive(before, key);
    if (cJSON_IsString(was) && strcmp(was->valuestring, now) != 0)
        app_warn(b->app, "the earlier run's %s is \"%s\", this one's \"%s\".", key,
                 was->valuestring, now);
}

bool bench_check_against(const struct bench *b, const cJSON *before)
{
    const double least = 1 - (double)b->app->args->tolerance / 100;
    uint32_t n = 0, n_slow = 0;
    warn_other(b, before, "model", app_model_name(b->app));
    warn_other(b, before, "device", b->app->device_info.name);
    warn_other(b, before, "driver", b->app->device_info.driver);
    fprintf(stderr, "%-16s %10s %10s %8s\n", "tokens/s", "before", "now", "ratio");
    const cJSON *row;
    cJSON_ArrayForEach(row, cJSON_GetObjectItemCaseSensitive(before, "results"))
    {
        const cJSON *name = cJSON_GetObjectItemCaseSensitive(row, "name");
        const cJSON *median = cJSON_GetObjectItemCaseSensitive(row, "median");
        const struct bench_series *s =
            cJSON_IsString(name) ? bench_find(b, name->valuestring) : NULL;
        if (!s || !cJSON_IsNumber(median) || median->valuedouble <= 0)
            continue;
        const double ratio = s->median / median->valuedouble;
        n++;
        n_slow += ratio < least;
        fprintf(stderr, "%-16s %10.2f %10.2f %8.3f%s\n", s->name, median->valuedouble,
                s->median, ratio, ratio < least ? "  too slow" : "");
    }
    if (n == 0)
        app_error("nothing to compare: the earlier run measured other things. Give the "
                  "-p, -n, --depth and --tap that it was made with.");
    else if (n_slow)
        app_error("%u of %u are slower than before by more than %g %%.", n_slow, n,
                  (double)b->app->args->tolerance);
    return n > 0 && n_slow == 0;
}

/* ---- batches
 * ------------------------------------------------------------------------------ */

static const double slack = 1.10;

bool bench_check_batch(const struct bench *b)
{
    const struct bench_series *last = NULL;
    uint32_t n_bad = 0;
    for (uint32_t i = 0; i < b->n_series; i++) {
        const struct bench_series *s = &b->series[i];
        if (s->kind != BENCH_PROMPT)
            continue;
        /* per token: the inverse of the speed */
        const bool bad = last && last->median > s->median * slack;
        fprintf(stderr, "%-16s %10.1f us per token%s\n", s->name, 1e6 / s->median,
                bad ? "  more than before" : "");
        n_bad += bad;
        last = s;
    }
    if (n_bad)
        app_error(
            "%u longer prompts take more time per token than the one before, beyond "
            "10 %% of slack.",
            n_bad);
    return n_bad == 0;
}
