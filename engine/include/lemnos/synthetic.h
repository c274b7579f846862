/* lemnos/synthetic.h - models with random weights in the shapes of real ones, to measure
 * speed with where the real ones are not at hand. Needs no GPU.
 * Stability: may change until 1.0; every change is listed in README.md, "Changes". */
#ifndef LEMNOS_SYNTHETIC_H
#define LEMNOS_SYNTHETIC_H

#include "lemnos/common.h"

#ifdef __cplusplus
extern "C" {
#endif

struct lem_synthetic_params {
    const char *path;  /* of the new file */
    const char *shape; /* "granite-1b", … see lem_synthetic_shape() */
    const char *type;  /* of matrices: any that lem_quantize_type() names; routers
                        * and norms are F32 */
    uint64_t seed;     /* same seed, same file */
    struct lem_progress progress; /* in bytes written */
    /* Called once with the temporary name that the file has until it is complete; the
     * name is valid during the call. May be NULL. */
    void (*started)(void *priv, const char *temporary);
    void *priv; /* for it */
    struct lem_log log;
};

/**
 * Write a GGUF model of a known shape with random weights.
 *
 * Every row of a matrix is a stretch, from a random place, of one long line of normally
 * distributed weights with standard deviation 1 / sqrt(columns): activations keep their
 * size, and the routers' logits spread enough that all experts are used. The vocabulary
 * is complete: bytes, and pairs of bytes up to the shape's number of tokens, as
 * byte-level BPE. The file appears under its own name when it is complete.
 *
 * @return LEM_OK, LEM_ERR_MEMORY, LEM_ERR_IO, or LEM_ERR_ARGUMENT: no path, an unknown
 *         shape, or a type that is not known, cannot be written or does not fit the rows
 * Threads: any.
 */
LEM_API enum lem_status lem_synthetic_write(const struct lem_synthetic_params *params);

/** Bytes that the weights of the file take; 0 for an unknown shape or type. Threads:
 * any. */
LEM_API uint64_t lem_synthetic_bytes(const char *shape, const char *type);

/** Name of the i-th shape; NULL behind the last. Threads: any. */
LEM_API const char *lem_synthetic_shape(uint32_t i);

#ifdef __cplusplus
}
#endif
#endif
