/* terminal.h - runs a program on a terminal of its own and types: for tests of what only
 * happens there. Everything fails the test when it does not come to pass, but for a
 * machine without pseudo-terminals: there it is skipped.
 *
 *     struct terminal t;
 *     terminal_open(&t, NULL, (const char *[]){path, "chat", NULL});
 *     terminal_wait(&t, "> ");
 *     terminal_type(&t, "/quit\r");
 *     terminal_close(&t, 0); */
#ifndef SUPPORT_TERMINAL_H
#define SUPPORT_TERMINAL_H

#include <stddef.h>
#include <sys/types.h>

struct terminal {
    int fd;
    pid_t pid;
    char text[1 << 16]; /* what was shown and not yet waited for */
    size_t n;
};

/* `argv` and `env` end with NULL; `env` is set on top of the test's own, and may be
 * NULL. The terminal is a vt100. */
void terminal_open(struct terminal *t, const char *const *env, const char *const *argv);

/* Wait until `part` is shown; what stands before it is forgotten with it. */
void terminal_wait(struct terminal *t, const char *part);
/* Wait for `n` more bytes. */
void terminal_wait_bytes(struct terminal *t, size_t n);

void terminal_type(struct terminal *t, const char *keys);

/* Wait for the program to end, with this exit code. */
void terminal_close(struct terminal *t, int code);

#endif
