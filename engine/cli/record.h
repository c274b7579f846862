/* record.h - what `run --trace` writes down: each token, how likely it was, what else
 * was likely, its experts and its time. */
#ifndef CLI_RECORD_H
#define CLI_RECORD_H

#include <stdbool.h>
#include <stdint.h>

#include "lemnos/trace.h"

struct app;
struct lem_session;

/* {0} is a recording nobody asked for: all calls are fine and do nothing. */
struct record {
    struct app *app;
    struct lem_trace_writer *writer;
    struct lem_trace_token next;    /* chosen, not yet run */
    struct lem_trace_memory memory; /* noted last */
    bool stages;                    /* times by stage are kept */
    uint16_t *ids;                  /* [n_layer_moe][n_expert_used] of one token */
    float *weights;
    float *margins; /* [n_layer_moe] */
    uint16_t *left_out;
};

/* Each of these says on stderr what failed. A NULL `path` leaves {0}; device and
 * tokenizer must be open. `stages`: the session takes times by stage. */
bool record_open(struct record *r, struct app *app, const char *path, bool stages);
/* What the session does from here on is for the prompt, or for the next token. */
void record_begin(struct record *r, struct lem_session *session);
/* The session's first `n` tokens were given and took `ns` together; the policy in force
 * and the memory are written before them. */
bool record_prompt(struct record *r, const struct lem_session *session, uint32_t n,
                   uint64_t ns);
/* `id` follows: its rank among the session's logits, before it is run. */
void record_choice(struct record *r, struct lem_session *session, int32_t id);
/* It was run at `pos` and took `ns`, choosing included. */
bool record_token(struct record *r, const struct lem_session *session, uint32_t pos,
                  uint64_t ns);
/* The text has ended; memory is written again where it has grown. */
bool record_end(struct record *r, const struct lem_session *session);
bool record_close(struct record *r);

#endif
