/* trace_rank.c - how likely a chosen token was, and what else was likely. */
#include <math.h>

#include "lemnos/trace.h"

/* Keep `runner` [n] sorted by logit, which stands in `probability` meanwhile; of equal
 * ones the smaller id comes first. */
static void offer(struct lem_trace_runner *runner, uint32_t n, int32_t id, float logit)
{
    if (n == 0 || (runner[n - 1].id >= 0 && logit <= runner[n - 1].probability))
        return;
    uint32_t at = n - 1;
    for (; at > 0 && (runner[at - 1].id < 0 || logit > runner[at - 1].probability); at--)
        runner[at] = runner[at - 1];
    runner[at] = (struct lem_trace_runner){.id = id, .probability = logit};
}

void lem_trace_rank(struct lem_trace_token *token, const float *logits, uint32_t n_vocab,
                    uint32_t n_runner)
{
    const uint32_t n = n_runner < LEM_TRACE_RUNNERS ? n_runner : LEM_TRACE_RUNNERS;
    float best = -INFINITY;
    for (uint32_t i = 0; i < LEM_TRACE_RUNNERS; i++)
        token->runner[i] = (struct lem_trace_runner){.id = -1};
    for (uint32_t i = 0; i < n_vocab; i++) {
        best = logits[i] > best ? logits[i] : best;
        if ((int32_t)i != token->id)
            offer(token->runner, n, (int32_t)i, logits[i]);
    }
    double sum = 0;
    for (uint32_t i = 0; i < n_vocab; i++)
        sum += exp((double)(logits[i] - best));
    const bool known = token->id >= 0 && (uint32_t)token->id < n_vocab && sum > 0;
    token->probability =
        known ? (float)(exp((double)(logits[token->id] - best)) / sum) : -1.0f;
    for (uint32_t i = 0; i < n && token->runner[i].id >= 0; i++)
        token->runner[i].probability =
            (float)(exp((double)(token->runner[i].probability - best)) / sum);
}
