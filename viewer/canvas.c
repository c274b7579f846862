/* canvas.c - a picture in memory and the few shapes that the views are made of. */
#include "canvas.h"

#include <stddef.h>
#include <stdlib.h>

enum { MAX_SIDE = 16384 };

bool canvas_open(struct canvas *c, int w, int h)
{
    *c = (struct canvas){.w = w, .h = h};
    if (w < 1 || h < 1 || w > MAX_SIDE || h > MAX_SIDE)
        return false;
    c->pixel = calloc((size_t)w * (size_t)h, sizeof *c->pixel);
    canvas_unclip(c);
    return c->pixel != NULL;
}

void canvas_close(struct canvas *c)
{
    free(c->pixel);
    *c = (struct canvas){0};
}

struct box box_meet(struct box a, struct box b)
{
    const int x0 = a.x > b.x ? a.x : b.x, y0 = a.y > b.y ? a.y : b.y;
    const int x1 = a.x + a.w < b.x + b.w ? a.x + a.w : b.x + b.w;
    const int y1 = a.y + a.h < b.y + b.h ? a.y + a.h : b.y + b.h;
    return (struct box){x0, y0, x1 > x0 ? x1 - x0 : 0, y1 > y0 ? y1 - y0 : 0};
}

void canvas_clip(struct canvas *c, struct box b)
{
    c->clip = box_meet(b, (struct box){0, 0, c->w, c->h});
}

void canvas_unclip(struct canvas *c)
{
    c->clip = (struct box){0, 0, c->w, c->h};
}

static uint32_t mix(uint32_t under, uint32_t over, unsigned alpha)
{
    const uint32_t keep = 255 - alpha;
    const uint32_t rb =
        ((under & 0xff00ff) * keep + (over & 0xff00ff) * alpha + 0x800080);
    const uint32_t g = ((under & 0x00ff00) * keep + (over & 0x00ff00) * alpha + 0x008000);
    /* Division by 256 after adding 1/256 of the sum is division by 255 to a bit. */
    const uint32_t rb2 = ((rb + ((rb >> 8) & 0xff00ff)) >> 8) & 0xff00ff;
    const uint32_t g2 = ((g + ((g >> 8) & 0x00ff00)) >> 8) & 0x00ff00;
    return 0xff000000 | rb2 | g2;
}

void canvas_blend(struct canvas *c, struct box b, uint32_t color, int alpha)
{
    const struct box m = box_meet(b, c->clip);
    if (alpha <= 0)
        return;
    for (int y = m.y; y < m.y + m.h; y++) {
        uint32_t *row = c->pixel + (size_t)y * (size_t)c->w + m.x;
        if (alpha >= 255)
            for (int x = 0; x < m.w; x++)
                row[x] = 0xff000000 | color;
        else
            for (int x = 0; x < m.w; x++)
                row[x] = mix(row[x], color, (unsigned)alpha);
    }
}

void canvas_fill(struct canvas *c, struct box b, uint32_t color)
{
    canvas_blend(c, b, color, 255);
}

/* How far the rounded edge is from the straight one, `from` pixels from the end. */
static int corner_inset(int radius, int from)
{
    if (from >= radius)
        return 0;
    const int dy = radius - from;
    int inset = 0;
    while (inset < radius &&
           (radius - inset) * (radius - inset) + dy * dy > radius * radius + radius)
        inset++;
    return inset;
}

void canvas_round(struct canvas *c, struct box b, int radius, uint32_t color, int alpha)
{
    const int most = (b.w < b.h ? b.w : b.h) / 2;
    const int r = radius < most ? radius : most;
    for (int i = 0; i < r; i++) {
        const int in = corner_inset(r, i);
        canvas_blend(c, (struct box){b.x + in, b.y + i, b.w - 2 * in, 1}, color, alpha);
        canvas_blend(c, (struct box){b.x + in, b.y + b.h - 1 - i, b.w - 2 * in, 1}, color,
                     alpha);
    }
    canvas_blend(c, (struct box){b.x, b.y + r, b.w, b.h - 2 * r}, color, alpha);
}

void canvas_frame(struct canvas *c, struct box b, int t, uint32_t color)
{
    canvas_fill(c, (struct box){b.x, b.y, b.w, t}, color);
    canvas_fill(c, (struct box){b.x, b.y + b.h - t, b.w, t}, color);
    canvas_fill(c, (struct box){b.x, b.y + t, t, b.h - 2 * t}, color);
    canvas_fill(c, (struct box){b.x + b.w - t, b.y + t, t, b.h - 2 * t}, color);
}

void canvas_band(struct canvas *c, int x0, int y0, int x1, int y1, int thick,
                 uint32_t color, int alpha)
{
    for (int x = x0; x < x1; x++) {
        const double t = ((double)(x - x0) + 0.5) / (double)(x1 - x0);
        const double s = t * t * (3 - 2 * t);
        /* Steep parts are drawn taller, so that the band keeps its width. */
        const double slope = 6 * t * (1 - t) * (double)(y1 - y0) / (double)(x1 - x0);
        const int extra = (int)((slope < 0 ? -slope : slope) * 0.5);
        const int y = (int)((double)y0 + s * (double)(y1 - y0)) - (thick + extra) / 2;
        canvas_blend(c, (struct box){x, y, 1, thick + extra}, color, alpha);
    }
}

void canvas_mask(struct canvas *c, int x, int y, const uint8_t *mask, int w, int h,
                 int stride, uint32_t color, int alpha)
{
    const struct box m = box_meet((struct box){x, y, w, h}, c->clip);
    for (int py = m.y; py < m.y + m.h; py++) {
        uint32_t *row = c->pixel + (size_t)py * (size_t)c->w;
        const uint8_t *cover = mask + (ptrdiff_t)(py - y) * stride;
        for (int px = m.x; px < m.x + m.w; px++)
            if (cover[px - x])
                row[px] = mix(row[px], color, (unsigned)(cover[px - x] * alpha / 255));
    }
}

struct box box_inset(struct box b, int by)
{
    const int w = b.w > 2 * by ? b.w - 2 * by : 0, h = b.h > 2 * by ? b.h - 2 * by : 0;
    return (struct box){b.x + by, b.y + by, w, h};
}

bool box_holds(struct box b, int x, int y)
{
    return x >= b.x && x < b.x + b.w && y >= b.y && y < b.y + b.h;
}

static int at_most(int n, int most)
{
    return n < 0 ? 0 : n < most ? n : most;
}

struct box box_take_top(struct box *b, int n)
{
    n = at_most(n, b->h);
    const struct box out = {b->x, b->y, b->w, n};
    b->y += n;
    b->h -= n;
    return out;
}

struct box box_take_bottom(struct box *b, int n)
{
    n = at_most(n, b->h);
    b->h -= n;
    return (struct box){b->x, b->y + b->h, b->w, n};
}

struct box box_take_left(struct box *b, int n)
{
    n = at_most(n, b->w);
    const struct box out = {b->x, b->y, n, b->h};
    b->x += n;
    b->w -= n;
    return out;
}

struct box box_take_right(struct box *b, int n)
{
    n = at_most(n, b->w);
    b->w -= n;
    return (struct box){b->x + b->w, b->y, n, b->h};
}
