/* step_x.c - what matrices are multiplied with: rows of f32, or the same as bytes. */
#include "plan/step.h"

struct place {
    struct gpu_buf *f32, *i8;
    uint32_t stride, stride_i8;
    const char *label;
    enum plan_stage stage;
};

static struct place place_of(const struct builder *b, enum step_row row)
{
    const struct plan_memory *m = b->mem;
    const struct place all[] = {
        [STEP_ROW_H] = {m->h, m->h_i8, m->stride_x, m->stride_x_i8, "round_h",
                        STAGE_NORM},
        [STEP_ROW_ATT] = {m->att, m->att_i8, m->stride_att, m->stride_att_i8, "round_att",
                          STAGE_ATTN_OUT},
        [STEP_ROW_FF] = {m->ff, m->ff_i8, m->stride_ff, m->stride_ff_i8, "round_ff",
                         STAGE_DOWN},
        [STEP_ROW_OUT] = {m->out, m->out_i8, m->stride_x, m->stride_x_i8, "round_out",
                          STAGE_HEAD},
    };
    return all[row];
}

static enum lem_status make_bytes(struct builder *b, enum step_row row,
                                  const struct place *p, uint32_t n, uint32_t n_per_row)
{
    struct op_at at = step_at(b, p->label, p->stage);
    if (row == STEP_ROW_OUT)
        at.max_rows = b->p->max_out;
    const struct op_round_i8 a = {.x = gpu_slice_all(p->f32),
                                  .y = gpu_slice_all(p->i8),
                                  .n = n,
                                  .n_per_row = n_per_row,
                                  .x_stride = p->stride,
                                  .y_stride = p->stride_i8,
                                  .n_out = row == STEP_ROW_OUT};
    return op_round_i8(b->list, &at, &a);
}

bool step_x_is_i8(const struct builder *b, enum step_row row, const struct ops_weight *w)
{
    return place_of(b, row).i8 && op_takes_i8(b->w->device, w);
}

enum lem_status step_x(struct builder *b, enum step_row row, uint32_t n_per_row,
                       const struct ops_weight *w, struct step_x *out)
{
    const struct place p = place_of(b, row);
    *out = (struct step_x){.x = gpu_slice_all(p.f32), .stride = p.stride};
    if (!step_x_is_i8(b, row, w))
        return LEM_OK;
    *out = (struct step_x){.x = gpu_slice_all(p.i8), .stride = p.stride_i8, .i8 = true};
    if (b->rounded[row])
        return LEM_OK;
    b->rounded[row] = true;
    return make_bytes(b, row, &p, w->n_col, n_per_row);
}

enum lem_status step_matmul(struct builder *b, const char *what, enum plan_stage stage,
                            enum step_row row, struct op_matmul a)
{
    struct step_x x;
    const enum lem_status st = step_x(b, row, 1, a.weight, &x);
    if (st != LEM_OK)
        return st;
    const struct op_at at = step_at(b, what, stage);
    a.x = x.x;
    a.x_stride = x.stride;
    a.x_i8 = x.i8;
    return op_matmul(b->list, &at, &a);
}
