/* hparams.h - the numbers of a model, from its metadata, each within its allowed
 * range. */
#ifndef MODEL_HPARAMS_H
#define MODEL_HPARAMS_H

#include "arch/arch.h"
#include "gguf/gguf.h"

enum rope_scaling { ROPE_SCALING_NONE, ROPE_SCALING_LINEAR, ROPE_SCALING_YARN };

struct hparams {
    uint32_t n_layer, n_embd, n_vocab, n_ctx_train;
    uint32_t n_head, n_head_kv, head_dim, n_rot;
    uint32_t n_ff;     /* dense FFN width */
    uint32_t n_ff_exp; /* one expert's width */
    uint32_t n_expert, n_expert_used, n_expert_shared;
    uint32_t n_layer_dense_lead; /* leading layers without experts */
    float norm_eps;
    float rope_base;
    enum rope_scaling rope_scaling;
    float rope_scale_factor; /* 1 = none */
    uint32_t rope_ctx_orig;  /* context before scaling (YaRN) */
    float rope_attn_factor, rope_beta_fast, rope_beta_slow;
    float attn_scale; /* 1/sqrt(head_dim) unless the file says so */
    /* the router in force: descriptor, overridden by the file */
    enum router_score score;
    bool router_normalise;
    float router_scale; /* 1 = none */
    float router_norm_eps;
    uint32_t n_group, n_group_used, group_top;
};

/* Returns LEM_OK, LEM_ERR_FORMAT or LEM_ERR_UNSUPPORTED, logged to g->log with the
 * key, its value and what was expected. */
enum lem_status hparams_read(struct hparams *hp, const struct gguf *g,
                             const struct arch_desc *arch);

#endif
