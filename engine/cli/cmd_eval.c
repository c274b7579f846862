/* cmd_eval.c - `lemnos eval`: run token ids through the model, without sampling. */
#include "cli/commands.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/app.h"
#include "cli/json_out.h"
#include "cli/out_file.h"
#include "cli/routing_out.h"

struct eval {
    struct app *app;
    struct text_ids ids;    /* as given */
    struct text_ids greedy; /* what follows */
    struct lem_session *session;
    struct out_file logits, routing;
    int32_t argmax; /* the likeliest id after the last one given */
    float max;      /* its logit */
};

/* --tokens 1,2,3 or @FILE */
static bool read_tokens(struct eval *e)
{
    const char *list = e->app->args->tokens;
    const uint32_t n_vocab = e->app->info.n_vocab;
    struct text t = {0};
    const bool from_file = list[0] == '@';
    const bool ok =
        from_file ? text_read(&t, list + 1) : text_add(&t, list, strlen(list));
    const char *what = from_file ? list + 1 : "--tokens";
    bool done = ok && text_read_ids(&e->ids, t.data, t.n, n_vocab, what);
    if (done && e->ids.n == 0) {
        app_error("%s: there are no token ids. Write them as 1,2,3.", what);
        done = false;
    }
    text_free(&t);
    return done;
}

static bool open_session(struct eval *e)
{
    struct app *app = e->app;
    const struct args *a = app->args;
    /* The last greedy id is not run. */
    const uint64_t need = (uint64_t)e->ids.n + a->n_greedy - (a->n_greedy > 0);
    if (need > INT32_MAX || (a->n_ctx && need > a->n_ctx)) {
        app_error(
            "%zu token ids and %u greedy ones do not fit a context of %u. Give fewer, "
            "or a larger -c.",
            e->ids.n, a->n_greedy, a->n_ctx);
        return false;
    }
    const struct lem_session_params params = {
        .n_ctx = a->n_ctx ? a->n_ctx : (uint32_t)need,
        .logits = a->logits ? LEM_LOGITS_ALL : LEM_LOGITS_LAST,
        .tap = a->routing && app->info.n_layer_moe > 0,
    };
    return app_open_routed_session(app, params, &e->session);
}

/* The file format is little-endian whatever the machine is. */
static bool write_rows(struct eval *e, const float *row, uint32_t n_row)
{
    const size_t n = (size_t)n_row * e->app->info.n_vocab;
    const uint16_t one = 1;
    if (*(const uint8_t *)&one)
        return out_file_write(&e->logits, row, n * sizeof *row);
    for (size_t i = 0; i < n; i++) {
        uint32_t u;
        memcpy(&u, &row[i], sizeof u);
        const uint8_t byte[4] = {(uint8_t)u, (uint8_t)(u >> 8), (uint8_t)(u >> 16),
                                 (uint8_t)(u >> 24)};
        if (!out_file_write(&e->logits, byte, sizeof byte))
            return false;
    }
    return true;
}

static bool find_argmax(struct eval *e)
{
    uint32_t n_row = 0;
    const float *row = lem_session_logits(e->session, &n_row);
    const uint32_t n = e->app->info.n_vocab;
    row += (size_t)(n_row - 1) * n;
    e->argmax = 0;
    for (uint32_t i = 1; i < n; i++)
        if (row[i] > row[e->argmax])
            e->argmax = (int32_t)i;
    e->max = row[e->argmax];
    bool finite = true;
    for (uint32_t i = 0; i < n && finite; i++)
        finite = isfinite(row[i]);
    if (!finite)
        app_error(
            "the logits after the last token are not finite: the model's weights, or "
            "what the device computes, are broken. Check the file, or try another "
            "device.");
    return finite;
}

static bool append_all(struct eval *e)
{
    const struct args *a = e->app->args;
    const uint32_t most = a->steps ? 1 : lem_session_n_batch(e->session);
    uint32_t done = 0;
    while (done < e->ids.n) {
        const size_t left = e->ids.n - done;
        const uint32_t n = left < most ? (uint32_t)left : most;
        bar_show(&e->app->bar, "tokens", done, e->ids.n);
        if (lem_session_append(e->session, e->ids.id + done, n) != LEM_OK)
            return false;
        done += n;
        uint32_t n_row = 0;
        const float *row = a->logits ? lem_session_logits(e->session, &n_row) : NULL;
        if (row && !write_rows(e, row, n_row))
            return false;
    }
    bar_clear(&e->app->bar);
    return find_argmax(e);
}

/* The reference knows no end of text, so ids go on after one. */
static bool continue_greedy(struct eval *e)
{
    const struct lem_sample_params likeliest = {0};
    const uint32_t n = e->app->args->n_greedy;
    for (uint32_t i = 0; i < n; i++) {
        struct lem_sampled next;
        if (lem_session_sample(e->session, &likeliest, &next) != LEM_OK ||
            !text_ids_add(&e->greedy, next.id))
            return false;
        bar_show(&e->app->bar, "greedy", i, n);
        if (i + 1 < n && lem_session_append(e->session, &next.id, 1) != LEM_OK)
            return false;
    }
    bar_clear(&e->app->bar);
    return true;
}

static bool print_result(struct eval *e)
{
    const struct app *app = e->app;
    struct json_out j;
    json_begin(&j);
    json_str(&j, NULL, "model", app_model_name(app));
    json_str(&j, NULL, "architecture", app->info.architecture);
    json_str(&j, NULL, "device", app->device_info.name);
    json_num(&j, NULL, "n_token", (double)e->ids.n);
    json_num(&j, NULL, "n_vocab", app->info.n_vocab);
    json_num(&j, NULL, "n_layer_moe", app->info.n_layer_moe);
    json_num(&j, NULL, "n_batch", lem_session_n_batch(e->session));
    json_num(&j, NULL, "argmax", e->argmax);
    json_num(&j, NULL, "argmax_logit", (double)e->max);
    json_ids(&j, NULL, "greedy", e->greedy.id, e->greedy.n);
    return json_print(&j);
}

static bool evaluate(struct eval *e)
{
    const struct args *a = e->app->args;
    if (!read_tokens(e) || !out_file_open(&e->logits, a->logits) ||
        !out_file_open(&e->routing, a->routing))
        return false;
    if (!app_open_weights(e->app) || !open_session(e))
        return false;
    if (!append_all(e) || !continue_greedy(e))
        return false;
    const uint32_t n = (uint32_t)e->ids.n;
    if (e->routing.stream && !routing_write(e->app, e->session, n, n, &e->routing))
        return false;
    /* Result files appear together: none before both are whole. */
    return out_file_finish(&e->logits) && out_file_finish(&e->routing) &&
           out_file_commit(&e->logits) && out_file_commit(&e->routing) && print_result(e);
}

int cmd_eval(struct app *app)
{
    const char *list = app->args->tokens;
    if (!list)
        return args_wrong(app->args, "which token ids? Give --tokens 1,2,3 or @FILE.");
    if (list[0] != '@' && text_find_lone_comma(list, strlen(list)) < strlen(list))
        return args_wrong(app->args,
                          "--tokens takes ids such as 1,2,3, one on each side of a "
                          "comma, not \"%s\".",
                          list);
    struct eval e = {.app = app};
    const bool ok = app_open_model(app, false) && evaluate(&e);
    lem_session_close(&e.session);
    out_file_drop(&e.logits);
    out_file_drop(&e.routing);
    text_ids_free(&e.ids);
    text_ids_free(&e.greedy);
    return ok ? APP_DONE : APP_FAILED;
}
