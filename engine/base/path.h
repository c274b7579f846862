/* path.h - names of files and folders. */
#ifndef BASE_PATH_H
#define BASE_PATH_H

#include <stdbool.h>
#include <stddef.h>

/* Make a folder and those above it. True when it is there afterwards. */
bool path_make_dir(const char *path);

/* dir + "/" + name into out; false when it does not fit. */
bool path_join(char *out, size_t cap, const char *dir, const char *name);

#endif
