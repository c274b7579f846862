/* trace_sums.c - sums over a whole recording, for its summary. */
#include "cli/trace_sums.h"

#include <math.h>
#include <stdlib.h>

#include "cli/app.h"

static void add_token(struct trace_sums *s, const struct lem_trace *t,
                      const struct lem_trace_facts *f, uint64_t i)
{
    struct lem_trace_token token;
    if (lem_trace_get_token(t, i, &token) != LEM_OK ||
        lem_trace_routing(t, i, 1, s->ids, NULL) != LEM_OK) {
        s->n_damaged++;
        return;
    }
    s->n_read++;
    if (token.probability > 0 && token.probability <= 1) {
        s->n_known++;
        s->log_likelihood += log((double)token.probability);
    }
    trace_times_add(&s->times, &token);
    for (uint32_t layer = 0; layer < f->n_layer_moe; layer++)
        for (uint32_t k = 0; k < f->n_expert_used; k++) {
            const uint16_t e = s->ids[(size_t)layer * f->n_expert_used + k];
            if (e == LEM_NO_EXPERT)
                break;
            s->load[(size_t)layer * f->n_expert + e]++;
        }
}

bool trace_sums_open(struct trace_sums *s, const struct lem_trace *t)
{
    struct lem_trace_info info;
    lem_trace_get_info(t, &info);
    const struct lem_trace_facts *f = &info.facts;
    const size_t pairs = (size_t)f->n_layer_moe * f->n_expert_used;
    *s = (struct trace_sums){0};
    s->load = calloc((size_t)f->n_layer_moe * f->n_expert + 1, sizeof *s->load);
    s->ids = calloc(pairs + 1, sizeof *s->ids);
    s->weights = calloc(pairs + 1, sizeof *s->weights);
    if (!s->load || !s->ids || !s->weights) {
        app_error("memory ran out for the sums of the recording.");
        trace_sums_close(s);
        return false;
    }
    for (uint64_t i = 0; i < info.n_token; i++)
        add_token(s, t, f, i);
    return true;
}

void trace_sums_close(struct trace_sums *s)
{
    free(s->load);
    free(s->ids);
    free(s->weights);
    *s = (struct trace_sums){0};
}

struct trace_layer trace_sums_layer(const struct trace_sums *s,
                                    const struct lem_trace_facts *f, uint32_t layer)
{
    const uint64_t *load = s->load + (size_t)layer * f->n_expert;
    struct trace_layer out = {0};
    double all = 0; /* choices: under a policy tokens may have fewer than usual */
    for (uint32_t e = 0; e < f->n_expert; e++)
        all += (double)load[e];
    for (uint32_t e = 0; e < f->n_expert; e++) {
        const double share = all > 0 ? (double)load[e] / all : 0;
        out.entropy -= share > 0 ? share * log2(share) : 0;
        out.n_unused += load[e] == 0;
        if (load[e] > load[out.busiest])
            out.busiest = e;
    }
    if (all > 0) {
        out.imbalance = (double)load[out.busiest] / all * f->n_expert;
        out.busiest_part = (double)load[out.busiest] / (double)s->n_read;
    }
    return out;
}
