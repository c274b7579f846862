/* canvas.h - a picture in memory and the few shapes that the views are made of. All
 * shapes are cut at the clip box. */
#ifndef VIEWER_CANVAS_H
#define VIEWER_CANVAS_H

#include <stdbool.h>
#include <stdint.h>

struct box {
    int x, y, w, h;
};

struct canvas {
    uint32_t *pixel; /* [h][w] 0xffRRGGBB */
    int w, h;
    struct box clip;
};

/* False when memory ran out or a side is not within 1 … 16384. */
bool canvas_open(struct canvas *c, int w, int h);
void canvas_close(struct canvas *c);

void canvas_clip(struct canvas *c, struct box b);
void canvas_unclip(struct canvas *c);

/* Colours are 0xRRGGBB; `alpha` 0 … 255. */
void canvas_fill(struct canvas *c, struct box b, uint32_t color);
void canvas_blend(struct canvas *c, struct box b, uint32_t color, int alpha);
/* Corners rounded by `radius`. */
void canvas_round(struct canvas *c, struct box b, int radius, uint32_t color, int alpha);
void canvas_frame(struct canvas *c, struct box b, int thick, uint32_t color);
/* A band from the left edge to the right that swings from one height to another. */
void canvas_band(struct canvas *c, int x0, int y0, int x1, int y1, int thick,
                 uint32_t color, int alpha);
/* Coverage 0 … 255, [h] rows of `stride` bytes. */
void canvas_mask(struct canvas *c, int x, int y, const uint8_t *mask, int w, int h,
                 int stride, uint32_t color, int alpha);

/* What two have in common. */
struct box box_meet(struct box a, struct box b);
struct box box_inset(struct box b, int by);
bool box_holds(struct box b, int x, int y);
/* Cut `n` pixels off one side of `b` and return them. */
struct box box_take_top(struct box *b, int n);
struct box box_take_bottom(struct box *b, int n);
struct box box_take_left(struct box *b, int n);
struct box box_take_right(struct box *b, int n);

#endif
