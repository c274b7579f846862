/* bpe.c - byte-level BPE: words of bytes, joined pair by pair in the order of the
 * file's merges. */
#include "text/bpe.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "text/byte_glyph.h"

#define KEY_PRE "tokenizer.ggml.pre"

/* ---- opening -------------------------------------------------------------- */

/* Bytes that no character has: a vocabulary may do without them. */
static bool is_stray(int byte)
{
    return byte == 0xC0 || byte == 0xC1 || byte >= 0xF5;
}

/* A token that is not normal stands for its text, not for a byte, even where that is a
 * glyph: DeepSeek LLM has user-defined tokens such as "ü" (U+00FC, glyph of FC). */
static void find_bytes(struct bpe *b, const struct gguf *g, const struct lem_log *log)
{
    uint32_t n_missing = 0;
    for (int i = 0; i < 256; i++) {
        const char byte = (char)i;
        char glyph[2];
        const int32_t id =
            vocab_find(b->vocab, glyph, byte_glyph_encode(&byte, 1, glyph));
        b->byte_id[i] = id >= 0 && b->vocab->token[id].type == TOKEN_NORMAL ? id : -1;
        n_missing += b->byte_id[i] < 0 && !is_stray(i);
    }
    if (n_missing)
        log_msg(log, LEM_LOG_WARN,
                "%s: %u of the bytes that text is made of have no token; what needs them "
                "becomes the unknown token, or U+FFFD",
                g->path, n_missing);
}

static enum lem_status open_words(struct bpe *b, const struct gguf *g,
                                  const struct lem_log *log)
{
    struct gguf_str name;
    const enum gguf_answer a = gguf_get_str(g, KEY_PRE, &name);
    if (a == GGUF_MISSING) {
        name = (struct gguf_str){"default", strlen("default")};
        log_msg(
            log, LEM_LOG_WARN,
            "%s: %s is missing: words are cut by the default rule, answers may suffer",
            g->path, KEY_PRE);
    } else if (a != GGUF_FOUND) {
        return gguf_complain(g, KEY_PRE, a, "a string");
    }
    return pretokenize_open(&b->words, g, name, log);
}

enum lem_status bpe_open(struct bpe *b, struct vocab *vocab, const struct gguf *g,
                         struct arena *arena, const struct lem_log *log)
{
    b->vocab = vocab;
    b->unk = -1;
    enum lem_status st = open_words(b, g, log);
    if (st == LEM_OK)
        st = merges_load(&b->merges, vocab, g, arena, log);
    if (st == LEM_OK)
        st = vocab_set_pieces(vocab, g, byte_glyph_decode, false, arena, log);
    if (st == LEM_OK)
        find_bytes(b, g, log);
    return st;
}

void bpe_close(struct bpe *b)
{
    pretokenize_close(&b->words);
}

/* ---- encoding ------------------------------------------------------------- */

static bool join(const void *rules, const char *text, const struct merge_symbol *l,
                 const struct merge_symbol *r, struct merge_pair *pair)
{
    (void)text;
    const struct bpe *b = rules;
    return merges_find(&b->merges, l->id, r->id, pair);
}

/* Memory of one encoding, reused from word to word. */
struct bpe_work {
    struct merge_chain chain;
    char *glyphs; /* room for a word as long as the longest token; NULL = not needed */
};

/* The token that is the whole word; -1 when there is none. */
static int32_t whole_word(const struct bpe *b, const char *word, size_t n, char *glyphs)
{
    if (n > b->vocab->longest) /* a glyph has at least the length of its byte */
        return -1;
    const int32_t id = vocab_find(b->vocab, glyphs, byte_glyph_encode(word, n, glyphs));
    return id >= 0 && b->vocab->token[id].type == TOKEN_NORMAL ? id : -1;
}

/* A byte without a token: the unknown token, else U+FFFD, as far as there are tokens. */
static bool add_byte(const struct bpe *b, struct merge_chain *chain, uint32_t at,
                     uint8_t byte)
{
    static const uint8_t replacement[] = {0xEF, 0xBF, 0xBD};
    const int32_t id = b->byte_id[byte] >= 0 ? b->byte_id[byte] : b->unk;
    if (id >= 0)
        return merge_add(chain, at, 1, id);
    for (size_t i = 0; i < sizeof replacement; i++) {
        const int32_t part = b->byte_id[replacement[i]];
        if (part >= 0 && !merge_add(chain, at, 1, part))
            return false;
    }
    return true;
}

static bool encode_word(const struct bpe *b, struct bpe_work *work, const char *word,
                        uint32_t n, struct id_sink *out)
{
    const int32_t whole = work->glyphs ? whole_word(b, word, n, work->glyphs) : -1;
    if (whole >= 0) {
        id_sink_put(out, whole);
        return true;
    }
    struct merge_chain *chain = &work->chain;
    merge_start(chain, word);
    for (uint32_t i = 0; i < n; i++)
        if (!add_byte(b, chain, i, (uint8_t)word[i]))
            return false;
    if (!merge_run(chain, join, b))
        return false;
    for (int32_t i = chain->n ? 0 : MERGE_NONE; i != MERGE_NONE;
         i = chain->symbol[i].next)
        id_sink_put(out, chain->symbol[i].id);
    return true;
}

enum lem_status bpe_encode(const struct bpe *b, const char *text, size_t n,
                           struct id_sink *out, const struct lem_log *log)
{
    struct pretokenize_cuts cuts = {0};
    struct bpe_work work = {0};
    const bool whole_words = pretokenize_rule_of(b->words)->whole_words;
    if (whole_words)
        work.glyphs = malloc(2 * (size_t)b->vocab->longest + 1);
    enum lem_status st =
        whole_words && !work.glyphs
            ? log_fail(log, LEM_ERR_MEMORY, "host memory ran out encoding %zu bytes", n)
            : pretokenize_cut(b->words, text, n, &cuts, log);
    uint32_t from = 0;
    for (size_t w = 0; w < cuts.n && st == LEM_OK; w++) {
        if (!encode_word(b, &work, text + from, cuts.end[w] - from, out))
            st = log_fail(
                log, LEM_ERR_MEMORY,
                "host memory ran out encoding a word of %u bytes. Give less text.",
                cuts.end[w] - from);
        from = cuts.end[w];
    }
    merge_free(&work.chain);
    free(work.glyphs);
    pretokenize_cuts_free(&cuts);
    return st;
}
