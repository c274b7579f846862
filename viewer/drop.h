/* drop.h - a file dropped onto the window. */
#ifndef VIEWER_DROP_H
#define VIEWER_DROP_H

#include "scene.h"

/* A policy is put in force. A recording or a model ends the window, with its path in
 * `next` for who opened it. Anything else is answered in words. */
void drop_file(struct scene *s, const char *path, char *next, size_t cap);

#endif
