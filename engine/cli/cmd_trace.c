/* cmd_trace.c - `lemnos trace`: what is in a recording, and how two differ. */
#include "cli/commands.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/app.h"
#include "cli/json_out.h"
#include "cli/trace_compare.h"
#include "cli/trace_sums.h"

struct view {
    const struct lem_trace *trace;
    struct lem_trace_info info;
    struct lem_trace_memory memory; /* noted last */
    struct trace_sums sums;
};

/* ---- the summary ------------------------------------------------------------ */

static void print_layers(const struct view *v)
{
    const struct lem_trace_facts *f = &v->info.facts;
    printf("\n%-8s%10s%12s%10s%20s\n", "layer", "entropy", "imbalance", "unused",
           "busiest expert");
    for (uint32_t i = 0; i < f->n_layer_moe; i++) {
        const struct trace_layer l = trace_sums_layer(&v->sums, f, i);
        printf("%-8u%5.2f bits%12.2f%10u%7u, %5.1f %% of tokens\n", f->layer[i],
               l.entropy, l.imbalance, l.n_unused, l.busiest, 100 * l.busiest_part);
    }
    printf("\n(shares over %" PRIu64 " tokens; even use has %.2f bits, imbalance 1)\n",
           v->sums.n_read, log2((double)f->n_expert));
}

static void print_summary(const struct view *v)
{
    const struct lem_trace_facts *f = &v->info.facts;
    const struct trace_sums *s = &v->sums;
    printf("%-18s%s, %s\n", "model", f->name, f->architecture);
    printf("%-18s%s\n", "device", f->device);
    printf("%-18s%u of %u in %u layers\n", "experts", f->n_expert_used, f->n_expert,
           f->n_layer_moe);
    printf("%-18s%" PRIu64 ", %u of them the prompt\n", "tokens", v->info.n_token,
           v->info.n_prompt);
    printf("%-18s%s, %u bytes a token\n", "file", text_bytes(v->info.file_bytes).s,
           v->info.slot_bytes);
    if (v->info.lost_bytes)
        printf("%-18sthe last %" PRIu64 " bytes are no whole token\n", "cut off",
               v->info.lost_bytes);
    if (s->n_damaged)
        printf("%-18s%" PRIu64 " tokens cannot be read\n", "damaged", s->n_damaged);
    if (s->n_known)
        printf("%-18s%.3f (geometric mean over %" PRIu64 " tokens)\n", "probability",
               exp(s->log_likelihood / (double)s->n_known), s->n_known);
    trace_times_print(&s->times);
    trace_memory_print(&v->memory);
    if (f->n_layer_moe && s->n_read)
        print_layers(v);
}

/* ---- tokens ------------------------------------------------------------------ */

/* The token's text as a JSON string, to be freed; NULL when memory ran out. */
static char *quoted_piece(const struct view *v, uint64_t i)
{
    const size_t n = lem_trace_piece(v->trace, i, NULL, 0);
    char *piece = malloc(n + 1);
    char *quoted = NULL;
    if (piece) {
        lem_trace_piece(v->trace, i, piece, n);
        quoted = json_quote(piece, n);
    }
    if (!quoted)
        app_error("memory ran out for the text of token %" PRIu64 ".", i);
    free(piece);
    return quoted;
}

static void print_number(float x)
{
    if (isfinite(x))
        printf("%.6g", (double)x);
    else
        printf("null");
}

static void print_routing(const struct view *v)
{
    const struct lem_trace_facts *f = &v->info.facts;
    for (int what = 0; what < 2; what++) {
        printf(what ? ",\"weights\":[" : ",\"experts\":[");
        for (uint32_t layer = 0; layer < f->n_layer_moe; layer++) {
            printf(layer ? ",[" : "[");
            for (uint32_t k = 0; k < f->n_expert_used; k++) {
                const size_t at = (size_t)layer * f->n_expert_used + k;
                if (v->sums.ids[at] == LEM_NO_EXPERT)
                    break;
                printf(k ? "," : "");
                if (what)
                    print_number(v->sums.weights[at]);
                else
                    printf("%u", v->sums.ids[at]);
            }
            printf("]");
        }
        printf("]");
    }
}

/* By how much the choice was made in each layer, and who was left out; null where that is
 * not known, or nobody was. */
static bool print_margins(const struct view *v, uint64_t i)
{
    const uint32_t n = v->info.facts.n_layer_moe;
    float *margins = calloc((size_t)n + 1, sizeof *margins);
    uint16_t *next = calloc((size_t)n + 1, sizeof *next);
    const bool ok = margins && next;
    if (!ok)
        app_error("memory ran out for the margins of token %" PRIu64 ".", i);
    if (ok && lem_trace_margins(v->trace, i, 1, margins, next) == LEM_OK) {
        printf(",\"margins\":[");
        for (uint32_t k = 0; k < n; k++) {
            printf(k ? "," : "");
            print_number(margins[k]);
        }
        printf("],\"left_out\":[");
        for (uint32_t k = 0; k < n; k++)
            next[k] == LEM_NO_EXPERT ? printf("%snull", k ? "," : "")
                                     : printf("%s%u", k ? "," : "", next[k]);
        printf("]");
    }
    free(margins);
    free(next);
    return ok;
}

static bool print_json_token(const struct view *v, uint64_t i)
{
    struct lem_trace_token t;
    if (lem_trace_get_token(v->trace, i, &t) != LEM_OK ||
        lem_trace_routing(v->trace, i, 1, v->sums.ids, v->sums.weights) != LEM_OK) {
        printf("null");
        return true;
    }
    char *piece = quoted_piece(v, i);
    if (!piece)
        return false;
    printf("{\"id\":%d,\"piece\":%s,\"prompt\":%s,\"us\":%u,\"probability\":", (int)t.id,
           piece, t.prompt ? "true" : "false", t.total_us);
    free(piece);
    print_number(t.probability < 0 ? NAN : t.probability);
    printf(",\"runners_up\":[");
    for (uint32_t k = 0; k < LEM_TRACE_RUNNERS && t.runner[k].id >= 0; k++) {
        printf("%s[%d,", k ? "," : "", (int)t.runner[k].id);
        print_number(t.runner[k].probability);
        printf("]");
    }
    printf("],\"stages_us\":");
    trace_stages_json(&t);
    print_routing(v);
    const bool ok = !v->info.facts.margins || print_margins(v, i);
    printf("}");
    return ok;
}

static bool print_json(const struct view *v)
{
    const struct lem_trace_facts *f = &v->info.facts;
    const char *const name[3] = {f->name, f->architecture, f->device};
    static const char *const key[3] = {
        "{\"model\":", ",\"architecture\":", ",\"device\":"};
    for (int i = 0; i < 3; i++) {
        char *quoted = json_quote(name[i], strlen(name[i]));
        if (!quoted)
            return false;
        printf("%s%s", key[i], quoted);
        free(quoted);
    }
    printf(",\"n_expert\":%u,\"n_expert_used\":%u,\"n_vocab\":%u,\"n_token\":%" PRIu64
           ",\"n_prompt\":%u,\"lost_bytes\":%" PRIu64 ",\"time\":",
           f->n_expert, f->n_expert_used, f->n_vocab, v->info.n_token, v->info.n_prompt,
           v->info.lost_bytes);
    trace_times_json(&v->sums.times);
    printf(",\"memory\":");
    trace_memory_json(&v->memory);
    printf(",\"layers\":[");
    for (uint32_t i = 0; i < f->n_layer_moe; i++) {
        const struct trace_layer l = trace_sums_layer(&v->sums, f, i);
        printf("%s{\"layer\":%u,\"entropy_bits\":%.6g,\"imbalance\":%.6g,\"unused\":%u}",
               i ? "," : "", f->layer[i], l.entropy, l.imbalance, l.n_unused);
    }
    printf("],\"tokens\":[");
    bool ok = true;
    for (uint64_t i = 0; i < v->info.n_token && ok; i++) {
        printf(i ? ",\n" : "\n");
        ok = print_json_token(v, i);
    }
    printf("\n]}\n");
    return ok;
}

/* The piece stands in quotes as in JSON, with those inside doubled for CSV. */
static void print_csv_piece(const char *quoted)
{
    printf("\"");
    for (const char *c = quoted + 1; c[0] && c[1]; c++) {
        if (c[0] == '\\') { /* an escape is two characters */
            c++;
            printf(*c == '"' ? "\"%c" : "\\%c", *c);
            continue;
        }
        putchar(*c);
    }
    printf("\"");
}

static bool print_csv(const struct view *v)
{
    const struct lem_trace_facts *f = &v->info.facts;
    printf("token,id,piece,prompt,probability,us");
    trace_times_csv_head();
    printf(",layer");
    for (uint32_t k = 0; k < f->n_expert_used; k++)
        printf(",expert%u,weight%u", k, k);
    printf("\n");
    const uint32_t n_line = f->n_layer_moe ? f->n_layer_moe : 1;
    for (uint64_t i = 0; i < v->info.n_token; i++) {
        struct lem_trace_token t;
        struct lem_trace_memory memory;
        if (lem_trace_get_token(v->trace, i, &t) != LEM_OK ||
            lem_trace_get_memory(v->trace, i, &memory) != LEM_OK ||
            lem_trace_routing(v->trace, i, 1, v->sums.ids, v->sums.weights) != LEM_OK)
            continue;
        char *piece = quoted_piece(v, i);
        if (!piece)
            return false;
        for (uint32_t layer = 0; layer < n_line; layer++) {
            printf("%" PRIu64 ",%d,", i, (int)t.id);
            print_csv_piece(piece);
            printf(",%d,", t.prompt);
            if (t.probability >= 0)
                print_number(t.probability);
            printf(",%u", t.total_us);
            trace_times_csv(&t, &memory);
            printf(",");
            if (f->n_layer_moe)
                printf("%u", f->layer[layer]);
            for (uint32_t k = 0; k < f->n_expert_used; k++) {
                const size_t at = (size_t)layer * f->n_expert_used + k;
                if (v->sums.ids[at] == LEM_NO_EXPERT)
                    printf(",,");
                else
                    printf(",%u,%.5g", v->sums.ids[at], (double)v->sums.weights[at]);
            }
            printf("\n");
        }
        free(piece);
    }
    return true;
}

/* ---- the command ------------------------------------------------------------- */

static bool show_one(struct app *app, const struct lem_trace *trace)
{
    struct view v = {.trace = trace};
    lem_trace_get_info(trace, &v.info);
    (void)lem_trace_get_memory(trace, UINT64_MAX, &v.memory);
    if (!trace_sums_open(&v.sums, trace))
        return false;
    if (v.sums.n_damaged)
        app_warn(app, "%" PRIu64 " tokens are damaged and left out.", v.sums.n_damaged);
    bool ok = true;
    if (app->args->json)
        ok = print_json(&v);
    else if (app->args->csv)
        ok = print_csv(&v);
    else
        print_summary(&v);
    trace_sums_close(&v.sums);
    return ok;
}

/* Damaged tokens are counted, not told one by one: only opening is let through. */
struct gate {
    const struct lem_log *log;
    bool open;
};

static void on_log(void *priv, enum lem_log_level level, const char *text)
{
    const struct gate *gate = priv;
    if (gate->open)
        gate->log->fn(gate->log->priv, level, text);
}

int cmd_trace(struct app *app)
{
    const struct args *a = app->args;
    struct lem_trace *trace[2] = {NULL, NULL};
    struct gate gate = {.log = &app->log, .open = true};
    const struct lem_log log = {.fn = on_log, .priv = &gate};
    if (a->n_word < 1 || a->n_word > 2)
        return args_wrong(a, "name one recording, or two to compare.");
    if (a->csv && (a->json || a->n_word == 2))
        return args_wrong(a, "--csv goes with one recording and without --json.");
    bool ok = true;
    for (int i = 0; i < a->n_word && ok; i++)
        ok = lem_trace_open(a->word[i], &log, &trace[i]) == LEM_OK;
    gate.open = false;
    if (ok)
        ok = a->n_word == 2 ? trace_compare(trace[0], trace[1], a->json)
                            : show_one(app, trace[0]);
    lem_trace_close(&trace[0]);
    lem_trace_close(&trace[1]);
    return ok ? APP_DONE : APP_FAILED;
}
