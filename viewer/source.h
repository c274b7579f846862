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

/* What a person may ask of a model at work. */
enum source_ask_kind {
    SOURCE_ASK_PROMPT, /* begin anew with `text` */
    SOURCE_ASK_STEP,   /* write one token more, though paused */
    SOURCE_ASK_KEEP,   /* forget all but tokens [0, at), at >= 1; the last of them is run
                        * again under the policy of now, and what follows is written anew */
    SOURCE_ASK_POLICY, /* put `entries` in force, after or instead of what is; a bias of
                        * 0 undoes an expert's setting, a limit of 0 a layer's */
    SOURCE_ASK_SAMPLE, /* choose tokens by `sample` from now on */
    SOURCE_ASK_PIN,    /* keep a copy of the run as it is, to compare with */
    SOURCE_ASK_UNPIN
};

struct source_ask {
    enum source_ask_kind kind;
    uint64_t at;
    struct lem_sample_params sample;
    struct lem_policy_entry *entries; /* [n_entry] */
    uint32_t n_entry;
    bool replace; /* `entries` instead of what is in force */
    char *text;
};

/* What both kinds of source can do; `priv` is theirs. Those after `pace` are NULL in a
 * source that nobody can step in on. */
struct source_kind {
    void (*close)(struct source *s);
    uint64_t (*n_token)(struct source *s);
    bool (*token)(struct source *s, uint64_t i, struct lem_trace_token *out);
    size_t (*piece)(struct source *s, uint64_t i, char *out, size_t cap);
    bool (*routing)(struct source *s, uint64_t i, uint16_t *ids, float *weights);
    enum source_phase (*phase)(struct source *s, char *message, size_t cap);
    void (*pause)(struct source *s, bool paused);
    void (*pace)(struct source *s, float per_second); /* NULL: it does not write */
    uint32_t (*n_event)(struct source *s);
    size_t (*event)(struct source *s, uint32_t k, uint64_t *before, char *out,
                    size_t cap);
    bool (*ask)(struct source *s, const struct source_ask *ask);
    uint32_t (*revision)(struct source *s);
    uint32_t (*policy)(struct source *s, struct lem_policy_entry *out, uint32_t cap,
                       uint32_t *revision);
    struct lem_sample_params (*sampling)(struct source *s);
    struct source *(*pinned)(struct source *s);
    size_t (*divergence)(struct source *s, uint64_t from, size_t n, float *out);
    bool (*margins)(struct source *s, uint64_t i, float *margins, uint16_t *next);
    void (*memory)(struct source *s, uint64_t i, struct lem_trace_memory *out);
};

struct source {
    const struct source_kind *kind;
    void *priv;
    struct lem_trace_facts facts; /* lives as long as the source */
    uint32_t n_prompt;
    bool live;
    char note[600]; /* "" or one line about the recording: cut off, damaged */
};

/* Returns false with one line in `message`. */
bool source_open_recording(struct source *s, const char *path, char *message, size_t cap);

/* A source of nothing but the reason why there is nothing. */
void source_open_failed(struct source *s, const char *message);

struct source_live_params {
    const char *model, *prompt, *device;
    const char *caps;   /* a forced-caps profile of lemnos/device.h, or NULL */
    bool validation;    /* ask for the Vulkan validation layer */
    const char *policy; /* file of the policy to begin under, or NULL */
    struct lem_sample_params sample;
    uint32_t n_ctx;
    bool stages;    /* take times by stage; costs speed where the device is the CPU */
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
/* [n_layer_moe] as lem_session_margins() gives them; false where they are not known. */
bool source_margins(struct source *s, uint64_t i, float *margins, uint16_t *next);
/* As it was noted last before token `i`, which may be the one to come; live, of the peak,
 * what it is now. Zeros: not known. */
void source_memory(struct source *s, uint64_t i, struct lem_trace_memory *out);
enum source_phase source_phase(struct source *s, char *message, size_t cap);
void source_pause(struct source *s, bool paused);
/* Write at most so many tokens in a second; 0: as fast as it goes. */
void source_pace(struct source *s, float per_second);

/* Changes of the routing policy, in order: event `k` was before token *before; its JSON
 * is written without terminator where it fits `cap`. Returns its bytes. */
uint32_t source_n_event(struct source *s);
size_t source_event(struct source *s, uint32_t k, uint64_t *before, char *out,
                    size_t cap);

/* ---- a model at work: a recording answers with nothing -------------------------- */

/* Asked in one thread, done in another between two tokens; all that `ask` points to is
 * copied. What the model refuses stands in source_phase()'s message. False: not live, or
 * no memory. */
bool source_ask(struct source *s, const struct source_ask *ask);
/* Another number whenever tokens were taken away or run anew: sums begin again. */
uint32_t source_revision(struct source *s);
/* The policy in force as lem_session_policy() lists it; *revision is another number
 * whenever it changed. */
uint32_t source_policy(struct source *s, struct lem_policy_entry *out, uint32_t cap,
                       uint32_t *revision);
struct lem_sample_params source_sampling(struct source *s);
/* The run that was pinned, with the same facts, or NULL. It goes with `s`. */
struct source *source_pinned(struct source *s);
/* Of tokens [from, from + n) of the pinned run: KL divergence in nats of the next-token
 * distribution under the policies of the present run from that under those of the pinned
 * one, both on the pinned text; NAN where it is not known. Returns how many there are. */
size_t source_divergence(struct source *s, uint64_t from, size_t n, float *out);

#endif
