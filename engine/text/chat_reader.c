/* chat_reader.c - takes the tokens of an answer apart: what is said to the user, what is
 * thought, and where it ends. Works on text, so that marks are found whether or not they
 * are tokens of their own. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "text/chat.h"
#include "text/tokenizer.h"

enum { CHANNEL_MAX = 48 };

enum place {
    AT_START,  /* nothing but white space so far: the model may begin to think */
    THINKING,  /* up to think_close */
    AT_ANSWER, /* white space between thoughts and answer */
    ANSWERING, /* the rest */
    HEADER,    /* harmony: before <|message|> */
    MESSAGE,   /* harmony: after it */
};

struct lem_chat_reader {
    const struct lem_chat_format *format;
    const struct lem_tokenizer *tokenizer;
    lem_chat_text_fn *fn;
    void *priv;
    enum place place;
    enum lem_chat_part part;
    char channel[CHANNEL_MAX];
    bool any_message, ended;
    bool skip_space; /* a space that comes first is not the answer's */
    char *held;      /* [n] text that is not handed on yet */
    size_t n, cap;
};

#define MARK_CHANNEL "<|channel|>"
#define MARK_MESSAGE "<|message|>"
#define MARK_END     "<|end|>"
#define MARK_START   "<|start|>"

static bool ends_in_space(const char *text)
{
    const size_t n = strlen(text);
    return n > 0 && text[n - 1] == ' ';
}

static void restart(struct lem_chat_reader *r)
{
    const struct lem_chat_format *f = r->format;
    const bool tags = f->channels == CHAT_TAGS;
    r->n = 0;
    r->ended = r->any_message = false;
    r->channel[0] = '\0';
    r->place = f->channels == CHAT_HARMONY  ? HEADER
               : tags && f->starts_thinking ? THINKING
               : tags                       ? AT_START
                                            : ANSWERING;
    r->part = r->place == THINKING ? LEM_CHAT_THINKING : LEM_CHAT_ANSWER;
    /* After "Assistant:" the model writes the space of "Assistant: " itself. */
    r->skip_space = ends_in_space(f->assistant.before) && !ends_in_space(f->open);
}

enum lem_status lem_chat_reader_open(const struct lem_chat_format *format,
                                     const struct lem_tokenizer *tokenizer,
                                     lem_chat_text_fn *fn, void *priv,
                                     struct lem_chat_reader **out)
{
    *out = NULL;
    struct lem_chat_reader *r = calloc(1, sizeof *r);
    if (!r)
        return log_fail(&tokenizer->log, LEM_ERR_MEMORY,
                        "host memory ran out reading an answer. Close other programs.");
    r->format = format;
    r->tokenizer = tokenizer;
    r->fn = fn;
    r->priv = priv;
    restart(r);
    *out = r;
    return LEM_OK;
}

void lem_chat_reader_close(struct lem_chat_reader **reader)
{
    if (!reader || !*reader)
        return;
    free((*reader)->held);
    free(*reader);
    *reader = NULL;
}

/* ---- text that is held back --------------------------------------------- */

static void drop(struct lem_chat_reader *r, size_t n)
{
    if (n == 0)
        return;
    r->n -= n;
    memmove(r->held, r->held + n, r->n);
}

/* Hand on the first `n` bytes. */
static void hand_on(struct lem_chat_reader *r, size_t n)
{
    if (n > 0)
        r->fn(r->priv, r->part, r->channel, r->held, n);
    drop(r, n);
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static size_t count_spaces(const struct lem_chat_reader *r)
{
    size_t n = 0;
    while (n < r->n && is_space(r->held[n]))
        n++;
    return n;
}

/* Where `mark` begins in what is held; SIZE_MAX when it is not there. */
static size_t find(const struct lem_chat_reader *r, const char *mark)
{
    const size_t len = strlen(mark);
    for (size_t at = 0; at + len <= r->n; at++)
        if (memcmp(r->held + at, mark, len) == 0)
            return at;
    return SIZE_MAX;
}

/* How many of the last bytes may be the beginning of `mark`. */
static size_t begun(const struct lem_chat_reader *r, const char *mark)
{
    size_t len = strlen(mark) - 1;
    if (len > r->n)
        len = r->n;
    for (; len > 0; len--)
        if (memcmp(r->held + r->n - len, mark, len) == 0)
            break;
    return len;
}

/* ---- marks -------------------------------------------------------------- */

/* What may follow at a place: a mark and where it leads. */
struct way {
    const char *mark;
    enum { TO_THINKING, TO_ANSWER, TO_MESSAGE, TO_HEADER, TO_END } to;
};
enum { MAX_WAY = CHAT_MAX_END + 2 };

static int ways_from(const struct lem_chat_reader *r, struct way way[MAX_WAY])
{
    const struct lem_chat_format *f = r->format;
    int n = 0;
    for (int i = 0; i < CHAT_MAX_END && f->ends[i]; i++)
        way[n++] = (struct way){f->ends[i], TO_END};
    if (r->place == THINKING)
        way[n++] = (struct way){f->think_close, TO_ANSWER};
    if (r->place == HEADER)
        way[n++] = (struct way){MARK_MESSAGE, TO_MESSAGE};
    if (r->place == MESSAGE) {
        way[n++] = (struct way){MARK_END, TO_HEADER};
        way[n++] = (struct way){MARK_START, TO_HEADER};
    }
    return n;
}

/* "<|channel|>analysis", "<|start|>assistant to=functions.x<|channel|>commentary json":
 * the channel's name and what the message is (openai/harmony, format description). */
static void read_header(struct lem_chat_reader *r, size_t n)
{
    char header[160];
    snprintf(header, sizeof header, "%.*s", (int)(n < sizeof header ? n : 159), r->held);
    const char *name = strstr(header, MARK_CHANNEL);
    name = name ? name + strlen(MARK_CHANNEL) : "";
    const int len = (int)strcspn(name, " <\n");
    snprintf(r->channel, sizeof r->channel, "%.*s", len, name);
    if (strstr(header, " to="))
        r->part = LEM_CHAT_CALL;
    else if (strcmp(r->channel, "final") == 0 || !r->channel[0])
        r->part = LEM_CHAT_ANSWER;
    else
        r->part = LEM_CHAT_THINKING; /* "analysis", "commentary" */
}

/* The mark of `way` stands at `at`. */
static void take_way(struct lem_chat_reader *r, const struct way *way, size_t at)
{
    if (r->place == HEADER && way->to == TO_MESSAGE)
        read_header(r, at);
    if (r->place == HEADER)
        drop(r, at);
    else
        hand_on(r, at);
    drop(r, strlen(way->mark));
    switch (way->to) {
    case TO_THINKING:
        r->place = THINKING;
        r->part = LEM_CHAT_THINKING;
        break;
    case TO_ANSWER:
        r->place = AT_ANSWER;
        r->part = LEM_CHAT_ANSWER;
        break;
    case TO_MESSAGE:
        r->place = MESSAGE;
        r->any_message = true;
        break;
    case TO_HEADER:
        r->place = HEADER;
        r->channel[0] = '\0';
        break;
    case TO_END:
        r->ended = true;
        r->n = 0;
        break;
    }
}

/* White space, then perhaps think_open. False: more text is needed to know. */
static bool leave_start(struct lem_chat_reader *r)
{
    const char *open = r->format->think_open;
    const size_t spaces = count_spaces(r), left = r->n - spaces, len = strlen(open);
    const size_t common = left < len ? left : len;
    if (memcmp(r->held + spaces, open, common) != 0) {
        r->place = ANSWERING;
        return true;
    }
    if (left < len)
        return false;
    const struct way way = {open, TO_THINKING};
    drop(r, spaces);
    take_way(r, &way, 0);
    return true;
}

/* Hand on all that cannot be part of a mark or of a character. */
static void hand_on_safe(struct lem_chat_reader *r, const struct way *way, int n_way)
{
    size_t hold = 0;
    for (int i = 0; i < n_way; i++) {
        const size_t n = begun(r, way[i].mark);
        hold = n > hold ? n : hold;
    }
    if (r->place != HEADER)
        hand_on(r, lem_utf8_whole(r->held, r->n - hold));
}

/* Go the way of the first mark that is held; false: there is none. */
static bool follow(struct lem_chat_reader *r)
{
    struct way way[MAX_WAY];
    const int n_way = ways_from(r, way);
    size_t best = SIZE_MAX;
    int next = 0;
    for (int i = 0; i < n_way; i++) {
        const size_t at = find(r, way[i].mark);
        if (at < best) {
            best = at;
            next = i;
        }
    }
    if (best != SIZE_MAX)
        take_way(r, &way[next], best);
    else
        hand_on_safe(r, way, n_way);
    return best != SIZE_MAX;
}

/* One step with what is held; false: nothing more can be done with it. */
static bool step(struct lem_chat_reader *r)
{
    if (r->ended || r->n == 0)
        return false;
    if (r->skip_space)
        drop(r, r->held[0] == ' ');
    r->skip_space = false;
    if (r->place == AT_START)
        return leave_start(r);
    if (r->place == AT_ANSWER) {
        drop(r, count_spaces(r));
        r->place = r->n > 0 ? ANSWERING : AT_ANSWER;
        return r->n > 0;
    }
    return follow(r);
}

/* ---- tokens ------------------------------------------------------------- */

/* Is the token's text the beginning of the mark? "<|channel>" alone is a token, too,
 * where the mark goes on. */
static bool begins(const struct vocab_token *t, const char *mark)
{
    return mark && strncmp(mark, t->piece, t->n_piece) == 0;
}

/* Control tokens have no text, but those of the format count. */
static bool is_mark(const struct lem_chat_format *f, const struct vocab_token *t)
{
    const bool harmony = f->channels == CHAT_HARMONY &&
                         (begins(t, MARK_CHANNEL) || begins(t, MARK_MESSAGE) ||
                          begins(t, MARK_END) || begins(t, MARK_START));
    return harmony || begins(t, f->ends[0]) || begins(t, f->ends[1]) ||
           begins(t, f->think_open) || begins(t, f->think_close);
}

static enum lem_status hold(struct lem_chat_reader *r, const char *text, size_t n)
{
    if (r->cap - r->n < n) {
        const size_t cap = 2 * r->cap + n + 64;
        char *more = realloc(r->held, cap);
        if (!more)
            return log_fail(
                &r->tokenizer->log, LEM_ERR_MEMORY,
                "host memory ran out reading an answer. Close other programs.");
        r->held = more;
        r->cap = cap;
    }
    if (n > 0)
        memcpy(r->held + r->n, text, n);
    r->n += n;
    return LEM_OK;
}

enum lem_status lem_chat_reader_token(struct lem_chat_reader *reader, int32_t id,
                                      bool *end)
{
    struct lem_chat_reader *r = reader;
    const struct vocab *v = &r->tokenizer->vocab;
    enum lem_status st = LEM_OK;
    *end = r->ended = r->ended || lem_tokenizer_is_end(r->tokenizer, id);
    if (r->ended || id < 0 || (uint32_t)id >= v->n)
        return LEM_OK;
    const struct vocab_token *t = &v->token[id];
    const bool hidden = t->type == TOKEN_CONTROL || t->type == TOKEN_UNKNOWN;
    if (!hidden || is_mark(r->format, t))
        st = hold(r, t->piece, t->n_piece);
    while (st == LEM_OK && step(r))
        ;
    *end = r->ended;
    return st;
}

void lem_chat_reader_finish(struct lem_chat_reader *reader)
{
    struct lem_chat_reader *r = reader;
    /* A model that does not keep to its format has still said something. */
    const bool lost = r->place == HEADER && r->any_message;
    if (r->place == AT_ANSWER)
        drop(r, count_spaces(r));
    if (!lost)
        hand_on(r, lem_utf8_whole(r->held, r->n));
    restart(r);
}
