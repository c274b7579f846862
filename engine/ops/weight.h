/* weight.h - what the operations on weights share: how their kernels are launched,
 * and the kernel of a weight type. For ops/ and its tests alone. */
#ifndef OPS_WEIGHT_H
#define OPS_WEIGHT_H

#include "ops/ops.h"
#include "ops/way.h"

enum {
    OPS_LOCAL = 64,         /* lanes of a workgroup */
    OPS_BLOCK = 32,         /* columns of a block */
    OPS_MOST_SPLIT = 32768, /* columns that lanes can share: 8 KiB of shared memory */
};

/* How a product goes about its work: see way.h. Constants 0 … 3 of the kernels. */
struct ops_shape {
    uint32_t rows;   /* of weights per lane */
    uint32_t tokens; /* rows of activations per lane */
    uint32_t split;  /* lanes that share a row: 1 or 8; of a tile, rows of weights */
    uint32_t lanes;  /* of a workgroup; 0 = OPS_LOCAL */
    bool i8;         /* activations are bytes: the kernel's variant for them */
    enum ops_way way;
};

/* A shape in registers for matrices of `n_row` rows of `n_col` weights and up to
 * `max_rows` rows of activations, whatever is chosen for such products. */
struct ops_shape ops_shape_pick(const struct lem_device *device, uint32_t n_row,
                                uint32_t n_col, uint32_t max_rows);
/* The shape of op_matmul. */
struct ops_shape ops_shape_matmul(const struct lem_device *device, uint32_t n_row,
                                  uint32_t n_col, uint32_t max_rows, bool i8);
/* The shape of op_matmul_experts where an expert has `per_expert` pairs on average. */
struct ops_shape ops_shape_experts(const struct lem_device *device, uint32_t n_row,
                                   uint32_t per_expert, bool i8);
/* A tile in shared memory for that many rows of activations at once. */
struct ops_shape ops_shape_tile(uint32_t n_token, bool i8, enum ops_way way);
/* Workgroups that cover n_row rows, and rows of activations that one of them does. */
uint32_t ops_shape_groups(const struct ops_shape *s, uint32_t n_row);
uint32_t ops_shape_tokens(const struct ops_shape *s);

/* Superblocks of a row, and the blocks of 32 columns among them that hold weights. */
uint32_t ops_weight_n_sb(const struct ops_weight *w);
uint32_t ops_weight_n_block(const struct ops_weight *w);

/*
 * The kernel `op`.<type of w>; shape NULL: the kernel has the workgroup size only.
 * Checks the windows of `w` first.
 * Returns LEM_OK, LEM_ERR_UNSUPPORTED (no kernel for this type), LEM_ERR_ARGUMENT
 * (windows that do not fit the matrix: a bug; logged) or what gpu_kernel_get() does.
 */
enum lem_status ops_weight_kernel(const struct gpu_list *list, const struct op_at *at,
                                  const char *op, const struct ops_weight *w,
                                  const struct ops_shape *shape,
                                  const struct gpu_kernel **out);
/* The same with values for the n_more specialization constants after the shape's. */
enum lem_status ops_weight_kernel_with(const struct gpu_list *list,
                                       const struct op_at *at, const char *op,
                                       const struct ops_weight *w,
                                       const struct ops_shape *shape,
                                       const uint32_t *more, uint32_t n_more,
                                       const struct gpu_kernel **out);

/* The operations of ops.h in a given shape, so that tests on one device reach the
 * shapes of others. tokens is 1 for the experts of one token; rows even for glu. */
enum lem_status ops_matmul(struct gpu_list *list, const struct op_at *at,
                           const struct op_matmul *a, const struct ops_shape *shape);
enum lem_status ops_matmul_experts(struct gpu_list *list, const struct op_at *at,
                                   const struct op_matmul_experts *a,
                                   const struct ops_shape *shape);
enum lem_status ops_matmul_heads(struct gpu_list *list, const struct op_at *at,
                                 const struct op_matmul_heads *a,
                                 const struct ops_shape *shape);
enum lem_status ops_experts_glu(struct gpu_list *list, const struct op_at *at,
                                const struct op_experts_glu *a,
                                const struct ops_shape *shape);
enum lem_status ops_experts_down(struct gpu_list *list, const struct op_at *at,
                                 const struct op_experts_down *a,
                                 const struct ops_shape *shape);

#endif
