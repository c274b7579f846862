/* hparams.h - the numbers of a model, from its metadata, each within its allowed
 * range. */
#ifndef MODEL_HPARAMS_H
#define MODEL_HPARAMS_H

#include "arch/arch.h"
#include "base/arena.h"
#include "gguf/gguf.h"

enum rope_scaling { ROPE_SCALING_NONE, ROPE_SCALING_LINEAR, ROPE_SCALING_YARN };

/* The tables of frequencies that a model may have. */
enum rope_table {
    ROPE_MAIN,
    ROPE_LONG,   /* in the place of ROPE_MAIN when the context is beyond rope_ctx_orig */
    ROPE_WINDOW, /* of layers with a window, where their base or size differs */
    ROPE_TABLE_COUNT
};

/* What may differ from layer to layer. */
struct layer_hparams {
    bool has_state;  /* no attention, but a state: a short convolution */
    uint32_t n_head; /* of queries */
    uint32_t n_head_kv;
    uint32_t head_dim;    /* of a key as the cache holds it, and of a query for it */
    uint32_t head_dim_v;  /* of a value there */
    uint32_t n_rot;       /* of these dims rotate; 0 = no rotation */
    uint32_t window;      /* positions seen, with the own one; 0 = all */
    enum rope_table rope; /* ROPE_MAIN or ROPE_WINDOW */
    float attn_scale;     /* of scores */
};

/* Latent attention: the cache has one key head [kv_lora + n_rot], of which the first
 * kv_lora are the value. 0: the model has none. */
struct latent_hparams {
    uint32_t q_lora; /* 0: q comes straight from W_q */
    uint32_t kv_lora;
    uint32_t nope;  /* of a head of q before W_kb: dims that are not rotated */
    uint32_t value; /* of a head after W_vb */
};

struct hparams {
    uint32_t n_layer;       /* that are run */
    uint32_t n_layer_extra; /* blocks in the file after those */
    uint32_t n_embd, n_vocab, n_ctx_train;
    uint32_t n_head, n_head_kv, head_dim, n_rot; /* the most of any layer */
    struct layer_hparams *layer;                 /* [n_layer], in the model's arena */
    struct latent_hparams latent;
    uint32_t n_conv;      /* tokens that a convolution sees; 0 = none */
    uint32_t n_ff;        /* dense FFN width */
    uint32_t n_ff_exp;    /* one expert's width */
    uint32_t n_ff_shared; /* all shared experts together */
    uint32_t n_expert, n_expert_used, n_expert_shared;
    uint32_t n_layer_dense_lead; /* leading layers without experts */
    float norm_eps;
    float rope_base, rope_base_window;
    uint32_t n_rot_window;
    enum rope_scaling rope_scaling;
    float rope_scale_factor; /* 1 = none */
    uint32_t rope_ctx_orig;  /* context before scaling (YaRN, LongRoPE) */
    float rope_attn_factor, rope_beta_fast, rope_beta_slow;
    bool rope_grows; /* YaRN makes cos and sin larger (otherwise the scores) */
    /* multipliers; 1 = none */
    float embd_scale, residual_scale, logit_scale;
    float logit_softcap; /* 0 = off */
    /* the router in force: descriptor, overridden by the file */
    enum router_score score;
    bool router_normalise;
    float router_scale; /* 1 = none */
    float router_norm_eps;
    uint32_t n_group, n_group_used, group_top;
};

/* Returns LEM_OK, LEM_ERR_FORMAT, LEM_ERR_UNSUPPORTED or LEM_ERR_MEMORY, logged to
 * g->log with the key, its value and what was expected. */
enum lem_status hparams_read(struct hparams *hp, const struct gguf *g,
                             const struct arch_desc *arch, struct arena *arena);

#endif
