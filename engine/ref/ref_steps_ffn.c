/* ref_steps_ffn.c - the steps of the feed-forward part: router, experts, the shared
 * and the dense FFN. */
#include <math.h>
#include <string.h>

#include "ref/ref_state.h"

static void route(struct ref_state *s, const float *x, uint32_t layer)
{
    const struct hparams *hp = &s->m->hp;
    const struct ref_router r = {
        .n_expert = hp->n_expert,
        .n_used = hp->n_expert_used,
        .score = hp->score,
        .bias = ref_decoded(s, SLOT_ROUTER_SELECT_BIAS, layer, s->decoded2),
        .normalise = hp->router_normalise,
        .scale = hp->router_scale,
        .norm_eps = hp->router_norm_eps,
        .n_group = hp->n_group,
        .n_group_used = hp->n_group_used,
        .group_top = hp->group_top,
    };
    ref_product(s, s->router_logits, x, SLOT_ROUTER, SLOT_ROUTER_BIAS, layer);
    ref_router(s->ids, s->weights, &s->margin, s->router_logits, &r);
}

/* The residual multiplier stays with ref_add_branch(). */
static void run_bank(struct ref_state *s, const struct ref_bank *b, const uint32_t *ids,
                     const float *weights, uint32_t n_used)
{
    memset(s->out, 0, s->m->hp.n_embd * sizeof *s->out);
    ref_bank(s->out, s->h, ids, weights, n_used, b);
    ref_add_branch(s, s->out);
}

static struct ref_bank bank_of(const struct ref_state *s, enum arch_slot gate,
                               enum arch_slot up, enum arch_slot down, uint32_t layer)
{
    const struct lem_model *m = s->m;
    const struct ref_bank b = {
        .gate = model_tensor(m, gate, layer),
        .up = model_tensor(m, up, layer),
        .down = model_tensor(m, down, layer),
        .n_ff = model_tensor(m, down, layer)->n_col,
        .act = m->arch->act,
        .alpha = m->arch->glu_alpha,
        .limit = m->arch->glu_limit,
        .scale = 1,
    };
    return b;
}

static void experts(struct ref_state *s, uint32_t layer)
{
    const bool joint = model_tensor(s->m, SLOT_GATE_UP_EXPS, layer)->file != NULL;
    struct ref_bank b =
        bank_of(s, joint ? SLOT_GATE_UP_EXPS : SLOT_GATE_EXPS,
                joint ? SLOT_GATE_UP_EXPS : SLOT_UP_EXPS, SLOT_DOWN_EXPS, layer);
    b.gate_bias = ref_decoded(s, SLOT_GATE_EXPS_BIAS, layer, s->bias[0]);
    b.up_bias = ref_decoded(s, SLOT_UP_EXPS_BIAS, layer, s->bias[1]);
    b.down_bias = ref_decoded(s, SLOT_DOWN_EXPS_BIAS, layer, s->bias[2]);
    b.factor = ref_decoded(s, SLOT_DOWN_EXPS_SCALE, layer, s->factor);
    run_bank(s, &b, s->ids, s->weights, s->m->hp.n_expert_used);
}

static void shared(struct ref_state *s, uint32_t layer)
{
    static const uint32_t only[] = {0};
    float weight = 1;
    if (!model_tensor(s->m, SLOT_SHARED_GATE, layer)->file)
        return;
    if (model_tensor(s->m, SLOT_SHARED_SWITCH, layer)->file) {
        ref_product(s, &weight, s->h, SLOT_SHARED_SWITCH, SLOT_COUNT, layer);
        weight = (float)(1 / (1 + exp(-(double)weight)));
    }
    const struct ref_bank b =
        bank_of(s, SLOT_SHARED_GATE, SLOT_SHARED_UP, SLOT_SHARED_DOWN, layer);
    run_bank(s, &b, only, &weight, 1);
}

static void dense(struct ref_state *s, uint32_t layer)
{
    static const uint32_t only[] = {0};
    static const float whole[] = {1};
    const struct ref_bank b =
        bank_of(s, SLOT_FFN_GATE, SLOT_FFN_UP, SLOT_FFN_DOWN, layer);
    run_bank(s, &b, only, whole, 1);
}

/* The norm before the router has weights over sqrt(n_embd). */
static void router_norm(struct ref_state *s, uint32_t layer)
{
    const uint32_t n = s->m->hp.n_embd;
    ref_row_norm(s, s->h, s->x, SLOT_ROUTER_SCALE, SLOT_COUNT, layer);
    for (uint32_t i = 0; i < n; i++)
        s->h[i] = (float)((double)s->h[i] / sqrt(n));
}

bool ref_step_ffn(struct ref_state *s, enum arch_step step, uint32_t layer)
{
    switch (step) {
    case STEP_ROUTER_NORM:
        router_norm(s, layer);
        return true;
    case STEP_ROUTER:
        route(s, s->h, layer);
        return true;
    case STEP_ROUTER_RAW:
        route(s, s->x, layer);
        return true;
    case STEP_EXPERTS:
        experts(s, layer);
        return true;
    case STEP_SHARED:
        shared(s, layer);
        return true;
    case STEP_FFN:
        dense(s, layer);
        return true;
    default:
        return false;
    }
}
