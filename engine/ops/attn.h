/* attn.h - how attention is cut into workgroups and lanes: chosen by device and sizes,
 * or given by a test. For ops/, its tests and measurements alone. */
#ifndef OPS_ATTN_H
#define OPS_ATTN_H

#include "ops/ops.h"

/* See shaders/attn.comp and, for `unrolled`, attn_token.comp. Columns (heads * tokens)
 * and their sums live in registers. */
struct ops_attn_shape {
    uint32_t lanes;  /* of a workgroup: 8, 16, 32, 64 or 128 */
    uint32_t heads;  /* queries of one key head that a workgroup has, of each token */
    uint32_t tokens; /* of a workgroup */
    uint32_t span;   /* positions of a lane in a chunk */
    uint32_t splits; /* workgroups that share the positions of a column */
    bool unrolled;   /* the kernel for one token on devices that fetch texels and whose
                      * subgroups have 8 lanes; lanes is 8, tokens 1, span at most 8 */
};

/* A shape for runs of up to `max_rows` tokens. p->head_dim_v is set. */
struct ops_attn_shape ops_attn_shape_pick(const struct lem_device *device,
                                          const struct attn_params *p,
                                          enum lem_cache_type type, uint32_t max_rows);

/* Bytes of op_attn.part for runs of up to `max_rows` tokens; 0: none is needed. */
uint64_t ops_attn_part_bytes(const struct attn_params *p,
                             const struct ops_attn_shape *shape, uint32_t max_rows);

/* op_attn in a given shape. */
enum lem_status ops_attn(struct gpu_list *list, const struct op_at *at,
                         const struct op_attn *op, const struct ops_attn_shape *shape);

#endif
