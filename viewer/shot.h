/* shot.h - pictures of the window, without a window where there is none. */
#ifndef VIEWER_SHOT_H
#define VIEWER_SHOT_H

#include <stdbool.h>
#include <stddef.h>

#include "canvas.h"

/* Write the canvas as PNG. Returns false with one line in `message`. */
bool shot_write(const struct canvas *c, const char *path, char *message, size_t cap);

#endif
