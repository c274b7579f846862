/* plan.h - model + weights -> flat lists of dispatches, made once and replayed. */
#ifndef PLAN_PLAN_H
#define PLAN_PLAN_H

#include "cache/past.h"
#include "cache/weights.h"
#include "ops/ops.h"

/* What timings are grouped by. */
enum plan_stage {
    STAGE_EMBED,
    STAGE_NORM,
    STAGE_QKV,
    STAGE_ROPE,
    STAGE_ATTENTION,
    STAGE_ATTN_OUT,
    STAGE_ROUTER,
    STAGE_GROUP, /* sorting tokens by expert */
    STAGE_GATE_UP,
    STAGE_DOWN,        /* and the sum over a token's experts */
    STAGE_FFN_GATE_UP, /* dense, and shared experts */
    STAGE_FFN_DOWN,
    STAGE_HEAD,
    STAGE_SAMPLING, /* picking the best logits */
    STAGE_COUNT
};
const char *plan_stage_name(enum plan_stage stage);

/* The number that a dispatch of the plan has as its stage: a stage of a layer. */
static inline uint32_t plan_key(enum plan_stage stage, uint32_t layer)
{
    return layer * STAGE_COUNT + stage;
}
static inline enum plan_stage plan_key_stage(uint32_t key)
{
    return (enum plan_stage)(key % STAGE_COUNT);
}
static inline uint32_t plan_key_layer(uint32_t key)
{
    return key / STAGE_COUNT;
}
/* Embedding, head and sampling stand outside of all layers. */
static inline bool plan_stage_in_layer(enum plan_stage stage)
{
    return stage != STAGE_EMBED && stage < STAGE_HEAD;
}

/* Every buffer that dispatches write to, but the KV cache. Rows are padded to
 * multiples of 32 floats; [n] is the most tokens in one submission. */
struct plan_memory {
    uint32_t max_rows; /* n */
    uint32_t max_out;  /* most rows of logits at once */
    uint32_t stride_x, stride_qkv, stride_att, stride_router, stride_glu, stride_ff;
    uint32_t stride_latent_q, stride_latent, stride_open;
    uint32_t stride_vocab;
    uint32_t stride_x_i8, stride_att_i8, stride_ff_i8; /* slots: see op_round_i8 */
    uint32_t tap_row;       /* entries of a token in the tap: n_expert_used + 1 */
    uint32_t tap_stride;    /* of one layer: n * tap_row */
    uint32_t policy_stride; /* words of one layer in the policy: 1 + n_expert */
    uint64_t bytes;         /* of device memory */
    /* host writes */
    struct gpu_buf *step;   /* struct step_params */
    struct gpu_buf *ids;    /* u32 [n] */
    struct gpu_buf *policy; /* u32 [n_layer_moe][policy_stride], see params.h */
    /* device only */
    struct gpu_buf *x;        /* [n][n_embd] residual stream */
    struct gpu_buf *h;        /* [n][n_embd] what the next step reads */
    struct gpu_buf *y;        /* [n][n_embd] a branch, where branches are normed */
    struct gpu_buf *sum;      /* [n][n_embd] the branches of an FFN */
    struct gpu_buf *qkv;      /* [n][…] q, k, v; q and a latent key; or b, c, u */
    struct gpu_buf *att;      /* [n][…] what the output matrix of a layer reads */
    struct gpu_buf *part;     /* of op_attn, for single tokens; NULL = none is needed */
    struct gpu_buf *latent_q; /* [n][n_head head_dim] queries of the latent cache */
    struct gpu_buf *latent;   /* [n][n_head kv_lora] attention over it; narrow q */
    struct gpu_buf *open;     /* [n] switches of the shared expert */
    struct gpu_buf *router;   /* [n][n_expert] logits */
    struct gpu_buf *chosen;   /* u32 [n][n_used] */
    struct gpu_buf *weight;   /* [n][n_used] */
    struct gpu_buf *pairs, *tiles, *args; /* of op_group */
    struct gpu_buf *glu;  /* [n n_used][2 n_ff_exp], or [n][2 n_ff]: gate and up */
    struct gpu_buf *ff;   /* [n n_used][n_ff_exp], or [n][n_ff] */
    struct gpu_buf *slot; /* [n n_used][n_embd] the experts' outputs */
    struct gpu_buf *out;  /* [max_out][n_embd] normed rows for the head */
    /* h, att, ff and out as bytes; NULL where no matrix takes them */
    struct gpu_buf *h_i8, *att_i8, *ff_i8, *out_i8;
    struct gpu_buf *pick_part; /* of op_pick; NULL = none is needed */
    /* host reads */
    struct gpu_buf
        *logits;          /* [max_out][n_vocab]; where there is a `row`, on the device */
    struct gpu_buf *best; /* {logit, id} [PICK_MOST] of a single row; NULL = off */
    struct gpu_buf *row;  /* [n_vocab] to copy such a row to; NULL: `logits` is mapped */
    struct gpu_buf *tap;  /* {id, weight} [n_layer_moe][n][tap_row], the last entry the
                           * margin, see struct op_router; NULL = off */
};

struct plan_memory_params {
    uint32_t max_rows, max_out;
    bool tap;
    bool i8;   /* also buffers for activations as bytes, where a matrix takes them */
    bool pick; /* the best logits are picked on the device; max_out is 1 */
};
enum lem_status plan_memory_open(struct plan_memory *mem, const struct lem_weights *w,
                                 const struct past *past,
                                 const struct plan_memory_params *p);
void plan_memory_close(struct plan_memory *mem);

struct plan_params {
    const struct lem_weights *weights;
    const struct past *past;
    const struct plan_memory *memory;
    uint32_t max_rows; /* 1: the single-token kernels */
    uint32_t max_out;  /* rows of logits */
    bool timed;
};

/* The list from token ids to the last layer's residual stream, and the one from
 * there to logits. Kernels are made here.
 * Returns LEM_OK, LEM_ERR_MEMORY, LEM_ERR_UNSUPPORTED, LEM_ERR_GPU. */
enum lem_status plan_body(const struct plan_params *p, struct gpu_list **out);
enum lem_status plan_head(const struct plan_params *p, struct gpu_list **out);

#endif
