/* signals.h - Ctrl-C: the first stops after the token under way, the second quits. */
#ifndef CLI_SIGNALS_H
#define CLI_SIGNALS_H

#include <stdbool.h>

struct lem_session;

/* A file that is shortened while it is mapped ends the program with a message. */
void signals_guard_files(void);

/* From now on the first Ctrl-C asks `session` to stop instead of ending the
 * program. NULL goes back to the usual: call it before the session is closed. */
void signals_watch(struct lem_session *session);
/* Has Ctrl-C been pressed since signals_watch()? */
bool signals_stopping(void);

/* A file that has to go when the program is ended by a signal. `path` must live
 * until it is forgotten. At most SIGNALS_MAX_FILE at a time: more are left alone. */
enum { SIGNALS_MAX_FILE = 4 };
void signals_keep_clean(const char *path);
void signals_forget(const char *path);

#endif
