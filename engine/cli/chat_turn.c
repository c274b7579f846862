/* chat_turn.c - one answer: what the session already knows of the conversation is kept,
 * the rest is run, and the model writes until its turn ends. */
#include <stdlib.h>
#include <string.h>

#include "cli/chat.h"
#include "cli/os.h"
#include "cli/signals.h"

/* ---- printing ------------------------------------------------------------- */

static const char *label_of(enum lem_chat_part part, const char *channel)
{
    static const char *const label[] = {[LEM_CHAT_ANSWER] = "answer",
                                        [LEM_CHAT_THINKING] = "thinking",
                                        [LEM_CHAT_CALL] = "call to a tool"};
    return channel[0] && part != LEM_CHAT_CALL ? channel : label[part];
}

/* A part that is not simply the answer says what it is, in a line of its own. */
static void begin_part(struct chat *c, enum lem_chat_part part, const char *channel)
{
    const bool first = c->part == LEM_CHAT_ANSWER && !c->channel[0];
    const bool plain = part == LEM_CHAT_ANSWER && !channel[0];
    if (part == c->part && strcmp(channel, c->channel) == 0)
        return;
    show_end_line(&c->show);
    if (!first || !plain)
        printf("[%s]\n", label_of(part, channel));
    c->part = part;
    snprintf(c->channel, sizeof c->channel, "%s", channel);
    c->any_text = false;
}

static void on_text(void *priv, enum lem_chat_part part, const char *channel,
                    const char *text, size_t n)
{
    struct chat *c = priv;
    begin_part(c, part, channel);
    if (part == LEM_CHAT_ANSWER && !text_add(&c->answer, text, n))
        c->broken = true;
    if (part != LEM_CHAT_ANSWER)
        for (; !c->any_text && n > 0 && strchr(" \n", *text); n--)
            text++;
    if (n == 0)
        return;
    c->any_text = true;
    const bool dim = part != LEM_CHAT_ANSWER && c->show.colors != SHOW_NONE &&
                     c->expert == SHOW_NO_EXPERT;
    if (dim)
        fputs("\033[2m", stdout);
    if (!show_span(&c->show, text, n, c->expert))
        c->broken = true;
    if (dim)
        fputs("\033[0m", stdout);
}

bool chat_open_reader(struct chat *c)
{
    return lem_chat_reader_open(c->format, c->app->tokenizer, on_text, c, &c->reader) ==
           LEM_OK;
}

/* ---- the prompt ------------------------------------------------------------ */

static bool encode(struct chat *c, struct text_ids *ids)
{
    const struct lem_chat view = chat_view(c);
    size_t n = 0;
    enum lem_status st = lem_chat_encode(&view, c->app->tokenizer, NULL, 0, &n);
    /* Too little room is the expected answer to asking for the size. */
    if (st != LEM_OK && (st != LEM_ERR_ARGUMENT || n == 0))
        return false;
    for (size_t i = 0; i < n; i++)
        if (!text_ids_add(ids, 0))
            return false;
    if (n == 0) {
        app_error("there is nothing to answer: the conversation has no tokens.");
        return false;
    }
    return lem_chat_encode(&view, c->app->tokenizer, ids->id, n, &n) == LEM_OK;
}

/* Tokens at the beginning that the session has run, all but the last of `ids`: that one
 * gives the logits to go on from. */
static uint32_t count_common(const struct chat *c, const struct text_ids *ids)
{
    const uint32_t have = lem_session_length(c->session);
    const int32_t *there = lem_session_ids(c->session);
    uint32_t n = 0;
    while (n < have && n + 1 < ids->n && there[n] == ids->id[n])
        n++;
    return n;
}

enum turn_end { TURN_ENDED, TURN_LIMIT, TURN_FULL, TURN_STOPPED, TURN_FAILED };

static enum turn_end failed(enum lem_status st)
{
    if (st == LEM_ERR_CANCELLED)
        return TURN_STOPPED;
    /* The log was silent: see on_log() in app.c. */
    if (signals_stopping())
        app_error("%s.", lem_status_text(st));
    return TURN_FAILED;
}

static enum turn_end append(struct chat *c, const int32_t *id, uint32_t n)
{
    enum lem_status st = lem_session_append(c->session, id, n);
    /* A Ctrl-C that came as the last answer ended is not for this one. */
    if (st == LEM_ERR_CANCELLED && !signals_stopping())
        st = lem_session_append(c->session, id, n);
    return st == LEM_OK ? TURN_ENDED : failed(st);
}

static enum turn_end run_prompt(struct chat *c, const struct text_ids *ids)
{
    const uint32_t common = count_common(c, ids);
    app_info(c->app, "prompt of %zu tokens, %u of them known", ids->n, common);
    if (lem_session_rewind(c->session, common) != LEM_OK)
        return TURN_FAILED;
    return append(c, ids->id + common, (uint32_t)ids->n - common);
}

/* ---- the answer ------------------------------------------------------------- */

static bool hear(struct chat *c, int32_t id, bool *end)
{
    return lem_chat_reader_token(c->reader, id, end) == LEM_OK && !c->broken;
}

/* Run a chosen token and print it: before running where nobody waits for its expert. */
static enum turn_end put_token(struct chat *c, int32_t id, bool *end)
{
    const uint32_t pos = lem_session_length(c->session);
    const bool room = pos < lem_session_n_ctx(c->session);
    const bool late = c->show.experts && room;
    c->expert = SHOW_NO_EXPERT;
    if (!late && !hear(c, id, end))
        return TURN_FAILED;
    if (*end)
        return TURN_ENDED;
    if (!room)
        return TURN_FULL;
    const enum turn_end ran = append(c, &id, 1);
    if (late && lem_session_length(c->session) > pos &&
        !show_find_expert(&c->show, c->session, pos, &c->expert))
        return TURN_FAILED;
    if (late && !hear(c, id, end))
        return TURN_FAILED;
    return ran;
}

static enum turn_end write_answer(struct chat *c, uint64_t *n)
{
    const int64_t limit = c->app->args->n_predict;
    for (; limit < 0 || *n < (uint64_t)limit; ++*n) {
        if (signals_stopping())
            return TURN_STOPPED;
        struct lem_sampled next;
        if (lem_session_sample(c->session, &c->sample, &next) != LEM_OK)
            return TURN_FAILED;
        bool end = lem_tokenizer_is_end(c->app->tokenizer, next.id);
        if (end)
            return TURN_ENDED;
        const enum turn_end put = put_token(c, next.id, &end);
        if (put != TURN_ENDED || end)
            return put;
    }
    return TURN_LIMIT;
}

/* A Ctrl-C that came between two appends would cancel the first one of the next answer:
 * let it cancel this one, which is of no use to anybody, while the log is silent. */
static void use_up_stop(struct chat *c)
{
    const int32_t any = 0;
    const uint32_t n = lem_session_length(c->session);
    if (lem_session_rewind(c->session, n > 0 ? n - 1 : 0) == LEM_OK)
        (void)lem_session_append(c->session, &any, 1);
}

static enum turn_end speak(struct chat *c, const struct text_ids *ids)
{
    c->answer.n = 0;
    c->part = LEM_CHAT_ANSWER;
    c->channel[0] = '\0';
    c->expert = SHOW_NO_EXPERT;
    c->any_text = c->broken = false;
    uint64_t n = 0;
    signals_watch(c->session);
    enum turn_end end = run_prompt(c, ids);
    const uint64_t start = os_now_ns();
    if (end == TURN_ENDED)
        end = write_answer(c, &n);
    const double seconds = (double)(os_now_ns() - start) * 1e-9;
    lem_chat_reader_finish(c->reader);
    if (signals_stopping())
        use_up_stop(c);
    signals_watch(NULL);
    show_end_line(&c->show);
    if (!app_flush() || c->broken)
        return TURN_FAILED;
    if (n > 0 && seconds > 0)
        app_info(c->app, "%llu tokens, %.1f tok/s", (unsigned long long)n,
                 (double)n / seconds);
    return end;
}

/* Nothing was said to the user: as if the message had not been written. */
static void take_back(struct chat *c, const char *why)
{
    chat_drop_last_of(c, LEM_CHAT_USER);
    app_note(c->app, "%s: your message is taken back.", why);
}

static enum chat_next keep_answer(struct chat *c, enum turn_end end)
{
    if (end == TURN_FULL)
        app_note(c->app,
                 "stopped: the context of %u tokens is full. /undo or /reset makes room, "
                 "-c asks for a larger one.",
                 lem_session_n_ctx(c->session));
    if (c->answer.n == 0 && end != TURN_ENDED) {
        take_back(c, "there is no answer");
        return CHAT_ON;
    }
    return chat_add(c, LEM_CHAT_ASSISTANT, c->answer.data ? c->answer.data : "",
                    c->answer.n)
               ? CHAT_ON
               : CHAT_BROKEN;
}

enum chat_next chat_answer(struct chat *c)
{
    struct text_ids ids = {0};
    enum chat_next next = CHAT_BROKEN;
    const uint32_t n_ctx = lem_session_n_ctx(c->session);
    if (!encode(c, &ids)) {
        c->failed = true;
    } else if (ids.n >= n_ctx) {
        app_error("the conversation has %zu tokens, the context room for %u and an "
                  "answer. /undo or /reset makes room, -c asks for a larger context.",
                  ids.n, n_ctx);
        take_back(c, "there is no room");
        c->failed = true;
        next = CHAT_ON;
    } else {
        const enum turn_end end = speak(c, &ids);
        next = end == TURN_FAILED ? CHAT_BROKEN : keep_answer(c, end);
    }
    text_ids_free(&ids);
    return next;
}

enum chat_next chat_answer_again(struct chat *c)
{
    const struct lem_chat_message *last = &c->message[c->n_message - 1];
    const bool answered = last->role == LEM_CHAT_ASSISTANT;
    char *answer = answered ? text_copy(last->text) : NULL;
    char *message = text_copy(c->message[c->n_message - 1 - answered].text);
    enum chat_next next = CHAT_BROKEN;
    if (!message || (answered && !answer)) {
        app_error("memory ran out for another answer.");
    } else {
        if (answered)
            chat_drop_last_of(c, LEM_CHAT_ASSISTANT);
        const size_t before = c->n_message;
        next = chat_answer(c);
        bool kept = true;
        if (c->n_message < before) /* taken back: it was there before */
            kept = chat_add(c, LEM_CHAT_USER, message, strlen(message));
        if (kept && answered && c->n_message == before)
            kept = chat_add(c, LEM_CHAT_ASSISTANT, answer, strlen(answer));
        if (!kept)
            next = CHAT_BROKEN;
    }
    free(answer);
    free(message);
    return next;
}
