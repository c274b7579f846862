/* make_tiny.h - small models of every family with odd sizes, made from a seed: what
 * tests run, and what they break.
 *
 *     struct gguf_writer w;
 *     tiny_write(tiny_find("olmoe"), &w, NULL);
 *     gguf_writer_save(&w, path);
 *     gguf_writer_free(&w); */
#ifndef SUPPORT_MAKE_TINY_H
#define SUPPORT_MAKE_TINY_H

#include "support/gguf_writer.h"

struct tiny {
    const char *name; /* for tests: "olmoe" */
    const char *arch; /* general.architecture */
    uint32_t n_layer, n_embd, n_head, n_head_kv, head_dim;
    uint32_t n_ff; /* of dense layers, and of experts without n_ff_exp */
    uint32_t n_ff_exp;
    uint32_t n_expert, n_expert_used, n_layer_dense_lead;
    uint32_t n_vocab;
    uint32_t embd, attn, ffn; /* enum quant_type: embedding and output; q k v o;
                               * feed-forward matrices and experts */
    uint32_t q_norm, k_norm;  /* widths; 0 = none */
    bool tied, bias, rope_freqs;
    bool spm; /* a SentencePiece vocabulary instead of a GPT-2 one */
    uint64_t seed;
};

/* `*n` models, each file below 300 KiB. */
const struct tiny *tiny_models(size_t *n);
/* Aborts when there is none of this name. */
const struct tiny *tiny_find(const char *name);

/* One thing to do otherwise. `name` is a key in full, or a tensor. Keys and tensors
 * that the model does not have are added. */
struct tiny_change {
    const char *name; /* NULL ends a list */
    enum {
        TINY_REMOVE,    /* the key or tensor */
        TINY_U32,       /* the key is `value` */
        TINY_F32,       /* the key is `number` */
        TINY_BOOL,      /* the key is `value` */
        TINY_STR,       /* the key is `text` */
        TINY_U32_ARRAY, /* the key is {value, value, ..., value2}, one per layer */
        TINY_DIM0,      /* a size of the tensor is `value` */
        TINY_DIM1,
        TINY_DIM2,
        TINY_TYPE, /* the tensor has type `value` and zeros as data */
        TINY_FILL  /* all weights of the (F32) tensor are `number` */
    } what;
    uint64_t value, value2;
    float number;
    const char *text;
};

/* clang-format off */
#define TINY_END {.name = NULL}
/* clang-format on */

/* The whole model into `w`, which is initialized. `changes` may be NULL. */
void tiny_write(const struct tiny *t, struct gguf_writer *w,
                const struct tiny_change *changes);

/* Write it to a file; aborts when that is not possible. */
void tiny_save(const struct tiny *t, const char *path, const struct tiny_change *changes);

#endif
