/* window.h - the window and its events. */
#ifndef VIEWER_WINDOW_H
#define VIEWER_WINDOW_H

#include "ui.h"

struct window_options {
    int w, h;    /* points */
    float scale; /* 0 = that of the display */
    bool calm;   /* nothing moves that need not */
    bool builtin_font;
    const char *figures; /* file for frame times, or NULL */
    unsigned frames;     /* stop after so many; 0 = never */
};

/* Show `source` until it is closed. Returns false with one line in `message` when no
 * window can be opened. */
bool window_run(struct source *source, const struct window_options *options,
                char *message, size_t cap);

/* What a key means; CMD_NONE for most. `symbol` is an SDL_Keycode. */
enum command window_key_command(int symbol);

#endif
