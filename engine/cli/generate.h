/* generate.h - the loop of `run`: prompt in, tokens out, one at a time. */
#ifndef CLI_GENERATE_H
#define CLI_GENERATE_H

#include <stdbool.h>
#include <stdint.h>

#include "cli/record.h"
#include "cli/show.h"
#include "lemnos/session.h"

enum generate_end {
    GENERATE_LIMIT,   /* -n tokens written */
    GENERATE_EOS,     /* the model ended the text */
    GENERATE_FULL,    /* the context has no room */
    GENERATE_STOPPED, /* Ctrl-C */
    GENERATE_FAILED   /* said on stderr */
};

struct generate {
    struct app *app;
    struct lem_session *session;
    struct show *show;
    struct record *record;
    struct lem_sample_params sample;
    int64_t limit;  /* most tokens to write; -1 = none */
    bool keep_last; /* run the last token too: somebody wants its routing */
    bool echo;      /* print the prompt */
    const struct text *prompt;
    const struct text_ids *prompt_ids;

    uint64_t n_written; /* tokens chosen, the end token not among them */
    uint64_t n_run;     /* of those, tokens run through the model */
    uint64_t prompt_ns, write_ns;
};

/* Run the prompt, then write. */
enum generate_end generate_text(struct generate *g);

#endif
