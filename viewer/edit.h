/* edit.h - a line of text that a person types: caret, selection, and what an input
 * method is still composing. Knows no window; positions are bytes between characters. */
#ifndef VIEWER_EDIT_H
#define VIEWER_EDIT_H

#include <stdbool.h>
#include <stddef.h>

enum { EDIT_MAX = 8192 };

struct edit {
    char text[EDIT_MAX]; /* UTF-8, terminated */
    size_t n;            /* bytes */
    size_t caret, mark;  /* the selection is between them; equal: nothing is selected */
    char composing[256]; /* of an input method, not yet in the text; shown at the caret */
};

enum edit_move {
    EDIT_LEFT,
    EDIT_RIGHT,
    EDIT_WORD_LEFT,
    EDIT_WORD_RIGHT,
    EDIT_HOME,
    EDIT_END
};

void edit_set(struct edit *e, const char *text);
/* In place of the selection. Bytes that are no UTF-8, and what there is no room for, are
 * left out; control characters become spaces, but for a line break. */
void edit_insert(struct edit *e, const char *text, size_t n);
/* With `select` the selection grows, otherwise it ends. */
void edit_move(struct edit *e, enum edit_move move, bool select);
/* To byte `at`, or the character's start before it. */
void edit_place(struct edit *e, size_t at, bool select);
/* The selection, or else from the caret to where `move` leads. */
void edit_delete(struct edit *e, enum edit_move move);
void edit_select_all(struct edit *e);
/* The word around `at`, or the white space. */
void edit_select_word(struct edit *e, size_t at);
/* From where to where the selection is. */
void edit_selection(const struct edit *e, size_t *from, size_t *to);
void edit_compose(struct edit *e, const char *text);

#endif
