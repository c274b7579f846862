/* layout.c - where the views stand: side by side in a wide window, on top of each other
 * in one of a phone's shape. */
#include <stdio.h>
#include <string.h>

#include "ui.h"

static void draw_view(struct ui *ui, enum view view, struct box b)
{
    ui->panel = ui->touch ? VIEW_OVERVIEW : view; /* fingers have tabs */
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
    case VIEW_STEER:
        view_steer(ui, b);
        break;
    case VIEW_AB:
        view_ab(ui, b);
        break;
    case VIEW_PROMPT:
        view_groups(ui, b);
        break;
    case VIEW_FIGURES:
        view_figures(ui, b);
        break;
    }
    ui->panel = VIEW_OVERVIEW;
    canvas_unclip(&ui->canvas);
}

static void draw_wide(struct ui *ui, struct box body)
{
    const int gap = ui_px(ui, 8);
    if (ui->state->view != VIEW_OVERVIEW) {
        if (ui->state->source->live) {
            view_field(ui, box_take_bottom(&body, ui_px(ui, 34)));
            box_take_bottom(&body, gap);
        }
        draw_view(ui, ui->state->view, body);
        return;
    }
    struct box score = box_take_bottom(&body, body.h * 3 / 10);
    box_take_bottom(&body, gap);
    /* Words cannot shrink as pictures can: their share grows in a small window. */
    const bool small = body.w < ui_px(ui, 1100);
    struct box left = box_take_left(&body, body.w * (small ? 42 : 47) / 100);
    box_take_left(&body, gap);
    struct box side = box_take_left(&body, body.w * (small ? 54 : 60) / 100);
    box_take_left(&body, gap);
    if (ui->state->source->live) {
        view_field(ui, box_take_bottom(&left, ui_px(ui, 34)));
        box_take_bottom(&left, gap);
    }
    draw_view(ui, source_pinned(ui->state->source) ? VIEW_AB : VIEW_TEXT, left);
    draw_view(ui, ui->state->side, side);
    draw_view(ui, ui->state->steering ? VIEW_STEER : VIEW_INSPECTOR, body);
    draw_view(ui, VIEW_SCORE, score);
}

/* One of them is chosen, each as wide as the next: for fingers. */
static void draw_tabs(struct ui *ui, struct box row, enum view chosen)
{
    static const struct {
        const char *label;
        enum view view;
    } tab[] = {{"Bank", VIEW_BANK},     {"Score", VIEW_SCORE}, {"Token", VIEW_INSPECTOR},
               {"Flow", VIEW_FLOW},     {"Pairs", VIEW_COACT}, {"Prompt", VIEW_PROMPT},
               {"Speed", VIEW_FIGURES}, {"Steer", VIEW_STEER}};
    const int n = (int)(sizeof tab / sizeof *tab);
    const struct palette *p = &ui->palette;
    canvas_round(&ui->canvas, row, ui_px(ui, 8), p->panel, 255);
    for (int i = 0; i < n; i++) {
        const int x0 = row.x + row.w * i / n, x1 = row.x + row.w * (i + 1) / n;
        const struct box b = {x0, row.y, x1 - x0, row.h};
        const int w =
            fonts_width(ui->fonts, FONT_SMALL, tab[i].label, strlen(tab[i].label));
        if (tab[i].view == chosen)
            canvas_round(&ui->canvas, box_inset(b, ui_px(ui, 3)), ui_px(ui, 6), p->raised,
                         255);
        fonts_label(ui->fonts, &ui->canvas, FONT_SMALL,
                    w < b.w ? b.x + (b.w - w) / 2 : b.x,
                    b.y + (b.h - fonts_height(ui->fonts, FONT_SMALL)) / 2, b.w,
                    tab[i].label, tab[i].view == chosen ? p->accent : p->quiet);
        ui_add_hit(
            ui, (struct hit){.box = b,
                             .kind = HIT_COMMAND,
                             .command = (enum command)(CMD_VIEW_0 + (int)tab[i].view)});
    }
}

/* Text above, one other view below; a row of tabs between them chooses it. */
static void draw_narrow(struct ui *ui, struct box body)
{
    const int gap = ui_px(ui, 6);
    enum view below = ui->state->view;
    if (below == VIEW_OVERVIEW)
        below = VIEW_BANK;
    if (ui->state->source->live) {
        view_field(ui, box_take_bottom(&body, ui_px(ui, 38)));
        box_take_bottom(&body, gap);
    }
    const bool alone = below == VIEW_TEXT || below == VIEW_AB;
    const enum view above = source_pinned(ui->state->source) ? VIEW_AB : VIEW_TEXT;
    struct box tabs;
    if (alone) {
        tabs = box_take_bottom(&body, ui_px(ui, 38));
        box_take_bottom(&body, gap);
    } else {
        const int part = below == VIEW_STEER ? 26 : 42;
        draw_view(ui, above, box_take_top(&body, body.h * part / 100));
        box_take_top(&body, gap);
        tabs = box_take_top(&body, ui_px(ui, 38));
        box_take_top(&body, gap);
    }
    draw_tabs(ui, tabs, below);
    draw_view(ui, below, body);
}

/* What the person has to know before they trust the views. */
static void draw_banners(struct ui *ui, struct box *body, const char *message)
{
    const struct stats *t = ui->stats;
    char damaged[96];
    if (message[0])
        view_banner(ui, body, message);
    if (t->n_damaged && !ui->state->source->live) {
        snprintf(damaged, sizeof damaged,
                 "%llu token%s of this recording %s damaged and left out.",
                 (unsigned long long)t->n_damaged, t->n_damaged == 1 ? "" : "s",
                 t->n_damaged == 1 ? "is" : "are");
        view_banner(ui, body, damaged);
    }
}

/* The views; or, before there is a token, why there is none. */
static void draw_body(struct ui *ui, struct box body, struct box timeline, bool narrow)
{
    const struct scene *s = ui->state;
    char message[512];
    const enum source_phase phase = source_phase(s->source, message, sizeof message);
    if (narrow && !fonts_are_real(ui->fonts) && !ui->builtin)
        view_banner(ui, &body, VIEW_NO_FONTS); /* the header has no room for it */
    /* Opened between the frame's beginning and now: the views still fit no model. */
    const bool late =
        phase != SOURCE_OPENING && ui->stats->n_layer != s->source->facts.n_layer_moe;
    if (late ||
        (s->n_token == 0 && (phase == SOURCE_OPENING || phase == SOURCE_FAILED))) {
        view_blank(ui, body, late ? SOURCE_OPENING : phase, message);
        return;
    }
    draw_banners(ui, &body, message);
    if (narrow)
        draw_narrow(ui, body);
    else
        draw_wide(ui, body);
    view_timeline(ui, timeline);
}

/* Only these show what is counted around the cursor: scrubbing without them is cheaper.
 */
static bool needs_window(const struct scene *s)
{
    const enum view seen = s->view == VIEW_OVERVIEW ? s->side : s->view;
    return s->expert != SCENE_NONE || seen == VIEW_FLOW || seen == VIEW_COACT;
}

void layout_draw(struct ui *ui)
{
    ui->bank.w = ui->field.w = ui->scroll.box.w = 0;
    ui->moving = false;
    ui->tip[0] = '\0';
    ui->palette = palette_make(ui->state->light);
    ui->n_hit = 0;
    canvas_unclip(&ui->canvas);
    struct box all = {0, 0, ui->canvas.w, ui->canvas.h};
    canvas_fill(&ui->canvas, all, ui->palette.ground);
    const bool narrow = all.w < ui_px(ui, 720);
    ui->touch = narrow;
    struct box body = box_inset(all, ui_px(ui, narrow ? 6 : 10));
    struct box header = box_take_top(&body, ui_px(ui, narrow ? 38 : 30));
    struct box timeline = box_take_bottom(&body, ui_px(ui, narrow ? 72 : 40));
    box_take_top(&body, ui_px(ui, 6));
    box_take_bottom(&body, ui_px(ui, 8));
    if (needs_window(ui->state))
        stats_window(ui->stats, ui->state->cursor, ui->state->layer, ui->state->expert);
    view_header(ui, header);
    draw_body(ui, body, timeline, narrow);
    view_card(ui);
    view_tip(ui);
    view_notice(ui, all);
    if (ui->state->help)
        view_help(ui, all);
}
