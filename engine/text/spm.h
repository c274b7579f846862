/* spm.h - SentencePiece BPE: characters, joined pair by pair in the order of the
 * scores of the tokens they make, or of the file's merges; what stays without a token
 * falls back to bytes.
 *
 * Source: Kudo and Richardson, arXiv 1808.06226; byte fallback as in Llama. With merges:
 * google/gemma-4-26B-A4B, tokenizer.json (normalizer, model of type BPE with
 * byte_fallback). */
#ifndef TEXT_SPM_H
#define TEXT_SPM_H

#include "text/id_sink.h"
#include "text/merges.h"
#include "text/vocab.h"

struct spm {
    const struct vocab *vocab;
    uint32_t *order;      /* [n_vocab] higher score = lower number; NULL with merges */
    struct merges merges; /* instead of scores */
    int32_t byte_id[256]; /* token <0xHH>; -1 = none */
    int32_t unk;          /* for text without a token; -1 = it vanishes */
    bool words_apart;     /* no token has a space after something else */
    bool add_prefix;      /* a space goes before the text, and after special tokens */
};

/* Read the flags, spell the vocabulary's pieces. `s` must be zeroed.
 * Returns LEM_OK, LEM_ERR_FORMAT or LEM_ERR_MEMORY, logged. */
enum lem_status spm_open(struct spm *s, struct vocab *vocab, const struct gguf *g,
                         struct arena *arena, const struct lem_log *log);

/* The same for files that order the joins by merges and need no scores: no space is put
 * before the text unless the file says so, a run of line breaks is cut from what stands
 * around it, and is one token if there is one. */
enum lem_status spm_open_merges(struct spm *s, struct vocab *vocab, const struct gguf *g,
                                struct arena *arena, const struct lem_log *log);

/* Ids of a text without special tokens; `fresh`: it stands at the start or after a
 * special token. Returns LEM_OK or LEM_ERR_MEMORY, logged. */
enum lem_status spm_encode(const struct spm *s, const char *text, size_t n, bool fresh,
                           struct id_sink *out, const struct lem_log *log);

#endif
