/* bench_print.c - the figures of `lemnos bench` as a table and as JSON. */
#include <stdio.h>

#include "cli/bench.h"

/* ---- table ----------------------------------------------------------------------------
 */

static void print_ratio(const struct bench_series *s, const char *what)
{
    printf("%s %.1f %% of the generation speed (median of pairs, %.1f to %.1f).\n", what,
           s->ratio_median * 100, s->ratio_min * 100, s->ratio_max * 100);
}

static void print_limit(const struct bench *b)
{
    printf("\nWeights read per token: %s.", text_bytes(b->token_bytes).s);
    if (bench_weight_rate(b) > 0)
        printf(" In generation that is %.2f GB/s.", bench_weight_rate(b) / 1e9);
    printf("\nThe best kernel of %s alone (%s, %u x %u) reads %.2f GB/s.\n",
           b->limit_type, b->limit.kernel, b->limit.n_row, b->limit.n_col,
           bench_limit_rate(b) / 1e9);
    if (bench_weight_rate(b) > 0)
        printf("Share of the device's limit: %.2f\n", bench_limit_share(b));
}

bool bench_print(const struct bench *b)
{
    const struct app *app = b->app;
    printf("model   %s\ndevice  %s\nloaded  in %.2f s, %s\n\n%-16s %10s %10s %10s\n",
           app_model_name(app), app->device_info.name, (double)b->load_ns * 1e-9,
           text_bytes(app->info.file_bytes).s, "tokens/s", "median", "min", "max");
    for (uint32_t i = 0; i < b->n_series; i++) {
        const struct bench_series *s = &b->series[i];
        printf("%-16s %10.2f %10.2f %10.2f\n", s->name, s->median, s->min, s->max);
    }
    printf("\n");
    for (uint32_t i = 0; i < b->n_series; i++) {
        if (b->series[i].kind == BENCH_DEEP)
            print_ratio(&b->series[i], "Depth leaves");
        if (b->series[i].kind == BENCH_TAP)
            print_ratio(&b->series[i], "The tap leaves");
    }
    if (b->step_ns)
        printf(
            "Of a generated token's time the host takes %.2f %% outside of the wait.\n",
            100 * (double)b->host_ns / (double)b->step_ns);
    if (b->limit.ns)
        print_limit(b);
    return !b->staged || bench_stages_print(b);
}

/* ---- JSON -----------------------------------------------------------------------------
 */

static void put_series(struct json_out *j, struct cJSON *into, const char *key,
                       const struct bench_series *s)
{
    struct cJSON *o = json_object(j, into, key);
    json_str(j, o, "name", s->name);
    json_num(j, o, "n", s->n);
    json_num(j, o, "median", s->median);
    json_num(j, o, "min", s->min);
    json_num(j, o, "max", s->max);
    if (s->ratio)
        json_num(j, o, "ratio", s->ratio_median);
}

/* The first of each kind has a name of its own: with one prompt and one length that is
 * all there is. */
static void put_first(struct json_out *j, const struct bench *b)
{
    static const char *const key[] = {[BENCH_PROMPT] = "pp",
                                      [BENCH_GENERATE] = "tg",
                                      [BENCH_DEEP] = "deep",
                                      [BENCH_TAP] = "tap"};
    bool put[sizeof key / sizeof *key] = {false};
    for (uint32_t i = 0; i < b->n_series; i++) {
        const enum bench_kind kind = b->series[i].kind;
        if (!put[kind])
            put_series(j, NULL, key[kind], &b->series[i]);
        put[kind] = true;
    }
}

static void put_limit(struct json_out *j, const struct bench *b)
{
    struct cJSON *o = json_object(j, NULL, "limit");
    json_str(j, o, "type", b->limit_type);
    json_str(j, o, "kernel", b->limit.kernel);
    json_num(j, o, "n_row", b->limit.n_row);
    json_num(j, o, "n_col", b->limit.n_col);
    json_num(j, o, "bytes_per_s", bench_limit_rate(b));
    json_num(j, o, "token_bytes", (double)b->token_bytes);
    json_num(j, o, "token_bytes_per_s", bench_weight_rate(b));
    json_num(j, o, "share", bench_limit_share(b));
}

bool bench_json(const struct bench *b)
{
    struct json_out j;
    json_begin(&j);
    json_str(&j, NULL, "model", app_model_name(b->app));
    json_str(&j, NULL, "device", b->app->device_info.name);
    json_str(&j, NULL, "driver", b->app->device_info.driver);
    json_str(&j, NULL, "version", lem_version());
    json_num(&j, NULL, "load_s", (double)b->load_ns * 1e-9);
    put_first(&j, b);
    struct cJSON *list = json_array(&j, NULL, "results");
    for (uint32_t i = 0; i < b->n_series; i++)
        put_series(&j, list, NULL, &b->series[i]);
    if (b->step_ns)
        json_num(&j, NULL, "host_share", (double)b->host_ns / (double)b->step_ns);
    if (b->limit.ns)
        put_limit(&j, b);
    const bool ok = !b->staged || bench_stages_json(b, &j);
    return json_print(&j) && ok;
}
