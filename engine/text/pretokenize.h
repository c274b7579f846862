/* pretokenize.h - cutting a text into the words that byte-level BPE works on, by
 * the regular expressions that tokenizer.ggml.pre names. */
#ifndef TEXT_PRETOKENIZE_H
#define TEXT_PRETOKENIZE_H

#include "gguf/gguf.h"

enum { PRETOKENIZE_MAX_STAGE = 6 };

/* One way of cutting. Each stage cuts every word of the stage before it into its
 * matches and what lies between them. */
struct pretokenize_rule {
    const char *names;                        /* of tokenizer.ggml.pre, spaced */
    const char *stage[PRETOKENIZE_MAX_STAGE]; /* PCRE2; NULL = no more */
    bool whole_words; /* a word that is a token is taken whole, merges or not */
    bool add_bos;     /* BOS unless the file says otherwise */
};

/* The table, up to and without a row whose names are NULL. */
extern const struct pretokenize_rule pretokenize_rules[];

struct pretokenize; /* a rule, compiled; immutable */

/* Returns LEM_OK, LEM_ERR_UNSUPPORTED (unknown name; the message lists the known
 * ones) or LEM_ERR_MEMORY, logged. */
enum lem_status pretokenize_open(struct pretokenize **out, const struct gguf *g,
                                 struct gguf_str name, const struct lem_log *log);
/* Safe on NULL and pointer to NULL. */
void pretokenize_close(struct pretokenize **p);
const struct pretokenize_rule *pretokenize_rule_of(const struct pretokenize *p);

/* Ends of the words, ascending; the last is the text's length. {0} is empty. */
struct pretokenize_cuts {
    uint32_t *end;
    size_t n, cap;
};

/* Cut a text of fewer than 2^30 bytes. A byte that is no part of a character counts
 * as U+FFFD; it stays as it is in the text. Returns LEM_OK or LEM_ERR_MEMORY (also when
 * the expressions need more than PCRE2 allows), logged. */
enum lem_status pretokenize_cut(const struct pretokenize *p, const char *text, size_t n,
                                struct pretokenize_cuts *cuts, const struct lem_log *log);
void pretokenize_cuts_free(struct pretokenize_cuts *cuts);

#endif
