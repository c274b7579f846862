/* step_ffn.c - the feed-forward parts that every token takes: the dense one, and the
 * shared expert. */
#include "plan/step.h"

/* Where one of them has its weights. */
struct ffn {
    enum weights_matrix gate_up, gate, up, down;
    const char *gate_up_label, *gate_label, *up_label, *glu_label, *down_label;
    uint32_t n_ff;
    bool switched; /* times the sigmoid of what mem->open holds */
};

static enum lem_status add_up(struct builder *b, enum weights_matrix which,
                              const char *what, uint32_t y_off)
{
    const struct op_matmul a = {.weight = &step_layer(b)->matrix[which],
                                .y = gpu_slice_all(b->mem->glu),
                                .y_stride = b->mem->stride_glu,
                                .y_off = y_off,
                                .scale = 1.0f};
    return step_matmul(b, what, STAGE_FFN_GATE_UP, STEP_ROW_H, a);
}

static enum lem_status add_glu(struct builder *b, const struct ffn *f)
{
    const struct op_at at = step_at(b, f->glu_label, STAGE_FFN_GATE_UP);
    step_wrote(b, STEP_ROW_FF);
    struct op_glu glu = {.x = gpu_slice_all(b->mem->glu),
                         .y = gpu_slice_all(b->mem->ff),
                         .p = {.n_ff = f->n_ff,
                               .x_stride = b->mem->stride_glu,
                               .y_stride = b->mem->stride_ff,
                               .act = b->arch->act,
                               .n_per_row = 1,
                               .alpha = b->arch->glu_alpha,
                               .limit = b->arch->glu_limit}};
    if (f->switched) {
        glu.gate = gpu_slice_all(b->mem->open);
        glu.p.gate_stride = b->mem->stride_open;
    }
    return op_glu(b->list, &at, &glu);
}

static enum lem_status add_ffn(struct builder *b, const struct ffn *f)
{
    enum lem_status st;
    if (step_layer(b)->matrix[f->gate_up].n_mat) {
        st = add_up(b, f->gate_up, f->gate_up_label, 0);
    } else {
        st = add_up(b, f->gate, f->gate_label, 0);
        if (st == LEM_OK)
            st = add_up(b, f->up, f->up_label, f->n_ff);
    }
    if (st == LEM_OK)
        st = add_glu(b, f);
    if (st != LEM_OK)
        return st;

    const struct step_branch branch = step_branch(b);
    const struct op_matmul down = {.weight = &step_layer(b)->matrix[f->down],
                                   .y = branch.to,
                                   .y_stride = b->mem->stride_x,
                                   .scale = branch.scale,
                                   .add = branch.add};
    return step_matmul(b, f->down_label, STAGE_FFN_DOWN, STEP_ROW_FF, down);
}

enum lem_status step_ffn(struct builder *b)
{
    const struct ffn f = {.gate_up = W_FFN_GATE_UP,
                          .gate = W_FFN_GATE,
                          .up = W_FFN_UP,
                          .down = W_FFN_DOWN,
                          .gate_up_label = "ffn_gate_up",
                          .gate_label = "ffn_gate",
                          .up_label = "ffn_up",
                          .glu_label = "ffn_glu",
                          .down_label = "ffn_down",
                          .n_ff = b->hp->n_ff};
    return add_ffn(b, &f);
}

/* The logit of the switch, one for each token. */
static enum lem_status add_switch(struct builder *b)
{
    const struct op_at at = step_at(b, "shared_switch", STAGE_FFN_GATE_UP);
    const struct op_matmul a = {.weight = &step_layer(b)->matrix[W_SHARED_SWITCH],
                                .x = gpu_slice_all(b->mem->h),
                                .y = gpu_slice_all(b->mem->open),
                                .x_stride = b->mem->stride_x,
                                .y_stride = b->mem->stride_open,
                                .scale = 1.0f};
    return op_matmul(b->list, &at, &a);
}

enum lem_status step_shared(struct builder *b)
{
    struct ffn f = {.gate_up = W_SHARED_GATE_UP,
                    .gate = W_SHARED_GATE,
                    .up = W_SHARED_UP,
                    .down = W_SHARED_DOWN,
                    .gate_up_label = "shared_gate_up",
                    .gate_label = "shared_gate",
                    .up_label = "shared_up",
                    .glu_label = "shared_glu",
                    .down_label = "shared_down",
                    .n_ff = b->hp->n_ff_shared};
    enum lem_status st = LEM_OK;
    if (f.n_ff == 0)
        return LEM_OK; /* the file has no such expert */
    f.switched = step_layer(b)->matrix[W_SHARED_SWITCH].n_mat != 0;
    if (f.switched)
        st = add_switch(b);
    return st == LEM_OK ? add_ffn(b, &f) : st;
}
