/* stats_svg_groups.c - the figures of many small maps: which experts go together, layer
 * by layer, and which experts each group of texts prefers. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/stats_svg.h"

enum { LEFT = 62, TOP = 112, GAP_X = 54, GAP_Y = 58, WIDTH = 900 };

/* A grid of equal maps, row by row. */
struct grid {
    uint32_t n, n_col;
    double map_w, map_h;
};

static struct grid make_grid(uint32_t n, double map_w, double map_h)
{
    struct grid g = {.n = n, .map_w = map_w, .map_h = map_h};
    g.n_col = (uint32_t)((WIDTH + GAP_X) / (map_w + GAP_X));
    g.n_col = g.n_col < 1 ? 1 : g.n_col > n ? n : g.n_col;
    return g;
}

static double grid_x(const struct grid *g, uint32_t i)
{
    return LEFT + (i % g->n_col) * (g->map_w + GAP_X);
}

static double grid_y(const struct grid *g, uint32_t i)
{
    return TOP + i / g->n_col * (g->map_h + GAP_Y);
}

static void open_sheet(struct svg *f, const char *dir, const char *name,
                       const struct grid *g)
{
    const double w = LEFT + g->n_col * (g->map_w + GAP_X) - GAP_X + 30;
    const uint32_t n_row = (g->n + g->n_col - 1) / g->n_col;
    svg_open(f, dir, name, w < 760 ? 760 : w, TOP + n_row * (g->map_h + GAP_Y) - 10);
}

/* ---- which experts go together -------------------------------------------- */

enum { MAX_MAPS = 12, MANY_EXPERTS = 64, FEW_MAPS = 6, LEAST_EXPECTED = 5 };

/* Pairs to expect if experts with these loads met at random: load times load, scaled
 * so that as many pairs come out as there are. */
static double pair_scale(const struct stats *s, uint32_t il)
{
    const uint64_t *load = stats_total(s, il);
    double pairs = 0, sum = 0, squares = 0;
    for (uint32_t a = 0; a < s->n_expert; a++) {
        const double n = (double)load[a];
        sum += n;
        squares += n * n;
        for (uint32_t b = 0; b < s->n_expert; b++)
            pairs += (double)stats_pairs(s, il, a)[b];
    }
    return sum * sum > squares ? pairs / (sum * sum - squares) : 0;
}

static void fill_pairs(const struct stats *s, uint32_t il, uint8_t *step)
{
    const double scale = pair_scale(s, il);
    const uint64_t *load = stats_total(s, il);
    for (uint32_t a = 0; a < s->n_expert; a++)
        for (uint32_t b = 0; b < s->n_expert; b++) {
            const double expected = scale * (double)load[a] * (double)load[b];
            const double n = (double)stats_pairs(s, il, a)[b];
            const bool told = a != b && expected >= LEAST_EXPECTED;
            /* half a pair more, so that none at all has a logarithm */
            step[(size_t)a * s->n_expert + b] =
                told ? svg_step(log2((n + 0.5) / (expected + 0.5)), -2, 2) : SVG_NO_VALUE;
        }
}

static void draw_pairs_head(const struct stats *s, struct svg *f, uint32_t n_map)
{
    static const char *const label[3] = {"1/4", "1", "4"};
    svg_text(f, LEFT, 30, SVG_TITLE, SVG_START, "Experts chosen together");
    svg_text(f, LEFT, 50, SVG_LABEL, SVG_START,
             "%s, %llu tokens%s. Pairs of experts in one token, against chance at the "
             "same loads;",
             app_model_name(s->app), (unsigned long long)s->n_token,
             n_map < s->n_layer ? ", some of the layers" : "");
    svg_text(f, LEFT, 66, SVG_LABEL, SVG_START, "grey where chance gives fewer than %d.",
             LEAST_EXPECTED);
    svg_legend(f, LEFT + 290, 58, SVG_CONTRAST, label, "times as many as by chance");
}

bool stats_write_pairs(const struct stats *s, const char *dir)
{
    const uint32_t most = s->n_expert > MANY_EXPERTS ? FEW_MAPS : MAX_MAPS;
    const uint32_t n_map = s->n_layer < most ? s->n_layer : most;
    uint8_t *step = malloc((size_t)s->n_expert * s->n_expert);
    if (!step) {
        app_error("memory ran out for a figure.");
        return false;
    }
    const double cell = stats_cell(s->n_expert, 264, 1.5, 24);
    const struct grid g = make_grid(n_map, s->n_expert * cell, s->n_expert * cell);
    struct svg f;
    open_sheet(&f, dir, "coactivation.svg", &g);
    draw_pairs_head(s, &f, n_map);
    for (uint32_t i = 0; i < n_map; i++) {
        /* evenly from the first to the last */
        const uint32_t il = n_map > 1 ? i * (s->n_layer - 1) / (n_map - 1) : 0;
        const struct svg_heat h = {.x = grid_x(&g, i),
                                   .y = grid_y(&g, i),
                                   .cell_w = cell,
                                   .cell_h = cell,
                                   .n_col = s->n_expert,
                                   .n_row = s->n_expert,
                                   .scale = SVG_CONTRAST,
                                   .step = step};
        fill_pairs(s, il, step);
        svg_text(&f, h.x, h.y - 8, SVG_LABEL, SVG_START, "block %u", s->layer[il].block);
        svg_heat(&f, &h);
        svg_heat_axes(&f, &h, NULL);
    }
    free(step);
    return svg_close(&f);
}

/* ---- which experts each group prefers --------------------------------------- */

static double share(const struct stats *s, uint32_t g, uint32_t il, uint32_t e)
{
    const uint64_t *load = stats_load(s, g, il);
    double sum = 0;
    for (uint32_t i = 0; i < s->n_expert; i++)
        sum += (double)load[i];
    return (double)load[e] / sum;
}

/* A group's share of an expert's load against the mean share of the groups. */
static void fill_group(const struct stats *s, uint32_t group, uint8_t *step)
{
    for (uint32_t il = 0; il < s->n_layer; il++)
        for (uint32_t e = 0; e < s->n_expert; e++) {
            double mean = 0;
            for (uint32_t g = 0; g < s->n_group; g++)
                mean += share(s, g, il, e) / s->n_group;
            const double expected = mean * (double)s->group[group].n_token *
                                    (double)s->layer[il].n_slot / (double)s->n_token;
            const double n = (double)stats_load(s, group, il)[e];
            step[(size_t)il * s->n_expert + e] =
                expected >= LEAST_EXPECTED
                    ? svg_step(log2((n + 0.5) / (expected + 0.5)), -2, 2)
                    : SVG_NO_VALUE;
        }
}

static void draw_groups(const struct stats *s, struct svg *f, const struct grid *g,
                        struct svg_heat *h, uint8_t *step, const uint32_t *block)
{
    static const char *const label[3] = {"1/4", "1", "4"};
    svg_text(f, LEFT, 30, SVG_TITLE, SVG_START, "What each group of texts prefers");
    svg_text(f, LEFT, 50, SVG_LABEL, SVG_START,
             "%s. Use of each expert (across) at each block (down), against the mean of "
             "the groups;",
             app_model_name(s->app));
    svg_text(f, LEFT, 66, SVG_LABEL, SVG_START, "grey where too few tokens tell.");
    svg_legend(f, LEFT + 290, 58, SVG_CONTRAST, label, "times the mean of the groups");
    for (uint32_t i = 0; i < s->n_group; i++) {
        h->x = grid_x(g, i);
        h->y = grid_y(g, i);
        fill_group(s, i, step);
        svg_text(f, h->x, h->y - 8, SVG_LABEL, SVG_START, "%s, %llu tokens",
                 s->group[i].name, (unsigned long long)s->group[i].n_token);
        svg_heat(f, h);
        svg_heat_axes(f, h, block);
    }
}

bool stats_write_groups(const struct stats *s, const char *dir)
{
    uint8_t *step = malloc((size_t)s->n_layer * s->n_expert);
    uint32_t *block = stats_blocks(s);
    if (!step && block)
        app_error("memory ran out for a figure.");
    bool ok = step && block;
    if (ok) {
        struct svg_heat h = {.cell_w = stats_cell(s->n_expert, 420, 3, 24),
                             .cell_h = stats_cell(s->n_layer, 300, 5, 24),
                             .n_col = s->n_expert,
                             .n_row = s->n_layer,
                             .scale = SVG_CONTRAST,
                             .step = step};
        const struct grid g =
            make_grid(s->n_group, h.n_col * h.cell_w, h.n_row * h.cell_h);
        struct svg f;
        open_sheet(&f, dir, "specialization.svg", &g);
        draw_groups(s, &f, &g, &h, step, block);
        ok = svg_close(&f);
    }
    free(step);
    free(block);
    return ok;
}
