/* prompt.h - the prompt and the sampling that the command line asks for. */
#ifndef CLI_PROMPT_H
#define CLI_PROMPT_H

#include <stdbool.h>
#include <stdint.h>

#include "lemnos/session.h"

struct app;
struct args;
struct text;
struct text_ids;

/* From words, -p, -f or standard input. Returns an exit code. */
int prompt_read(const struct args *a, struct text *t);

/* Its ids, with BOS where the file wants one; says why not when they do not fit a
 * context of n_ctx. */
bool prompt_encode(struct app *app, const struct text *t, uint32_t n_ctx,
                   struct text_ids *ids);

/* As the options say, with a seed of its own where none is given. */
struct lem_sample_params prompt_sampling(struct app *app);

#endif
