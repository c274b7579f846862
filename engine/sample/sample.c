/* sample.c - from one row of logits to one token id. */
#include "sample/sample.h"

#include <math.h>
#include <string.h>

#include "base/log.h"

enum { DEFAULT_LAST_N = 64 };

/* splitmix64's finalizer (Steele, Lea, Flood 2014), twice: once for each input. */
static uint64_t mix(uint64_t z)
{
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

double sample_uniform(uint64_t seed, uint64_t position)
{
    const uint64_t a = mix(seed + 0x9e3779b97f4a7c15u);
    const uint64_t b = mix(a ^ (position + 1) * 0x9e3779b97f4a7c15u);
    return (double)(b >> 11) * 0x1p-53;
}

static bool broken(float logit)
{
    return isnan(logit) || logit == INFINITY;
}

static bool better(struct sample_candidate a, struct sample_candidate b)
{
    return a.logit > b.logit || (a.logit == b.logit && a.id < b.id);
}

/* ---- the k best: a heap whose root is the worst of those kept --------------- */

static void sift_down(struct sample_candidate *h, uint32_t n, uint32_t i)
{
    for (;;) {
        uint32_t worst = i;
        for (uint32_t c = 2 * i + 1; c <= 2 * i + 2 && c < n; c++)
            if (better(h[worst], h[c]))
                worst = c;
        if (worst == i)
            return;
        const struct sample_candidate t = h[i];
        h[i] = h[worst];
        h[worst] = t;
        i = worst;
    }
}

/* The best `k` of `n` to the front, best first. */
static void select_best(struct sample_candidate *c, uint32_t n, uint32_t k)
{
    for (uint32_t i = k / 2; i-- > 0;)
        sift_down(c, k, i);
    for (uint32_t i = k; i < n; i++) {
        if (!better(c[i], c[0]))
            continue;
        c[0] = c[i];
        sift_down(c, k, 0);
    }
    for (uint32_t left = k; left > 1; left--) { /* heap sort: worst to the end */
        const struct sample_candidate t = c[0];
        c[0] = c[left - 1];
        c[left - 1] = t;
        sift_down(c, left - 1, 0);
    }
}

/* ---- the filters ---------------------------------------------------------------- */

static bool penalizes(const struct lem_sample_params *p)
{
    return p->repeat_penalty != 0 && p->repeat_penalty != 1;
}

/* The candidate of a token; NULL: it is none of them. `all`: every token is, at its id.
 */
static struct sample_candidate *find(struct sample_candidate *c, uint32_t n, bool all,
                                     int32_t id)
{
    if (all)
        return id >= 0 && (uint32_t)id < n ? &c[id] : NULL;
    for (uint32_t i = 0; i < n; i++)
        if (c[i].id == id)
            return &c[i];
    return NULL;
}

static void penalize(struct sample_candidate *c, uint32_t n_candidate, bool all,
                     const struct sample_input *in, const struct lem_sample_params *p)
{
    if (!penalizes(p))
        return;
    const uint32_t last = p->repeat_last_n ? p->repeat_last_n : DEFAULT_LAST_N;
    const uint32_t n = in->n_recent < last ? in->n_recent : last;
    const int32_t *recent = in->recent + in->n_recent - n;
    for (uint32_t i = 0; i < n; i++) {
        struct sample_candidate *seen = find(c, n_candidate, all, recent[i]);
        bool before = false;
        for (uint32_t j = 0; seen && j < i && !before; j++)
            before = recent[j] == recent[i];
        if (!seen || before)
            continue;
        seen->logit = seen->logit > 0 ? seen->logit / p->repeat_penalty
                                      : seen->logit * p->repeat_penalty;
    }
}

/* exp(logit - best) of candidate i, before temperature. */
static double mass(const struct sample_candidate *c, uint32_t i)
{
    return exp((double)c[i].logit - (double)c[0].logit);
}

static uint32_t keep_top_p(const struct sample_candidate *c, uint32_t n, double top_p)
{
    double total = 0, sum = 0;
    for (uint32_t i = 0; i < n; i++)
        total += mass(c, i);
    for (uint32_t i = 0; i < n; i++) {
        sum += mass(c, i);
        if (sum >= top_p * total)
            return i + 1;
    }
    return n;
}

static uint32_t keep_min_p(const struct sample_candidate *c, uint32_t n, double min_p)
{
    uint32_t kept = 1;
    while (kept < n && mass(c, kept) >= min_p)
        kept++;
    return kept;
}

static void draw(const struct sample_candidate *c, uint32_t n, double temperature,
                 double u, struct lem_sampled *out)
{
    double total = 0;
    for (uint32_t i = 0; i < n; i++)
        total += exp(((double)c[i].logit - (double)c[0].logit) / temperature);
    double left = u * total;
    uint32_t pick = 0;
    for (uint32_t i = 0; i < n; i++) {
        const double e = exp(((double)c[i].logit - (double)c[0].logit) / temperature);
        if (e > 0)
            pick = i; /* rounding may leave a rest after the last one */
        left -= e;
        if (left < 0)
            break;
    }
    out->id = c[pick].id;
    out->probability =
        (float)(exp(((double)c[pick].logit - (double)c[0].logit) / temperature) / total);
}

static enum lem_status check(const struct lem_sample_params *p, const struct lem_log *log)
{
    /* Written so that NaN fails. */
    if (!(p->temperature >= 0 && p->temperature <= 100))
        return log_fail(log, LEM_ERR_ARGUMENT, "temperature %g is outside 0 … 100",
                        (double)p->temperature);
    if (!(p->top_p >= 0 && p->top_p <= 1))
        return log_fail(log, LEM_ERR_ARGUMENT, "top-p %g is outside 0 … 1",
                        (double)p->top_p);
    if (!(p->min_p >= 0 && p->min_p <= 1))
        return log_fail(log, LEM_ERR_ARGUMENT, "min-p %g is outside 0 … 1",
                        (double)p->min_p);
    if (!(p->repeat_penalty >= 0 && p->repeat_penalty <= 100))
        return log_fail(log, LEM_ERR_ARGUMENT, "repeat penalty %g is outside 0 … 100",
                        (double)p->repeat_penalty);
    return LEM_OK;
}

static enum lem_status not_finite(const struct lem_log *log, uint32_t id)
{
    return log_fail(log, LEM_ERR_ARGUMENT,
                    "the logit of token %u is not finite: the model or the "
                    "device computes wrongly",
                    id);
}

/* How many of all tokens top-k keeps. */
static uint32_t n_wanted(const struct lem_sample_params *p, uint32_t n_vocab)
{
    if (p->temperature == 0)
        return 1;
    return p->top_k && p->top_k < n_vocab ? p->top_k : n_vocab;
}

/* From the n that top-k kept, best first. */
static void choose(const struct sample_candidate *c, uint32_t n,
                   const struct sample_input *in, const struct lem_sample_params *p,
                   struct lem_sampled *out)
{
    if (p->temperature == 0) {
        *out = (struct lem_sampled){c[0].id, 1.0f};
        return;
    }
    if (p->top_p > 0 && p->top_p < 1)
        n = keep_top_p(c, n, (double)p->top_p);
    if (p->min_p > 0)
        n = keep_min_p(c, n, (double)p->min_p);
    draw(c, n, (double)p->temperature, sample_uniform(p->seed, in->position), out);
}

enum lem_status sample_draw_all(const struct sample_input *in,
                                const struct lem_sample_params *params,
                                const struct lem_log *log, struct lem_sampled *out)
{
    const enum lem_status st = check(params, log);
    if (st != LEM_OK)
        return st;
    struct sample_candidate *c = in->scratch;
    for (uint32_t i = 0; i < in->n_vocab; i++) {
        if (broken(in->logits[i]))
            return not_finite(log, i);
        c[i] = (struct sample_candidate){in->logits[i], (int32_t)i};
    }
    penalize(c, in->n_vocab, true, in, params);
    const uint32_t n = n_wanted(params, in->n_vocab);
    select_best(c, in->n_vocab, n);
    choose(c, n, in, params, out);
    return LEM_OK;
}

/* ---- from the best alone ---------------------------------------------------------- */

enum lem_status sample_find_best(const float *logits, uint32_t n_vocab,
                                 const struct lem_log *log, struct sample_candidate *best)
{
    const uint32_t n = sample_n_best(n_vocab);
    for (uint32_t i = 0; i < n; i++) {
        if (broken(logits[i]))
            return not_finite(log, i);
        best[i] = (struct sample_candidate){logits[i], (int32_t)i};
    }
    for (uint32_t i = n / 2; i-- > 0;)
        sift_down(best, n, i);
    for (uint32_t i = n; i < n_vocab; i++) {
        /* Equal ones before have the smaller id. Written so that NaN comes through. */
        if (logits[i] <= best[0].logit)
            continue;
        if (broken(logits[i]))
            return not_finite(log, i);
        best[0] = (struct sample_candidate){logits[i], (int32_t)i};
        sift_down(best, n, 0);
    }
    select_best(best, n, n);
    return LEM_OK;
}

/* Of the n candidates, penalized and in order again, those ahead of every other token:
 * these were worse than `last`, and a penalty did not make them better. */
static uint32_t n_ahead(const struct sample_candidate *c, uint32_t n,
                        struct sample_candidate last, const struct lem_sample_params *p)
{
    if (penalizes(p) && p->repeat_penalty < 1)
        return 0;
    while (n > 0 && better(last, c[n - 1]))
        n--;
    return n;
}

enum lem_status sample_draw_best(const struct sample_input *in,
                                 const struct sample_candidate *best,
                                 const struct lem_sample_params *params,
                                 const struct lem_log *log, struct lem_sampled *out,
                                 bool *enough)
{
    *enough = false;
    const enum lem_status st = check(params, log);
    if (st != LEM_OK)
        return st;
    if (broken(best[0].logit))
        return not_finite(log, (uint32_t)best[0].id);
    const uint32_t n = sample_n_best(in->n_vocab);
    struct sample_candidate *c = in->scratch;
    memcpy(c, best, n * sizeof *c);
    penalize(c, n, false, in, params);
    select_best(c, n, n);

    uint32_t ahead = n, wanted = n_wanted(params, in->n_vocab);
    if (n < in->n_vocab)
        ahead = n_ahead(c, n, best[n - 1], params);
    if (wanted > ahead && ahead > 0 && params->min_p > 0 &&
        !(params->top_p > 0 && params->top_p < 1)) {
        const uint32_t kept = keep_min_p(c, ahead, (double)params->min_p);
        wanted = kept < ahead ? kept : wanted;
    }
    *enough = wanted <= ahead;
    if (*enough)
        choose(c, wanted, in, params, out);
    return LEM_OK;
}

enum lem_status sample_draw(const struct sample_input *in,
                            const struct lem_sample_params *params,
                            const struct lem_log *log, struct lem_sampled *out)
{
    struct sample_candidate best[SAMPLE_BEST] = {{0}};
    bool enough = false;
    enum lem_status st = check(params, log);
    if (st == LEM_OK)
        st = sample_find_best(in->logits, in->n_vocab, log, best);
    if (st == LEM_OK)
        st = sample_draw_best(in, best, params, log, out, &enough);
    return st != LEM_OK || enough ? st : sample_draw_all(in, params, log, out);
}
