/* made_recording.h - recordings of any size, made up: for tests and for measuring. */
#ifndef VIEWER_MADE_RECORDING_H
#define VIEWER_MADE_RECORDING_H

#include <stdbool.h>
#include <stdint.h>

struct made {
    uint64_t n_token;
    uint32_t n_prompt, n_layer, n_expert, n_used;
};

/* Words, experts that follow the word and the layer, falling weights, margins, times,
 * and memory, which grows before token n_token / 2. The same numbers give the same file.
 * False when it cannot be written (said on stderr). */
bool made_recording(const char *path, const struct made *m);

#endif
