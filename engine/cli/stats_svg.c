/* stats_svg.c - the figures of one number per layer and expert: the load, and how often
 * an LRU cache would hit. */
#include <stdio.h>
#include <stdlib.h>

#include "cli/stats.h"
#include "cli/stats_svg.h"

enum { LEFT = 70, TOP = 78, RIGHT = 30 };

double stats_cell(uint32_t n, double room, double least, double most)
{
    const double w = room / n;
    return w < least ? least : w > most ? most : w;
}

uint32_t *stats_blocks(const struct stats *s)
{
    uint32_t *block = malloc(s->n_layer * sizeof *block);
    if (!block)
        app_error("memory ran out for a figure.");
    for (uint32_t il = 0; block && il < s->n_layer; il++)
        block[il] = s->layer[il].block;
    return block;
}

/* ---- load ----------------------------------------------------------------- */

static double load_ratio(const struct stats *s, uint32_t il, uint32_t e)
{
    return (double)stats_total(s, il)[e] * s->n_expert / (double)s->layer[il].n_slot;
}

static void draw_load(const struct stats *s, struct svg *f, const struct svg_heat *h,
                      const uint32_t *block, double most)
{
    svg_text(f, LEFT, 30, SVG_TITLE, SVG_START, "Load of each expert");
    svg_text(f, LEFT, 50, SVG_LABEL, SVG_START,
             "%s, %llu tokens. 1 is an even share; grey experts were never used.",
             app_model_name(s->app), (unsigned long long)s->n_token);
    svg_heat(f, h);
    svg_heat_axes(f, h, block);
    const double bottom = h->y + h->n_row * h->cell_h;
    svg_text(f, h->x - 6, h->y - 8, SVG_FAINT, SVG_END, "block");
    svg_text(f, h->x, bottom + 32, SVG_FAINT, SVG_START, "expert");
    char middle[32], end[32];
    snprintf(middle, sizeof middle, "%.2f", most / 2);
    snprintf(end, sizeof end, "%.2f", most);
    svg_legend(f, h->x + 70, bottom + 30, SVG_AMOUNT,
               (const char *const[]){"0", middle, end}, "times an even share");
}

static bool write_load(const struct stats *s, const char *dir)
{
    const size_t n = (size_t)s->n_layer * s->n_expert;
    uint8_t *step = malloc(n);
    uint32_t *block = stats_blocks(s);
    if (!step && block)
        app_error("memory ran out for a figure.");
    bool ok = step && block;
    if (ok) {
        double most = 0;
        for (uint32_t il = 0; il < s->n_layer; il++)
            most = s->layer[il].imbalance > most ? s->layer[il].imbalance : most;
        for (size_t i = 0; i < n; i++) {
            const uint32_t il = (uint32_t)(i / s->n_expert),
                           e = (uint32_t)(i % s->n_expert);
            step[i] = stats_total(s, il)[e] ? svg_step(load_ratio(s, il, e), 0, most)
                                            : SVG_NO_VALUE;
        }
        const struct svg_heat h = {.x = LEFT,
                                   .y = TOP,
                                   .cell_w = stats_cell(s->n_expert, 760, 3, 34),
                                   .cell_h = stats_cell(s->n_layer, 560, 6, 34),
                                   .n_col = s->n_expert,
                                   .n_row = s->n_layer,
                                   .scale = SVG_AMOUNT,
                                   .step = step};
        const double w = LEFT + h.n_col * h.cell_w + RIGHT;
        struct svg f;
        svg_open(&f, dir, "load.svg", w < 560 ? 560 : w, TOP + h.n_row * h.cell_h + 68);
        draw_load(s, &f, &h, block, most);
        ok = svg_close(&f);
    }
    free(step);
    free(block);
    return ok;
}

/* ---- cache curve ---------------------------------------------------------- */

struct plot {
    double x, y, w, h;
};

static double plot_x(const struct stats *s, const struct plot *p, uint32_t n)
{
    return p->x + p->w * n / s->n_expert;
}

static double plot_y(const struct plot *p, double rate)
{
    return p->y + p->h * (1 - rate);
}

static double mean_rate(const struct stats *s, uint32_t n)
{
    double sum = 0;
    for (uint32_t il = 0; il < s->n_layer; il++)
        sum += stats_hit_rate(s, il, n);
    return sum / s->n_layer;
}

static void draw_frame(const struct stats *s, struct svg *f, const struct plot *p)
{
    for (int i = 0; i <= 10; i += 2) {
        const double y = plot_y(p, i / 10.0);
        svg_line(f, p->x, y, p->x + p->w, y,
                 i ? "stroke=\"#e6eaee\"" : "stroke=\"#8895a1\"");
        svg_text(f, p->x - 8, y + 4, SVG_FAINT, SVG_END, "%d%%", 10 * i);
    }
    const uint32_t every = s->n_expert <= 16 ? 1 : (s->n_expert + 15) / 16;
    for (uint32_t n = every; n <= s->n_expert; n += every)
        svg_text(f, plot_x(s, p, n), p->y + p->h + 17, SVG_FAINT, SVG_MIDDLE, "%u", n);
    svg_text(f, p->x + p->w / 2, p->y + p->h + 38, SVG_LABEL, SVG_MIDDLE,
             "experts kept per layer, of %u", s->n_expert);
    svg_line(f, p->x, plot_y(p, 0), p->x + p->w, plot_y(p, 1),
             "stroke=\"#9aa5af\" stroke-dasharray=\"5 4\"");
}

static void draw_curve(const struct stats *s, struct svg *f, const struct plot *p,
                       int layer, const char *style)
{
    svg_begin_path(f, style);
    for (uint32_t n = 0; n <= s->n_expert; n++)
        svg_point(f, plot_x(s, p, n),
                  plot_y(p, layer < 0 ? mean_rate(s, n)
                                      : stats_hit_rate(s, (uint32_t)layer, n)));
    svg_end_path(f);
}

static void draw_curves(const struct stats *s, struct svg *f, const struct plot *p)
{
    for (uint32_t il = 0; il < s->n_layer; il++) {
        char style[64];
        const int step = s->n_layer > 1 ? (int)(3 + 11 * il / (s->n_layer - 1)) : 8;
        snprintf(style, sizeof style, "stroke=\"%s\" stroke-width=\"1.3\"",
                 svg_color(SVG_AMOUNT, step).s);
        draw_curve(s, f, p, (int)il, style);
    }
    draw_curve(s, f, p, -1, "stroke=\"#c4560a\" stroke-width=\"3\"");
}

/* What the lines are, in the empty corner below the curves. */
static void draw_key(const struct stats *s, struct svg *f, const struct plot *p)
{
    const double x = p->x + p->w - 190, y = p->y + p->h - 66;
    char first[32], last[32];
    snprintf(first, sizeof first, "block %u", s->layer[0].block);
    snprintf(last, sizeof last, "%u", s->layer[s->n_layer - 1].block);
    svg_line(f, x, y, x + 24, y, "stroke=\"#c4560a\" stroke-width=\"3\"");
    svg_text(f, x + 32, y + 4, SVG_LABEL, SVG_START, "mean of all layers");
    for (int i = 0; i < 3; i++) {
        char style[64];
        snprintf(style, sizeof style, "stroke=\"%s\" stroke-width=\"2\"",
                 svg_color(SVG_AMOUNT, 3 + 11 * i / 2).s);
        svg_line(f, x + 8 * i, y + 22, x + 8 * i + 8, y + 22, style);
    }
    svg_text(f, x + 32, y + 26, SVG_LABEL, SVG_START, "%s (light) to %s", first, last);
    svg_line(f, x, y + 44, x + 24, y + 44, "stroke=\"#9aa5af\" stroke-dasharray=\"5 4\"");
    svg_text(f, x + 32, y + 48, SVG_LABEL, SVG_START, "experts drawn evenly");
}

static bool write_cache(const struct stats *s, const char *dir)
{
    const struct plot p = {LEFT, TOP, 620, 380};
    struct svg f;
    svg_open(&f, dir, "cache.svg", LEFT + p.w + RIGHT, TOP + p.h + 56);
    svg_text(&f, LEFT, 30, SVG_TITLE, SVG_START,
             "How often an LRU cache holds the expert asked for");
    svg_text(&f, LEFT, 50, SVG_LABEL, SVG_START, "%s, %llu tokens",
             app_model_name(s->app), (unsigned long long)s->n_token);
    draw_frame(s, &f, &p);
    draw_curves(s, &f, &p);
    draw_key(s, &f, &p);
    return svg_close(&f);
}

bool stats_write_figures(const struct stats *s, const char *dir)
{
    if (s->n_group < 2)
        app_note(s->app, "specialization.svg needs two texts or more: left out.");
    return write_load(s, dir) && write_cache(s, dir) && stats_write_pairs(s, dir) &&
           (s->n_group < 2 || stats_write_groups(s, dir));
}
