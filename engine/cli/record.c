/* record.c - what `run --trace` writes down. */
#include "cli/record.h"

#include <stdlib.h>
#include <string.h>

#include "cli/app.h"
#include "cli/policy.h"

static bool open_writer(struct record *r, const char *path, uint32_t *layer)
{
    const struct lem_model_info *m = &r->app->info;
    for (uint32_t i = 0; i < m->n_layer_moe; i++)
        layer[i] = lem_model_moe_layer(r->app->model, i);
    const struct lem_trace_facts facts = {
        .name = m->name[0] ? m->name : app_model_name(r->app),
        .architecture = m->architecture,
        .device = r->app->device_info.name,
        .n_layer_moe = m->n_layer_moe,
        .n_expert = m->n_expert,
        .n_expert_used = m->n_layer_moe ? m->n_expert_used : 0,
        .n_vocab = m->n_vocab,
        .n_runner = LEM_TRACE_RUNNERS,
        .layer = layer,
        .margins = m->n_layer_moe > 0};
    return lem_trace_writer_open(path, &facts, &r->app->log, &r->writer) == LEM_OK;
}

bool record_open(struct record *r, struct app *app, const char *path, bool stages)
{
    *r = (struct record){.app = app, .stages = stages};
    if (!path)
        return true;
    const size_t pairs = (size_t)app->info.n_layer_moe * app->info.n_expert_used;
    r->ids = calloc(pairs + 1, sizeof *r->ids);
    r->weights = calloc(pairs + 1, sizeof *r->weights);
    const size_t n_layer = (size_t)app->info.n_layer_moe + 1;
    r->margins = calloc(n_layer, sizeof *r->margins);
    r->left_out = calloc(n_layer, sizeof *r->left_out);
    uint32_t *layer = calloc(n_layer, sizeof *layer);
    bool ok = r->ids && r->weights && r->margins && r->left_out && layer;
    if (!ok)
        app_error("memory ran out for the recording.");
    ok = ok && open_writer(r, path, layer);
    free(layer);
    return ok;
}

static bool write_piece(struct record *r, const struct lem_trace_token *token)
{
    struct lem_tokenizer *tok = r->app->tokenizer;
    char piece[256];
    const size_t n = lem_tokenizer_piece(tok, token->id, true, piece, sizeof piece);
    if (n <= sizeof piece)
        return lem_trace_writer_token(r->writer, token, piece, n, r->ids, r->weights) ==
               LEM_OK;
    char *longer = malloc(n);
    if (!longer) {
        app_error("memory ran out for the recording.");
        return false;
    }
    lem_tokenizer_piece(tok, token->id, true, longer, n);
    const enum lem_status st =
        lem_trace_writer_token(r->writer, token, longer, n, r->ids, r->weights);
    free(longer);
    return st == LEM_OK;
}

static bool write_token(struct record *r, const struct lem_session *session, uint32_t pos,
                        const struct lem_trace_token *token)
{
    if (r->app->info.n_layer_moe > 0 &&
        (lem_session_routing(session, pos, 1, r->ids, r->weights) != LEM_OK ||
         lem_session_margins(session, pos, 1, r->margins, r->left_out) != LEM_OK ||
         lem_trace_writer_margins(r->writer, r->margins, r->left_out) != LEM_OK))
        return false;
    return write_piece(r, token);
}

/* A policy of the command line is in force from the first token on. */
static bool write_policy(struct record *r, const struct lem_session *session)
{
    if (lem_session_policy(session, NULL, 0) == 0)
        return true;
    char *text = policy_text(r->app, session);
    const bool ok =
        text && lem_trace_writer_policy(r->writer, text, strlen(text)) == LEM_OK;
    free(text);
    return ok;
}

/* Unless it is what was written last. */
static bool write_memory(struct record *r, const struct lem_session *session)
{
    struct lem_trace_memory now;
    lem_session_trace_memory(session, &now);
    const bool same = now.weights == r->memory.weights &&
                      now.session == r->memory.session && now.peak == r->memory.peak;
    r->memory = now;
    return same || lem_trace_writer_memory(r->writer, &now) == LEM_OK;
}

void record_begin(struct record *r, struct lem_session *session)
{
    if (r->stages)
        lem_session_clear_stages(session);
}

/* Of what was done since record_begin(), for each of `n` tokens. */
static bool take_stages(const struct record *r, const struct lem_session *session,
                        uint32_t n, struct lem_trace_token *token)
{
    return !r->stages || lem_session_trace_stages(session, n, token->stage_us) == LEM_OK;
}

bool record_prompt(struct record *r, const struct lem_session *session, uint32_t n,
                   uint64_t ns)
{
    if (!r->writer)
        return true;
    struct lem_trace_token token = {.probability = -1, .prompt = true};
    for (uint32_t i = 0; i < LEM_TRACE_RUNNERS; i++)
        token.runner[i].id = -1;
    token.total_us = n ? (uint32_t)(ns / 1000 / n) : 0;
    if ((n && !take_stages(r, session, n, &token)) || !write_policy(r, session) ||
        !write_memory(r, session))
        return false;
    for (uint32_t pos = 0; pos < n; pos++) {
        token.id = lem_session_ids(session)[pos];
        if (!write_token(r, session, pos, &token))
            return false;
    }
    return true;
}

void record_choice(struct record *r, struct lem_session *session, int32_t id)
{
    if (!r->writer)
        return;
    const uint32_t n_vocab = r->app->info.n_vocab;
    uint32_t n_row = 0;
    const float *logits = lem_session_logits(session, &n_row);
    r->next = (struct lem_trace_token){.id = id, .probability = -1};
    if (!logits || n_row == 0)
        return;
    lem_trace_rank(&r->next, logits + (size_t)(n_row - 1) * n_vocab, n_vocab,
                   LEM_TRACE_RUNNERS);
    for (uint32_t i = 0; i < LEM_TRACE_RUNNERS; i++) {
        struct lem_trace_runner *runner = &r->next.runner[i];
        char piece[256];
        if (runner->id < 0)
            continue;
        const size_t n =
            lem_tokenizer_piece(r->app->tokenizer, runner->id, true, piece, sizeof piece);
        if (n > sizeof piece)
            continue;
        runner->n_piece =
            (uint8_t)(n < LEM_TRACE_RUNNER_BYTES ? n : LEM_TRACE_RUNNER_BYTES);
        memcpy(runner->piece, piece, runner->n_piece);
    }
}

bool record_token(struct record *r, const struct lem_session *session, uint32_t pos,
                  uint64_t ns)
{
    if (!r->writer)
        return true;
    r->next.total_us = (uint32_t)(ns / 1000);
    return take_stages(r, session, 1, &r->next) && write_token(r, session, pos, &r->next);
}

bool record_end(struct record *r, const struct lem_session *session)
{
    return !r->writer || write_memory(r, session);
}

bool record_close(struct record *r)
{
    const bool ok = lem_trace_writer_close(&r->writer) == LEM_OK;
    free(r->ids);
    free(r->weights);
    free(r->margins);
    free(r->left_out);
    *r = (struct record){0};
    return ok;
}
