/* params.h - what host and shaders must agree on: the step block and the push
 * constants of every operation. Included by C and by GLSL; 32-bit fields only,
 * so that both see the same layout. */
#ifndef PARAMS_H
#define PARAMS_H

#ifdef GL_core_profile
#define P_UINT  uint
#define P_INT   int
#define P_FLOAT float
#else
#include <stdint.h>
#define P_UINT  uint32_t
#define P_INT   int32_t
#define P_FLOAT float
#endif

/* What changes from submission to submission, in a small uniform buffer; so the
 * recorded commands do not. */
struct step_params {
    P_UINT n_token; /* rows of this submission */
    P_UINT pos;     /* position of row 0 in the context */
    P_UINT out_row; /* first row whose logits are wanted */
    P_UINT n_out;   /* how many */
};

/* A window of a weight matrix or expert bank: matrices [mat0, mat0 + n_mat),
 * and of each the rows [row0, row0 + n_row). */

struct embed_params {
    P_UINT n_col, n_sb; /* columns; superblocks in a row */
    P_UINT row0, n_row; /* vocabulary rows of this window */
    P_UINT y_stride;    /* floats between rows of y */
    P_FLOAT scale;
};

struct norm_params {
    P_UINT n; /* values in a row */
    P_UINT x_stride, y_stride;
    P_FLOAT eps;
    P_UINT flags;    /* NORM_… */
    P_FLOAT scale;   /* of the result */
    P_UINT q_stride; /* slots; of NORM_I8 */
};
#define NORM_FROM_OUT 1u /* row t of y is row step.out_row + t of x */
#define NORM_BIAS     2u /* + bias[i] */
#define NORM_I8       8u /* the result also as bytes */
#define NORM_ADD      4u /* the result is added to what y holds, before `scale` */

struct round_params {
    P_UINT n;                  /* values in a row, a multiple of 32 */
    P_UINT x_stride, y_stride; /* floats; slots of 16 bytes */
    P_UINT n_per_row;          /* rows for each row of the run */
    P_UINT flags;              /* ROUND_… */
};
#define ROUND_N_OUT 1u /* step.n_out rows instead of step.n_token */
/* Constants of every kernel that asks for them, set by gpu/: does the device fetch
 * texels; does it keep f16 numbers that are below the normal ones, or take them for 0? */
#define CONSTANT_TEXELS     100
#define CONSTANT_SUBNORMALS 101
#define SPLIT_LANES         8u  /* lanes that share a row, see common/rows_split.glsl */
#define I8_SLOTS            20u /* slots of 256 activations as bytes, see common/i8.glsl */
#define I16_SLOTS           34u /* as integers of 16 bits */

struct matmul_params {
    P_UINT n_row, n_sb;        /* rows of this window; superblocks in a row */
    P_UINT n_block;            /* 32-column blocks that hold weights */
    P_UINT x_stride, y_stride; /* in floats; x_stride a multiple of 4; or in slots, of
                                * activations as bytes */
    P_UINT y_off;              /* column of y that row 0 of this window goes to */
    P_UINT bias_off;           /* and where its bias is */
    P_UINT flags;              /* MATMUL_… */
    P_FLOAT scale;             /* y (+)= scale * (W x + bias) */
};
#define MATMUL_ADD   1u /* y += instead of y = */
#define MATMUL_BIAS  2u /* + bias[row] */
#define MATMUL_N_OUT 4u /* rows of x: step.n_out instead of step.n_token */

struct matmul_experts_params {
    P_UINT n_row, n_sb, n_block;
    P_UINT x_stride, y_stride, y_off;
    P_UINT mat0, n_mat; /* experts of this window */
    P_UINT n_used;      /* experts per token */
    P_UINT flags;       /* EXPERTS_… */
    P_UINT bias_off,
        bias_stride; /* bias of row r: [expert * bias_stride + bias_off + r] */
};
#define EXPERTS_X_BY_PAIR                                                                \
    1u                  /* row of x is the pair (token * n_used + slot), not the token */
#define EXPERTS_BIAS 2u /* + a bias of the expert's row */
#define EXPERTS_SET  4u /* y = instead of y += */

/* What becomes of a product and its bias: specialization constant 4 of matmul_experts. */
#define DENSE_IDENTITY  0u
#define DENSE_RELU      1u
#define DENSE_SIGMOID   2u
#define DENSE_TANH      3u
#define DENSE_GELU      4u /* x Phi(x), Phi of the normal distribution */
#define DENSE_GELU_TANH 5u /* its usual approximation */
#define DENSE_SILU      6u

struct experts_glu_params {
    P_UINT n_ff, n_sb, n_block;
    P_UINT mat0, n_mat;
    P_UINT act;           /* enum act of arch.h */
    P_FLOAT alpha, limit; /* of the clamped SwiGLU */
    P_UINT y_stride;
    P_UINT flags;    /* EXPERTS_BIAS: [n_expert][2 n_ff] */
    P_UINT q_stride; /* slots; of rows as bytes */
};

struct experts_down_params {
    P_UINT n_row, n_sb, n_block;
    P_UINT mat0, n_mat;
    P_UINT n_used;
    P_UINT x_stride;
    P_UINT y_off;
    P_UINT flags; /* EXPERTS_BIAS: [n_expert][bias_stride]; EXPERTS_SET */
    P_UINT bias_stride;
};

struct rope_params {
    P_UINT n_head, n_head_kv, head_dim, n_rot;
    P_UINT row_stride; /* floats between rows of qkv: q heads, k heads, v heads */
    P_UINT flags;      /* ROPE_… */
    P_UINT n_ctx;      /* positions the cache holds, a multiple of 8 */
    P_FLOAT eps;       /* of the q/k norm */
    P_FLOAT mscale;    /* YaRN: factor on cos and sin; 1 otherwise */
};
#define ROPE_HALVES    1u  /* pairs (i, i + n_rot/2); otherwise (2i, 2i+1) */
#define ROPE_NORM_HEAD 2u  /* RMS norm of every q and k head, weights [head_dim] */
#define ROPE_NORM_ROW  4u  /* RMS norm of the whole q and of the whole k row */
#define ROPE_NONE      8u  /* no rotation */
#define ROPE_NORM_V    16u /* RMS norm of every v head, without weights */

struct attn_params {
    P_UINT n_head, n_head_kv, head_dim;
    P_UINT q_stride, y_stride;
    P_UINT n_ctx;
    P_UINT window; /* 0 = full; else positions pos - window < p <= pos */
    P_FLOAT scale;
    P_FLOAT softcap;   /* 0 = off; else softcap * tanh(s / softcap) */
    P_UINT head_dim_v; /* of values and of y */
    P_UINT v_dims;     /* of a head in the cache of values: where that is the one of
                        * the keys, head_dim */
};

struct attn_join_params {
    P_UINT n_head, head_dim_v;
    P_UINT n_split; /* shares of the positions */
    P_UINT y_stride;
    P_UINT q_stride; /* slots; of rows as bytes */
};

struct router_params {
    P_UINT n_expert, n_used;
    P_UINT x_stride;              /* floats between rows of the logits */
    P_UINT score;                 /* enum router_score of arch.h */
    P_UINT flags;                 /* ROUTER_… */
    P_UINT n_group, n_group_used; /* 0/1 = no groups */
    P_UINT group_top; /* 1: a group's score is its best; 2: sum of its two best */
    P_FLOAT scale;    /* of the weights; 1 = none */
    P_FLOAT norm_eps; /* lower bound of the sum when renormalising */
    P_UINT tap_off,
        tap_stride;    /* where row t's n_used entries go: tap_off + t * tap_stride */
    P_UINT policy_off; /* of the layer's header word in the policy */
    P_FLOAT out_scale; /* of the weights, but not in the tap */
    P_FLOAT threshold; /* of ROUTER_SELECT_ABOVE */
    P_UINT stream;     /* of ROUTER_SELECT_DRAW: routers of one row draw differently */
};
#define ROUTER_BIAS      1u  /* selection bias present (only for choosing) */
#define ROUTER_NORMALISE 2u  /* weights /= max(sum, norm_eps) */
#define ROUTER_TAP       4u  /* also write ids and weights to the tap */
#define ROUTER_POLICY    8u  /* the policy is bound */
#define ROUTER_FACTOR    16u /* weights *= factor[expert], but not in the tap */
#define ROUTER_MARGIN    32u /* the tap has one entry more for each row: the margin */

/* How experts are chosen: specialization constant 4 of the router. */
#define ROUTER_SELECT_TOP   0u /* the n_used largest selection scores */
#define ROUTER_SELECT_DRAW  1u /* n_used drawn by score, without replacement */
#define ROUTER_SELECT_ABOVE 2u /* of those the ones whose score is above a threshold */

/* What a draw depends on besides row, stream and expert; in a small uniform buffer. */
struct draw_params {
    P_UINT seed_lo, seed_hi;
    P_UINT row_lo, row_hi; /* number of the run's first row, of all rows drawn for */
};

/* The id of a slot without an expert, weight 0: there were fewer than n_used. What
 * follows the router neither reads nor adds anything for it. */
#define ROUTER_NO_EXPERT 0xffffffffu

/* One layer of the policy: a header, then a word per expert. Header 0: untouched, the
 * words are not read. Otherwise its low bits are the most experts of a token. A word is
 * a float added to the selection score, or one of the two infinities. */
#define POLICY_BIASED 0x80000000u /* header: a word is finite and not 0 */
#define POLICY_BAN    0xff800000u /* -inf: never chosen */
#define POLICY_FORCE  0x7f800000u /* +inf: chosen before all others */

struct group_params {
    P_UINT n_expert, n_used;
    P_UINT tile; /* pairs in a tile of the grouped matmul */
    P_UINT n_arg;
    P_UINT row_groups0, row_groups1, row_groups2, row_groups3;
};

struct glu_params {
    P_UINT n_ff; /* y[n_ff] = act(x[0..n_ff)) * x[n_ff..2 n_ff) */
    P_UINT x_stride, y_stride;
    P_UINT act;
    P_UINT n_per_row; /* rows of x for each row of the run: n_used, or 1 */
    P_FLOAT alpha, limit;
    P_UINT gate_stride; /* 0: none; else y *= sigmoid(gate[row * gate_stride]) */
};

struct combine_params {
    P_UINT n, n_used;
    P_UINT x_stride,
        y_stride;  /* y[t] += sum over slots k of w[t][k] * x[t * n_used + k] */
    P_UINT flags;  /* EXPERTS_SET */
    P_UINT n_slot; /* COMBINE_BY_EXPERT: rows of x for each token */
};
/* Specialization constant 2 of combine … */
#define COMBINE_SUM       0u /* sum of weight times row */
#define COMBINE_STRONGEST 1u /* the largest value, element by element */
#define COMBINE_HEAVIEST                                                                 \
    2u /* the row of the largest weight; equal ones: the first slot */
/* … and 3: the row of slot k is t * n_slot + ids[t][k], not t * n_used + k. */
#define COMBINE_BY_SLOT   0u
#define COMBINE_BY_EXPERT 1u

struct matmul_heads_params {
    P_UINT n_row, n_sb, n_block;
    P_UINT mat0;               /* first matrix of this window: the head */
    P_UINT x_stride, y_stride; /* from token to token, in floats */
    P_UINT x_step, y_step;     /* from head to head; x_step a multiple of 4 */
};

struct latent_params {
    P_UINT n_head;
    P_UINT n_ctx;
    P_UINT head_dim; /* of a key in the cache: n_latent + n_rot */
    P_UINT n_latent, n_rot;
    P_UINT nope;             /* dims of a head of x before those that rotate */
    P_UINT x_stride, kv_off; /* rows of x: heads [nope + n_rot], at kv_off the key */
    P_UINT q_stride;         /* rows of q: heads [head_dim] */
    P_UINT flags;            /* ROPE_HALVES */
    P_FLOAT eps, mscale;
};

struct conv_params {
    P_UINT n, n_tap; /* channels; tokens that one sees, itself included */
    P_UINT n_ring;   /* rows of the ring */
    P_UINT x_stride, y_stride;
};

struct softmax_params {
    P_UINT n, stride;
    P_UINT n_per_row; /* rows for each row of the run */
};

struct gather_params {
    P_UINT n_expert, n_used;
    P_UINT flags; /* GATHER_FIRST */
};
#define GATHER_FIRST 1u /* experts that this router did not choose become NO_EXPERT */

struct softcap_params {
    P_UINT n, stride;
    P_FLOAT cap;
};

struct pick_params {
    P_UINT n; /* values, or pairs to join */
};
#define PICK_MOST 64u         /* how many are picked */
#define PICK_NONE 0xffffffffu /* the id of a slot that stays empty */

#endif
