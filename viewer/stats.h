/* stats.h - what many tokens have in common. Nothing here costs more per frame than a
 * fixed number of tokens: sums over the whole text grow a slice at a time, and what
 * depends on the selection is counted over a window around the cursor. */
#ifndef VIEWER_STATS_H
#define VIEWER_STATS_H

#include "source.h"

enum { STATS_WINDOW = 2048, STATS_TOP = 8 };

struct stats_top {
    char piece[24];
    uint32_t n_piece, count;
};

struct stats {
    struct source *source;
    uint32_t n_layer, n_expert, n_used;
    /* the whole text, as far as it has been read */
    uint64_t n_read, n_damaged; /* the latter among the former, and in no sum */
    uint32_t revision;          /* of the source: with another one all is counted anew */
    uint64_t *load;             /* [n_layer][n_expert] times chosen */
    /* the window */
    uint64_t from, to; /* tokens [from, to) */
    uint32_t layer;
    int expert;
    uint32_t n_window;  /* of them readable */
    uint32_t *together; /* [n_expert][n_expert] both chosen, in `layer` */
    uint32_t *onward;   /* [n_expert][n_expert] first of `layer`, first of the next */
    struct stats_top top[STATS_TOP];
    uint32_t n_top;
    uint32_t expert_count; /* in the window, of `expert` in `layer` */
    /* one token */
    uint16_t *ids;
    float *weights;
};

/* False when memory ran out. The source's facts must be known. */
bool stats_open(struct stats *s, struct source *source);
void stats_close(struct stats *s);

/* Read on, at most `n` tokens. True when there was something to read. */
bool stats_read(struct stats *s, uint64_t n);
/* How many tokens the sums over the whole text are of. */
uint64_t stats_n(const struct stats *s);
/* Count the window around `cursor` anew where it, the layer or the expert changed. */
void stats_window(struct stats *s, uint64_t cursor, uint32_t layer, int expert);

/* Of a layer over the whole text. */
double stats_entropy(const struct stats *s, uint32_t layer);   /* bits */
double stats_imbalance(const struct stats *s, uint32_t layer); /* busiest over mean */
uint32_t stats_unused(const struct stats *s, uint32_t layer);
/* How many experts of the layer were chosen more often than this one. */
uint32_t stats_rank(const struct stats *s, uint32_t layer, uint32_t expert);
/* Entropy of one token's weights, 0 … 1 (1: all its experts equal). */
float stats_gate_entropy(const float *weights, uint32_t n);

#endif
