/* cost.c - what dispatches are expected to read, write and compute. */
#include "ops/cost.h"

#include <math.h>

#include "base/check.h"

/* Sizes here were checked when the windows were made: nothing overflows. */
static uint64_t matrix_bytes(const struct ops_weight *w, uint32_t n_row)
{
    uint64_t tile = 0;
    (void)quant_tile_bytes(w->type, w->n_col, &tile);
    return tile * ceil_div(n_row, QUANT_TILE_ROWS);
}

struct gpu_cost ops_cost_matmul(const struct ops_weight *w, uint32_t n_row, uint32_t rows)
{
    const uint64_t weights = matrix_bytes(w, n_row);
    return (struct gpu_cost){.size = {1, n_row, w->n_col},
                             .const_bytes = weights,
                             .bytes = weights +
                                      sizeof(float) * rows * ((uint64_t)w->n_col + n_row),
                             .flops = 2 * (uint64_t)rows * n_row * w->n_col};
}

struct gpu_cost ops_cost_heads(const struct ops_weight *w, uint32_t n_mat, uint32_t rows)
{
    struct gpu_cost c = ops_cost_matmul(w, w->n_row, rows);
    c.size[0] = n_mat;
    c.const_bytes *= n_mat;
    c.bytes *= n_mat;
    c.flops *= n_mat;
    return c;
}

struct gpu_cost ops_cost_experts(const struct ops_weight *w, const struct ops_window *win,
                                 uint32_t n_used, uint32_t rows, bool glu)
{
    const double miss = 1 - (double)n_used / w->n_mat;
    const double n_read = win->n_mat * (1 - pow(miss > 0 ? miss : 0, rows));
    const double pairs = (double)rows * n_used * win->n_mat / w->n_mat;
    const double weights = n_read * (double)matrix_bytes(w, win->n_row);
    const double values = w->n_col + (glu ? 0.5 : 1.0) * win->n_row;
    return (struct gpu_cost){.size = {win->n_mat, win->n_row, w->n_col},
                             .const_bytes = (uint64_t)weights,
                             .bytes =
                                 (uint64_t)(weights + sizeof(float) * pairs * values),
                             .flops = (uint64_t)(2 * pairs * win->n_row * w->n_col)};
}

struct gpu_cost ops_cost_embed(const struct ops_weight *w, const struct ops_window *win,
                               uint32_t rows)
{
    const double n = (double)rows * win->n_row / w->n_row;
    const double row_bytes = (double)matrix_bytes(w, QUANT_TILE_ROWS) / QUANT_TILE_ROWS;
    const uint64_t weights = (uint64_t)(n * row_bytes);
    return (struct gpu_cost){.size = {1, win->n_row, w->n_col},
                             .const_bytes = weights,
                             .bytes = weights +
                                      (uint64_t)(n * (double)sizeof(float) * w->n_col)};
}

struct gpu_cost ops_cost_attn(const struct op_attn *a, uint32_t rows)
{
    const struct attn_params *p = &a->p;
    const uint64_t dim_v = p->head_dim_v ? p->head_dim_v : p->head_dim;
    const uint64_t seen = p->window && p->window < p->n_ctx ? p->window : p->n_ctx;
    const uint64_t cache = a->k_cache.size + (a->v_cache.buf ? a->v_cache.size : 0);
    const uint64_t in_out = rows * p->n_head * (p->head_dim + dim_v) * sizeof(float);
    return (struct gpu_cost){
        .size = {p->n_head, (uint32_t)seen, p->head_dim},
        .bytes = (uint64_t)((double)cache * (double)seen / p->n_ctx) + in_out,
        .flops = 2 * rows * p->n_head * seen * (p->head_dim + dim_v)};
}

struct gpu_cost ops_cost_rows(uint64_t rows, uint32_t in, uint32_t out, uint32_t flops)
{
    return (struct gpu_cost){.size = {0, (uint32_t)rows, out},
                             .bytes = sizeof(float) * rows * ((uint64_t)in + out),
                             .flops = rows * out * flops};
}
