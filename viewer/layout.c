/* layout.c - where the views stand: side by side in a wide window, on top of each other
 * in one of a phone's shape. */
#include <stdio.h>
#include <string.h>

#include "ui.h"

static void draw_view(struct ui *ui, enum view view, struct box b)
{
    switch (view) {
    case VIEW_OVERVIEW:
    case VIEW_COUNT:
        break;
    case VIEW_TEXT:
        view_text(ui, b);
        break;
    case VIEW_BANK:
        view_bank(ui, b);
        break;
    case VIEW_SCORE:
        view_score(ui, b);
        break;
    case VIEW_INSPECTOR:
        view_inspector(ui, b);
        break;
    case VIEW_FLOW:
        view_flow(ui, b);
        break;
    case VIEW_COACT:
        view_coact(ui, b);
        break;
    }
    canvas_unclip(&ui->canvas);
}

static void draw_wide(struct ui *ui, struct box body)
{
    const int gap = ui_px(ui, 8);
    if (ui->state->view != VIEW_OVERVIEW) {
        draw_view(ui, ui->state->view, body);
        return;
    }
    struct box score = box_take_bottom(&body, body.h * 3 / 10);
    box_take_bottom(&body, gap);
    struct box left = box_take_left(&body, body.w * 47 / 100);
    box_take_left(&body, gap);
    struct box side = box_take_left(&body, body.w * 6 / 10);
    box_take_left(&body, gap);
    draw_view(ui, VIEW_TEXT, left);
    draw_view(ui, ui->state->side, side);
    draw_view(ui, VIEW_INSPECTOR, body);
    draw_view(ui, VIEW_SCORE, score);
}

/* Text above, one other view below; a row of tabs between them chooses it. */
static void draw_narrow(struct ui *ui, struct box body)
{
    static const enum view tabs[] = {VIEW_COACT, VIEW_FLOW, VIEW_INSPECTOR, VIEW_SCORE,
                                     VIEW_BANK};
    static const char *const label[] = {"Pairs", "Flow", "Inspect", "Score", "Bank"};
    const int gap = ui_px(ui, 6);
    enum view below = ui->state->view;
    if (below == VIEW_OVERVIEW)
        below = VIEW_BANK;
    struct box tab_row;
    if (below != VIEW_TEXT) {
        struct box top = box_take_top(&body, body.h * 42 / 100);
        draw_view(ui, VIEW_TEXT, top);
    }
    tab_row = below == VIEW_TEXT ? box_take_bottom(&body, ui_px(ui, 36))
                                 : box_take_top(&body, ui_px(ui, 36));
    for (int i = 0; i < 5; i++)
        ui_button(ui, &tab_row, label[i], (enum command)(CMD_VIEW_0 + (int)tabs[i]),
                  below == tabs[i]);
    box_take_bottom(&body, below == VIEW_TEXT ? gap : 0);
    draw_view(ui, below, body);
}

void layout_draw(struct ui *ui)
{
    ui->palette = palette_make(ui->state->light);
    ui->n_hit = 0;
    canvas_unclip(&ui->canvas);
    struct box all = {0, 0, ui->canvas.w, ui->canvas.h};
    canvas_fill(&ui->canvas, all, ui->palette.ground);
    const bool narrow = all.w < ui_px(ui, 720);
    struct box body = box_inset(all, ui_px(ui, narrow ? 6 : 10));
    struct box header = box_take_top(&body, ui_px(ui, narrow ? 24 : 30));
    struct box timeline = box_take_bottom(&body, ui_px(ui, narrow ? 58 : 40));
    box_take_top(&body, ui_px(ui, 6));
    box_take_bottom(&body, ui_px(ui, 8));
    stats_window(ui->stats, ui->state->cursor, ui->state->layer, ui->state->expert);
    view_header(ui, header);
    if (narrow)
        draw_narrow(ui, body);
    else
        draw_wide(ui, body);
    view_timeline(ui, timeline);
    if (ui->state->help)
        view_help(ui, all);
}
