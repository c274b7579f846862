/* line_edit.c - line editing and history by libedit. */
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <histedit.h>

#include "cli/app.h"
#include "cli/line.h"

enum { HISTORY = 1000 };

struct line_edit {
    EditLine *el;
    History *history;
    const char *prompt;
    bool cleared; /* Ctrl-C was pressed */
};

static const char *show_prompt(EditLine *el)
{
    void *data = NULL;
    el_get(el, EL_CLIENTDATA, &data);
    return ((const struct line_edit *)data)->prompt;
}

/* While a line is edited Ctrl-C is a key and no signal: it gives the line up. */
static unsigned char clear_line(EditLine *el, int key)
{
    (void)key;
    void *data = NULL;
    el_get(el, EL_CLIENTDATA, &data);
    ((struct line_edit *)data)->cleared = true;
    const LineInfo *line = el_line(el);
    el_cursor(el, (int)(line->lastchar - line->cursor));
    el_deletestr(el, (int)(line->lastchar - line->buffer));
    fputs("^C\n", stdout);
    fflush(stdout);
    return CC_EOF;
}

static void configure(struct line_edit *e)
{
    HistEvent event;
    history(e->history, &event, H_SETSIZE, HISTORY);
    history(e->history, &event, H_SETUNIQUE, 1);
    el_set(e->el, EL_CLIENTDATA, e);
    el_set(e->el, EL_PROMPT, show_prompt);
    el_set(e->el, EL_EDITOR, "emacs");
    el_set(e->el, EL_HIST, history, e->history);
    el_source(e->el, NULL); /* the user's ~/.editrc */
    el_set(e->el, EL_SETTY, "-d", "-isig", NULL);
    el_set(e->el, EL_ADDFN, "lemnos-clear-line", "Give the line up", clear_line);
    el_set(e->el, EL_BIND, "^C", "lemnos-clear-line", NULL);
    el_set(e->el, EL_BIND, "^R", "em-inc-search-prev", NULL);
}

struct line_edit *line_edit_open(void)
{
    /* Characters of several bytes are one step of the cursor in a UTF-8 locale only. */
    if (!setlocale(LC_CTYPE, "") || MB_CUR_MAX == 1)
        setlocale(LC_CTYPE, "C.UTF-8");
    struct line_edit *e = calloc(1, sizeof *e);
    if (e) {
        e->el = el_init("lemnos", stdin, stdout, stderr);
        e->history = history_init();
    }
    if (!e || !e->el || !e->history) {
        line_edit_close(e);
        return NULL;
    }
    configure(e);
    return e;
}

void line_edit_close(struct line_edit *edit)
{
    if (!edit)
        return;
    if (edit->el)
        el_end(edit->el);
    if (edit->history)
        history_end(edit->history);
    free(edit);
}

enum line_result line_edit_read(struct line_edit *edit, const char *prompt,
                                struct text *out)
{
    edit->prompt = prompt;
    edit->cleared = false;
    int n = 0;
    /* By itself libedit shows the prompt first and makes Ctrl-C a key only then: one that
     * is pressed between the two would end the program. */
    el_set(edit->el, EL_PREP_TERM, 1);
    const char *line = el_gets(edit->el, &n);
    if (edit->cleared)
        return LINE_CLEARED;
    if (!line || n <= 0)
        return LINE_ENDED;
    size_t len = strlen(line);
    len -= len > 0 && line[len - 1] == '\n';
    return text_add(out, line, len) ? LINE_READ : LINE_FAILED;
}

void line_edit_remember(struct line_edit *edit, const char *text)
{
    HistEvent event;
    if (*text)
        history(edit->history, &event, H_ENTER, text);
}
