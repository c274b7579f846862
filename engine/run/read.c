/* read.c - what a session tells: its tokens, logits, samples, routing, figures. */
#include <string.h>

#include "base/log.h"
#include "base/thread.h"
#include "run/session.h"

uint32_t lem_session_length(const struct lem_session *s)
{
    return s->length;
}

uint32_t lem_session_n_ctx(const struct lem_session *s)
{
    return s->n_ctx;
}

uint32_t lem_session_n_batch(const struct lem_session *s)
{
    return s->n_batch;
}

const int32_t *lem_session_ids(const struct lem_session *s)
{
    return s->ids;
}

const float *lem_session_logits(const struct lem_session *s, uint32_t *n_row)
{
    if (n_row)
        *n_row = s->n_logits;
    if (s->n_logits == 0)
        return NULL;
    return s->logits ? s->logits : gpu_buf_map(s->memory.logits);
}

enum lem_status lem_session_sample(struct lem_session *s,
                                   const struct lem_sample_params *params,
                                   struct lem_sampled *out)
{
    if (!s || !params || !out)
        return LEM_ERR_ARGUMENT;
    uint32_t n_row = 0;
    const float *logits = lem_session_logits(s, &n_row);
    if (!logits)
        return log_fail(&s->log, LEM_ERR_ARGUMENT,
                        "lem_session_sample: no logits; append a token first");
    const uint32_t n_vocab = s->weights->model->hp.n_vocab;
    const struct sample_input in = {.logits = logits + (size_t)(n_row - 1) * n_vocab,
                                    .n_vocab = n_vocab,
                                    .recent = s->ids,
                                    .n_recent = s->length,
                                    .position = s->length,
                                    .scratch = s->candidates};
    const uint64_t start = s->profile ? clock_ns() : 0;
    const enum lem_status st = sample_draw(&in, params, &s->log, out);
    if (s->profile)
        profile_add_sampling(s->profile, clock_ns() - start);
    return st;
}

/* Checks of what asks for kept routing. */
static enum lem_status check_kept(const struct lem_session *s, const char *call,
                                  uint32_t pos, uint32_t n)
{
    if (!s->trace.ids)
        return log_fail(&s->log, LEM_ERR_ARGUMENT,
                        "%s: the session was opened without the tap, or "
                        "the model does not route",
                        call);
    if (pos > s->length || n > s->length - pos)
        return log_fail(&s->log, LEM_ERR_ARGUMENT, "%s: tokens %u … %u, but there are %u",
                        call, pos, pos + n, s->length);
    return LEM_OK;
}

enum lem_status lem_session_routing(const struct lem_session *s, uint32_t pos, uint32_t n,
                                    uint16_t *ids, float *weights)
{
    if (!s || !ids)
        return LEM_ERR_ARGUMENT;
    const enum lem_status st = check_kept(s, "lem_session_routing", pos, n);
    if (st != LEM_OK)
        return st;
    const struct trace *t = &s->trace;
    const size_t row = (size_t)t->n_layer * t->n_used;
    memcpy(ids, t->ids + pos * row, n * row * sizeof *ids);
    if (weights)
        memcpy(weights, t->weights + pos * row, n * row * sizeof *weights);
    return LEM_OK;
}

enum lem_status lem_session_margins(const struct lem_session *s, uint32_t pos, uint32_t n,
                                    float *margins, uint16_t *next)
{
    if (!s || !margins)
        return LEM_ERR_ARGUMENT;
    const enum lem_status st = check_kept(s, "lem_session_margins", pos, n);
    if (st != LEM_OK)
        return st;
    const struct trace *t = &s->trace;
    const size_t row = t->n_layer;
    memcpy(margins, t->margins + pos * row, n * row * sizeof *margins);
    if (next)
        memcpy(next, t->next + pos * row, n * row * sizeof *next);
    return LEM_OK;
}

void lem_session_get_stats(const struct lem_session *s, struct lem_session_stats *stats)
{
    *stats = s->stats;
}
