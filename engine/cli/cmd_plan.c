/* cmd_plan.c - `lemnos plan`: the dispatches that a model's steps are made of. */
#include <stdio.h>
#include <string.h>

#include "cli/app.h"
#include "cli/commands.h"
#include "cli/json_out.h"

struct plan {
    struct app *app;
    struct lem_session *session;
    enum lem_phase phase;
    uint32_t n;
};

static bool set_up(struct plan *p)
{
    struct app *app = p->app;
    const struct lem_session_params params = {.n_ctx = app_n_ctx(app, 4096)};
    if (!app_open_weights(app) || !app_open_session(app, params, &p->session))
        return false;
    p->n = lem_session_plan_length(p->session, p->phase);
    if (p->n == 0)
        app_error("with batches of one token there is no plan for prompts. Give a larger "
                  "-b.");
    return p->n > 0;
}

/* "256 x 1 x 1", or what fits */
struct triple {
    char s[40];
};

static struct triple triple_of(const uint32_t v[3], const char *none)
{
    struct triple t;
    if (v[0] == 0 && v[1] == 0)
        snprintf(t.s, sizeof t.s, "%s", none);
    else if (v[0] == 0)
        snprintf(t.s, sizeof t.s, "%ux%u", v[1], v[2]);
    else
        snprintf(t.s, sizeof t.s, "%ux%ux%u", v[0], v[1], v[2]);
    return t;
}

static void add(struct lem_plan_row *sum, const struct lem_plan_row *row)
{
    sum->weight_bytes += row->weight_bytes;
    sum->bytes += row->bytes;
    sum->flops += row->flops;
}

static void print_sums(const struct plan *p, const struct lem_plan_row *sum,
                       uint32_t n_layer_row)
{
    const uint32_t n_layer = p->app->info.n_layer;
    printf("\n%u dispatches, %.1f per layer; weights %s, all bytes %s, %.3f GFLOP\n",
           p->n, (double)n_layer_row / n_layer, text_bytes(sum->weight_bytes).s,
           text_bytes(sum->bytes).s, (double)sum->flops * 1e-9);
}

static bool print_table(const struct plan *p)
{
    struct lem_plan_row row, sum = {0};
    uint32_t n_layer_row = 0;
    printf("model   %s\ndevice  %s\nplan    of %u tokens at once, context %u\n\n",
           app_model_name(p->app), p->app->device_info.name,
           p->phase == LEM_PHASE_TOKEN ? 1 : lem_session_n_batch(p->session),
           lem_session_n_ctx(p->session));
    printf("  %-26s %-12s %-28s %-16s %-18s %11s %11s %10s\n", "dispatch", "stage",
           "kernel", "workgroups", "size", "weights", "bytes", "MFLOP");
    for (uint32_t i = 0; i < p->n; i++) {
        if (lem_session_plan_row(p->session, p->phase, i, &row) != LEM_OK)
            return false;
        printf("%c %-26s %-12s %-28s %-16s %-18s %11s %11s %10.3f\n",
               row.barrier ? '|' : ' ', row.label, row.stage, row.kernel,
               triple_of(row.group, "by the device").s, triple_of(row.size, "").s,
               row.weight_bytes ? text_bytes(row.weight_bytes).s : "",
               text_bytes(row.bytes).s, (double)row.flops * 1e-6);
        add(&sum, &row);
        n_layer_row += strncmp(row.label, "blk.", 4) == 0;
    }
    print_sums(p, &sum, n_layer_row);
    return true;
}

static void put_triple(struct json_out *j, struct cJSON *o, const char *key,
                       const uint32_t v[3])
{
    struct cJSON *list = json_array(j, o, key);
    for (int i = 0; i < 3; i++)
        json_num(j, list, NULL, v[i]);
}

static bool print_json(const struct plan *p)
{
    struct json_out j;
    struct lem_plan_row row, sum = {0};
    bool ok = true;
    json_begin(&j);
    json_str(&j, NULL, "model", app_model_name(p->app));
    json_str(&j, NULL, "device", p->app->device_info.name);
    json_num(&j, NULL, "n_token",
             p->phase == LEM_PHASE_TOKEN ? 1 : lem_session_n_batch(p->session));
    json_num(&j, NULL, "n_ctx", lem_session_n_ctx(p->session));
    struct cJSON *list = json_array(&j, NULL, "dispatches");
    for (uint32_t i = 0; i < p->n && ok; i++) {
        ok = lem_session_plan_row(p->session, p->phase, i, &row) == LEM_OK;
        struct cJSON *o = json_object(&j, list, NULL);
        json_str(&j, o, "label", row.label);
        json_str(&j, o, "stage", row.stage);
        json_str(&j, o, "kernel", row.kernel);
        json_bool(&j, o, "barrier", row.barrier);
        put_triple(&j, o, "workgroups", row.group);
        put_triple(&j, o, "size", row.size);
        json_num(&j, o, "weight_bytes", (double)row.weight_bytes);
        json_num(&j, o, "bytes", (double)row.bytes);
        json_num(&j, o, "flops", (double)row.flops);
        add(&sum, &row);
    }
    json_num(&j, NULL, "weight_bytes", (double)sum.weight_bytes);
    json_num(&j, NULL, "bytes", (double)sum.bytes);
    json_num(&j, NULL, "flops", (double)sum.flops);
    return json_print(&j) && ok;
}

int cmd_plan(struct app *app)
{
    struct plan p = {
        .app = app, .phase = app->args->plan_prompt ? LEM_PHASE_PROMPT : LEM_PHASE_TOKEN};
    const bool ok = app_open_model(app, false) && set_up(&p) &&
                    (app->args->json ? print_json(&p) : print_table(&p));
    lem_session_close(&p.session);
    return ok ? APP_DONE : APP_FAILED;
}
