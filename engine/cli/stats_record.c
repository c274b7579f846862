/* stats_record.c - runs the texts through the model and keeps the routing. */
#include <stdlib.h>
#include <string.h>

#include "cli/policy.h"
#include "cli/stats.h"

enum { DEFAULT_WINDOW = 512 };

/* What is to be run, before the size of anything is known. */
struct plan {
    struct text_ids ids; /* of all groups, one after the other */
    int32_t bos;         /* first of each window; -1 = none */
    uint32_t n_ctx;      /* tokens of a window */
};

static const char *file_of(const struct args *a, uint32_t i)
{
    if (a->file)
        return i == 0 ? a->file : a->word[i - 1];
    return a->word[i];
}

static bool read_groups(struct stats *s, struct plan *p)
{
    struct app *app = s->app;
    s->n_group = (uint32_t)(app->args->n_word + (app->args->file != NULL));
    s->group = calloc(s->n_group, sizeof *s->group);
    if (!s->group) {
        app_error("memory ran out for %u texts.", s->n_group);
        return false;
    }
    for (uint32_t i = 0; i < s->n_group; i++) {
        struct text t = {0};
        struct stats_group *g = &s->group[i];
        const char *path = file_of(app->args, i);
        g->name = paths_base_name(path);
        g->from = p->ids.n;
        const bool ok = text_read(&t, path) && text_check_utf8(&t, path) &&
                        app_encode(app, t.data, t.n, 0, &p->ids);
        text_free(&t);
        if (!ok)
            return false;
        g->n_token = p->ids.n - g->from;
        if (g->n_token == 0) {
            app_error("%s: the text is empty.", path);
            return false;
        }
    }
    return true;
}

/* Tokens with the BOS of every window; `room` tokens of text go into one. */
static uint64_t count_tokens(const struct stats *s, const struct plan *p, uint32_t room)
{
    uint64_t n = 0;
    for (uint32_t i = 0; i < s->n_group; i++) {
        const uint64_t n_window = (s->group[i].n_token + room - 1) / room;
        n += s->group[i].n_token + (p->bos >= 0 ? n_window : 0);
    }
    return n;
}

static bool take_memory(struct stats *s, uint64_t n)
{
    const uint64_t row = (uint64_t)s->n_layer * s->n_used;
    if (n > 0 && n <= SIZE_MAX / sizeof(float) / row) {
        s->token = malloc(n * sizeof *s->token);
        s->begins = calloc(n, sizeof *s->begins);
        s->ids = malloc(n * row * sizeof *s->ids);
        s->weights = malloc(n * row * sizeof *s->weights);
    }
    if (s->token && s->begins && s->ids && s->weights)
        return true;
    app_error("memory ran out for the routing of %llu tokens. Give shorter texts.",
              (unsigned long long)n);
    return false;
}

/* Run the window in s->token[n_token …) and take its routing. */
static bool run_window(struct stats *s, struct lem_session *session, uint32_t n)
{
    const size_t at = s->n_token * s->n_layer * s->n_used;
    lem_session_reset(session);
    if (lem_session_append(session, s->token + s->n_token, n) != LEM_OK ||
        lem_session_routing(session, 0, n, s->ids + at, s->weights + at) != LEM_OK)
        return false;
    s->begins[s->n_token] = true;
    s->n_token += n;
    s->n_window++;
    return true;
}

static bool run_group(struct stats *s, const struct plan *p, struct stats_group *g,
                      struct lem_session *session)
{
    const uint32_t lead = p->bos >= 0;
    const int32_t *ids = p->ids.id + g->from;
    const uint64_t from = s->n_token;
    for (uint64_t done = 0, n; done < g->n_token; done += n) {
        n = g->n_token - done;
        if (n > p->n_ctx - lead)
            n = p->n_ctx - lead;
        if (lead)
            s->token[s->n_token] = p->bos;
        memcpy(s->token + s->n_token + lead, ids + done, n * sizeof *ids);
        bar_show(&s->app->bar, g->name, done, g->n_token);
        if (!run_window(s, session, (uint32_t)n + lead))
            return false;
    }
    *g =
        (struct stats_group){.name = g->name, .from = from, .n_token = s->n_token - from};
    return true;
}

static bool record(struct stats *s, struct plan *p)
{
    struct app *app = s->app;
    struct lem_tokenizer_info info;
    lem_tokenizer_get_info(app->tokenizer, &info);
    p->bos = info.add_bos ? info.bos : -1;
    p->n_ctx = app_n_ctx(app, DEFAULT_WINDOW);
    if (p->n_ctx < 2) {
        app_error("a window needs 2 tokens at least: -c 2.");
        return false;
    }
    if (!read_groups(s, p) ||
        !take_memory(s, count_tokens(s, p, p->n_ctx - (p->bos >= 0))) ||
        !app_open_weights(app))
        return false;
    struct lem_session *session = NULL;
    const struct lem_session_params params = {.n_ctx = p->n_ctx, .tap = true};
    bool ok = app_open_routed_session(app, params, &session);
    for (uint32_t i = 0; i < s->n_group && ok; i++)
        ok = run_group(s, p, &s->group[i], session);
    bar_clear(&app->bar);
    lem_session_close(&session);
    return ok;
}

bool stats_record(struct stats *s, struct app *app)
{
    *s = (struct stats){.app = app,
                        .n_layer = app->info.n_layer_moe,
                        .n_expert = app->info.n_expert,
                        .n_used = app->info.n_expert_used};
    if (s->n_layer == 0) {
        app_error("%s is a dense model: it has no experts to count.",
                  app_model_name(app));
        return false;
    }
    struct plan p = {0};
    const bool ok = record(s, &p);
    text_ids_free(&p.ids);
    return ok;
}
