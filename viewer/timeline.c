/* timeline.c - the strip at the bottom that moves through the text, the line at the top
 * that says what is seen, and the page of keys. */
#include <stdio.h>
#include <string.h>

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

void view_timeline(struct ui *ui, struct box b)
{
    const struct scene *s = ui->state;
    char speed[32];
    snprintf(speed, sizeof speed, "%g/s", (double)s->speed);
    /* From the right, as ui_button() cuts them off. */
    const struct {
        const char *label;
        enum command command;
    } button[] = {{"Last", CMD_LAST},
                  {"+", CMD_FASTER},
                  {speed, CMD_SLOWER},
                  {">", CMD_NEXT},
                  {s->playing ? "Pause" : "Play", CMD_PLAY},
                  {"<", CMD_BACK},
                  {"First", CMD_FIRST}};
    const int n = (int)(sizeof button / sizeof *button);
    int width = 0;
    for (int i = 0; i < n; i++)
        width += ui_button_width(ui, button[i].label);
    struct box row = b, left;
    const bool narrow = b.h > ui_px(ui, 50);
    if (narrow) {
        left = box_take_bottom(&row, ui_px(ui, 34));
        left.w = width < left.w ? width + (left.w - width) / 2 : left.w;
        box_take_bottom(&row, ui_px(ui, 4));
    } else {
        left = box_take_left(&row, width);
        box_take_left(&row, ui_px(ui, 10));
    }
    for (int i = 0; i < n; i++)
        ui_button(ui, &left, button[i].label, button[i].command,
                  button[i].command == CMD_PLAY && s->playing);
    draw_track(ui, (struct box){row.x, row.y + ui_px(ui, 4), row.w,
                                row.h - ui_px(ui, narrow ? 6 : 8)});
}

/* Mean over the last tokens with a time. */
static double tokens_per_second(const struct scene *s)
{
    uint64_t us = 0;
    unsigned n = 0;
    for (uint64_t i = s->cursor + 1; i-- > 0 && n < 16 && s->cursor - i < 64;) {
        struct lem_trace_token t;
        if (source_token(s->source, i, &t) && !t.prompt && t.total_us) {
            us += t.total_us;
            n++;
        }
    }
    return us ? n * 1e6 / (double)us : 0;
}

void view_header(struct ui *ui, struct box b)
{
    struct scene *s = ui->state;
    const struct lem_trace_facts *f = &s->source->facts;
    char text[256], message[200];
    struct box row = b;
    const bool narrow = b.w < ui_px(ui, 700);
    ui_button(ui, &row, "?", CMD_HELP, s->help);
    ui_button(ui, &row, s->light ? "Dark" : "Light", CMD_PALETTE, false);
    if (!narrow)
        ui_button(ui, &row,
                  s->side == VIEW_BANK   ? "Bank"
                  : s->side == VIEW_FLOW ? "Flow"
                                         : "Pairs",
                  CMD_SIDE, true);
    ui_button(ui, &row, "Layer +", CMD_LAYER_UP, false);
    ui_button(ui, &row, "Layer -", CMD_LAYER_DOWN, false);
    const int y = row.y + (row.h - fonts_height(ui->fonts, FONT_STRONG)) / 2;
    int x = row.x +
            fonts_label(ui->fonts, &ui->canvas, FONT_STRONG, row.x, y, row.w,
                        f->name && f->name[0] ? f->name : "Lemnos", ui->palette.text) +
            ui_px(ui, 12);
    const enum source_phase phase = source_phase(s->source, message, sizeof message);
    if (!fonts_are_real(ui->fonts))
        snprintf(message, sizeof message,
                 "No fonts found: install fonts-dejavu-core, or any font.");
    const double rate = tokens_per_second(s);
    text[0] = '\0';
    if (phase == SOURCE_FAILED || phase == SOURCE_OPENING || message[0])
        snprintf(text, sizeof text, "%s", message);
    else if (!narrow && rate > 0)
        snprintf(text, sizeof text, "%u of %u experts in %u layers   %.1f tokens/s   %s",
                 f->n_expert_used, f->n_expert, f->n_layer_moe, rate,
                 f->device ? f->device : "");
    else if (!narrow)
        snprintf(text, sizeof text, "%u of %u experts in %u layers   %s",
                 f->n_expert_used, f->n_expert, f->n_layer_moe,
                 f->device ? f->device : "");
    ui_line(ui, FONT_UI, x, y, row.x + row.w - x - ui_px(ui, 8),
            message[0] ? ui->palette.warn : ui->palette.quiet, "%s", text);
}

void view_help(struct ui *ui, struct box all)
{
    static const char *const key[][2] = {
        {"Space", "play, pause"},
        {"Left, Right", "one token back, on"},
        {"PgUp, PgDn", "a page back, on"},
        {"Home, End", "first, last token"},
        {"Up, Down", "layer"},
        {"[ and ]", "expert"},
        {"Esc", "let go of the expert"},
        {"Tab", "bank, flow, co-activation"},
        {"1 to 6", "one view in the whole window; again: all"},
        {"C", "what the tokens' colour means"},
        {"B", "what the bank shows"},
        {"P", "pin this token as reference"},
        {"+ and -", "speed"},
        {"L", "light or dark"},
        {"S", "save the window as a picture"},
        {"Q", "quit"},
    };
    const int n = (int)(sizeof key / sizeof *key);
    const int line = fonts_height(ui->fonts, FONT_UI) + ui_px(ui, 4);
    const int w = all.w < ui_px(ui, 480) ? all.w - ui_px(ui, 24) : ui_px(ui, 450);
    const int h = line * (n + 2) + ui_px(ui, 24);
    canvas_unclip(&ui->canvas);
    canvas_blend(&ui->canvas, all, 0x000000, 120);
    ui_add_hit(ui, (struct hit){.box = all, .kind = HIT_COMMAND, .command = CMD_HELP});
    const struct box b = {(all.w - w) / 2, (all.h - h) / 2, w, h};
    struct box in = ui_panel(ui, b, "Keys", "? closes");
    for (int i = 0; i < n; i++) {
        const struct box row = box_take_top(&in, line);
        fonts_label(ui->fonts, &ui->canvas, FONT_UI, row.x, row.y, w * 3 / 10, key[i][0],
                    ui->palette.text);
        fonts_label(ui->fonts, &ui->canvas, FONT_UI, row.x + w * 32 / 100, row.y,
                    w * 62 / 100, key[i][1], ui->palette.quiet);
    }
}
