/* trace.c - which experts every token of a session chose. */
#include "trace/trace.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"

enum lem_status trace_open(struct trace *t, uint32_t n_token, uint32_t n_layer,
                           uint32_t n_used, const struct lem_log *log)
{
    *t = (struct trace){.n_token = n_token, .n_layer = n_layer, .n_used = n_used};
    const size_t row = (size_t)n_layer * n_used;
    t->ids = calloc(n_token, row * sizeof *t->ids);
    t->weights = calloc(n_token, row * sizeof *t->weights);
    t->next = calloc(n_token, n_layer * sizeof *t->next);
    t->margins = calloc(n_token, n_layer * sizeof *t->margins);
    if (t->ids && t->weights && t->next && t->margins)
        return LEM_OK;
    trace_close(t);
    return log_fail(log, LEM_ERR_MEMORY,
                    "no memory to keep the routing of %u tokens in %u layers; use a "
                    "smaller context",
                    n_token, n_layer);
}

void trace_close(struct trace *t)
{
    free(t->ids);
    free(t->weights);
    free(t->next);
    free(t->margins);
    *t = (struct trace){0};
}

void trace_take(struct trace *t, const uint32_t *tap, uint32_t stride, uint32_t pos,
                uint32_t n)
{
    for (uint32_t il = 0; il < t->n_layer; il++) {
        const uint32_t *row = tap + (size_t)2 * il * stride;
        for (uint32_t i = 0; i < n; i++) {
            const size_t at = ((size_t)(pos + i) * t->n_layer + il) * t->n_used;
            for (uint32_t k = 0; k < t->n_used; k++, row += 2) {
                t->ids[at + k] = (uint16_t)row[0];
                memcpy(&t->weights[at + k], &row[1], sizeof(float));
            }
            const size_t edge = (size_t)(pos + i) * t->n_layer + il;
            t->next[edge] = (uint16_t)row[0];
            memcpy(&t->margins[edge], &row[1], sizeof(float));
            row += 2;
        }
    }
}
