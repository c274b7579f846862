/* chat_pieces.c - a conversation as the pieces that a chat format makes of it. */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "text/chat.h"

/* The file's bos token may stand in front of everything or in front of each turn. */
bool chat_wants_bos(const struct lem_chat *chat)
{
    const struct lem_chat_format *f = chat->format;
    return (f->begin && f->begin[0] == CHAT_BOS[0]) || f->user.before[0] == CHAT_BOS[0];
}

/* ---- texts of the format ------------------------------------------------ */

struct walk {
    const struct lem_chat *chat;
    chat_piece_fn *fn;
    void *priv;
};

/* Month names are not the C library's, which change with the user's language. */
static void put_date(const struct walk *w, char style)
{
    static const char *const month_name[] = {
        "January", "February", "March",     "April",   "May",      "June",
        "July",    "August",   "September", "October", "November", "December"};
    const struct lem_chat *c = w->chat;
    const bool told = c->year > 0 && c->month >= 1 && c->month <= 12 && c->day >= 1;
    const int year = told ? c->year : 2024, month = told ? c->month : 7,
              day = told ? c->day : 26;
    const char *name = month_name[month - 1];
    char text[48];
    int n;
    if (style == CHAT_DATE_ISO[0])
        n = snprintf(text, sizeof text, "%04d-%02d-%02d", year, month, day);
    else if (style == CHAT_DATE_LONG[0])
        n = snprintf(text, sizeof text, "%s %02d, %d", name, day, year);
    else
        n = snprintf(text, sizeof text, "%02d %.3s %d", day, name, year);
    w->fn(w->priv, CHAT_MARK, text, (size_t)n);
}

static void put_mark(const struct walk *w, const char *text)
{
    static const char special[] =
        CHAT_BOS CHAT_EOS CHAT_DATE_ISO CHAT_DATE_LONG CHAT_DATE_SHORT;
    while (text && *text) {
        const size_t n = strcspn(text, special);
        if (n > 0)
            w->fn(w->priv, CHAT_MARK, text, n);
        text += n;
        if (!*text)
            break;
        if (*text == CHAT_BOS[0])
            w->fn(w->priv, CHAT_TOKEN_BOS, "", 0);
        else if (*text == CHAT_EOS[0])
            w->fn(w->priv, CHAT_TOKEN_EOS, "", 0);
        else
            put_date(w, *text);
        text++;
    }
}

/* ---- messages ----------------------------------------------------------- */

/* The white space of ASCII: what strip() and trim of the templates meet in practice. */
static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static void put_text(const struct walk *w, const struct lem_chat_message *m)
{
    static const unsigned trim_of[] = {[LEM_CHAT_SYSTEM] = CHAT_TRIM_SYSTEM,
                                       [LEM_CHAT_USER] = CHAT_TRIM_USER,
                                       [LEM_CHAT_ASSISTANT] = CHAT_TRIM_ANSWER};
    const char *text = m->text;
    size_t n = m->n_byte;
    if (w->chat->format->trim & trim_of[m->role]) {
        for (; n > 0 && is_space(text[n - 1]); n--)
            ;
        for (; n > 0 && is_space(*text); n--)
            text++;
    }
    if (n > 0)
        w->fn(w->priv, CHAT_DATA, text, n);
}

static void put_wrapped(const struct walk *w, const struct chat_wrap *wrap,
                        const struct lem_chat_message *m)
{
    put_mark(w, wrap->before);
    put_text(w, m);
    put_mark(w, wrap->after);
}

/* Number of the message that takes the system message in; n_message: none does. */
static size_t host_of(const struct lem_chat *chat)
{
    size_t host = chat->n_message;
    for (size_t i = 0; i < chat->n_message; i++) {
        if (chat->messages[i].role != LEM_CHAT_USER)
            continue;
        host = i;
        if (chat->format->place == CHAT_FIRST_USER)
            break;
    }
    return chat->format->place == CHAT_OWN ? chat->n_message : host;
}

static bool check(const struct lem_chat *chat)
{
    for (size_t i = 0; i < chat->n_message; i++) {
        const enum lem_chat_role role = chat->messages[i].role;
        if (role != LEM_CHAT_USER && role != LEM_CHAT_ASSISTANT &&
            (role != LEM_CHAT_SYSTEM || i > 0))
            return false;
    }
    return true;
}

enum lem_status chat_pieces(const struct lem_chat *chat, chat_piece_fn *fn, void *priv)
{
    if (!check(chat))
        return log_fail(&chat->log, LEM_ERR_ARGUMENT,
                        "the conversation is not one: a system message may stand first, "
                        "and all others are the user's or the assistant's");
    const struct walk w = {chat, fn, priv};
    const struct lem_chat_format *f = chat->format;
    const struct lem_chat_message *m = chat->messages;
    const size_t n = chat->n_message, host = host_of(chat);
    const bool first_is_system = n > 0 && m[0].role == LEM_CHAT_SYSTEM;
    const bool has_system = first_is_system && m[0].n_byte > 0;

    put_mark(&w, f->begin);
    if (!has_system)
        put_mark(&w, f->no_system);
    else if (f->place == CHAT_OWN)
        put_wrapped(&w, &f->system, &m[0]);
    for (size_t i = first_is_system; i < n; i++) {
        const struct chat_wrap *wrap =
            m[i].role == LEM_CHAT_USER ? &f->user : &f->assistant;
        put_mark(&w, wrap->before);
        if (has_system && i == host)
            put_wrapped(&w, &f->system, &m[0]);
        put_text(&w, &m[i]);
        put_mark(&w, wrap->after);
    }
    if (n == 0 || m[n - 1].role != LEM_CHAT_ASSISTANT)
        put_mark(&w, f->open);
    return LEM_OK;
}
