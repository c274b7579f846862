/* program.h - runs a program without a shell, for tests of what it prints and returns.
 *
 *     struct program p = {.in = "text on standard input"};
 *     program_run(&p, (const char *[]){path, "info", NULL});
 *     assert_int_equal(p.code, 0);
 *     program_free(&p); */
#ifndef SUPPORT_PROGRAM_H
#define SUPPORT_PROGRAM_H

#include <stddef.h>
#include <stdio.h>
#include <sys/types.h>

struct program {
    /* before: all may be NULL */
    const char *in;         /* standard input; NULL = empty */
    const char *out_path;   /* standard output goes there; "" = it is closed */
    const char *const *env; /* "NAME=value" …, NULL: set on top of the test's own */
    /* after */
    int code;        /* exit code; 128 + number when a signal ended it */
    char *out, *err; /* what it printed, terminated */
    size_t n_out;
    /* between program_start() and program_wait() */
    pid_t pid;
    FILE *in_file, *out_file, *err_file;
};

/* `argv` ends with NULL. Aborts when the program cannot be started. */
void program_run(struct program *p, const char *const *argv);

/* The same in two steps, so that a test can send it a signal in between. */
void program_start(struct program *p, const char *const *argv);
/* Bytes of standard output so far. */
size_t program_out_bytes(const struct program *p);
void program_wait(struct program *p);

void program_free(struct program *p);

/* A whole file, terminated, to free(). Fails the test when it is not there. */
char *program_read_file(const char *path, size_t *n);
/* Fails the test unless `part` stands in `text`. */
void assert_contains(const char *text, const char *part);

#endif
