/* check.c - arguments of lem_layer_open(): what is missing, disagrees or is out of range.
 * Messages name the argument as the caller wrote it. */
#include "layer/layer.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/log.h"

/* More columns than this are no row that a binding holds. */
static const uint32_t MAX_WIDTH = (uint32_t)(WEIGHTS_MAX_BINDING / sizeof(float));
enum { MAX_EXPERT = 0xffff }; /* LEM_NO_EXPERT is none */

enum lem_status layer_check_finite(const struct lem_log *log, const float *v, uint64_t n,
                                   const char *fmt, ...)
{
    for (uint64_t i = 0; i < n; i++) {
        if (isfinite(v[i]))
            continue;
        char name[64];
        va_list args;
        va_start(args, fmt);
        vsnprintf(name, sizeof name, fmt, args);
        va_end(args);
        return log_fail(log, LEM_ERR_ARGUMENT,
                        "%s[%llu] is %g; all values must be finite", name,
                        (unsigned long long)i, (double)v[i]);
    }
    return LEM_OK;
}

/* ---- experts --------------------------------------------------------------------- */

/* What expert `e` says of its dense layer `i`, by itself. */
static enum lem_status check_dense(const struct lem_layer_params *p, uint32_t e,
                                   uint32_t i)
{
    const struct lem_layer_dense *d = &p->experts[e].dense[i];
    if (!d->weight)
        return log_fail(&p->log, LEM_ERR_ARGUMENT,
                        "experts[%u].dense[%u].weight is NULL; give [n_out][n_in] floats",
                        e, i);
    if (d->n_in == 0 || d->n_in > MAX_WIDTH || d->n_out == 0 || d->n_out > MAX_WIDTH / 2)
        return log_fail(&p->log, LEM_ERR_ARGUMENT,
                        "experts[%u].dense[%u] has n_in %u and n_out %u; from 1 to %u "
                        "and %u are possible",
                        e, i, d->n_in, d->n_out, MAX_WIDTH, MAX_WIDTH / 2);
    if ((unsigned)d->act >= LEM_ACT_COUNT)
        return log_fail(&p->log, LEM_ERR_ARGUMENT,
                        "experts[%u].dense[%u].act is %d; use a value of enum "
                        "lem_layer_act",
                        e, i, (int)d->act);
    if (d->act == LEM_ACT_SOFTMAX && i + 1 < p->experts[e].n_dense)
        return log_fail(&p->log, LEM_ERR_ARGUMENT,
                        "experts[%u].dense[%u].act is softmax, which only the last of "
                        "%u dense layers can have",
                        e, i, p->experts[e].n_dense);
    return LEM_OK;
}

/* And together with the one before and with the first expert. */
static enum lem_status check_fit(const struct lem_layer_params *p, uint32_t e, uint32_t i)
{
    const struct lem_layer_dense *d = &p->experts[e].dense[i];
    const struct lem_layer_dense *first = &p->experts[0].dense[i];
    if (i > 0 && d->n_in != d[-1].n_out)
        return log_fail(&p->log, LEM_ERR_ARGUMENT,
                        "experts[%u].dense[%u].n_in is %u, but dense[%u].n_out is %u; "
                        "they must be equal",
                        e, i, d->n_in, i - 1, d[-1].n_out);
    if (d->n_out != first->n_out || d->act != first->act)
        return log_fail(&p->log, LEM_ERR_ARGUMENT,
                        "experts[%u].dense[%u] has n_out %u and act %d, that of "
                        "experts[0] %u and %d; all experts must agree",
                        e, i, d->n_out, (int)d->act, first->n_out, (int)first->act);
    return LEM_OK;
}

static enum lem_status check_expert(const struct lem_layer_params *p, uint32_t e)
{
    const struct lem_layer_expert *x = &p->experts[e];
    if (!x->dense || x->n_dense == 0)
        return log_fail(&p->log, LEM_ERR_ARGUMENT,
                        "experts[%u] has no dense layers; set dense and n_dense", e);
    if (x->n_dense != p->experts[0].n_dense)
        return log_fail(&p->log, LEM_ERR_ARGUMENT,
                        "experts[%u].n_dense is %u, that of experts[0] %u; all experts "
                        "must agree",
                        e, x->n_dense, p->experts[0].n_dense);
    enum lem_status st = LEM_OK;
    for (uint32_t i = 0; i < x->n_dense && st == LEM_OK; i++) {
        st = check_dense(p, e, i);
        if (st == LEM_OK)
            st = check_fit(p, e, i);
    }
    if (st != LEM_OK)
        return st;
    const uint32_t n = x->dense[0].n_in;
    if (n > p->n_in || x->x_off > p->n_in - n)
        return log_fail(&p->log, LEM_ERR_ARGUMENT,
                        "experts[%u] reads columns x_off %u to %llu of an input that has "
                        "n_in %u; make its slice or dense[0].n_in smaller",
                        e, x->x_off, (unsigned long long)x->x_off + n, p->n_in);
    return LEM_OK;
}

/* ---- gates ----------------------------------------------------------------------- */

static enum lem_status check_fixed(const struct lem_layer_params *p, uint32_t g)
{
    const float *fixed = p->gates[g].fixed;
    enum lem_status st =
        layer_check_finite(&p->log, fixed, p->n_expert, "gates[%u].fixed", g);
    float most = 0;
    for (uint32_t e = 0; e < p->n_expert && st == LEM_OK; e++) {
        most = fmaxf(most, fixed[e]);
        if (fixed[e] < 0)
            st = log_fail(&p->log, LEM_ERR_ARGUMENT,
                          "gates[%u].fixed[%u] is %g; weights must be 0 or more", g, e,
                          (double)fixed[e]);
    }
    if (st == LEM_OK && most == 0)
        st = log_fail(&p->log, LEM_ERR_ARGUMENT,
                      "gates[%u].fixed: all weights are 0; one must be more", g);
    return st;
}

static enum lem_status check_values(const struct lem_layer_params *p, uint32_t g)
{
    const struct lem_layer_gate *a = &p->gates[g];
    if (!a->weight == !a->fixed)
        return log_fail(&p->log, LEM_ERR_ARGUMENT,
                        "gates[%u]: set either weight or fixed, not %s", g,
                        a->weight ? "both" : "none");
    if (a->fixed && a->bias)
        return log_fail(&p->log, LEM_ERR_ARGUMENT,
                        "gates[%u].bias: only a gate with weight has biases", g);
    if (a->fixed)
        return check_fixed(p, g);
    enum lem_status st = layer_check_finite(
        &p->log, a->weight, (uint64_t)p->n_expert * p->n_in, "gates[%u].weight", g);
    if (st == LEM_OK && a->bias)
        st = layer_check_finite(&p->log, a->bias, p->n_expert, "gates[%u].bias", g);
    return st;
}

static enum lem_status check_gate(const struct lem_layer_params *p, uint32_t g)
{
    const struct lem_layer_gate *a = &p->gates[g];
    if ((unsigned)a->score > LEM_SCORE_SIGMOID ||
        (unsigned)a->select > LEM_SELECT_THRESHOLD ||
        (unsigned)a->combine > LEM_COMBINE_HEAVIEST)
        return log_fail(&p->log, LEM_ERR_ARGUMENT,
                        "gates[%u] has score %d, select %d, combine %d; use values of "
                        "their enums",
                        g, (int)a->score, (int)a->select, (int)a->combine);
    const bool counted = a->select == LEM_SELECT_TOP_K || a->select == LEM_SELECT_DRAW;
    if (counted && (a->k == 0 || a->k > p->n_expert))
        return log_fail(&p->log, LEM_ERR_ARGUMENT,
                        "gates[%u].k is %u; with %u experts 1 to %u can be chosen", g,
                        a->k, p->n_expert, p->n_expert);
    if (a->select == LEM_SELECT_THRESHOLD && !isfinite(a->threshold))
        return log_fail(&p->log, LEM_ERR_ARGUMENT,
                        "gates[%u].threshold is %g; it must be finite", g,
                        (double)a->threshold);
    return check_values(p, g);
}

enum lem_status layer_check(const struct lem_layer_params *p)
{
    if (!p->device)
        return log_fail(&p->log, LEM_ERR_ARGUMENT,
                        "lem_layer_open: device is NULL; see lem_device_open()");
    if (p->n_in == 0 || p->n_in > MAX_WIDTH)
        return log_fail(&p->log, LEM_ERR_ARGUMENT,
                        "lem_layer_open: n_in is %u; rows of 1 to %u values are possible",
                        p->n_in, MAX_WIDTH);
    if (!p->experts || p->n_expert == 0 || p->n_expert > MAX_EXPERT)
        return log_fail(&p->log, LEM_ERR_ARGUMENT,
                        "lem_layer_open: experts is %s and n_expert %u; give 1 to %d",
                        p->experts ? "set" : "NULL", p->n_expert, MAX_EXPERT);
    if (!p->gates || p->n_gate == 0)
        return log_fail(&p->log, LEM_ERR_ARGUMENT,
                        "lem_layer_open: gates is %s and n_gate %u; give one at least",
                        p->gates ? "set" : "NULL", p->n_gate);
    if ((unsigned)p->type > LEM_LAYER_Q4_0)
        return log_fail(&p->log, LEM_ERR_ARGUMENT,
                        "lem_layer_open: type is %d; use a value of enum lem_layer_type",
                        (int)p->type);
    enum lem_status st = LEM_OK;
    for (uint32_t e = 0; e < p->n_expert && st == LEM_OK; e++)
        st = check_expert(p, e);
    for (uint32_t g = 0; g < p->n_gate && st == LEM_OK; g++)
        st = check_gate(p, g);
    return st;
}
