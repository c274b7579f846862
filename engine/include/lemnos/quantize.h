/* lemnos/quantize.h - write a model again with weights of other types. Needs no GPU.
 * Stability: may change until 1.0; every change is listed in README.md, "Changes". */
#ifndef LEMNOS_QUANTIZE_H
#define LEMNOS_QUANTIZE_H

#include "lemnos/common.h"
#include "lemnos/model.h"

#ifdef __cplusplus
extern "C" {
#endif

/** What became of one tensor. Strings live during the call. */
struct lem_quantize_tensor {
    const char *name;
    const char *from, *to; /* types, "F16" */
    uint64_t n_weight;
    uint64_t bytes; /* in the new file */
    double rmse;    /* root of the mean squared difference to the old values, divided
                     * by their range (largest less smallest); 0 when copied */
};

struct lem_quantize_params {
    const char *path;    /* of the new file; not the model's own */
    const char *type;    /* of matrices: "Q8_0", "Q4_K", … see lem_quantize_type() */
    const char *experts; /* of the experts' matrices; NULL = type */
    uint32_t n_thread;   /* 0 = one per processor */
    struct lem_progress progress;
    /* Called after each tensor, in the file's order; may be NULL. */
    void (*report)(void *priv, const struct lem_quantize_tensor *tensor);
    /* Called once, when the file has been begun, with the temporary name that it has
     * until it is complete: who may be killed meanwhile can remove it. The name is valid
     * during the call. May be NULL. */
    void (*started)(void *priv, const char *temporary);
    void *priv; /* for both */
};

/**
 * Write `model` to params->path: its metadata, and its weights re-encoded.
 *
 * Vectors, routers and what is no weight matrix keep their values: as F32, or as they
 * are where they have no decoder. Rows that do not fill the blocks of a K type (256
 * weights) become Q5_0 in place of Q4_K, Q5_1 of Q5_K, Q8_0 of Q6_K; those that do not
 * fill blocks of 32 stay as they are. A warning counts them. Of a split model one file is
 * made. The file is written under a temporary name beside its own, which it gets when it
 * is complete.
 *
 * `model` may have been opened with facts_only. Its log receives messages.
 *
 * @return LEM_OK, LEM_ERR_MEMORY, LEM_ERR_IO, or
 *         LEM_ERR_ARGUMENT     a type that is not known or that cannot be written; no
 *                              path, or the model's own
 *         LEM_ERR_FORMAT       weights that are not finite
 *         LEM_ERR_UNSUPPORTED  a tensor of a type without a decoder; weights too
 *                              large for the new type
 * Threads: starts params->n_thread and ends them before it returns. `report` and
 *          `progress` are called on the calling thread.
 */
LEM_API enum lem_status lem_model_quantize(const struct lem_model *model,
                                           const struct lem_quantize_params *params);

/** Name of the i-th type that can be written; NULL behind the last. Threads: any. */
LEM_API const char *lem_quantize_type(uint32_t i);

#ifdef __cplusplus
}
#endif
#endif
