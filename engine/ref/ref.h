/* ref.h - the meaning of every operation: plain loops on the CPU, no speed work.
 * ops/ and its shaders must agree with these. All rows are dense here (no padding
 * between rows) and all values f32; sums are made in double where a kernel's order
 * of addition is free, so that ref/ is the more exact side.
 *
 * Nothing here fails: arguments are checked by the callers. */
#ifndef REF_REF_H
#define REF_REF_H

#include "model/model.h"
#include "quant/quant.h"

/* Sum over i of w[i] * x[i]; `n` weights (whole blocks) in the file's format. */
double ref_dot(const struct quant_info *type, const void *w, uint32_t n, const float *x);
/* y[n_row] = W x; W [n_row][n_col] in the file's format. */
void ref_matvec(float *y, const struct quant_info *type, const void *w, uint32_t n_row,
                uint32_t n_col, const float *x);
/* y[n_token][n_row] = x[n_token][n_col] W^T (+ bias[n_row], may be NULL) */
void ref_matmul(float *y, const struct quant_info *type, const void *w, uint32_t n_row,
                uint32_t n_col, const float *x, uint32_t n_token, const float *bias);

/* y = x rounded, block by block of 32, to multiples q d of d = max |x| / most, half to
 * even; n a multiple of 32; blocks below 1e-30 become zeros. What op_round_i8 stores as
 * q and d, for 127 or 32767. */
void ref_round(float *y, const float *x, uint32_t n, float most);

/* y[t][i] = x[t][i] / sqrt(mean over i of x[t][i]^2 + eps) * w[i]
 * w NULL: all 1. Source: Zhang and Sennrich, arXiv 1910.07467, eq. 4. x == y is fine. */
void ref_norm(float *y, const float *x, const float *w, uint32_t n_token, uint32_t n,
              float eps);

struct ref_rope {
    uint32_t n_head, n_head_kv, head_dim, n_rot;
    enum arch_rope kind;
    enum arch_qk_norm qk_norm;
    const float *q_norm, *k_norm; /* [head_dim], or whole rows; NULL = none */
    const float *freq;            /* [n_rot / 2] angle at position 1 */
    float mscale, eps;
};
/* One token's q [n_head][head_dim] and k [n_head_kv][head_dim] in place, at `pos`.
 * Source: Su et al., arXiv 2104.09864, eq. 34; halves: pairs (i, i + n_rot/2). */
void ref_rope(float *q, float *k, uint32_t pos, const struct ref_rope *r);

/* y[h] = sum over p in (pos - window, pos] of softmax(scale * q[h] . k[p]) v[p];
 * k: [n_pos >= pos + 1][n_head_kv][head_dim]; v: [n_pos][n_head_kv][head_dim_v], or
 * NULL: the first head_dim_v dims of each key; head_dim_v 0: as head_dim; window 0 =
 * full; softcap 0 = off; sinks [n_head] or NULL: one more logit that takes weight and
 * gives nothing. y [n_head][head_dim_v]. */
struct ref_attn {
    uint32_t n_head, n_head_kv, head_dim, head_dim_v, window;
    float scale, softcap;
    const float *sinks;
};
void ref_attn(float *y, const float *q, const float *k, const float *v, uint32_t pos,
              const struct ref_attn *a);

#define REF_NO_EXPERT UINT32_MAX /* as the kernels' ROUTER_NO_EXPERT */

/* The values of ROUTER_SELECT_…; other than TOP without groups only. */
enum ref_select { REF_SELECT_TOP, REF_SELECT_DRAW, REF_SELECT_ABOVE };

struct ref_router {
    uint32_t n_expert, n_used;
    enum router_score score;
    const float *bias; /* selection bias [n_expert] or NULL */
    bool normalise;
    float scale, norm_eps;
    uint32_t n_group, n_group_used, group_top;
    /* The policy of the layer: added to the selection score; -inf: never chosen; +inf:
     * chosen before all others (the smaller id first), whatever its group. NULL = none.
     */
    const float *policy; /* [n_expert] */
    uint32_t limit;      /* with a policy: most experts chosen; 0 = n_used */
    /* DRAW: by falling -race / score, those with score > 0; what is added to scores has
     * no part. ABOVE: those whose score is above the threshold. */
    enum ref_select select;
    const float *race; /* [n_expert] of ref_race() */
    float threshold;
};
/* One token: logits [n_expert] -> ids and weights [n_used], best first; equal
 * scores: the smaller id first. *margin (may be NULL): selection score of the last
 * chosen minus that of the first left out; infinity when none is left out, or the
 * last is there by force; with REF_SELECT_ABOVE no more than the distance of any score
 * from the threshold. Slots that stay empty have the id REF_NO_EXPERT and weight 0. */
void ref_router(uint32_t *ids, float *weights, float *margin, const float *logits,
                const struct ref_router *r);

/* The `k` best of x [n], best first; of equal ones the smaller id; 1 <= k <= n. Values
 * that are infinite or no number are equal and best of all; -infinity is the least. */
struct ref_candidate {
    float value;
    uint32_t id;
};
void ref_pick(struct ref_candidate *best, uint32_t k, const float *x, uint32_t n);

/* 128 random bits of a counter and a key: Philox-4x32 with 10 rounds, Salmon et al.,
 * "Parallel random numbers: as easy as 1, 2, 3", SC 2011. */
void ref_philox(uint32_t out[4], const uint32_t counter[4], const uint32_t key[2]);

/* race[e], exponentially distributed with mean 1, independent for every seed, row, stream
 * and expert: whoever has the smallest race[e] / p[e] is drawn in proportion to p, the
 * next smallest from those left, and so on. Source: Efraimidis and Spirakis, "Weighted
 * random sampling with a reservoir", 2006. */
void ref_race(float *race, uint32_t n_expert, uint64_t seed, uint64_t row,
              uint32_t stream);

/* act(gate) * up, elementwise; alpha and limit for ACT_SWIGLU_CLAMPED. */
float ref_glu(enum act act, float gate, float up, float alpha, float limit);

/* Gated FFNs side by side: a bank of experts, or a dense FFN as a bank of one. */
struct ref_bank {
    const struct tensor *gate, *up, *down; /* gate == up: gate rows, then up rows */
    const float *gate_bias, *up_bias;      /* [n_expert][n_ff] or NULL */
    const float *down_bias;                /* [n_expert][n_embd] or NULL */
    const float *factor;                   /* [n_expert] on the result, or NULL */
    uint32_t n_ff;
    enum act act;
    float alpha, limit; /* of ACT_SWIGLU_CLAMPED */
    float scale;        /* on every result */
};
/* y[n_embd] += sum over slots k, in order, of scale * weights[k] * factor[e] *
 * (down_e glu(gate_e x + b, up_e x + b) + b), e = ids[k]; y is not x. */
void ref_bank(float *y, const float *x, const uint32_t *ids, const float *weights,
              uint32_t n_used, const struct ref_bank *b);

/* y[n_embd] += sum over slots k, in order, of weights[k] * down_e(glu(gate_e x, up_e x));
 * y is not x. A dense FFN is expert 0 with weight 1. */
void ref_experts(float *y, const float *x, const uint32_t *ids, const float *weights,
                 uint32_t n_used, enum act act, const struct tensor *gate,
                 const struct tensor *up, const struct tensor *down);

/* y[c] = gate[c] * sum over i < n_tap of w[c][i] * past[i][c], where past[i] is b * u
 * of the token n_tap - 1 - i before this one: past [n_tap][n], the last row is filled
 * here from b and u. Source: LFM2, arXiv 2511.23404, section 2. */
void ref_conv(float *y, float *past, const float *b, const float *gate, const float *u,
              const float *w, uint32_t n, uint32_t n_tap);

/* The whole model, one token at a time. */
struct ref_state;
/* NULL when memory ran out. */
struct ref_state *ref_open(const struct lem_model *m, uint32_t n_ctx);
void ref_close(struct ref_state **s);
/* Run one token (0 <= id < n_vocab) at the next position (below n_ctx). logits
 * [n_vocab], ids and weights [n_layer_moe][n_expert_used] and margin [n_layer_moe]
 * may each be NULL. */
void ref_token(struct ref_state *s, int32_t id, float *logits, uint32_t *ids,
               float *weights, float *margin);

#endif
