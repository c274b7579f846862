/* policy.c - ban, force, bias and limit: checked, kept, and written to where the router
 * kernels read them. */
#include "run/policy.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "run/session.h"

enum lem_status policy_open(struct policy *p, const struct lem_model *model,
                            uint32_t *device, const struct lem_log *log)
{
    const struct lem_model_info *info = &model->info;
    *p = (struct policy){.n_layer = info->n_layer_moe,
                         .n_expert = info->n_expert,
                         .n_used = info->n_expert_used,
                         .model = model,
                         .device = device};
    if (p->n_layer == 0)
        return LEM_OK;
    p->rule = calloc((size_t)p->n_layer * p->n_expert, sizeof *p->rule);
    p->limit = calloc(p->n_layer, sizeof *p->limit);
    if (!p->rule || !p->limit) {
        policy_close(p);
        return log_fail(log, LEM_ERR_MEMORY,
                        "no host memory for a routing policy of %u layers and %u experts",
                        info->n_layer_moe, info->n_expert);
    }
    memset(device, 0, (size_t)p->n_layer * (1 + p->n_expert) * sizeof *device);
    return LEM_OK;
}

void policy_close(struct policy *p)
{
    free(p->rule);
    free(p->limit);
    *p = (struct policy){0};
}

/* ---- to the device ---------------------------------------------------------- */

static void write_layer(const struct policy *p, uint32_t il)
{
    const float *rule = p->rule + (size_t)il * p->n_expert;
    uint32_t *to = p->device + (size_t)il * (1 + p->n_expert);
    bool any = p->limit[il] != 0, biased = false;
    for (uint32_t e = 0; e < p->n_expert; e++) {
        any = any || rule[e] != 0;
        biased = biased || (rule[e] != 0 && isfinite(rule[e]));
    }
    const uint32_t most = p->limit[il] ? p->limit[il] : p->n_used;
    to[0] = any ? most | (biased ? POLICY_BIASED : 0) : 0;
    memcpy(to + 1, rule, p->n_expert * sizeof *rule);
}

/* ---- what may be set -------------------------------------------------------- */

static uint32_t block_of(const struct policy *p, uint32_t il)
{
    return lem_model_moe_layer(p->model, il);
}

/* A change to be made: in every layer of the range, or in none. */
struct change {
    struct lem_session *s;
    const char *call;  /* named in messages */
    uint32_t from, to; /* routing layers */
};

static enum lem_status find_layers(struct change *c, struct lem_session *s,
                                   const char *call, uint32_t layer)
{
    if (!s)
        return LEM_ERR_ARGUMENT;
    const struct policy *p = &s->policy;
    *c = (struct change){.s = s, .call = call, .to = p->n_layer};
    if (p->n_layer == 0)
        return log_fail(&s->log, LEM_ERR_ARGUMENT,
                        "%s: a dense model has no experts to choose from", call);
    if (layer == LEM_ALL_LAYERS)
        return LEM_OK;
    while (c->from < p->n_layer && block_of(p, c->from) != layer)
        c->from++;
    if (c->from == p->n_layer)
        return log_fail(&s->log, LEM_ERR_ARGUMENT,
                        "%s: block %u does not route; of blocks %u … %u, %u do", call,
                        layer, block_of(p, 0), block_of(p, p->n_layer - 1), p->n_layer);
    c->to = c->from + 1;
    return LEM_OK;
}

/* Experts of a layer with this very rule, `except` one. */
static uint32_t count_rule(const struct policy *p, uint32_t il, float rule,
                           uint32_t except)
{
    uint32_t n = 0;
    for (uint32_t e = 0; e < p->n_expert; e++)
        n += e != except && p->rule[(size_t)il * p->n_expert + e] == rule;
    return n;
}

static enum lem_status check_rule(const struct change *c, uint32_t expert, float rule)
{
    const struct policy *p = &c->s->policy;
    for (uint32_t il = c->from; il < c->to; il++) {
        const uint32_t most = p->limit[il] ? p->limit[il] : p->n_used;
        if (rule == -INFINITY && count_rule(p, il, rule, expert) + 1 == p->n_expert)
            return log_fail(&c->s->log, LEM_ERR_ARGUMENT,
                            "%s: with expert %u all %u experts of block %u would be "
                            "banned; leave one",
                            c->call, expert, p->n_expert, block_of(p, il));
        if (rule == INFINITY && count_rule(p, il, rule, expert) + 1 > most)
            return log_fail(&c->s->log, LEM_ERR_ARGUMENT,
                            "%s: expert %u would be one more than the %u that a token "
                            "may use in block %u; undo another first",
                            c->call, expert, most, block_of(p, il));
    }
    return LEM_OK;
}

static enum lem_status set_rule(struct lem_session *s, const char *call, uint32_t layer,
                                uint32_t expert, float rule)
{
    struct change c;
    enum lem_status st = find_layers(&c, s, call, layer);
    if (st != LEM_OK)
        return st;
    struct policy *p = &s->policy;
    if (expert >= p->n_expert)
        return log_fail(&s->log, LEM_ERR_ARGUMENT,
                        "%s: expert %u does not exist; there are 0 … %u", call, expert,
                        p->n_expert - 1);
    st = check_rule(&c, expert, rule);
    if (st != LEM_OK)
        return st;
    for (uint32_t il = c.from; il < c.to; il++) {
        p->rule[(size_t)il * p->n_expert + expert] = rule;
        write_layer(p, il);
    }
    return LEM_OK;
}

/* ---- the calls -------------------------------------------------------------- */

enum lem_status lem_session_ban(struct lem_session *s, uint32_t layer, uint32_t expert)
{
    return set_rule(s, "lem_session_ban", layer, expert, -INFINITY);
}

enum lem_status lem_session_force(struct lem_session *s, uint32_t layer, uint32_t expert)
{
    return set_rule(s, "lem_session_force", layer, expert, INFINITY);
}

enum lem_status lem_session_bias(struct lem_session *s, uint32_t layer, uint32_t expert,
                                 float bias)
{
    if (s && !isfinite(bias))
        return log_fail(&s->log, LEM_ERR_ARGUMENT,
                        "lem_session_bias: %g is not finite; ban or force the expert "
                        "instead",
                        (double)bias);
    return set_rule(s, "lem_session_bias", layer, expert, bias);
}

enum lem_status lem_session_unset(struct lem_session *s, uint32_t layer, uint32_t expert)
{
    return set_rule(s, "lem_session_unset", layer, expert, 0);
}

enum lem_status lem_session_limit(struct lem_session *s, uint32_t layer, uint32_t n)
{
    struct change c;
    const enum lem_status st = find_layers(&c, s, "lem_session_limit", layer);
    if (st != LEM_OK)
        return st;
    struct policy *p = &s->policy;
    if (n > p->n_used)
        return log_fail(&s->log, LEM_ERR_ARGUMENT,
                        "lem_session_limit: %u experts; a token of this model uses %u, "
                        "and 0 undoes a limit",
                        n, p->n_used);
    for (uint32_t il = c.from; n > 0 && il < c.to; il++) {
        const uint32_t n_forced = count_rule(p, il, INFINITY, UINT32_MAX);
        if (n_forced > n)
            return log_fail(&s->log, LEM_ERR_ARGUMENT,
                            "lem_session_limit: %u experts, but %u are forced in block "
                            "%u; undo some first",
                            n, n_forced, block_of(p, il));
    }
    for (uint32_t il = c.from; il < c.to; il++) {
        p->limit[il] = n;
        write_layer(p, il);
    }
    return LEM_OK;
}

void lem_session_clear_policy(struct lem_session *s)
{
    if (!s)
        return;
    struct policy *p = &s->policy;
    for (uint32_t il = 0; il < p->n_layer; il++) {
        memset(p->rule + (size_t)il * p->n_expert, 0, p->n_expert * sizeof *p->rule);
        p->limit[il] = 0;
        write_layer(p, il);
    }
}

/* ---- what is in force ------------------------------------------------------- */

static enum lem_policy_kind kind_of(float rule)
{
    if (isfinite(rule))
        return LEM_POLICY_BIAS;
    return rule < 0 ? LEM_POLICY_BAN : LEM_POLICY_FORCE;
}

struct listing {
    struct lem_policy_entry *entries; /* [cap] */
    uint32_t cap, n;
};

static void list_one(struct listing *l, struct lem_policy_entry entry)
{
    if (l->n < l->cap)
        l->entries[l->n] = entry;
    l->n++;
}

uint32_t lem_session_policy(const struct lem_session *s, struct lem_policy_entry *entries,
                            uint32_t cap)
{
    struct listing l = {.entries = entries, .cap = entries ? cap : 0};
    if (!s)
        return 0;
    const struct policy *p = &s->policy;
    for (uint32_t il = 0; il < p->n_layer; il++) {
        const float *rule = p->rule + (size_t)il * p->n_expert;
        const uint32_t layer = block_of(p, il);
        if (p->limit[il])
            list_one(&l, (struct lem_policy_entry){.kind = LEM_POLICY_LIMIT,
                                                   .layer = layer,
                                                   .limit = p->limit[il]});
        for (uint32_t e = 0; e < p->n_expert; e++)
            if (rule[e] != 0)
                list_one(&l, (struct lem_policy_entry){.kind = kind_of(rule[e]),
                                                       .layer = layer,
                                                       .expert = e,
                                                       .bias = isfinite(rule[e]) ? rule[e]
                                                                                 : 0});
    }
    return l.n;
}
