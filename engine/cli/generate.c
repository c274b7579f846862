/* generate.c - the loop of `run`: prompt in, tokens out, one at a time. */
#include "cli/generate.h"

#include <stdio.h>

#include "cli/app.h"
#include "cli/os.h"
#include "cli/signals.h"

/* What an append that failed means: Ctrl-C is not a failure. */
static enum generate_end append_end(enum lem_status st)
{
    if (st == LEM_ERR_CANCELLED)
        return GENERATE_STOPPED;
    /* The log was silent: see on_log() in app.c. */
    if (signals_stopping())
        app_error("%s.", lem_status_text(st));
    return GENERATE_FAILED;
}

/* With experts to show, the prompt is printed from its tokens, after they have run. */
static enum generate_end run_prompt(struct generate *g)
{
    struct show *show = g->show;
    if (g->echo && !show->experts && !show_text(show, g->prompt->data, g->prompt->n))
        return GENERATE_FAILED;
    record_begin(g->record, g->session);
    const uint64_t start = os_now_ns();
    const enum lem_status st =
        lem_session_append(g->session, g->prompt_ids->id, (uint32_t)g->prompt_ids->n);
    g->prompt_ns = os_now_ns() - start;
    if (st != LEM_OK)
        return append_end(st);
    if (!record_prompt(g->record, g->session, (uint32_t)g->prompt_ids->n, g->prompt_ns))
        return GENERATE_FAILED;
    if (g->echo && show->experts)
        for (uint32_t pos = 0; pos < g->prompt_ids->n; pos++)
            if (!show_token(show, g->session, pos))
                return GENERATE_FAILED;
    /* What follows a text is printed as it stands in the middle of one. */
    show->has_begun |= g->prompt->n > 0;
    return GENERATE_LIMIT;
}

/* Run a token, chosen in `chosen_ns`, and print it: before running where nobody waits for
 * its experts. */
static enum generate_end put_token(struct generate *g, int32_t id, uint64_t chosen_ns,
                                   bool last)
{
    const uint32_t pos = lem_session_length(g->session);
    const bool room = pos < lem_session_n_ctx(g->session);
    const bool late = g->show->experts && room;
    if (!late && !show_piece(g->show, id, SHOW_NO_EXPERT))
        return GENERATE_FAILED;
    if (!room && !last)
        return GENERATE_FULL;
    if (!room || (last && !g->keep_last))
        return GENERATE_LIMIT;

    const uint64_t start = os_now_ns();
    const enum lem_status st = lem_session_append(g->session, &id, 1);
    const bool ran = lem_session_length(g->session) > pos;
    g->n_run += ran;
    if (ran && !record_token(g->record, g->session, pos, chosen_ns + os_now_ns() - start))
        return GENERATE_FAILED;
    if (late && ran && !show_token(g->show, g->session, pos))
        return GENERATE_FAILED;
    if (late && !ran && !show_piece(g->show, id, SHOW_NO_EXPERT))
        return GENERATE_FAILED;
    return st == LEM_OK ? GENERATE_LIMIT : append_end(st);
}

static enum generate_end write_tokens(struct generate *g)
{
    while (g->limit < 0 || g->n_written < (uint64_t)g->limit) {
        if (signals_stopping())
            return GENERATE_STOPPED;
        struct lem_sampled next;
        record_begin(g->record, g->session);
        const uint64_t start = os_now_ns();
        if (lem_session_sample(g->session, &g->sample, &next) != LEM_OK)
            return GENERATE_FAILED;
        const uint64_t chosen_ns = os_now_ns() - start;
        if (lem_tokenizer_is_end(g->app->tokenizer, next.id) && !g->app->args->ignore_eos)
            return GENERATE_EOS;
        g->n_written++;
        record_choice(g->record, g->session, next.id);
        const bool last = g->limit >= 0 && g->n_written == (uint64_t)g->limit;
        const enum generate_end end = put_token(g, next.id, chosen_ns, last);
        if (end != GENERATE_LIMIT)
            return end;
    }
    return GENERATE_LIMIT;
}

enum generate_end generate_text(struct generate *g)
{
    enum generate_end end = run_prompt(g);
    if (end != GENERATE_LIMIT)
        return end;
    const uint64_t start = os_now_ns();
    end = write_tokens(g);
    g->write_ns = os_now_ns() - start;
    if (end == GENERATE_FAILED || record_end(g->record, g->session))
        return end;
    if (signals_stopping()) /* the log was silent */
        app_error("the recording could not be completed: %s.",
                  lem_status_text(LEM_ERR_IO));
    return GENERATE_FAILED;
}
