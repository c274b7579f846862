/* chat_list.c - the messages of a conversation. */
#include <stdlib.h>
#include <string.h>

#include "cli/chat.h"
#include "cli/os.h"

static char *copy(const char *text, size_t n)
{
    char *s = malloc(n + 1);
    if (!s) {
        app_error("memory ran out for a message of %zu bytes.", n);
        return NULL;
    }
    if (n > 0)
        memcpy(s, text, n);
    s[n] = '\0';
    return s;
}

static bool grow(struct chat *c)
{
    if (c->n_message < c->cap)
        return true;
    const size_t cap = c->cap ? c->cap * 2 : 16;
    struct lem_chat_message *more = realloc(c->message, cap * sizeof *more);
    if (!more) {
        app_error("memory ran out for %zu messages.", cap);
        return false;
    }
    c->message = more;
    c->cap = cap;
    return true;
}

static bool insert(struct chat *c, size_t at, enum lem_chat_role role, const char *text,
                   size_t n)
{
    char *s = copy(text, n);
    if (!s || !grow(c)) {
        free(s);
        return false;
    }
    memmove(c->message + at + 1, c->message + at,
            (c->n_message - at) * sizeof *c->message);
    c->message[at] = (struct lem_chat_message){role, s, n};
    c->n_message++;
    return true;
}

static void remove_at(struct chat *c, size_t at)
{
    free((char *)c->message[at].text);
    c->n_message--;
    memmove(c->message + at, c->message + at + 1,
            (c->n_message - at) * sizeof *c->message);
}

bool chat_add(struct chat *c, enum lem_chat_role role, const char *text, size_t n)
{
    return insert(c, c->n_message, role, text, n);
}

bool chat_drop_last_of(struct chat *c, enum lem_chat_role role)
{
    if (c->n_message == 0 || c->message[c->n_message - 1].role != role)
        return false;
    remove_at(c, c->n_message - 1);
    return true;
}

const struct lem_chat_message *chat_system(const struct chat *c)
{
    const bool any = c->n_message > 0 && c->message[0].role == LEM_CHAT_SYSTEM;
    return any ? &c->message[0] : NULL;
}

bool chat_set_system(struct chat *c, const char *text, size_t n)
{
    if (n > 0 && !insert(c, 0, LEM_CHAT_SYSTEM, text, n))
        return false;
    const size_t old = n > 0; /* where the one before stands now */
    if (c->n_message > old && c->message[old].role == LEM_CHAT_SYSTEM)
        remove_at(c, old);
    return true;
}

void chat_clear(struct chat *c, bool keep_system)
{
    const size_t keep = keep_system && chat_system(c);
    while (c->n_message > keep)
        remove_at(c, c->n_message - 1);
    if (keep)
        return;
    free(c->message);
    c->message = NULL;
    c->cap = 0;
}

struct lem_chat chat_view(const struct chat *c)
{
    struct lem_chat view = {.format = c->format,
                            .messages = c->message,
                            .n_message = c->n_message,
                            .log = c->app->log};
    os_today(&view.year, &view.month, &view.day);
    return view;
}
