/* tokenizer.c - text to ids and back: picks the algorithm that the metadata names and
 * takes care of special tokens around it. */
#include "text/tokenizer.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "text/bpe.h"
#include "text/roles.h"
#include "text/special.h"
#include "text/spm.h"

#define KEY_MODEL "tokenizer.ggml.model"

/* Offsets are 32 bits wide, and a text can triple in length on its way. */
#define TEXT_MAX ((size_t)1 << 30)

/* One of the algorithms, as the rest of this file sees it. */
struct algorithm {
    const char *name; /* of tokenizer.ggml.model */
    struct roles_defaults defaults;
    enum lem_status (*open)(struct lem_tokenizer *t, const struct gguf *g);
    enum lem_status (*encode)(const struct lem_tokenizer *t, const char *text, size_t n,
                              bool fresh, struct id_sink *out);
};

struct lem_tokenizer {
    struct lem_log log;
    struct arena arena;
    const struct algorithm *algorithm;
    struct vocab vocab;
    struct special special;
    struct roles roles;
    struct bpe bpe; /* one of the two */
    struct spm spm;
    bool add_prefix; /* a space goes before text at the start and after special tokens */
};

/* ---- the algorithms ------------------------------------------------------- */

static enum lem_status open_bpe(struct lem_tokenizer *t, const struct gguf *g)
{
    return bpe_open(&t->bpe, &t->vocab, g, &t->arena, &t->log);
}

static enum lem_status encode_bpe(const struct lem_tokenizer *t, const char *text,
                                  size_t n, bool fresh, struct id_sink *out)
{
    (void)fresh;
    return bpe_encode(&t->bpe, text, n, out, &t->log);
}

static enum lem_status open_spm(struct lem_tokenizer *t, const struct gguf *g)
{
    const enum lem_status st = spm_open(&t->spm, &t->vocab, g, &t->arena, &t->log);
    t->add_prefix = t->spm.add_prefix;
    return st;
}

static enum lem_status encode_spm(const struct lem_tokenizer *t, const char *text,
                                  size_t n, bool fresh, struct id_sink *out)
{
    return spm_encode(&t->spm, text, n, fresh, out, &t->log);
}

static const struct algorithm algorithms[] = {
    {"gpt2", {.bos = -1, .eos = -1, .unk = -1}, open_bpe, encode_bpe},
    {"llama", {.bos = 1, .eos = 2, .unk = 0, .add_bos = true}, open_spm, encode_spm},
};

/* ---- opening -------------------------------------------------------------- */

static enum lem_status pick_algorithm(struct lem_tokenizer *t, const struct gguf *g)
{
    struct gguf_str name;
    const enum gguf_answer a = gguf_get_str(g, KEY_MODEL, &name);
    if (a != GGUF_FOUND)
        return gguf_complain(g, KEY_MODEL, a, "a string");
    for (size_t i = 0; i < sizeof algorithms / sizeof *algorithms; i++) {
        const char *known = algorithms[i].name;
        if (strlen(known) == name.len && memcmp(known, name.ptr, name.len) == 0) {
            t->algorithm = &algorithms[i];
            return LEM_OK;
        }
    }
    char show[VOCAB_SHOW_MAX];
    return log_fail(&t->log, LEM_ERR_UNSUPPORTED,
                    "%s: %s \"%s\" is not known. Known: gpt2 (byte-level BPE), llama "
                    "(SentencePiece BPE). Give token ids instead of text.",
                    g->path, KEY_MODEL, vocab_show(name.ptr, name.len, show));
}

static enum lem_status load_roles(struct lem_tokenizer *t, const struct gguf *g)
{
    struct roles_defaults defaults = t->algorithm->defaults;
    if (t->bpe.words)
        defaults.add_bos |= pretokenize_rule_of(t->bpe.words)->add_bos;
    const enum lem_status st =
        roles_load(&t->roles, &t->vocab, &defaults, g, &t->arena, &t->log);
    t->bpe.unk = t->roles.info.unk;
    t->spm.unk = t->roles.info.unk;
    return st;
}

enum lem_status tokenizer_open(struct lem_tokenizer **out, const struct gguf *file,
                               const struct lem_log *log)
{
    *out = NULL;
    struct lem_tokenizer *t = calloc(1, sizeof *t);
    if (!t)
        return log_fail(log, LEM_ERR_MEMORY,
                        "%s: host memory ran out opening the tokenizer", file->path);
    if (log)
        t->log = *log;

    struct gguf view = *file; /* complaints about keys go to our caller's log, too */
    view.log = t->log;
    enum lem_status st = pick_algorithm(t, &view);
    if (st == LEM_OK)
        st = vocab_load(&t->vocab, &view, &t->arena, &t->log);
    if (st == LEM_OK)
        st = t->algorithm->open(t, &view);
    if (st == LEM_OK)
        st = load_roles(t, &view);
    if (st == LEM_OK)
        st = special_open(&t->special, &t->vocab, &view, &t->arena, &t->log);
    if (st != LEM_OK) {
        lem_tokenizer_close(&t);
        return st;
    }
    *out = t;
    return LEM_OK;
}

void lem_tokenizer_close(struct lem_tokenizer **tokenizer)
{
    if (!tokenizer || !*tokenizer)
        return;
    struct lem_tokenizer *t = *tokenizer;
    bpe_close(&t->bpe);
    arena_free(&t->arena);
    free(t);
    *tokenizer = NULL;
}

/* ---- encoding ------------------------------------------------------------- */

/* Special tokens as they are, the text between them by the algorithm. */
static enum lem_status encode_text(const struct lem_tokenizer *t, const char *text,
                                   size_t n, bool control, struct id_sink *out)
{
    enum lem_status st = LEM_OK;
    bool fresh = true;
    for (size_t at = 0; at < n && st == LEM_OK;) {
        struct special_match m;
        const bool found = special_find(&t->special, text, n, at, control, &m);
        const size_t end = found ? m.at : n;
        if (end > at) {
            st = t->algorithm->encode(t, text + at, end - at, fresh, out);
            fresh = false;
        }
        at = end;
        if (found && st == LEM_OK) {
            id_sink_put(out, m.id);
            at += m.len;
            fresh = true;
        }
    }
    return st;
}

enum lem_status lem_tokenizer_encode(const struct lem_tokenizer *tokenizer,
                                     const char *text, size_t n_byte, uint32_t flags,
                                     int32_t *ids, size_t cap, size_t *n_id)
{
    const struct lem_tokenizer_info *info = &tokenizer->roles.info;
    struct id_sink out = {ids, cap, 0};
    *n_id = 0;
    if (n_byte >= TEXT_MAX)
        return log_fail(
            &tokenizer->log, LEM_ERR_ARGUMENT,
            "a text of %zu bytes is too long to encode at once: give fewer than "
            "%zu",
            n_byte, TEXT_MAX);
    if ((flags & LEM_ENCODE_BOS) && info->add_bos)
        id_sink_put(&out, info->bos);
    const enum lem_status st =
        encode_text(tokenizer, text, n_byte, (flags & LEM_ENCODE_SPECIAL) != 0, &out);
    if (st != LEM_OK)
        return st;
    if ((flags & LEM_ENCODE_EOS) && info->add_eos)
        id_sink_put(&out, info->eos);
    *n_id = out.n;
    return out.n > cap ? LEM_ERR_ARGUMENT : LEM_OK;
}

/* ---- decoding ------------------------------------------------------------- */

struct span {
    const char *ptr;
    size_t len;
};

static struct span piece_of(const struct lem_tokenizer *t, int32_t id, bool special)
{
    if (id < 0 || (uint32_t)id >= t->vocab.n)
        return (struct span){"", 0};
    const struct vocab_token *tok = &t->vocab.token[id];
    const bool hidden = tok->type == TOKEN_CONTROL || tok->type == TOKEN_UNKNOWN;
    if (hidden && !special)
        return (struct span){"", 0};
    return (struct span){tok->piece, tok->n_piece};
}

size_t lem_tokenizer_piece(const struct lem_tokenizer *tokenizer, int32_t id,
                           bool special, char *out, size_t cap)
{
    const struct span p = piece_of(tokenizer, id, special);
    if (p.len && p.len <= cap)
        memcpy(out, p.ptr, p.len);
    return p.len;
}

size_t lem_tokenizer_decode(const struct lem_tokenizer *tokenizer, const int32_t *ids,
                            size_t n_id, bool special, char *out, size_t cap)
{
    size_t len = 0;
    bool fresh = tokenizer->add_prefix; /* the next space was put there by encoding */
    for (size_t i = 0; i < n_id; i++) {
        struct span p = piece_of(tokenizer, ids[i], special);
        const bool known = ids[i] >= 0 && (uint32_t)ids[i] < tokenizer->vocab.n;
        const uint8_t type = known ? tokenizer->vocab.token[ids[i]].type : TOKEN_CONTROL;
        if (type == TOKEN_CONTROL || type == TOKEN_USER_DEFINED) {
            fresh = tokenizer->add_prefix;
        } else {
            if (fresh && p.len && p.ptr[0] == ' ') {
                p.ptr++;
                p.len--;
            }
            fresh = false;
        }
        if (len < cap && p.len)
            memcpy(out + len, p.ptr, p.len < cap - len ? p.len : cap - len);
        len += p.len;
    }
    return len;
}

/* ---- facts ---------------------------------------------------------------- */

void lem_tokenizer_get_info(const struct lem_tokenizer *tokenizer,
                            struct lem_tokenizer_info *info)
{
    *info = tokenizer->roles.info;
}

bool lem_tokenizer_is_end(const struct lem_tokenizer *tokenizer, int32_t id)
{
    return id >= 0 && (uint32_t)id < tokenizer->vocab.n && tokenizer->roles.ends[id];
}
