/* plan.c - walk the step list of every layer; the plan is a list of dispatches. */
#include "plan/plan.h"

#include <stdio.h>

#include "base/log.h"
#include "plan/step.h"

const char *plan_stage_name(enum plan_stage stage)
{
    static const char *const name[] = {
        [STAGE_EMBED] = "embed",       [STAGE_NORM] = "norm",
        [STAGE_QKV] = "qkv",           [STAGE_ROPE] = "rope",
        [STAGE_ATTENTION] = "attention", [STAGE_ATTN_OUT] = "attn_out",
        [STAGE_ROUTER] = "router",     [STAGE_EXPERTS] = "experts",
        [STAGE_FFN] = "ffn",           [STAGE_HEAD] = "head",
    };
    return stage < STAGE_COUNT ? name[stage] : "?";
}

struct op_at step_at(struct builder *b, const char *what, enum plan_stage stage)
{
    const bool in_layer = stage != STAGE_EMBED && stage != STAGE_HEAD;
    if (in_layer)
        snprintf(b->label, sizeof b->label, "blk.%u %s", b->layer, what);
    else
        snprintf(b->label, sizeof b->label, "%s", what);
    return (struct op_at){.label = b->label,
                          .stage = stage,
                          .step = gpu_slice_all(b->mem->step),
                          .max_rows = b->p->max_rows};
}

typedef enum lem_status step_fn(struct builder *b);

static step_fn *builder_of(enum arch_step step)
{
    switch (step) {
    case STEP_ATTN_NORM:
        return step_attn_norm;
    case STEP_QKV:
        return step_qkv;
    case STEP_ROPE:
        return step_rope;
    case STEP_ATTN:
        return step_attn;
    case STEP_ATTN_OUT:
        return step_attn_out;
    case STEP_FFN_NORM:
        return step_ffn_norm;
    case STEP_ROUTER:
        return step_router;
    case STEP_EXPERTS:
        return step_experts;
    case STEP_FFN:
        return step_ffn;
    case STEP_END:
        break;
    }
    return NULL;
}

static struct builder builder_for(const struct plan_params *p)
{
    const struct lem_model *m = p->weights->model;
    return (struct builder){.p = p,
                            .w = p->weights,
                            .hp = &m->hp,
                            .arch = m->arch,
                            .mem = p->memory};
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
            st = builder_of(*step)(&b);
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
