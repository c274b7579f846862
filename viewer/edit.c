/* edit.c - a line of text that a person types. */
#include "edit.h"

#include <stdint.h>
#include <string.h>

#include "lemnos/text.h"

static bool continues(char c)
{
    return ((uint8_t)c & 0xc0) == 0x80;
}

static size_t before(const struct edit *e, size_t at)
{
    while (at > 0 && continues(e->text[--at]))
        ;
    return at;
}

static size_t after(const struct edit *e, size_t at)
{
    if (at < e->n)
        at++;
    while (at < e->n && continues(e->text[at]))
        at++;
    return at;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\n';
}

static size_t word_before(const struct edit *e, size_t at)
{
    while (at > 0 && is_space(e->text[at - 1]))
        at--;
    while (at > 0 && !is_space(e->text[at - 1]))
        at--;
    return at;
}

static size_t word_after(const struct edit *e, size_t at)
{
    while (at < e->n && is_space(e->text[at]))
        at++;
    while (at < e->n && !is_space(e->text[at]))
        at++;
    return at;
}

static size_t target(const struct edit *e, enum edit_move move)
{
    switch (move) {
    case EDIT_LEFT:
        return before(e, e->caret);
    case EDIT_RIGHT:
        return after(e, e->caret);
    case EDIT_WORD_LEFT:
        return word_before(e, e->caret);
    case EDIT_WORD_RIGHT:
        return word_after(e, e->caret);
    case EDIT_HOME:
        return 0;
    case EDIT_END:
        break;
    }
    return e->n;
}

void edit_selection(const struct edit *e, size_t *from, size_t *to)
{
    *from = e->caret < e->mark ? e->caret : e->mark;
    *to = e->caret < e->mark ? e->mark : e->caret;
}

static void remove_range(struct edit *e, size_t from, size_t to)
{
    memmove(e->text + from, e->text + to, e->n - to + 1);
    e->n -= to - from;
    e->caret = e->mark = from;
}

/* Whole, shortest-form UTF-8 of one character at `s`; 0 where there is none. */
static size_t character(const char *s, size_t n)
{
    const uint8_t c = (uint8_t)s[0];
    const size_t len = c < 0x80   ? 1
                       : c < 0xc2 ? 0
                       : c < 0xe0 ? 2
                       : c < 0xf0 ? 3
                       : c < 0xf5 ? 4
                                  : 0;
    if (len == 0 || len > n)
        return 0;
    for (size_t i = 1; i < len; i++)
        if (!continues(s[i]))
            return 0;
    const uint8_t d = len > 2 ? (uint8_t)s[1] : 0;
    const bool too_long = (c == 0xe0 && d < 0xa0) || (c == 0xf0 && d < 0x90);
    const bool none = (c == 0xed && d > 0x9f) || (c == 0xf4 && d > 0x8f);
    return too_long || none ? 0 : len;
}

void edit_insert(struct edit *e, const char *text, size_t n)
{
    size_t from, to;
    edit_selection(e, &from, &to);
    remove_range(e, from, to);
    for (size_t i = 0; i < n;) {
        const size_t len = character(text + i, n - i);
        const bool control = len == 1 && ((uint8_t)text[i] < 32 || text[i] == 127);
        if (len && e->n + len < EDIT_MAX && text[i] != '\r') {
            memmove(e->text + e->caret + len, e->text + e->caret, e->n - e->caret + 1);
            memcpy(e->text + e->caret, text + i, len);
            if (control && text[i] != '\n')
                e->text[e->caret] = ' ';
            e->n += len;
            e->caret += len;
        }
        i += len ? len : 1;
    }
    e->mark = e->caret;
    e->composing[0] = '\0';
}

void edit_set(struct edit *e, const char *text)
{
    *e = (struct edit){0};
    edit_insert(e, text, strlen(text));
}

void edit_move(struct edit *e, enum edit_move move, bool select)
{
    size_t from, to;
    edit_selection(e, &from, &to);
    /* Without Shift, left and right go to the selection's ends. */
    if (!select && from != to && (move == EDIT_LEFT || move == EDIT_RIGHT))
        e->caret = move == EDIT_LEFT ? from : to;
    else
        e->caret = target(e, move);
    if (!select)
        e->mark = e->caret;
}

void edit_place(struct edit *e, size_t at, bool select)
{
    e->caret = at < e->n ? at : e->n;
    while (e->caret > 0 && e->caret < e->n && continues(e->text[e->caret]))
        e->caret--;
    if (!select)
        e->mark = e->caret;
}

void edit_delete(struct edit *e, enum edit_move move)
{
    if (e->caret == e->mark)
        e->mark = target(e, move);
    size_t from, to;
    edit_selection(e, &from, &to);
    remove_range(e, from, to);
}

void edit_select_all(struct edit *e)
{
    e->mark = 0;
    e->caret = e->n;
}

void edit_select_word(struct edit *e, size_t at)
{
    edit_place(e, at, false);
    const bool space = e->caret < e->n && is_space(e->text[e->caret]);
    while (e->mark > 0 && is_space(e->text[e->mark - 1]) == space)
        e->mark--;
    while (e->caret < e->n && is_space(e->text[e->caret]) == space)
        e->caret++;
}

void edit_compose(struct edit *e, const char *text)
{
    const size_t n = strlen(text);
    const size_t whole =
        lem_utf8_whole(text, n < sizeof e->composing ? n : sizeof e->composing - 1);
    memcpy(e->composing, text, whole);
    e->composing[whole] = '\0';
}
