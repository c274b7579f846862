/* live.c - a model at work as a source: a thread of its own opens it and writes; what it
 * has done is read under a lock that it never holds while it computes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <SDL.h>

#include "source.h"

enum { MAX_PIECE = 256, N_CTX = 4096 };

struct written {
    struct lem_trace_token token;
    char *piece;
    uint32_t n_piece;
};

struct live {
    struct source_live_params params;
    struct source *source;
    SDL_Thread *thread;
    SDL_mutex *lock;
    SDL_cond *wake;
    /* under the lock */
    enum source_phase phase;
    char message[512];
    bool paused, stop;
    uint64_t n, cap;
    struct written *done; /* [n] */
    uint16_t *ids;        /* [n][pairs] */
    float *weights;
    /* the worker's own */
    size_t pairs;
    uint32_t *layer;
    struct lem_model *model;
    struct lem_tokenizer *tokenizer;
    struct lem_device *device;
    struct lem_weights *model_weights;
    struct lem_session *session;
    struct lem_model_info info;
    char name[128], architecture[64], device_name[256];
};

/* ---- the worker
 * ------------------------------------------------------------------------ */

static void on_log(void *priv, enum lem_log_level level, const char *text)
{
    struct live *l = priv;
    if (level != LEM_LOG_ERROR)
        return;
    SDL_LockMutex(l->lock);
    snprintf(l->message, sizeof l->message, "%s", text);
    SDL_UnlockMutex(l->lock);
}

static void on_progress(void *priv, const char *what, uint64_t done, uint64_t total)
{
    struct live *l = priv;
    SDL_LockMutex(l->lock);
    snprintf(l->message, sizeof l->message, "Opening the model: %s, %u %%", what,
             total ? (unsigned)(100 * done / total) : 0);
    SDL_UnlockMutex(l->lock);
}

static bool open_model(struct live *l)
{
    const struct lem_log log = {.fn = on_log, .priv = l};
    const struct lem_model_params mp = {.path = l->params.model, .log = log};
    const struct lem_device_params dp = {.selector = l->params.device, .log = log};
    if (lem_model_open(&mp, &l->model) != LEM_OK)
        return false;
    lem_model_get_info(l->model, &l->info);
    if (lem_tokenizer_open(l->model, &log, &l->tokenizer) != LEM_OK ||
        lem_device_open(&dp, &l->device) != LEM_OK)
        return false;
    const struct lem_weights_params wp = {.model = l->model,
                                          .device = l->device,
                                          .progress = {.fn = on_progress, .priv = l},
                                          .log = log};
    if (lem_weights_open(&wp, &l->model_weights) != LEM_OK)
        return false;
    const uint32_t trained = l->info.n_ctx_train;
    const struct lem_session_params sp = {.weights = l->model_weights,
                                          .n_ctx = l->params.n_ctx   ? l->params.n_ctx
                                                   : trained < N_CTX ? trained
                                                                     : N_CTX,
                                          .tap = l->info.n_layer_moe > 0,
                                          .log = log};
    return lem_session_open(&sp, &l->session) == LEM_OK;
}

/* Under the lock. */
static bool fill_facts(struct live *l)
{
    struct lem_device_info device;
    lem_device_get_info(l->device, &device);
    snprintf(l->name, sizeof l->name, "%s", l->info.name);
    snprintf(l->architecture, sizeof l->architecture, "%s", l->info.architecture);
    snprintf(l->device_name, sizeof l->device_name, "%s", device.name);
    l->layer = calloc((size_t)l->info.n_layer_moe + 1, sizeof *l->layer);
    for (uint32_t i = 0; l->layer && i < l->info.n_layer_moe; i++)
        l->layer[i] = lem_model_moe_layer(l->model, i);
    l->source->facts = (struct lem_trace_facts){.name = l->name,
                                                .architecture = l->architecture,
                                                .device = l->device_name,
                                                .n_layer_moe = l->info.n_layer_moe,
                                                .n_expert = l->info.n_expert,
                                                .n_expert_used = l->info.n_expert_used,
                                                .n_vocab = l->info.n_vocab,
                                                .n_runner = LEM_TRACE_RUNNERS,
                                                .layer = l->layer};
    l->pairs = (size_t)l->info.n_layer_moe * l->info.n_expert_used;
    return l->layer != NULL;
}

/* Room for one more token; under the lock. */
static bool grow(struct live *l)
{
    if (l->n < l->cap)
        return true;
    const uint64_t cap = l->cap ? l->cap * 2 : 256;
    void *done = realloc(l->done, cap * sizeof *l->done);
    if (done)
        l->done = done;
    void *ids = realloc(l->ids, (cap * l->pairs + 1) * sizeof *l->ids);
    if (ids)
        l->ids = ids;
    void *weights = realloc(l->weights, (cap * l->pairs + 1) * sizeof *l->weights);
    if (weights)
        l->weights = weights;
    if (!done || !ids || !weights)
        return false;
    l->cap = cap;
    return true;
}

static bool add_token(struct live *l, const struct lem_trace_token *token)
{
    char piece[MAX_PIECE];
    const size_t n =
        lem_tokenizer_piece(l->tokenizer, token->id, true, piece, sizeof piece);
    bool ok = true;
    SDL_LockMutex(l->lock);
    char *copy = malloc(n + 1);
    ok = copy && grow(l);
    if (ok && l->pairs)
        ok = lem_session_routing(l->session, (uint32_t)l->n, 1, l->ids + l->n * l->pairs,
                                 l->weights + l->n * l->pairs) == LEM_OK;
    if (ok) {
        lem_tokenizer_piece(l->tokenizer, token->id, true, copy, n);
        l->done[l->n++] =
            (struct written){.token = *token, .piece = copy, .n_piece = (uint32_t)n};
        if (token->prompt)
            l->source->n_prompt = (uint32_t)l->n;
    } else {
        free(copy);
    }
    SDL_UnlockMutex(l->lock);
    return ok;
}

static bool run_prompt(struct live *l)
{
    int32_t ids[N_CTX];
    size_t n = 0;
    const uint64_t start = SDL_GetPerformanceCounter();
    if (lem_tokenizer_encode(l->tokenizer, l->params.prompt, strlen(l->params.prompt),
                             LEM_ENCODE_BOS | LEM_ENCODE_SPECIAL, ids, N_CTX,
                             &n) != LEM_OK ||
        n == 0 || lem_session_append(l->session, ids, (uint32_t)n) != LEM_OK)
        return false;
    const uint64_t ticks = SDL_GetPerformanceCounter() - start;
    const uint64_t us = ticks * 1000000 / SDL_GetPerformanceFrequency();
    struct lem_trace_token token = {
        .probability = -1, .prompt = true, .total_us = (uint32_t)(us / n)};
    for (uint32_t i = 0; i < LEM_TRACE_RUNNERS; i++)
        token.runner[i].id = -1;
    for (size_t i = 0; i < n; i++) {
        token.id = ids[i];
        if (!add_token(l, &token))
            return false;
    }
    return true;
}

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

/* One token more. False at the end of the text, and on failure (said). */
static bool write_one(struct live *l)
{
    struct lem_sampled next;
    uint32_t n_row = 0;
    const uint64_t start = SDL_GetPerformanceCounter();
    if (lem_session_sample(l->session, &l->params.sample, &next) != LEM_OK)
        return false;
    if (lem_tokenizer_is_end(l->tokenizer, next.id) ||
        lem_session_length(l->session) >= lem_session_n_ctx(l->session))
        return false;
    struct lem_trace_token token = {.id = next.id};
    const float *logits = lem_session_logits(l->session, &n_row);
    lem_trace_rank(&token, logits + (size_t)(n_row - 1) * l->info.n_vocab,
                   l->info.n_vocab, LEM_TRACE_RUNNERS);
    name_runners(l, &token);
    if (lem_session_append(l->session, &next.id, 1) != LEM_OK)
        return false;
    const uint64_t ticks = SDL_GetPerformanceCounter() - start;
    token.total_us = (uint32_t)(ticks * 1000000 / SDL_GetPerformanceFrequency());
    return add_token(l, &token);
}

/* Waits while paused. False when the window is closing. */
static bool may_go_on(struct live *l)
{
    SDL_LockMutex(l->lock);
    while (l->paused && !l->stop)
        SDL_CondWait(l->wake, l->lock);
    const bool stop = l->stop;
    SDL_UnlockMutex(l->lock);
    return !stop;
}

static void set_phase(struct live *l, enum source_phase phase)
{
    SDL_LockMutex(l->lock);
    l->phase = phase;
    SDL_UnlockMutex(l->lock);
}

static int work(void *arg)
{
    struct live *l = arg;
    SDL_LockMutex(l->lock);
    snprintf(l->message, sizeof l->message, "Opening the model");
    SDL_UnlockMutex(l->lock);
    bool ok = open_model(l);
    SDL_LockMutex(l->lock);
    ok = ok && fill_facts(l);
    if (ok)
        l->message[0] = '\0';
    l->phase = ok ? SOURCE_RUNNING : SOURCE_FAILED;
    SDL_UnlockMutex(l->lock);
    if (!ok || !run_prompt(l)) {
        set_phase(l, SOURCE_FAILED);
        return 0;
    }
    uint64_t n = 0;
    while (may_go_on(l) && (!l->params.limit || n < l->params.limit) && write_one(l))
        n++;
    SDL_LockMutex(l->lock);
    l->phase = l->message[0] ? SOURCE_FAILED : SOURCE_DONE;
    SDL_UnlockMutex(l->lock);
    return 0;
}

/* ---- what the window asks
 * --------------------------------------------------------------- */

static void close_live(struct source *s)
{
    struct live *l = s->priv;
    SDL_LockMutex(l->lock);
    l->stop = true;
    SDL_CondSignal(l->wake);
    SDL_UnlockMutex(l->lock);
    SDL_WaitThread(l->thread, NULL);
    lem_session_close(&l->session);
    lem_weights_close(&l->model_weights);
    lem_device_close(&l->device);
    lem_tokenizer_close(&l->tokenizer);
    lem_model_close(&l->model);
    for (uint64_t i = 0; i < l->n; i++)
        free(l->done[i].piece);
    free(l->done);
    free(l->ids);
    free(l->weights);
    free(l->layer);
    SDL_DestroyCond(l->wake);
    SDL_DestroyMutex(l->lock);
    free(l);
}

static uint64_t live_n(struct source *s)
{
    struct live *l = s->priv;
    SDL_LockMutex(l->lock);
    const uint64_t n = l->n;
    SDL_UnlockMutex(l->lock);
    return n;
}

static bool live_token(struct source *s, uint64_t i, struct lem_trace_token *out)
{
    struct live *l = s->priv;
    SDL_LockMutex(l->lock);
    const bool there = i < l->n;
    if (there)
        *out = l->done[i].token;
    SDL_UnlockMutex(l->lock);
    return there;
}

static size_t live_piece(struct source *s, uint64_t i, char *out, size_t cap)
{
    struct live *l = s->priv;
    size_t n = 0;
    SDL_LockMutex(l->lock);
    if (i < l->n) {
        n = l->done[i].n_piece;
        if (n <= cap)
            memcpy(out, l->done[i].piece, n);
    }
    SDL_UnlockMutex(l->lock);
    return n;
}

static bool live_routing(struct source *s, uint64_t i, uint16_t *ids, float *weights)
{
    struct live *l = s->priv;
    SDL_LockMutex(l->lock);
    const bool there = i < l->n;
    if (there) {
        memcpy(ids, l->ids + i * l->pairs, l->pairs * sizeof *ids);
        memcpy(weights, l->weights + i * l->pairs, l->pairs * sizeof *weights);
    }
    SDL_UnlockMutex(l->lock);
    return there;
}

static enum source_phase live_phase(struct source *s, char *message, size_t cap)
{
    struct live *l = s->priv;
    SDL_LockMutex(l->lock);
    const enum source_phase phase = l->phase;
    snprintf(message, cap, "%s", l->message);
    SDL_UnlockMutex(l->lock);
    return phase;
}

static void live_pause(struct source *s, bool paused)
{
    struct live *l = s->priv;
    SDL_LockMutex(l->lock);
    l->paused = paused;
    SDL_CondSignal(l->wake);
    SDL_UnlockMutex(l->lock);
}

static const struct source_kind kind = {
    .close = close_live,
    .n_token = live_n,
    .token = live_token,
    .piece = live_piece,
    .routing = live_routing,
    .phase = live_phase,
    .pause = live_pause,
};

bool source_open_live(struct source *s, const struct source_live_params *params,
                      char *message, size_t cap)
{
    struct live *l = calloc(1, sizeof *l);
    *s = (struct source){.kind = &kind, .live = true};
    if (l) {
        l->params = *params;
        l->source = s;
        l->lock = SDL_CreateMutex();
        l->wake = SDL_CreateCond();
        if (l->lock && l->wake)
            l->thread = SDL_CreateThread(work, "model", l);
        if (l->thread) {
            s->priv = l;
            return true;
        }
        SDL_DestroyCond(l->wake);
        SDL_DestroyMutex(l->lock);
        free(l);
    }
    snprintf(message, cap, "no thread for the model can be started");
    return false;
}
