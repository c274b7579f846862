/* compare.h - one prompt under two routing policies: the texts and how they differ. */
#ifndef CLI_COMPARE_H
#define CLI_COMPARE_H

#include "cli/app.h"

enum { SIDE_A, SIDE_B, N_SIDE };

/* A text, the prompt first, and how each side predicted it. */
struct compare_text {
    struct text_ids ids;
    uint32_t n_prompt;
    bool ended;          /* by the model, not by -n or the context */
    double *nll[N_SIDE]; /* [ids.n] of token i from those before; 0 for the first */
    double *kl; /* [ids.n] of B's distribution from A's, in nats; 0 for the first */
};

struct compare {
    struct app *app;
    struct lem_session *session[N_SIDE];
    struct lem_sample_params sample;
    const char *policy[N_SIDE]; /* path; NULL = none */
    struct compare_text text[N_SIDE];
};

/* Run text `i` through both sides. Says on stderr what failed. (compare_score.c) */
bool compare_score(struct compare *c, int i);
/* Perplexity of `side` on what was written of text `which`; NAN when nothing was. */
double compare_perplexity(const struct compare *c, int side, int which);
/* First place where the texts differ: an index of tokens, or the length of both. */
uint32_t compare_parting(const struct compare *c);

/* Mean over the tokens written of the first text, and where it is largest. */
struct compare_kl {
    double mean, most; /* NAN when nothing was written */
    uint32_t most_at;
};
struct compare_kl compare_kl(const struct compare *c);

/* (compare_print.c) Each: false when memory ran out. */
bool compare_print_text(const struct compare *c);
bool compare_print_json(const struct compare *c);

#endif
