/* plan.c - walk the step list of every layer; the plan is a list of dispatches. */
#include "plan/plan.h"

#include <stdio.h>

#include "base/log.h"
#include "plan/step.h"

const char *plan_stage_name(enum plan_stage stage)
{
    static const char *const name[] = {
        [STAGE_EMBED] = "embed",
        [STAGE_NORM] = "norm",
        [STAGE_QKV] = "qkv",
        [STAGE_ROPE] = "rope",
        [STAGE_ATTENTION] = "attention",
        [STAGE_ATTN_OUT] = "attn_out",
        [STAGE_ROUTER] = "router",
        [STAGE_GROUP] = "group",
        [STAGE_GATE_UP] = "gate_up",
        [STAGE_DOWN] = "down",
        [STAGE_FFN_GATE_UP] = "ffn_gate_up",
        [STAGE_FFN_DOWN] = "ffn_down",
        [STAGE_HEAD] = "head",
        [STAGE_SAMPLING] = "sampling",
    };
    return stage < STAGE_COUNT ? name[stage] : "?";
}

struct op_at step_at(struct builder *b, const char *what, enum plan_stage stage)
{
    const bool in_layer = plan_stage_in_layer(stage);
    if (in_layer)
        snprintf(b->label, sizeof b->label, "blk.%u %s", b->layer, what);
    else
        snprintf(b->label, sizeof b->label, "%s", what);
    return (struct op_at){.label = b->label,
                          .stage = plan_key(stage, in_layer ? b->layer : 0),
                          .step = gpu_slice_all(b->mem->step),
                          .max_rows = b->p->max_rows};
}

typedef enum lem_status step_fn(struct builder *b);

/* By enum arch_step; NULL: a norm, see step_norm.c. */
static step_fn *const builder_of[] = {
    [STEP_QKV] = step_qkv,
    [STEP_ROPE] = step_rope,
    [STEP_ATTN] = step_attn,
    [STEP_ATTN_OUT] = step_attn_out,
    [STEP_MLA_Q] = step_mla_q,
    [STEP_MLA_KV] = step_mla_kv,
    [STEP_MLA_V] = step_mla_v,
    [STEP_CONV_IN] = step_conv_in,
    [STEP_CONV] = step_conv,
    [STEP_CONV_OUT] = step_conv_out,
    [STEP_ROUTER] = step_router,
    [STEP_ROUTER_RAW] = step_router_raw,
    [STEP_EXPERTS] = step_experts,
    [STEP_SHARED] = step_shared,
    [STEP_FFN] = step_ffn,
    [STEP_POST_NORM] = NULL, /* the last: all steps have a place */
};

static enum lem_status add_step(struct builder *b, enum arch_step step)
{
    return builder_of[step] ? builder_of[step](b) : step_norm(b, step);
}

struct step_branch step_branch(const struct builder *b)
{
    if (b->arch->branch_norm)
        return (struct step_branch){.to = gpu_slice_all(b->mem->y), .scale = 1.0f};
    return (struct step_branch){
        .to = gpu_slice_all(b->mem->x), .add = true, .scale = b->hp->residual_scale};
}

static struct builder builder_for(const struct plan_params *p)
{
    const struct lem_model *m = p->weights->model;
    return (struct builder){
        .p = p, .w = p->weights, .hp = &m->hp, .arch = m->arch, .mem = p->memory};
}

enum lem_status plan_body(const struct plan_params *p, struct gpu_list **out)
{
    const struct lem_model *m = p->weights->model;
    struct builder b = builder_for(p);
    *out = NULL;
    enum lem_status st = gpu_list_open(p->weights->device, "body", p->timed, &b.list);
    if (st == LEM_OK)
        st = step_embed(&b);
    for (b.layer = 0; b.layer < m->hp.n_layer && st == LEM_OK; b.layer++) {
        const enum arch_step *step = m->layer[b.layer].steps;
        for (; *step != STEP_END && st == LEM_OK; step++)
            st = add_step(&b, *step);
    }
    if (st != LEM_OK) {
        gpu_list_close(&b.list);
        return st;
    }
    *out = b.list;
    return LEM_OK;
}

enum lem_status plan_head(const struct plan_params *p, struct gpu_list **out)
{
    struct builder b = builder_for(p);
    *out = NULL;
    enum lem_status st = gpu_list_open(p->weights->device, "head", p->timed, &b.list);
    if (st == LEM_OK)
        st = step_head(&b);
    if (st != LEM_OK) {
        gpu_list_close(&b.list);
        return st;
    }
    *out = b.list;
    return LEM_OK;
}
