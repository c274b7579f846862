/* routing_out.c - the experts that tokens chose, as a JSON file. */
#include "cli/routing_out.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/app.h"
#include "cli/json_out.h"
#include "cli/out_file.h"

/* [n][n_layer_moe][n_expert_used], as lem_session_routing() gives them. */
struct routing {
    uint32_t n, n_layer, n_used;
    uint16_t *ids;
    float *weights;
};

static bool load(struct app *app, const struct lem_session *session, uint32_t n,
                 struct routing *r)
{
    *r = (struct routing){
        .n = n, .n_layer = app->info.n_layer_moe, .n_used = app->info.n_expert_used};
    if (r->n_layer == 0 || n == 0)
        return true;
    /* The product of three 32-bit numbers is checked before it is one of bytes. */
    const uint64_t row = (uint64_t)r->n_layer * r->n_used;
    if (row <= SIZE_MAX / sizeof *r->weights / n) {
        r->ids = malloc((size_t)row * n * sizeof *r->ids);
        r->weights = malloc((size_t)row * n * sizeof *r->weights);
    }
    if (!r->ids || !r->weights) {
        app_error("memory ran out for the routing of %u tokens.", n);
        return false;
    }
    return lem_session_routing(session, 0, n, r->ids, r->weights) == LEM_OK;
}

static bool write_string(struct out_file *f, const char *s, size_t n)
{
    char *quoted = json_quote(s, n);
    if (!quoted)
        app_error("memory ran out for the routing file.");
    const bool ok = quoted && out_file_print(f, "%s", quoted);
    free(quoted);
    return ok;
}

static bool write_piece(struct app *app, int32_t id, struct out_file *f)
{
    char piece[256];
    const size_t n = lem_tokenizer_piece(app->tokenizer, id, true, piece, sizeof piece);
    if (n <= sizeof piece)
        return write_string(f, piece, n);
    char *longer = malloc(n);
    if (!longer) {
        app_error("memory ran out for the routing file.");
        return false;
    }
    lem_tokenizer_piece(app->tokenizer, id, true, longer, n);
    const bool ok = write_string(f, longer, n);
    free(longer);
    return ok;
}

static bool write_tokens(struct app *app, const struct lem_session *session,
                         const struct routing *r, struct out_file *f)
{
    const int32_t *id = lem_session_ids(session);
    bool ok = out_file_print(f, ",\"tokens\":[");
    for (uint32_t t = 0; t < r->n && ok; t++)
        ok = out_file_print(f, "%s%d", t ? "," : "", (int)id[t]);
    ok = ok && out_file_print(f, "]");
    if (!app->tokenizer)
        return ok;
    ok = ok && out_file_print(f, ",\"pieces\":[");
    for (uint32_t t = 0; t < r->n && ok; t++)
        ok = out_file_print(f, "%s", t ? "," : "") && write_piece(app, id[t], f);
    return ok && out_file_print(f, "]");
}

/* Nine digits give a float back bit for bit; JSON knows no infinities. */
static bool write_weight(struct out_file *f, float w)
{
    return isfinite(w) ? out_file_print(f, "%.9g", (double)w) : out_file_print(f, "null");
}

/* A routing policy may leave a token's last slots empty. */
static uint32_t n_chosen(const struct routing *r, size_t at)
{
    uint32_t n = 0;
    while (n < r->n_used && r->ids[at + n] != LEM_NO_EXPERT)
        n++;
    return n;
}

static bool write_layer(struct app *app, const struct routing *r, uint32_t layer,
                        struct out_file *f)
{
    const uint32_t block = lem_model_moe_layer(app->model, layer);
    bool ok = out_file_print(f, "%s{\"layer\":%u,\"ids\":[", layer ? "," : "", block);
    for (uint32_t t = 0; t < r->n && ok; t++) {
        const size_t at = ((size_t)t * r->n_layer + layer) * r->n_used;
        ok = out_file_print(f, t ? ",[" : "[");
        for (uint32_t k = 0, n = n_chosen(r, at); k < n && ok; k++)
            ok = out_file_print(f, "%s%u", k ? "," : "", (unsigned)r->ids[at + k]);
        ok = ok && out_file_print(f, "]");
    }
    ok = ok && out_file_print(f, "],\"weights\":[");
    for (uint32_t t = 0; t < r->n && ok; t++) {
        const size_t at = ((size_t)t * r->n_layer + layer) * r->n_used;
        ok = out_file_print(f, t ? ",[" : "[");
        for (uint32_t k = 0, n = n_chosen(r, at); k < n && ok; k++)
            ok = out_file_print(f, k ? "," : "") && write_weight(f, r->weights[at + k]);
        ok = ok && out_file_print(f, "]");
    }
    return ok && out_file_print(f, "]}");
}

bool routing_write(struct app *app, const struct lem_session *session, uint32_t n,
                   uint32_t n_prompt, struct out_file *f)
{
    struct routing r;
    const char *name = app_model_name(app);
    bool ok = load(app, session, n, &r) && out_file_print(f, "{\"model\":") &&
              write_string(f, name, strlen(name)) &&
              out_file_print(f, ",\"n_prompt\":%u", n_prompt) &&
              write_tokens(app, session, &r, f) && out_file_print(f, ",\"layers\":[");
    for (uint32_t layer = 0; layer < r.n_layer && ok; layer++)
        ok = write_layer(app, &r, layer, f);
    ok = ok && out_file_print(f, "]}\n");
    free(r.ids);
    free(r.weights);
    return ok;
}
