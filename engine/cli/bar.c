/* bar.c - one line of progress on stderr, on a terminal only. */
#include "cli/bar.h"

#include <stdio.h>
#include <string.h>

#include "cli/os.h"

enum { NS_PER_DRAW = 100000000 };

void bar_init(struct bar *b, bool quiet)
{
    *b = (struct bar){.on = !quiet && os_is_terminal(stderr)};
}

static void draw(struct bar *b, const char *line, int width)
{
    fprintf(stderr, "\r\033[K%.*s", width - 1, line);
    fflush(stderr);
    b->drawn = true;
}

void bar_show(struct bar *b, const char *what, uint64_t done, uint64_t total)
{
    if (!b->on || total == 0)
        return;
    const uint64_t now = os_now_ns();
    if (done == 0 || !b->start_ns)
        b->start_ns = now;
    if (b->drawn && done < total && now - b->last_ns < NS_PER_DRAW)
        return;
    b->last_ns = now;

    const int width = (int)os_terminal_width(stderr);
    const double part = done < total ? (double)done / (double)total : 1.0;
    const double spent = (double)(now - b->start_ns) * 1e-9;
    const int room = width - (int)strlen(what) - 26;
    const int cells = room > 40 ? 40 : room < 4 ? 4 : room;
    char line[256];
    int n = snprintf(line, sizeof line, "%s [", what);
    for (int i = 0; i < cells && n < (int)sizeof line - 1; i++)
        line[n++] = i < (int)(part * cells) ? '#' : '.';
    line[n] = '\0';
    n += snprintf(line + n, sizeof line - (size_t)n, "] %3.0f %%", part * 100);
    if (part > 0.02 && spent > 1 && n < (int)sizeof line)
        snprintf(line + n, sizeof line - (size_t)n, "  %.0f s left",
                 spent / part - spent);
    draw(b, line, width);
}

void bar_note(struct bar *b, const char *what)
{
    if (!b->on)
        return;
    char line[256];
    snprintf(line, sizeof line, "%s ...", what);
    draw(b, line, (int)os_terminal_width(stderr));
}

void bar_clear(struct bar *b)
{
    if (b->drawn)
        fputs("\r\033[K", stderr);
    b->drawn = false;
}
