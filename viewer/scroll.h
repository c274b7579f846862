/* scroll.h - a panel that holds more than it shows: its content moves under it. */
#ifndef VIEWER_SCROLL_H
#define VIEWER_SCROLL_H

#include <stdbool.h>
#include <stdint.h>

#include "canvas.h"

struct ui;

/* What a panel shows, where that is no expert. */
enum { SCROLL_STEER = -2 };

/* The one panel of a frame that scrolls. */
struct scroll {
    struct box box; /* what is seen; w 0 = no panel of this frame scrolls */
    int at;         /* pixels of the content above it */
    int content;    /* height of all */
    int64_t of;     /* what it shows: something else begins at its top */
};

/* Before the content is drawn into `box`. Returns where it begins: as wide, moved up by
 * what is scrolled, and without an end. */
struct box scroll_begin(struct ui *ui, struct box box, int64_t of);
/* After it: `bottom` is where it ended. Draws the thumb in the panel's right edge. */
void scroll_end(struct ui *ui, int bottom);

/* What of the content is not seen, in pixels; 0 = all of it is. */
int scroll_hidden(const struct ui *ui);
/* Whether the panel under this place has something to scroll. */
bool scroll_takes(const struct ui *ui, int x, int y);
void scroll_by(struct ui *ui, int pixels);
/* By what is seen of it, less two lines: -1 up, 1 down. */
void scroll_page(struct ui *ui, int by);
/* So that the thumb's middle is at this height of the window. */
void scroll_to(struct ui *ui, int y);

#endif
