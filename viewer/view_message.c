/* view_message.c - what went wrong or is under way, in words: in the middle of the window
 * where there is nothing else to show, above the views where there is. */
#include <stdio.h>
#include <string.h>

#include "ui.h"

/* Bytes of the first line of `text`, broken at white space where there is some. */
static size_t first_line(struct ui *ui, enum font_style style, const char *text,
                         int width)
{
    size_t n = 0, fits = 0;
    while (text[n] && text[n] != '\n') {
        size_t used, next = n;
        while (text[next] && text[next] != ' ' && text[next] != '\n')
            next++;
        if (fonts_width(ui->fonts, style, text, next) > width) {
            if (fits) /* one word that is too long is cut where it must be */
                break;
            for (n = 0; text[n]; n += used) {
                font_code_point(text + n, strlen(text + n), &used);
                if (n && fonts_width(ui->fonts, style, text, n + used) > width)
                    break;
            }
            return n;
        }
        fits = n = next;
        while (text[n] == ' ')
            n++;
    }
    return fits;
}

int view_wrap(struct ui *ui, enum font_style style, struct box in, const char *text,
              uint32_t color, bool draw)
{
    const int line =
        fonts_height(ui->fonts, style) + ui_px(ui, style == FONT_SMALL ? 1 : 3);
    int y = in.y;
    for (const char *at = text; *at && (in.h == 0 || y + line <= in.y + in.h);
         y += line) {
        const size_t fits = first_line(ui, style, at, in.w);
        const bool last = in.h > 0 && y + 2 * line > in.y + in.h;
        if (draw && last) /* what is left of it, with dots where that is cut */
            fonts_label(ui->fonts, &ui->canvas, style, in.x, y, in.w, at, color);
        else if (draw)
            fonts_draw(ui->fonts, &ui->canvas, style, in.x, y, at, fits, color, 255);
        at += fits;
        while (*at == ' ')
            at++;
        at += *at == '\n';
    }
    return y - in.y;
}

/* In the letters of controls, as high as it takes. */
static int wrap(struct ui *ui, struct box in, const char *text, uint32_t color, bool draw)
{
    in.h = 0;
    return view_wrap(ui, FONT_UI, in, text, color, draw);
}

void view_blank(struct ui *ui, struct box b, enum source_phase phase, const char *message)
{
    const bool failed = phase == SOURCE_FAILED;
    const char *hint =
        failed ? ui->state->source->live
                     ? "Name a model with -m FILE.gguf, a device with -d, or open a "
                       "recording. Q quits."
                     : "Open another recording, or none, to see a model write. Q quits."
               : "";
    const int pad = ui_px(ui, 20);
    const int w = b.w < ui_px(ui, 560) ? b.w : ui_px(ui, 560);
    struct box in = {0, 0, w - 2 * pad, 0};
    const int text_h = wrap(ui, in, message, 0, false),
              hint_h = wrap(ui, in, hint, 0, false);
    const int title_h = fonts_height(ui->fonts, FONT_STRONG) + ui_px(ui, 8);
    const int h = 2 * pad + title_h + text_h + (hint_h ? hint_h + ui_px(ui, 10) : 0);
    const struct box card = {b.x + (b.w - w) / 2, b.y + (b.h - h) / 3, w, h};
    canvas_round(&ui->canvas, card, ui_px(ui, 8), ui->palette.panel, 255);
    canvas_round(
        &ui->canvas,
        (struct box){card.x, card.y + ui_px(ui, 8), ui_px(ui, 3), card.h - ui_px(ui, 16)},
        ui_px(ui, 1), failed ? ui->palette.warn : ui->palette.accent, 255);
    in = (struct box){card.x + pad, card.y + pad, w - 2 * pad, h};
    fonts_label(ui->fonts, &ui->canvas, FONT_STRONG, in.x, in.y, in.w,
                failed ? "This cannot be shown" : "One moment", ui->palette.text);
    in.y += title_h;
    in.y += wrap(ui, in, message, ui->palette.text, true) + ui_px(ui, 10);
    wrap(ui, in, hint, ui->palette.quiet, true);
}

void view_banner(struct ui *ui, struct box *body, const char *message)
{
    const int pad = ui_px(ui, 10);
    const struct box all = {body->x + pad, 0, body->w - 2 * pad, 0};
    const int h = wrap(ui, all, message, 0, false) + ui_px(ui, 12);
    if (h > body->h / 3)
        return;
    const struct box b = box_take_top(body, h);
    box_take_top(body, ui_px(ui, 6));
    canvas_round(&ui->canvas, b, ui_px(ui, 6),
                 palette_mix(ui->palette.panel, ui->palette.warn, 0.16f), 255);
    wrap(ui, (struct box){all.x, b.y + ui_px(ui, 6), all.w, 0}, message, ui->palette.text,
         true);
}

/* A line for some seconds, over the views. */
void view_notice(struct ui *ui, struct box all)
{
    const struct scene *s = ui->state;
    if (s->notice_left <= 0 || !s->notice[0])
        return;
    const int pad = ui_px(ui, 12);
    const int most = all.w - 4 * pad < ui_px(ui, 620) ? all.w - 4 * pad : ui_px(ui, 620);
    struct box in = {0, 0, most, 0};
    const int one = fonts_width(ui->fonts, FONT_UI, s->notice, strlen(s->notice));
    in.w = one < most ? one + 1 : most;
    const int h = wrap(ui, in, s->notice, 0, false) + ui_px(ui, 12);
    const struct box b = {(all.w - in.w) / 2 - pad,
                          all.h - h - ui_px(ui, ui->touch ? 170 : 110), in.w + 2 * pad,
                          h};
    canvas_unclip(&ui->canvas);
    canvas_round(&ui->canvas, (struct box){b.x - 1, b.y - 1, b.w + 2, b.h + 2},
                 ui_px(ui, 8), ui->palette.line, 255);
    canvas_round(&ui->canvas, b, ui_px(ui, 8), ui->palette.raised, 255);
    wrap(ui, (struct box){b.x + pad, b.y + ui_px(ui, 6), in.w, 0}, s->notice,
         ui->palette.text, true);
}

void view_tip(struct ui *ui)
{
    const int pad = ui_px(ui, 8), edge = ui_px(ui, 6);
    const int room = ui->canvas.w - 2 * (edge + pad);
    const int most = room < ui_px(ui, 340) ? room : ui_px(ui, 340);
    if (!ui->tip[0] || ui->state->help)
        return;
    struct box in = {0, 0, fonts_width(ui->fonts, FONT_UI, ui->tip, strlen(ui->tip)), 0};
    in.w = in.w < most ? in.w + 1 : most;
    const int h = wrap(ui, in, ui->tip, 0, false) + 2 * pad;
    struct box b = {ui->mouse_x + pad, ui->mouse_y + 2 * pad, in.w + 2 * pad, h};
    if (b.x + b.w > ui->canvas.w - edge)
        b.x = ui->canvas.w - edge - b.w;
    if (b.y + b.h > ui->canvas.h - edge)
        b.y = ui->mouse_y - pad - b.h;
    b.x = b.x > edge ? b.x : edge;
    b.y = b.y > edge ? b.y : edge;
    canvas_unclip(&ui->canvas);
    canvas_round(&ui->canvas, box_inset(b, -1), ui_px(ui, 7), ui->palette.line, 255);
    canvas_round(&ui->canvas, b, ui_px(ui, 6), ui->palette.raised, 255);
    wrap(ui, (struct box){b.x + pad, b.y + pad, in.w, 0}, ui->tip, ui->palette.text,
         true);
}
