/* read.c - what a session tells: its tokens, logits, samples, routing, figures. */
#include <assert.h>
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

/* The rows of logits that are ready. */
static enum lem_status take_rows(struct lem_session *s, const float **rows)
{
    const struct plan_memory *mem = &s->memory;
    enum lem_status st = LEM_OK;
    *rows = s->logits ? s->logits : gpu_buf_map(mem->row ? mem->row : mem->logits);
    if (mem->row && !s->row_copied)
        st = gpu_buf_copy(mem->row, mem->logits,
                          s->weights->model->hp.n_vocab * sizeof **rows);
    s->row_copied = st == LEM_OK;
    return st;
}

const float *lem_session_logits(struct lem_session *s, uint32_t *n_row)
{
    const float *rows;
    const bool ready = s->n_logits && take_rows(s, &rows) == LEM_OK;
    if (n_row)
        *n_row = ready ? s->n_logits : 0;
    return ready ? rows : NULL;
}

/* From what the device picked, or else from the whole row. */
static enum lem_status draw(struct lem_session *s, const struct lem_sample_params *params,
                            struct lem_sampled *out)
{
    static_assert((int)SAMPLE_BEST == (int)PICK_MOST,
                  "what is picked is what is drawn from");
    static_assert(sizeof(struct sample_candidate) == 8, "as the kernel writes it");
    const uint32_t n_vocab = s->weights->model->hp.n_vocab;
    struct sample_input in = {.n_vocab = n_vocab,
                              .recent = s->ids,
                              .n_recent = s->length,
                              .position = s->length,
                              .scratch = s->candidates};
    const struct gpu_buf *best = s->memory.best;
    const float *rows;
    enum lem_status st = LEM_OK;
    bool enough = false;
    if (best)
        st = sample_draw_best(&in, gpu_buf_map(best), params, &s->log, out, &enough);
    if (st != LEM_OK || enough)
        return st;
    st = take_rows(s, &rows);
    if (st != LEM_OK)
        return st;
    in.logits = rows + (size_t)(s->n_logits - 1) * n_vocab;
    return best ? sample_draw_all(&in, params, &s->log, out)
                : sample_draw(&in, params, &s->log, out);
}

enum lem_status lem_session_sample(struct lem_session *s,
                                   const struct lem_sample_params *params,
                                   struct lem_sampled *out)
{
    if (!s || !params || !out)
        return LEM_ERR_ARGUMENT;
    if (s->n_logits == 0)
        return log_fail(&s->log, LEM_ERR_ARGUMENT,
                        "lem_session_sample: no logits; append a token first");
    const uint64_t start = s->profile ? clock_ns() : 0;
    const enum lem_status st = draw(s, params, out);
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
