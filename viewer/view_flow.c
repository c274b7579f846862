/* view_flow.c - how tokens move from the first expert of the selected layer to the
 * first expert of the next; the strongest links only. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "ui.h"

enum { MAX_LINK = 48 };

struct link {
    uint32_t from, to, count;
};

/* The strongest links by falling count. */
static int strongest(const struct stats *s, struct link *link)
{
    int n = 0;
    for (uint32_t a = 0; a < s->n_expert; a++)
        for (uint32_t b = 0; b < s->n_expert; b++) {
            const uint32_t count = s->onward[(size_t)a * s->n_expert + b];
            if (count == 0 || (n == MAX_LINK && count <= link[n - 1].count))
                continue;
            int at = n < MAX_LINK ? n++ : n - 1;
            for (; at > 0 && link[at - 1].count < count; at--)
                link[at] = link[at - 1];
            link[at] = (struct link){a, b, count};
        }
    return n;
}

/* By place, so that links of one expert do not cross each other on their way out. */
static int by_place(const void *a, const void *b)
{
    const struct link *x = a, *y = b;
    if (x->from != y->from)
        return x->from < y->from ? -1 : 1;
    return (x->to > y->to) - (x->to < y->to);
}

/* Where each expert's bar begins and ends, and how much of it links have used. */
struct side {
    uint32_t *total; /* [n_expert], borrowed */
    int x;
    float per_token;
    int gap;
    struct box box;
};

static int bar_top(const struct side *v, uint32_t expert)
{
    uint64_t before = 0;
    for (uint32_t e = 0; e < expert; e++)
        before += v->total[e];
    return v->box.y + (int)((float)before * v->per_token) + (int)expert * v->gap;
}

static void draw_bars(struct ui *ui, const struct side *v, uint32_t layer, bool right)
{
    const struct stats *s = ui->stats;
    const int w = ui_px(ui, 10);
    const int label_h = fonts_height(ui->fonts, FONT_SMALL);
    for (uint32_t e = 0; e < s->n_expert; e++) {
        const int y = bar_top(v, e);
        const int h = (int)((float)v->total[e] * v->per_token);
        const struct box b = {v->x, y, w, h > 1 ? h : 1};
        const bool chosen = !right && ui->state->expert == (int)e;
        canvas_round(&ui->canvas, b, ui_px(ui, 2), palette_expert(&ui->palette, e),
                     v->total[e] ? 255 : 60);
        if (chosen)
            canvas_frame(&ui->canvas, b, ui_px(ui, 2), ui->palette.accent);
        ui_add_hit(ui, (struct hit){
                           .box = b, .kind = HIT_CELL, .layer = layer, .expert = (int)e});
        if (h < label_h - 2)
            continue;
        ui_line(ui, FONT_SMALL, right ? b.x + w + ui_px(ui, 4) : b.x - ui_px(ui, 28),
                y + (h - label_h) / 2, ui_px(ui, 26), ui->palette.quiet, "%u", e);
    }
}

static void draw_links(struct ui *ui, const struct side *a, const struct side *b,
                       uint32_t *used_a, uint32_t *used_b)
{
    struct link link[MAX_LINK];
    const int n = strongest(ui->stats, link);
    qsort(link, (size_t)n, sizeof *link, by_place);
    for (int i = 0; i < n; i++) {
        const struct link *l = &link[i];
        const int ends = (int)((float)(used_a[l->from] + l->count) * a->per_token);
        const int thick = ends - (int)((float)used_a[l->from] * a->per_token);
        const int ya = bar_top(a, l->from) + (int)((float)used_a[l->from] * a->per_token);
        const int yb = bar_top(b, l->to) + (int)((float)used_b[l->to] * b->per_token);
        const bool dim =
            ui->state->expert != SCENE_NONE && ui->state->expert != (int)l->from;
        used_a[l->from] += l->count;
        used_b[l->to] += l->count;
        canvas_band(&ui->canvas, a->x + ui_px(ui, 11), ya + thick / 2, b->x - 1,
                    yb + thick / 2, thick > 1 ? thick : 1,
                    palette_expert(&ui->palette, l->from), dim ? 28 : 130);
    }
}

/* The four lists of n_expert counts share one piece of memory. */
static void draw_flow(struct ui *ui, struct box in, uint32_t *count)
{
    const struct stats *s = ui->stats;
    uint32_t *from = count, *to = count + s->n_expert;
    for (uint32_t a = 0; a < s->n_expert; a++)
        for (uint32_t b = 0; b < s->n_expert; b++) {
            const uint32_t n = s->onward[(size_t)a * s->n_expert + b];
            from[a] += n;
            to[b] += n;
        }
    const int gap = in.h > (int)s->n_expert * 12 ? ui_px(ui, 3) : 0;
    const float room = (float)(in.h - gap * (int)s->n_expert);
    const float per = s->n_window ? room / (float)s->n_window : 0;
    const struct side left = {from, in.x + ui_px(ui, 28), per, gap, in};
    const struct side right = {to, in.x + in.w - ui_px(ui, 38), per, gap, in};
    draw_links(ui, &left, &right, count + 2 * (size_t)s->n_expert,
               count + 3 * (size_t)s->n_expert);
    draw_bars(ui, &left, s->layer, false);
    draw_bars(ui, &right, s->layer + 1, true);
}

void view_flow(struct ui *ui, struct box b)
{
    const struct scene *s = ui->state;
    const struct lem_trace_facts *f = &s->source->facts;
    char title[80] = "Flow", note[96] = "";
    const bool last = s->layer + 1 >= f->n_layer_moe;
    if (!last) {
        snprintf(title, sizeof title, "Flow, layer %u to %u", f->layer[s->layer],
                 f->layer[s->layer + 1]);
        snprintf(note, sizeof note, "strongest experts of %u tokens",
                 ui->stats->n_window);
    }
    struct box in = ui_panel(ui, b, title, note);
    if (last) {
        ui_line(ui, FONT_UI, in.x, in.y, in.w, ui->palette.quiet,
                "After this layer there is none: choose an earlier one.");
        return;
    }
    uint32_t *count = calloc((size_t)f->n_expert * 4, sizeof *count);
    canvas_clip(&ui->canvas, in);
    if (count)
        draw_flow(ui, in, count);
    free(count);
    canvas_unclip(&ui->canvas);
}
