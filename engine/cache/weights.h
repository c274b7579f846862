/* weights.h - a model's weights on a device: which matrices there are after
 * packing, where their windows lie, and the plain vectors (norms, biases). */
#ifndef CACHE_WEIGHTS_H
#define CACHE_WEIGHTS_H

#include "base/arena.h"
#include "lemnos/session.h"
#include "model/model.h"
#include "ops/ops.h"

/* No binding is larger, whatever the device would allow: the floor of phones. */
#define WEIGHTS_MAX_BINDING ((uint64_t)128 << 20)

/* Matrices as kernels see them. Tensors of one type that read the same input are
 * packed as one matrix (rows one after the other): W_QKV, W_GATE_UP…; where their
 * types differ the single ones are there instead. n_mat == 0: absent. */
enum weights_matrix {
    W_TOKEN_EMBD, /* also the output matrix where the model ties them */
    W_OUTPUT,
    W_GLOBAL_COUNT,
    W_QKV = 0,
    W_Q, /* in latent attention: from h, or from the narrow q */
    W_K,
    W_V,
    W_ATTN_OUT,
    W_MLA_Q_A,
    W_MLA_KV_A,
    W_MLA_K_B, /* one matrix for each head */
    W_MLA_V_B,
    W_CONV_IN,
    W_CONV_OUT,
    W_ROUTER,
    W_GATE_UP_EXPS,
    W_GATE_EXPS,
    W_UP_EXPS,
    W_DOWN_EXPS,
    W_SHARED_SWITCH, /* one row */
    W_SHARED_GATE_UP,
    W_SHARED_GATE,
    W_SHARED_UP,
    W_SHARED_DOWN,
    W_FFN_GATE_UP,
    W_FFN_GATE,
    W_FFN_UP,
    W_FFN_DOWN,
    W_LAYER_COUNT
};

/* f32 vectors; buf == NULL: absent. */
enum weights_vector {
    V_OUTPUT_NORM,
    V_OUTPUT_NORM_BIAS,
    V_OUTPUT_BIAS,
    V_GLOBAL_COUNT,
    V_ATTN_NORM = 0,
    V_ATTN_NORM_BIAS,
    V_QKV_BIAS, /* for W_QKV: q, k, v one after the other; zeros where one has none */
    V_Q_BIAS,   /* for W_Q, W_K, W_V */
    V_K_BIAS,
    V_V_BIAS,
    V_QK_NORM, /* q weights, then k weights */
    V_ATTN_SINKS,
    V_ATTN_OUT_BIAS,
    V_ATTN_POST_NORM,
    V_MLA_Q_A_NORM,
    V_MLA_KV_A_NORM,
    V_CONV,
    V_FFN_NORM,
    V_FFN_NORM_BIAS,
    V_ROUTER_NORM, /* divided by sqrt(n_embd) */
    V_ROUTER_BIAS,
    V_ROUTER_SELECT_BIAS,
    V_GATE_UP_BIAS, /* [n_expert][2 n_ff_exp]: of gate, then of up */
    V_DOWN_BIAS,    /* [n_expert][n_embd] */
    V_DOWN_SCALE,   /* [n_expert] */
    V_FFN_POST_NORM,
    V_EXPERTS_NORM,
    V_EXPERTS_POST_NORM,
    V_POST_NORM,
    V_LAYER_COUNT
};

struct weights_layer {
    struct ops_weight matrix[W_LAYER_COUNT];
    struct gpu_slice vector[V_LAYER_COUNT];
};

struct lem_weights {
    const struct lem_model *model;
    struct lem_device *device;
    struct lem_log log;
    struct ops_weight global[W_GLOBAL_COUNT];
    struct gpu_slice global_vector[V_GLOBAL_COUNT];
    /* Angle per position of each pair: computed, not in the file. */
    struct gpu_slice rope_freq[ROPE_TABLE_COUNT];
    float rope_mscale[ROPE_TABLE_COUNT];
    struct weights_layer *layer; /* [n_layer] */
    struct gpu_buf **chunk;      /* [n_chunk] what all slices point into */
    uint32_t n_chunk;
    struct arena arena;
};

/* The output matrix. */
const struct ops_weight *weights_output(const struct lem_weights *w);

#endif
