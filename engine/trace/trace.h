/* trace.h - which experts every token of a session chose: the host's side of the
 * routing tap. All memory is taken at the start; nothing is lost or overwritten
 * while the session holds the token. */
#ifndef TRACE_TRACE_H
#define TRACE_TRACE_H

#include "lemnos/common.h"

struct trace {
    uint32_t n_token; /* capacity */
    uint32_t n_layer; /* routing layers */
    uint32_t n_used;  /* experts per token and layer */
    uint16_t *ids;    /* [n_token][n_layer][n_used]; 0xffff: a slot without an expert */
    float *weights;   /* same shape */
    uint16_t *next;   /* [n_token][n_layer] the first expert left out; 0xffff: none */
    float *margins;   /* [n_token][n_layer] by how much it was left out */
};

/* Returns LEM_OK or LEM_ERR_MEMORY, logged. Close is safe on {0}. */
enum lem_status trace_open(struct trace *t, uint32_t n_token, uint32_t n_layer,
                           uint32_t n_used, const struct lem_log *log);
void trace_close(struct trace *t);

/* Take over what the router kernels of one submission left: {id, weight bits} for
 * [n_layer][stride / (n_used + 1) tokens][n_used + 1], the first `n` of which belong to
 * positions pos … pos + n - 1. The last entry of a token is {first left out, margin}. */
void trace_take(struct trace *t, const uint32_t *tap, uint32_t stride, uint32_t pos,
                uint32_t n);

#endif
