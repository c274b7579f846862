/* model.h - an open model: descriptor, numbers, and checked views of its tensors.
 * Nothing here knows about Vulkan. Nothing after this checks the file again. */
#ifndef MODEL_MODEL_H
#define MODEL_MODEL_H

#include "arch/arch.h"
#include "gguf/gguf.h"
#include "lemnos/model.h"
#include "model/hparams.h"

/* A tensor in the mapped file: n_mat matrices [n_row][n_col]. */
struct tensor {
    const struct gguf_tensor *file; /* NULL = absent */
    const struct quant_info *type;
    uint32_t n_mat, n_row, n_col; /* n_row = 1 for vectors; n_mat = 1 but for banks */
    const uint8_t *data;
    uint64_t bytes;
};

struct model_layer {
    const enum arch_step *steps;
    bool moe;
    uint32_t moe_index;                              /* number among the routing layers */
    struct tensor t[SLOT_COUNT - SLOT_GLOBAL_COUNT]; /* by slot: use model_tensor() */
};

struct lem_model {
    struct gguf *file;
    const struct arch_desc *arch; /* NULL when facts_only and not known */
    struct hparams hp;
    struct tensor global[SLOT_GLOBAL_COUNT];
    struct model_layer *layer; /* [hp.n_layer] */
    struct lem_model_info info;
    struct lem_log log;
    struct arena arena;
};

/* Tensor of a slot; `layer` matters for layer slots only. Its `file` is NULL when
 * the model has none. */
const struct tensor *model_tensor(const struct lem_model *m, enum arch_slot slot,
                                  uint32_t layer);

/* The output matrix: SLOT_OUTPUT, or the token embedding where that is absent. */
const struct tensor *model_output(const struct lem_model *m);

/* f32 values of a whole small tensor (a norm, a bias), decoded; dst holds
 * n_mat * n_row * n_col floats. */
void tensor_decode(const struct tensor *t, float *dst);
/* f32 values of one row of matrix `mat`. */
void tensor_decode_row(const struct tensor *t, uint32_t mat, uint32_t row, float *dst);

/* Dims that rotate by this table; 0: the model does not have it. */
uint32_t model_rope_n_rot(const struct lem_model *m, enum rope_table table);
/* Angle per position of each pair, [model_rope_n_rot() / 2], with frequency scaling
 * applied; *mscale receives the factor on cos and sin. */
void model_rope_freqs(const struct lem_model *m, enum rope_table table, float *freq,
                      float *mscale);
/* The table of a layer in a context of `n_ctx` positions. */
enum rope_table model_rope_table(const struct lem_model *m, uint32_t layer,
                                 uint32_t n_ctx);

#endif
