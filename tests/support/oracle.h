/* oracle.h - a reference case: a model, token ids, and the logits, routing and greedy
 * continuation that another program computed for them. One folder per case:
 *
 *   model.gguf  tokens.json {prompt}  logits.f32 [n_token][n_vocab]
 *   routing.json {layers: [{layer, ids, weights, margin}]}, absent for dense models
 *   greedy.json {ids} */
#ifndef SUPPORT_ORACLE_H
#define SUPPORT_ORACLE_H

#include <stdbool.h>
#include <stdint.h>

struct oracle {
    char name[64];
    char model[512]; /* path of model.gguf */
    uint32_t n_token, n_vocab;
    int32_t *prompt;  /* [n_token] */
    float *logits;    /* [n_token][n_vocab] */
    uint32_t n_layer; /* layers that route; 0 for dense models */
    uint32_t n_used;
    uint32_t *layer; /* [n_layer] block numbers */
    uint32_t *ids;   /* [n_token][n_layer][n_used] */
    float *weights;  /* [n_token][n_layer][n_used] */
    float *margin;   /* [n_token][n_layer] */
    uint32_t n_greedy;
    int32_t *greedy; /* [n_greedy] */
};

/* Read root/name. False, with a printed word, when there is no such folder: the test
 * is to be skipped. Fails the test when the folder is there but cannot be read. */
bool oracle_open(struct oracle *o, const char *root, const char *name);
void oracle_close(struct oracle *o);

/* Fail unless every logit is within `max_abs`. Prints the largest distance. */
void oracle_check_logits(const struct oracle *o, const float *logits, float max_abs);

/* Fail unless the ids are equal and the weights within `max_abs`. Where the margin of
 * the reference is below `near_tie` another choice is fair: those are counted and
 * printed. Arrays as in struct oracle. */
void oracle_check_routing(const struct oracle *o, const uint32_t *ids,
                          const float *weights, float near_tie, float max_abs);

/* Index of the largest logit, the first of equal ones. */
int32_t oracle_argmax(const float *logits, uint32_t n);

#endif
