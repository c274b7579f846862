/* live_fixture.h - the model that ships at work as a source, for tests: it has written
 * N_WRITE tokens, and is waited for as long as a slow machine may take. */
#ifndef VIEWER_LIVE_FIXTURE_H
#define VIEWER_LIVE_FIXTURE_H

#include "source.h"

enum { N_WRITE = 24, MAX_TOKEN = 64 };

extern const char fixture_model[];

struct fixture {
    struct source source;
    uint32_t pairs, n_used;
};

/* Setup and teardown of a cmocka test: the model is opened anew for each. */
int fixture_open(void **state);
int fixture_open_staged(void **state); /* with times by stage */
int fixture_close(void **state);

/* In a loop around what is waited for: a moment's sleep. Fails the test, naming `what`,
 * when the model has stopped or minutes have passed since *since, which is 0 at first. */
void fixture_wait(struct fixture *f, uint64_t *since, const char *what);
/* The worker has done what was asked before, and the text has ended. */
void fixture_wait_for_end(struct fixture *f);
void fixture_wait_for_revision(struct fixture *f, uint32_t more_than);

/* Ask, and wait until it is done. */
void fixture_keep(struct fixture *f, uint64_t at);
void fixture_policy(struct fixture *f, struct lem_policy_entry *e, uint32_t n);

/* Ids of the first MAX_TOKEN tokens; returns how many there are. */
uint32_t fixture_ids(struct source *s, int32_t *id);

#endif
