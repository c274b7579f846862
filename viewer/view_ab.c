/* view_ab.c - the pinned run and the present one side by side, aligned: where they part,
 * and how far the present policies lead away from the pinned ones. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "lemnos/text.h"
#include "ui.h"

enum { PIECE = 256, MAX_ROWS = 400, QUANTUM = 32, MAX_AHEAD = 32 };

/* One frame of it. */
struct pair {
    struct ui *ui;
    struct ab *ab;
    struct source *run[2]; /* pinned, present */
    float worst;           /* divergence that the scale ends at */
    struct box column[2];
    int line_height, row_height;
};

static int32_t token_of(const struct ab_slot *s, int side)
{
    return side ? s->b : s->a;
}

/* ---- rows -----------------------------------------------------------------------------
 */

/* On its way along a row, on both sides at once. */
struct pen {
    int x[2];
    char held[2][8]; /* bytes of a character that is not whole yet */
    size_t n_held[2];
};

/* A slot in a row. */
struct placed {
    char text[2][PIECE + 8];
    size_t n[2];
    int x[2], w[2];
    bool ends;
};

static bool is_alike(const struct pair *p, const struct ab_slot *s)
{
    return s->a >= 0 && s->b >= 0 && p->ab->id[0][s->a] == p->ab->id[1][s->b];
}

/* What is drawn of a token: line ends are rows' ends here, and the space before a row's
 * first word is not drawn. */
static void take_text(const struct pair *p, struct pen *pen, int32_t token, int side,
                      struct placed *out)
{
    char piece[PIECE];
    char *text = out->text[side];
    size_t at = pen->n_held[side];
    size_t n = source_piece(p->run[side], (uint64_t)token, piece, sizeof piece);
    n = n <= sizeof piece ? n : 0;
    memcpy(text, pen->held[side], at);
    for (size_t k = 0; k < n; k++) {
        out->ends |= piece[k] == '\n';
        const bool lead = k == 0 && n > 1 && piece[0] == ' ';
        if (piece[k] != '\n' && !(lead && pen->x[side] == 0))
            text[at++] = piece[k];
    }
    const size_t whole = lem_utf8_whole(text, at);
    pen->n_held[side] = at - whole < sizeof pen->held[side] ? at - whole : 0;
    memcpy(pen->held[side], text + whole, pen->n_held[side]);
    out->n[side] = whole;
    out->w[side] = fonts_width(p->ui->fonts, FONT_READ, text, whole);
    if (whole == 0)
        out->w[side] = ui_px(p->ui, 3);
}

static bool begins_word(const struct pair *p, int side, int32_t token)
{
    char piece[PIECE];
    const size_t n = source_piece(p->run[side], (uint64_t)token, piece, sizeof piece);
    return n > 1 && n <= sizeof piece && piece[0] == ' ';
}

/* Words that both texts have stand side by side; all else runs on. */
static void place(const struct pair *p, struct pen *pen, uint32_t slot,
                  struct placed *out)
{
    const struct ab_slot *s = &p->ab->slot[slot];
    out->ends = false;
    if (is_alike(p, s) && begins_word(p, 0, s->a))
        pen->x[0] = pen->x[1] = pen->x[0] > pen->x[1] ? pen->x[0] : pen->x[1];
    for (int side = 0; side < 2; side++) {
        out->x[side] = pen->x[side];
        out->n[side] = 0;
        out->w[side] = 0;
        if (token_of(s, side) >= 0)
            take_text(p, pen, token_of(s, side), side, out);
        pen->x[side] += out->w[side];
    }
}

/* On how many sides a row that begins with `slot` breaks no word: what stands there
 * next begins one, though it may stand in a later slot. */
static int whole_sides(const struct pair *p, uint32_t slot)
{
    int n = 0;
    for (int side = 0; side < 2; side++) {
        uint32_t i = slot;
        while (i < p->ab->n_slot && i < slot + MAX_AHEAD &&
               token_of(&p->ab->slot[i], side) < 0)
            i++;
        const int32_t next = i < p->ab->n_slot ? token_of(&p->ab->slot[i], side) : -1;
        n += next < 0 || begins_word(p, side, next);
    }
    return n;
}

/* The slot after a row's last: words are kept whole, on both sides or at least on one,
 * where that leaves no more than half of the row empty. */
static uint32_t row_end(const struct pair *p, uint32_t from)
{
    struct pen pen = {0};
    struct placed at;
    uint32_t word[3] = {from, from, from}; /* by whole_sides() */
    for (uint32_t i = from; i < p->ab->n_slot; i++) {
        const int x = pen.x[0] > pen.x[1] ? pen.x[0] : pen.x[1];
        if (x > p->column[0].w / 2)
            word[whole_sides(p, i)] = i;
        place(p, &pen, i, &at);
        if ((pen.x[0] > p->column[0].w || pen.x[1] > p->column[1].w) && i > from)
            return word[2] > from ? word[2] : word[1] > from ? word[1] : i;
        if (at.ends)
            return i + 1;
    }
    return p->ab->n_slot;
}

/* ---- drawing ------------------------------------------------------------- */

/* 0 … 1 of the scale, by its root: small divergences are to be seen, too. */
static float strength(const struct pair *p, float kl)
{
    return p->worst > 0 && kl > 0 ? sqrtf(kl / p->worst) : 0;
}

/* A run that is only behind has not parted from the other. */
static bool have_parted(const struct pair *p)
{
    return p->ab->part < p->ab->n[0] && p->ab->part < p->ab->n[1];
}

/* A token in its box; `text` is what it shows. */
static void draw_token(const struct pair *p, uint32_t slot, int side, struct box b,
                       const char *text, size_t n)
{
    struct ui *ui = p->ui;
    const struct palette *c = &ui->palette;
    const struct ab_slot *s = &p->ab->slot[slot];
    const uint32_t i = (uint32_t)token_of(s, side);
    const struct box back = {b.x, b.y + ui_px(ui, 1), b.w, p->line_height - ui_px(ui, 2)};
    const bool differs = have_parted(p) && !is_alike(p, s);
    const bool parts = have_parted(p) && i == p->ab->part;
    const int64_t here = (int64_t)ui->state->cursor;
    if (side == 0 && p->ab->kl[i] > 0)
        canvas_round(&ui->canvas,
                     (struct box){b.x, b.y + p->line_height, b.w - 1, ui_px(ui, 4)},
                     ui_px(ui, 1), palette_ramp(c, strength(p, p->ab->kl[i])), 255);
    if (differs)
        canvas_fill(&ui->canvas, back,
                    parts ? palette_mix(c->panel, c->warn, 0.3f) : c->raised);
    fonts_draw(ui->fonts, &ui->canvas, FONT_READ, b.x,
               b.y + (p->line_height - fonts_height(ui->fonts, FONT_READ)) / 2, text, n,
               differs ? c->text : c->quiet, 255);
    if (parts)
        canvas_frame(&ui->canvas, back, ui_px(ui, 2), c->warn);
    if (s->b >= 0 && (s->b == here || s->b == ui->state->hover))
        canvas_frame(&ui->canvas, back, ui_px(ui, s->b == here ? 2 : 1), c->accent);
    if (s->b >= 0)
        ui_add_hit(ui,
                   (struct hit){.box = b, .kind = HIT_TOKEN, .token = (uint64_t)s->b});
}

static void draw_row(const struct pair *p, uint32_t from, uint32_t to, int y)
{
    struct pen pen = {0};
    struct placed at;
    for (uint32_t k = from; k < to; k++) {
        place(p, &pen, k, &at);
        for (int side = 0; side < 2; side++)
            if (token_of(&p->ab->slot[k], side) >= 0)
                draw_token(p, k, side,
                           (struct box){p->column[side].x + at.x[side], y, at.w[side],
                                        p->row_height},
                           at.text[side], at.n[side]);
    }
}

static void draw_rows(const struct pair *p, struct box in)
{
    uint32_t start[MAX_ROWS];
    int n = 0, here = 0;
    const uint32_t cursor = ab_slot_of(p->ab, 1, (uint32_t)p->ui->state->cursor);
    const int per_row = p->column[0].w / ui_px(p->ui, 20) + 4;
    const uint32_t reach = (uint32_t)((in.h / p->row_height + 2) * per_row);
    const uint32_t back = cursor > reach ? (cursor - reach) / QUANTUM * QUANTUM : 0;
    for (uint32_t i = back; i < p->ab->n_slot && n < MAX_ROWS && i < cursor + reach;
         n++) {
        start[n] = i;
        here = cursor >= i ? n : here;
        i = row_end(p, i);
    }
    const int fit = in.h / p->row_height;
    int top = here - fit * 2 / 3;
    top = top > n - fit ? n - fit : top;
    top = top > 0 ? top : 0;
    for (int k = top; k < n && k < top + fit; k++) {
        const uint32_t to = k + 1 < n ? start[k + 1] : row_end(p, start[k]);
        draw_row(p, start[k], to, in.y + (k - top) * p->row_height);
    }
}

/* ---- the strip ----------------------------------------------------------- */

static void draw_mark(struct ui *ui, struct box b, uint32_t at, uint32_t n,
                      uint32_t color)
{
    if (at < n)
        canvas_fill(&ui->canvas,
                    (struct box){b.x + (int)((uint64_t)at * (unsigned)b.w / n), b.y,
                                 ui_px(ui, 2), b.h},
                    color);
}

static void draw_strip(const struct pair *p, struct box b)
{
    struct ui *ui = p->ui;
    const struct palette *c = &ui->palette;
    const uint32_t n = p->ab->n[0];
    canvas_round(&ui->canvas, b, ui_px(ui, 3), c->ground, 255);
    for (uint32_t i = 0; i < n; i++) {
        const int x0 = b.x + (int)((uint64_t)i * (unsigned)b.w / n);
        const int x1 = b.x + (int)((uint64_t)(i + 1) * (unsigned)b.w / n);
        const float v = strength(p, p->ab->kl[i]);
        const int h = (int)(v * (float)(b.h - 2));
        const int w = x1 - x0 > 2 ? x1 - x0 - 1 : x1 > x0 ? x1 - x0 : 1;
        if (isnan(p->ab->kl[i]))
            canvas_blend(&ui->canvas, (struct box){x0, b.y, w, b.h}, c->raised, 120);
        canvas_fill(&ui->canvas, (struct box){x0, b.y + b.h - 1 - h, w, h + 1},
                    palette_ramp(c, 0.25f + 0.75f * v));
        const int32_t there = p->ab->slot[ab_slot_of(p->ab, 0, i)].b;
        if (x1 > x0 && there >= 0)
            ui_add_hit(ui, (struct hit){.box = {x0, b.y, x1 - x0, b.h},
                                        .kind = HIT_TOKEN,
                                        .token = (uint64_t)there});
    }
    const struct ab_slot *here =
        &p->ab->slot[ab_slot_of(p->ab, 1, (uint32_t)ui->state->cursor)];
    if (have_parted(p))
        draw_mark(ui, b, p->ab->part, n, c->warn);
    if (here->a >= 0)
        draw_mark(ui, b, (uint32_t)here->a, n, c->accent);
}

/* ---- the view ------------------------------------------------------------ */

/* What a run was written under: its policy, and how tokens were chosen where the other
 * did so differently; of policies that are alike only that. */
static void name_run(const struct pair *p, int side, char *out, size_t cap)
{
    const struct steer *s = &p->ui->steer;
    const struct lem_sample_params sample[2] = {source_sampling(p->run[0]), s->sample};
    char now[128], differs[128];
    steer_summary(s, now, sizeof now);
    steer_differences(&sample[side], &sample[!side], differs, sizeof differs);
    const bool alike = strcmp(now, s->pinned) == 0;
    snprintf(out, cap, "%s: %s%s%s", side ? "now" : "pinned",
             alike && differs[0] ? ""
             : side              ? now
                                 : s->pinned,
             alike || !differs[0] ? "" : ", ", differs);
}

/* Two lines at most; all of it stands beside the mouse where that is not enough. Returns
 * the height, which both have in common. */
static int draw_heads(const struct pair *p, struct box in)
{
    struct ui *ui = p->ui;
    const int small = fonts_height(ui->fonts, FONT_SMALL) + ui_px(ui, 1);
    const int letter = fonts_width(ui->fonts, FONT_STRONG, "A", 1) + ui_px(ui, 8);
    char text[2][300];
    int most = 0;
    for (int side = 0; side < 2; side++) {
        const struct box c = {0, 0, p->column[side].w - letter, 0};
        name_run(p, side, text[side], sizeof text[side]);
        const int h = view_wrap(ui, FONT_SMALL, c, text[side], 0, false);
        most = h > most ? h : most;
    }
    for (int side = 0; side < 2; side++) {
        const struct box c = p->column[side];
        const struct box words = {c.x + letter, in.y + ui_px(ui, 2), c.w - letter,
                                  2 * small};
        const struct box all = {c.x, in.y, c.w, 2 * small};
        fonts_label(ui->fonts, &ui->canvas, FONT_STRONG, c.x, in.y, c.w, side ? "B" : "A",
                    ui->palette.text);
        view_wrap(ui, FONT_SMALL, words, text[side], ui->palette.quiet, true);
        if (most > 2 * small && ui_hovers(ui, all))
            snprintf(ui->tip, sizeof ui->tip, "%.299s", text[side]);
    }
    const int strong = fonts_height(ui->fonts, FONT_STRONG);
    most = most < 2 * small ? most : 2 * small;
    return (most > strong ? most : strong) + ui_px(ui, 6);
}

static void explain(struct ui *ui, struct box in)
{
    static const char *const line[] = {
        "Two runs side by side:",
        "1. Pin the run as A (key A).",
        "2. Select experts in the bank; ban, force or bias",
        "    them, or change seed or temperature (key E).",
        "3. Go to a token and write anew from it (key R).",
        "The new run is B. Below A's words stands how far",
        "B's policies lead away: KL divergence in nats."};
    for (size_t i = 0; i < sizeof line / sizeof *line; i++)
        in.y += ui_line(ui, FONT_UI, in.x, in.y, in.w,
                        i ? ui->palette.quiet : ui->palette.text, "%s", line[i]) +
                ui_px(ui, 3);
    struct box row = {in.x, in.y + ui_px(ui, 6), ui_button_width(ui, "Pin as A"),
                      ui_px(ui, 30)};
    if (ui->state->source->live)
        ui_button(ui, &row, "Pin as A", CMD_PIN_RUN, true);
}

static void draw_foot(const struct pair *p, struct box foot)
{
    struct ui *ui = p->ui;
    const struct ab *ab = p->ab;
    ui_button(ui, &foot, "Unpin", CMD_PIN_RUN, false);
    ui_button(ui, &foot, "Write anew from here", CMD_REGENERATE, true);
    const int y = foot.y + (foot.h - fonts_height(ui->fonts, FONT_SMALL)) / 2;
    if (have_parted(p))
        ui_line(ui, FONT_SMALL, foot.x, y, foot.w, ui->palette.warn,
                "They part at token %u.", ab->part + 1);
    else
        ui_line(ui, FONT_SMALL, foot.x, y, foot.w, ui->palette.quiet, "The same so far.");
}

static void draw_pair(struct pair *p, struct box in)
{
    struct ui *ui = p->ui;
    draw_foot(p, box_take_bottom(&in, ui_px(ui, 28)));
    draw_strip(p, box_take_top(&in, ui_px(ui, 34)));
    box_take_top(&in, ui_px(ui, 6));
    p->column[0] = p->column[1] = in;
    p->column[0].w = p->column[1].w = (in.w - ui_px(ui, 16)) / 2;
    p->column[1].x += in.w - p->column[1].w;
    box_take_top(&in, draw_heads(p, in));
    p->line_height = fonts_height(ui->fonts, FONT_READ) + ui_px(ui, 2);
    p->row_height = p->line_height + ui_px(ui, 7);
    canvas_clip(&ui->canvas, in);
    if (in.h >= p->row_height)
        draw_rows(p, in);
    canvas_unclip(&ui->canvas);
}

void view_ab(struct ui *ui, struct box b)
{
    struct scene *s = ui->state;
    struct pair p = {
        .ui = ui, .ab = &ui->ab, .run = {source_pinned(s->source), s->source}};
    char note[128] = "";
    if (!ab_read(p.ab, s->source) || p.ab->n_slot == 0) {
        explain(ui, ui_panel(ui, b, "A and B", note));
        return;
    }
    p.worst = p.ab->kl_most > 0.02f ? p.ab->kl_most : 0.02f;
    if (p.ab->n_known && p.ab->kl_most > 0)
        snprintf(note, sizeof note, "KL mean %.3f, most %.2f nats at token %u (of %u)",
                 p.ab->kl_mean, (double)p.ab->kl_most, p.ab->kl_most_at + 1,
                 p.ab->n_known);
    draw_pair(&p, ui_panel(ui, b, "A and B", note));
}
