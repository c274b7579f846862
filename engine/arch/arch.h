/* arch.h - what a family of models is, as data: the steps of a layer, the router,
 * the kinds of attention and FFN, the tensors. No Vulkan word, no number of one
 * particular model: those come from the file. See README.md beside this file. */
#ifndef ARCH_ARCH_H
#define ARCH_ARCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Steps of a layer; ref/ and plan/ walk the same list. x is the residual stream,
 * h the row that the next step reads. */
enum arch_step {
    STEP_END,
    STEP_ATTN_NORM, /* h = rms_norm(x) * attn_norm */
    STEP_QKV,       /* q, k, v = W_q h, W_k h, W_v h (+ biases) */
    STEP_ROPE,      /* q/k norm, rotation, k and v into the cache */
    STEP_ATTN,      /* h = attention over the cache */
    STEP_ATTN_OUT,  /* x += W_o h (+ bias) */
    STEP_FFN_NORM,  /* h = rms_norm(x) * ffn_norm */
    STEP_ROUTER,    /* ids, weights = router(W_r h) */
    STEP_EXPERTS,   /* x += sum of weights * down(act(gate h) * up h) */
    STEP_FFN        /* x += W_down(act(W_gate h) * W_up h) */
};

enum arch_qk_norm { QK_NORM_NONE, QK_NORM_HEAD, QK_NORM_ROW };
enum arch_rope { ROPE_PAIRS_ADJACENT, ROPE_PAIRS_HALVES, ROPE_PAIRS_NONE };
enum act { ACT_SILU, ACT_GELU_TANH, ACT_RELU, ACT_SWIGLU_CLAMPED };

/* How logits become scores. SCORE_LOGIT: the weights are the softmax of the
 * chosen logits. */
enum router_score { SCORE_SOFTMAX, SCORE_SIGMOID, SCORE_LOGIT };

/* The one parametric router; a value that the file states wins. */
struct arch_router {
    enum router_score score;
    bool normalise;
    uint32_t group_top; /* 1 or 2 best experts make a group's score */
    float norm_eps;     /* lower bound of the sum when renormalising */
};

/* Where a tensor belongs. Names in the comment are those of GGUF files. */
enum arch_slot {
    /* global */
    SLOT_TOKEN_EMBD,  /* token_embd.weight   [n_vocab][n_embd] */
    SLOT_OUTPUT_NORM, /* output_norm.weight  [n_embd] */
    SLOT_OUTPUT,      /* output.weight       [n_vocab][n_embd]; absent = tied */
    SLOT_ROPE_FREQS,  /* rope_freqs.weight   [n_rot/2] divisors */
    SLOT_GLOBAL_COUNT,
    /* of a layer: blk.N.… */
    SLOT_ATTN_NORM = SLOT_GLOBAL_COUNT, /* [n_embd] */
    SLOT_ATTN_Q,                        /* [n_head * head_dim][n_embd] */
    SLOT_ATTN_K,                        /* [n_head_kv * head_dim][n_embd] */
    SLOT_ATTN_V,
    SLOT_ATTN_Q_BIAS, /* [n_head * head_dim] */
    SLOT_ATTN_K_BIAS,
    SLOT_ATTN_V_BIAS,
    SLOT_ATTN_Q_NORM, /* [head_dim] or [n_head * head_dim] */
    SLOT_ATTN_K_NORM,
    SLOT_ATTN_OUT, /* [n_embd][n_head * head_dim] */
    SLOT_ATTN_OUT_BIAS,
    SLOT_FFN_NORM,
    SLOT_ROUTER,             /* ffn_gate_inp.weight [n_expert][n_embd] */
    SLOT_ROUTER_SELECT_BIAS, /* exp_probs_b.bias [n_expert] */
    SLOT_GATE_EXPS,          /* ffn_gate_exps.weight [n_expert][n_ff_exp][n_embd] */
    SLOT_UP_EXPS,
    SLOT_DOWN_EXPS, /* [n_expert][n_embd][n_ff_exp] */
    SLOT_FFN_GATE,  /* [n_ff][n_embd] */
    SLOT_FFN_UP,
    SLOT_FFN_DOWN, /* [n_embd][n_ff] */
    SLOT_COUNT
};

/* Sizes a shape may be made of; their values come from the file. */
enum arch_dim {
    DIM_NONE, /* = 1, or no such dimension */
    DIM_EMBD,
    DIM_VOCAB,
    DIM_Q,    /* n_head * head_dim */
    DIM_KV,   /* n_head_kv * head_dim */
    DIM_HEAD, /* head_dim */
    DIM_EXPERT,
    DIM_FF,
    DIM_FF_EXP,
    DIM_ROT_HALF /* n_rot / 2 */
};

enum arch_need { NEED_ALWAYS, NEED_IF_MOE, NEED_IF_DENSE, NEED_OPTIONAL };

struct arch_tensor {
    enum arch_slot slot;
    const char *name; /* "token_embd.weight", "blk.%u.attn_norm.weight" */
    enum arch_need need;
    enum arch_dim dim[3]; /* innermost first */
};

enum { ARCH_MAX_NAME = 3, ARCH_MAX_LIST = 6 };

struct arch_desc {
    const char *names[ARCH_MAX_NAME + 1]; /* general.architecture, aliases, NULL */
    const char *title;                    /* "OLMoE", for people */
    enum arch_qk_norm qk_norm;
    enum arch_rope rope;
    enum act act;
    struct arch_router router;
    const enum arch_step *layer_moe;   /* NULL: the family has none */
    const enum arch_step *layer_dense; /* NULL: the family has none */
    /* Lists of tensors, NULL-ended. A slot may stand in two: both needs hold. */
    const struct arch_tensor *tensors[ARCH_MAX_LIST + 1];
};

/* Descriptor of a general.architecture, or NULL. */
const struct arch_desc *arch_find(const char *name, size_t len);
/* i from 0 until NULL: for messages that list what is known. */
const struct arch_desc *arch_at(uint32_t i);

/* Lists that families share (arch/steps.c). Steps end with STEP_END, tensors with
 * a row without a name. */
extern const enum arch_step arch_steps_moe[];
extern const enum arch_step arch_steps_dense[];
extern const struct arch_tensor arch_tensors_io[];   /* embedding, last norm, output */
extern const struct arch_tensor arch_tensors_attn[]; /* q, k, v, out, biases if any */
extern const struct arch_tensor arch_tensors_ffn[]; /* dense FFN, or router and experts */
extern const struct arch_tensor arch_tensors_head_norm[]; /* q/k norm per head */
extern const struct arch_tensor arch_tensors_row_norm[];  /* q/k norm of whole rows */

#endif
