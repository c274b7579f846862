/* view_groups.c - the prompt phase: which tokens of the prompt went to each expert of
 * the selected layer. They are worked on group by group, so that an expert's weights are
 * read once for all of its tokens. */
#include <stdio.h>
#include <string.h>

#include "ui.h"

/* One expert: its number, how many tokens, and their words as far as there is room. */
static void draw_group(struct ui *ui, struct box row, uint32_t expert)
{
    const struct groups *g = &ui->groups;
    const struct palette *p = &ui->palette;
    const uint32_t color = palette_expert(p, expert);
    const uint32_t from = g->start[expert], to = g->start[expert + 1];
    const bool chosen = ui->state->expert == (int)expert;
    const int text_y = row.y + (row.h - fonts_height(ui->fonts, FONT_UI)) / 2;
    const int small_y = row.y + (row.h - fonts_height(ui->fonts, FONT_SMALL)) / 2;
    const struct box label = box_take_left(&row, ui_px(ui, 42));
    const struct box count = box_take_left(&row, ui_px(ui, 30));
    canvas_round(&ui->canvas,
                 (struct box){label.x, label.y + ui_px(ui, 3), ui_px(ui, 4),
                              label.h - ui_px(ui, 6)},
                 ui_px(ui, 2), color, 255);
    ui_line(ui, FONT_UI, label.x + ui_px(ui, 9), text_y, label.w,
            chosen ? p->accent : p->text, "%u", expert);
    ui_line(ui, FONT_SMALL, count.x, small_y, count.w, p->quiet, "%u", to - from);
    ui_add_hit(ui, (struct hit){.box = {label.x, label.y, label.w + count.w, label.h},
                                .kind = HIT_CELL,
                                .layer = g->layer,
                                .expert = (int)expert});
    int x = row.x;
    for (uint32_t i = from; i < to; i++) {
        char piece[64], word[80], more[24];
        const size_t n =
            source_piece(ui->state->source, g->member[i], piece, sizeof piece);
        ui_piece(piece, n <= sizeof piece ? n : 0, word, sizeof word);
        const int w = fonts_width(ui->fonts, FONT_UI, word, strlen(word)) + ui_px(ui, 8);
        snprintf(more, sizeof more, "+%u", to - i);
        const int rest =
            i + 1 < to
                ? fonts_width(ui->fonts, FONT_SMALL, more, strlen(more)) + ui_px(ui, 6)
                : 0;
        if (x + w + rest > row.x + row.w) {
            ui_line(ui, FONT_SMALL, x, small_y, row.x + row.w - x, p->quiet, "%s", more);
            break;
        }
        const struct box chip = {x, row.y + ui_px(ui, 2), w, row.h - ui_px(ui, 4)};
        const float weight = g->weight[i] < 1 ? g->weight[i] : 1;
        canvas_round(&ui->canvas, chip, ui_px(ui, 4), color, (int)(26 + 104 * weight));
        if (g->member[i] == ui->state->cursor)
            canvas_frame(&ui->canvas, chip, ui_px(ui, 1), p->accent);
        fonts_draw(ui->fonts, &ui->canvas, FONT_UI, x + ui_px(ui, 4), text_y, word,
                   strlen(word), p->text, 255);
        ui_add_hit(ui,
                   (struct hit){.box = chip, .kind = HIT_TOKEN, .token = g->member[i]});
        x += w + ui_px(ui, 3);
    }
}

/* Returns the height that the rows took. */
static int draw_rows(struct ui *ui, struct box in)
{
    const struct groups *g = &ui->groups;
    const int row_h = fonts_height(ui->fonts, FONT_UI) + ui_px(ui, 8);
    const int gap = ui_px(ui, 18), n_row = in.h / row_h > 0 ? in.h / row_h : 1;
    const int most = in.w / ui_px(ui, 340) > 1 ? in.w / ui_px(ui, 340) : 1;
    const int wanted = ((int)g->n_busy + n_row - 1) / n_row;
    const int n_column = wanted < 1 ? 1 : wanted < most ? wanted : most;
    const int w = (in.w - gap * (n_column - 1)) / n_column;
    const uint32_t room = (uint32_t)(n_row * n_column);
    const uint32_t shown = g->n_busy <= room ? g->n_busy : room - 1;
    for (uint32_t i = 0; i < shown; i++) {
        const int column = (int)i / n_row, line = (int)i % n_row;
        draw_group(ui,
                   (struct box){in.x + column * (w + gap), in.y + line * row_h, w, row_h},
                   g->order[i]);
    }
    if (shown < g->n_busy)
        ui_line(ui, FONT_SMALL, in.x + (n_column - 1) * (w + gap),
                in.y + (n_row - 1) * row_h + ui_px(ui, 6), w, ui->palette.quiet,
                "and %u experts with fewer tokens", g->n_busy - shown);
    return ((int)shown < n_row ? (int)shown : n_row) * row_h;
}

/* Of the experts, each centred below its column. */
static void draw_numbers(struct ui *ui, struct box row)
{
    const uint32_t n_expert = ui->groups.n_expert;
    const float w = (float)row.w / (float)n_expert;
    const uint32_t step = ui_label_step(w, ui_px(ui, 34));
    for (uint32_t e = 0; e < n_expert; e += step) {
        char text[16];
        const int n = snprintf(text, sizeof text, "%u", e);
        const int text_w = fonts_width(ui->fonts, FONT_SMALL, text, (size_t)n);
        const int x =
            row.x + (int)((float)e * w) + ((int)w > text_w ? ((int)w - text_w) / 2 : 0);
        if (x + text_w <= row.x + row.w)
            fonts_draw(ui->fonts, &ui->canvas, FONT_SMALL, x, row.y, text, (size_t)n,
                       ui->palette.faint, 255);
    }
}

/* All layers small, where room is left: how many of the prompt's tokens each expert had.
 */
static void draw_all_layers(struct ui *ui, struct box in)
{
    const struct groups *g = &ui->groups;
    const int label = fonts_height(ui->fonts, FONT_SMALL) + ui_px(ui, 4);
    box_take_top(&in, ui_px(ui, 14));
    if (in.h < 2 * label + ui_px(ui, 5) * (int)g->n_layer ||
        (uint32_t)in.w < 3 * g->n_expert)
        return;
    const struct box title = box_take_top(&in, label);
    struct box numbers = box_take_bottom(&in, label);
    const int most_h = ui_px(ui, 34), name_w = ui_px(ui, 26);
    const int h = in.h / (int)g->n_layer < most_h ? in.h / (int)g->n_layer : most_h;
    uint32_t most = 1;
    for (size_t i = 0; i < (size_t)g->n_layer * g->n_expert; i++)
        most = g->count[i] > most ? g->count[i] : most;
    ui_line(ui, FONT_SMALL, title.x, title.y, title.w, ui->palette.quiet,
            "all layers by experts; the strongest colour is %u tokens", most);
    const struct box names = box_take_left(&in, name_w);
    const int text_h = fonts_height(ui->fonts, FONT_SMALL);
    const uint32_t step = ui_label_step((float)h, text_h);
    for (uint32_t layer = 0; layer < g->n_layer; layer++) {
        if (layer % step == 0)
            ui_line(ui, FONT_SMALL, names.x, in.y + (int)layer * h + (h - text_h) / 2,
                    name_w, layer == g->layer ? ui->palette.text : ui->palette.faint,
                    "%u", ui->state->source->facts.layer[layer]);
        for (uint32_t e = 0; e < g->n_expert; e++) {
            const int x0 = (int)((uint64_t)e * (unsigned)in.w / g->n_expert);
            const int x1 = (int)((uint64_t)(e + 1) * (unsigned)in.w / g->n_expert);
            const struct box b = {in.x + x0, in.y + (int)layer * h, x1 - x0 - 1, h - 1};
            const float v =
                (float)g->count[(size_t)layer * g->n_expert + e] / (float)most;
            canvas_fill(&ui->canvas, b, palette_ramp(&ui->palette, v));
            ui_add_hit(ui,
                       (struct hit){
                           .box = b, .kind = HIT_CELL, .layer = layer, .expert = (int)e});
        }
    }
    canvas_frame(&ui->canvas,
                 (struct box){in.x - 1, in.y + (int)g->layer * h - 1, in.w + 1, h + 1}, 1,
                 ui->palette.accent);
    numbers.y = in.y + (int)g->n_layer * h + ui_px(ui, 2);
    draw_numbers(ui, (struct box){in.x, numbers.y, in.w, numbers.h});
}

void view_groups(struct ui *ui, struct box b)
{
    const struct scene *s = ui->state;
    const struct lem_trace_facts *f = &s->source->facts;
    struct groups *g = &ui->groups;
    char title[64] = "Prompt", note[128] = "";
    groups_update(g, s->layer);
    if (f->n_layer_moe && g->n) {
        snprintf(title, sizeof title, "Prompt, layer %u", f->layer[s->layer]);
        snprintf(note, sizeof note, "%s%u tokens on %u of %u experts",
                 g->n < g->n_prompt ? "the first " : "", g->n, g->n_busy, f->n_expert);
    }
    struct box in = ui_panel(ui, b, title, note);
    if (f->n_layer_moe == 0 || g->n == 0) {
        ui_line(ui, FONT_UI, in.x, in.y, in.w, ui->palette.quiet,
                f->n_layer_moe ? "This text has no prompt."
                               : "This model has no experts to show.");
        return;
    }
    canvas_clip(&ui->canvas, in);
    box_take_top(&in, draw_rows(ui, in));
    draw_all_layers(ui, in);
    canvas_unclip(&ui->canvas);
}
