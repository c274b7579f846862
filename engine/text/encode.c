/* encode.c - text to ids: special tokens as they are, the text between them by the
 * algorithm. */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "text/tokenizer.h"

/* Offsets are 32 bits wide, and a text can triple in length on its way. */
#define TEXT_MAX ((size_t)1 << 30)

struct encoder {
    const struct lem_tokenizer *t;
    const char *text;
    struct id_sink *out;
    const bool *blocked; /* [n_vocab] tokens that parts without marks cannot be */
    size_t done;         /* bytes of `text` that are encoded */
    bool fresh;          /* nothing but a special token stands before */
};

/* Encode text that no special token is in, up to `end`. */
static enum lem_status flush(struct encoder *e, size_t end)
{
    const size_t at = e->done;
    if (end <= at)
        return LEM_OK;
    const bool fresh = e->fresh;
    e->done = end;
    e->fresh = false;
    return e->t->algorithm->encode(e->t, e->text + at, end - at, fresh, e->out);
}

static enum lem_status put(struct encoder *e, size_t at, size_t len, int32_t id)
{
    const enum lem_status st = flush(e, at);
    id_sink_put(e->out, id);
    e->done = at + len;
    e->fresh = true;
    return st;
}

static enum lem_status encode_part(struct encoder *e, size_t from,
                                   const struct text_part *part)
{
    enum lem_status st = LEM_OK;
    struct special_match m;
    for (size_t at = from;
         st == LEM_OK && special_find(&e->t->special, e->text, part->end, at, part->marks,
                                      part->marks ? NULL : e->blocked, &m);
         at = e->done)
        st = put(e, m.at, m.len, m.id);
    return st;
}

static enum lem_status encode_all(struct encoder *e, const struct text_part *part,
                                  size_t n_part)
{
    enum lem_status st = LEM_OK;
    size_t from = 0;
    for (size_t i = 0; i < n_part && st == LEM_OK; i++) {
        if (part[i].id >= 0)
            st = put(e, from, 0, part[i].id);
        else
            st = encode_part(e, from, &part[i]);
        from = part[i].end;
    }
    return st == LEM_OK ? flush(e, from) : st;
}

/* ---- marks -------------------------------------------------------------- */

/* Files list some marks of chat formats as user-defined tokens, which are found in any
 * text. Line breaks and the like can be user-defined, too: those must be found. */
static bool looks_like_mark(const struct vocab_token *t)
{
    return t->type == TOKEN_USER_DEFINED && t->n_piece >= 3 &&
           (t->piece[0] == '<' || t->piece[0] == '[');
}

/* Block the marks that stand in parts with marks, and those that end a turn. */
static void block_marks(const struct encoder *e, const struct text_part *part,
                        size_t n_part, bool *blocked)
{
    const struct lem_tokenizer *t = e->t;
    for (uint32_t id = 0; id < t->vocab.n; id++)
        blocked[id] = t->roles.ends[id] && looks_like_mark(&t->vocab.token[id]);
    size_t from = 0;
    for (size_t i = 0; i < n_part; i++) {
        struct special_match m;
        for (size_t at = from;
             part[i].id < 0 && part[i].marks &&
             special_find(&t->special, e->text, part[i].end, at, true, NULL, &m);
             at = m.at + m.len)
            blocked[m.id] |= looks_like_mark(&t->vocab.token[m.id]);
        from = part[i].end;
    }
}

enum lem_status encode_parts(const struct lem_tokenizer *t, const char *text,
                             const struct text_part *part, size_t n_part,
                             struct id_sink *out)
{
    struct encoder e = {.t = t, .text = text, .out = out, .fresh = true};
    bool *blocked = NULL;
    if (n_part > 0 && part[n_part - 1].end >= TEXT_MAX)
        return log_fail(
            &t->log, LEM_ERR_ARGUMENT,
            "a text of %zu bytes is too long to encode at once: give fewer than "
            "%zu",
            part[n_part - 1].end, TEXT_MAX);
    if (n_part > 1) {
        blocked = calloc(t->vocab.n, sizeof *blocked);
        if (!blocked)
            return log_fail(&t->log, LEM_ERR_MEMORY,
                            "host memory ran out encoding a conversation. Close other "
                            "programs.");
        block_marks(&e, part, n_part, blocked);
        e.blocked = blocked;
    }
    const enum lem_status st = encode_all(&e, part, n_part);
    free(blocked);
    return st;
}

enum lem_status lem_tokenizer_encode(const struct lem_tokenizer *tokenizer,
                                     const char *text, size_t n_byte, uint32_t flags,
                                     int32_t *ids, size_t cap, size_t *n_id)
{
    const struct lem_tokenizer_info *info = &tokenizer->roles.info;
    const struct text_part all = {
        .end = n_byte, .marks = (flags & LEM_ENCODE_SPECIAL) != 0, .id = -1};
    struct id_sink out = {ids, cap, 0};
    *n_id = 0;
    if ((flags & LEM_ENCODE_BOS) && info->add_bos)
        id_sink_put(&out, info->bos);
    const enum lem_status st = encode_parts(tokenizer, text, &all, 1, &out);
    if (st != LEM_OK)
        return st;
    if ((flags & LEM_ENCODE_EOS) && info->add_eos)
        id_sink_put(&out, info->eos);
    *n_id = out.n;
    return out.n > cap ? LEM_ERR_ARGUMENT : LEM_OK;
}
