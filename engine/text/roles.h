/* roles.h - which tokens begin and end texts and turns. */
#ifndef TEXT_ROLES_H
#define TEXT_ROLES_H

#include "lemnos/text.h"
#include "text/vocab.h"

struct roles {
    struct lem_tokenizer_info info;
    bool *ends; /* [n_vocab] ends a text or a turn */
};

/* What a kind of tokenizer takes for granted where the file says nothing. */
struct roles_defaults {
    int32_t bos, eos, unk; /* used if the token's type fits; -1 = none */
    bool add_bos;
};

/* Returns LEM_OK, LEM_ERR_FORMAT (an id beyond the vocabulary, a wrong type) or
 * LEM_ERR_MEMORY, logged. */
enum lem_status roles_load(struct roles *r, const struct vocab *vocab,
                           const struct roles_defaults *defaults, const struct gguf *g,
                           struct arena *arena, const struct lem_log *log);

#endif
