/* arch.h - what a family of models is, as data: the steps of a layer, the router,
 * the kinds of attention and FFN, the tensors. No Vulkan word, no number of one
 * particular model: those come from the file. See README.md beside this file. */
#ifndef ARCH_ARCH_H
#define ARCH_ARCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Steps of a layer; ref/ and plan/ walk the same list. x is the residual stream, h
 * the row that the next step reads. Where a step says "x +=", a family with
 * `branch_norm` has "y =" instead, and a ..._POST_NORM step that brings y to x. */
enum arch_step {
    STEP_END,
    STEP_ATTN_NORM, /* h = rms_norm(x) * attn_norm */
    STEP_QKV,       /* q, k, v = W_q h, W_k h, W_v h (+ biases) */
    STEP_ROPE,      /* q/k norm, rotation, k and v into the cache */
    STEP_ATTN,      /* h = attention over the cache */
    STEP_ATTN_OUT,  /* x += W_o h (+ bias) */

    /* Latent attention: between STEP_ATTN_NORM and STEP_ATTN, and after it. */
    STEP_MLA_Q,  /* q = W_q h, or W_qb rms_norm(W_qa h) */
    STEP_MLA_KV, /* c = W_kva h; its latent part normed and its tail rotated into the
                  * cache; every head of q: (W_kb q, q's tail rotated) */
    STEP_MLA_V,  /* h = W_vb h, head by head */

    /* A short convolution in the place of attention. */
    STEP_CONV_IN,  /* b, c, u = W_in h */
    STEP_CONV,     /* h = c * conv(b * u) over this and the last l_cache - 1 tokens */
    STEP_CONV_OUT, /* x += W_out h */

    STEP_ROUTER_NORM, /* h = rms_norm(x) * ffn_gate_inp.scale / sqrt(n_embd) */
    STEP_ROUTER,      /* ids, weights = router(W_r h + bias) */
    STEP_ROUTER_RAW,  /* ids, weights = router(W_r x + bias) */
    STEP_FFN_NORM,    /* h = rms_norm(x) * ffn_norm */
    STEP_EXPERTS,     /* x += sum of weights * down(act(gate h) * up h) */
    STEP_SHARED,      /* x += W_down(act(W_gate h) * W_up h), times sigmoid(w . h) where
                       * the file has that w; nothing where it has no such expert */
    STEP_FFN,         /* x += W_down(act(W_gate h) * W_up h) */

    /* Norms of branches; s is the sum of the FFN's branches. */
    STEP_ATTN_POST_NORM,    /* x += rms_norm(y) * post_attention_norm */
    STEP_FFN_POST_NORM,     /* s = rms_norm(y) * post_ffw_norm_1 */
    STEP_EXPERTS_NORM,      /* h = rms_norm(x) * pre_ffw_norm_2 */
    STEP_EXPERTS_POST_NORM, /* s += rms_norm(y) * post_ffw_norm_2 */
    STEP_POST_NORM          /* x = (x + rms_norm(s) * post_ffw_norm) * layer_scale */
};

enum arch_qk_norm { QK_NORM_NONE, QK_NORM_HEAD, QK_NORM_ROW };
enum arch_rope { ROPE_PAIRS_ADJACENT, ROPE_PAIRS_HALVES, ROPE_PAIRS_NONE };
enum act { ACT_SILU, ACT_GELU_TANH, ACT_RELU, ACT_SWIGLU_CLAMPED };

/* How logits become scores. SCORE_LOGIT: the weights are the softmax of the
 * chosen logits. SCORE_GIVEN: what is called logits are scores already; of no family. */
enum router_score { SCORE_SOFTMAX, SCORE_SIGMOID, SCORE_LOGIT, SCORE_GIVEN };
enum { ARCH_N_SCORE = 3 }; /* of families */

/* The one parametric router; a value that the file states wins. */
struct arch_router {
    enum router_score score;
    bool normalise;
    uint32_t group_top[ARCH_N_SCORE]; /* 1 or 2 best experts make a group's score */
    float norm_eps;                   /* lower bound of the sum when renormalising */
};

/* Which layers attend over a window, when the file states one: of every `period`
 * layers all but one, which is the last, or the first. A pattern in the file wins. */
struct arch_window {
    uint32_t period;     /* 0: the family has no windows */
    bool full_first;     /* layer 0 of a period sees everything, not the last */
    bool full_unrotated; /* layers that see everything have no rotary embedding */
};

/* Where a tensor belongs. Names in the comment are those of GGUF files. */
enum arch_slot {
    /* global */
    SLOT_TOKEN_EMBD,  /* token_embd.weight   [n_vocab][n_embd] */
    SLOT_OUTPUT_NORM, /* output_norm.weight  [n_embd] */
    SLOT_OUTPUT_NORM_BIAS,
    SLOT_OUTPUT,      /* output.weight       [n_vocab][n_embd]; absent = tied */
    SLOT_OUTPUT_BIAS, /* [n_vocab] */
    SLOT_ROPE_FREQS,  /* rope_freqs.weight   [n_rot/2] divisors */
    SLOT_ROPE_LONG,   /* rope_factors_long.weight: those of long contexts */
    SLOT_GLOBAL_COUNT,
    /* of a layer: blk.N.… */
    SLOT_ATTN_NORM = SLOT_GLOBAL_COUNT, /* [n_embd] */
    SLOT_ATTN_NORM_BIAS,
    SLOT_ATTN_QKV,    /* q, k and v in one */
    SLOT_ATTN_Q,      /* [n_head * head_dim][n_embd] */
    SLOT_ATTN_K,      /* [n_head_kv * head_dim][n_embd] */
    SLOT_ATTN_V,      /* absent: k, before its norm, is also v */
    SLOT_ATTN_Q_BIAS, /* [n_head * head_dim] */
    SLOT_ATTN_K_BIAS,
    SLOT_ATTN_V_BIAS,
    SLOT_ATTN_Q_NORM, /* [head_dim] or [n_head * head_dim] */
    SLOT_ATTN_K_NORM,
    SLOT_ATTN_SINKS, /* [n_head] */
    SLOT_ATTN_OUT,   /* [n_embd][n_head * head_dim] */
    SLOT_ATTN_OUT_BIAS,
    SLOT_ATTN_POST_NORM,
    SLOT_MLA_Q_A, /* [q_lora][n_embd]; absent: SLOT_ATTN_Q makes q */
    SLOT_MLA_Q_A_NORM,
    SLOT_MLA_Q_B,       /* [n_head * (nope + n_rot)][q_lora] */
    SLOT_MLA_KV_A,      /* [kv_lora + n_rot][n_embd] */
    SLOT_MLA_KV_A_NORM, /* [kv_lora] */
    SLOT_MLA_K_B,       /* [n_head][kv_lora][nope] */
    SLOT_MLA_V_B,       /* [n_head][value][kv_lora] */
    SLOT_CONV_IN,       /* [3 n_embd][n_embd] */
    SLOT_CONV,          /* [n_embd][l_cache], the token itself last */
    SLOT_CONV_OUT,
    SLOT_FFN_NORM,
    SLOT_FFN_NORM_BIAS,
    SLOT_ROUTER_SCALE,       /* ffn_gate_inp.scale [n_embd] */
    SLOT_ROUTER,             /* ffn_gate_inp.weight [n_expert][n_embd] */
    SLOT_ROUTER_BIAS,        /* ffn_gate_inp.bias [n_expert] */
    SLOT_ROUTER_SELECT_BIAS, /* exp_probs_b.bias [n_expert] */
    SLOT_GATE_UP_EXPS,       /* [n_expert][2 n_ff_exp][n_embd]: gate rows, up rows */
    SLOT_GATE_EXPS,          /* ffn_gate_exps.weight [n_expert][n_ff_exp][n_embd] */
    SLOT_UP_EXPS,
    SLOT_DOWN_EXPS,      /* [n_expert][n_embd][n_ff_exp] */
    SLOT_GATE_EXPS_BIAS, /* [n_expert][n_ff_exp] */
    SLOT_UP_EXPS_BIAS,
    SLOT_DOWN_EXPS_BIAS,  /* [n_expert][n_embd] */
    SLOT_DOWN_EXPS_SCALE, /* [n_expert] */
    SLOT_SHARED_SWITCH,   /* ffn_gate_inp_shexp.weight [n_embd]: w of its sigmoid */
    SLOT_SHARED_GATE,     /* [n_ff_shared][n_embd] */
    SLOT_SHARED_UP,
    SLOT_SHARED_DOWN,
    SLOT_FFN_GATE, /* [n_ff][n_embd] */
    SLOT_FFN_UP,
    SLOT_FFN_DOWN, /* [n_embd][n_ff] */
    SLOT_FFN_POST_NORM,
    SLOT_EXPERTS_NORM,
    SLOT_EXPERTS_POST_NORM,
    SLOT_POST_NORM,
    SLOT_LAYER_SCALE, /* one number */
    SLOT_COUNT
};

/* Sizes a shape may be made of; their values come from the file. */
enum arch_dim {
    DIM_NONE, /* = 1, or no such dimension */
    DIM_EMBD,
    DIM_EMBD_3, /* 3 n_embd */
    DIM_VOCAB,
    DIM_Q,    /* n_head * what W_q gives a head */
    DIM_KV,   /* n_head_kv * head_dim */
    DIM_QKV,  /* (n_head + 2 n_head_kv) * head_dim */
    DIM_ATT,  /* n_head * the size of a head's value */
    DIM_HEAD, /* head_dim */
    DIM_N_HEAD,
    DIM_Q_LORA,
    DIM_KV_LORA,
    DIM_KV_LORA_ROT, /* kv_lora + n_rot */
    DIM_NOPE,        /* of a head of q: what is not rotated */
    DIM_VALUE,       /* of a head */
    DIM_CONV,        /* tokens that a convolution sees */
    DIM_EXPERT,
    DIM_FF,
    DIM_FF_EXP,
    DIM_FF_EXP_2, /* 2 n_ff_exp */
    DIM_FF_SHARED,
    DIM_ROT_HALF, /* n_rot / 2 */
    DIM_COUNT
};

enum arch_need {
    NEED_ALWAYS,
    NEED_IF_MOE,
    NEED_IF_DENSE,
    NEED_IF_ATTN,     /* layers that attend */
    NEED_IF_STATE,    /* layers with a state instead */
    NEED_IF_SHARED,   /* layers with experts, in files with a shared one */
    NEED_IF_Q_LORA,   /* latent attention whose q goes through a narrow row */
    NEED_IF_Q_DIRECT, /* … and does not */
    NEED_OPTIONAL
};

struct arch_tensor {
    enum arch_slot slot;
    const char *name; /* "token_embd.weight", "blk.%u.attn_norm.weight" */
    enum arch_need need;
    enum arch_dim dim[3]; /* innermost first */
};

/* Keys of the file that only some families compute with. */
enum {
    ARCH_MULTIPLIERS = 1, /* embedding_scale, residual_scale; logits / logit_scale */
    ARCH_LOGIT_CAP = 2,   /* final_logit_softcapping */
    ARCH_SHARED = 4,      /* expert_shared_count */
    ARCH_NEXTN = 8,       /* nextn_predict_layers: blocks at the end that are not run */
    ARCH_YARN_LOG = 16    /* rope.scaling.yarn_log_multiplier, on the scores */
};

enum { ARCH_MAX_NAME = 3, ARCH_MAX_LIST = 10 };

struct arch_desc {
    const char *names[ARCH_MAX_NAME + 1]; /* general.architecture, aliases, NULL */
    const char *title;                    /* "OLMoE", for people */
    uint32_t keys;                        /* ARCH_… that the family honours */
    enum arch_qk_norm qk_norm;            /* where the layer has the tensors for it */
    bool v_norm;                          /* each head of v is normed, without weights */
    enum arch_rope rope;
    float attn_scale; /* of scores; 0: 1 / sqrt(head size) */
    struct arch_window window;
    bool latent;      /* keys and values are one compressed row (STEP_MLA_…) */
    bool embd_root;   /* embeddings are multiplied by sqrt(n_embd) */
    bool branch_norm; /* see enum arch_step */
    enum act act;
    float glu_alpha, glu_limit; /* of ACT_SWIGLU_CLAMPED */
    struct arch_router router;
    /* Steps of a layer that attends, and of one with a state instead: a layer for
     * which the file states no key heads. NULL: the family has none such. */
    const enum arch_step *layer_moe, *layer_dense;
    const enum arch_step *state_moe, *state_dense;
    /* Lists of tensors, NULL-ended. A slot may stand in two: both needs hold. */
    const struct arch_tensor *tensors[ARCH_MAX_LIST + 1];
};

/* Descriptor of a general.architecture, or NULL. */
const struct arch_desc *arch_find(const char *name, size_t len);
/* i from 0 until NULL: for messages that list what is known. */
const struct arch_desc *arch_at(uint32_t i);
/* What a family that is known but cannot run yet would need, or NULL. */
const char *arch_missing(const char *name, size_t len);

/* Does a list of steps (NULL: none) have this one? */
bool arch_has_step(const enum arch_step *steps, enum arch_step step);

/* Lists that families share (arch/steps.c, arch/tensors.c). Steps end with STEP_END,
 * tensors with a row without a name. */
extern const enum arch_step arch_steps_moe[];
extern const enum arch_step arch_steps_dense[];
extern const enum arch_step arch_steps_moe_shared[]; /* with STEP_SHARED */
extern const struct arch_tensor arch_tensors_io[];   /* embedding, last norm, output */
extern const struct arch_tensor arch_tensors_attn[]; /* q, k, v, out, biases if any */
extern const struct arch_tensor arch_tensors_ffn[]; /* dense FFN, or router and experts */
extern const struct arch_tensor arch_tensors_ffn_norm[];     /* ffn_norm */
extern const struct arch_tensor arch_tensors_post_norm[];    /* the same slot, named
                                                              * post_attention_norm */
extern const struct arch_tensor arch_tensors_shared[];       /* the shared expert */
extern const struct arch_tensor arch_tensors_select[];       /* exp_probs_b, if any */
extern const struct arch_tensor arch_tensors_head_norm[];    /* q/k norm per head */
extern const struct arch_tensor arch_tensors_head_norm_if[]; /* … if the file has it */
extern const struct arch_tensor arch_tensors_row_norm[];     /* q/k norm of whole rows */

#endif
