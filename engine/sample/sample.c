/* sample.c - from one row of logits to one token id. */
#include "sample/sample.h"

#include <math.h>
#include <stdlib.h>

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

static void penalize(struct sample_candidate *c, const struct sample_input *in,
                     const struct lem_sample_params *p)
{
    if (p->repeat_penalty == 0 || p->repeat_penalty == 1)
        return;
    const uint32_t last = p->repeat_last_n ? p->repeat_last_n : DEFAULT_LAST_N;
    const uint32_t n = in->n_recent < last ? in->n_recent : last;
    const int32_t *recent = in->recent + in->n_recent - n;
    for (uint32_t i = 0; i < n; i++) {
        const int32_t id = recent[i];
        bool seen = false;
        for (uint32_t j = 0; j < i && !seen; j++)
            seen = recent[j] == id;
        if (seen || id < 0 || (uint32_t)id >= in->n_vocab)
            continue;
        c[id].logit = c[id].logit > 0 ? c[id].logit / p->repeat_penalty
                                      : c[id].logit * p->repeat_penalty;
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

enum lem_status sample_draw(const struct sample_input *in,
                            const struct lem_sample_params *params,
                            const struct lem_log *log, struct lem_sampled *out)
{
    const enum lem_status st = check(params, log);
    if (st != LEM_OK)
        return st;
    struct sample_candidate *c = in->scratch;
    for (uint32_t i = 0; i < in->n_vocab; i++) {
        if (isnan(in->logits[i]) || in->logits[i] == INFINITY)
            return log_fail(log, LEM_ERR_ARGUMENT,
                            "the logit of token %u is not finite: the model or the "
                            "device computes wrongly",
                            i);
        c[i] = (struct sample_candidate){in->logits[i], (int32_t)i};
    }
    penalize(c, in, params);

    const bool greedy = params->temperature == 0;
    uint32_t n = in->n_vocab;
    if (greedy)
        n = 1;
    else if (params->top_k && params->top_k < n)
        n = params->top_k;
    select_best(c, in->n_vocab, n);
    if (!greedy && params->top_p > 0 && params->top_p < 1)
        n = keep_top_p(c, n, (double)params->top_p);
    if (!greedy && params->min_p > 0)
        n = keep_min_p(c, n, (double)params->min_p);
    if (greedy)
        *out = (struct lem_sampled){c[0].id, 1.0f};
    else
        draw(c, n, (double)params->temperature,
             sample_uniform(params->seed, in->position), out);
    return LEM_OK;
}
