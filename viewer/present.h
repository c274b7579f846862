/* present.h - the picture on the screen: only what changed since the last one is handed
 * over. */
#ifndef VIEWER_PRESENT_H
#define VIEWER_PRESENT_H

#include <SDL.h>

#include "canvas.h"

/* Before the window is made. */
void present_prepare(void);
/* Pixels of the window; false, with SDL's error, where it gives no picture to draw on. */
bool present_size(SDL_Window *window, int *w, int *h);
/* Show `c`, which is as large as the window; all of it where `whole`. A window that has
 * changed its size meanwhile is left for the next call. */
bool present_show(SDL_Window *window, const struct canvas *c, bool whole);

#endif
