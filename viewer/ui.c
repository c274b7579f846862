/* ui.c - what every view draws with, and what a click means. */
#include "ui.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool ui_open(struct ui *ui, struct scene *state, struct stats *stats, int w, int h,
             float scale, bool builtin_font)
{
    const struct lem_trace_facts *f = &state->source->facts;
    const size_t pairs = (size_t)f->n_layer_moe * f->n_expert_used + 1;
    *ui = (struct ui){
        .state = state, .stats = stats, .scale = scale, .mouse_x = -1, .mouse_y = -1};
    ui->builtin = builtin_font;
    ui->fonts = fonts_open(scale, builtin_font);
    ui->hit = calloc(UI_MAX_HIT, sizeof *ui->hit);
    ui->ids = calloc(pairs, sizeof *ui->ids);
    ui->weights = calloc(pairs, sizeof *ui->weights);
    ui->margins = calloc(f->n_layer_moe + 1u, sizeof *ui->margins);
    ui->next = calloc(f->n_layer_moe + 1u, sizeof *ui->next);
    ui->shown = calloc((size_t)f->n_layer_moe * f->n_expert + 1, sizeof *ui->shown);
    if (canvas_open(&ui->canvas, w, h) && ui->fonts && ui->hit && ui->ids &&
        ui->weights && ui->margins && ui->next && ui->shown &&
        groups_open(&ui->groups, state->source) &&
        steer_open(&ui->steer, state->source, state->policy_path)) {
        state->steer = &ui->steer;
        steer_sync(&ui->steer, state->cursor);
        return true;
    }
    ui_close(ui);
    return false;
}

void ui_close(struct ui *ui)
{
    canvas_close(&ui->canvas);
    fonts_close(&ui->fonts);
    steer_close(&ui->steer);
    ab_close(&ui->ab);
    groups_close(&ui->groups);
    if (ui->state)
        ui->state->steer = NULL;
    free(ui->hit);
    free(ui->ids);
    free(ui->weights);
    free(ui->shown);
    free(ui->margins);
    free(ui->next);
    *ui = (struct ui){0};
}

bool ui_resize(struct ui *ui, int w, int h)
{
    struct canvas next;
    if (!canvas_open(&next, w, h)) {
        canvas_close(&next);
        return false;
    }
    canvas_close(&ui->canvas);
    ui->canvas = next;
    return true;
}

int ui_px(const struct ui *ui, float points)
{
    return (int)(points * ui->scale + 0.5f);
}

/* ---- the mouse ----------------------------------------------------------------------
 */

void ui_add_hit(struct ui *ui, struct hit hit)
{
    hit.box = box_meet(hit.box, ui->canvas.clip);
    if (ui->n_hit < UI_MAX_HIT && hit.box.w > 0 && hit.box.h > 0)
        ui->hit[ui->n_hit++] = hit;
}

const struct hit *ui_hit_at(const struct ui *ui, int x, int y)
{
    for (uint32_t i = ui->n_hit; i-- > 0;)
        if (box_holds(ui->hit[i].box, x, y))
            return &ui->hit[i];
    return NULL;
}

bool ui_hovers(const struct ui *ui, struct box b)
{
    return box_holds(b, ui->mouse_x, ui->mouse_y);
}

void ui_hover(struct ui *ui, int x, int y)
{
    const struct hit *h = ui_hit_at(ui, x, y);
    ui->mouse_x = x;
    ui->mouse_y = y;
    ui->state->hover = h && h->kind == HIT_TOKEN ? (int64_t)h->token : SCENE_NONE;
}

/* The same again lets go of it. */
static void click_cell(struct ui *ui, const struct hit *h)
{
    struct scene *s = ui->state;
    const bool same = s->layer == h->layer && s->expert == h->expert;
    steer_pick(&ui->steer, h->layer, (uint32_t)h->expert, STEER_ONLY);
    if (same)
        steer_pick_none(&ui->steer);
    scene_select(s, h->layer, same ? SCENE_NONE : h->expert);
}

void ui_click(struct ui *ui, int x, int y)
{
    const struct hit *h = ui_hit_at(ui, x, y);
    struct scene *s = ui->state;
    if (!h)
        return;
    s->typing = s->typing && h->kind == HIT_FIELD;
    switch (h->kind) {
    case HIT_TOKEN:
        s->playing = s->playing && s->source->live;
        scene_seek(s, h->token);
        break;
    case HIT_CELL:
        click_cell(ui, h);
        break;
    case HIT_LAYER:
        scene_select(s, h->layer, s->expert);
        break;
    case HIT_COMMAND:
        scene_do(s, h->command);
        break;
    case HIT_SEEK:
        if (s->n_token && h->box.w > 0)
            scene_seek(
                s, (uint64_t)((double)(x - h->box.x) / h->box.w * (double)s->n_token));
        break;
    case HIT_SLIDER:
        if (h->box.w > 0)
            steer_slide(&ui->steer, (enum steer_setting)h->layer,
                        (float)(x - h->box.x) / (float)h->box.w);
        break;
    case HIT_UNDO:
        steer_undo_row(&ui->steer, h->layer);
        break;
    case HIT_FIELD:
        s->typing = true;
        edit_place(&s->prompt, view_field_at(ui, x), false);
        break;
    case HIT_SCROLL:
        scroll_to(ui, y);
        break;
    case HIT_NOTHING:
        break;
    }
}

void ui_click_more(struct ui *ui, int x, int y)
{
    const struct hit *h = ui_hit_at(ui, x, y);
    if (!h || h->kind != HIT_CELL) {
        ui_click(ui, x, y);
        return;
    }
    steer_pick(&ui->steer, h->layer, (uint32_t)h->expert, STEER_TOGGLE);
    scene_select(ui->state, h->layer, h->expert);
}

void ui_drag_cells(struct ui *ui, int x, int y)
{
    const struct hit *h = ui_hit_at(ui, x, y);
    if (h && h->kind == HIT_CELL)
        steer_drag(&ui->steer, h->layer, (uint32_t)h->expert);
}

/* ---- shared pieces -------------------------------------------------------------------
 */

/* A click on a panel's title shows the panel alone, where there is room for others. */
static void offer_title(struct ui *ui, struct box b, struct box row, const char *title)
{
    if (ui->panel == VIEW_OVERVIEW)
        return;
    const int w = fonts_width(ui->fonts, FONT_STRONG, title, strlen(title));
    const struct box name = {b.x, b.y, (w < row.w ? w : row.w) + row.x - b.x,
                             row.y + row.h - b.y};
    ui_add_hit(ui, (struct hit){.box = name,
                                .kind = HIT_COMMAND,
                                .command = (enum command)(CMD_VIEW_0 + (int)ui->panel)});
    const struct box under = {row.x - ui_px(ui, 6), row.y - ui_px(ui, 2),
                              name.x + name.w - row.x + ui_px(ui, 12),
                              row.h + ui_px(ui, 4)};
    if (ui_hovers(ui, name))
        canvas_round(&ui->canvas, under, ui_px(ui, 5), ui->palette.raised, 255);
}

struct box ui_panel(struct ui *ui, struct box b, const char *title, const char *note)
{
    const struct palette *p = &ui->palette;
    canvas_unclip(&ui->canvas);
    canvas_round(&ui->canvas, b, ui_px(ui, 8), p->panel, 255);
    const int pad = ui_px(ui, 12);
    struct box in = {b.x + pad, b.y + ui_px(ui, 9), b.w - 2 * pad, b.h - ui_px(ui, 19)};
    struct box row = box_take_top(&in, fonts_height(ui->fonts, FONT_STRONG));
    offer_title(ui, b, row, title);
    const int w = fonts_label(ui->fonts, &ui->canvas, FONT_STRONG, row.x, row.y, row.w,
                              title, p->text);
    const int room = row.w - w - ui_px(ui, 12);
    const int y = row.y + (row.h - fonts_height(ui->fonts, FONT_SMALL)) / 2;
    const int note_w = fonts_width(ui->fonts, FONT_SMALL, note, strlen(note));
    if (room > ui_px(ui, 24))
        fonts_label(ui->fonts, &ui->canvas, FONT_SMALL,
                    row.x + row.w - (note_w < room ? note_w : room), y, room, note,
                    p->quiet);
    box_take_top(&in, ui_px(ui, 7));
    return in;
}

uint32_t ui_label_step(float cell, int room)
{
    uint32_t step = 1;
    for (int i = 0; (float)step * cell < (float)room && step < 100000; i++)
        step = i % 3 == 1 ? step / 2 * 5 : step * 2;
    return step;
}

int ui_button_width(struct ui *ui, const char *label)
{
    return fonts_width(ui->fonts, FONT_UI, label, strlen(label)) + ui_px(ui, 18) +
           ui_px(ui, 5);
}

void ui_button(struct ui *ui, struct box *row, const char *label, enum command command,
               bool on)
{
    const struct palette *p = &ui->palette;
    const int w = fonts_width(ui->fonts, FONT_UI, label, strlen(label)) + ui_px(ui, 18);
    const int pad = ui_px(ui, ui->touch ? 9 : 4);
    const int h = fonts_height(ui->fonts, FONT_UI) + 2 * pad;
    if (row->w < w || row->h < fonts_height(ui->fonts, FONT_UI))
        return;
    struct box b = box_take_right(row, w);
    box_take_right(row, ui_px(ui, 5));
    b.y += (b.h - h) / 2;
    b.h = h;
    const bool over = ui_hovers(ui, b);
    canvas_round(&ui->canvas, b, ui_px(ui, 6),
                 over ? palette_mix(p->raised, p->text, 0.15f) : p->raised, 255);
    fonts_draw(ui->fonts, &ui->canvas, FONT_UI, b.x + ui_px(ui, 9), b.y + pad, label,
               strlen(label), on ? p->accent : p->quiet, 255);
    ui_add_hit(ui, (struct hit){.box = b, .kind = HIT_COMMAND, .command = command});
}

int ui_line(struct ui *ui, enum font_style style, int x, int y, int most, uint32_t color,
            const char *fmt, ...)
{
    char text[512];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    fonts_label(ui->fonts, &ui->canvas, style, x, y, most, text, color);
    return fonts_height(ui->fonts, style);
}

void ui_piece(const char *piece, size_t n, char *out, size_t cap)
{
    size_t at = 0;
    for (size_t i = 0; i < n && at + 5 < cap;) {
        size_t used;
        const uint32_t c = font_code_point(piece + i, n - i, &used);
        if (c == '\n' || c == '\t' || c == '\r') {
            out[at++] = '\\';
            out[at++] = c == '\n' ? 'n' : c == '\t' ? 't' : 'r';
        } else if (c == 0xfffd && used == 1) {
            memcpy(out + at, "\xef\xbf\xbd", 3);
            at += 3;
        } else if (c == ' ') {
            memcpy(out + at, "\xc2\xb7", 2); /* a middle dot */
            at += 2;
        } else {
            memcpy(out + at, piece + i, used);
            at += used;
        }
        i += used;
    }
    out[at] = '\0';
}

bool ui_routing(struct ui *ui, uint64_t token)
{
    return token < ui->state->n_token &&
           source_routing(ui->state->source, token, ui->ids, ui->weights);
}
