/* stats.h - which experts given texts use: the recorded routing and what is counted
 * from it. Filled once by stats_record() and stats_count(), then only read. */
#ifndef CLI_STATS_H
#define CLI_STATS_H

#include "cli/app.h"

enum { STATS_TOP = 5 }; /* tokens listed for an expert */

struct stats_group { /* one text */
    const char *name;
    uint64_t from, n_token; /* its tokens among all */
};

struct stats_token {
    int32_t id;   /* -1: no more */
    uint64_t n;   /* times the expert took it */
    uint64_t all; /* times it was there */
};

struct stats_layer {
    uint32_t block;
    uint64_t n_slot;   /* tokens times experts chosen */
    double entropy;    /* of the load, in bits */
    double imbalance;  /* largest load / mean load */
    uint32_t n_never;  /* experts without a token */
    double top1_share; /* mean part of a token's weight that its first expert has */
    double repeat;     /* mean part of a token's experts that the token before used */
    double chance;     /* the same, were tokens independent */
    uint64_t n_repeat; /* tokens with one before them in their window */
};

struct stats {
    struct app *app;
    uint32_t n_layer, n_expert, n_used, n_group, n_window;
    struct stats_group *group; /* [n_group] */
    uint64_t n_token;
    /* recorded */
    int32_t *token; /* [n_token] */
    bool *begins;   /* [n_token] first of a window */
    uint16_t *ids;  /* [n_token][n_layer][n_used], LEM_NO_EXPERT after the last */
    float *weights; /* same shape */
    /* counted */
    uint64_t *load;  /* [n_group][n_layer][n_expert] tokens of the group */
    uint64_t *total; /* [n_layer][n_expert] of all groups */
    uint64_t *first; /* [n_layer][n_expert] tokens that have it as their first */
    uint64_t *pair;  /* [n_layer][n_expert][n_expert] tokens that use both */
    uint64_t *hit;   /* [n_layer][n_expert + 1] of n_slot, with a cache of N experts */
    struct stats_token *top;   /* [n_layer][n_expert][STATS_TOP] */
    struct stats_layer *layer; /* [n_layer] */
};

/* Each says on stderr what failed. */
bool stats_record(struct stats *s, struct app *app);
bool stats_count(struct stats *s);
void stats_free(struct stats *s);

/* Parts of stats_count(). (stats_cache.c, stats_tokens.c) */
bool stats_count_cache(struct stats *s);
bool stats_count_tokens(struct stats *s);

static inline const uint64_t *stats_load(const struct stats *s, uint32_t group,
                                         uint32_t il)
{
    return s->load + ((size_t)group * s->n_layer + il) * s->n_expert;
}

static inline const uint64_t *stats_total(const struct stats *s, uint32_t il)
{
    return s->total + (size_t)il * s->n_expert;
}

static inline const uint64_t *stats_pairs(const struct stats *s, uint32_t il, uint32_t e)
{
    return s->pair + ((size_t)il * s->n_expert + e) * s->n_expert;
}

/* Part of all asked-for experts that a cache of n would have held. */
double stats_hit_rate(const struct stats *s, uint32_t il, uint32_t n);
/* Jensen-Shannon divergence of two groups' loads at a layer: bits, 0 to 1. */
double stats_divergence(const struct stats *s, uint32_t il, uint32_t a, uint32_t b);
/* The text of a token on one line, with escapes; cut to fit. */
void stats_piece(const struct stats *s, int32_t id, char *out, size_t cap);

bool stats_print_text(const struct stats *s);
bool stats_print_json(const struct stats *s);
/* Files in a folder that exists. */
bool stats_write_csv(const struct stats *s, const char *dir);
bool stats_write_figures(const struct stats *s, const char *dir);

#endif
