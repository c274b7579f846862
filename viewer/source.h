/* source.h - the stream of tokens that the views show: from a recording or from a
 * model at work. The views know only this. */
#ifndef VIEWER_SOURCE_H
#define VIEWER_SOURCE_H

#include "lemnos/lemnos.h"

enum source_phase {
    SOURCE_OPENING, /* loading a model */
    SOURCE_RUNNING, /* more tokens may come */
    SOURCE_DONE,    /* all there is */
    SOURCE_FAILED   /* what was there before stays */
};

struct source;

/* What both kinds of source can do; `priv` is theirs. */
struct source_kind {
    void (*close)(struct source *s);
    uint64_t (*n_token)(struct source *s);
    bool (*token)(struct source *s, uint64_t i, struct lem_trace_token *out);
    size_t (*piece)(struct source *s, uint64_t i, char *out, size_t cap);
    bool (*routing)(struct source *s, uint64_t i, uint16_t *ids, float *weights);
    enum source_phase (*phase)(struct source *s, char *message, size_t cap);
    void (*pause)(struct source *s, bool paused);
};

struct source {
    const struct source_kind *kind;
    void *priv;
    struct lem_trace_facts facts; /* lives as long as the source */
    uint32_t n_prompt;
    bool live;
    char note[160]; /* "" or one line about the recording: cut off, damaged */
};

/* Returns false with one line in `message`. */
bool source_open_recording(struct source *s, const char *path, char *message, size_t cap);

struct source_live_params {
    const char *model, *prompt, *device;
    struct lem_sample_params sample;
    uint32_t n_ctx;
    uint64_t limit; /* most tokens to write; 0 = the context */
};
/* Starts a thread that opens the model and writes. `params`' strings must stay. The
 * facts are all zero until the phase is no longer SOURCE_OPENING. */
bool source_open_live(struct source *s, const struct source_live_params *params,
                      char *message, size_t cap);

void source_close(struct source *s);

uint64_t source_n_token(struct source *s);
/* False where token `i` is not there or damaged. */
bool source_token(struct source *s, uint64_t i, struct lem_trace_token *out);
size_t source_piece(struct source *s, uint64_t i, char *out, size_t cap);
/* [n_layer_moe][n_expert_used]; weights that are no numbers become 0. */
bool source_routing(struct source *s, uint64_t i, uint16_t *ids, float *weights);
enum source_phase source_phase(struct source *s, char *message, size_t cap);
void source_pause(struct source *s, bool paused);

#endif
