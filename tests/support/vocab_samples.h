/* vocab_samples.h - small vocabularies of both kinds, to test with, to break, and for
 * the fuzzer. */
#ifndef SUPPORT_VOCAB_SAMPLES_H
#define SUPPORT_VOCAB_SAMPLES_H

#include "support/gguf_writer.h"

enum { VOCAB_SAMPLE_MAX = 384, VOCAB_SAMPLE_MERGES = 48 };

/* What the file will say. Filled with a good vocabulary by the functions below; a test
 * may change anything before it is written. */
struct vocab_sample {
    const char *model, *pre; /* NULL = the key is left out */
    const char *token[VOCAB_SAMPLE_MAX];
    int32_t type[VOCAB_SAMPLE_MAX];
    float score[VOCAB_SAMPLE_MAX];
    const char *merge[VOCAB_SAMPLE_MERGES];
    uint32_t n_token, n_type, n_score, n_merge; /* 0 = the key is left out */
    int64_t bos, eos, eot, unk;                 /* -1 = left out */
    int add_bos, add_eos, add_prefix;           /* -1 = left out */
    char names[256][8];                         /* texts of the byte tokens */
};

/* Byte-level BPE: 256 bytes, some words about "hello world", special tokens. */
void vocab_sample_bpe(struct vocab_sample *s, const char *pre);
/* SentencePiece BPE: bytes, letters, some words with scores, special tokens. */
void vocab_sample_spm(struct vocab_sample *s);

/* The same with merges instead of scores, as `model` (gemma4, or gpt2 with a `pre` that
 * means it). */
void vocab_sample_merges(struct vocab_sample *s, const char *model, const char *pre);

/* Append a token; returns its id. */
int32_t vocab_sample_add(struct vocab_sample *s, const char *text, int32_t type,
                         float score);
/* Id of the token with this text; aborts when there is none. */
int32_t vocab_sample_id(const struct vocab_sample *s, const char *text);

/* All keys of the sample, into a writer that may hold others. */
void vocab_sample_write(const struct vocab_sample *s, struct gguf_writer *w);

#endif
