/* embed.c - rows of the embedding matrix, chosen by token id. */
#include "ops/cost.h"
#include "ops/weight.h"

#include "base/check.h"

enum lem_status op_embed(struct gpu_list *list, const struct op_at *at,
                         const struct op_embed *a)
{
    const struct ops_weight *w = a->weight;
    const struct gpu_kernel *kernel;
    enum lem_status st = ops_weight_kernel(list, at, "embed", w, NULL, &kernel);

    for (uint32_t i = 0; st == LEM_OK && i < w->n_window; i++) {
        const struct ops_window *win = &w->window[i];
        if (win->mat0 != 0)
            continue;
        const struct embed_params push = {.n_col = w->n_col,
                                          .n_sb = ops_weight_n_sb(w),
                                          .row0 = win->row0,
                                          .n_row = win->n_row,
                                          .y_stride = a->y_stride,
                                          .scale = a->scale};
        const struct gpu_dispatch d = {
            .kernel = kernel,
            .label = at->label,
            .stage = at->stage,
            .bind = {win->slice, a->ids, a->y},
            .push = &push,
            .push_size = sizeof push,
            .group = {ceil_div(ops_weight_n_block(w), OPS_LOCAL), 1, 1},
            .rows_per_group = 1,
            .cost = ops_cost_embed(w, win, at->max_rows)};
        st = gpu_list_add(list, &d);
    }
    return st;
}
