/* special.h - tokens that are found in the text as it stands, before any algorithm:
 * user-defined ones always, control and unknown ones on request. */
#ifndef TEXT_SPECIAL_H
#define TEXT_SPECIAL_H

#include "text/vocab.h"

struct special {
    const struct vocab *vocab;
    uint32_t *id; /* [n] by piece, byte by byte */
    uint32_t n;
    uint32_t first[257]; /* ids whose text starts with byte b: first[b] .. first[b + 1] */
};

struct special_match {
    size_t at;
    uint32_t len;
    int32_t id;
};

/* Needs the vocabulary's pieces. Returns LEM_OK or LEM_ERR_MEMORY, logged. */
enum lem_status special_open(struct special *s, const struct vocab *vocab,
                             const struct gguf *g, struct arena *arena,
                             const struct lem_log *log);

/* The leftmost special token from `from` on; of those that start there the longest.
 * `control`: control and unknown tokens count too. `blocked` [n_vocab]: tokens that do
 * not count; NULL = none. False when there is none. */
bool special_find(const struct special *s, const char *text, size_t n, size_t from,
                  bool control, const bool *blocked, struct special_match *out);

#endif
