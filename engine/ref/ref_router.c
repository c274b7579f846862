/* ref_router.c - which experts a token goes to, and with what weights.
 *
 *   s = softmax(z) | sigmoid(z) | z            z: the router's logits
 *   c = s + bias                               only for choosing
 *   groups (optional): the best n_group_used of n_group stay; a group's score is
 *     the sum of its group_top best c
 *   chosen: the n_used largest c, equal ones by the smaller id
 *   w = s[chosen], or softmax over the chosen z; then optionally
 *   w /= max(sum w, norm_eps); w *= scale
 *
 * A policy bans, forces and shifts experts and limits their number (struct ref_router);
 * the weights are those of the experts chosen. Instead of the largest c experts may also
 * be drawn, or only those taken whose s is above a threshold.
 *
 * Sources: Mixtral, arXiv 2401.04088, section 2.1 (renormalised softmax);
 * OLMoE, arXiv 2409.02060, section 2 (plain softmax); DeepSeek-V3, arXiv
 * 2412.19437, section 2.1.2 (sigmoid, selection bias, groups, scale). */
#include "ref/ref.h"

#include <float.h>
#include <math.h>

struct choice {
    const struct ref_router *r;
    const float *logits;
    double max, sum; /* of the softmax over all experts */
};

/* Rounded to f32, so that scores that a kernel cannot tell apart are equal here. */
static float score(const struct choice *c, uint32_t e)
{
    const double z = (double)c->logits[e];
    switch (c->r->score) {
    case SCORE_SOFTMAX:
        return (float)(exp(z - c->max) / c->sum);
    case SCORE_SIGMOID:
        return (float)(1.0 / (1.0 + exp(-z)));
    case SCORE_LOGIT:
    case SCORE_GIVEN:
        break;
    }
    return c->logits[e];
}

static float select_score(const struct choice *c, uint32_t e)
{
    const float *policy = c->r->policy;
    float s = score(c, e);
    if (c->r->select == REF_SELECT_DRAW)
        return -(c->r->race[e] / s);
    if (c->r->bias)
        s += c->r->bias[e];
    return policy && isfinite(policy[e]) ? s + policy[e] : s;
}

static bool is_banned(const struct ref_router *r, uint32_t e)
{
    return r->policy && r->policy[e] == -INFINITY;
}

static bool is_forced(const struct ref_router *r, uint32_t e)
{
    return r->policy && r->policy[e] == INFINITY;
}

static float group_score(const struct choice *c, uint32_t g)
{
    const uint32_t size = c->r->n_expert / c->r->n_group;
    float best = -INFINITY, second = -INFINITY;
    uint32_t n = 0;
    for (uint32_t e = g * size; e < (g + 1) * size; e++) {
        if (is_banned(c->r, e))
            continue;
        n++;
        const float s = select_score(c, e);
        if (s > best) {
            second = best;
            best = s;
        } else if (s > second) {
            second = s;
        }
    }
    return c->r->group_top >= 2 && n >= 2 ? best + second : best;
}

/* Fewer than n_group_used groups are better; equal ones: the smaller number. */
static bool group_stays(const struct choice *c, uint32_t g)
{
    const float mine = group_score(c, g);
    uint32_t n_better = 0;
    for (uint32_t i = 0; i < c->r->n_group; i++) {
        const float other = group_score(c, i);
        n_better += other > mine || (other == mine && i < g);
    }
    return n_better < c->r->n_group_used;
}

static bool may_choose(const struct choice *c, uint32_t e, const uint32_t *ids,
                       uint32_t n_chosen)
{
    for (uint32_t k = 0; k < n_chosen; k++)
        if (ids[k] == e)
            return false;
    if (is_banned(c->r, e))
        return false;
    if (c->r->select == REF_SELECT_DRAW)
        return score(c, e) > 0;
    if (is_forced(c->r, e))
        return true;
    if (c->r->select == REF_SELECT_ABOVE)
        return score(c, e) > c->r->threshold;
    const uint64_t g = (uint64_t)e * c->r->n_group / c->r->n_expert;
    return c->r->n_group <= 1 || group_stays(c, (uint32_t)g);
}

/* The best expert not among ids; REF_NO_EXPERT when none is left. */
static uint32_t best_left(const struct choice *c, const uint32_t *ids, uint32_t n_chosen)
{
    uint32_t best = REF_NO_EXPERT;
    float best_score = 0;
    for (uint32_t e = 0; e < c->r->n_expert; e++) {
        const bool first = is_forced(c->r, e) && c->r->select != REF_SELECT_DRAW;
        const float s = first ? INFINITY : select_score(c, e);
        if (best != REF_NO_EXPERT && !(s > best_score))
            continue;
        if (!may_choose(c, e, ids, n_chosen))
            continue;
        best = e;
        best_score = s;
    }
    return best;
}

static void weigh(float *weights, const uint32_t *ids, uint32_t n, const struct choice *c)
{
    const struct ref_router *r = c->r;
    double sum = 0, max = -INFINITY;
    for (uint32_t k = 0; k < n; k++)
        max = fmax(max, (double)c->logits[ids[k]]);
    for (uint32_t k = 0; k < n; k++) {
        weights[k] = r->score == SCORE_LOGIT ? (float)exp((double)c->logits[ids[k]] - max)
                                             : score(c, ids[k]);
        sum += (double)weights[k];
    }
    double factor = (double)r->scale;
    if (r->score == SCORE_LOGIT)
        factor /= sum;
    else if (r->normalise) /* scores of forced experts may all be 0 in f32 */
        factor /= fmax(sum, fmax((double)r->norm_eps, r->policy ? (double)FLT_MIN : 0));
    for (uint32_t k = 0; k < n; k++)
        weights[k] = (float)((double)weights[k] * factor);
}

/* Smallest distance of a score from the threshold. */
static float threshold_margin(const struct choice *c)
{
    float least = INFINITY;
    for (uint32_t e = 0; e < c->r->n_expert; e++)
        least = fminf(least, fabsf(score(c, e) - c->r->threshold));
    return least;
}

void ref_router(uint32_t *ids, float *weights, float *margin, const float *logits,
                const struct ref_router *r)
{
    struct choice c = {.r = r, .logits = logits, .max = -INFINITY};
    for (uint32_t e = 0; e < r->n_expert; e++)
        c.max = fmax(c.max, (double)logits[e]);
    for (uint32_t e = 0; e < r->n_expert; e++)
        c.sum += exp((double)logits[e] - c.max);

    const uint32_t most =
        r->policy && r->limit && r->limit < r->n_used ? r->limit : r->n_used;
    uint32_t n = 0;
    while (n < most && (ids[n] = best_left(&c, ids, n)) != REF_NO_EXPERT)
        n++;
    weigh(weights, ids, n, &c);
    for (uint32_t k = n; k < r->n_used; k++) {
        ids[k] = REF_NO_EXPERT;
        weights[k] = 0;
    }

    if (!margin)
        return;
    const uint32_t out = best_left(&c, ids, n);
    const float last = n > 0 ? select_score(&c, ids[n - 1]) : 0;
    if (out == REF_NO_EXPERT || n == 0 || is_forced(r, ids[n - 1]))
        *margin = INFINITY;
    else /* equal infinities, of a bias that forces or bans, are a tie */
        *margin = last == select_score(&c, out) ? 0 : last - select_score(&c, out);
    if (r->select == REF_SELECT_ABOVE)
        *margin = fminf(*margin, threshold_margin(&c));
}
