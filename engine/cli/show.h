/* show.h - text of tokens on standard output, whole characters only, coloured or
 * marked by the expert each token chose. */
#ifndef CLI_SHOW_H
#define CLI_SHOW_H

#include <stdbool.h>
#include <stdint.h>

#include "cli/text.h"

struct app;
struct lem_session;

enum show_colors { SHOW_NONE, SHOW_256, SHOW_TRUE };

struct show {
    struct app *app;
    bool experts;            /* else plain text */
    enum show_colors colors; /* SHOW_NONE: "[3]word" */
    uint32_t layer;          /* index among the layers that route */
    uint16_t *ids;           /* [n_layer_moe][n_expert_used] of one token */
    uint64_t *count;         /* [n_expert] tokens by first expert */
    struct text first;       /* pieces until the text has begun */
    struct text_ids begun;   /* their ids */
    bool has_begun;
    struct text pending; /* bytes of a character that is not whole yet */
    bool in_line;        /* what was printed last is not a line's end */
};

enum { SHOW_NO_EXPERT = -1 };

/* With --show-experts finds the layer and the colours; says what is wrong. */
bool show_open(struct show *s, struct app *app);
void show_close(struct show *s);

/* From now on: show experts of this block, or of the last that routes (ARGS_NO_LAYER).
 * Says what is wrong, and leaves all as it was then. */
bool show_experts(struct show *s, int64_t block);

/* These say on stderr what failed, writing to standard output included. */
/* Text that is no token's, such as the prompt as it was typed. */
bool show_text(struct show *s, const char *text, size_t n);
/* The same in the colour of an expert, or SHOW_NO_EXPERT. */
bool show_span(struct show *s, const char *text, size_t n, int expert);
/* The expert to show for the token at position `pos`, which is counted for the legend;
 * SHOW_NO_EXPERT where none are shown. */
bool show_find_expert(struct show *s, const struct lem_session *session, uint32_t pos,
                      int *expert);
/* The token at position `pos` of the session, or a token `id` not yet there. */
bool show_token(struct show *s, const struct lem_session *session, uint32_t pos);
bool show_piece(struct show *s, int32_t id, int expert);
/* Ends the line; the legend where experts are shown. A character of which bytes are
 * missing is left out. */
bool show_end(struct show *s);
/* These two are parts of it: an end of line where one is missing, the legend. */
void show_end_line(struct show *s);
void show_legend(const struct show *s);

#endif
