/* live.c - a model at work as a source: the thread that opens the model, writes, and
 * between two tokens does what the window asked for. */
#include "live.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "steer.h"

enum { N_CTX = 4096 };

/* ---- messages ------------------------------------------------------------------- */

void live_say(struct live *l, const char *text)
{
    SDL_LockMutex(l->lock);
    snprintf(l->message, sizeof l->message, "%s", text);
    SDL_UnlockMutex(l->lock);
}

static void on_log(void *priv, enum lem_log_level level, const char *text)
{
    if (level == LEM_LOG_ERROR)
        live_say(priv, text);
}

static void on_progress(void *priv, const char *what, uint64_t done, uint64_t total)
{
    char text[256];
    snprintf(text, sizeof text, "Opening the model: %s, %u %%", what,
             total ? (unsigned)(100 * done / total) : 0);
    live_say(priv, text);
}

/* ---- opening ---------------------------------------------------------------------- */

static bool open_session(struct live *l)
{
    const uint32_t trained = l->info.n_ctx_train;
    struct lem_session *session = NULL;
    const struct lem_session_params sp = {.weights = l->model_weights,
                                          .n_ctx = l->params.n_ctx   ? l->params.n_ctx
                                                   : trained < N_CTX ? trained
                                                                     : N_CTX,
                                          .tap = l->info.n_layer_moe > 0,
                                          .stages = l->params.stages,
                                          .sampling = LEM_SAMPLING_HOST, /* reads rows */
                                          .log = l->log};
    const bool ok = lem_session_open(&sp, &session) == LEM_OK;
    l->timed = ok && l->params.stages;
    SDL_LockMutex(l->lock);
    l->session = session;
    SDL_UnlockMutex(l->lock);
    return ok;
}

static bool open_model(struct live *l)
{
    const struct lem_model_params mp = {.path = l->params.model, .log = l->log};
    const struct lem_device_params dp = {.selector = l->params.device,
                                         .caps = l->params.caps,
                                         .validation = l->params.validation,
                                         .log = l->log};
    if (lem_model_open(&mp, &l->model) != LEM_OK)
        return false;
    lem_model_get_info(l->model, &l->info);
    if (lem_tokenizer_open(l->model, &l->log, &l->tokenizer) != LEM_OK ||
        lem_device_open(&dp, &l->device) != LEM_OK)
        return false;
    const struct lem_weights_params wp = {.model = l->model,
                                          .device = l->device,
                                          .progress = {.fn = on_progress, .priv = l},
                                          .log = l->log};
    return lem_weights_open(&wp, &l->model_weights) == LEM_OK && open_session(l);
}

/* Under the lock. */
static bool fill_facts(struct live *l)
{
    struct lem_device_info device;
    lem_device_get_info(l->device, &device);
    lem_session_trace_memory(l->session, &l->memory);
    snprintf(l->name, sizeof l->name, "%s", l->info.name);
    snprintf(l->architecture, sizeof l->architecture, "%s", l->info.architecture);
    snprintf(l->device_name, sizeof l->device_name, "%s", device.name);
    const size_t pairs = (size_t)l->info.n_layer_moe * l->info.n_expert_used;
    l->layer = calloc((size_t)l->info.n_layer_moe + 1, sizeof *l->layer);
    l->ids = calloc(pairs + 1, sizeof *l->ids);
    l->weights = calloc(pairs + 1, sizeof *l->weights);
    l->margins = calloc(l->info.n_layer_moe + 1u, sizeof *l->margins);
    l->next = calloc(l->info.n_layer_moe + 1u, sizeof *l->next);
    if (!l->layer || !l->ids || !l->weights || !l->margins || !l->next)
        return false;
    for (uint32_t i = 0; i < l->info.n_layer_moe; i++)
        l->layer[i] = lem_model_moe_layer(l->model, i);
    l->run.pairs = pairs;
    l->run.n_layer = l->info.n_layer_moe;
    l->source->facts = (struct lem_trace_facts){.name = l->name,
                                                .architecture = l->architecture,
                                                .device = l->device_name,
                                                .n_layer_moe = l->info.n_layer_moe,
                                                .n_expert = l->info.n_expert,
                                                .n_expert_used = l->info.n_expert_used,
                                                .n_vocab = l->info.n_vocab,
                                                .n_runner = LEM_TRACE_RUNNERS,
                                                .layer = l->layer,
                                                .margins = l->info.n_layer_moe > 0};
    l->pinned_source =
        (struct source){.kind = &live_pinned_kind, .priv = l, .facts = l->source->facts};
    return true;
}

/* The policy of the command line; a file that cannot be used is not passed over. */
static bool begin_policy(struct live *l)
{
    char message[sizeof l->message] = "";
    struct source_ask ask = {.kind = SOURCE_ASK_POLICY, .replace = true};
    if (!l->params.policy)
        return true;
    ask.entries =
        steer_read_file(l->params.policy, &ask.n_entry, message, sizeof message);
    bool ok = ask.entries != NULL;
    if (ok)
        ok = live_policy(l, &ask) && l->message[0] == '\0';
    else
        live_say(l, message);
    free(ask.entries);
    return ok;
}

static bool begin(struct live *l)
{
    live_say(l, "Opening the model");
    bool ok = open_model(l);
    SDL_LockMutex(l->lock);
    ok = ok && fill_facts(l);
    if (ok)
        l->message[0] = '\0';
    l->phase = ok ? SOURCE_RUNNING : SOURCE_FAILED;
    SDL_UnlockMutex(l->lock);
    return ok && begin_policy(l) && live_prompt(l, l->params.prompt);
}

/* ---- what was asked for -------------------------------------------------------------
 */

static void pin(struct live *l)
{
    struct run copy;
    if (!run_copy(&copy, &l->run)) {
        live_say(l, "No memory to pin the run.");
        return;
    }
    score_unpin(l);
    SDL_LockMutex(l->lock);
    l->pinned = copy;
    l->pinned_sample = l->params.sample;
    l->pinned_source.n_prompt = copy.n_prompt;
    l->is_pinned = true;
    l->revision++;
    SDL_UnlockMutex(l->lock);
    score_pin(l);
}

static bool obey(struct live *l, const struct source_ask *a)
{
    switch (a->kind) {
    case SOURCE_ASK_PROMPT:
        return live_prompt(l, a->text ? a->text : "");
    case SOURCE_ASK_STEP:
        l->steps++;
        return true;
    case SOURCE_ASK_KEEP:
        return live_keep(l, a->at);
    case SOURCE_ASK_POLICY:
        return live_policy(l, a);
    case SOURCE_ASK_SAMPLE:
        SDL_LockMutex(l->lock);
        l->params.sample = a->sample;
        SDL_UnlockMutex(l->lock);
        return true;
    case SOURCE_ASK_PIN:
        pin(l);
        return true;
    case SOURCE_ASK_UNPIN:
        score_unpin(l);
        return true;
    }
    return true;
}

/* The oldest ask, done. False when there is none. */
static bool next_ask(struct live *l)
{
    SDL_LockMutex(l->lock);
    struct ask_entry *e = l->first_ask;
    if (e) {
        l->first_ask = e->next;
        l->last_ask = e->next ? l->last_ask : NULL;
        if (!l->broken)
            l->message[0] = '\0';
    }
    SDL_UnlockMutex(l->lock);
    if (!e)
        return false;
    if (!l->broken)
        l->broken = !obey(l, &e->ask);
    free(e->ask.entries);
    free(e->ask.text);
    free(e);
    return true;
}

/* ---- the worker ---------------------------------------------------------------------
 */

/* Milliseconds that the pace still forbids a token. Under the lock. */
static uint64_t early(const struct live *l)
{
    const uint64_t now = SDL_GetTicks64();
    return l->pace > 0 && l->steps == 0 && now < l->due ? l->due - now : 0;
}

/* A token more, if one is wanted. */
static bool write_on(struct live *l)
{
    SDL_LockMutex(l->lock);
    const bool wanted =
        !l->broken && !l->ended && (!l->paused || l->steps > 0) && !early(l);
    const bool full = l->params.limit && l->run.n >= l->run.n_prompt + l->params.limit;
    if (wanted && l->pace > 0)
        l->due = SDL_GetTicks64() + (uint64_t)(1000 / l->pace);
    SDL_UnlockMutex(l->lock);
    l->ended |= wanted && full;
    if (l->ended)
        l->steps = 0;
    if (!wanted || full)
        return false;
    l->steps -= l->steps > 0;
    l->broken = !live_write_one(l);
    return true;
}

/* Until something is asked for, or the pace allows the next token. Under the lock. */
static void wait(struct live *l)
{
    const uint64_t ms = l->paused || l->ended ? 0 : early(l);
    if (ms)
        SDL_CondWaitTimeout(l->wake, l->lock, (Uint32)(ms < 1000 ? ms : 1000));
    else
        SDL_CondWait(l->wake, l->lock);
}

/* Waits where nothing is to be done. False when the window is closing. */
static bool go_on(struct live *l, bool busy)
{
    SDL_LockMutex(l->lock);
    l->phase = l->broken ? SOURCE_FAILED : l->ended ? SOURCE_DONE : SOURCE_RUNNING;
    if (!busy && !l->stop && !l->first_ask)
        wait(l);
    const bool stop = l->stop;
    SDL_UnlockMutex(l->lock);
    return !stop;
}

static int work(void *arg)
{
    struct live *l = arg;
    l->broken = !begin(l);
    bool busy = true;
    if (l->broken && l->source->facts.n_vocab == 0)
        return 0; /* no model: nothing can be asked of it */
    while (go_on(l, busy)) {
        while (next_ask(l))
            ;
        busy = write_on(l);
        busy |= !l->broken && score_work(l);
    }
    return 0;
}

bool source_open_live(struct source *s, const struct source_live_params *params,
                      char *message, size_t cap)
{
    struct live *l = calloc(1, sizeof *l);
    *s = (struct source){.kind = &live_kind, .live = true};
    if (l) {
        l->params = *params;
        l->source = s;
        l->log = (struct lem_log){.fn = on_log, .priv = l};
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
