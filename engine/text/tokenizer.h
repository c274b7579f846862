/* tokenizer.h - what the tokenizer's files share. */
#ifndef TEXT_TOKENIZER_H
#define TEXT_TOKENIZER_H

#include "gguf/gguf.h"
#include "lemnos/text.h"
#include "text/bpe.h"
#include "text/roles.h"
#include "text/special.h"
#include "text/spm.h"

/* One of the algorithms, as the other files see it. */
struct algorithm {
    const char *model; /* tokenizer.ggml.model */
    const char *pre;   /* tokenizer.ggml.pre, or NULL for any */
    struct roles_defaults defaults;
    bool always_bos; /* whatever the file says */
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
    struct gguf_str chat_template; /* in the mapping; {0} = none */
    bool add_prefix; /* a space goes before text at the start and after special tokens */
};

/* lem_tokenizer_open() over a file instead of a model, which text/ does not know;
 * run/open_tokenizer.c joins the two. */
enum lem_status tokenizer_open(struct lem_tokenizer **out, const struct gguf *file,
                               const struct lem_log *log);

/* Part of a text to encode. Parts follow each other without a gap: words and merges
 * reach over their bounds, special tokens do not. */
struct text_part {
    size_t end; /* where it ends; it begins where the one before ends */
    bool marks; /* special tokens are recognised; else only what looks like no mark */
    int32_t id; /* >= 0: put this token there; `end` is the beginning then */
};

/* Encode `text` to where the last part ends. LEM_ERR_ARGUMENT when it is too long, or
 * LEM_ERR_MEMORY, logged; more ids than `out` has room for are counted. (encode.c) */
enum lem_status encode_parts(const struct lem_tokenizer *t, const char *text,
                             const struct text_part *part, size_t n_part,
                             struct id_sink *out);

#endif
