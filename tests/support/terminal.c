/* terminal.c - runs a program on a terminal of its own and types. */
#include "support/terminal.h"

#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* A loaded machine is slow, but not that slow. */
enum { PATIENCE_MS = 300000 };

/* In the child: the first terminal that is opened now is its own. */
static _Noreturn void run(const char *name, const char *const *env,
                          const char *const *argv)
{
    setsid();
    const int fd = open(name, O_RDWR);
    for (int i = 0; fd >= 0 && i < 3; i++)
        dup2(fd, i);
    for (; env && *env; env++)
        putenv((char *)(size_t)*env);
    setenv("TERM", "vt100", 1);
    execv(argv[0], (char *const *)(size_t)argv);
    _exit(127);
}

void terminal_open(struct terminal *t, const char *const *env, const char *const *argv)
{
    memset(t, 0, sizeof *t);
    t->fd = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    const bool made = t->fd >= 0 && grantpt(t->fd) == 0 && unlockpt(t->fd) == 0;
    const char *name = made ? ptsname(t->fd) : NULL;
    if (!name || access(name, R_OK | W_OK) != 0) { /* a bare root, without devpts */
        print_message("skipped: this machine gives no pseudo-terminals\n");
        if (t->fd >= 0)
            close(t->fd);
        skip();
    }
    t->pid = fork();
    assert_true(t->pid >= 0);
    if (t->pid == 0)
        run(name, env, argv);
}

/* Read until there is something new; false when nobody holds the terminal any more. */
static bool look(struct terminal *t)
{
    struct pollfd p = {.fd = t->fd, .events = POLLIN};
    if (poll(&p, 1, PATIENCE_MS) != 1)
        fail_msg("nothing came after: %s", t->text);
    if (t->n + 1 == sizeof t->text) { /* the newer half is enough to find things in */
        t->n /= 2;
        memmove(t->text, t->text + sizeof t->text - 1 - t->n, t->n);
    }
    char *fresh = t->text + t->n;
    const ssize_t n = read(t->fd, fresh, sizeof t->text - 1 - t->n);
    for (ssize_t i = 0; i < n; i++)
        if (fresh[i]) /* terminals of old are given zeros, to have time */
            t->text[t->n++] = fresh[i];
    t->text[t->n] = '\0';
    return n > 0;
}

void terminal_wait(struct terminal *t, const char *part)
{
    const char *at;
    while ((at = strstr(t->text, part)) == NULL)
        if (!look(t))
            fail_msg("\"%s\" is not shown: %s", part, t->text);
    const size_t used = (size_t)(at - t->text) + strlen(part);
    t->n -= used;
    memmove(t->text, t->text + used, t->n + 1);
}

void terminal_wait_bytes(struct terminal *t, size_t n)
{
    for (const size_t before = t->n; t->n < before + n;)
        assert_true(look(t));
}

void terminal_type(struct terminal *t, const char *keys)
{
    const size_t n = strlen(keys);
    assert_int_equal(write(t->fd, keys, n), (ssize_t)n);
}

void terminal_close(struct terminal *t, int code)
{
    int status = 0;
    while (look(t))
        ;
    assert_int_equal(waitpid(t->pid, &status, 0), t->pid);
    close(t->fd);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), code);
}
