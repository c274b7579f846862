/* os.h - what the viewer asks of the system itself: the only file of viewer/ that does.
 */
#ifndef VIEWER_OS_H
#define VIEWER_OS_H

#include <stdbool.h>
#include <stddef.h>

/* Path of `name` in the person's state directory for this program, which is made where
 * it is not there: $XDG_STATE_HOME/lemnos, or ~/.local/state/lemnos. False: there is no
 * place for it. */
bool os_state_path(const char *name, char *out, size_t cap);
/* A variable of the environment; NULL when it is not set, or empty. */
const char *os_variable(const char *name);
/* Put the finished file `from` in the place of `to`, in one step. */
bool os_replace(const char *from, const char *to);
/* "20261122-063111", now, for names of files. */
void os_stamp(char out[16]);

#endif
