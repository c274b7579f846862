/* app.c - what the commands share: the model, device and session that the common
 * options ask for, messages, the end. */
#include "cli/app.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "cli/files.h"
#include "cli/os.h"
#include "cli/policy.h"
#include "cli/signals.h"

/* ---- messages ------------------------------------------------------------- */

static void say(const char *prefix, const char *fmt, va_list ap)
{
    fflush(stdout); /* so that a terminal shows both in the order they came */
    fprintf(stderr, "lemnos: %s", prefix);
    vfprintf(stderr, fmt, ap);
    fputc('\n', stderr);
}

void app_error(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    say("error: ", fmt, ap);
    va_end(ap);
}

void app_warn(struct app *app, const char *fmt, ...)
{
    if (app->args->quiet)
        return;
    bar_clear(&app->bar);
    va_list ap;
    va_start(ap, fmt);
    say("warning: ", fmt, ap);
    va_end(ap);
}

void app_note(struct app *app, const char *fmt, ...)
{
    if (app->args->quiet)
        return;
    bar_clear(&app->bar);
    va_list ap;
    va_start(ap, fmt);
    say("", fmt, ap);
    va_end(ap);
}

void app_info(struct app *app, const char *fmt, ...)
{
    if (app->args->quiet || app->args->verbose == 0)
        return;
    bar_clear(&app->bar);
    va_list ap;
    va_start(ap, fmt);
    say("", fmt, ap);
    va_end(ap);
}

static void on_log(void *priv, enum lem_log_level level, const char *text)
{
    static const char *const prefix[] = {"error: ", "warning: ", "", "debug: "};
    struct app *app = priv;
    const struct args *a = app->args;
    const enum lem_log_level most = a->quiet          ? LEM_LOG_ERROR
                                    : a->verbose == 0 ? LEM_LOG_WARN
                                    : a->verbose == 1 ? LEM_LOG_INFO
                                                      : LEM_LOG_DEBUG;
    /* That Ctrl-C cancelled a call is no failure to report. */
    if (level > most || (level == LEM_LOG_ERROR && signals_stopping()))
        return;
    bar_clear(&app->bar);
    fflush(stdout);
    fprintf(stderr, "lemnos: %s%s\n", prefix[level], text);
}

static void on_progress(void *priv, const char *what, uint64_t done, uint64_t total)
{
    struct app *app = priv;
    bar_show(&app->bar, what, done, total);
}

bool app_flush(void)
{
    errno = 0;
    const int bad = fflush(stdout);
    if (bad == 0 && !ferror(stdout))
        return true;
    app_error("standard output: cannot write: %s.",
              errno ? strerror(errno) : "an earlier write failed");
    return false;
}

/* ---- opening and closing -------------------------------------------------- */

void app_init(struct app *app, const struct args *args)
{
    *app = (struct app){.args = args, .start_ns = os_now_ns()};
    app->log = (struct lem_log){.fn = on_log, .priv = app};
    bar_init(&app->bar, args->quiet);
}

void app_close(struct app *app)
{
    bar_clear(&app->bar);
    lem_weights_close(&app->weights);
    lem_device_close(&app->device);
    lem_tokenizer_close(&app->tokenizer);
    lem_model_close(&app->model);
}

bool app_open_model_at(struct app *app, const char *path, bool facts_only)
{
    if (!files_apart(app->args, path))
        return false;
    if (path != app->model_path)
        snprintf(app->model_path, sizeof app->model_path, "%s", path);
    const struct lem_model_params params = {
        .path = path, .facts_only = facts_only, .log = app->log};
    if (lem_model_open(&params, &app->model) != LEM_OK)
        return false;
    lem_model_get_info(app->model, &app->info);
    return true;
}

bool app_open_model(struct app *app, bool facts_only)
{
    const char *path = app->args->model;
    if (!path && !paths_default_model(app->model_path, sizeof app->model_path))
        return false;
    return app_open_model_at(app, path ? path : app->model_path, facts_only);
}

bool app_open_tokenizer(struct app *app)
{
    return lem_tokenizer_open(app->model, &app->log, &app->tokenizer) == LEM_OK;
}

/* Without a cache folder kernels are compiled anew each time: no reason to fail. */
static const char *cache_dir(struct app *app, char *out, size_t cap)
{
    return paths_cache_dir(out, cap, app->args->xdg_cache, app->args->home) ? out : NULL;
}

bool app_open_weights(struct app *app)
{
    const struct args *a = app->args;
    char cache[PATHS_MAX];
    const struct lem_device_params params = {.selector = a->device,
                                             .caps = a->caps,
                                             .cache_dir =
                                                 cache_dir(app, cache, sizeof cache),
                                             .max_bytes = a->memory,
                                             .validation = a->validation,
                                             .log = app->log};
    bar_note(&app->bar, "opening the device");
    if (lem_device_open(&params, &app->device) != LEM_OK)
        return false;
    lem_device_get_info(app->device, &app->device_info);
    bar_note(&app->bar, "trying kernels");
    if (lem_device_tune(app->device, (enum lem_kernels)a->kernels, NULL) != LEM_OK)
        return false;

    const struct lem_weights_params wp = {.model = app->model,
                                          .device = app->device,
                                          .progress = {.fn = on_progress, .priv = app},
                                          .log = app->log};
    const bool ok = lem_weights_open(&wp, &app->weights) == LEM_OK;
    bar_clear(&app->bar);
    return ok;
}

bool app_open_session(struct app *app, struct lem_session_params params,
                      struct lem_session **out)
{
    params.weights = app->weights;
    params.log = app->log;
    params.progress = (struct lem_progress){.fn = on_progress, .priv = app};
    params.exact = app->args->exact;
    params.activations = (enum lem_activations)app->args->activations;
    params.cache_type = (enum lem_cache_type)app->args->cache_type;
    if (params.sampling == LEM_SAMPLING_AUTO)
        params.sampling = (enum lem_sampling)app->args->sampling;
    if (!params.n_batch)
        params.n_batch = app->args->n_batch;
    bar_note(&app->bar, "planning");
    const bool ok = lem_session_open(&params, out) == LEM_OK;
    bar_clear(&app->bar);
    return ok;
}

bool app_open_routed_session(struct app *app, struct lem_session_params params,
                             struct lem_session **out)
{
    return app_open_session(app, params, out) && policy_apply(app, *out);
}

const char *app_model_name(const struct app *app)
{
    return paths_base_name(app->model_path);
}

/* ---- text ----------------------------------------------------------------- */

bool app_encode(struct app *app, const char *text, size_t n, uint32_t flags,
                struct text_ids *ids)
{
    size_t count = 0;
    const enum lem_status st =
        lem_tokenizer_encode(app->tokenizer, text, n, flags, NULL, 0, &count);
    /* Too little room is the expected answer to asking for the size. */
    if (st != LEM_OK && (st != LEM_ERR_ARGUMENT || count == 0))
        return false;
    const size_t before = ids->n;
    for (size_t i = 0; i < count; i++)
        if (!text_ids_add(ids, 0))
            return false;
    if (count == 0)
        return true;
    return lem_tokenizer_encode(app->tokenizer, text, n, flags, ids->id + before, count,
                                &count) == LEM_OK;
}

uint32_t app_n_ctx(const struct app *app, uint32_t most)
{
    const uint32_t trained = app->info.n_ctx_train;
    if (app->args->n_ctx)
        return app->args->n_ctx;
    return trained && trained < most ? trained : most;
}
