/* lemnos/profile.h - what a session's steps are made of, and where their time goes.
 * Stability: may change until 1.0; every change is listed in README.md, "Changes". */
#ifndef LEMNOS_PROFILE_H
#define LEMNOS_PROFILE_H

#include "lemnos/common.h"
#include "lemnos/session.h"
#include "lemnos/trace.h"

#ifdef __cplusplus
extern "C" {
#endif

/** A session has two plans: one for a single token, and one for more at once. */
enum lem_phase {
    LEM_PHASE_PROMPT, /* submissions of more than one token */
    LEM_PHASE_TOKEN   /* submissions of one token */
};

/* ---- time by stage -------------------------------------------------------- */

/** A stage of the work in layers of one kind. Strings live for ever. */
struct lem_stage {
    const char *name;    /* "qkv", "router", "gate_up", … */
    const char *layers;  /* kind of layer: "attention, experts"; "" = in no layer */
    bool on_host;        /* measured by the host's clock, not by the device's */
    uint32_t n_dispatch; /* in one submission */
    uint64_t last_ns;    /* of the last submission */
    uint64_t sum_ns;     /* since the session was opened, or lem_session_clear_stages() */
};

/** What the times are of. */
struct lem_stage_total {
    uint32_t n_stage;    /* how many stages there are, also when > cap */
    uint32_t last_token; /* tokens of the last submission; 0 = none so far */
    uint64_t n_token;    /* tokens of all that sum_ns counts */
    uint64_t n_submission;
    uint64_t last_ns; /* wall time; all stages together give it */
    uint64_t sum_ns;
};

/**
 * Time by stage, in the order of the work, of a session opened with
 * lem_session_params.stages. Dispatches that run at the same time are charged to
 * the one that ends last. The last three stages are "idle": the submission waits
 * and no dispatch runs; "host": the host writes inputs and takes results;
 * "sampling" on the host, in the phase LEM_PHASE_TOKEN. Where the device picks the
 * best logits (enum lem_sampling), that is a stage "sampling" of its own, after "head".
 *
 * @param stages  room for `cap`; may be NULL when cap is 0
 * @param total   may be NULL
 * @return LEM_OK; LEM_ERR_ARGUMENT when the session was opened without `stages`;
 *         LEM_ERR_UNSUPPORTED when the device has no timestamps
 * Threads: that of the session.
 */
LEM_API enum lem_status lem_session_stages(const struct lem_session *session,
                                           enum lem_phase phase, struct lem_stage *stages,
                                           uint32_t cap, struct lem_stage_total *total);

/** All times and counts of both phases to 0. */
LEM_API void lem_session_clear_stages(struct lem_session *session);

/* ---- for a recording ------------------------------------------------------- */

/**
 * Time by stage as a recording has it: of all that was run and sampled since
 * lem_session_clear_stages(), divided by `n_token`. What is in none of its stages (the
 * embedding, waiting, the host's work) is left to be the rest.
 *
 *   attention  norm, qkv, rope, attention, attn_out     router  router, group
 *   experts    gate_up, down, ffn_gate_up, ffn_down     head    head
 *   sampling   sampling, on the device and on the host
 *
 * @param n_token  at least 1
 * @param us       [LEM_TRACE_STAGE_COUNT] microseconds, rounded, each at least 1 where
 *                 there was any time; zeros on failure
 * @return as lem_session_stages()
 * Threads: that of the session.
 */
LEM_API enum lem_status lem_session_trace_stages(const struct lem_session *session,
                                                 uint32_t n_token, uint32_t *us);

/** The device memory of a session, of its model's weights and of the device, as a
 * recording has it. Threads: that of the session. */
LEM_API void lem_session_trace_memory(const struct lem_session *session,
                                      struct lem_trace_memory *out);

/* ---- the plan --------------------------------------------------------------- */

/** One dispatch. The estimates are for the most tokens of the phase at the end of
 * the context, with tokens spread evenly over the experts. Strings live as long as
 * the session. */
struct lem_plan_row {
    const char *label;     /* "blk.3 router" */
    const char *kernel;    /* "matmul.q4_0.texel" */
    const char *stage;     /* as in struct lem_stage */
    uint32_t group[3];     /* workgroups; 0 where the device itself makes the number */
    bool barrier;          /* waits for what comes before */
    uint32_t size[3];      /* of the work: matrices, rows, columns; 0 = not said */
    uint64_t weight_bytes; /* weights read */
    uint64_t bytes;        /* read and written in all, each byte once */
    uint64_t flops;        /* multiplications and additions */
};

/** Dispatches of a phase, logits of the last token included; 0 where the session
 * has no such phase (batches of one token). Threads: that of the session. */
LEM_API uint32_t lem_session_plan_length(const struct lem_session *session,
                                         enum lem_phase phase);
/** @param i below lem_session_plan_length()
 *  @return LEM_OK or LEM_ERR_ARGUMENT */
LEM_API enum lem_status lem_session_plan_row(const struct lem_session *session,
                                             enum lem_phase phase, uint32_t i,
                                             struct lem_plan_row *row);

/* ---- the device's limit ------------------------------------------------------- */

/** The best that one kernel does alone. */
struct lem_limit {
    char kernel[64]; /* its name */
    uint32_t n_row, n_col;
    uint64_t weight_bytes; /* read in one pass over distinct matrices */
    uint64_t ns;           /* of the fastest pass */
};

/**
 * Time products of one vector with matrices of random weights, each of
 * 2048 x 2048 or 8192 x 2048, in every launch shape that suits the device, with
 * activations as floats and, where the device can, as bytes; give the best.
 * Takes some seconds and, for the time, 64 MiB of device memory, on GPUs 256.
 *
 * @param type  "Q4_0" or any other type that kernels exist for
 * @return LEM_OK, LEM_ERR_ARGUMENT (unknown type), LEM_ERR_UNSUPPORTED (no
 *         kernel), LEM_ERR_MEMORY, LEM_ERR_GPU_MEMORY, LEM_ERR_GPU,
 *         LEM_ERR_DEVICE_LOST
 * Threads: any.
 */
LEM_API enum lem_status lem_device_limit(struct lem_device *device, const char *type,
                                         struct lem_limit *out);

#ifdef __cplusplus
}
#endif
#endif
