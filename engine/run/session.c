/* session.c - opening and closing a session, and moving through its text. */
#include "run/session.h"

#include <stdlib.h>

#include "base/log.h"

enum { DEFAULT_BATCH = 128, DEFAULT_CTX = 4096, MAX_BATCH = 4096 };

/* ---- opening ----------------------------------------------------------------- */

static enum lem_status choose_sizes(struct lem_session *s,
                                    const struct lem_session_params *p)
{
    const struct hparams *hp = &p->weights->model->hp;
    s->n_ctx = p->n_ctx;
    if (s->n_ctx == 0)
        s->n_ctx = hp->n_ctx_train < DEFAULT_CTX ? hp->n_ctx_train : DEFAULT_CTX;
    if (s->n_ctx == 0 || s->n_ctx > 1u << 24)
        return log_fail(&s->log, LEM_ERR_ARGUMENT,
                        "a context of %u tokens is outside 1 … %u", s->n_ctx, 1u << 24);
    s->n_batch = p->n_batch ? p->n_batch : DEFAULT_BATCH;
    if (s->n_batch > MAX_BATCH)
        return log_fail(&s->log, LEM_ERR_ARGUMENT, "a batch of %u tokens is over %d",
                        s->n_batch, MAX_BATCH);
    if (s->n_batch > s->n_ctx)
        s->n_batch = s->n_ctx;
    if ((unsigned)p->sampling > LEM_SAMPLING_DEVICE)
        return log_fail(&s->log, LEM_ERR_ARGUMENT,
                        "lem_session_open: %d is no enum lem_sampling", (int)p->sampling);
    return LEM_OK;
}

static enum lem_status make_lists(struct lem_session *s)
{
    struct plan_params p = {.weights = s->weights,
                            .past = &s->past,
                            .memory = &s->memory,
                            .max_rows = 1,
                            .max_out = 1,
                            .timed = s->profile != NULL};
    enum lem_status st = plan_body(&p, &s->token_body);
    if (st == LEM_OK)
        st = plan_head(&p, &s->last_head);
    p.max_rows = s->n_batch;
    if (st == LEM_OK && s->n_batch > 1)
        st = plan_body(&p, &s->prompt_body);
    p.max_out = s->n_batch;
    if (st == LEM_OK && s->n_batch > 1 && s->logits_rows == LEM_LOGITS_ALL)
        st = plan_head(&p, &s->all_head);
    return st;
}

static enum lem_status take_host_memory(struct lem_session *s, uint32_t max_out)
{
    const uint32_t n_vocab = s->weights->model->hp.n_vocab;
    s->ids = calloc(s->n_ctx, sizeof *s->ids);
    s->candidates = calloc(n_vocab, sizeof *s->candidates);
    s->stride_logits = s->memory.stride_vocab;
    const bool dense = max_out == 1 || s->stride_logits == n_vocab;
    if (!dense)
        s->logits = calloc((size_t)max_out * n_vocab, sizeof *s->logits);
    if (!s->ids || !s->candidates || (!dense && !s->logits))
        return log_fail(&s->log, LEM_ERR_MEMORY,
                        "no host memory for a session of %u tokens", s->n_ctx);
    return LEM_OK;
}

/* Where all rows are wanted the host has them anyway. */
static bool picks_on_device(const struct lem_session_params *p)
{
    if (p->logits == LEM_LOGITS_ALL || p->sampling == LEM_SAMPLING_HOST)
        return false;
    return p->sampling == LEM_SAMPLING_DEVICE || !gpu_is_unified(p->weights->device);
}

static bool takes_integers(const struct lem_session_params *p)
{
    const bool precise = gpu_fetches_texels(p->weights->device); /* see op_round_i8() */
    return !p->exact && (p->activations == LEM_ACTIVATIONS_INT ||
                         (p->activations == LEM_ACTIVATIONS_AUTO && precise));
}

static enum lem_status fill(struct lem_session *s, const struct lem_session_params *p)
{
    const struct lem_model *m = s->weights->model;
    enum lem_status st = choose_sizes(s, p);
    if (st != LEM_OK)
        return st;
    const uint32_t max_out = s->logits_rows == LEM_LOGITS_ALL ? s->n_batch : 1;
    const bool tap = p->tap && m->info.n_layer_moe > 0;
    st = past_open(&s->past, s->weights->device, &m->hp, s->n_ctx, s->n_batch,
                   p->exact ? LEM_CACHE_F32 : p->cache_type, &s->log);
    if (st == LEM_OK)
        st = plan_memory_open(&s->memory, s->weights, &s->past,
                              &(struct plan_memory_params){.max_rows = s->n_batch,
                                                           .max_out = max_out,
                                                           .tap = tap,
                                                           .i8 = takes_integers(p),
                                                           .pick = picks_on_device(p)});
    if (st == LEM_OK)
        st =
            policy_open(&s->policy, m,
                        s->memory.policy ? gpu_buf_map(s->memory.policy) : NULL, &s->log);
    if (st == LEM_OK && tap)
        st = trace_open(&s->trace, s->n_ctx, m->info.n_layer_moe, m->hp.n_expert_used,
                        &s->log);
    if (st == LEM_OK)
        st = take_host_memory(s, max_out);
    if (st == LEM_OK && p->stages) {
        s->profile = profile_open(m, s->weights->device);
        if (!s->profile)
            st = log_fail(&s->log, LEM_ERR_MEMORY, "no host memory for times by stage");
    }
    if (st == LEM_OK)
        st = make_lists(s);
    if (st == LEM_OK)
        st = gpu_kernels_make(s->weights->device, &p->progress);
    if (st == LEM_OK)
        st = session_warm_up(s, &p->progress);
    s->stats.device_bytes = s->past.bytes + s->memory.bytes;
    s->stats.cache_bytes = s->past.bytes;
    return st;
}

enum lem_status lem_session_open(const struct lem_session_params *params,
                                 struct lem_session **out)
{
    if (!out)
        return LEM_ERR_ARGUMENT;
    *out = NULL;
    if (!params || !params->weights)
        return log_fail(params ? &params->log : NULL, LEM_ERR_ARGUMENT,
                        "lem_session_open: weights must be set");
    struct lem_session *s = calloc(1, sizeof *s);
    if (!s)
        return log_fail(&params->log, LEM_ERR_MEMORY, "no memory for a session");
    s->weights = params->weights;
    s->log = params->log;
    s->logits_rows = params->logits;
    atomic_init(&s->cancelled, false);
    const enum lem_status st = fill(s, params);
    if (st != LEM_OK) {
        lem_session_close(&s);
        return st;
    }
    *out = s;
    return LEM_OK;
}

void lem_session_close(struct lem_session **session)
{
    if (!session || !*session)
        return;
    struct lem_session *s = *session;
    gpu_list_close(&s->prompt_body);
    gpu_list_close(&s->token_body);
    gpu_list_close(&s->last_head);
    gpu_list_close(&s->all_head);
    trace_close(&s->trace);
    policy_close(&s->policy);
    profile_close(&s->profile);
    plan_memory_close(&s->memory);
    past_close(&s->past);
    free(s->logits);
    free(s->candidates);
    free(s->ids);
    free(s);
    *session = NULL;
}

/* ---- moving -------------------------------------------------------------------- */

static enum lem_status check_append(const struct lem_session *s, const int32_t *ids,
                                    uint32_t n)
{
    const uint32_t n_vocab = s->weights->model->hp.n_vocab;
    if (!ids || n == 0)
        return log_fail(&s->log, LEM_ERR_ARGUMENT, "lem_session_append: no tokens given");
    if (n > s->n_ctx - s->length)
        return log_fail(&s->log, LEM_ERR_CONTEXT_FULL,
                        "%u tokens do not fit: the context holds %u and %u are used; "
                        "use a larger context or a shorter text",
                        n, s->n_ctx, s->length);
    if (s->logits_rows == LEM_LOGITS_ALL && n > s->n_batch)
        return log_fail(&s->log, LEM_ERR_ARGUMENT,
                        "lem_session_append: %u tokens at once, but with all rows of "
                        "logits at most %u",
                        n, s->n_batch);
    for (uint32_t i = 0; i < n; i++)
        if (ids[i] < 0 || (uint32_t)ids[i] >= n_vocab)
            return log_fail(&s->log, LEM_ERR_ARGUMENT,
                            "token %u is %d, outside the vocabulary 0 … %u", i, ids[i],
                            n_vocab - 1);
    return LEM_OK;
}

enum lem_status lem_session_append(struct lem_session *s, const int32_t *ids, uint32_t n)
{
    if (!s)
        return LEM_ERR_ARGUMENT;
    enum lem_status st = check_append(s, ids, n);
    if (st != LEM_OK)
        return st;
    s->n_logits = 0;
    st = session_catch_up(s);
    if (st != LEM_OK)
        return st;
    const uint32_t before = s->length;
    for (uint32_t done = 0; done < n;) {
        if (atomic_exchange(&s->cancelled, false))
            return log_fail(&s->log, LEM_ERR_CANCELLED,
                            "stopped as asked, after %u of %u tokens", done, n);
        const uint32_t left = n - done;
        const uint32_t batch = left < s->n_batch ? left : s->n_batch;
        st = session_submit(s, ids + done, batch, n > 1, batch == left);
        if (st != LEM_OK) {
            (void)lem_session_rewind(s, before);
            return st;
        }
        done += batch;
    }
    return LEM_OK;
}

enum lem_status lem_session_rewind(struct lem_session *s, uint32_t length)
{
    if (!s)
        return LEM_ERR_ARGUMENT;
    if (length > s->length)
        return log_fail(&s->log, LEM_ERR_ARGUMENT,
                        "lem_session_rewind: to %u, but there are %u tokens", length,
                        s->length);
    if (length == s->length)
        return LEM_OK;
    const uint32_t kept = past_rewind(&s->past, length);
    s->n_logits = 0;
    s->length = length;
    s->ready = kept < s->ready ? kept : s->ready;
    return LEM_OK;
}

void lem_session_reset(struct lem_session *s)
{
    if (!s)
        return;
    atomic_store(&s->cancelled, false);
    (void)lem_session_rewind(s, 0);
}

void lem_session_cancel(struct lem_session *s)
{
    if (s)
        atomic_store(&s->cancelled, true);
}
