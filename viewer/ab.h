/* ab.h - the pinned run and the present one, aligned: which token of the one stands
 * beside which of the other. */
#ifndef VIEWER_AB_H
#define VIEWER_AB_H

#include "source.h"

enum { AB_NONE = -1 };

/* Tokens that stand side by side; one of them may be AB_NONE. */
struct ab_slot {
    int32_t a, b;
};

struct ab {
    int32_t *id[2]; /* [n] of the pinned run, of the present one */
    uint32_t n[2], cap[2];
    float *kl; /* [n[0]] divergence at the pinned run's tokens; NAN = not known */
    struct ab_slot *slot; /* [n_slot] */
    uint32_t n_slot;
    uint32_t part; /* first token that differs; n[0] or n[1] where one is the other's
                    * beginning */
    uint32_t n_prompt;
    uint32_t revision; /* of the source, as last read */
    bool fresh;
    /* over the tokens that the pinned run wrote */
    double kl_mean;
    float kl_most;
    uint32_t kl_most_at, n_known;
};

/* Read what is new of the present run and of its divergence. False: nothing is pinned, or
 * memory ran out. Costs as much as the texts are long, which a context bounds. */
bool ab_read(struct ab *ab, struct source *present);
void ab_close(struct ab *ab);
/* The slot that holds a token of one side (0 pinned, 1 present), or the last one. */
uint32_t ab_slot_of(const struct ab *ab, int side, uint32_t token);

#endif
