/* view_text.c - the text, each token on the colour of what it is asked to tell. */
#include <stdio.h>
#include <string.h>

#include "font_script.h"
#include "lemnos/text.h"
#include "ui.h"

enum { MAX_LINES = 2000, PIECE = 256, MAX_STRETCH = 90, MAX_PART = 24, MAX_MARK = 8 };

/* What of a stretch is one token's. */
struct part {
    uint64_t token;
    size_t from; /* byte */
    uint32_t color;
    int alpha;
};

/* Tokens next to each other in a line that are read from the right: they are shaped as
 * one text, for letters join across tokens, and the first stands at the right. */
struct stretch {
    char text[MAX_STRETCH];
    size_t n;
    int x; /* of its left end */
    struct part part[MAX_PART];
    int n_part;
};

/* One pass over the tokens in view: first to find the cursor's line, then to draw. */
struct pen {
    struct ui *ui;
    struct box box;
    int x, y, line_height;
    bool draw;
    int cursor_line, line;
    char held[PIECE + 8]; /* bytes of a character that is not whole yet */
    size_t n_held;
    struct stretch stretch;
    struct box mark[MAX_MARK]; /* where the cursor's token stands: framed at the end */
    int n_mark;
};

/* Begin at a paragraph not too far before the cursor, so that lines stay put; where none
 * begins there, in the middle of one. */
static uint64_t first_token(struct scene *s, uint64_t reach)
{
    const uint64_t from = s->cursor > reach ? s->cursor - reach : 0;
    for (uint64_t i = from; i > 0 && i < from + 200 && i <= s->cursor; i++) {
        char piece[PIECE];
        const size_t n = source_piece(s->source, i - 1, piece, sizeof piece);
        if (n > 0 && n <= sizeof piece && memchr(piece, '\n', n))
            return i;
    }
    return from;
}

/* Colour and strength behind a token. */
static uint32_t token_color(struct ui *ui, uint64_t i, int *alpha)
{
    const struct scene *s = ui->state;
    const struct lem_trace_facts *f = &s->source->facts;
    const float *w = ui->weights + (size_t)s->layer * f->n_expert_used;
    *alpha = 0;
    if (s->color == COLOR_PROBABILITY) {
        struct lem_trace_token t;
        if (!source_token(s->source, i, &t) || !(t.probability >= 0))
            return 0;
        *alpha = 150;
        return palette_ramp(&ui->palette, 1 - t.probability);
    }
    if (s->color == COLOR_NONE || f->n_layer_moe == 0 || !ui_routing(ui, i))
        return 0;
    if (s->color == COLOR_ENTROPY) {
        *alpha = 150;
        return palette_ramp(&ui->palette, stats_gate_entropy(w, f->n_expert_used));
    }
    const uint16_t expert = ui->ids[(size_t)s->layer * f->n_expert_used];
    if (expert == LEM_NO_EXPERT)
        return 0;
    const bool other = s->expert != SCENE_NONE && s->expert != expert;
    *alpha = other ? 10 : (int)(26 + 104 * (w[0] < 1 ? w[0] : 1));
    return palette_expert(&ui->palette, expert);
}

/* The token's colour, and what marks it, behind its text. */
static void draw_back(struct pen *p, uint64_t i, struct box b, uint32_t color, int alpha)
{
    struct ui *ui = p->ui;
    const struct scene *s = ui->state;
    const struct box back = {b.x, b.y + ui_px(ui, 2), b.w, b.h - ui_px(ui, 4)};
    if (alpha)
        canvas_round(&ui->canvas, back, ui_px(ui, 3), color, alpha);
    if (i == s->cursor && p->n_mark < MAX_MARK)
        p->mark[p->n_mark++] = back;
    else if ((int64_t)i == s->hover)
        canvas_frame(&ui->canvas, back, ui_px(ui, 1), ui->palette.accent);
    if ((int64_t)i == s->pin)
        canvas_fill(&ui->canvas,
                    (struct box){b.x, b.y + b.h - ui_px(ui, 2), b.w, ui_px(ui, 2)},
                    ui->palette.warn);
    ui_add_hit(ui, (struct hit){.box = b, .kind = HIT_TOKEN, .token = i});
}

static void draw_text(struct pen *p, uint64_t i, int x, const char *text, size_t n)
{
    struct ui *ui = p->ui;
    const struct scene *s = ui->state;
    const struct palette *c = &ui->palette;
    const bool prompt = i < s->source->n_prompt;
    fonts_draw(ui->fonts, &ui->canvas, FONT_READ, x,
               p->y + (p->line_height - fonts_height(ui->fonts, FONT_READ)) / 2, text, n,
               prompt ? palette_mix(c->text, c->quiet, 0.45f) : c->text,
               i > s->cursor ? 120 : 255);
}

static bool is_line_seen(const struct pen *p)
{
    return p->draw && p->y + p->line_height > p->box.y && p->y < p->box.y + p->box.h;
}

/* ---- from the right ------------------------------------------------------------------
 */

static bool reads_from_right(const struct pen *p, const char *text, size_t n)
{
    size_t at = 0;
    while (at < n && text[at] == ' ')
        at++;
    return at < n && n <= MAX_STRETCH && fonts_are_real(p->ui->fonts) &&
           font_first_run(text + at, n - at).from_right;
}

/* Each token draws its part of the whole text, which has its ends where the text up to
 * there would end. */
static void end_stretch(struct pen *p)
{
    struct ui *ui = p->ui;
    struct stretch *t = &p->stretch;
    const struct box clip = ui->canvas.clip;
    int before = 0;
    if (is_line_seen(p) && t->n) {
        const int all = fonts_width(ui->fonts, FONT_READ, t->text, t->n);
        for (int i = 0; i < t->n_part; i++) {
            const struct part *part = &t->part[i];
            const size_t to = i + 1 < t->n_part ? part[1].from : t->n;
            int upto = fonts_width(ui->fonts, FONT_READ, t->text, to);
            upto = upto > before ? upto < all ? upto : all : before;
            const struct box b = {t->x + all - upto, p->y, upto - before, p->line_height};
            draw_back(p, part->token, b, part->color, part->alpha);
            canvas_clip(&ui->canvas, box_meet(clip, b));
            draw_text(p, part->token, t->x, t->text, t->n);
            canvas_clip(&ui->canvas, clip);
            before = upto;
        }
    }
    t->n = 0;
    t->n_part = 0;
}

/* One script is shaped at a time. */
static bool goes_on(const struct stretch *t, const char *text, size_t n)
{
    char both[2 * MAX_STRETCH];
    memcpy(both, t->text, t->n);
    memcpy(both + t->n, text, n);
    return t->n == 0 || font_first_run(both, t->n + n).n > t->n;
}

static void add_to_stretch(struct pen *p, uint64_t i, const char *text, size_t n,
                           uint32_t color, int alpha)
{
    struct stretch *t = &p->stretch;
    if (t->n + n > MAX_STRETCH || t->n_part == MAX_PART || !goes_on(t, text, n))
        end_stretch(p);
    if (t->n == 0)
        t->x = p->x;
    t->part[t->n_part++] = (struct part){i, t->n, color, alpha};
    memcpy(t->text + t->n, text, n);
    t->n += n;
    p->x = t->x + fonts_width(p->ui->fonts, FONT_READ, t->text, t->n);
}

/* ---- lines ----------------------------------------------------------------------------
 */

static void new_line(struct pen *p)
{
    end_stretch(p);
    p->x = p->box.x;
    p->y += p->line_height;
    p->line++;
}

/* Width of the tokens after `i` up to the next white space. */
static int word_rest(struct ui *ui, uint64_t i)
{
    int w = 0;
    for (uint64_t k = i + 1; k < i + 8; k++) {
        char piece[PIECE];
        const size_t n = source_piece(ui->state->source, k, piece, sizeof piece);
        if (n == 0 || n > sizeof piece || piece[0] == ' ' || piece[0] == '\n')
            break;
        w += fonts_width(ui->fonts, FONT_READ, piece, n);
    }
    return w;
}

static void draw_run(struct pen *p, uint64_t i, const char *text, size_t n,
                     uint32_t color, int alpha)
{
    const int width = fonts_width(p->ui->fonts, FONT_READ, text, n);
    const struct box b = {p->x, p->y, width, p->line_height};
    p->x += width;
    if (!is_line_seen(p))
        return;
    draw_back(p, i, b, color, alpha);
    draw_text(p, i, b.x, text, n);
}

/* What of a token has no line break in it. */
static void put_run(struct pen *p, uint64_t i, const char *text, size_t n, uint32_t color,
                    int alpha)
{
    struct ui *ui = p->ui;
    const int w = fonts_width(ui->fonts, FONT_READ, text, n);
    /* Break before a word with all its tokens; inside one only where it must be. */
    const int right = p->box.x + p->box.w;
    const bool near = text[0] == ' ' && p->x + w + ui_px(ui, 160) > right;
    const int need = near ? w + word_rest(ui, i) : w;
    if (p->x + need > right && p->x > p->box.x) {
        new_line(p);
        /* A space that only parted words is not carried over. */
        if (text[0] == ' ' && n > 1) {
            text++;
            n--;
        }
    }
    if (!reads_from_right(p, text, n)) {
        end_stretch(p);
        draw_run(p, i, text, n, color, alpha);
        return;
    }
    const struct stretch *t = &p->stretch;
    if (text[0] == ' ' && (t->n == 0 || !goes_on(t, text, n))) {
        end_stretch(p); /* the space parts them from what is at the left */
        draw_run(p, i, text, 1, color, alpha);
        text++;
        n--;
    }
    add_to_stretch(p, i, text, n, color, alpha);
}

static void put_token(struct pen *p, uint64_t i)
{
    char *text = p->held;
    const size_t n = source_piece(p->ui->state->source, i, text + p->n_held, PIECE);
    const size_t all = p->n_held + (n <= PIECE ? n : 0);
    const size_t whole = lem_utf8_whole(text, all);
    int alpha = 0;
    uint32_t color = 0;
    if (p->draw)
        color = token_color(p->ui, i, &alpha);
    if (p->draw && i > p->ui->state->cursor)
        alpha /= 3;
    if (i == p->ui->state->cursor)
        p->cursor_line = p->line;
    for (size_t at = 0; at < whole;) {
        const char *end = memchr(text + at, '\n', whole - at);
        const size_t part = end ? (size_t)(end - text) - at : whole - at;
        if (part)
            put_run(p, i, text + at, part, color, alpha);
        else if (p->draw && i == p->ui->state->cursor)
            canvas_fill(&p->ui->canvas,
                        (struct box){p->x, p->y + ui_px(p->ui, 3), ui_px(p->ui, 3),
                                     p->line_height - ui_px(p->ui, 6)},
                        p->ui->palette.accent);
        at += part;
        if (end) {
            new_line(p);
            at++;
        }
    }
    p->n_held = all - whole < 8 ? all - whole : 0;
    memmove(p->held, text + all - p->n_held, p->n_held);
}

static void walk(struct pen *p, uint64_t from, uint64_t to)
{
    p->x = p->box.x;
    p->line = 0;
    p->n_held = 0;
    for (uint64_t i = from; i < to && p->line < MAX_LINES; i++) {
        put_token(p, i);
        if (p->draw && p->y > p->box.y + p->box.h)
            break;
    }
    end_stretch(p);
}

/* Clicking the legend changes what it explains. */
static void draw_legend(struct ui *ui, struct box *b)
{
    struct box row = box_take_bottom(b, ui_px(ui, 30));
    struct scene *s = ui->state;
    char label[96];
    snprintf(label, sizeof label, "Colour: %s", scene_color_name(s->color));
    ui_button(ui, &row, label, CMD_COLOR, false);
    if (s->color != COLOR_ENTROPY && s->color != COLOR_PROBABILITY)
        return;
    const int h = ui_px(ui, 8), w = ui_px(ui, 90);
    const int y = row.y + (row.h - h) / 2;
    const int text_y = row.y + (row.h - fonts_height(ui->fonts, FONT_SMALL)) / 2;
    const char *low = s->color == COLOR_ENTROPY ? "one expert" : "sure";
    const char *high = s->color == COLOR_ENTROPY ? "many" : "surprised";
    int x = row.x +
            fonts_label(ui->fonts, &ui->canvas, FONT_SMALL, row.x, text_y, row.w, low,
                        ui->palette.quiet) +
            ui_px(ui, 6);
    for (int i = 0; i < w; i++)
        canvas_fill(&ui->canvas, (struct box){x + i, y, 1, h},
                    palette_ramp(&ui->palette, (float)i / (float)w));
    fonts_label(ui->fonts, &ui->canvas, FONT_SMALL, x + w + ui_px(ui, 6), text_y, row.w,
                high, ui->palette.quiet);
}

/* Around the token, not over it: a full stop is no wider than the frame. */
static void draw_marks(const struct pen *p, struct box in)
{
    const int out = ui_px(p->ui, 2);
    canvas_clip(&p->ui->canvas, box_inset(in, -out));
    for (int i = 0; i < p->n_mark; i++)
        canvas_frame(&p->ui->canvas, box_inset(p->mark[i], -out), out,
                     p->ui->palette.accent);
}

void view_text(struct ui *ui, struct box b)
{
    struct scene *s = ui->state;
    char note[96];
    snprintf(note, sizeof note, "token %llu of %llu",
             (unsigned long long)(s->n_token ? s->cursor + 1 : 0),
             (unsigned long long)s->n_token);
    struct box in = ui_panel(ui, b, "Text", note);
    draw_legend(ui, &in);
    const int most_w = ui_px(ui, 820); /* longer lines lose the eye on its way back */
    if (in.w > most_w) {
        in.x += (in.w - most_w) / 2;
        in.w = most_w;
    }
    struct pen p = {.ui = ui, .box = in};
    p.line_height = fonts_height(ui->fonts, FONT_READ) + ui_px(ui, 7);
    /* Whole lines only. */
    p.box.h = in.h = in.h / p.line_height * p.line_height;
    canvas_clip(&ui->canvas, in);
    /* More tokens than fit, were they all short: what a frame costs hangs on the size of
     * the panel and not on that of the text. */
    const int lines = in.h / p.line_height + 1;
    const uint64_t reach = (uint64_t)(lines * (in.w / ui_px(ui, 16) + 1));
    const uint64_t from = first_token(s, reach);
    const uint64_t to = s->cursor + reach < s->n_token ? s->cursor + reach : s->n_token;
    p.y = in.y;
    walk(&p, from, to);
    const int visible = in.h / p.line_height;
    const int wanted = p.cursor_line - visible * 2 / 3;
    const int last = p.line + 1 - visible; /* no empty room below the text's end */
    int top = wanted < last ? wanted : last;
    top = top > 0 ? top : 0;
    p.y = in.y - top * p.line_height;
    p.draw = true;
    walk(&p, from, to);
    draw_marks(&p, in);
    canvas_unclip(&ui->canvas);
}
