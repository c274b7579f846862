/* svg.c - a drawing as an SVG file: text, lines, heat maps, colour scales. */
#include "cli/svg.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cli/app.h"

static void put(struct svg *s, const char *text)
{
    s->ok = s->ok && out_file_print(&s->f, "%s", text);
}

void svg_open(struct svg *s, const char *dir, const char *name, double w, double h)
{
    struct text path = {0};
    *s = (struct svg){0};
    s->ok = text_add(&path, dir, strlen(dir)) && text_add(&path, "/", 1) &&
            text_add(&path, name, strlen(name)) && out_file_open(&s->f, path.data);
    text_free(&path);
    s->ok = s->ok &&
            out_file_print(&s->f,
                           "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%.0f\" "
                           "height=\"%.0f\" viewBox=\"0 0 %.0f %.0f\" font-family=\""
                           "Helvetica, Arial, Liberation Sans, sans-serif\">\n"
                           "<rect width=\"100%%\" height=\"100%%\" fill=\"#ffffff\"/>\n",
                           w, h, w, h);
}

bool svg_close(struct svg *s)
{
    put(s, "</svg>\n");
    const bool ok = s->ok && out_file_commit(&s->f);
    out_file_drop(&s->f);
    return ok;
}

/* ---- marks ---------------------------------------------------------------- */

static void put_escaped(struct svg *s, const char *text)
{
    for (size_t n = strlen(text), len; n > 0 && s->ok; text += len, n -= len) {
        len = text_utf8_length(text, n);
        const bool odd = len == 0 || (unsigned char)*text < 0x20;
        len = len ? len : 1;
        if (odd)
            put(s, "?");
        else if (*text == '<')
            put(s, "&lt;");
        else if (*text == '&')
            put(s, "&amp;");
        else
            s->ok = out_file_write(&s->f, text, len);
    }
}

void svg_text(struct svg *s, double x, double y, enum svg_tone tone,
              enum svg_anchor anchor, const char *fmt, ...)
{
    static const char *const style[] = {
        "font-size=\"16\" font-weight=\"600\" fill=\"#1b2733\"",
        "font-size=\"12\" fill=\"#33414e\"", "font-size=\"11\" fill=\"#66737f\""};
    static const char *const side[] = {"start", "middle", "end"};
    char line[512];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(line, sizeof line, fmt, ap);
    va_end(ap);
    s->ok = s->ok && out_file_print(&s->f,
                                    "<text x=\"%.1f\" y=\"%.1f\" %s "
                                    "text-anchor=\"%s\">",
                                    x, y, style[tone], side[anchor]);
    put_escaped(s, line);
    put(s, "</text>\n");
}

void svg_line(struct svg *s, double x0, double y0, double x1, double y1,
              const char *style)
{
    s->ok = s->ok &&
            out_file_print(&s->f, "<path d=\"M%.1f %.1fL%.1f %.1f\" fill=\"none\" %s/>\n",
                           x0, y0, x1, y1, style);
}

void svg_rect(struct svg *s, double x, double y, double w, double h, const char *fill)
{
    s->ok = s->ok && out_file_print(&s->f,
                                    "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" "
                                    "height=\"%.1f\" fill=\"%s\"/>\n",
                                    x, y, w, h, fill);
}

void svg_begin_path(struct svg *s, const char *style)
{
    s->ok = s->ok && out_file_print(&s->f, "<polyline fill=\"none\" %s points=\"", style);
}

void svg_point(struct svg *s, double x, double y)
{
    s->ok = s->ok && out_file_print(&s->f, "%.1f,%.1f ", x, y);
}

void svg_end_path(struct svg *s)
{
    put(s, "\"/>\n");
}

/* ---- colours -------------------------------------------------------------- */

struct rgb {
    double r, g, b;
};

struct svg_color svg_color(enum svg_scale scale, int step)
{
    /* five stops each, evenly apart; even in lightness, not in hue alone */
    static const struct rgb stop[2][5] = {
        {{244, 247, 250}, {186, 213, 232}, {107, 165, 206}, {38, 105, 162}, {10, 42, 86}},
        {{28, 84, 148}, {138, 180, 216}, {246, 246, 244}, {236, 168, 112}, {166, 72, 10}},
    };
    if (step == SVG_NO_VALUE)
        return (struct svg_color){"#c6cbd0"};
    const double at = 4.0 * step / SVG_STEPS;
    const int i = at >= 4 ? 3 : (int)at;
    const struct rgb *a = &stop[scale][i], *b = a + 1;
    const double t = at - i;
    struct svg_color c;
    snprintf(c.s, sizeof c.s, "#%02x%02x%02x",
             (unsigned)lround(a->r + t * (b->r - a->r)) & 255,
             (unsigned)lround(a->g + t * (b->g - a->g)) & 255,
             (unsigned)lround(a->b + t * (b->b - a->b)) & 255);
    return c;
}

uint8_t svg_step(double v, double low, double high)
{
    const double t = high > low ? (v - low) / (high - low) * SVG_STEPS : 0;
    return t <= 0 ? 0 : t >= SVG_STEPS ? SVG_STEPS : (uint8_t)lround(t);
}

/* ---- heat maps ------------------------------------------------------------ */

static void draw_step(struct svg *s, const struct svg_heat *h, int step)
{
    /* A hair of white between cells that are large enough for it. */
    const double gap = h->cell_w >= 8 && h->cell_h >= 8 ? 1 : 0;
    bool any = false;
    for (uint32_t r = 0; r < h->n_row; r++)
        for (uint32_t c = 0; c < h->n_col; c++) {
            if (h->step[(size_t)r * h->n_col + c] != step)
                continue;
            if (!any)
                put(s, "<path d=\"");
            any = true;
            s->ok = s->ok &&
                    out_file_print(&s->f, "M%.5g %.5gh%.4gv%.4gh-%.4gz",
                                   h->x + c * h->cell_w, h->y + r * h->cell_h,
                                   h->cell_w - gap, h->cell_h - gap, h->cell_w - gap);
        }
    if (any)
        s->ok = s->ok &&
                out_file_print(&s->f, "\" fill=\"%s\"/>\n", svg_color(h->scale, step).s);
}

void svg_heat(struct svg *s, const struct svg_heat *h)
{
    for (int step = 0; step <= SVG_STEPS; step++)
        draw_step(s, h, step);
    draw_step(s, h, SVG_NO_VALUE);
}

/* Every how many-th number has room. */
static uint32_t stride_for(double cell, double room)
{
    static const uint32_t nice[] = {1, 2, 4, 8, 16, 32, 64, 128, 256, 512};
    size_t i = 0;
    while (i + 1 < sizeof nice / sizeof *nice && nice[i] * cell < room)
        i++;
    return nice[i];
}

void svg_heat_axes(struct svg *s, const struct svg_heat *h, const uint32_t *row_name)
{
    const uint32_t every_row = stride_for(h->cell_h, 13);
    const uint32_t every_col = stride_for(h->cell_w, 22);
    for (uint32_t r = 0; r < h->n_row; r += every_row)
        svg_text(s, h->x - 6, h->y + (r + 0.5) * h->cell_h + 3.5, SVG_FAINT, SVG_END,
                 "%u", row_name ? row_name[r] : r);
    for (uint32_t c = 0; c < h->n_col; c += every_col)
        svg_text(s, h->x + (c + 0.5) * h->cell_w, h->y + h->n_row * h->cell_h + 14,
                 SVG_FAINT, SVG_MIDDLE, "%u", c);
}

void svg_legend(struct svg *s, double x, double y, enum svg_scale scale,
                const char *const label[3], const char *caption)
{
    const double w = 12;
    for (int step = 0; step <= SVG_STEPS; step++)
        svg_rect(s, x + step * w, y, w + 0.5, 10, svg_color(scale, step).s);
    const double end = x + (SVG_STEPS + 1) * w;
    svg_text(s, x, y + 23, SVG_FAINT, SVG_START, "%s", label[0]);
    svg_text(s, (x + end) / 2, y + 23, SVG_FAINT, SVG_MIDDLE, "%s", label[1]);
    svg_text(s, end, y + 23, SVG_FAINT, SVG_END, "%s", label[2]);
    svg_text(s, end + 10, y + 10, SVG_FAINT, SVG_START, "%s", caption);
}
