/* live.h - a model at work as a source: what its files share. One thread, the worker,
 * runs the model; the window's reads what it has done. */
#ifndef VIEWER_LIVE_H
#define VIEWER_LIVE_H

#include <SDL.h>

#include "source.h"

/* ---- a run: the tokens of a text, and under which policies they were run. (live_run.c)
 */

struct written {
    struct lem_trace_token token;
    char *piece;
    uint32_t n_piece;
    float *
        margins; /* [n_layer] of the run, then as many u16: the first left out; or NULL */
};

/* From token `from` on these settings were in force. */
struct span {
    uint64_t from;
    struct lem_policy_entry *entries; /* [n_entry] */
    uint32_t n_entry;
};

struct run {
    size_t pairs;   /* experts of a token: n_layer_moe times n_expert_used */
    size_t n_layer; /* n_layer_moe */
    uint64_t n, cap;
    uint32_t n_prompt;
    struct written *done; /* [n] */
    uint16_t *ids;        /* [n][pairs] */
    float *weights;
    struct span *span; /* [n_span] by rising `from`; before the first: no policy */
    uint32_t n_span;
};

/* False when memory ran out; the run is as it was. The piece is taken over. */
bool run_add(struct run *r, const struct written *w, const uint16_t *ids,
             const float *weights);
/* Margins of a token with its first left out; false when memory ran out. */
bool run_set_margins(const struct run *r, struct written *w, const float *margins,
                     const uint16_t *next);
/* Forget tokens [n, end). */
void run_cut(struct run *r, uint64_t n);
/* From token `at` on these settings are in force, instead of what was to come there. */
bool run_mark(struct run *r, uint64_t at, const struct lem_policy_entry *entries,
              uint32_t n_entry);
bool run_copy(struct run *to, const struct run *from);
void run_free(struct run *r);
/* The settings token `at` was run under; NULL: none. */
const struct span *run_span(const struct run *r, uint64_t at);
/* The first token below `n` that was run under other settings in `b`, or `n`. */
uint64_t run_parting(const struct run *a, const struct run *b, uint64_t n);

/* ---- scoring the pinned run. (live_score.c) */

struct score {
    struct lem_session *session[2]; /* under the pinned run's policies, the present's */
    uint32_t cap;                   /* tokens they hold */
    uint64_t at;                    /* pinned tokens run through both */
    uint64_t valid; /* of the second's tokens, those run as the present run's were */
    float *kl;      /* [pinned.n], under the lock; NAN = not known */
    bool failed;
};

/* ---- all of it */

struct ask_entry {
    struct source_ask ask;
    struct ask_entry *next;
};

struct live {
    struct source_live_params params; /* `sample` under the lock */
    struct source *source;
    SDL_Thread *thread;
    SDL_mutex *lock;
    SDL_cond *wake;
    /* under the lock */
    enum source_phase phase;
    char message[512];
    bool paused, stop;
    float pace; /* most tokens in a second; 0 = as fast as it goes */
    struct ask_entry *first_ask, *last_ask;
    struct run run, pinned; /* changed by the worker only, which reads without it */
    struct lem_sample_params pinned_sample; /* when it was pinned */
    bool is_pinned;
    uint32_t revision, policy_revision;
    struct lem_policy_entry *policy; /* [n_policy] in force */
    uint32_t n_policy;
    struct score score;
    /* the worker's own */
    bool ended;     /* nothing more is to be written */
    bool timed;     /* stages are measured */
    bool broken;    /* the model cannot go on */
    uint32_t steps; /* tokens asked for one by one */
    uint64_t due;   /* SDL_GetTicks64() before which a pace forbids the next token */
    uint16_t *ids;  /* [pairs] of one token */
    float *weights;
    float *margins; /* [n_layer_moe] of one token */
    uint16_t *next;
    struct lem_log log;
    struct lem_model *model;
    struct lem_tokenizer *tokenizer;
    struct lem_device *device;
    struct lem_weights *model_weights;
    struct lem_session *session; /* set under the lock */
    struct lem_model_info info;
    uint32_t *layer;
    struct lem_trace_memory memory; /* under the lock once the session is open */
    char name[128], architecture[64], device_name[256];
    struct source pinned_source;
};

/* The worker. (live.c) A line for the person; the model's own come by its log. */
void live_say(struct live *l, const char *text);

/* Work on the text. Each returns false when the model cannot go on. (live_write.c) */
bool live_prompt(struct live *l, const char *text);
bool live_write_one(struct live *l);
bool live_keep(struct live *l, uint64_t at);
/* Put settings in force; refused ones change nothing. */
bool live_policy(struct live *l, const struct source_ask *ask);

/* (live_score.c) */
void score_pin(struct live *l);
void score_unpin(struct live *l);
/* The present run's policies are others from token `at` on. */
void score_changed(struct live *l, uint64_t at);
/* A batch of it. False when there is nothing to do. */
bool score_work(struct live *l);

/* What the window asks; `priv` is struct live. (live_read.c) */
extern const struct source_kind live_kind, live_pinned_kind;
void live_drop_asks(struct live *l);

#endif
