/* view_bank.c - every expert of every layer as a cell, bright by its weight. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "ui.h"

enum { DECAY_TOKENS = 48 };

static void add_token(struct ui *ui, uint64_t token, float times, float *cell)
{
    const struct lem_trace_facts *f = &ui->state->source->facts;
    if (!ui_routing(ui, token))
        return;
    for (uint32_t layer = 0; layer < f->n_layer_moe; layer++)
        for (uint32_t k = 0; k < f->n_expert_used; k++) {
            const size_t at = (size_t)layer * f->n_expert_used + k;
            cell[(size_t)layer * f->n_expert + ui->ids[at]] += times * ui->weights[at];
        }
}

/* 0 … 1 for each cell; -1 … 1 where it is a difference. */
static void fill_cells(struct ui *ui, float *cell)
{
    const struct scene *s = ui->state;
    const size_t n = (size_t)s->source->facts.n_layer_moe * s->source->facts.n_expert;
    if (s->bank == BANK_NOW || s->bank == BANK_DIFFERENCE)
        add_token(ui, s->cursor, 1, cell);
    if (s->bank == BANK_DIFFERENCE && s->pin != SCENE_NONE)
        add_token(ui, (uint64_t)s->pin, -1, cell);
    if (s->bank == BANK_DECAYED)
        for (int i = 0; i < DECAY_TOKENS && (uint64_t)i <= s->cursor; i++)
            add_token(ui, s->cursor - (uint64_t)i, 0.3f * expf(-0.08f * (float)i), cell);
    if (s->bank != BANK_LOAD)
        return;
    const double even = (double)ui->stats->n_read * s->source->facts.n_expert_used /
                        (s->source->facts.n_expert ? s->source->facts.n_expert : 1);
    for (size_t i = 0; i < n && even > 0; i++)
        cell[i] = (float)((double)ui->stats->load[i] / even / 3);
}

struct grid {
    struct box box; /* of all cells */
    float cell_w, cell_h;
    int gap;
    uint32_t n_layer, n_expert;
};

static struct box cell_box(const struct grid *g, uint32_t layer, uint32_t expert)
{
    const int x0 = (int)((float)expert * g->cell_w);
    const int x1 = (int)((float)(expert + 1) * g->cell_w);
    const int y0 = (int)((float)layer * g->cell_h);
    const int y1 = (int)((float)(layer + 1) * g->cell_h);
    const int w = x1 - x0 - g->gap, h = y1 - y0 - g->gap;
    return (struct box){g->box.x + x0, g->box.y + y0, w > 1 ? w : 1, h > 1 ? h : 1};
}

static void draw_layer(struct ui *ui, const struct grid *g, uint32_t layer,
                       const float *cell, int label_w)
{
    struct scene *s = ui->state;
    const struct palette *p = &ui->palette;
    const struct box first = cell_box(g, layer, 0);
    const bool chosen = layer == s->layer;
    const int row_h = (int)g->cell_h;
    const struct box row = {g->box.x - label_w, first.y, label_w + g->box.w, row_h};
    ui_add_hit(ui, (struct hit){.box = row, .kind = HIT_LAYER, .layer = layer});
    if (row_h >= fonts_height(ui->fonts, FONT_SMALL))
        ui_line(ui, FONT_SMALL, g->box.x - label_w,
                first.y + (first.h - fonts_height(ui->fonts, FONT_SMALL)) / 2, label_w,
                chosen ? p->text : p->quiet, "%u", s->source->facts.layer[layer]);
    for (uint32_t e = 0; e < g->n_expert; e++) {
        const struct box b = cell_box(g, layer, e);
        const float v = cell[(size_t)layer * g->n_expert + e];
        const bool difference = s->bank == BANK_DIFFERENCE;
        const uint32_t color =
            difference ? palette_difference(p, v) : palette_ramp(p, v > 0 ? sqrtf(v) : 0);
        canvas_round(&ui->canvas, b, b.w > 8 ? ui_px(ui, 2) : 0, color, 255);
        if (chosen && s->expert == (int)e)
            canvas_frame(&ui->canvas, b, ui_px(ui, 2), p->accent);
        ui_add_hit(ui, (struct hit){
                           .box = b, .kind = HIT_CELL, .layer = layer, .expert = (int)e});
        char label[16];
        const int n = snprintf(label, sizeof label, "%u", e);
        const int w = fonts_width(ui->fonts, FONT_SMALL, label, (size_t)n);
        const bool strong = v > 0.02f || v < -0.02f;
        if (strong && w + 4 < b.w && fonts_height(ui->fonts, FONT_SMALL) < b.h)
            fonts_draw(ui->fonts, &ui->canvas, FONT_SMALL, b.x + (b.w - w) / 2,
                       b.y + (b.h - fonts_height(ui->fonts, FONT_SMALL)) / 2, label,
                       (size_t)n, (v > 0.28f) == p->light ? 0xffffff : 0x10131a, 230);
    }
    if (chosen)
        canvas_round(
            &ui->canvas,
            (struct box){g->box.x - ui_px(ui, 6), first.y, ui_px(ui, 3), first.h},
            ui_px(ui, 1), p->accent, 255);
}

/* Centred under its column where it is narrower. */
static void draw_axis_label(struct ui *ui, struct box column, int y, uint32_t expert)
{
    char label[16];
    const int n = snprintf(label, sizeof label, "%u", expert);
    const int w = fonts_width(ui->fonts, FONT_SMALL, label, (size_t)n);
    fonts_draw(ui->fonts, &ui->canvas, FONT_SMALL,
               w < column.w ? column.x + (column.w - w) / 2 : column.x, y, label,
               (size_t)n, ui->palette.faint, 255);
}

static void draw_controls(struct ui *ui, struct box *in)
{
    struct box row = box_take_bottom(in, ui_px(ui, 30));
    char label[64];
    snprintf(label, sizeof label, "Shows: %s", scene_bank_name(ui->state->bank));
    ui_button(ui, &row, label, CMD_BANK, false);
    ui_button(ui, &row, ui->state->pin == SCENE_NONE ? "Pin" : "Unpin", CMD_PIN,
              ui->state->pin != SCENE_NONE);
}

void view_bank(struct ui *ui, struct box b)
{
    const struct lem_trace_facts *f = &ui->state->source->facts;
    char note[96];
    snprintf(note, sizeof note, "%u layers \xc3\x97 %u experts", f->n_layer_moe,
             f->n_expert);
    struct box in = ui_panel(ui, b, "Bank", note);
    draw_controls(ui, &in);
    const size_t n = (size_t)f->n_layer_moe * f->n_expert;
    float *cell = calloc(n + 1, sizeof *cell);
    if (n == 0 || !cell) {
        ui_line(ui, FONT_UI, in.x, in.y, in.w, ui->palette.quiet,
                "This model has no experts to show.");
        free(cell);
        return;
    }
    fill_cells(ui, cell);
    const int label_w = ui_px(ui, 26);
    struct grid g = {.box = in, .n_layer = f->n_layer_moe, .n_expert = f->n_expert};
    box_take_left(&g.box, label_w);
    struct box axis = box_take_bottom(&g.box, fonts_height(ui->fonts, FONT_SMALL));
    g.cell_w = (float)g.box.w / (float)g.n_expert;
    g.cell_h = (float)g.box.h / (float)g.n_layer;
    if (g.cell_h > 2.3f * g.cell_w && g.cell_h > (float)ui_px(ui, 30))
        g.cell_h = 2.3f * g.cell_w > (float)ui_px(ui, 30) ? 2.3f * g.cell_w
                                                          : (float)ui_px(ui, 30);
    g.gap = g.cell_w > 10 && g.cell_h > 10 ? ui_px(ui, 2) : g.cell_w > 4 ? 1 : 0;
    for (uint32_t layer = 0; layer < g.n_layer; layer++)
        draw_layer(ui, &g, layer, cell, label_w);
    const uint32_t step = g.cell_w * 4 > (float)ui_px(ui, 22) ? 4 : g.n_expert / 4 + 1;
    axis.y = g.box.y + (int)(g.cell_h * (float)g.n_layer);
    for (uint32_t e = 0; e < g.n_expert; e += step)
        draw_axis_label(ui, cell_box(&g, 0, e), axis.y + ui_px(ui, 2), e);
    free(cell);
}
