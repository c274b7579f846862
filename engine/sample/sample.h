/* sample.h - from one row of logits to one token id. */
#ifndef SAMPLE_SAMPLE_H
#define SAMPLE_SAMPLE_H

#include "lemnos/session.h"

struct sample_candidate {
    float logit;
    int32_t id;
};

/* What a draw looks at. */
struct sample_input {
    const float *logits; /* [n_vocab]; sample_draw_best() does not read them */
    uint32_t n_vocab;
    const int32_t *recent; /* tokens before, the last one last */
    uint32_t n_recent;
    uint64_t position;                /* of the token to draw */
    struct sample_candidate *scratch; /* [n_vocab], overwritten */
};

/*
 * Repeat penalty (Keskar et al., arXiv 1909.05858, section 4.1: positive logits are
 * divided by it, negative ones multiplied), then the n best (top-k), then the
 * smallest set of the most probable that reaches top_p (Holtzman et al., arXiv
 * 1904.09751), then those of at least min_p times the best's probability, then
 * softmax(logit / temperature) and one draw. Equal logits: the smaller id is better.
 * temperature 0 takes the best.
 *
 * The draw's random number is a hash of (seed, position) alone.
 * Returns LEM_OK or LEM_ERR_ARGUMENT (a parameter out of range, NaN logits).
 */
enum lem_status sample_draw(const struct sample_input *in,
                            const struct lem_sample_params *params,
                            const struct lem_log *log, struct lem_sampled *out);

/* ---- from the best logits alone ------------------------------------------------- */

enum { SAMPLE_BEST = 64 };

/* How many there are: all, of a small vocabulary. */
static inline uint32_t sample_n_best(uint32_t n_vocab)
{
    return n_vocab < SAMPLE_BEST ? n_vocab : SAMPLE_BEST;
}

/* The sample_n_best() best logits, best first. Returns LEM_OK, or LEM_ERR_ARGUMENT when
 * a logit is NaN or infinity. */
enum lem_status sample_find_best(const float *logits, uint32_t n_vocab,
                                 const struct lem_log *log,
                                 struct sample_candidate *best);

/*
 * As sample_draw(), bit for bit, but from these alone, best[0] being NaN if any logit is
 * NaN or infinity. *enough: it could be told; if not, *out is not set. It can be where
 *   - all that the filters keep is among them: top_k is no more than there are, or
 *     min_p, without top_p, leaves the last of them out; and
 *   - the repeat penalty makes no logit larger, and those kept are still better than the
 *     worst of them was before it: then they are better than all others.
 */
enum lem_status sample_draw_best(const struct sample_input *in,
                                 const struct sample_candidate *best,
                                 const struct lem_sample_params *params,
                                 const struct lem_log *log, struct lem_sampled *out,
                                 bool *enough);

/* sample_draw() without trying the best alone. */
enum lem_status sample_draw_all(const struct sample_input *in,
                                const struct lem_sample_params *params,
                                const struct lem_log *log, struct lem_sampled *out);

/* The random number in [0, 1) of a position. */
double sample_uniform(uint64_t seed, uint64_t position);

#endif
