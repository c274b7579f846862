/* view_field.c - the field for the next prompt: drawn, and where in it a place of the
 * window is. */
#include <stdio.h>
#include <string.h>

#include "ui.h"

static const char hint[] = "Type a prompt; Enter begins a new text";

/* A line break is shown as a sign, of its own width. */
static int piece_width(struct ui *ui, const char *text, size_t n)
{
    int w = 0;
    for (size_t at = 0; at < n;) {
        const char *end = memchr(text + at, '\n', n - at);
        const size_t part = end ? (size_t)(end - text) - at : n - at;
        w += fonts_width(ui->fonts, FONT_READ, text + at, part);
        at += part;
        if (end) {
            w += fonts_width(ui->fonts, FONT_READ, "\xe2\x86\xb5", 3);
            at++;
        }
    }
    return w;
}

static void draw_piece(struct ui *ui, int x, int y, const char *text, size_t n,
                       uint32_t color)
{
    for (size_t at = 0; at < n;) {
        const char *end = memchr(text + at, '\n', n - at);
        const size_t part = end ? (size_t)(end - text) - at : n - at;
        x += fonts_draw(ui->fonts, &ui->canvas, FONT_READ, x, y, text + at, part, color,
                        255);
        at += part;
        if (end) {
            x += fonts_draw(ui->fonts, &ui->canvas, FONT_READ, x, y, "\xe2\x86\xb5", 3,
                            ui->palette.faint, 255);
            at++;
        }
    }
}

size_t view_field_at(struct ui *ui, int x)
{
    const struct edit *e = &ui->state->prompt;
    const int want = x - ui->field.x + ui->field_scroll;
    size_t best = 0;
    int best_off = want < 0 ? -want : want;
    for (size_t at = 0; at < e->n;) {
        size_t used;
        font_code_point(e->text + at, e->n - at, &used);
        at += used;
        const int w = piece_width(ui, e->text, at), off = w < want ? want - w : w - want;
        if (off > best_off)
            break;
        best_off = off;
        best = at;
    }
    return best;
}

/* The text moves under the field, so that the caret is seen. */
static void keep_caret_seen(struct ui *ui, int caret, int all, int room)
{
    const int edge = ui_px(ui, 24);
    if (caret - ui->field_scroll > room - edge)
        ui->field_scroll = caret - room + edge;
    if (caret - ui->field_scroll < edge)
        ui->field_scroll = caret - edge;
    if (ui->field_scroll > all + edge - room)
        ui->field_scroll = all + edge - room;
    if (ui->field_scroll < 0)
        ui->field_scroll = 0;
}

static void draw_text(struct ui *ui, struct box in)
{
    struct scene *s = ui->state;
    const struct edit *e = &s->prompt;
    const struct palette *p = &ui->palette;
    const int h = fonts_height(ui->fonts, FONT_READ), y = in.y + (in.h - h) / 2;
    size_t from, to;
    edit_selection(e, &from, &to);
    const size_t n_composing = strlen(e->composing);
    const int at = piece_width(ui, e->text, e->caret);
    const int composing = fonts_width(ui->fonts, FONT_READ, e->composing, n_composing);
    keep_caret_seen(ui, at + composing, piece_width(ui, e->text, e->n) + composing, in.w);
    const int x = in.x - ui->field_scroll;
    if (s->typing && to > from && !n_composing) {
        const int a = piece_width(ui, e->text, from), b = piece_width(ui, e->text, to);
        canvas_blend(&ui->canvas, (struct box){x + a, y, b - a, h}, p->accent, 70);
    }
    draw_piece(ui, x, y, e->text, e->caret, p->text);
    draw_piece(ui, x + at + composing, y, e->text + e->caret, e->n - e->caret, p->text);
    if (n_composing) { /* underlined, as is the custom */
        draw_piece(ui, x + at, y, e->composing, n_composing, p->accent);
        canvas_fill(&ui->canvas,
                    (struct box){x + at, y + h - ui_px(ui, 2), composing, ui_px(ui, 1)},
                    p->accent);
    }
    ui->caret = (struct box){x + at + composing, y, ui_px(ui, 2), h};
    if (s->typing)
        canvas_fill(&ui->canvas, ui->caret, p->accent);
}

void view_field(struct ui *ui, struct box b)
{
    struct scene *s = ui->state;
    const struct palette *p = &ui->palette;
    struct box row = b;
    ui_button(ui, &row, "Write", CMD_WRITE, s->prompt.n > 0);
    canvas_round(&ui->canvas, row, ui_px(ui, 6), p->raised, 255);
    if (s->typing) {
        canvas_round(&ui->canvas, row, ui_px(ui, 6), p->accent, 255);
        canvas_round(&ui->canvas, box_inset(row, ui_px(ui, 1) > 1 ? ui_px(ui, 1) : 1),
                     ui_px(ui, 5), p->raised, 255);
    }
    ui_add_hit(ui, (struct hit){.box = row, .kind = HIT_FIELD});
    ui->field = box_inset(row, ui_px(ui, 8));
    ui->field.y = row.y;
    ui->field.h = row.h;
    canvas_clip(&ui->canvas, ui->field);
    if (s->prompt.n == 0 && !s->prompt.composing[0] && !s->typing)
        fonts_label(ui->fonts, &ui->canvas, FONT_UI, ui->field.x,
                    row.y + (row.h - fonts_height(ui->fonts, FONT_UI)) / 2, ui->field.w,
                    hint, p->quiet);
    else
        draw_text(ui, ui->field);
    canvas_unclip(&ui->canvas);
}
