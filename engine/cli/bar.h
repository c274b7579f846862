/* bar.h - one line of progress on stderr, on a terminal only. */
#ifndef CLI_BAR_H
#define CLI_BAR_H

#include <stdbool.h>
#include <stdint.h>

struct bar {
    bool on;          /* stderr is a terminal and nobody asked for quiet */
    bool drawn;       /* the cursor stands in a line of ours */
    uint64_t last_ns; /* when it was drawn */
    uint64_t start_ns;
};

void bar_init(struct bar *b, bool quiet);
/* "what  [#####.....]  42 %  12 s left". Drawn ten times a second at most. */
void bar_show(struct bar *b, const char *what, uint64_t done, uint64_t total);
/* "what ..." for work that does not tell how far it is. */
void bar_note(struct bar *b, const char *what);
/* Take the line away; anything else that is printed calls this first. */
void bar_clear(struct bar *b);

#endif
