/* lemnos/layer.h - a Mixture-of-Experts layer by itself: made from arrays of weights, it
 * runs batches of vectors on the GPU, by the kernels that run language models. Needs no
 * model file.
 *
 *   z = G x + b                      the gate's logits, one for each expert
 *   p = softmax(z) | sigmoid(z)      or fixed weights, the same for every row
 *   S = chosen by p                  all, the k largest, k drawn, those above a threshold
 *   r_e = chain of dense layers of expert e on x, or on its slice of x, for e in S
 *   y = combination of the r_e       a sum weighted by p, or the strongest r_e
 *
 * Sources: Jacobs et al., "Adaptive mixtures of local experts", 1991 (the mixture);
 * Shazeer et al., arXiv 1701.06538 (sparse choice); Ma et al., "Modeling task
 * relationships with multi-gate mixture-of-experts", KDD 2018 (several gates).
 * Stability: may change until 1.0; every change is listed in README.md, "Changes". */
#ifndef LEMNOS_LAYER_H
#define LEMNOS_LAYER_H

#include "lemnos/common.h"
#include "lemnos/device.h"

#ifdef __cplusplus
extern "C" {
#endif

/** What becomes of W x + b. */
enum lem_layer_act {
    LEM_ACT_IDENTITY,
    LEM_ACT_RELU,    /* max(v, 0) */
    LEM_ACT_SIGMOID, /* 1 / (1 + exp(-v)) */
    LEM_ACT_TANH,
    LEM_ACT_GELU,      /* v Phi(v), Phi of the normal distribution */
    LEM_ACT_GELU_TANH, /* its approximation v/2 (1 + tanh(sqrt(2/pi) (v + 0.044715 v^3)))
                        */
    LEM_ACT_SILU,      /* v sigmoid(v) */
    LEM_ACT_SWIGLU,  /* silu(g) u; the rows of W and b are those of g, then those of u */
    LEM_ACT_SOFTMAX, /* over the whole row; of an expert's last dense layer only */
    LEM_ACT_COUNT
};

/** act(W x + b). All values must be finite. */
struct lem_layer_dense {
    const float *weight; /* [n_out][n_in]; with LEM_ACT_SWIGLU [2 n_out][n_in] */
    const float *bias;   /* [n_out], or [2 n_out]; NULL = none */
    uint32_t n_in, n_out;
    enum lem_layer_act act;
};

/** A chain: dense[0] reads columns [x_off, x_off + dense[0].n_in) of the input, dense[i]
 * what dense[i - 1] gives. Experts agree in n_dense, act and n_out everywhere; where
 * their slices begin and how long these are may differ. An array that is given more than
 * once is stored once. */
struct lem_layer_expert {
    const struct lem_layer_dense *dense; /* [n_dense] */
    uint32_t n_dense;
    uint32_t x_off;
};

/** How logits become p. */
enum lem_layer_score { LEM_SCORE_SOFTMAX, LEM_SCORE_SIGMOID };

/** Which experts a row uses. */
enum lem_layer_select {
    LEM_SELECT_ALL,
    LEM_SELECT_TOP_K, /* the k largest p; of equal ones the smaller expert id */
    /* k, one after the other without replacement, each time in proportion to p of those
     * left; where fewer than k have p > 0, these. */
    LEM_SELECT_DRAW,
    LEM_SELECT_THRESHOLD /* those with p > threshold, maybe none */
};

/** How their results become one. A row without experts gives 0. */
enum lem_layer_combine {
    LEM_COMBINE_SUM,       /* sum of p_e r_e */
    LEM_COMBINE_AVERAGE,   /* the same with p_e / sum of p over the chosen */
    LEM_COMBINE_STRONGEST, /* the largest of the r_e, for each output by itself */
    LEM_COMBINE_HEAVIEST   /* the r_e of the largest p */
};

/** One gate gives one output. Linear (`weight`) or fixed (`fixed`): set one of them. */
struct lem_layer_gate {
    const float *weight; /* G [n_expert][n_in] */
    const float *bias;   /* b [n_expert]; NULL = none; with `weight` only */
    const float
        *fixed; /* p [n_expert], finite, >= 0, one of them > 0; need not sum to 1 */
    enum lem_layer_score score; /* with `weight` */
    enum lem_layer_select select;
    uint32_t k;      /* of TOP_K and DRAW: 1 <= k <= n_expert */
    float threshold; /* of THRESHOLD; finite */
    enum lem_layer_combine combine;
};

/** How the experts' matrices are kept. Biases and gates are always f32, and so are all
 * computations. */
enum lem_layer_type {
    LEM_LAYER_F32,
    LEM_LAYER_F16,
    LEM_LAYER_Q8_0, /* 8 bits, a scale for 32 weights */
    LEM_LAYER_Q4_0  /* 4 bits, a scale for 32 weights */
};

struct lem_layer_params {
    struct lem_device *device;
    uint32_t n_in; /* columns of the input */
    const struct lem_layer_expert *experts;
    uint32_t n_expert; /* 1 to 65535; how many the device can choose among may be less */
    const struct lem_layer_gate *gates;
    uint32_t n_gate;
    enum lem_layer_type type;
    uint64_t seed;       /* of LEM_SELECT_DRAW; see lem_layer_seed() */
    uint32_t n_batch;    /* most rows in one submission; 0 = 256. Lowered where the device
                          * binds less memory at once. */
    bool keep_responses; /* lem_layer_io.responses may be asked for */
    struct lem_progress progress; /* in bytes on the device; called on threads of
                                   * lem_layer_open(), one at a time */
    struct lem_log log;           /* copied */
};

struct lem_layer; /* opaque: fields live in engine/layer/layer.h */

/**
 * Check, encode and upload the weights, and make the kernels. All arrays of `params` are
 * read during this call only.
 *
 * @param out  receives the layer; NULL on failure
 * @return LEM_OK, or
 *         LEM_ERR_ARGUMENT     the message names the argument: missing arrays, shapes
 *                              that disagree, slices outside the input, k > n_expert,
 *                              values that are not finite
 *         LEM_ERR_UNSUPPORTED  weights too large for `type`, or sizes for the device
 *         LEM_ERR_MEMORY, LEM_ERR_GPU_MEMORY, LEM_ERR_GPU, LEM_ERR_DEVICE_LOST
 * Ownership: the caller; close before the device.
 * Threads: a layer is used by one at a time.
 */
LEM_API enum lem_status lem_layer_open(const struct lem_layer_params *params,
                                       struct lem_layer **out);
/** Safe on NULL and pointer to NULL. */
LEM_API void lem_layer_close(struct lem_layer **layer);

struct lem_layer_info {
    uint32_t n_in, n_out, n_expert, n_gate;
    uint32_t n_used;   /* most experts of a row, over all gates: width of the routing */
    uint32_t n_batch;  /* rows in one submission */
    uint32_t n_matrix; /* different matrices of experts that are stored */
    uint64_t weight_bytes; /* on the device, with biases and gates */
    uint64_t device_bytes; /* that, and all buffers */
    /* Of the experts' matrices, stored against given: root of the mean squared
     * difference divided by the range of the values, and the largest difference. */
    double rmse, max_error;
};
LEM_API void lem_layer_get_info(const struct lem_layer *layer,
                                struct lem_layer_info *info);

/** Rows in, rows out; all in host memory. */
struct lem_layer_io {
    const float *x; /* [n_row][n_in], finite */
    uint32_t n_row; /* at least 1 */
    float *y;       /* [n_gate][n_row][n_out] */
    /* The routing, [n_gate][n_row][n_used]: experts in the order of their choice (best
     * first, or as drawn), then LEM_NO_EXPERT with weight 0; the weights are the p_e that
     * combine, those of LEM_COMBINE_AVERAGE renormalised. Each may be NULL. */
    uint16_t *ids;
    float *weights;
    float
        *responses; /* [n_row][n_expert][n_out]: r_e of the experts that any gate chose
                     * for the row, 0 of others; may be NULL. With keep_responses only. */
};

/**
 * Run the rows of `io`. Blocks until the results are there.
 *
 * @return LEM_OK, LEM_ERR_ARGUMENT (no rows; x not finite, …), LEM_ERR_MEMORY,
 *         LEM_ERR_GPU, LEM_ERR_DEVICE_LOST
 */
LEM_API enum lem_status lem_layer_run(struct lem_layer *layer,
                                      const struct lem_layer_io *io);

/**
 * Begin the draws of LEM_SELECT_DRAW again, with another seed or the same. A draw depends
 * on the seed, on the number of rows run since, and on the gate: not on the size of
 * batches or the device. A run that fails counts no rows.
 * @return LEM_OK, or LEM_ERR_ARGUMENT when `layer` is NULL
 */
LEM_API enum lem_status lem_layer_seed(struct lem_layer *layer, uint64_t seed);

/**
 * Let a gate never choose an expert, or let it again. The p of the others stay as they
 * are; with fewer than k left, fewer are used.
 * @return LEM_OK; LEM_ERR_ARGUMENT, and nothing changed, when gate or expert do not
 *         exist or every expert of the gate would be banned
 */
LEM_API enum lem_status lem_layer_ban(struct lem_layer *layer, uint32_t gate,
                                      uint32_t expert, bool banned);

/**
 * Learn from observed losses by the multiplicative rule (Bayesian mixture; with
 * loss = -log likelihood and eta = 1, Bayes' rule itself):
 *
 *   p_e  <-  p_e exp(-eta loss_e) / sum over j of p_j exp(-eta loss_j)
 *
 * A fixed gate's weights become that. Of a linear gate with softmax, whose p depend on x,
 * the biases change by -eta loss_e (and a constant), which is the same rule for every x.
 * Source: Littlestone and Warmuth, "The weighted majority algorithm", 1994; Vovk 1990.
 *
 * @param losses  [n_expert], finite; smaller is better
 * @param eta     finite, >= 0
 * @return LEM_OK; LEM_ERR_ARGUMENT, and nothing changed, for bad values and for a gate
 *         with sigmoid, whose p are no mixture
 */
LEM_API enum lem_status lem_layer_adapt(struct lem_layer *layer, uint32_t gate,
                                        const float *losses, float eta);

/**
 * What adapting changes: the weights of a fixed gate, the biases of a linear one (0 when
 * it was given none).
 * @param values  [n_expert], receives them
 * @return LEM_OK, or LEM_ERR_ARGUMENT
 */
LEM_API enum lem_status lem_layer_gate_values(const struct lem_layer *layer,
                                              uint32_t gate, float *values);

#ifdef __cplusplus
}
#endif
#endif
