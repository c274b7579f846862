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

/* Parts that only some families have. */
enum {
    TINY_SWITCH = 1,      /* of the shared expert */
    TINY_SELECT = 2,      /* a bias for choosing experts */
    TINY_POST_NORM = 4,   /* the norm before the FFN is called post_attention_norm */
    TINY_FUSED_QKV = 8,   /* q, k and v are one matrix */
    TINY_NORM_BIAS = 16,  /* norms, output and rotary factors as in phimoe */
    TINY_OSS = 32,        /* sinks, biases of router and experts */
    TINY_BRANCH_NORM = 64 /* branches with norms, as in gemma4 */
};
enum { TINY_MAX_LAYER = 16 };

/* A key of the family's own, after the architecture's name. */
struct tiny_key;

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
    uint32_t parts;   /* TINY_… */
    uint32_t up_exps; /* type of ffn_up_exps; 0: as `ffn` */
    uint32_t n_ff_shared;
    uint32_t n_layer_extra; /* blocks that are not run */
    bool per_layer;         /* heads_kv in the place of n_head_kv; 0: a convolution */
    uint32_t heads_kv[TINY_MAX_LAYER];
    uint32_t head_dim_window; /* of layers with a window, if it differs */
    bool windowed[TINY_MAX_LAYER];
    bool v_of_windows_only;                /* the others take k for it */
    uint32_t q_lora, kv_lora, nope, value; /* of latent attention */
    uint32_t n_rot;                        /* 0: the whole head */
    uint32_t n_conv;
    const struct tiny_key *keys; /* ended by one without suffix; or NULL */
    bool spm;                    /* a SentencePiece vocabulary instead of a GPT-2 one */
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

struct tiny_key {
    const char *suffix;
    int what; /* TINY_U32, TINY_F32, TINY_BOOL, TINY_STR */
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
