/* live_write.c - the worker's hand on the text: the prompt, one token more, going back,
 * and the policy in force. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "live.h"
#include "policyfile/policyfile.h"

enum { MAX_PIECE = 256 };

/* Token `pos` of the session, with its experts, at the end of the run. */
static bool add_token(struct live *l, const struct lem_trace_token *token, uint32_t pos)
{
    char piece[MAX_PIECE];
    const size_t n =
        lem_tokenizer_piece(l->tokenizer, token->id, true, piece, sizeof piece);
    struct written w = {.token = *token, .piece = malloc(n + 1), .n_piece = (uint32_t)n};
    if (w.piece)
        lem_tokenizer_piece(l->tokenizer, token->id, true, w.piece, n);
    if (l->run.pairs &&
        (lem_session_routing(l->session, pos, 1, l->ids, l->weights) != LEM_OK ||
         lem_session_margins(l->session, pos, 1, l->margins, l->next) != LEM_OK)) {
        free(w.piece);
        return false;
    }
    const bool kept = run_set_margins(&l->run, &w, l->margins, l->next);
    SDL_LockMutex(l->lock);
    const bool ok = w.piece && kept && run_add(&l->run, &w, l->ids, l->weights);
    l->source->n_prompt = l->run.n_prompt;
    lem_device_memory(l->device, NULL, &l->memory.peak); /* comparing takes more */
    SDL_UnlockMutex(l->lock);
    if (!ok) {
        free(w.piece);
        free(w.margins);
        live_say(l, "No memory to keep the text.");
    }
    return ok;
}

/* ---- times by stage -------------------------------------------------------------------
 */

/* What the session does from here on is for the prompt, or for the next token. */
static void begin_stages(struct live *l)
{
    if (l->timed)
        lem_session_clear_stages(l->session);
}

/* Of that, for each of `n` tokens. A device without a clock is asked, and says so, once.
 */
static void take_stages(struct live *l, size_t n, struct lem_trace_token *token)
{
    l->timed = l->timed && lem_session_trace_stages(l->session, (uint32_t)n,
                                                    token->stage_us) == LEM_OK;
}

/* ---- the prompt -----------------------------------------------------------------------
 */

/* The ids to free(), or NULL, said. */
static int32_t *encode(struct live *l, const char *text, size_t *n)
{
    const uint32_t room = lem_session_n_ctx(l->session);
    int32_t *ids = calloc(room, sizeof *ids);
    char message[160];
    if (!ids) {
        live_say(l, "No memory for the prompt.");
        return NULL;
    }
    const enum lem_status st =
        lem_tokenizer_encode(l->tokenizer, text, strlen(text),
                             LEM_ENCODE_BOS | LEM_ENCODE_SPECIAL, ids, room, n);
    if (st == LEM_OK && *n > 0 && *n <= room)
        return ids;
    if (*n > room)
        snprintf(message, sizeof message,
                 "The prompt has %zu tokens; the context has room for %u.", *n, room);
    else
        snprintf(message, sizeof message, "The prompt is empty: write a word.");
    live_say(l, message);
    free(ids);
    return NULL;
}

/* The policy in force holds from token `at` on. */
static bool mark(struct live *l, uint64_t at)
{
    SDL_LockMutex(l->lock);
    const bool ok = run_mark(&l->run, at, l->policy, l->n_policy);
    SDL_UnlockMutex(l->lock);
    if (!ok)
        live_say(l, "No memory to note the policy.");
    return ok;
}

/* Unless something else was said since. */
static void unsay(struct live *l, const char *text)
{
    SDL_LockMutex(l->lock);
    if (strcmp(l->message, text) == 0)
        l->message[0] = '\0';
    SDL_UnlockMutex(l->lock);
}

bool live_prompt(struct live *l, const char *text)
{
    char reading[64];
    size_t n = 0;
    int32_t *ids = encode(l, text, &n);
    if (!ids) { /* the text so far stays, and goes on */
        l->ended |= l->run.n == 0;
        return true;
    }
    lem_session_reset(l->session);
    snprintf(reading, sizeof reading, "Reading the prompt: %zu token%s", n,
             n == 1 ? "" : "s");
    live_say(l, reading);
    SDL_LockMutex(l->lock);
    run_cut(&l->run, 0);
    l->revision++;
    l->ended = false;
    l->phase = SOURCE_RUNNING; /* whoever sees the one sees the other */
    SDL_UnlockMutex(l->lock);
    begin_stages(l);
    const uint64_t start = SDL_GetPerformanceCounter();
    bool ok = mark(l, 0) && lem_session_append(l->session, ids, (uint32_t)n) == LEM_OK;
    const uint64_t ticks = SDL_GetPerformanceCounter() - start;
    const uint64_t us = ticks * 1000000 / SDL_GetPerformanceFrequency();
    unsay(l, reading);
    struct lem_trace_token token = {
        .probability = -1, .prompt = true, .total_us = (uint32_t)(us / n)};
    for (uint32_t i = 0; i < LEM_TRACE_RUNNERS; i++)
        token.runner[i].id = -1;
    if (ok)
        take_stages(l, n, &token);
    for (size_t i = 0; i < n && ok; i++) {
        token.id = ids[i];
        ok = add_token(l, &token, (uint32_t)i);
    }
    free(ids);
    score_changed(l, 0);
    return ok;
}

/* ---- one token ------------------------------------------------------------------------
 */

static void name_runners(struct live *l, struct lem_trace_token *token)
{
    for (uint32_t i = 0; i < LEM_TRACE_RUNNERS && token->runner[i].id >= 0; i++) {
        struct lem_trace_runner *r = &token->runner[i];
        char piece[MAX_PIECE];
        const size_t n =
            lem_tokenizer_piece(l->tokenizer, r->id, true, piece, sizeof piece);
        if (n > sizeof piece)
            continue;
        r->n_piece = (uint8_t)(n < LEM_TRACE_RUNNER_BYTES ? n : LEM_TRACE_RUNNER_BYTES);
        memcpy(r->piece, piece, r->n_piece);
    }
}

bool live_write_one(struct live *l)
{
    struct lem_sampled next;
    uint32_t n_row = 0;
    begin_stages(l);
    const uint64_t start = SDL_GetPerformanceCounter();
    const uint32_t pos = lem_session_length(l->session);
    if (lem_session_sample(l->session, &l->params.sample, &next) != LEM_OK)
        return false;
    if (lem_tokenizer_is_end(l->tokenizer, next.id) ||
        pos >= lem_session_n_ctx(l->session)) {
        l->ended = true;
        return true;
    }
    struct lem_trace_token token = {.id = next.id};
    const float *logits = lem_session_logits(l->session, &n_row);
    lem_trace_rank(&token, logits + (size_t)(n_row - 1) * l->info.n_vocab,
                   l->info.n_vocab, LEM_TRACE_RUNNERS);
    name_runners(l, &token);
    if (lem_session_append(l->session, &next.id, 1) != LEM_OK)
        return false;
    const uint64_t ticks = SDL_GetPerformanceCounter() - start;
    token.total_us = (uint32_t)(ticks * 1000000 / SDL_GetPerformanceFrequency());
    take_stages(l, 1, &token);
    return add_token(l, &token, pos);
}

/* ---- going back -----------------------------------------------------------------------
 */

/* The last token kept is run again: its logits choose the next one, and a policy that
 * has changed since is to count for that choice already. */
bool live_keep(struct live *l, uint64_t at)
{
    if (l->run.n == 0)
        return true;
    const uint32_t n = (uint32_t)(at < 1 ? 1 : at < l->run.n ? at : l->run.n);
    const int32_t last = l->run.done[n - 1].token.id;
    bool ok = lem_session_rewind(l->session, n - 1) == LEM_OK && mark(l, n - 1) &&
              lem_session_append(l->session, &last, 1) == LEM_OK;
    if (ok && l->run.pairs)
        ok = lem_session_routing(l->session, n - 1, 1, l->ids, l->weights) == LEM_OK &&
             lem_session_margins(l->session, n - 1, 1, l->margins, l->next) == LEM_OK;
    if (!ok)
        return false;
    SDL_LockMutex(l->lock);
    run_cut(&l->run, n);
    const size_t pairs = l->run.pairs;
    if (pairs) {
        memcpy(l->run.ids + (n - 1) * pairs, l->ids, pairs * sizeof *l->ids);
        memcpy(l->run.weights + (n - 1) * pairs, l->weights, pairs * sizeof *l->weights);
        (void)run_set_margins(&l->run, &l->run.done[n - 1], l->margins, l->next);
    }
    l->source->n_prompt = l->run.n_prompt;
    l->revision++;
    l->ended = false;
    l->phase = SOURCE_RUNNING; /* whoever sees the one sees the other */
    SDL_UnlockMutex(l->lock);
    score_changed(l, n - 1);
    return true;
}

/* ---- the policy -----------------------------------------------------------------------
 */

/* Another change waits behind this one. Under the lock. */
static bool is_policy_asked(const struct live *l)
{
    for (const struct ask_entry *e = l->first_ask; e; e = e->next)
        if (e->ask.kind == SOURCE_ASK_POLICY)
            return true;
    return false;
}

/* What the session has in force, for the window to read. */
static bool publish(struct live *l)
{
    const uint32_t n = lem_session_policy(l->session, NULL, 0);
    struct lem_policy_entry *now = calloc(n + 1, sizeof *now);
    if (!now) {
        live_say(l, "No memory to list the policy.");
        return false;
    }
    lem_session_policy(l->session, now, n);
    SDL_LockMutex(l->lock);
    free(l->policy);
    l->policy = now;
    l->n_policy = n;
    l->policy_revision += !is_policy_asked(l); /* the window expects the last of them */
    SDL_UnlockMutex(l->lock);
    return mark(l, l->run.n);
}

bool live_policy(struct live *l, const struct source_ask *ask)
{
    if (ask->replace)
        lem_session_clear_policy(l->session);
    if (policyfile_apply(l->session, ask->entries, ask->n_entry) != LEM_OK) {
        /* Refused and said: as it was before. */
        lem_session_clear_policy(l->session);
        SDL_LockMutex(l->lock);
        l->policy_revision++; /* the window looks again, having expected another */
        SDL_UnlockMutex(l->lock);
        return policyfile_apply(l->session, l->policy, l->n_policy) == LEM_OK;
    }
    const bool ok = publish(l);
    score_changed(l, l->run.n);
    return ok;
}
