/* bpe.h - byte-level BPE: words of bytes, joined pair by pair in the order of the
 * file's merges.
 *
 * Source: Sennrich et al., arXiv 1508.07909, section 3.2; on bytes: GPT-2 (Radford et
 * al. 2019, section 2.2). */
#ifndef TEXT_BPE_H
#define TEXT_BPE_H

#include "text/id_sink.h"
#include "text/merges.h"
#include "text/pretokenize.h"
#include "text/vocab.h"

struct bpe {
    const struct vocab *vocab;
    struct pretokenize *words;
    struct merges merges;
    int32_t byte_id[256]; /* token of a single byte; -1 = none */
    int32_t unk;          /* for bytes without a token; -1 = U+FFFD is taken */
};

/* Read pre-tokenizer and merges, spell the vocabulary's pieces. `b` must be zeroed.
 * Returns LEM_OK, LEM_ERR_FORMAT (a merge is malformed or names no token),
 * LEM_ERR_UNSUPPORTED or LEM_ERR_MEMORY, logged. */
enum lem_status bpe_open(struct bpe *b, struct vocab *vocab, const struct gguf *g,
                         struct arena *arena, const struct lem_log *log);
/* Safe on {0}. */
void bpe_close(struct bpe *b);

/* Ids of a text without special tokens. Returns LEM_OK or LEM_ERR_MEMORY, logged. */
enum lem_status bpe_encode(const struct bpe *b, const char *text, size_t n,
                           struct id_sink *out, const struct lem_log *log);

#endif
