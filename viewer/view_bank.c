/* view_bank.c - every expert of every layer as a cell, bright by its weight. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ui.h"

enum { DECAY_TOKENS = 48 };

static const float GLIDE_SECONDS = 0.045f;

static void add_token(struct ui *ui, uint64_t token, float times, float *cell)
{
    const struct lem_trace_facts *f = &ui->state->source->facts;
    if (!ui_routing(ui, token))
        return;
    for (uint32_t layer = 0; layer < f->n_layer_moe; layer++)
        for (uint32_t k = 0; k < f->n_expert_used; k++) {
            const size_t at = (size_t)layer * f->n_expert_used + k;
            if (ui->ids[at] == LEM_NO_EXPERT)
                break;
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
    const double even = (double)stats_n(ui->stats) * s->source->facts.n_expert_used /
                        (s->source->facts.n_expert ? s->source->facts.n_expert : 1);
    for (size_t i = 0; i < n && even > 0; i++)
        cell[i] = (float)((double)ui->stats->load[i] / even / 3);
}

/* Towards what is, in a few frames; at once where nothing is to move. */
static const float *glide(struct ui *ui, const float *cell, size_t n)
{
    const struct scene *s = ui->state;
    const bool other = ui->shown_bank != s->bank;
    ui->shown_bank = s->bank;
    if (s->calm || ui->seconds <= 0 || other) {
        memcpy(ui->shown, cell, n * sizeof *cell);
        return ui->shown;
    }
    const float part = 1 - expf(-ui->seconds / GLIDE_SECONDS);
    for (size_t i = 0; i < n; i++) {
        const float off = cell[i] - ui->shown[i];
        if (off > 0.004f || off < -0.004f) {
            ui->shown[i] += off * part;
            ui->moving = true;
        } else {
            ui->shown[i] = cell[i];
        }
    }
    return ui->shown;
}

/* ---- the grid -------------------------------------------------------------------------
 */

struct grid {
    struct box box; /* what is seen of it */
    float x, y;     /* of its corner, from the box's */
    float cell_w, cell_h;
    int gap;
    uint32_t n_layer, n_expert;
};

static struct grid make_grid(struct ui *ui, struct box in)
{
    const struct lem_trace_facts *f = &ui->state->source->facts;
    const struct zoom *z = &ui->state->zoom;
    struct grid g = {.box = in, .n_layer = f->n_layer_moe, .n_expert = f->n_expert};
    g.cell_w = (float)in.w / (float)g.n_expert;
    g.cell_h = (float)in.h / (float)g.n_layer;
    /* Few layers do not stretch over all of a tall panel. */
    const float least = (float)ui_px(ui, 30);
    const float tall = 2.3f * g.cell_w > least ? 2.3f * g.cell_w : least;
    g.cell_h = g.cell_h < tall ? g.cell_h : tall;
    g.cell_w *= z->by;
    g.cell_h *= z->by;
    const float all_h = g.cell_h * (float)g.n_layer;
    if (all_h < (float)in.h)
        g.box.h = (int)(all_h + 0.5f);
    const float most_y = all_h - (float)g.box.h;
    g.x = -z->x * g.cell_w * (float)g.n_expert;
    g.y = -(z->y * all_h < most_y ? z->y * all_h : most_y);
    g.gap = g.cell_w > 10 && g.cell_h > 10 ? ui_px(ui, 2)
            : g.cell_w > 4 && g.cell_h > 4 ? 1
                                           : 0;
    return g;
}

static struct box cell_box(const struct grid *g, uint32_t layer, uint32_t expert)
{
    const int x0 = (int)floorf(g->x + (float)expert * g->cell_w);
    const int x1 = (int)floorf(g->x + (float)(expert + 1) * g->cell_w);
    const int y0 = (int)floorf(g->y + (float)layer * g->cell_h);
    const int y1 = (int)floorf(g->y + (float)(layer + 1) * g->cell_h);
    const int w = x1 - x0 - g->gap, h = y1 - y0 - g->gap;
    return (struct box){g->box.x + x0, g->box.y + y0, w > 1 ? w : 1, h > 1 ? h : 1};
}

/* The first that is seen, and the one after the last, along one side. */
static uint32_t first_seen(float start, float step)
{
    return start < 0 ? (uint32_t)(-start / step) : 0;
}

static uint32_t end_seen(float start, float step, int room, uint32_t n)
{
    const uint32_t end = (uint32_t)(((float)room - start) / step) + 1;
    return end < n ? end : n;
}

static uint32_t cell_color(const struct ui *ui, float v)
{
    if (ui->state->bank == BANK_DIFFERENCE)
        return palette_difference(&ui->palette, v);
    return palette_ramp(&ui->palette, v > 0 ? sqrtf(v) : 0);
}

/* `v` is what is seen of it now, `is` what it is: only that has a number. */
static void draw_cell(struct ui *ui, const struct grid *g, uint32_t layer, uint32_t e,
                      float v, float is)
{
    const struct scene *s = ui->state;
    const struct palette *p = &ui->palette;
    const struct box b = cell_box(g, layer, e);
    const uint32_t color = cell_color(ui, v);
    const int text_h = fonts_height(ui->fonts, FONT_SMALL);
    if (g->gap || v != 0) /* without gaps the ground is drawn as one */
        canvas_round(&ui->canvas, b, b.w > 8 ? ui_px(ui, 2) : 0, color, 255);
    if (layer == s->layer && s->expert == (int)e)
        canvas_frame(&ui->canvas, b, b.w > 8 ? ui_px(ui, 2) : 1, p->accent);
    ui_add_hit(
        ui, (struct hit){.box = b, .kind = HIT_CELL, .layer = layer, .expert = (int)e});
    const bool strong = is > 0.02f || is < -0.02f;
    if (b.w > ui_px(ui, 12) && b.h > text_h && (strong || s->zoom.by > 1)) {
        char label[16];
        const int n = snprintf(label, sizeof label, "%u", e);
        const int w = fonts_width(ui->fonts, FONT_SMALL, label, (size_t)n);
        if (w + 2 <= (int)g->cell_w - g->gap) /* in all cells or in none */
            fonts_draw(ui->fonts, &ui->canvas, FONT_SMALL, b.x + (b.w - w) / 2,
                       b.y + (b.h - text_h) / 2, label, (size_t)n,
                       strong ? palette_ink(color) : p->faint, 255);
    }
    view_steer_cell(ui, b, layer, e);
}

/* Where cells are smaller than pixels: each pixel shows the strongest of its cells. */
static void draw_dense(struct ui *ui, const struct grid *g, const float *cell)
{
    for (int y = 0; y < g->box.h; y++) {
        const uint32_t l0 = (uint32_t)(((float)y - g->y) / g->cell_h);
        const uint32_t l1 = (uint32_t)(((float)y + 1 - g->y) / g->cell_h);
        for (int x = 0; x < g->box.w; x++) {
            const uint32_t e0 = (uint32_t)(((float)x - g->x) / g->cell_w);
            const uint32_t e1 = (uint32_t)(((float)x + 1 - g->x) / g->cell_w);
            float v = 0;
            for (uint32_t l = l0; (l < l1 || l == l0) && l < g->n_layer; l++)
                for (uint32_t e = e0; (e < e1 || e == e0) && e < g->n_expert; e++) {
                    const float c = cell[(size_t)l * g->n_expert + e];
                    v = fabsf(c) > fabsf(v) ? c : v;
                }
            canvas_fill(&ui->canvas, (struct box){g->box.x + x, g->box.y + y, 1, 1},
                        cell_color(ui, v));
        }
    }
    for (uint32_t layer = 0; layer < g->n_layer; layer++)
        for (uint32_t e = 0; e < g->n_expert; e++) {
            const struct box b = cell_box(g, layer, e);
            ui_add_hit(ui,
                       (struct hit){
                           .box = b, .kind = HIT_CELL, .layer = layer, .expert = (int)e});
            if (layer == ui->state->layer && ui->state->expert == (int)e)
                canvas_frame(&ui->canvas,
                             (struct box){b.x - 2, b.y - 2, b.w + 4, b.h + 4}, 1,
                             ui->palette.accent);
        }
}

static void draw_cells(struct ui *ui, const struct grid *g, const float *cell,
                       const float *is)
{
    const uint32_t l1 = end_seen(g->y, g->cell_h, g->box.h, g->n_layer);
    const uint32_t e1 = end_seen(g->x, g->cell_w, g->box.w, g->n_expert);
    canvas_clip(&ui->canvas, g->box);
    if (g->gap == 0)
        canvas_fill(&ui->canvas, g->box, cell_color(ui, 0));
    if (g->cell_w < 1 || g->cell_h < 1)
        draw_dense(ui, g, cell);
    else
        for (uint32_t l = first_seen(g->y, g->cell_h); l < l1; l++)
            for (uint32_t e = first_seen(g->x, g->cell_w); e < e1; e++)
                draw_cell(ui, g, l, e, cell[(size_t)l * g->n_expert + e],
                          is[(size_t)l * g->n_expert + e]);
    canvas_unclip(&ui->canvas);
}

/* ---- along its sides
 * ------------------------------------------------------------------- */

static void draw_layers(struct ui *ui, const struct grid *g, int label_w)
{
    const struct scene *s = ui->state;
    const int text_h = fonts_height(ui->fonts, FONT_SMALL);
    const uint32_t step = ui_label_step(g->cell_h, text_h);
    const uint32_t end = end_seen(g->y, g->cell_h, g->box.h, g->n_layer);
    int free_from = g->box.y; /* the first label may be lower than its row */
    canvas_clip(&ui->canvas,
                (struct box){g->box.x - label_w, g->box.y, label_w, g->box.h});
    for (uint32_t l = first_seen(g->y, g->cell_h); l < end; l++) {
        const struct box first = cell_box(g, l, 0);
        const bool chosen = l == s->layer;
        ui_add_hit(ui, (struct hit){.box = {g->box.x - label_w, first.y, label_w,
                                            first.h + g->gap},
                                    .kind = HIT_LAYER,
                                    .layer = l});
        const int middle = first.y + (first.h - text_h) / 2;
        const int label_y = l || middle > g->box.y ? middle : g->box.y;
        if (l % step == 0 && (label_y >= free_from || g->y > 0))
            free_from = label_y + ui_line(ui, FONT_SMALL, g->box.x - label_w, label_y,
                                          label_w - ui_px(ui, 8),
                                          chosen ? ui->palette.text : ui->palette.quiet,
                                          "%u", s->source->facts.layer[l]);
        if (chosen)
            canvas_round(&ui->canvas,
                         (struct box){g->box.x - ui_px(ui, 6), first.y, ui_px(ui, 3),
                                      first.h > 3 ? first.h : 3},
                         ui_px(ui, 1), ui->palette.accent, 255);
    }
    canvas_unclip(&ui->canvas);
}

/* Centred under its column where it is narrower. */
static void draw_experts(struct ui *ui, const struct grid *g, int y)
{
    const uint32_t step = ui_label_step(g->cell_w, ui_px(ui, 34));
    const uint32_t end = end_seen(g->x, g->cell_w, g->box.w, g->n_expert);
    for (uint32_t e = first_seen(g->x, g->cell_w); e < end; e++) {
        const struct box column = cell_box(g, 0, e);
        char label[16];
        const int n = snprintf(label, sizeof label, "%u", e);
        const int w = fonts_width(ui->fonts, FONT_SMALL, label, (size_t)n);
        const int x = w < column.w ? column.x + (column.w - w) / 2 : column.x;
        if (e % step == 0 && x >= g->box.x - 1 &&
            x + w <= g->box.x + g->box.w + ui_px(ui, 4))
            fonts_draw(ui->fonts, &ui->canvas, FONT_SMALL, x, y, label, (size_t)n,
                       ui->palette.faint, 255);
    }
}

/* What the shades mean, where there is room. */
static void draw_key(struct ui *ui, struct box row)
{
    static const struct {
        const char *low, *high;
    } end[BANK_COUNT] = {
        {"weight 0", "1"}, {"weight 0", "1"}, {"load 0", "3 times even"}, {"-1", "+1"}};
    const struct scene *s = ui->state;
    const char *low = end[s->bank].low, *high = end[s->bank].high;
    const int gap = ui_px(ui, 6), w = ui_px(ui, 48), h = ui_px(ui, 8);
    const int y = row.y + (row.h - fonts_height(ui->fonts, FONT_SMALL)) / 2;
    const int low_w = fonts_width(ui->fonts, FONT_SMALL, low, strlen(low));
    const int high_w = fonts_width(ui->fonts, FONT_SMALL, high, strlen(high));
    if (low_w + high_w + w + 3 * gap > row.w)
        return;
    ui_line(ui, FONT_SMALL, row.x, y, row.w, ui->palette.quiet, "%s", low);
    for (int i = 0; i < w; i++) {
        const float part = (float)i / (float)(w - 1);
        canvas_fill(&ui->canvas,
                    (struct box){row.x + low_w + gap + i, row.y + (row.h - h) / 2, 1, h},
                    cell_color(ui, s->bank == BANK_DIFFERENCE ? 2 * part - 1 : part));
    }
    ui_line(ui, FONT_SMALL, row.x + low_w + w + 2 * gap, y, row.w, ui->palette.quiet,
            "%s", high);
}

static void draw_controls(struct ui *ui, struct box *in)
{
    const struct scene *s = ui->state;
    struct box row = box_take_bottom(in, ui_px(ui, ui->touch ? 40 : 30));
    char label[64];
    snprintf(label, sizeof label, "Shows: %s", scene_bank_name(s->bank));
    ui_button(ui, &row, label, CMD_BANK, false);
    ui_button(ui, &row, s->pin == SCENE_NONE ? "Pin" : "Unpin", CMD_PIN,
              s->pin != SCENE_NONE);
    ui_button(ui, &row, "+", CMD_ZOOM_IN, false);
    ui_button(ui, &row, "-", CMD_ZOOM_OUT, false);
    if (s->zoom.by > 1)
        ui_line(ui, FONT_SMALL, row.x,
                row.y + (row.h - fonts_height(ui->fonts, FONT_SMALL)) / 2, row.w,
                ui->palette.quiet, "%.1f times", (double)s->zoom.by);
    else
        draw_key(ui, row);
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
    const int label_w = ui_px(ui, 30);
    box_take_left(&in, label_w);
    box_take_bottom(&in, fonts_height(ui->fonts, FONT_SMALL) + ui_px(ui, 4));
    const struct grid g = make_grid(ui, in);
    if (g.box.w > 0 && g.box.h > 0) {
        ui->bank = g.box;
        draw_cells(ui, &g, glide(ui, cell, n), cell);
        draw_layers(ui, &g, label_w);
        draw_experts(ui, &g, g.box.y + g.box.h + ui_px(ui, 2));
    }
    free(cell);
}
