/* tokenizer.c - opens a tokenizer: picks the algorithm that the metadata names; tells
 * what the file says of its tokens, and turns ids into text. */
#include "text/tokenizer.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"

#define KEY_MODEL    "tokenizer.ggml.model"
#define KEY_TEMPLATE "tokenizer.chat_template"
#define KEY_PRE      "tokenizer.ggml.pre"

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

static enum lem_status open_spm_merges(struct lem_tokenizer *t, const struct gguf *g)
{
    const enum lem_status st = spm_open_merges(&t->spm, &t->vocab, g, &t->arena, &t->log);
    t->add_prefix = t->spm.add_prefix;
    return st;
}

static enum lem_status encode_spm(const struct lem_tokenizer *t, const char *text,
                                  size_t n, bool fresh, struct id_sink *out)
{
    return spm_encode(&t->spm, text, n, fresh, out, &t->log);
}

#define NO_DEFAULTS                                                                      \
    {                                                                                    \
        .bos = -1, .eos = -1, .unk = -1                                                  \
    }

/* The first row that fits. Early Gemma 4 files state that no BOS is to be added, and the
 * model talks nonsense without it. */
static const struct algorithm algorithms[] = {
    {"gemma4", NULL, NO_DEFAULTS, true, open_spm_merges, encode_spm},
    {"gpt2", "gemma4", NO_DEFAULTS, true, open_spm_merges, encode_spm},
    {"gpt2", "sarvam-moe", NO_DEFAULTS, false, open_spm_merges, encode_spm},
    {"gpt2", NULL, NO_DEFAULTS, false, open_bpe, encode_bpe},
    {"llama",
     NULL,
     {.bos = 1, .eos = 2, .unk = 0, .add_bos = true},
     false,
     open_spm,
     encode_spm},
};

/* ---- opening -------------------------------------------------------------- */

static bool str_is(struct gguf_str s, const char *text)
{
    return strlen(text) == s.len && memcmp(text, s.ptr, s.len) == 0;
}

/* Values of tokenizer.ggml.model whose algorithms are not here, by name. */
static enum lem_status unknown_algorithm(const struct lem_tokenizer *t,
                                         const struct gguf *g, struct gguf_str name)
{
    static const char *const others[][2] = {
        {"bert", "WordPiece"},
        {"t5", "SentencePiece Unigram"},
        {"rwkv", "greedy longest match"},
        {"plamo2", "Unigram over a trie"},
        {"plamo3", "Unigram over a trie"},
        {"none", "no vocabulary at all"},
        {"no_vocab", "no vocabulary at all"},
    };
    char show[VOCAB_SHOW_MAX];
    const char *what = "an unknown algorithm";
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (str_is(name, others[i][0]))
            what = others[i][1];
    return log_fail(&t->log, LEM_ERR_UNSUPPORTED,
                    "%s: %s is \"%s\" (%s), which cannot be used here. Known: gpt2 "
                    "(byte-level BPE), llama (SentencePiece BPE), gemma4 (the same with "
                    "merges). Give token ids instead of text.",
                    g->path, KEY_MODEL, vocab_show(name.ptr, name.len, show), what);
}

static enum lem_status pick_algorithm(struct lem_tokenizer *t, const struct gguf *g)
{
    struct gguf_str name, pre = {"", 0};
    const enum gguf_answer a = gguf_get_str(g, KEY_MODEL, &name);
    if (a != GGUF_FOUND)
        return gguf_complain(g, KEY_MODEL, a, "a string");
    if (gguf_get_str(g, KEY_PRE, &pre) != GGUF_FOUND)
        pre.len = 0; /* the algorithm that needs it complains */
    for (size_t i = 0; i < sizeof algorithms / sizeof *algorithms; i++) {
        const struct algorithm *known = &algorithms[i];
        if (!str_is(name, known->model) || (known->pre && !str_is(pre, known->pre)))
            continue;
        t->algorithm = known;
        return LEM_OK;
    }
    return unknown_algorithm(t, g, name);
}

static enum lem_status load_roles(struct lem_tokenizer *t, const struct gguf *g)
{
    struct roles_defaults defaults = t->algorithm->defaults;
    if (t->bpe.words)
        defaults.add_bos |= pretokenize_rule_of(t->bpe.words)->add_bos;
    const enum lem_status st =
        roles_load(&t->roles, &t->vocab, &defaults, g, &t->arena, &t->log);
    if (t->algorithm->always_bos)
        t->roles.info.add_bos = t->roles.info.bos >= 0;
    t->bpe.unk = t->roles.info.unk;
    t->spm.unk = t->roles.info.unk;
    return st;
}

/* A template is of use to whoever wants to chat, and to nobody else. */
static enum lem_status find_template(struct lem_tokenizer *t, const struct gguf *g)
{
    const enum gguf_answer a = gguf_get_str(g, KEY_TEMPLATE, &t->chat_template);
    if (a == GGUF_FOUND)
        return LEM_OK;
    t->chat_template = (struct gguf_str){0};
    return a == GGUF_MISSING ? LEM_OK : gguf_complain(g, KEY_TEMPLATE, a, "a string");
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
    if (st == LEM_OK)
        st = find_template(t, &view);
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
