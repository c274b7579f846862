/* step.h - one builder per step of arch.h: each adds its dispatches to the list. */
#ifndef PLAN_STEP_H
#define PLAN_STEP_H

#include "plan/plan.h"

struct builder {
    const struct plan_params *p;
    const struct lem_weights *w;
    const struct hparams *hp;
    const struct arch_desc *arch;
    const struct plan_memory *mem;
    struct gpu_list *list;
    uint32_t layer;
    char label[64]; /* of the dispatch being added */
};

/* Position in the list for the next dispatch: label "blk.N what". */
struct op_at step_at(struct builder *b, const char *what, enum plan_stage stage);

static inline const struct weights_layer *step_layer(const struct builder *b)
{
    return &b->w->layer[b->layer];
}

enum lem_status step_embed(struct builder *b);
enum lem_status step_head(struct builder *b);
enum lem_status step_attn_norm(struct builder *b);
enum lem_status step_qkv(struct builder *b);
enum lem_status step_rope(struct builder *b);
enum lem_status step_attn(struct builder *b);
enum lem_status step_attn_out(struct builder *b);
enum lem_status step_ffn_norm(struct builder *b);
enum lem_status step_ffn(struct builder *b);
enum lem_status step_router(struct builder *b);
enum lem_status step_experts(struct builder *b);

#endif
