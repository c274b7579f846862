/* files.h - no result may be written over what is being read, or over another result. */
#ifndef CLI_FILES_H
#define CLI_FILES_H

#include <stdbool.h>

struct args;

/* Whether all files that the options name for writing differ from each other, from the
 * model at `model` (all parts of a split one) and from the other files that are read.
 * Otherwise a message is on stderr. Opens nothing. */
bool files_apart(const struct args *a, const char *model);

/* The same for a file that is named later, of which `what` tells ("/save"). */
bool files_may_write(const struct args *a, const char *model, const char *what,
                     const char *path);

#endif
