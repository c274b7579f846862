/* vocab.h - the token table of a file: texts, scores, types, and lookup by text. */
#ifndef TEXT_VOCAB_H
#define TEXT_VOCAB_H

#include "base/arena.h"
#include "gguf/gguf.h"

/* The numbers of tokenizer.ggml.token_type. */
enum token_type {
    TOKEN_UNDEFINED, /* read as normal */
    TOKEN_NORMAL,
    TOKEN_UNKNOWN,
    TOKEN_CONTROL,
    TOKEN_USER_DEFINED,
    TOKEN_UNUSED,
    TOKEN_BYTE,
    TOKEN_TYPE_COUNT
};

struct vocab_token {
    const char *text;  /* as in the file, in the mapping */
    const char *piece; /* the bytes it stands for */
    uint32_t n_text, n_piece;
    float score; /* 0 without scores */
    uint8_t type;
};

struct vocab {
    struct vocab_token *token; /* [n] */
    uint32_t n;
    uint32_t longest; /* bytes of the longest text */
    bool has_types;   /* the file states token types */
    uint32_t *slot;   /* [n_slot] id + 1, open addressing; 0 = free */
    uint32_t n_slot;  /* a power of two */
};

/* Read tokens, scores and types of `g`; memory comes from `arena`, texts stay in the
 * mapping. Empty texts are allowed (nothing finds them), equal ones are not.
 * Returns LEM_OK, LEM_ERR_FORMAT or LEM_ERR_MEMORY, logged. */
enum lem_status vocab_load(struct vocab *v, const struct gguf *g, struct arena *arena,
                           const struct lem_log *log);

/* Id of the token with this text; -1 when there is none. */
int32_t vocab_find(const struct vocab *v, const char *text, size_t n);

/* How the texts of normal tokens become bytes. `out` has room for n bytes; returns
 * bytes written, or SIZE_MAX to keep the text as it is. */
typedef size_t vocab_spelling(const char *text, size_t n, char *out);

/* Give every token its piece: normal ones through `spelling`, user-defined ones too
 * where `spell_user_defined`, byte tokens their byte, others their text. */
enum lem_status vocab_set_pieces(struct vocab *v, const struct gguf *g,
                                 vocab_spelling *spelling, bool spell_user_defined,
                                 struct arena *arena, const struct lem_log *log);

/* The byte that a text of the form <0xHH> names; -1 for all others. */
int32_t vocab_byte_name(const char *text, size_t n);

/* A token's text for messages: cut when long, unprintable bytes as '?'. */
enum { VOCAB_SHOW_MAX = 48 };
const char *vocab_show(const char *text, size_t n, char out[VOCAB_SHOW_MAX]);

#endif
