/* past.h - what a session remembers of its text: keys and values of the layers that
 * attend, states of the others. One interface for both: append, rewind, reset.
 *
 * Keys and values of every position stay, so rewinding is free for them. States are
 * of one position only and a little before it: farther back, the text has to be run
 * again from its start, which past_rewind() tells. */
#ifndef CACHE_PAST_H
#define CACHE_PAST_H

#include "cache/kv.h"
#include "cache/state.h"

struct past {
    uint32_t n_ctx; /* tokens asked for; the caches may hold a few more */
    struct kv kv;
    struct state state;
    uint64_t bytes; /* of device memory */
};

/* For texts of `n_ctx` tokens, run up to `n_batch` at a time. Returns what kv_open()
 * and state_open() do. Close is safe on {0} and on what is half made. */
enum lem_status past_open(struct past *p, struct lem_device *device,
                          const struct hparams *hp, uint32_t n_ctx, uint32_t n_batch,
                          enum lem_cache_type type, const struct lem_log *log);
void past_close(struct past *p);

/* Tokens up to position `end` (excluded) have been run. */
void past_append(struct past *p, uint32_t end);
/* The text is now `length` tokens long. Returns from which position on they must be
 * run again before others follow: `length`, or 0. */
uint32_t past_rewind(struct past *p, uint32_t length);

#endif
