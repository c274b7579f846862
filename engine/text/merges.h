/* merges.h - tokenizer.ggml.merges: which two tokens become one, and in which order.
 *
 * Source: Sennrich et al., arXiv 1508.07909, section 3.2. */
#ifndef TEXT_MERGES_H
#define TEXT_MERGES_H

#include "text/merge.h"
#include "text/vocab.h"

struct merges_pair;

struct merges {
    struct merges_pair *pair; /* [n_slot] open addressing */
    uint32_t n_slot;          /* a power of two */
};

/* Read the merges of `g`. Returns LEM_OK, LEM_ERR_FORMAT (the key is missing, or a merge
 * is malformed or names no token) or LEM_ERR_MEMORY, logged. */
enum lem_status merges_load(struct merges *m, const struct vocab *vocab,
                            const struct gguf *g, struct arena *arena,
                            const struct lem_log *log);

/* What two tokens become: fills `order` and `id` of `pair`; false when they stay two.
 * Symbols without a token (-1) stay. */
bool merges_find(const struct merges *m, int32_t left, int32_t right,
                 struct merge_pair *pair);

#endif
