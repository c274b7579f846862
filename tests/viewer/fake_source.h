/* fake_source.h - a source made up by a test: runs of given tokens, of a model with
 * layers 1, 2 and 5, 8 experts and 2 of them used. What it is asked is kept. */
#ifndef VIEWER_FAKE_SOURCE_H
#define VIEWER_FAKE_SOURCE_H

#include "source.h"

enum { FAKE_ENTRIES = 64, FAKE_INSIDE = 600 }; /* from this id on: inside words */

struct fake_run {
    const int32_t *id; /* [n] */
    uint64_t n;
    const float *kl; /* [n_kl] of the pinned run */
    uint64_t n_kl;
    struct source *pinned;
    const struct lem_policy_entry *policy; /* [n_policy] in force */
    uint32_t n_policy, revision, policy_revision;
    struct lem_sample_params sample;
    /* the last ask, with a copy of its entries */
    struct source_ask asked;
    struct lem_policy_entry entry[FAKE_ENTRIES];
    unsigned n_ask;
};

/* `run` must stay. Nothing to close. */
void fake_source_open(struct source *s, struct fake_run *run);

#endif
