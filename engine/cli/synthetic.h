/* synthetic.h - models with random weights in the folder for caches. */
#ifndef CLI_SYNTHETIC_H
#define CLI_SYNTHETIC_H

#include "cli/app.h"

/* The path of the model of this shape and type, into `out`; written first where it is not
 * there yet. Says on stderr what failed. */
bool synthetic_find(struct app *app, const char *shape, const char *type, char *out,
                    size_t cap);

#endif
