/* lemnos/model.h - open a GGUF model and ask what is in it. Needs no GPU.
 * Stability: may change until 1.0; every change is listed in README.md, "Changes". */
#ifndef LEMNOS_MODEL_H
#define LEMNOS_MODEL_H

#include "lemnos/common.h"

#ifdef __cplusplus
extern "C" {
#endif

struct lem_model; /* opaque: fields live in engine/model/model.h */

struct lem_model_params {
    const char *path;   /* UTF-8 path of the (first) .gguf file */
    bool facts_only;    /* accept architectures and types that cannot run: for
                         * lem_model_get_info() and the tokenizer only */
    struct lem_log log; /* copied; where messages go */
};

/**
 * Open a model and check every tensor's name, type and shape.
 *
 * Weights are mapped read-only, not copied. A split file
 * (name-00001-of-0000N.gguf) is opened as one; all parts must be beside the
 * first. `params` may be freed on return.
 *
 * @param out  receives the model; NULL on failure
 * @return LEM_OK, LEM_ERR_ARGUMENT, LEM_ERR_MEMORY, or
 *         LEM_ERR_IO           a file cannot be opened or mapped
 *         LEM_ERR_FORMAT       it is not GGUF v2 or v3, is cut short, or
 *                              contradicts itself
 *         LEM_ERR_UNSUPPORTED  architecture or tensor type not known here
 * Ownership: the caller, until lem_model_close().
 * Threads:   any; the model is immutable once open, so readers need no lock.
 */
LEM_API enum lem_status lem_model_open(const struct lem_model_params *params,
                                       struct lem_model **out);

/** Close and set *model to NULL. NULL and pointer to NULL are fine. Weights and
 * sessions made from it must be closed first. */
LEM_API void lem_model_close(struct lem_model **model);

/** Facts of a model. Strings live as long as the model; "" where not stated. */
struct lem_model_info {
    const char *name;         /* general.name */
    const char *architecture; /* general.architecture */
    const char *license;      /* general.license */
    const char *tokenizer;    /* tokenizer.ggml.model, with .pre after a slash */
    const char *quant_mix;    /* "Q8_0 94.1 %, F32 5.9 %" by weights */
    const char *unsupported;  /* "" = can run; else one line: what is missing */
    const char *missing;      /* if it cannot run: lines, each of which says what of the
                               * file this build has no place for; "" = nothing more */
    uint64_t n_param;         /* weights in all tensors */
    uint64_t n_param_active;  /* weights that take part in one token */
    uint64_t file_bytes;      /* all parts */
    uint32_t n_file;          /* parts of a split model */
    uint32_t gguf_version;
    uint32_t n_tensor;
    uint32_t n_layer;
    uint32_t n_layer_moe; /* layers that route */
    uint32_t n_embd;
    uint32_t n_head;
    uint32_t n_head_kv;
    uint32_t head_dim;
    uint32_t n_vocab;
    uint32_t n_ctx_train;     /* context length it was trained for */
    uint32_t n_ff;            /* dense FFN width; 0 = none */
    uint32_t n_ff_exp;        /* one expert's width; 0 = dense model */
    uint32_t n_expert;        /* per layer; 0 = dense model */
    uint32_t n_expert_used;   /* per token and layer */
    uint32_t n_expert_shared; /* always active */
};

/** Fill `info`. Threads: any. */
LEM_API void lem_model_get_info(const struct lem_model *model,
                                struct lem_model_info *info);

/** One tensor as the file states it; dim[0] is the innermost (columns). */
struct lem_tensor_info {
    const char *name; /* lives as long as the model */
    const char *type; /* "Q8_0" */
    uint32_t n_dim;
    uint64_t dim[4];
    uint64_t bytes;
    uint64_t file_offset; /* of the data, in its part */
};

/** @param i below lem_model_info.n_tensor
 *  @return LEM_OK or LEM_ERR_ARGUMENT */
LEM_API enum lem_status lem_model_get_tensor(const struct lem_model *model, uint32_t i,
                                             struct lem_tensor_info *out);

/** Block number of routing layer `i` (0 <= i < n_layer_moe): models may lead
 * with dense blocks. UINT32_MAX if `i` is out of range. */
LEM_API uint32_t lem_model_moe_layer(const struct lem_model *model, uint32_t i);

#ifdef __cplusplus
}
#endif
#endif
