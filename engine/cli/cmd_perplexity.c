/* cmd_perplexity.c - `lemnos perplexity`: how well a model predicts a text. */
#include "cli/commands.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/app.h"
#include "cli/json_out.h"
#include "cli/os.h"

enum { DEFAULT_WINDOW = 512 };

struct perplexity {
    struct app *app;
    struct lem_session *session;
    struct text_ids ids; /* the text, without BOS */
    int32_t bos;         /* first of each window; -1 = none */
    uint32_t n_ctx;      /* tokens of a window, BOS among them */
    int32_t *window;     /* [n_ctx] */
    uint32_t n_window;   /* windows scored */
    uint64_t n_scored;   /* tokens scored */
    double mean, m2;     /* of the negative log-likelihoods, see add() */
};

/* Mean and sum of squared distances, one value at a time: B. P. Welford,
 * Technometrics 4 (1962), 419-420. */
static void add(struct perplexity *p, double nll)
{
    p->n_scored++;
    const double d = nll - p->mean;
    p->mean += d / (double)p->n_scored;
    p->m2 += d * (nll - p->mean);
}

/* -ln softmax(row)[id] */
static double nll_of(const float *row, uint32_t n_vocab, int32_t id)
{
    float top = row[0];
    for (uint32_t i = 1; i < n_vocab; i++)
        top = row[i] > top ? row[i] : top;
    double sum = exp((double)row[0] - (double)top);
    for (uint32_t i = 1; i < n_vocab; i++)
        sum += exp((double)row[i] - (double)top);
    return log(sum) + (double)top - (double)row[id];
}

/* Run a window of `n` tokens and score all but the first. */
static bool score_window(struct perplexity *p, uint32_t n)
{
    const uint32_t n_vocab = p->app->info.n_vocab;
    const uint32_t most = lem_session_n_batch(p->session);
    lem_session_reset(p->session);
    /* The last token predicts nothing in the window: it need not be run. */
    for (uint32_t done = 0; done < n - 1;) {
        const uint32_t step = n - 1 - done < most ? n - 1 - done : most;
        if (lem_session_append(p->session, p->window + done, step) != LEM_OK)
            return false;
        const float *row = lem_session_logits(p->session, NULL);
        for (uint32_t i = 0; i < step; i++, row += n_vocab) {
            const double nll = nll_of(row, n_vocab, p->window[done + i + 1]);
            if (!isfinite(nll)) {
                app_error("the logits after token %u of window %u are not finite: the "
                          "model's weights, or what the device computes, are broken. "
                          "Check the file, or try another device.",
                          done + i, p->n_window);
                return false;
            }
            add(p, nll);
        }
        done += step;
    }
    p->n_window++;
    return true;
}

static bool score_all(struct perplexity *p)
{
    const uint32_t lead = p->bos >= 0;
    size_t at = 0;
    while (at < p->ids.n) {
        const size_t left = p->ids.n - at;
        const uint32_t room = p->n_ctx - lead;
        const uint32_t n = left < room ? (uint32_t)left : room;
        if (lead)
            p->window[0] = p->bos;
        memcpy(p->window + lead, p->ids.id + at, n * sizeof *p->window);
        bar_show(&p->app->bar, "tokens", at, p->ids.n);
        /* A last window of a single token has nothing to score. */
        if (n + lead >= 2 && !score_window(p, n + lead))
            return false;
        at += n;
    }
    bar_clear(&p->app->bar);
    return true;
}

static bool read_text(struct perplexity *p)
{
    struct app *app = p->app;
    struct text t = {0};
    const char *path = app->args->file ? app->args->file : "-";
    const bool ok = text_read(&t, path) && text_check_utf8(&t, "the text") &&
                    app_encode(app, t.data, t.n, 0, &p->ids);
    text_free(&t);
    if (!ok)
        return false;
    struct lem_tokenizer_info info;
    lem_tokenizer_get_info(app->tokenizer, &info);
    p->bos = info.add_bos ? info.bos : -1;
    p->n_ctx = app_n_ctx(app, DEFAULT_WINDOW);
    if (p->ids.n + (p->bos >= 0) < 2) {
        app_error("the text has %zu tokens: too few to score. Give a longer one.",
                  p->ids.n);
        return false;
    }
    if (p->n_ctx < 2) {
        app_error(
            "a context of %u tokens has nothing to score: each token is scored from "
            "those before it. Use -c 2 or more.",
            p->n_ctx);
        return false;
    }
    p->window = malloc(p->n_ctx * sizeof *p->window);
    if (!p->window)
        app_error("memory ran out for a window of %u tokens.", p->n_ctx);
    return p->window != NULL;
}

static bool print_result(const struct perplexity *p)
{
    const struct app *app = p->app;
    const double n = (double)p->n_scored;
    const double nll_error = n > 1 ? sqrt(p->m2 / (n - 1) / n) : 0;
    const double value = exp(p->mean);
    if (!app->args->json) {
        printf("perplexity %.4f +- %.4f  (%llu tokens scored in %u windows of %u; "
               "%.5f nats per token)\n",
               value, value * nll_error, (unsigned long long)p->n_scored, p->n_window,
               p->n_ctx, p->mean);
        return true;
    }
    struct json_out j;
    json_begin(&j);
    json_str(&j, NULL, "model", app_model_name(app));
    json_str(&j, NULL, "device", app->device_info.name);
    json_num(&j, NULL, "perplexity", value);
    json_num(&j, NULL, "standard_error", value * nll_error);
    json_num(&j, NULL, "nll", p->mean);
    json_num(&j, NULL, "nll_standard_error", nll_error);
    json_num(&j, NULL, "n_scored", n);
    json_num(&j, NULL, "n_token", (double)p->ids.n);
    json_num(&j, NULL, "n_window", p->n_window);
    json_num(&j, NULL, "n_ctx", p->n_ctx);
    return json_print(&j);
}

int cmd_perplexity(struct app *app)
{
    const struct args *a = app->args;
    if (!a->file && os_is_terminal(stdin))
        return args_wrong(a, "which text? Give -f FILE.");
    if (a->n_ctx == 1)
        return args_wrong(a, "a window needs 2 tokens at least: -c 2.");
    struct perplexity p = {.app = app};
    bool ok = app_open_model(app, false) && app_open_tokenizer(app) && read_text(&p) &&
              app_open_weights(app);
    const struct lem_session_params params = {.n_ctx = p.n_ctx, .logits = LEM_LOGITS_ALL};
    ok = ok && app_open_routed_session(app, params, &p.session) && score_all(&p) &&
         print_result(&p);
    lem_session_close(&p.session);
    text_ids_free(&p.ids);
    free(p.window);
    return ok ? APP_DONE : APP_FAILED;
}
