/* house.h - what the house tests share: walking the sources, reading files, running
 * tools, and complaints that are gathered so that one run shows them all. */
#ifndef HOUSE_HOUSE_H
#define HOUSE_HOUSE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { HOUSE_PATH = 1024 };

/* A whole file with a zero byte behind it; the caller frees. Fails the test when the
 * file cannot be read. `size` may be NULL. */
char *house_read(const char *path, size_t *size);

/* Call `fn` for every plain file under `dir` whose name ends in one of `endings`
 * (NULL-terminated; an ending may be a whole name), sorted. Build and .git folders are
 * left out. `path` begins with `dir`. Returns how many there were. */
unsigned house_walk(const char *dir, const char *const *endings,
                    void (*fn)(const char *path, void *priv), void *priv);

/* printf into a buffer of HOUSE_PATH bytes; fails the test when it does not fit. */
__attribute__((format(printf, 2, 3))) void house_path(char out[HOUSE_PATH],
                                                      const char *fmt, ...);

/* Run a shell command; its output (both streams) goes to *output, which the caller
 * frees. Returns the exit status, or -1 when it was ended by a signal. */
__attribute__((format(printf, 2, 3))) int house_run(char **output, const char *fmt, ...);

/* Skip the test that runs, saying why, unless the configure step found the tool. */
void house_need(const char *tool_path, const char *name);

/* Note something that is wrong; house_finish() fails when anything was noted. */
__attribute__((format(printf, 1, 2))) void house_complain(const char *fmt, ...);
void house_finish(void);

#endif
