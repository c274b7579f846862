/* tiny_maker.h - what the files that make tiny models share: tensors with random
 * values, from one seed, in one order. For tests/support/ alone. */
#ifndef SUPPORT_TINY_MAKER_H
#define SUPPORT_TINY_MAKER_H

#include "quant/quant.h"
#include "support/make_tiny.h"

struct tiny_maker {
    const struct tiny *t;
    struct gguf_writer *w;
    const struct tiny_change *changes;
    uint64_t applied; /* bit i: changes[i] has found its key or tensor */
    uint64_t seed;
    char key[128], tensor[64]; /* the last full names made */
};

/* Values within `scale` of `centre` (which is 0 unless the type is F32). */
void tiny_put_tensor(struct tiny_maker *m, const char *name, uint32_t type, float scale,
                     float centre, uint64_t d0, uint64_t d1, uint64_t d2);
/* A matrix whose products keep the size of their input. */
void tiny_put_matrix(struct tiny_maker *m, const char *name, uint32_t type,
                     uint32_t n_col, uint32_t n_row, uint32_t n_mat);
/* Around 1; nothing for n = 0. */
void tiny_put_norm(struct tiny_maker *m, const char *name, uint32_t n);
/* Small, around 0. */
void tiny_put_bias(struct tiny_maker *m, const char *name, uint32_t n, uint32_t n_row);
/* "blk.N.suffix", valid until the next call. */
const char *tiny_in_layer(struct tiny_maker *m, uint32_t layer, const char *suffix);

/* Tensors of a layer (tiny_parts.c): what mixes tokens, and the feed-forward part. */
void tiny_put_attention(struct tiny_maker *m, uint32_t layer);
void tiny_put_ffn(struct tiny_maker *m, uint32_t layer);

#endif
