/* window.h - the window and its events. */
#ifndef VIEWER_WINDOW_H
#define VIEWER_WINDOW_H

#include "ui.h"

struct prefs;

struct window_options {
    int w, h;    /* of the window, as SDL counts them */
    bool fresh;  /* nobody chose them: points, of which the display says the pixels */
    float scale; /* 0 = that of the display */
    bool calm;   /* nothing moves that need not */
    bool builtin_font;
    const char *figures; /* file for frame times, or NULL */
    const char *policy;  /* policy file that is loaded and saved; NULL = the usual name */
    struct prefs *prefs; /* how to begin; what there is at the end is written there */
    const char *note;    /* "" or a line to begin with */
    long long at;        /* token to begin with; -1 = the last */
    int layer, expert;   /* -1 = not said */
    char *next; /* [next_cap] receives the path of a recording or model that was dropped
                 * onto the window, which ends it; NULL = nothing may be dropped */
    size_t next_cap;
    void (*on_frame)(void *priv,
                     struct ui *ui); /* after each frame, or NULL: for tests */
    void *priv;
    unsigned frames;  /* stop after so many, in which a recording is scrubbed through;
                       * 0 = never */
    uint64_t started; /* SDL_GetPerformanceCounter() when the program began */
};

/* Show `source` until it is closed. Returns false with one line in `message` when no
 * window can be opened. */
bool window_run(struct source *source, const struct window_options *options,
                char *message, size_t cap);

#endif
