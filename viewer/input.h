/* input.h - what the person does with keyboard, mouse and fingers, from SDL's events to
 * commands and changes of the scene. Needs no window. */
#ifndef VIEWER_INPUT_H
#define VIEWER_INPUT_H

#include <SDL.h>

#include "ui.h"

enum input_drag {
    DRAG_NONE,
    DRAG_SEEK,
    DRAG_CELLS,
    DRAG_FIELD,
    DRAG_BANK,
    DRAG_THUMB,
    DRAG_CONTENT /* of the panel that scrolls; without a way it is a click */
};

struct input {
    struct ui *ui;
    float scale; /* pixels per unit of the mouse's positions */
    enum input_drag drag;
    int x, y; /* pixels, of the last event */
    int way;  /* pixels that a drag of content has gone, there and back */
};

/* True when something to be seen may have changed. */
bool input_event(struct input *in, const SDL_Event *e);

#endif
