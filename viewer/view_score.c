/* view_score.c - a roll of tokens against the experts of one layer, like a piano's. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "ui.h"

struct roll {
    struct box box; /* of all notes */
    float row_h;
    int column;     /* width of a token */
    uint64_t first; /* token in the leftmost column */
    uint64_t n;     /* columns */
    int text_h;     /* strip of token text below the notes; 0 = no room */
};

static struct roll make_roll(struct ui *ui, struct box in)
{
    const struct scene *s = ui->state;
    const uint32_t n_expert = s->source->facts.n_expert;
    struct roll r = {.box = in};
    box_take_left(&r.box, ui_px(ui, 26));
    r.column = ui_px(ui, 13);
    r.text_h = in.h > ui_px(ui, 120) ? fonts_height(ui->fonts, FONT_SMALL) + 2 : 0;
    r.box.h -= r.text_h;
    r.row_h = (float)r.box.h / (float)(n_expert ? n_expert : 1);
    r.n = (uint64_t)(r.box.w / r.column);
    /* The cursor stands at two thirds, so that what comes next is seen, too. */
    const uint64_t lead = r.n * 2 / 3;
    r.first = s->cursor > lead ? s->cursor - lead : 0;
    if (r.first + r.n > s->n_token)
        r.first = s->n_token > r.n ? s->n_token - r.n : 0;
    return r;
}

static void draw_column(struct ui *ui, const struct roll *r, uint64_t token)
{
    struct scene *s = ui->state;
    const struct lem_trace_facts *f = &s->source->facts;
    const int x = r->box.x + (int)(token - r->first) * r->column;
    const struct box column = {x, r->box.y, r->column, r->box.h + r->text_h};
    if (token == s->cursor)
        canvas_blend(&ui->canvas, column, ui->palette.accent, 34);
    if ((int64_t)token == s->hover)
        canvas_blend(&ui->canvas, column, ui->palette.accent, 18);
    ui_add_hit(ui, (struct hit){.box = column, .kind = HIT_TOKEN, .token = token});
    if (!ui_routing(ui, token))
        return;
    const size_t at = (size_t)s->layer * f->n_expert_used;
    for (uint32_t k = 0; k < f->n_expert_used; k++) {
        const uint16_t e = ui->ids[at + k];
        if (e == LEM_NO_EXPERT)
            break;
        const float w = ui->weights[at + k];
        const int y0 = r->box.y + (int)((float)e * r->row_h);
        const int y1 = r->box.y + (int)((float)(e + 1) * r->row_h);
        const int least = ui_px(ui, 2); /* of many experts one is still seen */
        const int h = y1 - y0 > 3 ? y1 - y0 - 1 : y1 - y0 > least ? y1 - y0 : least;
        const bool dim = s->expert != SCENE_NONE && s->expert != e;
        const float floor = h > ui_px(ui, 3) ? 0.18f : 0.4f;
        const int alpha =
            (int)(255 * (floor + (1 - floor) * (w > 0 ? w < 1 ? w : 1 : 0)));
        canvas_round(&ui->canvas, (struct box){x + 1, y0, r->column - 2, h}, 2,
                     palette_expert(&ui->palette, e), dim ? alpha / 5 : alpha);
    }
}

/* The token's text without the space in front; false when it has none. */
static bool word_of(struct ui *ui, uint64_t token, char *out, size_t cap)
{
    char piece[64];
    const size_t n = source_piece(ui->state->source, token, piece, sizeof piece);
    if (n == 0 || n > sizeof piece)
        return false;
    const size_t skip = piece[0] == ' ' && n > 1 ? 1 : 0;
    ui_piece(piece + skip, n - skip, out, cap);
    return true;
}

/* The cursor's word always; of the others those that have room. */
static void draw_words(struct ui *ui, const struct roll *r)
{
    const uint64_t cursor = ui->state->cursor;
    const int most = ui_px(ui, 90), gap = ui_px(ui, 5);
    const int y = r->box.y + r->box.h + 2;
    int here = r->box.x + (int)(cursor - r->first) * r->column;
    char word[80];
    int here_w = 0, free_from = r->box.x;
    if (r->text_h == 0)
        return;
    canvas_clip(&ui->canvas, (struct box){r->box.x, y, r->box.w, r->text_h + 4});
    if (word_of(ui, cursor, word, sizeof word)) {
        const int right = r->box.x + r->box.w;
        here_w = fonts_width(ui->fonts, FONT_SMALL, word, strlen(word));
        here_w = here_w < most ? here_w : most;
        here = here + here_w > right ? right - here_w : here;
        fonts_label(ui->fonts, &ui->canvas, FONT_SMALL, here + 1, y, most, word,
                    ui->palette.text);
    }
    for (uint64_t i = 0; i < r->n && r->first + i < ui->state->n_token; i++) {
        const int x = r->box.x + (int)i * r->column;
        if (x < free_from || r->first + i == cursor ||
            !word_of(ui, r->first + i, word, sizeof word))
            continue;
        const int w = fonts_width(ui->fonts, FONT_SMALL, word, strlen(word));
        const int end = x + (w < most ? w : most) + gap;
        if (end > here && x < here + here_w + gap)
            continue;
        fonts_label(ui->fonts, &ui->canvas, FONT_SMALL, x + 1, y, most, word,
                    ui->palette.faint);
        free_from = end;
    }
    canvas_unclip(&ui->canvas);
}

static void draw_rows(struct ui *ui, const struct roll *r, struct box in)
{
    const struct scene *s = ui->state;
    const uint32_t n = s->source->facts.n_expert;
    const int label_h = fonts_height(ui->fonts, FONT_SMALL);
    const uint32_t step = ui_label_step(r->row_h, label_h + (r->row_h < 4 ? 4 : 1));
    for (uint32_t e = 0; e < n; e++) {
        const int y = r->box.y + (int)((float)e * r->row_h);
        const int h = (int)((float)(e + 1) * r->row_h) - (int)((float)e * r->row_h);
        if (e % 2 == 0 && h > 2)
            canvas_blend(&ui->canvas, (struct box){r->box.x, y, r->box.w, h},
                         ui->palette.raised, 70);
        ui_add_hit(ui, (struct hit){.box = {in.x, y, r->box.x - in.x, h ? h : 1},
                                    .kind = HIT_CELL,
                                    .layer = s->layer,
                                    .expert = (int)e});
        if (e % step != 0)
            continue;
        const int middle = y + (h - label_h) / 2;
        const int last = r->box.y + r->box.h - label_h;
        const int above = middle < last ? middle : last;
        const int label_y = above > r->box.y ? above : r->box.y;
        const bool chosen = s->expert == (int)e;
        ui_line(ui, FONT_SMALL, in.x, label_y, ui_px(ui, 24),
                chosen ? ui->palette.text : ui->palette.faint, "%u", e);
    }
}

void view_score(struct ui *ui, struct box b)
{
    struct scene *s = ui->state;
    const struct lem_trace_facts *f = &s->source->facts;
    char title[64];
    snprintf(title, sizeof title, "Score, layer %u",
             f->n_layer_moe ? f->layer[s->layer] : 0);
    struct box in = ui_panel(ui, b, f->n_layer_moe ? title : "Score",
                             "a column per token, a row per expert");
    if (f->n_layer_moe == 0 || s->n_token == 0)
        return;
    const struct roll r = make_roll(ui, in);
    canvas_clip(&ui->canvas, in);
    draw_rows(ui, &r, in);
    for (uint64_t i = 0; i < r.n && r.first + i < s->n_token; i++)
        draw_column(ui, &r, r.first + i);
    canvas_unclip(&ui->canvas);
    draw_words(ui, &r);
}
