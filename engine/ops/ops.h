/* ops.h - one function per operation: choose the kernel variant, fill its
 * parameters, add the dispatch (one per window of the weights) to a list. The
 * meaning of each operation is the function of the same name in ref/.
 *
 * Conventions:
 *   activations  f32 rows [n_token][width]; the distance between rows is a
 *                multiple of 32 floats; what lies between width and that is finite
 *                (buffers start as zeros), so it may be multiplied by the zeros
 *                that pad the weights
 *   step         the struct step_params of the run, in a uniform buffer
 *   n_token      rows of the run: the `rows` of gpu_list_run()
 * All return LEM_OK or what gpu_kernel_get() and gpu_list_add() return. */
#ifndef OPS_OPS_H
#define OPS_OPS_H

#include "gpu/gpu.h"
#include "quant/quant.h"
#include "common/params.h"

/* Part of a matrix or bank in one binding: matrices [mat0, mat0 + n_mat), and of
 * each the rows [row0, row0 + n_row). Either whole matrices or, when one alone
 * is over the limit of a binding, rows of a single one. row0 % 8 == 0. */
struct ops_window {
    struct gpu_slice slice;
    uint32_t mat0, n_mat, row0, n_row;
};

/* Weights on the device in the layout of quant.h: n_mat matrices [n_row][n_col],
 * each padded to whole tiles. */
struct ops_weight {
    const struct quant_info *type;
    uint32_t n_mat, n_row, n_col;
    uint32_t n_window;
    const struct ops_window *window;
};

struct op_at {         /* where an operation stands in its list */
    const char *label; /* "blk.3 router" */
    uint32_t stage;
    struct gpu_slice step; /* uniform */
    uint32_t max_rows;     /* most rows of a run; 1 picks single-token kernels */
};

/* y[t] = scale * row ids[t] of the matrix. ids u32 [n_token], each below n_row. */
struct op_embed {
    const struct ops_weight *weight;
    struct gpu_slice ids, y;
    uint32_t y_stride;
    float scale;
};
enum lem_status op_embed(struct gpu_list *list, const struct op_at *at,
                         const struct op_embed *a);

/* y[t][i] = scale * ((y[t][i] if `add`) + x[t'][i] / sqrt(mean x[t']^2 + eps) * w[i] +
 * bias[i]); t' = t, or, with `from_out`, step.out_row + t for step.n_out rows (rows
 * beyond are not written). */
struct op_norm {
    struct gpu_slice x, w, y; /* w f32 [n] */
    struct gpu_slice bias;    /* f32 [n]; buf NULL = none */
    uint32_t n, x_stride, y_stride;
    float eps;
    float scale; /* 0 = 1 */
    bool from_out, add;
};
enum lem_status op_norm(struct gpu_list *list, const struct op_at *at,
                        const struct op_norm *a);

/* y[t][y_off + r] (+)= scale * (sum over c of W[r][c] x[t][c] + bias[r]), matrix 0 */
struct op_matmul {
    const struct ops_weight *weight;
    struct gpu_slice x, y, bias; /* bias f32 [n_row]; buf NULL = none */
    uint32_t x_stride, y_stride, y_off;
    float scale;
    bool add;
    bool n_out; /* step.n_out rows instead of step.n_token */
};
enum lem_status op_matmul(struct gpu_list *list, const struct op_at *at,
                          const struct op_matmul *a);

/* Optional q/k norm, rotation, and storing of k and v, in place on qkv:
 * [n_token][n_head + 2 n_head_kv][head_dim]; token t is at position step.pos + t.
 * The caches are f32 (vec4 slots of 16 bytes), n_ctx a multiple of 8, head_dim of 4:
 *   k  [n_head_kv][n_ctx/8][head_dim/4][8 positions] x 4 dims
 *   v  [n_head_kv][ceil(head_dim/8)][n_ctx/4][8 dims] x 4 positions
 * ROPE_NORM_V also norms v, without weights; not together with ROPE_NORM_ROW. */
struct op_rope {
    struct gpu_slice qkv, k_cache, v_cache;
    struct gpu_slice norm; /* f32: q weights then k weights; buf NULL = none */
    struct gpu_slice freq; /* f32 [n_rot/2]: angle of pair i at position 1 */
    struct rope_params p;  /* all fields but none derived */
};
enum lem_status op_rope(struct gpu_list *list, const struct op_at *at,
                        const struct op_rope *a);

/* y[t][h] = sum over p <= pos(t) of softmax(scale * q[t][h] . k[p]) v[p]. Heads of y
 * and v have head_dim_v values (0: head_dim). */
struct op_attn {
    struct gpu_slice q, k_cache, y; /* q: the rows that op_rope left */
    struct gpu_slice v_cache;       /* buf NULL: the first head_dim_v dims of k are v */
    struct gpu_slice sinks;         /* f32 [n_head]; buf NULL = none */
    struct attn_params p;
};
enum lem_status op_attn(struct gpu_list *list, const struct op_at *at,
                        const struct op_attn *a);

/* design/router: score, selection score, groups, top-k, weights. ids u32 and
 * weights f32 [n_token][n_used], best first; the tap has both as
 * uvec2 {id, bits of the weight} at [tap_off + t * tap_stride + k]. */
struct op_router {
    struct gpu_slice logits; /* [n_token][x_stride] */
    struct gpu_slice bias;   /* f32 [n_expert]; buf NULL = none */
    struct gpu_slice ids, weights;
    struct gpu_slice tap;    /* buf NULL = off */
    struct gpu_slice policy; /* u32, at p.policy_off one layer; buf NULL = none */
    struct gpu_slice factor; /* f32 [n_expert] on weights, not in the tap; or none */
    struct router_params p;  /* flags are set from the slices but NORMALISE;
                              * out_scale 0 = 1 */
};
enum lem_status op_router(struct gpu_list *list, const struct op_at *at,
                          const struct op_router *a);

/* ---- experts, one token: 2 dispatches ------------------------------------ */

/* y[k][i] = act(W[e][i] . x) * (W[e][n_ff + i] . x), e = ids[k]. The bank holds
 * gate rows, then up rows of each expert; windows of whole experts only. */
struct op_experts_glu {
    const struct ops_weight *weight; /* n_row = 2 n_ff */
    struct gpu_slice x, ids, y;      /* y [n_used][y_stride] */
    uint32_t n_used, y_stride;
    uint32_t act;
    float alpha, limit;
    struct gpu_slice bias; /* f32 [n_expert][2 n_ff], on gate and up; or none */
};
enum lem_status op_experts_glu(struct gpu_list *list, const struct op_at *at,
                               const struct op_experts_glu *a);

/* y[r] += sum over slots k, in order, of weights[k] * (W[ids[k]][r] . x[k] + bias) */
struct op_experts_down {
    const struct ops_weight *weight;
    struct gpu_slice x, ids, weights, y;
    struct gpu_slice bias; /* f32 [n_expert][n_row]; or none */
    uint32_t n_used, x_stride;
    bool set; /* y = instead of y += */
};
enum lem_status op_experts_down(struct gpu_list *list, const struct op_at *at,
                                const struct op_experts_down *a);

/* ---- experts, many tokens: grouped by expert -------------------------------- */

enum { OPS_GROUP_TILE = 8 }; /* pairs in a tile of the grouped matmul */

/* Sort the pairs (token * n_used + slot) by expert, once per layer.
 *   pairs  u32 [n_token * n_used]  pair numbers, by expert
 *   tiles  u32 [max_tile][4]       {expert, first index in pairs, count <= tile, 0}
 *   args   u32 [n_arg][4]          {row_groups[i], number of tiles, 1, 0}: workgroups
 *                                  of the grouped matmuls that follow
 * max_tile = op_group_max_tile(). */
enum { OPS_GROUP_MAX_ARG = 4 };
struct op_group {
    struct gpu_slice ids; /* u32 [n_token][n_used] */
    struct gpu_slice pairs, tiles, args;
    uint32_t n_expert, n_used;
    uint32_t n_arg, row_groups[OPS_GROUP_MAX_ARG]; /* op_matmul_experts_row_groups() */
};
uint32_t op_group_max_tile(uint32_t n_token, uint32_t n_used, uint32_t n_expert);
enum lem_status op_group(struct gpu_list *list, const struct op_at *at,
                         const struct op_group *a);

/* Workgroups that a grouped matmul of this weight needs over its rows. */
uint32_t op_matmul_experts_row_groups(const struct ops_weight *weight);

/* y[pair][y_off + r] = W[expert of pair][r] . x[row] + bias[expert][bias_off + r], row =
 * the pair's token, or the pair itself with `x_by_pair`. */
struct op_matmul_experts {
    const struct ops_weight *weight;
    struct gpu_slice x, y, pairs, tiles;
    struct gpu_slice bias; /* f32 [n_expert][bias_stride]; or none */
    uint32_t bias_off, bias_stride;
    struct gpu_slice args; /* the entry of op_group for this weight */
    uint32_t x_stride, y_stride, y_off, n_used;
    bool x_by_pair;
};
enum lem_status op_matmul_experts(struct gpu_list *list, const struct op_at *at,
                                  const struct op_matmul_experts *a);

/* y[i] = act(x[i]) * x[n_ff + i], for n_per_row rows per row of the run; with
 * gate_stride, times sigmoid(gate[row * gate_stride]) */
struct op_glu {
    struct gpu_slice x, y;
    struct gpu_slice gate; /* f32, for p.gate_stride > 0 */
    struct glu_params p;
};
enum lem_status op_glu(struct gpu_list *list, const struct op_at *at,
                       const struct op_glu *a);

/* y[t] += sum over slots k, in order, of weights[t][k] * x[t * n_used + k]; EXPERTS_SET:
 * = */
struct op_combine {
    struct gpu_slice x, weights, y;
    struct combine_params p;
};
enum lem_status op_combine(struct gpu_list *list, const struct op_at *at,
                           const struct op_combine *a);

/* ---- what only some families have ---------------------------------------------- */

/* y[t][h * y_step + r] = W[h][r] . x[t][h * x_step …]: a matrix for each head h. Reads
 * of x go up to the next multiple of 32 floats from where a head starts. */
struct op_matmul_heads {
    const struct ops_weight *weight; /* n_mat heads */
    struct gpu_slice x, y;
    uint32_t x_stride, y_stride, x_step, y_step;
};
enum lem_status op_matmul_heads(struct gpu_list *list, const struct op_at *at,
                                const struct op_matmul_heads *a);

/* Latent attention: the key of a token (at kv_off of its row of x) normed over its
 * first n_latent dims, its tail rotated, into the cache; the tails of all heads of x
 * rotated into the tails of the heads of q. */
struct op_latent {
    struct gpu_slice x, q, k_cache;
    struct gpu_slice norm; /* f32 [n_latent] */
    struct gpu_slice freq; /* f32 [n_rot/2] */
    struct latent_params p;
};
enum lem_status op_latent(struct gpu_list *list, const struct op_at *at,
                          const struct op_latent *a);

/* A gated short convolution. Rows of x: b, gate, u, each [n]:
 *   y[c] = gate[c] * sum over i < n_tap of w[c][i] * (b u)[c] of n_tap - 1 - i tokens
 * before; b u of this step's tokens goes to the ring, at position % n_ring. */
struct op_conv {
    struct gpu_slice x, y;
    struct gpu_slice w;    /* f32 [n][n_tap] */
    struct gpu_slice ring; /* f32 [n_ring][n], n_ring >= rows of a run + n_tap - 1 */
    struct conv_params p;
};
enum lem_status op_conv(struct gpu_list *list, const struct op_at *at,
                        const struct op_conv *a);

/* y[t][i] = cap * tanh(y[t][i] / cap), for step.n_out rows */
struct op_softcap {
    struct gpu_slice y;
    struct softcap_params p;
};
enum lem_status op_softcap(struct gpu_list *list, const struct op_at *at,
                           const struct op_softcap *a);

#endif
