/* live_score.c - how far the policies of the present run lead away from the pinned run:
 * both run over the pinned text, a batch at a time between the tokens that are written,
 * and where their next-token distributions differ is measured. */
#include <math.h>
#include <stdlib.h>

#include "live.h"
#include "policyfile/policyfile.h"

enum { BATCH = 16 };

/* ---- opening and closing --------------------------------------------------------------
 */

static void close_sessions(struct score *s)
{
    for (int i = 0; i < 2; i++)
        lem_session_close(&s->session[i]);
    s->cap = 0;
    s->at = s->valid = 0;
}

void score_unpin(struct live *l)
{
    close_sessions(&l->score);
    SDL_LockMutex(l->lock);
    l->is_pinned = false;
    run_free(&l->pinned);
    free(l->score.kl);
    l->score.kl = NULL;
    SDL_UnlockMutex(l->lock);
}

void score_pin(struct live *l)
{
    float *kl = calloc(l->pinned.n + 1, sizeof *kl);
    SDL_LockMutex(l->lock);
    l->score.kl = kl;
    SDL_UnlockMutex(l->lock);
    l->score.failed = !kl;
    l->score.at = l->pinned.n; /* a run does not differ from itself */
    l->score.valid = 0;
    if (!kl)
        live_say(l, "No memory to compare with the pinned run.");
}

/* Two sessions of their own, so that the text being written is not disturbed. */
static bool open_sessions(struct live *l)
{
    struct score *s = &l->score;
    if (s->session[1] && s->cap >= l->pinned.n)
        return true;
    close_sessions(s);
    const struct lem_session_params sp = {.weights = l->model_weights,
                                          .n_ctx = (uint32_t)l->pinned.n,
                                          .n_batch = BATCH,
                                          .logits = LEM_LOGITS_ALL,
                                          .log = l->log};
    for (int i = 0; i < 2; i++)
        if (lem_session_open(&sp, &s->session[i]) != LEM_OK)
            return false;
    s->cap = (uint32_t)l->pinned.n;
    return true;
}

/* ---- measuring ------------------------------------------------------------------------
 */

/* ln of the sum of exp(row) */
static double log_sum(const float *row, uint32_t n)
{
    float top = row[0];
    for (uint32_t i = 1; i < n; i++)
        top = row[i] > top ? row[i] : top;
    double sum = 0;
    for (uint32_t i = 0; i < n; i++)
        sum += exp((double)row[i] - (double)top);
    return (double)top + (sum > 0 ? log(sum) : 0); /* 0 only of an empty row */
}

/* Sum of p (ln p - ln q), p of the pinned run; never below 0 but by rounding. */
static float divergence(const float *p, const float *q, uint32_t n)
{
    const double sum_p = log_sum(p, n), sum_q = log_sum(q, n);
    double kl = 0;
    for (uint32_t i = 0; i < n; i++) {
        const double lp = (double)p[i] - sum_p;
        kl += exp(lp) * (lp - ((double)q[i] - sum_q));
    }
    return kl > 0 ? (float)kl : 0;
}

void score_changed(struct live *l, uint64_t at)
{
    struct score *s = &l->score;
    if (!l->is_pinned || s->failed)
        return;
    const uint64_t n = l->pinned.n;
    const uint64_t part = run_parting(&l->pinned, &l->run, n);
    s->valid = s->valid < at ? s->valid : at;
    s->at = s->valid < part ? s->valid : part;
    SDL_LockMutex(l->lock);
    for (uint64_t i = 0; i < n; i++)
        s->kl[i] = i <= part ? 0 : NAN;
    SDL_UnlockMutex(l->lock);
    if (part == n)
        s->at = n;
}

/* ---- a batch ------------------------------------------------------------- */

/* Tokens from `at` on under one policy in both runs. */
static uint32_t batch_at(const struct live *l, uint64_t at)
{
    const struct run *const run[2] = {&l->pinned, &l->run};
    uint64_t end = at + BATCH < l->pinned.n ? at + BATCH : l->pinned.n;
    for (int k = 0; k < 2; k++)
        for (uint32_t i = 0; i < run[k]->n_span; i++)
            if (run[k]->span[i].from > at && run[k]->span[i].from < end)
                end = run[k]->span[i].from;
    return (uint32_t)(end - at);
}

static bool run_batch(struct live *l, struct lem_session *session, const struct run *run,
                      uint32_t n)
{
    int32_t ids[BATCH];
    const uint64_t at = l->score.at;
    const struct span *span = run_span(run, at);
    for (uint32_t i = 0; i < n; i++)
        ids[i] = l->pinned.done[at + i].token.id;
    lem_session_clear_policy(session);
    if (span && policyfile_apply(session, span->entries, span->n_entry) != LEM_OK)
        return false;
    return (lem_session_length(session) <= at ||
            lem_session_rewind(session, (uint32_t)at) == LEM_OK) &&
           lem_session_append(session, ids, n) == LEM_OK;
}

/* Rows of tokens [at, at + n) tell of those after them. */
static void take_rows(struct live *l, uint32_t n)
{
    struct score *s = &l->score;
    const uint32_t n_vocab = l->info.n_vocab;
    const float *p = lem_session_logits(s->session[0], NULL);
    const float *q = lem_session_logits(s->session[1], NULL);
    float kl[BATCH];
    for (uint32_t i = 0; i < n; i++)
        kl[i] = divergence(p + (size_t)i * n_vocab, q + (size_t)i * n_vocab, n_vocab);
    SDL_LockMutex(l->lock);
    for (uint32_t i = 0; i < n && s->at + i + 1 < l->pinned.n; i++)
        s->kl[s->at + i + 1] = kl[i];
    SDL_UnlockMutex(l->lock);
    s->at += n;
    s->valid = s->at;
}

bool score_work(struct live *l)
{
    struct score *s = &l->score;
    if (!l->is_pinned || s->failed || s->at + 1 >= l->pinned.n)
        return false;
    if (!open_sessions(l)) {
        close_sessions(s);
        s->failed = true;
        return false;
    }
    /* Sessions may know less than `at`: then they read the text again from there. */
    for (int i = 0; i < 2; i++)
        if (lem_session_length(s->session[i]) < s->at)
            s->at = lem_session_length(s->session[i]);
    const uint32_t n = batch_at(l, s->at);
    if (!run_batch(l, s->session[0], &l->pinned, n) ||
        !run_batch(l, s->session[1], &l->run, n)) {
        s->failed = true; /* said by the session */
        return false;
    }
    take_rows(l, n);
    return true;
}
