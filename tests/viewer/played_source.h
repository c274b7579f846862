/* played_source.h - a recording played as if a model were at work, for tests: it takes
 * what is asked for, and fails when it is told to. */
#ifndef VIEWER_PLAYED_SOURCE_H
#define VIEWER_PLAYED_SOURCE_H

#include "source.h"

struct played {
    struct source recording;
    uint64_t n; /* tokens of it that are written so far */
    bool failed, paused;
    char prompt[256]; /* the last that was asked for */
    unsigned n_ask;
};

/* Both stay; close with source_close(), then of the recording. */
void played_open(struct played *p, struct source *s, const char *path);

#endif
