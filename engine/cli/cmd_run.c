/* cmd_run.c - `lemnos run`: write text that follows a prompt. */
#include "cli/commands.h"

#include <stdio.h>
#include <string.h>

#include "cli/app.h"
#include "cli/generate.h"
#include "cli/os.h"
#include "cli/out_file.h"
#include "cli/policy.h"
#include "cli/prompt.h"
#include "cli/record.h"
#include "cli/routing_out.h"
#include "cli/show.h"
#include "cli/signals.h"
#include "lemnos/profile.h"

enum { DEFAULT_CTX = 4096 };

/* ---- figures ----------------------------------------------- */

static void print_rate(uint64_t n, uint64_t ns)
{
    if (n > 0 && ns > 0)
        fprintf(stderr, ", %.1f tok/s", (double)n / ((double)ns * 1e-9));
}

static void print_figures(struct app *app, const struct generate *g, uint64_t load_ns)
{
    if (app->args->quiet)
        return;
    uint64_t peak = 0;
    lem_device_memory(app->device, NULL, &peak);
    fprintf(stderr, "lemnos: load %.2f s | prompt %zu tokens", (double)load_ns * 1e-9,
            g->prompt_ids->n);
    print_rate(g->prompt_ids->n, g->prompt_ns);
    fprintf(stderr, " | generation %llu tokens", (unsigned long long)g->n_written);
    print_rate(g->n_run, g->write_ns);
    fprintf(stderr, " | %s | peak %s device memory\n", app->device_info.name,
            text_bytes(peak).s);
}

/* ---- the command ---------------------------------------------------------- */

static bool write_routing(struct app *app, const struct generate *g, struct out_file *f)
{
    if (!f->stream)
        return true;
    const uint32_t n = lem_session_length(g->session);
    const uint32_t n_prompt = g->prompt_ids->n < n ? (uint32_t)g->prompt_ids->n : n;
    return routing_write(app, g->session, n, n_prompt, f) && out_file_commit(f);
}

/* Model and session are open: write, then tell. Returns an exit code. */
static int generate_all(struct app *app, struct generate *g, struct out_file *routing)
{
    const uint64_t load_ns = os_now_ns() - app->start_ns;
    signals_watch(g->session);
    const enum generate_end end = generate_text(g);
    signals_watch(NULL);
    if (end == GENERATE_FAILED || !show_end(g->show))
        return APP_FAILED;
    if (end == GENERATE_FULL)
        app_note(app,
                 "stopped: the context of %u tokens is full. -c asks for a larger one.",
                 lem_session_n_ctx(g->session));
    const bool ok = write_routing(app, g, routing);
    print_figures(app, g, load_ns);
    return ok ? APP_DONE : APP_FAILED;
}

/* The model's file is open and the prompt read. Returns an exit code. */
static int run_model(struct app *app, const struct text *prompt, struct out_file *routing)
{
    const struct args *a = app->args;
    struct text_ids ids = {0};
    struct show show = {0};
    struct record record = {0};
    struct lem_session *session = NULL;
    const uint32_t n_ctx = app_n_ctx(app, DEFAULT_CTX);
    const bool moe = app->info.n_layer_moe > 0;
    const bool tap = moe && (a->show_experts || a->routing || a->trace);
    if (app->info.n_ctx_train && n_ctx > app->info.n_ctx_train)
        app_warn(
            app,
            "a context of %u tokens is longer than the %u the model was trained for.",
            n_ctx, app->info.n_ctx_train);
    if (a->routing && !moe)
        app_warn(app, "%s is a dense model: the routing file will have no layers.",
                 app_model_name(app));

    /* A recording looks at whole rows: they need not be fetched for it. */
    const struct lem_session_params params = {.n_ctx = n_ctx,
                                              .tap = tap,
                                              .stages = a->stages,
                                              .sampling = a->trace ? LEM_SAMPLING_HOST
                                                                   : LEM_SAMPLING_AUTO};
    int code = APP_FAILED;
    if (app_open_tokenizer(app) && prompt_encode(app, prompt, n_ctx, &ids) &&
        show_open(&show, app) && app_open_weights(app) &&
        app_open_routed_session(app, params, &session) &&
        (!a->save_policy || policy_save(app, session, a->save_policy)) &&
        (!a->stages || /* asked before the file of an earlier run is given up */
         lem_session_stages(session, LEM_PHASE_TOKEN, NULL, 0, NULL) == LEM_OK) &&
        record_open(&record, app, a->trace, a->stages)) {
        struct generate g = {.app = app,
                             .session = session,
                             .show = &show,
                             .record = &record,
                             .sample = prompt_sampling(app),
                             .limit = a->n_predict,
                             .keep_last = tap || a->trace,
                             .echo = !a->no_echo,
                             .prompt = prompt,
                             .prompt_ids = &ids};
        code = generate_all(app, &g, routing);
    }
    if (!record_close(&record))
        code = APP_FAILED;
    lem_session_close(&session);
    show_close(&show);
    text_ids_free(&ids);
    return code;
}

int cmd_run(struct app *app)
{
    struct text prompt = {0};
    struct out_file routing = {0};
    if (app->args->trace && strcmp(app->args->trace, "-") == 0)
        return args_wrong(app->args, "--trace takes the name of a file: a recording "
                                     "cannot go to standard output.");
    if (app->args->stages && !app->args->trace)
        return args_wrong(app->args, "--stages is for recordings: it goes with --trace.");
    int code = prompt_read(app->args, &prompt);
    if (code == APP_DONE)
        code = app_open_model(app, false) && out_file_open(&routing, app->args->routing)
                   ? run_model(app, &prompt, &routing)
                   : APP_FAILED;
    out_file_drop(&routing);
    text_free(&prompt);
    return code;
}
