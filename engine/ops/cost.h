/* cost.h - what dispatches are expected to read, write and compute, for the plan's
 * listing. For ops/ alone. Rows are the most of a run: op_at.max_rows. */
#ifndef OPS_COST_H
#define OPS_COST_H

#include "ops/ops.h"

/* `rows` rows of activations times rows [0, n_row) of one matrix of `w`. */
struct gpu_cost ops_cost_matmul(const struct ops_weight *w, uint32_t n_row,
                                uint32_t rows);

/* The same for `n_mat` matrices, each with its own part of every row. */
struct gpu_cost ops_cost_heads(const struct ops_weight *w, uint32_t n_mat, uint32_t rows);

/* The window's part of `rows` tokens, each times rows [0, win->n_row) of `n_used`
 * different matrices of the bank: all equally likely, so that of n matrices
 * n (1 - (1 - n_used / n)^rows) are read. `glu`: pairs of rows give one value. */
struct gpu_cost ops_cost_experts(const struct ops_weight *w, const struct ops_window *win,
                                 uint32_t n_used, uint32_t rows, bool glu);

/* `rows` rows of the embedding, spread evenly over the matrix: the window's part. */
struct gpu_cost ops_cost_embed(const struct ops_weight *w, const struct ops_window *win,
                               uint32_t rows);

/* Attention of `rows` rows at the end of the context; the slices hold all of it. */
struct gpu_cost ops_cost_attn(const struct op_attn *a, uint32_t rows);

/* `rows` rows: `in` and `out` floats of each, `flops` operations for each output. */
struct gpu_cost ops_cost_rows(uint64_t rows, uint32_t in, uint32_t out, uint32_t flops);

#endif
