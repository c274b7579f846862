/* save.h - the recording of a run, as far as it has come. */
#ifndef VIEWER_SAVE_H
#define VIEWER_SAVE_H

#include "source.h"

/* Write all tokens that are there to `path`, in one step: what was there before stays
 * until the new file is whole. Returns false with one line in `message`. */
bool save_recording(struct source *s, const char *path, char *message, size_t cap);

#endif
