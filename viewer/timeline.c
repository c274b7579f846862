/* timeline.c - the strip at the bottom that moves through the text, the line at the top
 * that says what is seen, and the page of keys. */
#include <stdio.h>
#include <string.h>

#include "keys.h"
#include "ui.h"

/* One pixel column per stretch of text: how sure the model was, read at one token of
 * each, so that its cost is the width's and not the text's. */
static void draw_track(struct ui *ui, struct box b)
{
    const struct scene *s = ui->state;
    canvas_round(&ui->canvas, b, ui_px(ui, 4), ui->palette.panel, 255);
    const struct box in = box_inset(b, ui_px(ui, 2));
    for (int x = 0; x < in.w && s->n_token; x++) {
        const uint64_t i = (uint64_t)x * s->n_token / (unsigned)in.w;
        struct lem_trace_token t;
        if (!source_token(s->source, i, &t) || !(t.probability >= 0))
            continue;
        const int h = (int)((float)in.h * (1 - t.probability));
        canvas_blend(&ui->canvas, (struct box){in.x + x, in.y + in.h - h, 1, h},
                     palette_mix(ui->palette.panel, ui->palette.quiet, 0.55f), 255);
    }
    if (s->n_token == 0)
        return;
    const int prompt_w = (int)((uint64_t)in.w * s->source->n_prompt / s->n_token);
    canvas_blend(&ui->canvas, (struct box){in.x, in.y, prompt_w, in.h}, ui->palette.quiet,
                 60);
    const int x = in.x + (int)((s->cursor * 2 + 1) * (unsigned)in.w / (s->n_token * 2));
    canvas_round(&ui->canvas,
                 (struct box){x - ui_px(ui, 2), b.y - ui_px(ui, 2), ui_px(ui, 4),
                              b.h + ui_px(ui, 4)},
                 ui_px(ui, 2), ui->palette.accent, 255);
    ui_add_hit(ui, (struct hit){.box = b, .kind = HIT_SEEK});
}

/* Between the two buttons that change it. */
static void draw_speed(struct ui *ui, struct box b, const char *text)
{
    const int w = fonts_width(ui->fonts, FONT_UI, text, strlen(text));
    box_take_left(&b, ui_px(ui, 5));
    fonts_label(ui->fonts, &ui->canvas, FONT_UI, b.x + (b.w - w) / 2,
                b.y + (b.h - fonts_height(ui->fonts, FONT_UI)) / 2, b.w, text,
                ui->palette.text);
}

void view_timeline(struct ui *ui, struct box b)
{
    const struct scene *s = ui->state;
    char speed[32], message[8];
    const bool ended = s->source->live &&
                       source_phase(s->source, message, sizeof message) == SOURCE_DONE;
    const bool playing = s->playing && !ended;
    if (s->speed > 0)
        snprintf(speed, sizeof speed, "%g/s", (double)s->speed);
    else
        snprintf(speed, sizeof speed, "max");
    /* From the right, as ui_button() cuts them off. */
    const struct {
        const char *label;
        enum command command;
    } button[] = {{"Last", CMD_LAST}, {"+", CMD_FASTER},
                  {speed, CMD_NONE},  {"-", CMD_SLOWER},
                  {">", CMD_NEXT},    {playing ? "Pause" : "Play", CMD_PLAY},
                  {"<", CMD_BACK},    {"First", CMD_FIRST}};
    const int n = (int)(sizeof button / sizeof *button);
    const int speed_w = fonts_width(ui->fonts, FONT_UI, "256/s", 5) + ui_px(ui, 5);
    int width = speed_w;
    for (int i = 0; i < n; i++)
        if (button[i].command != CMD_NONE)
            width += ui_button_width(ui, button[i].label);
    struct box row = b, left;
    const bool narrow = b.h > ui_px(ui, 50);
    if (narrow) {
        left = box_take_bottom(&row, ui_px(ui, 38));
        left.w = width < left.w ? width + (left.w - width) / 2 : left.w;
        box_take_bottom(&row, ui_px(ui, 4));
    } else {
        left = box_take_left(&row, width);
        box_take_left(&row, ui_px(ui, 10));
    }
    for (int i = 0; i < n; i++)
        if (button[i].command == CMD_NONE)
            draw_speed(ui, box_take_right(&left, speed_w), speed);
        else
            ui_button(ui, &left, button[i].label, button[i].command,
                      button[i].command == CMD_PLAY && playing);
    draw_track(ui, (struct box){row.x, row.y + ui_px(ui, 4), row.w,
                                row.h - ui_px(ui, narrow ? 6 : 8)});
}

/* "Layer 3" between the two buttons that change it. */
static void draw_layer(struct ui *ui, struct box *row)
{
    const struct scene *s = ui->state;
    const struct lem_trace_facts *f = &s->source->facts;
    char text[32];
    if (ui->stats->n_layer == 0) /* nor are there facts to be read yet */
        return;
    ui_button(ui, row, "+", CMD_LAYER_UP, false);
    snprintf(text, sizeof text, "Layer %u", f->layer[s->layer]);
    const int w = fonts_width(ui->fonts, FONT_UI, "Layer 000", 9);
    if (row->w < w)
        return;
    const struct box b = box_take_right(row, w);
    box_take_right(row, ui_px(ui, 5));
    const int text_w = fonts_width(ui->fonts, FONT_UI, text, strlen(text));
    fonts_label(ui->fonts, &ui->canvas, FONT_UI, b.x + (w - text_w) / 2,
                b.y + (b.h - fonts_height(ui->fonts, FONT_UI)) / 2, w, text,
                ui->palette.text);
    ui_button(ui, row, "-", CMD_LAYER_DOWN, false);
}

/* What stands beside the text: all of it to choose from, or the next in turn. */
static void draw_sides(struct ui *ui, struct box *row, bool wide)
{
    static const struct {
        const char *label;
        enum view view;
    } side[SCENE_SIDES] = {{"Bank", VIEW_BANK},
                           {"Flow", VIEW_FLOW},
                           {"Pairs", VIEW_COACT},
                           {"Prompt", VIEW_PROMPT},
                           {"Figures", VIEW_FIGURES}};
    box_take_right(row, ui_px(ui, 8));
    for (int i = SCENE_SIDES; i-- > 0;) {
        const enum view seen =
            ui->state->view == VIEW_OVERVIEW ? ui->state->side : ui->state->view;
        const bool on = seen == side[i].view;
        if (wide)
            ui_button(ui, row, side[i].label, (enum command)(CMD_SIDE_BANK + i), on);
        else if (ui->state->side == side[i].view)
            ui_button(ui, row, side[i].label, CMD_SIDE, on);
    }
    box_take_right(row, ui_px(ui, 8));
}

void view_header(struct ui *ui, struct box b)
{
    struct scene *s = ui->state;
    const struct lem_trace_facts *f = &s->source->facts;
    char text[256] = "";
    struct box row = b;
    const bool narrow = ui->touch;
    ui_button(ui, &row, "?", CMD_HELP, s->help);
    ui_button(ui, &row, s->light ? "Dark" : "Light", CMD_PALETTE, false);
    if (s->source->live)
        ui_button(ui, &row, "Save", CMD_SAVE, false);
    if (!narrow) {
        ui_button(ui, &row, "Step in", CMD_STEERING, s->steering);
        draw_sides(ui, &row, b.w > ui_px(ui, 1150));
    }
    draw_layer(ui, &row);
    const int y = row.y + (row.h - fonts_height(ui->fonts, FONT_STRONG)) / 2;
    const int x =
        row.x +
        fonts_label(ui->fonts, &ui->canvas, FONT_STRONG, row.x, y, row.w,
                    f->name && f->name[0] ? f->name : "Lemnos", ui->palette.text) +
        ui_px(ui, 12);
    const double rate = view_rate(s);
    if (!narrow && !fonts_are_real(ui->fonts) && !ui->builtin)
        snprintf(text, sizeof text, "%s", VIEW_NO_FONTS);
    else if (!narrow && f->n_layer_moe && rate > 0)
        snprintf(text, sizeof text, "%u of %u experts in %u layers   %.1f tokens/s",
                 f->n_expert_used, f->n_expert, f->n_layer_moe, rate);
    else if (!narrow && f->n_layer_moe)
        snprintf(text, sizeof text, "%u of %u experts in %u layers", f->n_expert_used,
                 f->n_expert, f->n_layer_moe);
    const int room = row.x + row.w - x - ui_px(ui, 8);
    if (room > ui_px(ui, 40))
        ui_line(ui, FONT_UI, x, y, room, ui->palette.quiet, "%s", text);
}

void view_help(struct ui *ui, struct box all)
{
    size_t n_key;
    const struct key *key = keys_table(&n_key);
    int n = 0;
    for (size_t i = 0; i < n_key; i++)
        n += key[i].name != NULL;
    /* Two columns where there is room: the page must fit. */
    const int n_column = all.w > ui_px(ui, 720) ? 2 : 1;
    const int per = (n + n_column - 1) / n_column;
    int line = fonts_height(ui->fonts, FONT_UI) + ui_px(ui, 4);
    const int room = (all.h - ui_px(ui, 90)) / (per ? per : 1);
    line = room < line && room > 0 ? room : line;
    const int w = n_column == 2            ? ui_px(ui, 700)
                  : all.w < ui_px(ui, 420) ? all.w - ui_px(ui, 16)
                                           : ui_px(ui, 400);
    const int h = line * per + ui_px(ui, 50);
    canvas_unclip(&ui->canvas);
    canvas_blend(&ui->canvas, all, 0x000000, 120);
    ui_add_hit(ui, (struct hit){.box = all, .kind = HIT_COMMAND, .command = CMD_HELP});
    const struct box in = ui_panel(
        ui, (struct box){(all.w - w) / 2, (all.h - h) / 2, w, h}, "Keys", "? closes");
    const int column_w = in.w / n_column;
    int at = 0;
    for (size_t i = 0; i < n_key; i++) {
        if (!key[i].name)
            continue;
        const int x = in.x + at / per * column_w, y = in.y + at % per * line;
        fonts_label(ui->fonts, &ui->canvas, FONT_UI, x, y, ui_px(ui, 104), key[i].name,
                    ui->palette.text);
        fonts_label(ui->fonts, &ui->canvas, FONT_UI, x + ui_px(ui, 108), y,
                    column_w - ui_px(ui, 114), key[i].does, ui->palette.quiet);
        at++;
    }
}
