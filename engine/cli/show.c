/* show.c - text of tokens on standard output, whole characters only, coloured or
 * marked by the expert each token chose. */
#include "cli/show.h"

#include <stdlib.h>
#include <string.h>

#include "cli/app.h"
#include "cli/os.h"

/* Eight hues that people with any kind of colour vision tell apart (M. Okabe and
 * K. Ito, "Color Universal Design", 2002; grey in place of black), each with four
 * styles: more hues would not be told apart any more. */
static const struct {
    uint8_t r, g, b;
    uint8_t index; /* the nearest of the 256-colour table */
} hue[] = {
    {0xe6, 0x9f, 0x00, 178}, {0x56, 0xb4, 0xe9, 74},  {0x00, 0x9e, 0x73, 36},
    {0xf0, 0xe4, 0x42, 227}, {0x00, 0x72, 0xb2, 25},  {0xd5, 0x5e, 0x00, 166},
    {0xcc, 0x79, 0xa7, 175}, {0x99, 0x99, 0x99, 246},
};
static const char *const style[] = {"", "7;", "4;",
                                    "4;7;"}; /* 4 underlined, 7 reversed */
enum {
    N_HUE = sizeof hue / sizeof *hue,
    N_STYLE = sizeof style / sizeof *style,
    N_LOOK = N_HUE * N_STYLE
};

/* ---- opening -------------------------------------------------------------- */

static enum show_colors choose_colors(const struct args *a)
{
    const bool dumb = a->term && strcmp(a->term, "dumb") == 0;
    const bool refused = a->no_color && a->no_color[0];
    const bool wanted =
        a->color == ARGS_ALWAYS ||
        (a->color == ARGS_AUTO && os_is_terminal(stdout) && !dumb && !refused);
    if (!wanted)
        return SHOW_NONE;
    const char *c = a->colorterm ? a->colorterm : "";
    return strcmp(c, "truecolor") == 0 || strcmp(c, "24bit") == 0 ? SHOW_TRUE : SHOW_256;
}

static bool find_layer(struct show *s, int64_t block)
{
    const struct app *app = s->app;
    const uint32_t n = app->info.n_layer_moe;
    if (n == 0) {
        app_error("%s is a dense model: it has no experts to show.", app_model_name(app));
        return false;
    }
    if (block == ARGS_NO_LAYER) {
        s->layer = n - 1;
        return true;
    }
    for (s->layer = 0; s->layer < n; s->layer++)
        if (lem_model_moe_layer(app->model, s->layer) == (uint64_t)block)
            return true;
    app_error("block %lld of %s does not route. Those from %u to %u do.",
              (long long)block, app_model_name(app), lem_model_moe_layer(app->model, 0),
              lem_model_moe_layer(app->model, n - 1));
    return false;
}

bool show_open(struct show *s, struct app *app)
{
    *s = (struct show){.app = app, .colors = choose_colors(app->args)};
    return !app->args->show_experts || show_experts(s, app->args->show_layer);
}

bool show_experts(struct show *s, int64_t block)
{
    const uint32_t before = s->layer;
    if (!find_layer(s, block)) {
        s->layer = before;
        return false;
    }
    const struct lem_model_info *m = &s->app->info;
    if (!s->ids)
        s->ids = calloc((size_t)m->n_layer_moe * m->n_expert_used, sizeof *s->ids);
    if (!s->count)
        s->count = calloc(m->n_expert, sizeof *s->count);
    if (!s->ids || !s->count) {
        app_error("memory ran out for the experts of one token.");
        return false;
    }
    if (s->layer != before)
        memset(s->count, 0, m->n_expert * sizeof *s->count);
    s->experts = true;
    return true;
}

void show_close(struct show *s)
{
    free(s->ids);
    free(s->count);
    text_free(&s->first);
    text_free(&s->pending);
    text_ids_free(&s->begun);
    *s = (struct show){0};
}

/* ---- printing ------------------------------------------------------------- */

static void color_on(const struct show *s, int expert)
{
    const int look = expert % N_LOOK;
    const int h = look % N_HUE;
    const char *st = style[look / N_HUE];
    if (s->colors == SHOW_TRUE)
        printf("\033[%s38;2;%d;%d;%dm", st, hue[h].r, hue[h].g, hue[h].b);
    else
        printf("\033[%s38;5;%dm", st, hue[h].index);
}

static void color_off(void)
{
    fputs("\033[0m", stdout);
}

/* Colours end before a line does: some terminals would fill the rest of the line. */
static void print_colored(const struct show *s, const char *text, size_t n, int expert)
{
    while (n > 0) {
        const char *end = memchr(text, '\n', n);
        const size_t len = end ? (size_t)(end - text) : n;
        if (len > 0) {
            color_on(s, expert);
            text_write_utf8(stdout, text, len);
            color_off();
        }
        if (end)
            putchar('\n');
        text += len + (end != NULL);
        n -= len + (end != NULL);
    }
}

static void print(struct show *s, const char *text, size_t n, int expert)
{
    if (n == 0)
        return;
    if (expert != SHOW_NO_EXPERT && s->colors != SHOW_NONE) {
        print_colored(s, text, n, expert);
    } else {
        if (expert != SHOW_NO_EXPERT)
            printf("[%d]", expert);
        text_write_utf8(stdout, text, n);
    }
    s->in_line = text[n - 1] != '\n';
}

bool show_text(struct show *s, const char *text, size_t n)
{
    return show_span(s, text, n, SHOW_NO_EXPERT);
}

bool show_span(struct show *s, const char *text, size_t n, int expert)
{
    print(s, text, n, expert);
    return app_flush();
}

/* Take bytes in, print those that are whole characters by now. */
static bool take(struct show *s, const char *text, size_t n, int expert)
{
    if (!text_add(&s->pending, text, n))
        return false;
    const size_t whole = lem_utf8_whole(s->pending.data, s->pending.n);
    print(s, s->pending.data, whole, expert);
    s->pending.n -= whole;
    memmove(s->pending.data, s->pending.data + whole, s->pending.n);
    return app_flush();
}

/* A text's first piece may hold a space that is not in the text: until something has
 * been printed, the ids so far are decoded as a text. */
static bool begin(struct show *s, int32_t id, int expert)
{
    const struct app *app = s->app;
    if (!text_ids_add(&s->begun, id))
        return false;
    const bool special = app->args->special;
    const size_t n =
        lem_tokenizer_decode(app->tokenizer, s->begun.id, s->begun.n, special, NULL, 0);
    if (n == 0)
        return true;
    s->first.n = 0;
    for (size_t i = 0; i < n; i++)
        if (!text_add(&s->first, "", 1))
            return false;
    lem_tokenizer_decode(app->tokenizer, s->begun.id, s->begun.n, special, s->first.data,
                         n);
    s->has_begun = true;
    return take(s, s->first.data, n, expert);
}

bool show_piece(struct show *s, int32_t id, int expert)
{
    if (!s->has_begun)
        return begin(s, id, expert);
    const struct lem_tokenizer *tokenizer = s->app->tokenizer;
    const bool special = s->app->args->special;
    char piece[256];
    size_t n = lem_tokenizer_piece(tokenizer, id, special, piece, sizeof piece);
    if (n <= sizeof piece)
        return take(s, piece, n, expert);
    char *longer = malloc(n);
    if (!longer) {
        app_error("memory ran out for a token of %zu bytes.", n);
        return false;
    }
    n = lem_tokenizer_piece(tokenizer, id, special, longer, n);
    const bool ok = take(s, longer, n, expert);
    free(longer);
    return ok;
}

bool show_find_expert(struct show *s, const struct lem_session *session, uint32_t pos,
                      int *expert)
{
    *expert = SHOW_NO_EXPERT;
    if (!s->experts)
        return true;
    if (lem_session_routing(session, pos, 1, s->ids, NULL) != LEM_OK)
        return false;
    *expert = s->ids[(size_t)s->layer * s->app->info.n_expert_used];
    if ((uint32_t)*expert < s->app->info.n_expert)
        s->count[*expert]++;
    return true;
}

bool show_token(struct show *s, const struct lem_session *session, uint32_t pos)
{
    int expert;
    return show_find_expert(s, session, pos, &expert) &&
           show_piece(s, lem_session_ids(session)[pos], expert);
}

/* ---- the end -------------------------------------------------------------- */

void show_legend(const struct show *s)
{
    const struct lem_model_info *m = &s->app->info;
    const int width = s->colors != SHOW_NONE ? (int)os_terminal_width(stdout) : 80;
    uint64_t total = 0;
    for (uint32_t e = 0; e < m->n_expert; e++)
        total += s->count[e];
    printf("\nFirst expert of %llu tokens at block %u, and how many chose it:\n",
           (unsigned long long)total, lem_model_moe_layer(s->app->model, s->layer));
    int at = 0;
    for (uint32_t e = 0; e < m->n_expert; e++) {
        if (s->count[e] == 0)
            continue;
        char name[16], figure[32];
        const int n = snprintf(name, sizeof name, s->colors ? " %u " : "[%u]", e);
        const int k =
            snprintf(figure, sizeof figure, " %-5llu", (unsigned long long)s->count[e]);
        if (at > 0 && at + n + k > width) {
            putchar('\n');
            at = 0;
        }
        if (s->colors)
            color_on(s, (int)e);
        fputs(name, stdout);
        if (s->colors)
            color_off();
        fputs(figure, stdout);
        at += n + k;
    }
    putchar('\n');
    if (s->colors && m->n_expert > N_LOOK)
        printf("The looks repeat every %d experts.\n", N_LOOK);
}

void show_end_line(struct show *s)
{
    if (s->in_line)
        putchar('\n');
    s->in_line = false;
}

bool show_end(struct show *s)
{
    s->pending.n = 0; /* half a character is never printed */
    show_end_line(s);
    if (s->experts)
        show_legend(s);
    return app_flush();
}
