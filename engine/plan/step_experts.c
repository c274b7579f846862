/* step_experts.c - the router and the experts. One token takes two fused dispatches;
 * many tokens are sorted by expert first, so that an expert's weights are read once
 * for all of its tokens. */
#include "plan/step.h"

/* `from`: the row that the router reads. */
static enum lem_status add_router(struct builder *b, struct gpu_buf *from)
{
    const struct hparams *hp = b->hp;
    struct op_at at = step_at(b, "router_logits", STAGE_ROUTER);
    const struct op_matmul logits = {.weight = &step_layer(b)->matrix[W_ROUTER],
                                     .x = gpu_slice_all(from),
                                     .y = gpu_slice_all(b->mem->router),
                                     .bias = step_layer(b)->vector[V_ROUTER_BIAS],
                                     .x_stride = b->mem->stride_x,
                                     .y_stride = b->mem->stride_router,
                                     .scale = 1.0f};
    const enum lem_status st = op_matmul(b->list, &at, &logits);
    if (st != LEM_OK)
        return st;

    at = step_at(b, "router", STAGE_ROUTER);
    const uint32_t moe_index = b->w->model->layer[b->layer].moe_index;
    struct op_router a = {.logits = gpu_slice_all(b->mem->router),
                          .bias = step_layer(b)->vector[V_ROUTER_SELECT_BIAS],
                          .ids = gpu_slice_all(b->mem->chosen),
                          .weights = gpu_slice_all(b->mem->weight),
                          .policy = gpu_slice_all(b->mem->policy),
                          .factor = step_layer(b)->vector[V_DOWN_SCALE],
                          .p = {.n_expert = hp->n_expert,
                                .n_used = hp->n_expert_used,
                                .x_stride = b->mem->stride_router,
                                .score = hp->score,
                                .flags = hp->router_normalise ? ROUTER_NORMALISE : 0,
                                .n_group = hp->n_group,
                                .n_group_used = hp->n_group_used,
                                .group_top = hp->group_top,
                                .scale = hp->router_scale,
                                .norm_eps = hp->router_norm_eps,
                                .tap_off = moe_index * b->mem->tap_stride,
                                .tap_stride = b->mem->tap_row,
                                .policy_off = moe_index * b->mem->policy_stride,
                                .out_scale = step_branch(b).scale}};
    if (b->mem->tap) {
        a.tap = gpu_slice_all(b->mem->tap);
        a.margin = true;
    }
    return op_router(b->list, &at, &a);
}

enum lem_status step_router(struct builder *b)
{
    return add_router(b, b->mem->h);
}

enum lem_status step_router_raw(struct builder *b)
{
    return add_router(b, b->mem->x);
}

/* Windows that hold parts of one expert cannot feed the fused kernels. */
static bool whole_experts(const struct ops_weight *w)
{
    for (uint32_t i = 0; i < w->n_window; i++)
        if (w->window[i].n_row != w->n_row)
            return false;
    return w->n_mat != 0;
}

static enum lem_status experts_single(struct builder *b)
{
    const struct hparams *hp = b->hp;
    const struct weights_layer *l = step_layer(b);
    struct step_x x;
    enum lem_status st = step_x(b, STEP_ROW_H, 1, &l->matrix[W_GATE_UP_EXPS], &x);
    if (st != LEM_OK)
        return st;
    struct op_at at = step_at(b, "experts_glu", STAGE_GATE_UP);
    step_wrote(b, STEP_ROW_FF);
    struct op_experts_glu glu = {.weight = &l->matrix[W_GATE_UP_EXPS],
                                 .x = x.x,
                                 .x_i8 = x.i8,
                                 .ids = gpu_slice_all(b->mem->chosen),
                                 .y = gpu_slice_all(b->mem->ff),
                                 .n_used = hp->n_expert_used,
                                 .y_stride = b->mem->stride_ff,
                                 .act = b->arch->act,
                                 .alpha = b->arch->glu_alpha,
                                 .limit = b->arch->glu_limit,
                                 .bias = step_layer(b)->vector[V_GATE_UP_BIAS]};
    if (step_x_is_i8(b, STEP_ROW_FF, &l->matrix[W_DOWN_EXPS]) &&
        op_experts_glu_rounds(b->w->device, &glu)) {
        glu.y_i8 = gpu_slice_all(b->mem->ff_i8);
        glu.y_i8_stride = b->mem->stride_ff_i8;
        b->rounded[STEP_ROW_FF] = true;
    }
    st = op_experts_glu(b->list, &at, &glu);
    if (st == LEM_OK)
        st = step_x(b, STEP_ROW_FF, hp->n_expert_used, &l->matrix[W_DOWN_EXPS], &x);
    if (st != LEM_OK)
        return st;

    at = step_at(b, "experts_down", STAGE_DOWN);
    const struct step_branch branch = step_branch(b);
    const struct op_experts_down down = {.weight = &l->matrix[W_DOWN_EXPS],
                                         .x = x.x,
                                         .x_i8 = x.i8,
                                         .ids = gpu_slice_all(b->mem->chosen),
                                         .weights = gpu_slice_all(b->mem->weight),
                                         .y = branch.to,
                                         .bias = step_layer(b)->vector[V_DOWN_BIAS],
                                         .n_used = hp->n_expert_used,
                                         .x_stride = x.stride,
                                         .set = !branch.add};
    return op_experts_down(b->list, &at, &down);
}

/* Entry `i` of the indirect arguments that op_group writes. */
static struct gpu_slice args_of(const struct builder *b, uint32_t i)
{
    return (struct gpu_slice){b->mem->args, (uint64_t)i * 16, 16};
}

static enum lem_status add_grouped(struct builder *b, enum weights_matrix which,
                                   const char *what, uint32_t arg, bool by_pair,
                                   uint32_t y_off)
{
    const struct plan_memory *mem = b->mem;
    struct step_x x;
    const enum lem_status st =
        step_x(b, by_pair ? STEP_ROW_FF : STEP_ROW_H, by_pair ? b->hp->n_expert_used : 1,
               &step_layer(b)->matrix[which], &x);
    if (st != LEM_OK)
        return st;
    const struct op_at at = step_at(b, what, by_pair ? STAGE_DOWN : STAGE_GATE_UP);
    const struct op_matmul_experts a = {
        .weight = &step_layer(b)->matrix[which],
        .x = x.x,
        .x_i8 = x.i8,
        .y = gpu_slice_all(by_pair ? mem->slot : mem->glu),
        .pairs = gpu_slice_all(mem->pairs),
        .tiles = gpu_slice_all(mem->tiles),
        .bias = step_layer(b)->vector[by_pair ? V_DOWN_BIAS : V_GATE_UP_BIAS],
        .bias_off = y_off,
        .bias_stride = by_pair ? b->hp->n_embd : 2 * b->hp->n_ff_exp,
        .args = args_of(b, arg),
        .x_stride = x.stride,
        .y_stride = by_pair ? mem->stride_x : mem->stride_glu,
        .y_off = y_off,
        .n_used = b->hp->n_expert_used,
        .x_by_pair = by_pair};
    return op_matmul_experts(b->list, &at, &a);
}

/* The tiles of gate and up, and of down: their workgroups differ. */
enum { ARG_UP, ARG_DOWN, N_ARG };

static uint32_t row_groups(const struct builder *b, enum step_row row,
                           enum weights_matrix which)
{
    const struct ops_weight *w = &step_layer(b)->matrix[which];
    return op_matmul_experts_row_groups(b->w->device, w, step_x_is_i8(b, row, w));
}

static enum lem_status add_group(struct builder *b, bool joint)
{
    const struct hparams *hp = b->hp;
    const enum weights_matrix first = joint ? W_GATE_UP_EXPS : W_GATE_EXPS;
    const bool up_i8 = step_x_is_i8(b, STEP_ROW_H, &step_layer(b)->matrix[first]);
    uint32_t up = row_groups(b, STEP_ROW_H, first);
    if (!joint) { /* of other types they are done by other kernels: enough for both */
        const uint32_t other = row_groups(b, STEP_ROW_H, W_UP_EXPS);
        up = up > other ? up : other;
    }
    const struct op_at at = step_at(b, "group", STAGE_GROUP);
    const struct op_group a = {
        .ids = gpu_slice_all(b->mem->chosen),
        .pairs = gpu_slice_all(b->mem->pairs),
        .tiles = gpu_slice_all(b->mem->tiles),
        .args = gpu_slice_all(b->mem->args),
        .n_expert = hp->n_expert,
        .n_used = hp->n_expert_used,
        .tile = op_group_tile(b->w->device, up_i8, b->p->max_rows, hp->n_expert_used,
                              hp->n_expert),
        .n_arg = N_ARG,
        .row_groups = {
            [ARG_UP] = up, [ARG_DOWN] = row_groups(b, STEP_ROW_FF, W_DOWN_EXPS)}};
    return op_group(b->list, &at, &a);
}

static enum lem_status experts_grouped(struct builder *b)
{
    const struct hparams *hp = b->hp;
    const bool joint = step_layer(b)->matrix[W_GATE_UP_EXPS].n_mat != 0;
    enum lem_status st = add_group(b, joint);
    if (st == LEM_OK && joint) {
        st = add_grouped(b, W_GATE_UP_EXPS, "experts_gate_up", ARG_UP, false, 0);
    } else if (st == LEM_OK) {
        st = add_grouped(b, W_GATE_EXPS, "experts_gate", ARG_UP, false, 0);
        if (st == LEM_OK)
            st = add_grouped(b, W_UP_EXPS, "experts_up", ARG_UP, false, hp->n_ff_exp);
    }
    if (st != LEM_OK)
        return st;

    struct op_at at = step_at(b, "experts_glu", STAGE_GATE_UP);
    step_wrote(b, STEP_ROW_FF);
    const struct op_glu glu = {.x = gpu_slice_all(b->mem->glu),
                               .y = gpu_slice_all(b->mem->ff),
                               .p = {.n_ff = hp->n_ff_exp,
                                     .x_stride = b->mem->stride_glu,
                                     .y_stride = b->mem->stride_ff,
                                     .act = b->arch->act,
                                     .n_per_row = hp->n_expert_used,
                                     .alpha = b->arch->glu_alpha,
                                     .limit = b->arch->glu_limit}};
    st = op_glu(b->list, &at, &glu);
    if (st == LEM_OK)
        st = add_grouped(b, W_DOWN_EXPS, "experts_down", ARG_DOWN, true, 0);
    if (st != LEM_OK)
        return st;

    at = step_at(b, "combine", STAGE_DOWN);
    const struct step_branch branch = step_branch(b);
    const struct op_combine combine = {.x = gpu_slice_all(b->mem->slot),
                                       .weights = gpu_slice_all(b->mem->weight),
                                       .y = branch.to,
                                       .p = {.n = hp->n_embd,
                                             .n_used = hp->n_expert_used,
                                             .x_stride = b->mem->stride_x,
                                             .y_stride = b->mem->stride_x,
                                             .flags = branch.add ? 0 : EXPERTS_SET}};
    return op_combine(b->list, &at, &combine);
}

enum lem_status step_experts(struct builder *b)
{
    const struct weights_layer *l = step_layer(b);
    const bool fused = b->p->max_rows == 1 && whole_experts(&l->matrix[W_GATE_UP_EXPS]) &&
                       whole_experts(&l->matrix[W_DOWN_EXPS]);
    return fused ? experts_single(b) : experts_grouped(b);
}
