/* cmd_quantize.c - `lemnos quantize`: a model file with weights of other types. */
#include "cli/commands.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/app.h"
#include "cli/signals.h"

/* What has been written so far. */
struct written {
    struct app *app;
    bool table;
    uint64_t bytes;
    double worst; /* largest relative error, and whose */
    char worst_name[256];
    char temporary[PATHS_MAX + 64];
};

static void on_tensor(void *priv, const struct lem_quantize_tensor *t)
{
    struct written *w = priv;
    w->bytes += t->bytes;
    if (t->rmse > w->worst) {
        w->worst = t->rmse;
        snprintf(w->worst_name, sizeof w->worst_name, "%s", t->name);
    }
    if (!w->table)
        return;
    bar_clear(&w->app->bar);
    printf("%-8s%-8s%14" PRIu64 "%12s", t->from, t->to, t->n_weight,
           text_bytes(t->bytes).s);
    if (t->rmse > 0)
        printf("%11.4f %%  ", 100 * t->rmse);
    else
        printf("%11s    ", "exact");
    text_write_utf8(stdout, t->name, strlen(t->name));
    putchar('\n');
}

/* The name is the library's: it may be gone when a signal comes. */
static void on_started(void *priv, const char *temporary)
{
    struct written *w = priv;
    snprintf(w->temporary, sizeof w->temporary, "%s", temporary);
    signals_keep_clean(w->temporary);
}

static void on_progress(void *priv, const char *what, uint64_t done, uint64_t total)
{
    struct app *app = priv;
    bar_show(&app->bar, what, done, total);
}

static bool open_source(struct app *app, const char *path)
{
    const struct lem_model_params params = {
        .path = path, .facts_only = true, .log = app->log};
    snprintf(app->model_path, sizeof app->model_path, "%s", path);
    if (lem_model_open(&params, &app->model) != LEM_OK)
        return false;
    lem_model_get_info(app->model, &app->info);
    return true;
}

static bool write_copy(struct app *app, const char *path)
{
    const struct args *a = app->args;
    struct written w = {.app = app, .table = a->verbose > 0};
    const struct lem_quantize_params params = {
        .path = path,
        .type = a->type,
        .experts = a->experts_type,
        .n_thread = a->n_thread,
        .progress = {.fn = on_progress, .priv = app},
        .started = on_started,
        .report = on_tensor,
        .priv = &w};
    if (w.table)
        printf("%-8s%-8s%14s%12s%13s  %s\n", "from", "to", "weights", "size",
               "RMSE/range", "tensor");
    const enum lem_status st = lem_model_quantize(app->model, &params);
    signals_forget(w.temporary);
    bar_clear(&app->bar);
    if (st != LEM_OK)
        return false;
    app_note(app, "%s: %s of weights, from a file of %s", path, text_bytes(w.bytes).s,
             text_bytes(app->info.file_bytes).s);
    if (w.worst > 0)
        app_note(app, "largest error: %.4f %% of the range (RMSE), of %s", 100 * w.worst,
                 w.worst_name);
    return true;
}

int cmd_quantize(struct app *app)
{
    const struct args *a = app->args;
    if (a->n_word != 2)
        return args_wrong(a, "which files? Give the model and the name of the new one.");
    if (!a->type)
        return args_wrong(a, "which type? Give --type, such as --type Q8_0.");
    return open_source(app, a->word[0]) && write_copy(app, a->word[1]) ? APP_DONE
                                                                       : APP_FAILED;
}
