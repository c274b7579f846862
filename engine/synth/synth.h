/* synth.h - models with random weights: shapes, metadata and weights, for one file. */
#ifndef SYNTH_SYNTH_H
#define SYNTH_SYNTH_H

#include "gguf/gguf_write.h"

/* ---- synth_shape.c: which models there are ---------------------------------------- */

struct synth_shape {
    const char *name, *arch, *title;
    uint32_t n_layer, n_embd, n_head, n_head_kv;
    uint32_t n_ff, n_expert, n_used; /* width of one expert; experts, per token */
    uint32_t n_vocab, n_ctx;
    float eps, rope_base;
    bool tied;    /* the output matrix is the embedding */
    bool qk_norm; /* of whole rows */
    bool scaled;  /* the file states the four multipliers below */
    float embd_scale, residual_scale, attn_scale, logit_scale;
};

/* NULL: not known; for the list, i counts from 0. */
const struct synth_shape *synth_find(const char *name);
const struct synth_shape *synth_at(uint32_t i);

/*
 * The tensors of a shape into g->tensor, [g->n_tensor], and *types[i], what each is
 * stored as: `type`, or F32. Memory is that of g->arena. Returns LEM_OK, LEM_ERR_MEMORY,
 * or LEM_ERR_ARGUMENT where rows do not fill blocks of the type; logged.
 */
enum lem_status synth_tensors(struct gguf *g, const struct synth_shape *s,
                              const struct quant_info *type,
                              const struct quant_info ***types);

/* ---- synth_keys.c: metadata ----------------------------------------------------------
 */

/* All keys of a shape into g->kv, in g->arena. Returns LEM_OK or LEM_ERR_MEMORY. */
enum lem_status synth_keys(struct gguf *g, const struct synth_shape *s);

/* ---- synth_weights.c: random weights -------------------------------------------------
 */

struct synth_weights; /* the long lines that rows are cut from */

/* Returns LEM_OK or LEM_ERR_MEMORY, logged. Close is safe on pointer to NULL. */
enum lem_status synth_weights_open(struct synth_weights **out, uint64_t seed,
                                   const struct lem_log *log);
void synth_weights_close(struct synth_weights **w);
/* Append the weights of `t`, stored as `type`, to `out`; a vector is all ones. Returns
 * LEM_OK, LEM_ERR_MEMORY, LEM_ERR_IO; logged. */
enum lem_status synth_weights_put(struct synth_weights *w, const struct gguf_tensor *t,
                                  const struct quant_info *type, struct gguf_out *out);

#endif
