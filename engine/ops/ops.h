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
#include "lemnos/session.h"
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
    struct gpu_slice y_i8;    /* y also as bytes, see op_round_i8; buf NULL = not */
    uint32_t n, x_stride, y_stride;
    uint32_t y_i8_stride; /* slots */
    float eps;
    float scale; /* 0 = 1 */
    bool from_out, add;
};
enum lem_status op_norm(struct gpu_list *list, const struct op_at *at,
                        const struct op_norm *a);

/* Activations as bytes, or, on devices that fetch texels, as integers of 16 bits: f32
 * rows of n values, a multiple of 32, to rows of slots as shaders/common/i8.glsl says;
 * n_per_row of them for each row of the run. y starts as zeros and has nothing but such
 * rows. */
struct op_round_i8 {
    struct gpu_slice x, y;
    uint32_t n, n_per_row;
    uint32_t x_stride; /* floats */
    uint32_t y_stride; /* slots: op_i8_stride() or more */
    bool n_out;        /* step.n_out rows instead of step.n_token */
};
enum lem_status op_round_i8(struct gpu_list *list, const struct op_at *at,
                            const struct op_round_i8 *a);
/* Slots of a row of n values. */
uint32_t op_i8_stride(uint32_t n);
/* Can the device multiply this matrix with such rows? Operations that have `x_i8` then
 * take them as x, and their x_stride in slots. */
bool op_takes_i8(const struct lem_device *device, const struct ops_weight *w);

/* y[t][y_off + r] (+)= scale * (sum over c of W[r][c] x[t][c] + bias[r]), matrix 0 */
struct op_matmul {
    const struct ops_weight *weight;
    struct gpu_slice x, y, bias; /* bias f32 [n_row]; buf NULL = none */
    uint32_t x_stride, y_stride, y_off;
    float scale;
    bool x_i8;
    bool add;
    bool n_out; /* step.n_out rows instead of step.n_token */
};
enum lem_status op_matmul(struct gpu_list *list, const struct op_at *at,
                          const struct op_matmul *a);

/* ---- keys and values ------------------------------------------------------------ */

enum { OPS_CACHE_TILE = 64 }; /* positions of a cache come in multiples of it */

/* The type's name in kernels' names and for people; NULL: there is no such type. */
const char *ops_cache_name(enum lem_cache_type type);
/* Slots of 16 bytes that hold the dims of a head at one position. */
uint32_t ops_cache_dim_slots(enum lem_cache_type type, uint32_t dim);
/* Bytes of a cache of keys or values for n_ctx positions, rounded up to tiles, of n_head
 * heads; UINT64_MAX when they cannot be counted. The type must be known. */
uint64_t ops_cache_bytes(enum lem_cache_type type, uint32_t n_head, uint32_t n_ctx,
                         uint32_t dim);

/* Optional q/k norm, rotation, and storing of k and v, in place on qkv:
 * [n_token][n_head + 2 n_head_kv][head_dim]; token t is at position step.pos + t.
 * The caches are in the layout of shaders/common/kv.glsl for `type`; n_ctx is a multiple
 * of OPS_CACHE_TILE, head_dim of 4.
 * ROPE_NORM_V also norms v, without weights; not together with ROPE_NORM_ROW. */
struct op_rope {
    struct gpu_slice qkv, k_cache, v_cache;
    struct gpu_slice norm; /* f32: q weights then k weights; buf NULL = none */
    struct gpu_slice freq; /* f32 [n_rot/2]: angle of pair i at position 1 */
    enum lem_cache_type type;
    struct rope_params p; /* all fields but none derived */
};
enum lem_status op_rope(struct gpu_list *list, const struct op_at *at,
                        const struct op_rope *a);

/* y[t][h] = sum over p <= pos(t) of softmax(scale * q[t][h] . k[p]) v[p]. Heads of y
 * and v have head_dim_v values (0: head_dim). For single tokens the positions may be
 * shared among workgroups; then `part` holds what each found, op_attn_part_bytes() of
 * it, and a second dispatch joins them in a fixed order. */
struct op_attn {
    struct gpu_slice q, k_cache, y; /* q: the rows that op_rope left */
    struct gpu_slice v_cache;       /* buf NULL: the first head_dim_v dims of k are v */
    struct gpu_slice sinks;         /* f32 [n_head]; buf NULL = none */
    struct gpu_slice part;          /* buf NULL where no bytes are needed */
    struct gpu_slice y_i8;          /* y also as bytes, see op_round_i8; or none */
    enum lem_cache_type type;
    struct attn_params p; /* but v_dims, which is derived */
};
/* Can runs of up to max_rows tokens write bytes? */
bool op_attn_rounds(const struct lem_device *device, const struct op_attn *a,
                    uint32_t max_rows);
enum lem_status op_attn(struct gpu_list *list, const struct op_at *at,
                        const struct op_attn *a);
/* For runs of up to max_rows tokens; p->head_dim_v and p->n_ctx are set. */
uint64_t op_attn_part_bytes(const struct lem_device *device, const struct attn_params *p,
                            enum lem_cache_type type, uint32_t max_rows);

/* design/router: score, selection score, groups, top-k, weights. ids u32 and
 * weights f32 [n_token][n_used], best first; the tap has both as
 * uvec2 {id, bits of the weight} at [tap_off + t * tap_stride + k]; with `margin` also,
 * at k = n_used, {the first expert left out, bits of the margin to it} as ref_router()
 * means it, ROUTER_NO_EXPERT and infinity where there is none. */
struct op_router {
    struct gpu_slice logits; /* [n_token][x_stride] */
    struct gpu_slice bias;   /* f32 [n_expert]; buf NULL = none */
    struct gpu_slice ids, weights;
    struct gpu_slice tap;    /* buf NULL = off */
    bool margin;             /* with a tap only */
    struct gpu_slice policy; /* u32, at p.policy_off one layer; buf NULL = none */
    struct gpu_slice factor; /* f32 [n_expert] on weights, not in the tap; or none */
    struct gpu_slice draw;   /* uniform draw_params, for ROUTER_SELECT_DRAW */
    uint32_t select;         /* ROUTER_SELECT_…; other than TOP without groups only */
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
    struct gpu_slice y_i8; /* [n_used] rows as bytes in the place of y, which is not
                            * written; or none */
    uint32_t y_i8_stride;  /* slots */
    bool x_i8;
};
/* Can it write bytes? */
bool op_experts_glu_rounds(const struct lem_device *device,
                           const struct op_experts_glu *a);
enum lem_status op_experts_glu(struct gpu_list *list, const struct op_at *at,
                               const struct op_experts_glu *a);

/* y[r] += sum over slots k, in order, of weights[k] * (W[ids[k]][r] . x[k] + bias) */
struct op_experts_down {
    const struct ops_weight *weight;
    struct gpu_slice x, ids, weights, y;
    struct gpu_slice bias; /* f32 [n_expert][n_row]; or none */
    uint32_t n_used, x_stride;
    bool x_i8;
    bool set; /* y = instead of y += */
};
enum lem_status op_experts_down(struct gpu_list *list, const struct op_at *at,
                                const struct op_experts_down *a);

/* ---- experts, many tokens: grouped by expert -------------------------------- */

enum { OPS_GROUP_TILE = 8 }; /* fewest pairs in a whole tile of the grouped matmul */

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
    uint32_t tile; /* op_group_tile(); 0 = OPS_GROUP_TILE */
    uint32_t n_arg, row_groups[OPS_GROUP_MAX_ARG]; /* op_matmul_experts_row_groups() */
};
/* Pairs of a tile that the grouped matmuls of this device like best, for runs of up to
 * n_token rows, in float or as bytes. They give the same result for any. */
uint32_t op_group_tile(const struct lem_device *device, bool i8, uint32_t n_token,
                       uint32_t n_used, uint32_t n_expert);
uint32_t op_group_max_tile(uint32_t n_token, uint32_t n_used, uint32_t n_expert);
enum lem_status op_group(struct gpu_list *list, const struct op_at *at,
                         const struct op_group *a);

/* Workgroups that a grouped matmul of this weight needs over its rows, with activations
 * in float or as bytes. */
uint32_t op_matmul_experts_row_groups(const struct lem_device *device,
                                      const struct ops_weight *weight, bool i8);

/* y[pair][y_off + r] = act(W[expert of pair][r] . x[row] + bias[expert][bias_off + r]),
 * row = the pair's token, or the pair itself with `x_by_pair`. With a table an expert
 * uses any matrix and row of biases, and columns of x from any multiple of 4 on. */
struct op_matmul_experts {
    const struct ops_weight *weight;
    struct gpu_slice x, y, pairs, tiles;
    struct gpu_slice bias; /* f32 [n_expert][bias_stride]; or none */
    uint32_t bias_off, bias_stride;
    struct gpu_slice table; /* u32 [n_expert][4] {matrix, row of biases, column of x / 4,
                             * 0}; buf NULL = {expert, expert, 0, 0} */
    uint32_t act;           /* DENSE_… */
    struct gpu_slice args;  /* the entry of op_group for this weight */
    uint32_t x_stride, y_stride, y_off, n_used;
    bool x_by_pair, x_i8;
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
 * =. Other ways to combine, and rows of x by expert: see params.h. */
struct op_combine {
    struct gpu_slice x, weights, y;
    struct gpu_slice ids; /* u32 [n_token][n_used]; not needed for sums of rows by slot */
    uint32_t how;         /* COMBINE_SUM … */
    bool by_expert;       /* p.n_slot rows of x a token */
    struct combine_params p;
};
enum lem_status op_combine(struct gpu_list *list, const struct op_at *at,
                           const struct op_combine *a);

/* x[r] = softmax(x[r]), in place, for p.n_per_row rows per row of the run */
struct op_softmax {
    struct gpu_slice x;
    struct softmax_params p;
};
enum lem_status op_softmax(struct gpu_list *list, const struct op_at *at,
                           const struct op_softmax *a);

/* Experts that one of several routers chose: all[t][e] = e or ROUTER_NO_EXPERT. Once
 * for each router, in any order; the first one clears what is there. */
struct op_gather {
    struct gpu_slice ids; /* u32 [n_token][n_used] */
    struct gpu_slice all; /* u32 [n_token][n_expert] */
    uint32_t n_expert, n_used;
    bool first;
};
enum lem_status op_gather(struct gpu_list *list, const struct op_at *at,
                          const struct op_gather *a);

/* The best of n values, best first; of equal ones the smaller id: y[k] = {value, id},
 * id PICK_NONE where n < PICK_MOST. NaN and infinity are best of all and come out as NaN.
 * Two dispatches up to 200,704 values; one for 3,584. */
struct op_pick {
    struct gpu_slice x;    /* f32 [n] */
    struct gpu_slice y;    /* {f32, u32} [PICK_MOST] */
    struct gpu_slice part; /* op_pick_part_bytes(); buf NULL where that is 0 */
    uint32_t n;
};
enum lem_status op_pick(struct gpu_list *list, const struct op_at *at,
                        const struct op_pick *a);
uint64_t op_pick_part_bytes(const struct lem_device *device, uint32_t n);

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
    enum lem_cache_type type;
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
