/* spm.c - SentencePiece BPE: characters, joined pair by pair in the order of the scores
 * of the tokens they make, or of merges; what stays without a token becomes bytes. */
#include "text/spm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "text/utf8.h"

#define KEY_PREFIX "tokenizer.ggml.add_space_prefix"

/* U+2581 stands for a space in the vocabulary. */
#define MARK "\xE2\x96\x81"
enum { MARK_LEN = 3 };

static bool is_mark(const char *text, size_t n)
{
    return n >= MARK_LEN && memcmp(text, MARK, MARK_LEN) == 0;
}

static size_t unmark(const char *text, size_t n, char *out)
{
    size_t len = 0;
    for (size_t at = 0; at < n;) {
        if (is_mark(text + at, n - at)) {
            out[len++] = ' ';
            at += MARK_LEN;
        } else {
            out[len++] = text[at++];
        }
    }
    return len;
}

/* ---- opening -------------------------------------------------------------- */

/* A number that falls as the score rises. */
static uint32_t order_of(float score)
{
    uint32_t bits;
    score += 0.0f; /* -0 ranks with 0 */
    memcpy(&bits, &score, sizeof bits);
    const uint32_t rising = bits >> 31 ? ~bits : bits | 0x80000000u;
    return ~rising;
}

/* Byte tokens go by their name. Files without types, or with bytes typed as normal
 * tokens, mean the same: the type is set right, so that decoding gives the byte. */
static void find_bytes(struct spm *s, struct vocab *vocab)
{
    for (int i = 0; i < 256; i++) {
        char name[8];
        snprintf(name, sizeof name, "<0x%02X>", (unsigned)i);
        s->byte_id[i] = vocab_find(vocab, name, 6);
        if (s->byte_id[i] >= 0)
            vocab->token[s->byte_id[i]].type = TOKEN_BYTE;
    }
}

/* Bytes before the first space that comes after something else; n without one. */
static size_t first_word(const char *text, size_t n)
{
    bool word = false; /* something but spaces came */
    for (size_t at = 0; at < n;) {
        const bool mark = is_mark(text + at, n - at);
        if (mark && word)
            return at;
        word = !mark;
        at += mark ? MARK_LEN : 1;
    }
    return n;
}

static enum lem_status read_prefix(struct spm *s, bool by_default, const struct gguf *g)
{
    s->add_prefix = by_default;
    const enum gguf_answer a = gguf_get_bool(g, KEY_PREFIX, &s->add_prefix);
    if (a != GGUF_FOUND && a != GGUF_MISSING)
        return gguf_complain(g, KEY_PREFIX, a, "a bool");
    return LEM_OK;
}

static enum lem_status read_order(struct spm *s, struct arena *arena,
                                  const struct gguf *g, const struct lem_log *log)
{
    const struct vocab *vocab = s->vocab;
    if (!gguf_find_kv(g, "tokenizer.ggml.scores"))
        return gguf_complain(g, "tokenizer.ggml.scores", GGUF_MISSING,
                             "an array of f32 (tokenizer.ggml.model is \"llama\")");
    s->order = arena_alloc(arena, vocab->n, sizeof *s->order);
    if (!s->order)
        return log_fail(
            log, LEM_ERR_MEMORY,
            "%s: host memory ran out reading %u scores. Close other programs.", g->path,
            vocab->n);
    s->words_apart = true;
    for (uint32_t id = 0; id < vocab->n; id++) {
        const struct vocab_token *t = &vocab->token[id];
        s->order[id] = order_of(t->score);
        s->words_apart = s->words_apart && first_word(t->text, t->n_text) == t->n_text;
    }
    return LEM_OK;
}

enum lem_status spm_open(struct spm *s, struct vocab *vocab, const struct gguf *g,
                         struct arena *arena, const struct lem_log *log)
{
    s->vocab = vocab;
    s->unk = -1;
    enum lem_status st = read_prefix(s, true, g);
    if (st == LEM_OK)
        st = read_order(s, arena, g, log);
    if (st != LEM_OK)
        return st;
    find_bytes(s, vocab);
    return vocab_set_pieces(vocab, g, unmark, true, arena, log);
}

enum lem_status spm_open_merges(struct spm *s, struct vocab *vocab, const struct gguf *g,
                                struct arena *arena, const struct lem_log *log)
{
    s->vocab = vocab;
    s->unk = -1;
    enum lem_status st = read_prefix(s, false, g);
    if (st == LEM_OK)
        st = merges_load(&s->merges, vocab, g, arena, log);
    if (st != LEM_OK)
        return st;
    find_bytes(s, vocab);
    return vocab_set_pieces(vocab, g, unmark, true, arena, log);
}

/* ---- encoding ------------------------------------------------------------- */

/* The token of a piece of text. Control, unknown and byte tokens have a text that is
 * only a name, and unused ones are never made. */
static int32_t find_token(const struct spm *s, const char *text, size_t n)
{
    const int32_t id = vocab_find(s->vocab, text, n);
    if (id < 0)
        return -1;
    const uint8_t type = s->vocab->token[id].type;
    return type == TOKEN_NORMAL || type == TOKEN_USER_DEFINED ? id : -1;
}

static bool join(const void *rules, const char *text, const struct merge_symbol *l,
                 const struct merge_symbol *r, struct merge_pair *pair)
{
    const struct spm *s = rules;
    if (!s->order)
        return merges_find(&s->merges, l->id, r->id, pair);
    const int32_t id = find_token(s, text + l->at, pair->len);
    if (id < 0)
        return false;
    pair->order = s->order[id];
    pair->id = id;
    return true;
}

/* The text with every space as the mark, one more in front if asked. The caller
 * frees; NULL when memory ran out. */
static char *mark_spaces(const char *text, size_t n, bool prefix, uint32_t *n_out)
{
    size_t len = n + (prefix ? MARK_LEN : 0);
    for (size_t i = 0; i < n; i++)
        len += text[i] == ' ' ? MARK_LEN - 1 : 0;
    char *out = malloc(len);
    if (!out)
        return NULL;
    size_t at = 0;
    if (prefix) {
        memcpy(out, MARK, MARK_LEN);
        at = MARK_LEN;
    }
    for (size_t i = 0; i < n; i++) {
        if (text[i] == ' ') {
            memcpy(out + at, MARK, MARK_LEN);
            at += MARK_LEN;
        } else {
            out[at++] = text[i];
        }
    }
    *n_out = (uint32_t)len;
    return out;
}

/* One symbol per character; a byte that is no part of one is a symbol too. */
static bool add_chars(const struct spm *s, struct merge_chain *chain, const char *text,
                      uint32_t n)
{
    for (uint32_t at = 0; at < n;) {
        int32_t code;
        uint32_t len = utf8_char(text + at, n - at, &code);
        if (len == 0)
            len = 1;
        if (!merge_add(chain, at, len, find_token(s, text + at, len)))
            return false;
        at += len;
    }
    return true;
}

/* A character without a token: its bytes if all have one, else the unknown token. */
static void put_bytes(const struct spm *s, const char *text, uint32_t n,
                      struct id_sink *out)
{
    bool all = true;
    for (uint32_t i = 0; i < n; i++)
        all = all && s->byte_id[(uint8_t)text[i]] >= 0;
    for (uint32_t i = 0; i < n && all; i++)
        id_sink_put(out, s->byte_id[(uint8_t)text[i]]);
    if (!all && s->unk >= 0)
        id_sink_put(out, s->unk);
}

/* Bytes up to where line breaks begin or end. */
static uint32_t lines_run(const char *text, uint32_t n)
{
    uint32_t at = 1;
    while (at < n && (text[at] == '\n') == (text[0] == '\n'))
        at++;
    return at;
}

/* How much of the text can be joined for itself, with the same ids in the end. */
static uint32_t chunk_of(const struct spm *s, const char *text, uint32_t n)
{
    if (!s->order)
        return lines_run(text, n);
    return s->words_apart ? (uint32_t)first_word(text, n) : n;
}

static bool encode_chunk(const struct spm *s, struct merge_chain *chain, const char *text,
                         uint32_t n, struct id_sink *out)
{
    const int32_t lines = !s->order && text[0] == '\n' ? find_token(s, text, n) : -1;
    if (lines >= 0) {
        id_sink_put(out, lines);
        return true;
    }
    merge_start(chain, text);
    if (!add_chars(s, chain, text, n) || !merge_run(chain, join, s))
        return false;
    for (int32_t i = 0; i != MERGE_NONE; i = chain->symbol[i].next) {
        const struct merge_symbol *sym = &chain->symbol[i];
        if (sym->id >= 0)
            id_sink_put(out, sym->id);
        else
            put_bytes(s, text + sym->at, sym->len, out);
    }
    return true;
}

enum lem_status spm_encode(const struct spm *s, const char *text, size_t n, bool fresh,
                           struct id_sink *out, const struct lem_log *log)
{
    if (n == 0)
        return LEM_OK;
    uint32_t n_marked = 0;
    char *marked = mark_spaces(text, n, fresh && s->add_prefix, &n_marked);
    struct merge_chain chain = {0};
    bool ok = marked != NULL;
    for (uint32_t from = 0; ok && from < n_marked;) {
        const uint32_t len = chunk_of(s, marked + from, n_marked - from);
        ok = encode_chunk(s, &chain, marked + from, len, out);
        from += len;
    }
    merge_free(&chain);
    free(marked);
    if (!ok)
        return log_fail(log, LEM_ERR_MEMORY,
                        "host memory ran out encoding %zu bytes. Give less text.", n);
    return LEM_OK;
}
