/* line.h - what the user types, line by line: with editing and history on a terminal. */
#ifndef CLI_LINE_H
#define CLI_LINE_H

#include <stdbool.h>

struct line; /* a reader of standard input */
struct text;

enum line_result {
    LINE_READ,
    LINE_CLEARED, /* Ctrl-C: nothing was said */
    LINE_ENDED,   /* no more input */
    LINE_FAILED   /* said on stderr */
};

/* NULL, said on stderr, when memory ran out. */
struct line *line_open(void);
void line_close(struct line **line);

/* Are standard input and output a terminal? */
bool line_is_terminal(const struct line *line);

/* Read into `out`, which is emptied first, without the line's end. A line that ends with
 * a backslash goes on in the next one, after a newline. `prompt` is shown on a terminal
 * only. */
enum line_result line_read(struct line *line, const char *prompt, struct text *out);

/* ---- line editing, where the program is built with libedit (line_edit.c) -------------
 */

struct line_edit;
/* NULL when the terminal cannot do it. */
struct line_edit *line_edit_open(void);
void line_edit_close(struct line_edit *edit);
/* One line, added to `out` without its end. */
enum line_result line_edit_read(struct line_edit *edit, const char *prompt,
                                struct text *out);
/* Remember what was said, for the arrow keys. */
void line_edit_remember(struct line_edit *edit, const char *text);

#endif
