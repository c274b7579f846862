/* view_coact.c - which experts of the selected layer are chosen together. */
#include <math.h>
#include <stdio.h>

#include "ui.h"

/* Of 0 … 1; as in the bank, what is little is seen, too. */
static uint32_t shade(const struct ui *ui, float part)
{
    return palette_ramp(&ui->palette, part > 0 ? sqrtf(part) : 0);
}

/* What the shades mean, where there is room beside the matrix. */
static void draw_key(struct ui *ui, struct box b, uint32_t most)
{
    const int line = fonts_height(ui->fonts, FONT_SMALL), h = ui_px(ui, 90);
    if (b.w < ui_px(ui, 60))
        return;
    for (int i = 0; i < h; i++)
        canvas_fill(&ui->canvas, (struct box){b.x, b.y + i + line, ui_px(ui, 10), 1},
                    shade(ui, 1 - (float)i / (float)h));
    ui_line(ui, FONT_SMALL, b.x, b.y, b.w, ui->palette.quiet, "%u tokens", most);
    ui_line(ui, FONT_SMALL, b.x, b.y + line + ui_px(ui, 92), b.w, ui->palette.quiet,
            "none");
}

/* An expert's number at the left of its row and below its column. */
static void draw_name(struct ui *ui, uint32_t expert, float cell, struct box grid, int x)
{
    char name[16];
    const int n = snprintf(name, sizeof name, "%u", expert);
    const int w = fonts_width(ui->fonts, FONT_SMALL, name, (size_t)n);
    const int h = fonts_height(ui->fonts, FONT_SMALL);
    const float middle = ((float)expert + 0.5f) * cell;
    const int left = (int)middle - w / 2, top = (int)middle - h / 2;
    const bool chosen = ui->state->expert == (int)expert;
    const uint32_t ink = chosen ? ui->palette.text : ui->palette.faint;
    const int bottom = grid.y + (grid.w < grid.h ? grid.w : grid.h);
    fonts_draw(ui->fonts, &ui->canvas, FONT_SMALL, x, grid.y + (top > 0 ? top : 0), name,
               (size_t)n, ink, 255);
    fonts_draw(ui->fonts, &ui->canvas, FONT_SMALL, grid.x + (left > 0 ? left : 0), bottom,
               name, (size_t)n, ink, 255);
}

static void draw_matrix(struct ui *ui, struct box in)
{
    const struct stats *s = ui->stats;
    const uint32_t n = s->n_expert;
    const int label = ui_px(ui, 26);
    struct box grid = in;
    box_take_left(&grid, label);
    box_take_bottom(&grid, fonts_height(ui->fonts, FONT_SMALL));
    const int side = grid.w < grid.h ? grid.w : grid.h;
    const int spare = grid.w - side - ui_px(ui, 90);
    if (spare > 0) { /* in the middle, with its key */
        grid.x += spare / 2;
        in.x += spare / 2;
        in.w -= spare / 2;
    }
    const float cell = (float)side / (float)n;
    uint32_t most = 1;
    for (uint32_t a = 0; a < n; a++)
        for (uint32_t b = 0; b < n; b++)
            if (a != b && s->together[(size_t)a * n + b] > most)
                most = s->together[(size_t)a * n + b];
    const int gap = cell > 8 ? ui_px(ui, 1) : 0;
    const uint32_t step = ui_label_step(cell, ui_px(ui, n > 100 ? 30 : 16));
    for (uint32_t a = 0; a < n; a++) {
        const int y0 = grid.y + (int)((float)a * cell);
        const int y1 = grid.y + (int)((float)(a + 1) * cell);
        if (a % step == 0)
            draw_name(ui, a, cell, grid, in.x);
        ui_add_hit(ui, (struct hit){.box = {grid.x, y0, side, y1 > y0 ? y1 - y0 : 1},
                                    .kind = HIT_CELL,
                                    .layer = s->layer,
                                    .expert = (int)a});
        for (uint32_t b = 0; b < n; b++) {
            const int x0 = grid.x + (int)((float)b * cell);
            const int x1 = grid.x + (int)((float)(b + 1) * cell);
            const struct box box = {x0, y0, x1 - x0 > gap ? x1 - x0 - gap : 1,
                                    y1 - y0 > gap ? y1 - y0 - gap : 1};
            const float v = (float)s->together[(size_t)a * n + b] / (float)most;
            canvas_fill(&ui->canvas, box, a == b ? ui->palette.raised : shade(ui, v));
        }
    }
    if (ui->state->expert != SCENE_NONE) {
        const int y0 = grid.y + (int)((float)ui->state->expert * cell);
        canvas_frame(&ui->canvas, (struct box){grid.x - 1, y0 - 1, side, (int)cell + 2},
                     ui_px(ui, 1), ui->palette.accent);
    }
    draw_key(ui,
             (struct box){grid.x + side + ui_px(ui, 16), grid.y,
                          in.x + in.w - grid.x - side - ui_px(ui, 16), side},
             most);
}

void view_coact(struct ui *ui, struct box b)
{
    const struct lem_trace_facts *f = &ui->state->source->facts;
    char title[80] = "Co-activation", note[96] = "";
    if (f->n_layer_moe) {
        snprintf(title, sizeof title, "Co-activation, layer %u",
                 f->layer[ui->state->layer]);
        snprintf(note, sizeof note, "chosen together, of %u tokens", ui->stats->n_window);
    }
    struct box in = ui_panel(ui, b, title, note);
    if (f->n_layer_moe == 0 || f->n_expert_used < 2) {
        ui_line(ui, FONT_UI, in.x, in.y, in.w, ui->palette.quiet,
                "A token of this model has one expert: there are no pairs.");
        return;
    }
    canvas_clip(&ui->canvas, in);
    draw_matrix(ui, in);
    canvas_unclip(&ui->canvas);
}
