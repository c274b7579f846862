/* view_layers.c - what one token took in every layer, in figures: experts and weights,
 * how evenly they share it, and how far the first that was left out is behind. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "ui.h"

/* A layer is a line of plates with its figures beside them; where that is too wide, a
 * line of figures above as many lines of plates as it takes. */
struct table {
    int label_w, plate_w, line_h, gap;
    int entropy_w, margin_w; /* 0: margins are not known */
    uint32_t per_line;       /* plates */
    int layer_h, head_h;     /* 0: nothing stands above */
    bool beside;
};

static int word_width(struct ui *ui, const char *word)
{
    return fonts_width(ui->fonts, FONT_SMALL, word, strlen(word));
}

static struct table table_of(struct ui *ui, int width, int room, bool has_margins)
{
    const struct lem_trace_facts *f = &ui->state->source->facts;
    const int text_h = fonts_height(ui->fonts, FONT_SMALL);
    struct table t = {.label_w = ui_px(ui, 24),
                      .plate_w = view_plate_width(ui),
                      .gap = ui_px(ui, 1) > 1 ? ui_px(ui, 1) : 1,
                      .per_line = f->n_expert_used,
                      .line_h = text_h + ui_px(ui, 2),
                      .head_h = text_h + ui_px(ui, 3)};
    t.entropy_w = word_width(ui, "entropy") + ui_px(ui, 10);
    t.margin_w = has_margins ? word_width(ui, "margin") + ui_px(ui, 8) : 0;
    t.beside =
        t.label_w + (int)f->n_expert_used * t.plate_w + t.entropy_w + t.margin_w <= width;
    if (t.beside) {
        const int fit = (room - t.head_h) / (int)f->n_layer_moe, least = text_h - 1;
        t.line_h = fit < t.line_h ? fit > least ? fit : least : t.line_h;
        t.layer_h = t.line_h;
        return t;
    }
    const int fit = (width - t.label_w) / t.plate_w;
    t.per_line = fit > 0 ? (uint32_t)fit : 1;
    const uint32_t lines = (f->n_expert_used + t.per_line - 1) / t.per_line;
    t.head_h = 0;
    t.layer_h = text_h + (int)lines * t.line_h + ui_px(ui, 6);
    return t;
}

static void margin_text(const struct ui *ui, uint32_t layer, char *out, size_t cap)
{
    const float m = ui->margins[layer];
    if (isnan(m))
        snprintf(out, cap, "-");
    else if (isinf(m))
        snprintf(out, cap, ui->next[layer] == LEM_NO_EXPERT ? "none" : "forced");
    else
        snprintf(out, cap, m < 0.0005f ? "< .001" : "%.3f", (double)m);
}

/* Right-aligned in a column that ends at `right`. */
static void draw_column(struct ui *ui, int right, int y, const char *text, uint32_t color)
{
    const size_t n = strlen(text);
    fonts_draw(ui->fonts, &ui->canvas, FONT_SMALL,
               right - fonts_width(ui->fonts, FONT_SMALL, text, n), y, text, n, color,
               255);
}

static void draw_figures(struct ui *ui, const struct table *t, struct box line,
                         uint32_t layer)
{
    const uint32_t n = ui->state->source->facts.n_expert_used;
    const double entropy =
        100 * (double)stats_gate_entropy(ui->weights + (size_t)layer * n, n);
    const uint32_t color =
        layer == ui->state->layer ? ui->palette.text : ui->palette.quiet;
    const int y = line.y + (line.h - fonts_height(ui->fonts, FONT_SMALL)) / 2;
    char share[16], margin[32] = "";
    snprintf(share, sizeof share, "%.0f %%", entropy);
    if (t->margin_w)
        margin_text(ui, layer, margin, sizeof margin);
    if (!t->beside) {
        ui_line(ui, FONT_SMALL, line.x, y, line.w, color, "entropy %s%s%s", share,
                t->margin_w ? ", margin " : "", margin);
        return;
    }
    const int from = line.x + (int)n * t->plate_w;
    draw_column(ui, from + t->entropy_w, y, share, color);
    draw_column(ui, from + t->entropy_w + t->margin_w, y, margin, color);
}

static void draw_plates(struct ui *ui, const struct table *t, struct box at,
                        uint32_t layer)
{
    const uint32_t n = ui->state->source->facts.n_expert_used;
    for (uint32_t k = 0; k < n; k++) {
        const size_t i = (size_t)layer * n + k;
        if (ui->ids[i] == LEM_NO_EXPERT)
            break;
        const struct box b = {at.x + (int)(k % t->per_line) * t->plate_w,
                              at.y + (int)(k / t->per_line) * t->line_h,
                              t->plate_w - t->gap, t->line_h - t->gap};
        view_plate(ui, b, ui->ids[i], ui->weights[i], PLATE_WEIGHT);
        ui_add_hit(ui,
                   (struct hit){
                       .box = b, .kind = HIT_CELL, .layer = layer, .expert = ui->ids[i]});
    }
}

static void draw_layer(struct ui *ui, const struct table *t, struct box row,
                       uint32_t layer)
{
    const struct scene *s = ui->state;
    const int text_h = fonts_height(ui->fonts, FONT_SMALL);
    struct box line = row;
    line.h = t->beside ? t->line_h : text_h;
    ui_add_hit(ui, (struct hit){.box = line, .kind = HIT_LAYER, .layer = layer});
    ui_line(ui, FONT_SMALL, row.x, line.y + (line.h - text_h) / 2, t->label_w,
            layer == s->layer ? ui->palette.text : ui->palette.faint, "%u",
            s->source->facts.layer[layer]);
    box_take_left(&row, t->label_w);
    box_take_left(&line, t->label_w);
    draw_figures(ui, t, line, layer);
    if (!t->beside)
        box_take_top(&row, text_h + t->gap);
    draw_plates(ui, t, row, layer);
}

int view_layers(struct ui *ui, struct box in, int room, uint64_t token)
{
    const struct lem_trace_facts *f = &ui->state->source->facts;
    const struct box seen = ui->canvas.clip;
    if (f->n_layer_moe == 0 || !ui_routing(ui, token))
        return 0;
    const bool has_margins =
        source_margins(ui->state->source, token, ui->margins, ui->next);
    const struct table t = table_of(ui, in.w, room, has_margins);
    const int from = in.x + t.label_w + (int)f->n_expert_used * t.plate_w + t.entropy_w;
    if (t.head_h) {
        draw_column(ui, from, in.y, "entropy", ui->palette.faint);
        if (has_margins)
            draw_column(ui, from + t.margin_w, in.y, "margin", ui->palette.faint);
    }
    for (uint32_t layer = 0; layer < f->n_layer_moe; layer++) {
        const struct box row = {in.x, in.y + t.head_h + (int)layer * t.layer_h, in.w,
                                t.layer_h};
        if (row.y + row.h > seen.y && row.y < seen.y + seen.h)
            draw_layer(ui, &t, row, layer);
    }
    return t.head_h + (int)f->n_layer_moe * t.layer_h;
}
