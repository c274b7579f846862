/* view_steer.c - the panel for stepping in: what to do with the selected experts, what
 * is in force, how tokens are chosen; and its marks in the bank. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "ui.h"

enum { MOST_RULES = 48 }; /* in the list at once: more are a page of their own */

/* ---- marks in the bank --------------------------------------------------- */

static void draw_cross(struct ui *ui, struct box b, uint32_t color)
{
    const int thick = b.w > ui_px(ui, 14) ? ui_px(ui, 2) : 1;
    for (int i = 0; i < b.h; i++) {
        const int x = b.h > 1 ? i * (b.w - thick) / (b.h - 1) : 0;
        canvas_fill(&ui->canvas, (struct box){b.x + x, b.y + i, thick, 1}, color);
        canvas_fill(&ui->canvas, (struct box){b.x + b.w - thick - x, b.y + i, thick, 1},
                    color);
    }
}

/* A wedge that points up or down. */
static void draw_wedge(struct ui *ui, struct box b, bool up, uint32_t color)
{
    for (int i = 0; i < b.h; i++) {
        const int w = b.w * (i + 1) / b.h;
        const int y = up ? b.y + i : b.y + b.h - 1 - i;
        canvas_fill(&ui->canvas, (struct box){b.x + (b.w - w) / 2, y, w, 1}, color);
    }
}

void view_steer_cell(struct ui *ui, struct box cell, uint32_t layer, uint32_t expert)
{
    const struct palette *p = &ui->palette;
    const float rule = steer_rule(&ui->steer, layer, expert);
    const bool small = cell.w < ui_px(ui, 8) || cell.h < ui_px(ui, 8);
    const int s = (cell.w < cell.h ? cell.w : cell.h) * 2 / 5;
    const int side = s < ui_px(ui, 9) ? s : ui_px(ui, 9);
    if (rule == -INFINITY) {
        canvas_blend(&ui->canvas, cell, p->ground, 170);
        if (small)
            canvas_blend(&ui->canvas, cell, p->warn, 150);
        else
            draw_cross(ui, box_inset(cell, 2), p->warn);
    } else if (rule == INFINITY) {
        canvas_frame(&ui->canvas, cell, small ? 1 : ui_px(ui, 2), p->warn);
        if (!small)
            canvas_round(&ui->canvas,
                         (struct box){cell.x + cell.w - side - 3, cell.y + 3, side, side},
                         side / 2, p->warn, 255);
    } else if (rule != 0 && !small) {
        draw_wedge(ui,
                   (struct box){cell.x + cell.w - side - 2, cell.y + 3, side, side - 1},
                   rule > 0, p->warn);
    } else if (rule != 0) {
        canvas_blend(&ui->canvas, cell, p->warn, 60);
    }
    if (steer_is_selected(&ui->steer, layer, expert)) {
        canvas_blend(&ui->canvas, cell, p->accent, 26);
        canvas_frame(&ui->canvas, cell, small ? 1 : ui_px(ui, 2), p->accent);
    }
}

/* ---- the panel ----------------------------------------------------------- */

/* Buttons from the left, on a new line where one does not fit. */
struct shelf {
    struct ui *ui;
    struct box left; /* what is free below */
    struct box row;
};

static void new_row(struct shelf *f)
{
    const int pad = ui_px(f->ui, f->ui->touch ? 22 : 12);
    const int h = fonts_height(f->ui->fonts, FONT_UI) + pad;
    f->row = box_take_top(&f->left, h);
}

static void button(struct shelf *f, const char *label, enum command command, bool on)
{
    const int w = ui_button_width(f->ui, label);
    if (f->row.w < w)
        new_row(f);
    struct box cell = box_take_left(&f->row, w);
    cell.w -= ui_px(f->ui, 5);
    ui_button(f->ui, &cell, label, command, on);
}

static void heading(struct shelf *f, const char *text, const char *note)
{
    struct ui *ui = f->ui;
    const int h = fonts_height(ui->fonts, FONT_STRONG) + ui_px(ui, 6);
    f->row.w = 0; /* what follows begins a line */
    const struct box row = box_take_top(&f->left, h);
    const int y = row.y + ui_px(ui, 3);
    const int w = fonts_label(ui->fonts, &ui->canvas, FONT_STRONG, row.x, y, row.w, text,
                              ui->palette.text) +
                  ui_px(ui, 8);
    fonts_label(ui->fonts, &ui->canvas, FONT_SMALL, row.x + w, y + ui_px(ui, 2),
                row.w - w, note, ui->palette.quiet);
}

static void draw_actions(struct shelf *f)
{
    const struct steer *s = &f->ui->steer;
    const struct scene *scene = f->ui->state;
    char note[64] = "select some in the bank";
    if (s->n_selected)
        snprintf(note, sizeof note, "%u selected", s->n_selected);
    else if (scene->expert != SCENE_NONE && s->n_layer)
        snprintf(note, sizeof note, "layer %u, expert %d",
                 scene->source->facts.layer[scene->layer], scene->expert);
    const bool any = s->n_selected || scene->expert != SCENE_NONE;
    heading(f, "Experts", note);
    button(f, "Ban", CMD_BAN, any);
    button(f, "Force", CMD_FORCE, any);
    button(f, "Bias -", CMD_BIAS_DOWN, any);
    button(f, "Bias +", CMD_BIAS_UP, any);
    button(f, "Undo", CMD_UNSET, any);
}

/* A row of what is in force, with the place that undoes it. */
static void draw_rule(struct shelf *f, uint32_t i, int h)
{
    struct ui *ui = f->ui;
    struct box row = box_take_top(&f->left, h);
    char text[128];
    steer_describe(&ui->steer, &ui->steer.row[i], text, sizeof text);
    if (ui->steer.source->live) {
        const struct box x = box_take_right(&row, h);
        const struct box in = box_inset(x, h / 3 - 1);
        if (ui_hovers(ui, x))
            canvas_round(&ui->canvas, x, ui_px(ui, 4), ui->palette.raised, 255);
        draw_cross(ui, in, ui->palette.quiet);
        ui_add_hit(ui, (struct hit){.box = x, .kind = HIT_UNDO, .layer = i});
    }
    fonts_label(ui->fonts, &ui->canvas, FONT_UI, row.x,
                row.y + (h - fonts_height(ui->fonts, FONT_UI)) / 2, row.w, text,
                ui->palette.text);
}

static void draw_rules(struct shelf *f)
{
    struct ui *ui = f->ui;
    const struct steer *s = &ui->steer;
    const int h = fonts_height(ui->fonts, FONT_UI) + ui_px(ui, ui->touch ? 10 : 2);
    char note[48];
    snprintf(note, sizeof note, s->n_row ? "%u" : "nothing: the model as it is",
             s->n_row);
    heading(f, "In force", note);
    uint32_t i = s->first, most = MOST_RULES;
    const bool all = s->first == 0 && s->n_row <= most;
    ui->steer.shown = most;
    for (; i < s->n_row && most > 0; i++, most--)
        draw_rule(f, i, h);
    if (all)
        return;
    const struct box row = box_take_top(&f->left, h);
    const uint32_t more = s->n_row - i;
    ui_line(ui, FONT_UI, row.x, row.y, row.w, ui->palette.accent,
            more ? "%u more" : "from the first again", more);
    ui_add_hit(ui,
               (struct hit){.box = row, .kind = HIT_COMMAND, .command = CMD_POLICY_MORE});
}

static void draw_slider(struct ui *ui, struct box b, enum steer_setting setting)
{
    const struct palette *p = &ui->palette;
    const float place = steer_place(&ui->steer, setting);
    const float v = place > 0 ? place < 1 ? place : 1 : 0;
    const int t = ui_px(ui, 4), knob = ui_px(ui, 11);
    const int y = b.y + b.h / 2, x = b.x + (int)((float)(b.w - knob) * v);
    canvas_round(&ui->canvas, (struct box){b.x, y - t / 2, b.w, t}, t / 2, p->raised,
                 255);
    canvas_round(&ui->canvas, (struct box){b.x, y - t / 2, x - b.x + knob / 2, t}, t / 2,
                 p->quiet, 255);
    canvas_round(&ui->canvas, (struct box){x, y - knob / 2, knob, knob}, knob / 2,
                 ui_hovers(ui, b) ? p->text : p->accent, 255);
    ui_add_hit(ui,
               (struct hit){.box = b, .kind = HIT_SLIDER, .layer = (uint32_t)setting});
}

static void draw_setting(struct shelf *f, enum steer_setting setting)
{
    struct ui *ui = f->ui;
    const int h = fonts_height(ui->fonts, FONT_UI) + ui_px(ui, ui->touch ? 11 : 5);
    char value[48];
    struct box row = box_take_top(&f->left, h);
    const bool chosen = ui->steer.setting == setting;
    const int text_y = row.y + (h - fonts_height(ui->fonts, FONT_UI)) / 2;
    const struct box name = box_take_left(&row, ui_px(ui, 86));
    fonts_label(ui->fonts, &ui->canvas, FONT_UI, name.x, text_y, name.w,
                steer_setting_name(setting),
                chosen ? ui->palette.text : ui->palette.quiet);
    if (chosen)
        canvas_round(&ui->canvas,
                     (struct box){name.x - ui_px(ui, 7), row.y + 2, ui_px(ui, 2), h - 4},
                     1, ui->palette.accent, 255);
    steer_value(&ui->steer, setting, value, sizeof value);
    if (setting == STEER_SEED) {
        ui_button(ui, &row, "+", CMD_SEED_UP, true);
        ui_button(ui, &row, "-", CMD_SEED_DOWN, true);
        fonts_label(ui->fonts, &ui->canvas, FONT_UI, row.x, text_y, row.w, value,
                    ui->palette.text);
        return;
    }
    const struct box end = box_take_right(&row, ui_px(ui, 62));
    fonts_label(ui->fonts, &ui->canvas, FONT_UI, end.x + ui_px(ui, 8), text_y,
                end.w - ui_px(ui, 8), value, ui->palette.text);
    draw_slider(ui, row, setting);
}

static void draw_run(struct shelf *f)
{
    struct scene *s = f->ui->state;
    heading(f, "Run", "");
    button(f, "Write anew from here", CMD_REGENERATE, true);
    button(f, "Step back", CMD_STEP_BACK, true);
    button(f, source_pinned(s->source) ? "Unpin A" : "Pin as A", CMD_PIN_RUN, true);
    button(f, "Undo all", CMD_UNSET_ALL, f->ui->steer.n_row > 0);
    button(f, "Save policy", CMD_POLICY_SAVE, true);
    button(f, "Load policy", CMD_POLICY_LOAD, true);
}

void view_steer(struct ui *ui, struct box b)
{
    struct steer *s = &ui->steer;
    struct box in = ui_panel(ui, b, "Step in", "");
    const bool live = ui->state->source->live;
    if (s->n_layer == 0) {
        ui_line(ui, FONT_UI, in.x, in.y, in.w, ui->palette.quiet,
                "This model has no experts to steer.");
        return;
    }
    const char *note = s->note[0] ? s->note
                       : live     ? ""
                                  : "A recording: what was in force at this token. "
                                    "Open a model to change it.";
    /* Two lines for what the last command has to say. */
    const int note_h =
        note[0] ? 2 * (fonts_height(ui->fonts, FONT_SMALL) + ui_px(ui, 1)) : 0;
    struct box said = box_take_bottom(&in, live ? note_h : 0);
    const int edge = ui_px(ui, 8); /* for the mark beside the chosen setting */
    const struct box seen = {in.x - edge, in.y, in.w + edge, in.h};
    struct shelf f = {.ui = ui, .left = scroll_begin(ui, seen, SCROLL_STEER)};
    box_take_left(&f.left, edge);
    if (live) {
        draw_actions(&f);
        heading(&f, "Choosing", "");
        for (int i = 0; i < STEER_SETTING_COUNT; i++)
            draw_setting(&f, (enum steer_setting)i);
        draw_run(&f);
    }
    draw_rules(&f);
    if (!live) {
        box_take_top(&f.left, ui_px(ui, 8));
        said = box_take_top(&f.left, note_h);
        view_wrap(ui, FONT_SMALL, said, note, ui->palette.quiet, true);
    }
    scroll_end(ui, f.left.y);
    if (live && said.h)
        view_wrap(ui, FONT_SMALL, said, note, ui->palette.quiet, true);
}
