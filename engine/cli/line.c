/* line.c - reads what the user types: by libedit on a terminal, else byte by byte. */
#include "cli/line.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/app.h"
#include "cli/os.h"

struct line {
    bool terminal;
    struct line_edit *edit; /* NULL: plain reading */
};

#ifndef LEM_LIBEDIT
struct line_edit *line_edit_open(void)
{
    return NULL;
}

void line_edit_close(struct line_edit *edit)
{
    (void)edit;
}

enum line_result line_edit_read(struct line_edit *edit, const char *prompt,
                                struct text *out)
{
    (void)edit, (void)prompt, (void)out;
    return LINE_ENDED;
}

void line_edit_remember(struct line_edit *edit, const char *text)
{
    (void)edit, (void)text;
}
#endif

struct line *line_open(void)
{
    struct line *l = calloc(1, sizeof *l);
    if (!l) {
        app_error("memory ran out for reading what is typed.");
        return NULL;
    }
    l->terminal = os_is_terminal(stdin) && os_is_terminal(stdout);
    if (l->terminal)
        l->edit = line_edit_open();
    return l;
}

void line_close(struct line **line)
{
    if (!*line)
        return;
    line_edit_close((*line)->edit);
    free(*line);
    *line = NULL;
}

bool line_is_terminal(const struct line *line)
{
    return line->terminal;
}

/* As much as a tokenizer takes at once: a file without line ends must end somewhere. */
#define LINE_MAX_BYTES (((size_t)1 << 30) - 1)

static enum line_result read_plain(const struct line *l, const char *prompt,
                                   struct text *out)
{
    if (l->terminal) {
        fputs(prompt, stdout);
        fflush(stdout);
    }
    const size_t before = out->n;
    int c;
    errno = 0;
    while ((c = getc(stdin)) != EOF && c != '\n') {
        const char byte = (char)c;
        if (out->n == LINE_MAX_BYTES) {
            app_error("standard input: a line is longer than %zu bytes. Give less.",
                      LINE_MAX_BYTES);
            return LINE_FAILED;
        }
        if (!text_add(out, &byte, 1))
            return LINE_FAILED;
    }
    if (c == EOF && ferror(stdin)) {
        app_error("standard input: cannot read: %s.", strerror(errno));
        return LINE_FAILED;
    }
    if (out->n > before && out->data[out->n - 1] == '\r')
        out->data[--out->n] = '\0';
    return c == EOF && out->n == before ? LINE_ENDED : LINE_READ;
}

enum line_result line_read(struct line *line, const char *prompt, struct text *out)
{
    out->n = 0;
    if (!text_add(out, "", 0))
        return LINE_FAILED;
    for (bool more = false;; more = true) {
        const char *shown = more ? "... " : prompt;
        const enum line_result r = line->edit ? line_edit_read(line->edit, shown, out)
                                              : read_plain(line, shown, out);
        /* What stands before an end of input is said all the same. */
        if (r != LINE_READ && !(r == LINE_ENDED && more))
            return r;
        if (r == LINE_ENDED || out->n == 0 || out->data[out->n - 1] != '\\')
            break;
        out->data[out->n - 1] = '\n';
    }
    if (line->edit)
        line_edit_remember(line->edit, out->data);
    return LINE_READ;
}
