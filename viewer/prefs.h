/* prefs.h - what is remembered from one call to the next: the window's size and
 * place, the view, the palette. A file of a few lines in the person's state directory. */
#ifndef VIEWER_PREFS_H
#define VIEWER_PREFS_H

#include "scene.h"

struct prefs {
    int w, h; /* points; 0 = not known */
    int x, y; /* of its corner on the desktop, where has_place */
    bool has_place;
    enum view view, side;
    enum color_by color;
    enum bank_of bank;
    bool light;
};

/* Fill `p` from the file. False: there is none (then `p` stays as it is), or it is
 * damaged (the same, and a line in `message`, which is "" otherwise). */
bool prefs_read(struct prefs *p, const char *path, char *message, size_t cap);
/* In one step; false with a line in `message`. */
bool prefs_write(const struct prefs *p, const char *path, char *message, size_t cap);

#endif
