/* groups.h - how the prompt's tokens were grouped on the experts of a layer. Counted
 * when the layer or the prompt changes, over its first tokens: a frame costs nothing. */
#ifndef VIEWER_GROUPS_H
#define VIEWER_GROUPS_H

#include "source.h"

enum { GROUPS_TOKENS = 1024 };

struct groups {
    struct source *source;
    uint32_t n_layer, n_expert, n_used;
    /* what has been counted */
    uint32_t layer, revision, n_prompt;
    bool valid;
    uint32_t n;      /* tokens counted: the prompt's, at most GROUPS_TOKENS */
    uint32_t n_busy; /* experts of the layer with a token */
    uint32_t
        *start; /* [n_expert + 1] the expert's members are [start[e], start[e + 1]) */
    uint32_t *member; /* tokens, in order */
    float *weight;    /* the expert's for that token */
    uint32_t *count;  /* [n_layer][n_expert] tokens of the prompt, in all layers */
    uint32_t *order;  /* [n_expert] by falling number of members */
    /* one token */
    uint16_t *ids;
    float *weights;
};

/* False when memory ran out. The source's facts must be known. */
bool groups_open(struct groups *g, struct source *source);
void groups_close(struct groups *g);
void groups_update(struct groups *g, uint32_t layer);

#endif
