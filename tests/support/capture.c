/* capture.c - a log that remembers, for tests of what went wrong and how it is said. */
#include "support/capture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void remember(void *priv, enum lem_log_level level, const char *text)
{
    struct capture *c = priv;
    if (level != LEM_LOG_ERROR) {
        c->n_other++;
        c->unchecked = c->unchecked || strstr(text, "going on without validation");
        return;
    }
    c->n_error++;
    snprintf(c->error, sizeof c->error, "%s", text);
}

struct lem_log capture_log(struct capture *c)
{
    *c = (struct capture){0};
    return (struct lem_log){.fn = remember, .priv = c};
}

void assert_said(struct capture *c, const char *text)
{
    if (c->n_error != 1)
        fail_msg("%u error lines instead of one; the last is \"%s\", expected \"%s\"",
                 c->n_error, c->error, text ? text : "");
    if (text && !strstr(c->error, text))
        fail_msg("the error line is \"%s\", expected it to contain \"%s\"", c->error,
                 text);
    *c = (struct capture){0};
}

void assert_silent(const struct capture *c)
{
    if (c->n_error)
        fail_msg("an error line came: \"%s\"", c->error);
}
