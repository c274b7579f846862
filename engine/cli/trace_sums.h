/* trace_sums.h - sums over a whole recording, for its summary. */
#ifndef CLI_TRACE_SUMS_H
#define CLI_TRACE_SUMS_H

#include <stdbool.h>
#include <stdint.h>

#include "cli/trace_times.h"

struct trace_sums {
    uint64_t n_read, n_damaged; /* tokens */
    uint64_t n_known;           /* with a probability */
    double log_likelihood;      /* sum of their ln p */
    struct trace_times times;
    uint64_t *load; /* [n_layer_moe][n_expert] times chosen */
    /* scratch for one token */
    uint16_t *ids;
    float *weights;
};

/* How evenly a layer's experts were used. */
struct trace_layer {
    double entropy;      /* of the share of choices, in bits */
    double imbalance;    /* the busiest expert's share over the mean */
    uint32_t busiest;    /* expert */
    double busiest_part; /* of all tokens that it took */
    uint32_t n_unused;
};

/* False when memory ran out, said on stderr. `quiet_trace`: opened without a log, so
 * that damaged tokens are counted and not complained of one by one. */
bool trace_sums_open(struct trace_sums *s, const struct lem_trace *quiet_trace);
void trace_sums_close(struct trace_sums *s);
struct trace_layer trace_sums_layer(const struct trace_sums *s,
                                    const struct lem_trace_facts *f, uint32_t layer);

#endif
