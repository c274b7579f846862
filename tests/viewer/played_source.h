/* played_source.h - a recording played as if a model were at work, for tests: it takes
 * what is asked for, and fails when it is told to. */
#ifndef VIEWER_PLAYED_SOURCE_H
#define VIEWER_PLAYED_SOURCE_H

#include "source.h"

enum { PLAYED_ENTRIES = 64 };

struct played {
    struct source recording;
    uint64_t n; /* tokens of it that are written so far */
    bool failed, paused;
    char prompt[256]; /* the last that was asked for */
    unsigned n_ask;
    enum source_ask_kind asked; /* the last */
    /* what stepping in has changed */
    struct lem_policy_entry policy[PLAYED_ENTRIES];
    uint32_t n_policy, revision;
    struct lem_sample_params sample;
    float pace;
    bool is_pinned; /* the recording as it is, beside this run of it */
    /* From token `cut` on this run leaves out `n_cut` of the recording's. */
    uint64_t cut, n_cut;
};

/* Both stay; close with source_close(), which closes the recording, too. */
void played_open(struct played *p, struct source *s, const char *path);

#endif
