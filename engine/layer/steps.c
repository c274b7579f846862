/* steps.c - the dispatches of a layer: gates, experts grouped over all rows, and the
 * combination for each gate. */
#include "layer/layer.h"

#include <float.h>
#include <stdio.h>

#include "arch/arch.h"

/* What timings are grouped by. */
enum { STAGE_GATE, STAGE_EXPERTS, STAGE_COMBINE };

struct builder {
    struct lem_layer *l;
    char label[32]; /* of the dispatch being added */
};

static struct op_at at(struct builder *b, uint32_t stage, const char *what, uint32_t i)
{
    snprintf(b->label, sizeof b->label, "%s %u", what, i);
    return (struct op_at){.label = b->label,
                          .stage = stage,
                          .step = gpu_slice_all(b->l->step),
                          .max_rows = b->l->info.n_batch};
}

/* ---- gates ----------------------------------------------------------------------- */

static enum lem_status add_logits(struct builder *b, uint32_t i)
{
    const struct layer_gate *g = &b->l->gate[i];
    const struct op_at here = at(b, STAGE_GATE, "logits", i);
    const struct op_matmul a = {.weight = &g->weight,
                                .x = gpu_slice_all(b->l->x),
                                .y = gpu_slice_all(g->logits),
                                .bias = gpu_slice_all(g->values),
                                .x_stride = b->l->stride_x,
                                .y_stride = b->l->stride_logits,
                                .scale = 1};
    return op_matmul(b->l->list, &here, &a);
}

static uint32_t select_of(const struct layer_gate *g)
{
    if (g->select == LEM_SELECT_DRAW)
        return ROUTER_SELECT_DRAW;
    return g->select == LEM_SELECT_THRESHOLD ? ROUTER_SELECT_ABOVE : ROUTER_SELECT_TOP;
}

static enum router_score score_of(const struct layer_gate *g)
{
    if (!g->linear)
        return SCORE_GIVEN;
    return g->score == LEM_SCORE_SIGMOID ? SCORE_SIGMOID : SCORE_SOFTMAX;
}

/* Fixed weights are one row of logits that all rows read. */
static enum lem_status add_router(struct builder *b, uint32_t i)
{
    const struct layer_gate *g = &b->l->gate[i];
    const struct op_at here = at(b, STAGE_GATE, "router", i);
    const struct op_router a = {
        .logits = gpu_slice_all(g->linear ? g->logits : g->values),
        .ids = gpu_slice_all(g->ids),
        .weights = gpu_slice_all(g->weights),
        .tap = gpu_slice_all(g->tap),
        .policy = gpu_slice_all(g->policy),
        .draw = gpu_slice_all(b->l->draw),
        .select = select_of(g),
        .p = {.n_expert = b->l->info.n_expert,
              .n_used = g->n_used,
              .x_stride = g->linear ? b->l->stride_logits : 0,
              .score = score_of(g),
              .flags = g->combine == LEM_COMBINE_AVERAGE ? ROUTER_NORMALISE : 0,
              .scale = 1,
              .norm_eps = FLT_MIN,
              .tap_stride = g->n_used,
              .threshold = g->threshold,
              .stream = i}};
    return op_router(b->l->list, &here, &a);
}

static enum lem_status add_gate(struct builder *b, uint32_t i)
{
    const struct layer_gate *g = &b->l->gate[i];
    enum lem_status st = g->linear ? add_logits(b, i) : LEM_OK;
    if (st == LEM_OK)
        st = add_router(b, i);
    if (st != LEM_OK || b->l->info.n_gate == 1)
        return st;
    const struct op_at here = at(b, STAGE_GATE, "gather", i);
    const struct op_gather a = {.ids = gpu_slice_all(g->ids),
                                .all = gpu_slice_all(b->l->all_ids),
                                .n_expert = b->l->info.n_expert,
                                .n_used = g->n_used,
                                .first = i == 0};
    return op_gather(b->l->list, &here, &a);
}

/* ---- experts --------------------------------------------------------------------- */

/* The arguments of dense layer `i`. */
static struct gpu_slice args_of(const struct lem_layer *l, uint32_t i)
{
    const uint64_t from = (uint64_t)(i / OPS_GROUP_MAX_ARG) * LAYER_ARGS_BYTES;
    return (struct gpu_slice){l->args, from + i % OPS_GROUP_MAX_ARG * 16, 16};
}

/* Pairs by expert, and the arguments of dense layers [first, first + OPS_GROUP_MAX_ARG).
 * With longer chains the pairs are sorted again: the same result. */
static enum lem_status add_group(struct builder *b, uint32_t first)
{
    const struct lem_layer *l = b->l;
    const struct lem_device *device = gpu_list_device(l->list);
    const struct op_at here = at(b, STAGE_EXPERTS, "group", first);
    struct op_group a = {
        .ids = gpu_slice_all(l->all_ids ? l->all_ids : l->gate[0].ids),
        .pairs = gpu_slice_all(l->pairs),
        .tiles = gpu_slice_all(l->tiles),
        .args = {l->args, args_of(l, first).offset, 16 * OPS_GROUP_MAX_ARG},
        .n_expert = l->info.n_expert,
        .n_used = l->n_slot,
        .tile = op_group_tile(device, false, here.max_rows, l->n_slot, l->info.n_expert)};
    for (uint32_t i = first; i < l->n_dense && a.n_arg < OPS_GROUP_MAX_ARG; i++)
        a.row_groups[a.n_arg++] = op_matmul_experts_row_groups(
            device, &l->bank[l->dense[i].bank].weight, false);
    return op_group(l->list, &here, &a);
}

static uint32_t dense_act(enum lem_layer_act act)
{
    static const uint32_t acts[] = {
        [LEM_ACT_IDENTITY] = DENSE_IDENTITY, [LEM_ACT_RELU] = DENSE_RELU,
        [LEM_ACT_SIGMOID] = DENSE_SIGMOID,   [LEM_ACT_TANH] = DENSE_TANH,
        [LEM_ACT_GELU] = DENSE_GELU,         [LEM_ACT_GELU_TANH] = DENSE_GELU_TANH,
        [LEM_ACT_SILU] = DENSE_SILU,         [LEM_ACT_SWIGLU] = DENSE_IDENTITY,
        [LEM_ACT_SOFTMAX] = DENSE_IDENTITY,
    };
    return acts[act];
}

static enum lem_status add_product(struct builder *b, uint32_t i)
{
    const struct lem_layer *l = b->l;
    const struct layer_dense *d = &l->dense[i];
    const struct layer_rows *to = &l->rows[d->product];
    const struct op_at here = at(b, STAGE_EXPERTS, "dense", i);
    struct op_matmul_experts a = {.weight = &l->bank[d->bank].weight,
                                  .x = gpu_slice_all(l->x),
                                  .y = gpu_slice_all(to->buf),
                                  .pairs = gpu_slice_all(l->pairs),
                                  .tiles = gpu_slice_all(l->tiles),
                                  .bias = d->bias,
                                  .bias_stride = d->n_row,
                                  .table = d->table,
                                  .act = dense_act(d->act),
                                  .args = args_of(l, i),
                                  .x_stride = l->stride_x,
                                  .y_stride = to->stride,
                                  .n_used = l->n_slot};
    if (i > 0) {
        const struct layer_rows *from = &l->rows[l->dense[i - 1].result];
        a.x = gpu_slice_all(from->buf);
        a.x_stride = from->stride;
        a.x_by_pair = true;
    }
    return op_matmul_experts(l->list, &here, &a);
}

/* What an activation needs that sees more than one value. */
static enum lem_status add_act(struct builder *b, uint32_t i)
{
    const struct lem_layer *l = b->l;
    const struct layer_dense *d = &l->dense[i];
    const struct layer_rows *from = &l->rows[d->product], *to = &l->rows[d->result];
    const struct op_at here = at(b, STAGE_EXPERTS, "act", i);
    if (d->act == LEM_ACT_SOFTMAX) {
        const struct op_softmax a = {
            .x = gpu_slice_all(to->buf),
            .p = {.n = d->n_out, .stride = to->stride, .n_per_row = l->n_slot}};
        return op_softmax(l->list, &here, &a);
    }
    if (d->act != LEM_ACT_SWIGLU)
        return LEM_OK;
    const struct op_glu a = {.x = gpu_slice_all(from->buf),
                             .y = gpu_slice_all(to->buf),
                             .p = {.n_ff = d->n_out,
                                   .x_stride = from->stride,
                                   .y_stride = to->stride,
                                   .act = ACT_SILU,
                                   .n_per_row = l->n_slot}};
    return op_glu(l->list, &here, &a);
}

/* ---- combination ----------------------------------------------------------------- */

static uint32_t how_of(enum lem_layer_combine combine)
{
    if (combine == LEM_COMBINE_STRONGEST)
        return COMBINE_STRONGEST;
    return combine == LEM_COMBINE_HEAVIEST ? COMBINE_HEAVIEST : COMBINE_SUM;
}

static enum lem_status add_combine(struct builder *b, uint32_t i)
{
    const struct lem_layer *l = b->l;
    const struct layer_gate *g = &l->gate[i];
    const struct layer_rows *from = &l->rows[l->dense[l->n_dense - 1].result];
    const struct op_at here = at(b, STAGE_COMBINE, "combine", i);
    const struct op_combine a = {.x = gpu_slice_all(from->buf),
                                 .weights = gpu_slice_all(g->weights),
                                 .y = gpu_slice_all(g->y),
                                 .ids = gpu_slice_all(g->ids),
                                 .how = how_of(g->combine),
                                 .by_expert = l->info.n_gate > 1,
                                 .p = {.n = l->info.n_out,
                                       .n_used = g->n_used,
                                       .x_stride = from->stride,
                                       .y_stride = l->stride_y,
                                       .flags = EXPERTS_SET,
                                       .n_slot = l->n_slot}};
    return op_combine(l->list, &here, &a);
}

enum lem_status layer_steps_make(struct lem_layer *l)
{
    struct builder b = {.l = l};
    enum lem_status st = gpu_list_open(l->device, "layer", false, &l->list);
    for (uint32_t i = 0; i < l->info.n_gate && st == LEM_OK; i++)
        st = add_gate(&b, i);
    for (uint32_t i = 0; i < l->n_dense && st == LEM_OK; i += OPS_GROUP_MAX_ARG)
        st = add_group(&b, i);
    for (uint32_t i = 0; i < l->n_dense && st == LEM_OK; i++) {
        st = add_product(&b, i);
        if (st == LEM_OK)
            st = add_act(&b, i);
    }
    for (uint32_t i = 0; i < l->info.n_gate && st == LEM_OK; i++)
        st = add_combine(&b, i);
    return st;
}
