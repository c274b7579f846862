/* lemnos/session.h - put a model's weights on a device and run tokens through
 * it: logits, sampled ids and the experts each token chose.
 * Stability: may change until 1.0; every change is listed in README.md, "Changes". */
#ifndef LEMNOS_SESSION_H
#define LEMNOS_SESSION_H

#include "lemnos/common.h"
#include "lemnos/device.h"
#include "lemnos/model.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- weights: one model on one device ------------------------------------ */

struct lem_weights; /* opaque: fields live in engine/cache/weights.h */

struct lem_weights_params {
    const struct lem_model *model;
    struct lem_device *device;
    struct lem_progress progress; /* in bytes on the device; called on
                                   * threads of this call, one at a time */
    struct lem_log log;
};

/**
 * Upload the weights, repacked for the kernels. Blocks until done.
 *
 * @return LEM_OK, LEM_ERR_ARGUMENT, LEM_ERR_MEMORY, LEM_ERR_GPU_MEMORY (the
 *         message says how much is missing), LEM_ERR_UNSUPPORTED, LEM_ERR_GPU,
 *         LEM_ERR_DEVICE_LOST
 * Ownership: the caller; close after its sessions, before model and device.
 * Threads: immutable once open; any number of sessions may share it.
 */
LEM_API enum lem_status lem_weights_open(const struct lem_weights_params *params,
                                         struct lem_weights **out);
LEM_API void lem_weights_close(struct lem_weights **weights);

/* ---- session: one text in the making ------------------------------------- */

struct lem_session; /* opaque: fields live in engine/run/session.h */

enum lem_logits_rows {
    LEM_LOGITS_LAST, /* lem_session_append() keeps the last token's row */
    LEM_LOGITS_ALL   /* ... all rows; one append takes at most n_batch tokens */
};

/** How the KV cache holds keys and values. */
enum lem_cache_type {
    LEM_CACHE_F16, /* 2 bytes a value */
    LEM_CACHE_F32, /* 4 bytes: nothing is rounded */
    LEM_CACHE_Q8_0 /* a byte, and an f32 scale for every 32 values of a head */
};

/** What weights are multiplied with. */
enum lem_activations {
    LEM_ACTIVATIONS_AUTO, /* integers where those have 16 bits, else floats */
    LEM_ACTIVATIONS_F32,
    /*
     * Integers with a f32 scale for 32 of them, for weights that are integers, too;
     * products with others are of floats.
     *
     * CPU devices that fetch texels: 16 bits, less to compute, for all such types but
     * IQ4_NL and IQ4_XS; logits move by about 0.02 % of their spread.
     * Others, where they have the packed products of 4 bytes that most GPUs have
     * (caps.int_dot): 8 bits, also less to read, for Q4_0, Q8_0, Q4_K, Q6_K and MXFP4;
     * logits move by 2 to 3 % of their spread, as they do in other engines.
     */
    LEM_ACTIVATIONS_INT
};

/** Where the best logits are picked out of a row of all. Tokens drawn are the same. */
enum lem_sampling {
    /* On the device where the host does not see its memory: a row stays there until it
     * is asked for. Where they share memory on the host, which is as fast. */
    LEM_SAMPLING_AUTO,
    LEM_SAMPLING_HOST, /* for who asks for the row after every token anyway */
    LEM_SAMPLING_DEVICE
};

struct lem_session_params {
    struct lem_weights *weights;
    uint32_t n_ctx;   /* tokens the KV cache holds; 0 = the smaller of the
                       * model's context and 4096 */
    uint32_t n_batch; /* most tokens in one submission; 0 = 128 */
    enum lem_logits_rows logits;
    bool tap;    /* keep expert ids and weights of all tokens */
    bool stages; /* take times by stage: see lemnos/profile.h */
    enum lem_cache_type cache_type;
    bool exact; /* f32 wherever there is a choice, whatever is chosen elsewhere */
    enum lem_activations activations;
    enum lem_sampling sampling;   /* on the host with LEM_LOGITS_ALL */
    struct lem_progress progress; /* in kernels compiled, then in first runs; called on
                                   * threads of this call, one at a time */
    struct lem_log log;
};

/**
 * Open a session. All memory it will ever use is taken here.
 *
 * @return LEM_OK, LEM_ERR_ARGUMENT, LEM_ERR_MEMORY, LEM_ERR_GPU_MEMORY,
 *         LEM_ERR_UNSUPPORTED, LEM_ERR_GPU, LEM_ERR_DEVICE_LOST
 * Ownership: the caller; close before the weights.
 * Threads: one at a time, but for lem_session_cancel().
 */
LEM_API enum lem_status lem_session_open(const struct lem_session_params *params,
                                         struct lem_session **out);
LEM_API void lem_session_close(struct lem_session **session);

/**
 * Run `n` tokens after those already there. On LEM_OK the logits of the last
 * token (or of all `n`, see lem_logits_rows) are ready. On failure the
 * session's length is that before the call, or, after LEM_ERR_CANCELLED, that
 * of the batches already done.
 *
 * @param ids  [n], each 0 <= id < n_vocab; n >= 1
 * @return LEM_OK, LEM_ERR_ARGUMENT, LEM_ERR_CONTEXT_FULL, LEM_ERR_CANCELLED,
 *         LEM_ERR_GPU, LEM_ERR_DEVICE_LOST
 */
LEM_API enum lem_status lem_session_append(struct lem_session *session,
                                           const int32_t *ids, uint32_t n);

/** Tokens in the session; capacity; most tokens of one submission. */
LEM_API uint32_t lem_session_length(const struct lem_session *session);
LEM_API uint32_t lem_session_n_ctx(const struct lem_session *session);
LEM_API uint32_t lem_session_n_batch(const struct lem_session *session);

/** Ids of the session's tokens, [lem_session_length()]; valid until it changes. */
LEM_API const int32_t *lem_session_ids(const struct lem_session *session);

/**
 * Forget all tokens from position `length` on. The logits are then not ready:
 * append the next token, or rewind one further and append the last again.
 * @return LEM_OK, or LEM_ERR_ARGUMENT when `length` is more than there is
 */
LEM_API enum lem_status lem_session_rewind(struct lem_session *session, uint32_t length);
/** Forget everything: rewind to 0; also a cancel that came too late. */
LEM_API void lem_session_reset(struct lem_session *session);

/** Make the append that runs now (or the next one) return LEM_ERR_CANCELLED
 * after the submission under way. Threads: any; safe in a signal handler. */
LEM_API void lem_session_cancel(struct lem_session *session);

/**
 * Logits of the last append: [*n_row][n_vocab] f32, valid until the next append,
 * rewind, reset or close. NULL (and 0 rows) when not ready. `n_row` may be NULL.
 *
 * A row that has stayed on the device, see enum lem_sampling, is copied at the first
 * call: that submits to the device and waits. Then NULL also says, with a message,
 * that the device failed (LEM_ERR_GPU, LEM_ERR_DEVICE_LOST).
 * Threads: that of the session.
 */
LEM_API const float *lem_session_logits(struct lem_session *session, uint32_t *n_row);

/* ---- sampling ------------------------------------------------------------ */

/** {0} is greedy. Applied in this order: repeat penalty, top-k, top-p, min-p,
 * temperature. */
struct lem_sample_params {
    float temperature;      /* 0 = greedy */
    uint32_t top_k;         /* 0 = all */
    float top_p;            /* 0 or 1 = off */
    float min_p;            /* 0 = off */
    float repeat_penalty;   /* 0 or 1 = off; > 1 makes repeats less likely */
    uint32_t repeat_last_n; /* tokens the penalty looks back on; 0 = 64 */
    uint64_t seed;          /* the draw depends on seed and position alone, so
                             * rewind and sample again gives the same token */
};

struct lem_sampled {
    int32_t id;
    float probability; /* among the candidates that were left */
};

/**
 * Choose the token after the last one from its logits. Appends nothing. Of a row that
 * has stayed on the device its 64 best are read: all there is to know when greedy,
 * with a top-k up to 64, or where min-p without top-p leaves fewer. Otherwise, or when
 * a repeat penalty makes too many of them worse, the row is copied first.
 * @return LEM_OK; LEM_ERR_ARGUMENT when no logits are ready, they are not
 *         finite, or a parameter is out of range; of a copy LEM_ERR_GPU,
 *         LEM_ERR_DEVICE_LOST
 */
LEM_API enum lem_status lem_session_sample(struct lem_session *session,
                                           const struct lem_sample_params *params,
                                           struct lem_sampled *out);

/* ---- the routing tap ------------------------------------------------------ */

/**
 * Experts of tokens [pos, pos + n), best first, in all routing layers.
 *
 * @param ids      [n][n_layer_moe][n_expert_used] receives expert ids; under a
 *                 policy the last ones may be LEM_NO_EXPERT
 * @param weights  same shape, receives mixing weights after normalisation and
 *                 scaling; may be NULL
 * @return LEM_OK; LEM_ERR_ARGUMENT when the session was opened without `tap`,
 *         the model does not route, or the range is not all there
 */
LEM_API enum lem_status lem_session_routing(const struct lem_session *session,
                                            uint32_t pos, uint32_t n, uint16_t *ids,
                                            float *weights);

/**
 * How narrow the choice of tokens [pos, pos + n) was: in every routing layer, the
 * selection score of the last expert chosen minus that of the first left out. The
 * score is what the model chooses by (probability, sigmoid or logit), with the
 * model's selection bias and the policy's. Infinite when none could be left out: all
 * are used, all others banned or in groups that are out, or the last one was forced.
 *
 * @param margins  [n][n_layer_moe] receives the margins, >= 0
 * @param next     same shape, receives the first expert left out, or LEM_NO_EXPERT;
 *                 may be NULL
 * @return as lem_session_routing()
 */
LEM_API enum lem_status lem_session_margins(const struct lem_session *session,
                                            uint32_t pos, uint32_t n, float *margins,
                                            uint16_t *next);

/* ---- the routing policy --------------------------------------------------- */

/*
 * A hand on the router: which experts tokens may choose, from the next append on. What
 * has been run stays as it was; rewind and reset keep the policy. A change is a few
 * words written to a small buffer: no new plan, no memory. Untouched layers route bit
 * for bit as without a policy.
 *
 * An expert has one setting in a layer: the last call of ban, force, bias or unset
 * counts. Mixing weights are made by the model's own rule from the experts chosen.
 *
 * `layer` is a block number, as lem_model_moe_layer() gives it, or LEM_ALL_LAYERS for
 * every layer that routes. All return LEM_OK, or LEM_ERR_ARGUMENT with a message and
 * nothing changed, in no layer: the block does not exist or does not route, there is
 * no such expert, every expert of a layer would be banned, or more would be forced
 * than a token may use.
 */
#define LEM_ALL_LAYERS 0xffffffffu

/** Never choose the expert. With fewer than n_expert_used left, fewer are used. */
LEM_API enum lem_status lem_session_ban(struct lem_session *session, uint32_t layer,
                                        uint32_t expert);
/** Choose the expert for every token; forced ones come first, by rising id. */
LEM_API enum lem_status lem_session_force(struct lem_session *session, uint32_t layer,
                                          uint32_t expert);
/** Add `bias`, finite, to the expert's selection score: the probability, sigmoid or
 * logit by which the model chooses. 0 is the same as lem_session_unset(). */
LEM_API enum lem_status lem_session_bias(struct lem_session *session, uint32_t layer,
                                         uint32_t expert, float bias);
/** Undo ban, force or bias of the expert. */
LEM_API enum lem_status lem_session_unset(struct lem_session *session, uint32_t layer,
                                          uint32_t expert);
/** Choose at most `n` experts for a token, 1 <= n <= n_expert_used; 0 undoes it. */
LEM_API enum lem_status lem_session_limit(struct lem_session *session, uint32_t layer,
                                          uint32_t n);
/** Undo all of the policy in all layers. */
LEM_API void lem_session_clear_policy(struct lem_session *session);

enum lem_policy_kind {
    LEM_POLICY_BAN,
    LEM_POLICY_FORCE,
    LEM_POLICY_BIAS,
    LEM_POLICY_LIMIT
};

/** One setting in force. */
struct lem_policy_entry {
    enum lem_policy_kind kind;
    uint32_t layer;  /* block number */
    uint32_t expert; /* not of a limit */
    float bias;      /* of LEM_POLICY_BIAS */
    uint32_t limit;  /* of LEM_POLICY_LIMIT */
};

/**
 * List what is in force, by rising layer, a limit before the layer's experts.
 * @param entries  room for `cap`; may be NULL when cap is 0
 * @return how many there are, also when > cap (then the first `cap` are written)
 */
LEM_API uint32_t lem_session_policy(const struct lem_session *session,
                                    struct lem_policy_entry *entries, uint32_t cap);

/* ---- figures ---------------------------------------------------------------- */

struct lem_session_stats {
    uint64_t n_prompt;    /* tokens run in appends of more than one */
    uint64_t n_generated; /* tokens run in appends of one */
    uint64_t prompt_ns;   /* wall time of those */
    uint64_t generate_ns;
    uint64_t wait_ns;      /* of both: waiting for the device */
    uint64_t device_bytes; /* device memory of this session */
    uint64_t cache_bytes;  /* of these, for keys, values and states */
};
LEM_API void lem_session_get_stats(const struct lem_session *session,
                                   struct lem_session_stats *stats);

#ifdef __cplusplus
}
#endif
#endif
