/* frames.h - when the next frame is due, and what the frames so far have cost. */
#ifndef VIEWER_FRAMES_H
#define VIEWER_FRAMES_H

#include <stdbool.h>
#include <stdint.h>

#include "source.h"

enum { FRAMES_RECENT = 256 };

struct frames {
    unsigned n;        /* drawn */
    float median, p99; /* milliseconds, of the last `n_known`; 0 = none yet */
    unsigned n_known;
    double first_frame_ms; /* from the program's start until it was shown */
    /* the rest is theirs */
    uint64_t started, due, start, first, last; /* of SDL_GetPerformanceCounter() */
    long cpu;
    double cpu_ms; /* processor time of all frames, of the worker's, too */
    float recent[FRAMES_RECENT];
    float *all; /* milliseconds, for the file of figures; NULL = not wanted */
};

/* `started`: when the program began, or 0. False: no memory to keep all times. */
bool frames_open(struct frames *f, uint64_t started, bool keep_all);
void frames_close(struct frames *f);

/* Milliseconds until the next frame is due; 0: now. */
int frames_wait(const struct frames *f);
/* Around the drawing of one. The next is due a 60th of a second after this one was, or
 * later where drawing would take more than a third of the time: a renderer in software
 * leaves the cores to the model. Never more than a 30th. */
void frames_begin(struct frames *f);
void frames_end(struct frames *f);
/* Nothing was to be drawn when the frame was due. */
void frames_skip(struct frames *f);

/* All times and the model's speed as JSON. False when it cannot be written. */
bool frames_write(struct frames *f, const char *path, struct source *source,
                  uint64_t n_token);

#endif
