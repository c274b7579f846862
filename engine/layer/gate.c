/* gate.c - what of a gate can be changed between runs: its weights or biases, and whom
 * it may choose. */
#include "layer/layer.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "base/log.h"

static enum lem_status make_gate(struct lem_layer *l, const struct lem_layer_params *p,
                                 uint32_t i)
{
    const struct lem_layer_gate *a = &p->gates[i];
    const bool counted = a->select == LEM_SELECT_TOP_K || a->select == LEM_SELECT_DRAW;
    struct layer_gate *g = &l->gate[i];
    *g = (struct layer_gate){
        .linear = a->weight != NULL,
        .score = a->score,
        .select = a->select,
        .combine = a->combine,
        .n_used = counted ? a->k : p->n_expert,
        .threshold = a->threshold,
        .shift = arena_alloc(&l->arena, p->n_expert, sizeof *g->shift),
        .given = arena_alloc(&l->arena, p->n_expert, sizeof *g->given),
    };
    if (!g->shift || !g->given)
        return log_fail(&l->log, LEM_ERR_MEMORY, "no memory for a gate of %u experts",
                        p->n_expert);
    const float *given = g->linear ? a->bias : a->fixed;
    if (given)
        memcpy(g->given, given, p->n_expert * sizeof *given);
    l->info.n_used = g->n_used > l->info.n_used ? g->n_used : l->info.n_used;
    return LEM_OK;
}

enum lem_status layer_gates_make(struct lem_layer *l, const struct lem_layer_params *p)
{
    l->gate = arena_alloc(&l->arena, p->n_gate, sizeof *l->gate);
    if (!l->gate)
        return log_fail(&l->log, LEM_ERR_MEMORY, "no memory for %u gates", p->n_gate);
    enum lem_status st = LEM_OK;
    for (uint32_t i = 0; i < p->n_gate && st == LEM_OK; i++)
        st = make_gate(l, p, i);
    return st;
}

/* Sums of weights must stay within floats: where only their ratios count, very large and
 * very small ones are brought to about 1. A power of two keeps the ratios to the bit. */
static float scale_of(const struct layer_gate *g, uint32_t n)
{
    float most = 0;
    for (uint32_t e = 0; e < n; e++)
        most = fmaxf(most, g->given[e]);
    const bool ratios = !g->linear && g->combine == LEM_COMBINE_AVERAGE &&
                        g->select != LEM_SELECT_THRESHOLD;
    if (!ratios || (most < 1e30f && most > 1e-30f))
        return 1;
    int exponent;
    (void)frexpf(most, &exponent);
    return ldexpf(1, exponent < -126 ? 126 : -exponent);
}

void layer_gates_fill(struct lem_layer *l)
{
    const uint32_t n = l->info.n_expert;
    for (uint32_t i = 0; i < l->info.n_gate; i++) {
        const struct layer_gate *g = &l->gate[i];
        float *values = gpu_buf_map(g->values);
        const float unit = scale_of(g, n);
        for (uint32_t e = 0; e < n; e++)
            values[e] = g->given[e] * unit;
    }
}

/* The gate, or NULL with a message. */
static struct layer_gate *find_gate(const struct lem_layer *l, uint32_t gate,
                                    const char *call)
{
    if (gate < l->info.n_gate)
        return &l->gate[gate];
    log_msg(&l->log, LEM_LOG_ERROR, "%s: gate is %u; the layer has gates 0 to %u", call,
            gate, l->info.n_gate - 1);
    return NULL;
}

enum lem_status lem_layer_seed(struct lem_layer *l, uint64_t seed)
{
    if (!l)
        return LEM_ERR_ARGUMENT;
    l->seed = seed;
    l->row = 0;
    return LEM_OK;
}

/* ---- who may be chosen ----------------------------------------------------------- */

enum lem_status lem_layer_ban(struct lem_layer *l, uint32_t gate, uint32_t expert,
                              bool banned)
{
    if (!l)
        return LEM_ERR_ARGUMENT;
    struct layer_gate *g = find_gate(l, gate, "lem_layer_ban");
    if (!g)
        return LEM_ERR_ARGUMENT;
    if (expert >= l->info.n_expert)
        return log_fail(&l->log, LEM_ERR_ARGUMENT,
                        "lem_layer_ban: expert is %u; the layer has experts 0 to %u",
                        expert, l->info.n_expert - 1);
    uint32_t *policy = gpu_buf_map(g->policy); /* a header, then a word per expert */
    const bool now = policy[1 + expert] == POLICY_BAN;
    if (now == banned)
        return LEM_OK;
    if (banned && g->n_banned + 1 == l->info.n_expert)
        return log_fail(&l->log, LEM_ERR_ARGUMENT,
                        "lem_layer_ban: expert %u is the last that gate %u may choose; "
                        "allow another one first",
                        expert, gate);
    g->n_banned += banned ? 1 : UINT32_MAX;
    policy[1 + expert] = banned ? POLICY_BAN : 0;
    policy[0] = g->n_banned ? g->n_used : 0;
    return LEM_OK;
}

/* ---- adapting -------------------------------------------------------------------- */

/* log of what a fixed weight has become, but for a constant. */
static double log_weight(const struct layer_gate *g, uint32_t e)
{
    return log((double)g->given[e]) + g->shift[e]; /* of weight 0: -inf, for ever */
}

static void renew_fixed(struct layer_gate *g, float *values, uint32_t n)
{
    double most = -INFINITY, sum = 0;
    for (uint32_t e = 0; e < n; e++)
        most = fmax(most, log_weight(g, e));
    for (uint32_t e = 0; e < n; e++)
        sum += exp(log_weight(g, e) - most);
    for (uint32_t e = 0; e < n; e++)
        values[e] = (float)(exp(log_weight(g, e) - most) / sum);
    most = -INFINITY; /* a shift of all changes nothing: keep them small */
    for (uint32_t e = 0; e < n; e++)
        if (g->given[e] > 0)
            most = fmax(most, g->shift[e]);
    for (uint32_t e = 0; e < n; e++)
        g->shift[e] -= most;
}

/* Constants do not change a softmax: the largest shift is kept at 0, so that biases stay
 * small however long a gate learns. */
static void renew_biases(struct layer_gate *g, float *values, uint32_t n)
{
    double most = -INFINITY;
    for (uint32_t e = 0; e < n; e++)
        most = fmax(most, g->shift[e]);
    for (uint32_t e = 0; e < n; e++) {
        g->shift[e] -= most;
        const double v = (double)g->given[e] + g->shift[e];
        values[e] = (float)fmax(fmin(v, FLT_MAX), -FLT_MAX);
    }
}

enum lem_status lem_layer_adapt(struct lem_layer *l, uint32_t gate, const float *losses,
                                float eta)
{
    if (!l)
        return LEM_ERR_ARGUMENT;
    const uint32_t n = l->info.n_expert;
    struct layer_gate *g = find_gate(l, gate, "lem_layer_adapt");
    if (!g)
        return LEM_ERR_ARGUMENT;
    if (g->linear && g->score == LEM_SCORE_SIGMOID)
        return log_fail(&l->log, LEM_ERR_ARGUMENT,
                        "lem_layer_adapt: gate %u scores by sigmoid, which is no "
                        "mixture; use softmax or fixed weights",
                        gate);
    if (!losses || !isfinite(eta) || eta < 0)
        return log_fail(&l->log, LEM_ERR_ARGUMENT,
                        "lem_layer_adapt: losses is %s and eta %g; give [n_expert] "
                        "losses and a finite eta of 0 or more",
                        losses ? "set" : "NULL", (double)eta);
    const enum lem_status st =
        layer_check_finite(&l->log, losses, n, "lem_layer_adapt: losses");
    if (st != LEM_OK)
        return st;
    for (uint32_t e = 0; e < n; e++)
        g->shift[e] -= (double)eta * (double)losses[e];
    float *values = gpu_buf_map(g->values);
    if (g->linear)
        renew_biases(g, values, n);
    else
        renew_fixed(g, values, n);
    return LEM_OK;
}

enum lem_status lem_layer_gate_values(const struct lem_layer *l, uint32_t gate,
                                      float *values)
{
    if (!l)
        return LEM_ERR_ARGUMENT;
    const struct layer_gate *g = find_gate(l, gate, "lem_layer_gate_values");
    if (!g)
        return LEM_ERR_ARGUMENT;
    if (!values)
        return log_fail(&l->log, LEM_ERR_ARGUMENT,
                        "lem_layer_gate_values: values is NULL; give [n_expert] floats");
    memcpy(values, gpu_buf_map(g->values), l->info.n_expert * sizeof *values);
    return LEM_OK;
}
