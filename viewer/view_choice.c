/* view_choice.c - the experts that one token took, layer by layer, as small plates; and
 * the card that a token shows under the mouse. */
#include <stdio.h>
#include <string.h>

#include "ui.h"

/* How plates stand in a width and a height: with the expert's number where it fits, and
 * with its weight where that does, too. */
struct plates {
    int label_w, w, h, gap;
    bool named, weighted;
};

int view_plate_width(struct ui *ui)
{
    const char *widest =
        ui->state->source->facts.n_expert <= 100 ? "00 .000" : "000 .000";
    return fonts_width(ui->fonts, FONT_SMALL, widest, strlen(widest)) + ui_px(ui, 5);
}

static struct plates plates_of(struct ui *ui, int width, int most_h)
{
    const struct lem_trace_facts *f = &ui->state->source->facts;
    const int n = (int)f->n_expert_used;
    const int text_h = fonts_height(ui->fonts, FONT_SMALL);
    struct plates p = {.label_w = ui_px(ui, 24),
                       .gap = ui_px(ui, 1) > 1 ? ui_px(ui, 1) : 1};
    p.h = most_h / (int)f->n_layer_moe;
    p.h = p.h > text_h + ui_px(ui, 2) ? text_h + ui_px(ui, 2) : p.h;
    p.w = (width - p.label_w) / (n ? n : 1);
    const int whole = view_plate_width(ui);
    p.named = p.h >= text_h - ui_px(ui, 2) &&
              p.w >= fonts_width(ui->fonts, FONT_SMALL, "000", 3) + 2;
    p.weighted = p.named && p.w >= whole;
    const int most = p.weighted ? whole : ui_px(ui, 44);
    p.w = p.w < most ? p.w : most;
    return p;
}

int view_choice_height(struct ui *ui, int width, int most_h)
{
    const uint32_t n_layer = ui->state->source->facts.n_layer_moe;
    return n_layer ? plates_of(ui, width, most_h).h * (int)n_layer : 0;
}

void view_plate(struct ui *ui, struct box b, uint16_t expert, float weight,
                enum plate_says says)
{
    const uint32_t color = palette_expert(&ui->palette, expert);
    const float w = weight > 0 ? weight < 1 ? weight : 1 : 0;
    const uint32_t fill = palette_mix(ui->palette.raised, color, 0.25f + 0.75f * w);
    char label[32];
    canvas_round(&ui->canvas, b, b.h > 8 ? ui_px(ui, 2) : 0, fill, 255);
    if (says == PLATE_NOTHING)
        return;
    const unsigned part = (unsigned)(1000 * w + 0.5f);
    const int n = says == PLATE_NAME ? snprintf(label, sizeof label, "%u", expert)
                  : part < 1000 ? snprintf(label, sizeof label, "%u .%03u", expert, part)
                                : snprintf(label, sizeof label, "%u 1.0", expert);
    const int text_w = fonts_width(ui->fonts, FONT_SMALL, label, (size_t)n);
    fonts_draw(ui->fonts, &ui->canvas, FONT_SMALL, b.x + (b.w - text_w) / 2,
               b.y + (b.h - fonts_height(ui->fonts, FONT_SMALL)) / 2, label, (size_t)n,
               palette_ink(fill), 255);
}

int view_choice(struct ui *ui, struct box in, uint64_t token)
{
    const struct lem_trace_facts *f = &ui->state->source->facts;
    if (f->n_layer_moe == 0 || !ui_routing(ui, token))
        return 0;
    const struct plates p = plates_of(ui, in.w, in.h);
    const int text_h = fonts_height(ui->fonts, FONT_SMALL);
    const uint32_t step = ui_label_step((float)p.h, text_h - 2);
    const enum plate_says says = p.weighted ? PLATE_WEIGHT
                                 : p.named  ? PLATE_NAME
                                            : PLATE_NOTHING;
    for (uint32_t layer = 0; layer < f->n_layer_moe && p.h > 0; layer++) {
        const int y = in.y + (int)layer * p.h;
        const int label_y = y + (p.h - text_h) / 2;
        if (layer % step == 0)
            ui_line(ui, FONT_SMALL, in.x, label_y, p.label_w,
                    layer == ui->state->layer ? ui->palette.text : ui->palette.faint,
                    "%u", f->layer[layer]);
        for (uint32_t k = 0; k < f->n_expert_used; k++) {
            const size_t at = (size_t)layer * f->n_expert_used + k;
            if (ui->ids[at] == LEM_NO_EXPERT)
                break;
            const struct box b = {in.x + p.label_w + (int)k * p.w, y, p.w - p.gap,
                                  p.h - p.gap};
            view_plate(ui, b, ui->ids[at], ui->weights[at], says);
            ui_add_hit(ui, (struct hit){.box = b,
                                        .kind = HIT_CELL,
                                        .layer = layer,
                                        .expert = ui->ids[at]});
        }
    }
    return p.h * (int)f->n_layer_moe;
}

/* ---- the card -----------------------------------------------------------------------
 */

static int draw_runners(struct ui *ui, struct box in, const struct lem_trace_token *t)
{
    const int line = fonts_height(ui->fonts, FONT_SMALL) + ui_px(ui, 1);
    int n = 0;
    for (int i = 0; i < LEM_TRACE_RUNNERS && t->runner[i].id >= 0; i++, n++) {
        char name[48], value[24];
        const int y = in.y + n * line;
        ui_piece(t->runner[i].piece, t->runner[i].n_piece, name, sizeof name);
        snprintf(value, sizeof value, "%.1f %%", 100 * (double)t->runner[i].probability);
        const int w = fonts_width(ui->fonts, FONT_SMALL, value, strlen(value));
        fonts_label(ui->fonts, &ui->canvas, FONT_SMALL, in.x, y, in.w - w - ui_px(ui, 8),
                    name, ui->palette.quiet);
        fonts_label(ui->fonts, &ui->canvas, FONT_SMALL, in.x + in.w - w, y, w, value,
                    ui->palette.quiet);
    }
    return n * line;
}

static int runner_lines(const struct lem_trace_token *t)
{
    int n = 0;
    while (n < LEM_TRACE_RUNNERS && t->runner[n].id >= 0)
        n++;
    return n;
}

/* Beside the mouse, where all of it is seen. */
static struct box card_box(struct ui *ui, int w, int h)
{
    const int off = ui_px(ui, 16), edge = ui_px(ui, 6);
    struct box b = {ui->mouse_x + off, ui->mouse_y + off, w, h};
    if (b.x + b.w > ui->canvas.w - edge)
        b.x = ui->mouse_x - off - w;
    if (b.y + b.h > ui->canvas.h - edge)
        b.y = ui->mouse_y - off - h;
    b.x = b.x > edge ? b.x : edge;
    b.y = b.y > edge ? b.y : edge;
    return b;
}

static void draw_head(struct ui *ui, struct box *in, uint64_t i,
                      const struct lem_trace_token *t)
{
    char piece[64], shown[96], text[128];
    const size_t n = source_piece(ui->state->source, i, piece, sizeof piece);
    const int strong = fonts_height(ui->fonts, FONT_STRONG),
              small = fonts_height(ui->fonts, FONT_SMALL);
    ui_piece(piece, n <= sizeof piece ? n : 0, shown, sizeof shown);
    struct box row = box_take_top(in, strong + ui_px(ui, 2));
    fonts_label(ui->fonts, &ui->canvas, FONT_STRONG, row.x, row.y, row.w, shown,
                ui->palette.text);
    row = box_take_top(in, small + ui_px(ui, 4));
    if (t->probability >= 0)
        snprintf(text, sizeof text, "token %llu   id %d   %.1f %%",
                 (unsigned long long)i + 1, (int)t->id, 100 * (double)t->probability);
    else
        snprintf(text, sizeof text, "token %llu   id %d%s", (unsigned long long)i + 1,
                 (int)t->id, t->prompt ? "   prompt" : "");
    fonts_label(ui->fonts, &ui->canvas, FONT_SMALL, row.x, row.y, row.w, text,
                ui->palette.quiet);
}

void view_card(struct ui *ui)
{
    const struct scene *s = ui->state;
    struct lem_trace_token t;
    if (s->hover == SCENE_NONE || ui->mouse_x < 0 || s->help ||
        !source_token(s->source, (uint64_t)s->hover, &t))
        return;
    const int pad = ui_px(ui, 10), w = ui_px(ui, 220),
              line = fonts_height(ui->fonts, FONT_SMALL) + ui_px(ui, 1);
    const int runners = runner_lines(&t);
    const int most = ui->canvas.h / 2;
    const int choice = view_choice_height(ui, w - 2 * pad, most);
    const int head = fonts_height(ui->fonts, FONT_STRONG) +
                     fonts_height(ui->fonts, FONT_SMALL) + ui_px(ui, 6);
    const int h = 2 * pad + head + (runners ? runners * line + ui_px(ui, 6) : 0) + choice;
    const struct box b = card_box(ui, w, h);
    const uint32_t n_hit = ui->n_hit;
    canvas_unclip(&ui->canvas);
    canvas_round(&ui->canvas, (struct box){b.x - 1, b.y - 1, b.w + 2, b.h + 2},
                 ui_px(ui, 8), ui->palette.line, 255);
    canvas_round(&ui->canvas, b, ui_px(ui, 8), ui->palette.panel, 255);
    struct box in = box_inset(b, pad);
    draw_head(ui, &in, (uint64_t)s->hover, &t);
    if (runners)
        box_take_top(&in, draw_runners(ui, in, &t) + ui_px(ui, 6));
    view_choice(ui, (struct box){in.x, in.y, in.w, most}, (uint64_t)s->hover);
    ui->n_hit = n_hit; /* the card only shows: what lies below it answers the mouse */
}
