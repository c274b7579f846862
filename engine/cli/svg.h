/* svg.h - a drawing as an SVG file: text, lines, heat maps, colour scales. */
#ifndef CLI_SVG_H
#define CLI_SVG_H

#include <stdbool.h>
#include <stdint.h>

#include "cli/out_file.h"

struct svg {
    struct out_file f;
    bool ok; /* nothing has failed; what failed is on stderr */
};

enum svg_anchor { SVG_START, SVG_MIDDLE, SVG_END };
enum svg_tone { SVG_TITLE, SVG_LABEL, SVG_FAINT };

/* A white sheet, dir/name. Nothing stands there before svg_close(). */
void svg_open(struct svg *s, const char *dir, const char *name, double w, double h);
/* False when anything failed since svg_open(). */
bool svg_close(struct svg *s);

__attribute__((format(printf, 6, 7))) void svg_text(struct svg *s, double x, double y,
                                                    enum svg_tone tone,
                                                    enum svg_anchor anchor,
                                                    const char *fmt, ...);
void svg_line(struct svg *s, double x0, double y0, double x1, double y1,
              const char *style);
void svg_rect(struct svg *s, double x, double y, double w, double h, const char *fill);
/* A line through points; `style` such as "stroke=\"#888\"". */
void svg_begin_path(struct svg *s, const char *style);
void svg_point(struct svg *s, double x, double y);
void svg_end_path(struct svg *s);

struct svg_color {
    char s[8]; /* "#rrggbb" */
};

/* A colour for each step; values are rounded to steps before they are drawn, so that a
 * heat map is one path for each. */
enum { SVG_STEPS = 16, SVG_NO_VALUE = 255 };

enum svg_scale {
    SVG_AMOUNT,  /* step 0 (none) to SVG_STEPS (most): white to dark blue */
    SVG_CONTRAST /* 0 (less) over SVG_STEPS / 2 (even) to SVG_STEPS (more) */
};
struct svg_color svg_color(enum svg_scale scale, int step);

/* Step of `v` where `low` is step 0 and `high` the last. */
uint8_t svg_step(double v, double low, double high);

struct svg_heat {
    double x, y, cell_w, cell_h;
    uint32_t n_col, n_row;
    enum svg_scale scale;
    const uint8_t *step; /* [n_row][n_col]; SVG_NO_VALUE: a grey cell */
};
void svg_heat(struct svg *s, const struct svg_heat *h);

/* Numbers at both sides of a heat map, as many as there is room for. `row_name` and
 * `col_name` [n_row], [n_col]; NULL: 0, 1, 2 … */
void svg_heat_axes(struct svg *s, const struct svg_heat *h, const uint32_t *row_name);

/* A colour bar with three labels under it and a caption on its right. */
void svg_legend(struct svg *s, double x, double y, enum svg_scale scale,
                const char *const label[3], const char *caption);

#endif
