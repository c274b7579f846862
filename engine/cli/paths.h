/* paths.h - where the model that ships lies, and where caches go. */
#ifndef CLI_PATHS_H
#define CLI_PATHS_H

#include <stdbool.h>
#include <stddef.h>

enum { PATHS_MAX = 4096 };

/* The model that ships, seen from the running program: in the source tree around
 * a build folder, or in share/ of the installed tree. Says on stderr where it
 * looked when there is none. */
bool paths_default_model(char *out, size_t cap);

/* Folder for caches by the XDG rules; `xdg` and `home` are the two environment
 * variables' values or NULL. False when neither says. */
bool paths_cache_dir(char *out, size_t cap, const char *xdg, const char *home);

/* The part after the last slash. */
const char *paths_base_name(const char *path);

#endif
