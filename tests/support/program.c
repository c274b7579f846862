/* program.c - runs a program without a shell, for tests of what it prints and returns. */
#include "support/program.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

extern char **environ;

static void need(int error, const char *what)
{
    if (error == 0)
        return;
    fprintf(stderr, "%s: %s\n", what, strerror(error));
    abort();
}

/* Files, not pipes: nobody has to read while the program writes. */
static FILE *temp_file(const char *text)
{
    FILE *f = tmpfile();
    need(f ? 0 : errno, "a temporary file");
    if (text)
        fputs(text, f);
    rewind(f);
    return f;
}

/* The test's environment with `extra` in front: the first of two settings counts. */
static char **join_env(const char *const *extra)
{
    size_t n = 0, m = 0;
    while (environ[n])
        n++;
    while (extra && extra[m])
        m++;
    char **env = calloc(n + m + 1, sizeof *env);
    need(env ? 0 : ENOMEM, "the environment");
    for (size_t i = 0; i < m; i++)
        env[i] = (char *)(size_t)extra[i];
    size_t to = m;
    for (size_t i = 0; i < n; i++) {
        size_t k = 0;
        const size_t len = strcspn(environ[i], "=") + 1;
        while (k < m && strncmp(extra[k], environ[i], len) != 0)
            k++;
        if (k == m)
            env[to++] = environ[i];
    }
    return env;
}

void program_start(struct program *p, const char *const *argv)
{
    p->in_file = temp_file(p->in);
    p->out_file = temp_file(NULL);
    p->err_file = temp_file(NULL);
    posix_spawn_file_actions_t fa;
    need(posix_spawn_file_actions_init(&fa), "posix_spawn");
    need(posix_spawn_file_actions_adddup2(&fa, fileno(p->in_file), 0), "standard input");
    need(posix_spawn_file_actions_adddup2(&fa, fileno(p->err_file), 2), "standard error");
    if (!p->out_path)
        need(posix_spawn_file_actions_adddup2(&fa, fileno(p->out_file), 1), "output");
    else if (p->out_path[0])
        need(posix_spawn_file_actions_addopen(&fa, 1, p->out_path, O_WRONLY, 0),
             "output");
    else
        need(posix_spawn_file_actions_addclose(&fa, 1), "output");
    char **env = join_env(p->env);
    need(posix_spawn(&p->pid, argv[0], &fa, NULL, (char *const *)(size_t)argv, env),
         argv[0]);
    posix_spawn_file_actions_destroy(&fa);
    free(env);
}

size_t program_out_bytes(const struct program *p)
{
    struct stat st;
    return fstat(fileno(p->out_file), &st) == 0 ? (size_t)st.st_size : 0;
}

static char *take(FILE *f, size_t *n)
{
    fseek(f, 0, SEEK_END);
    const long size = ftell(f);
    char *text = size >= 0 ? malloc((size_t)size + 1) : NULL;
    need(text ? 0 : ENOMEM, "a file's text");
    rewind(f);
    *n = fread(text, 1, (size_t)size, f);
    text[*n] = '\0';
    fclose(f);
    return text;
}

void program_wait(struct program *p)
{
    int status = 0;
    while (waitpid(p->pid, &status, 0) < 0)
        need(errno == EINTR ? 0 : errno, "waitpid");
    p->code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    size_t n_err;
    p->out = take(p->out_file, &p->n_out);
    p->err = take(p->err_file, &n_err);
    fclose(p->in_file);
}

void program_run(struct program *p, const char *const *argv)
{
    program_start(p, argv);
    program_wait(p);
}

void program_free(struct program *p)
{
    free(p->out);
    free(p->err);
    *p = (struct program){0};
}

char *program_read_file(const char *path, size_t *n)
{
    FILE *f = fopen(path, "rb");
    if (!f)
        fail_msg("%s is not there", path);
    return take(f, n);
}

void assert_contains(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("\"%s\" is not in: %s", part, text);
}
