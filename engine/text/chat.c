/* chat.c - chat formats by name and by template; conversations as text and as ids. */
#include "text/chat.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "text/tokenizer.h"

/* ---- finding a format --------------------------------------------------- */

const struct lem_chat_format *lem_chat_format_at(uint32_t i)
{
    return i < chat_n_format ? &chat_formats[i] : NULL;
}

const struct lem_chat_format *lem_chat_format_find(const char *name)
{
    for (size_t i = 0; i < chat_n_format; i++)
        if (strcmp(chat_formats[i].name, name) == 0)
            return &chat_formats[i];
    return NULL;
}

/* Does `mark` stand at `text`? Inside the strings of a template a newline may be
 * written as backslash and n. */
static bool stands_at(const char *text, size_t n, const char *mark)
{
    size_t at = 0;
    for (; *mark; mark++) {
        if (at < n && text[at] == *mark)
            at++;
        else if (*mark == '\n' && at + 1 < n && text[at] == '\\' && text[at + 1] == 'n')
            at += 2;
        else
            return false;
    }
    return true;
}

static bool stands_in(const char *text, size_t n, const char *mark)
{
    for (size_t at = 0; at < n; at++)
        if (stands_at(text + at, n - at, mark))
            return true;
    return false;
}

static bool fits(const struct lem_chat_format *f, const char *text, size_t n)
{
    for (int i = 0; i < CHAT_MAX_MARK && f->marks[i]; i++)
        if (!stands_in(text, n, f->marks[i]))
            return false;
    return f->marks[0] && !(f->absent && stands_in(text, n, f->absent));
}

const struct lem_chat_format *lem_chat_format_recognise(const char *chat_template,
                                                        size_t n_byte)
{
    for (size_t i = 0; i < chat_n_format; i++)
        if (fits(&chat_formats[i], chat_template, n_byte))
            return &chat_formats[i];
    return NULL;
}

const char *lem_chat_format_name(const struct lem_chat_format *format)
{
    return format->name;
}

const char *lem_chat_format_models(const struct lem_chat_format *format)
{
    return format->models;
}

const char *lem_chat_template(const struct lem_tokenizer *tokenizer, size_t *n_byte)
{
    *n_byte = tokenizer->chat_template.len;
    return *n_byte > 0 ? tokenizer->chat_template.ptr : NULL;
}

/* ---- as text ------------------------------------------------------------ */

struct renderer {
    const struct lem_chat_format *format;
    const struct lem_tokenizer *tokenizer;
    char *out;
    size_t cap, n;
};

static void write_text(struct renderer *r, const char *text, size_t n)
{
    if (n > 0 && r->n < r->cap)
        memcpy(r->out + r->n, text, n < r->cap - r->n ? n : r->cap - r->n);
    r->n += n;
}

/* The file's own token, or that of the models the format is from. */
static void write_token(struct renderer *r, int32_t id, const char *usual)
{
    const struct lem_tokenizer *t = r->tokenizer;
    if (t && id >= 0)
        write_text(r, t->vocab.token[id].piece, t->vocab.token[id].n_piece);
    else if (!t && usual)
        write_text(r, usual, strlen(usual));
}

static void render_piece(void *priv, enum chat_piece_kind kind, const char *text,
                         size_t n)
{
    struct renderer *r = priv;
    const struct lem_tokenizer *t = r->tokenizer;
    if (kind == CHAT_TOKEN_BOS)
        write_token(r, t ? t->roles.info.bos : -1, r->format->bos);
    else if (kind == CHAT_TOKEN_EOS)
        write_token(r, t ? t->roles.info.eos : -1, r->format->eos);
    else
        write_text(r, text, n);
}

enum lem_status lem_chat_render(const struct lem_chat *chat,
                                const struct lem_tokenizer *tokenizer, char *out,
                                size_t cap, size_t *n)
{
    struct renderer r = {chat->format, tokenizer, out, cap, 0};
    const enum lem_status st = chat_pieces(chat, render_piece, &r);
    *n = r.n;
    return st != LEM_OK ? st : r.n > cap ? LEM_ERR_ARGUMENT : LEM_OK;
}

/* ---- as ids ------------------------------------------------------------- */

/* Filled in two rounds: the first counts. */
struct gatherer {
    const struct lem_tokenizer *tokenizer;
    char *text;
    struct text_part *part;
    size_t n_byte, n_part;
    bool in_marks; /* the last part has marks, and goes on */
};

static void add_part(struct gatherer *g, bool marks, int32_t id)
{
    if (g->part)
        g->part[g->n_part] = (struct text_part){g->n_byte, marks, id};
    g->n_part++;
    g->in_marks = marks;
}

static void gather_piece(void *priv, enum chat_piece_kind kind, const char *text,
                         size_t n)
{
    struct gatherer *g = priv;
    const struct lem_tokenizer_info *info = &g->tokenizer->roles.info;
    if (kind == CHAT_TOKEN_BOS || kind == CHAT_TOKEN_EOS) {
        const int32_t id = kind == CHAT_TOKEN_BOS ? info->bos : info->eos;
        if (id >= 0)
            add_part(g, false, id);
        return;
    }
    if (g->text)
        memcpy(g->text + g->n_byte, text, n);
    g->n_byte += n;
    const bool marks = kind == CHAT_MARK;
    if (!(marks && g->in_marks))
        add_part(g, marks, -1);
    else if (g->part)
        g->part[g->n_part - 1].end = g->n_byte;
}

/* Both rounds; the memory is the caller's to free, on failure too. */
static enum lem_status gather(const struct lem_chat *chat, struct gatherer *g)
{
    enum lem_status st = chat_pieces(chat, gather_piece, g);
    if (st != LEM_OK)
        return st;
    g->text = malloc(g->n_byte + 1);
    g->part = calloc(g->n_part + 1, sizeof *g->part);
    if (!g->text || !g->part)
        return log_fail(&chat->log, LEM_ERR_MEMORY,
                        "host memory ran out encoding a conversation of %zu bytes. Close "
                        "other programs.",
                        g->n_byte);
    g->n_byte = g->n_part = 0;
    g->in_marks = false;
    return chat_pieces(chat, gather_piece, g);
}

enum lem_status lem_chat_encode(const struct lem_chat *chat,
                                const struct lem_tokenizer *tokenizer, int32_t *ids,
                                size_t cap, size_t *n_id)
{
    const struct lem_tokenizer_info *info = &tokenizer->roles.info;
    struct gatherer g = {.tokenizer = tokenizer};
    struct id_sink out = {ids, cap, 0};
    *n_id = 0;
    enum lem_status st = gather(chat, &g);
    /* A file may want a BOS that its template does not mention. */
    if (info->add_bos && !chat_wants_bos(chat))
        id_sink_put(&out, info->bos);
    if (st == LEM_OK)
        st = encode_parts(tokenizer, g.text, g.part, g.n_part, &out);
    free(g.text);
    free(g.part);
    if (st != LEM_OK)
        return st;
    *n_id = out.n;
    return out.n > cap ? LEM_ERR_ARGUMENT : LEM_OK;
}
