/* view_inspector.c - figures of what is selected: the token, its layer, the expert.
 * Every share says of how many. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "ui.h"

/* Lines from the top down, in one column or more. */
struct list {
    struct ui *ui;
    struct box left; /* what is free yet */
    struct box rest; /* for the columns after this one */
    int n_column;    /* with those after this one */
    int bottom;      /* of the longest so far */
    bool alone;      /* this column has nothing but the layers */
};

static void heading(struct list *l, const char *text)
{
    struct ui *ui = l->ui;
    const int h = fonts_height(ui->fonts, FONT_STRONG);
    box_take_top(&l->left, ui_px(ui, 5));
    const struct box row = box_take_top(&l->left, h + ui_px(ui, 3));
    fonts_label(ui->fonts, &ui->canvas, FONT_STRONG, row.x, row.y, row.w, text,
                ui->palette.text);
}

/* Of a line: what the names take. */
static int name_width(struct ui *ui, int all)
{
    const int wanted = ui_px(ui, 88), most = all * 45 / 100, least = all * 38 / 100;
    return wanted < least ? least : wanted < most ? wanted : most;
}

static void field(struct list *l, const char *name, const char *value)
{
    struct ui *ui = l->ui;
    const int h = fonts_height(ui->fonts, FONT_UI) + ui_px(ui, 1);
    const struct box row = box_take_top(&l->left, h);
    const int name_w = name_width(ui, row.w);
    fonts_label(ui->fonts, &ui->canvas, FONT_UI, row.x, row.y, name_w - 4, name,
                ui->palette.quiet);
    fonts_label(ui->fonts, &ui->canvas, FONT_UI, row.x + name_w, row.y, row.w - name_w,
                value, ui->palette.text);
}

/* A labelled bar; `part` 0 … 1. */
static void bar(struct list *l, const char *name, float part, const char *value,
                uint32_t color)
{
    struct ui *ui = l->ui;
    const int h = fonts_height(ui->fonts, FONT_UI) + ui_px(ui, 2);
    struct box row = box_take_top(&l->left, h);
    const struct box label = box_take_left(&row, name_width(ui, row.w));
    const struct box end = box_take_right(&row, ui_px(ui, 58));
    fonts_label(ui->fonts, &ui->canvas, FONT_UI, label.x, label.y, label.w - 4, name,
                ui->palette.text);
    const int t = ui_px(ui, 7);
    const int y = row.y + (row.h - t) / 2;
    const float p = part > 0 ? part < 1 ? part : 1 : 0;
    canvas_round(&ui->canvas, (struct box){row.x, y, row.w, t}, t / 2, ui->palette.raised,
                 255);
    canvas_round(&ui->canvas, (struct box){row.x, y, (int)((float)row.w * p + 0.5f), t},
                 t / 2, color, 255);
    const int w = fonts_width(ui->fonts, FONT_SMALL, value, strlen(value));
    fonts_label(ui->fonts, &ui->canvas, FONT_SMALL, end.x + end.w - w,
                end.y + (end.h - fonts_height(ui->fonts, FONT_SMALL)) / 2, end.w, value,
                ui->palette.quiet);
}

static void show_runners(struct list *l, const struct lem_trace_token *t)
{
    char name[48], value[32];
    if (t->runner[0].id < 0)
        return;
    heading(l, "It might have written");
    for (int i = 0; i < LEM_TRACE_RUNNERS && t->runner[i].id >= 0; i++) {
        ui_piece(t->runner[i].piece, t->runner[i].n_piece, name, sizeof name);
        snprintf(value, sizeof value, "%.1f %%", 100 * (double)t->runner[i].probability);
        bar(l, name, t->runner[i].probability, value,
            palette_mix(l->ui->palette.quiet, l->ui->palette.panel, 0.3f));
    }
}

/* How far the first expert that was not chosen is behind the last that was. */
static void show_margin(struct list *l, uint64_t i)
{
    struct ui *ui = l->ui;
    const uint32_t layer = ui->state->layer;
    char text[64];
    if (!source_margins(ui->state->source, i, ui->margins, ui->next))
        return;
    const float m = ui->margins[layer];
    if (isnan(m))
        return;
    if (ui->next[layer] == LEM_NO_EXPERT && isinf(m))
        snprintf(text, sizeof text, "none left out");
    else if (isinf(m))
        snprintf(text, sizeof text, "forced");
    else if (ui->next[layer] == LEM_NO_EXPERT)
        snprintf(text, sizeof text, "%.3f", (double)m);
    else
        snprintf(text, sizeof text, "%s%.3f over expert %u", m < 0.0005f ? "< " : "",
                 m < 0.0005f ? 0.001 : (double)m, ui->next[layer]);
    field(l, "margin", text);
}

/* The token's experts in all layers, in the panel's height where they can be. */
static void show_layers(struct list *l, uint64_t i)
{
    struct ui *ui = l->ui;
    if (ui->state->source->facts.n_layer_moe == 0)
        return;
    heading(l, "Its experts by layer");
    const int above = l->left.y + ui->scroll.at - ui->scroll.box.y;
    const int room = l->alone ? ui->scroll.box.h - above : 0;
    box_take_top(&l->left, view_layers(ui, l->left, room, i));
}

static void show_token(struct list *l, uint64_t i)
{
    struct ui *ui = l->ui;
    struct lem_trace_token t;
    char piece[64], shown[96], text[128];
    if (!source_token(ui->state->source, i, &t)) {
        heading(l, "This token is damaged in the recording.");
        return;
    }
    const size_t n = source_piece(ui->state->source, i, piece, sizeof piece);
    ui_piece(piece, n <= sizeof piece ? n : 0, shown, sizeof shown);
    snprintf(text, sizeof text, "Token %llu  %s", (unsigned long long)i + 1, shown);
    heading(l, text);
    snprintf(text, sizeof text, "%d%s", (int)t.id, t.prompt ? ", of the prompt" : "");
    field(l, "id", text);
    if (t.probability >= 0) {
        snprintf(text, sizeof text, "%.1f %%", 100 * (double)t.probability);
        bar(l, "probability", t.probability, text, ui->palette.accent);
    }
    show_runners(l, &t);
    if (!ui_routing(ui, i))
        return;
    const struct lem_trace_facts *f = &ui->state->source->facts;
    const size_t at = (size_t)ui->state->layer * f->n_expert_used;
    snprintf(text, sizeof text, "Its experts in layer %u", f->layer[ui->state->layer]);
    heading(l, text);
    for (uint32_t k = 0; k < f->n_expert_used && ui->ids[at + k] != LEM_NO_EXPERT; k++) {
        char value[32];
        snprintf(text, sizeof text, "expert %u", ui->ids[at + k]);
        snprintf(value, sizeof value, "%.3f", (double)ui->weights[at + k]);
        bar(l, text, ui->weights[at + k], value,
            palette_expert(&ui->palette, ui->ids[at + k]));
    }
    snprintf(text, sizeof text, "%.0f %% of even",
             100 * (double)stats_gate_entropy(ui->weights + at, f->n_expert_used));
    field(l, "gate entropy", text);
    show_margin(l, i);
}

static void show_partners(struct list *l, uint32_t expert)
{
    const struct stats *s = l->ui->stats;
    const uint32_t *row = s->together + (size_t)expert * s->n_expert;
    uint32_t shown[3] = {expert, expert, expert};
    char text[128] = "";
    size_t n = 0;
    for (int i = 0; i < 3 && s->n_used > 1; i++) {
        uint32_t best = expert;
        for (uint32_t e = 0; e < s->n_expert; e++)
            if (e != expert && e != shown[0] && e != shown[1] && row[e] > 0 &&
                (best == expert || row[e] > row[best]))
                best = e;
        if (best == expert)
            break;
        shown[i] = best;
        n += (size_t)snprintf(text + n, sizeof text - n, "%s%u (%u)", i ? ", " : "", best,
                              row[best]);
    }
    if (text[0])
        field(l, "fires with", text);
}

static void show_expert(struct list *l)
{
    struct ui *ui = l->ui;
    const struct stats *s = ui->stats;
    const uint32_t e = (uint32_t)ui->state->expert, layer = ui->state->layer;
    const uint64_t count = s->load[(size_t)layer * s->n_expert + e];
    char text[128];
    snprintf(text, sizeof text, "Expert %u of layer %u", e,
             ui->state->source->facts.layer[layer]);
    heading(l, text);
    snprintf(text, sizeof text, "%llu of %llu (%.1f %%)", (unsigned long long)count,
             (unsigned long long)stats_n(s),
             stats_n(s) ? 100 * (double)count / (double)stats_n(s) : 0);
    field(l, "tokens", text);
    snprintf(text, sizeof text, "%u of %u", stats_rank(s, layer, e) + 1, s->n_expert);
    field(l, "rank", text);
    if (s->n_top == 0)
        return;
    snprintf(text, sizeof text, "Takes most often (%u of %u tokens)", s->expert_count,
             s->n_window);
    if (fonts_width(ui->fonts, FONT_STRONG, text, strlen(text)) > l->left.w)
        snprintf(text, sizeof text, "Takes (%u of %u tokens)", s->expert_count,
                 s->n_window);
    heading(l, text);
    for (uint32_t i = 0; i < s->n_top; i++) {
        char piece[48], value[24];
        ui_piece(s->top[i].piece, s->top[i].n_piece, piece, sizeof piece);
        snprintf(value, sizeof value, "%u", s->top[i].count);
        bar(l, piece, (float)s->top[i].count / (float)s->top[0].count, value,
            palette_expert(&ui->palette, e));
    }
    show_partners(l, e);
}

static void show_histogram(struct list *l, uint32_t layer)
{
    struct ui *ui = l->ui;
    const struct stats *s = ui->stats;
    const uint64_t *load = s->load + (size_t)layer * s->n_expert;
    uint64_t most = 1;
    struct box b = box_take_top(&l->left, ui_px(ui, 50));
    box_take_top(&b, ui_px(ui, 3));
    box_take_bottom(&b, ui_px(ui, 6));
    for (uint32_t e = 0; e < s->n_expert; e++)
        most = load[e] > most ? load[e] : most;
    for (uint32_t e = 0; e < s->n_expert; e++) {
        const int x0 = b.x + (int)((uint64_t)e * (unsigned)b.w / s->n_expert);
        const int x1 = b.x + (int)((uint64_t)(e + 1) * (unsigned)b.w / s->n_expert);
        const int h = (int)(load[e] * (unsigned)b.h / most);
        const int gap = x1 - x0 > 4 ? 2 : 0;
        canvas_fill(&ui->canvas, (struct box){x0, b.y + b.h - 1, x1 - x0 - gap, 1},
                    ui->palette.line);
        canvas_fill(&ui->canvas,
                    (struct box){x0, b.y + b.h - h, x1 - x0 > gap ? x1 - x0 - gap : 1, h},
                    palette_expert(&ui->palette, e));
    }
}

static void show_layer(struct list *l)
{
    const struct stats *s = l->ui->stats;
    const uint32_t layer = l->ui->state->layer;
    char text[128];
    snprintf(text, sizeof text, "Layer %u over %llu tokens",
             l->ui->state->source->facts.layer[layer], (unsigned long long)stats_n(s));
    heading(l, text);
    show_histogram(l, layer);
    snprintf(text, sizeof text, "%.2f of %.2f bits", stats_entropy(s, layer),
             log2((double)s->n_expert));
    field(l, "entropy", text);
    snprintf(text, sizeof text, "%.2f (1 is even)", stats_imbalance(s, layer));
    field(l, "imbalance", text);
    snprintf(text, sizeof text, "%u of %u", stats_unused(s, layer), s->n_expert);
    field(l, "never used", text);
}

/* Where there is one: a bar is read with its name, so no column but the last is wide. */
static void next_column(struct list *l)
{
    const int gap = ui_px(l->ui, 28), most = ui_px(l->ui, 290);
    if (l->n_column == 0)
        return;
    l->bottom = l->left.y > l->bottom ? l->left.y : l->bottom;
    const int share = (l->rest.w - gap * (l->n_column - 1)) / l->n_column;
    l->left = box_take_left(&l->rest, l->n_column > 1 && share > most ? most : share);
    box_take_left(&l->rest, gap);
    l->n_column--;
}

/* What is selected comes first: an expert before the token. */
static void show_all(struct list *l)
{
    const struct scene *s = l->ui->state;
    const bool has_expert = s->expert != SCENE_NONE;
    next_column(l);
    if (!has_expert) {
        show_token(l, s->cursor);
        next_column(l);
    }
    if (l->ui->stats->n_layer > 0) {
        if (has_expert)
            show_expert(l);
        show_layer(l);
    }
    if (has_expert) {
        next_column(l);
        show_token(l, s->cursor);
    }
    l->alone = l->n_column > 0;
    next_column(l);
    show_layers(l, s->cursor);
    l->bottom = l->left.y > l->bottom ? l->left.y : l->bottom;
}

void view_inspector(struct ui *ui, struct box b)
{
    const struct box in = ui_panel(ui, b, "Inspector", "");
    if (ui->state->n_token == 0)
        return;
    struct list l = {.ui = ui, .rest = scroll_begin(ui, in, ui->state->expert)};
    l.n_column = in.w > ui_px(ui, 840) ? 3 : in.w > ui_px(ui, 520) ? 2 : 1;
    show_all(&l);
    scroll_end(ui, l.bottom);
}
