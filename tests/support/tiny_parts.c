/* tiny_parts.c - the tensors of a tiny model's layer, by the parts that it has. */
#include "support/tiny_maker.h"

static bool has(const struct tiny_maker *m, uint32_t part)
{
    return (m->t->parts & part) != 0;
}

static void put_layer_matrix(struct tiny_maker *m, uint32_t i, const char *suffix,
                             uint32_t type, uint32_t n_col, uint32_t n_row)
{
    tiny_put_matrix(m, tiny_in_layer(m, i, suffix), type, n_col, n_row, 1);
}

static void put_bank(struct tiny_maker *m, uint32_t i, const char *suffix, uint32_t n_col,
                     uint32_t n_row)
{
    tiny_put_matrix(m, tiny_in_layer(m, i, suffix), m->t->ffn, n_col, n_row,
                    m->t->n_expert);
}

static void put_layer_norm(struct tiny_maker *m, uint32_t i, const char *suffix,
                           uint32_t n)
{
    tiny_put_norm(m, tiny_in_layer(m, i, suffix), n);
}

static void put_layer_bias(struct tiny_maker *m, uint32_t i, const char *suffix,
                           uint32_t n, uint32_t n_row)
{
    tiny_put_bias(m, tiny_in_layer(m, i, suffix), n, n_row);
}

/* ---- what mixes tokens ------------------------------------------------------------ */

static void put_convolution(struct tiny_maker *m, uint32_t i)
{
    const struct tiny *t = m->t;
    put_layer_matrix(m, i, "shortconv.in_proj.weight", t->attn, t->n_embd, 3 * t->n_embd);
    put_layer_bias(m, i, "shortconv.conv.weight", t->n_conv, t->n_embd);
    put_layer_matrix(m, i, "shortconv.out_proj.weight", t->attn, t->n_embd, t->n_embd);
}

static void put_latent(struct tiny_maker *m, uint32_t i)
{
    const struct tiny *t = m->t;
    const uint32_t n_q = t->n_head * (t->nope + t->n_rot);
    if (t->q_lora) {
        put_layer_matrix(m, i, "attn_q_a.weight", t->attn, t->n_embd, t->q_lora);
        put_layer_norm(m, i, "attn_q_a_norm.weight", t->q_lora);
        put_layer_matrix(m, i, "attn_q_b.weight", t->attn, t->q_lora, n_q);
    } else {
        put_layer_matrix(m, i, "attn_q.weight", t->attn, t->n_embd, n_q);
    }
    put_layer_matrix(m, i, "attn_kv_a_mqa.weight", t->attn, t->n_embd,
                     t->kv_lora + t->n_rot);
    put_layer_norm(m, i, "attn_kv_a_norm.weight", t->kv_lora);
    tiny_put_matrix(m, tiny_in_layer(m, i, "attn_k_b.weight"), t->attn, t->nope,
                    t->kv_lora, t->n_head);
    tiny_put_matrix(m, tiny_in_layer(m, i, "attn_v_b.weight"), t->attn, t->kv_lora,
                    t->value, t->n_head);
    put_layer_matrix(m, i, "attn_output.weight", t->attn, t->n_head * t->value,
                     t->n_embd);
}

/* q, k and v in one matrix or in three; the last may be absent. */
static void put_qkv(struct tiny_maker *m, uint32_t i, uint32_t n_q, uint32_t n_kv)
{
    const struct tiny *t = m->t;
    if (has(m, TINY_FUSED_QKV)) {
        put_layer_matrix(m, i, "attn_qkv.weight", t->attn, t->n_embd, n_q + 2 * n_kv);
        return;
    }
    put_layer_matrix(m, i, "attn_q.weight", t->attn, t->n_embd, n_q);
    put_layer_matrix(m, i, "attn_k.weight", t->attn, t->n_embd, n_kv);
    if (!t->v_of_windows_only || t->windowed[i])
        put_layer_matrix(m, i, "attn_v.weight", t->attn, t->n_embd, n_kv);
}

void tiny_put_attention(struct tiny_maker *m, uint32_t i)
{
    const struct tiny *t = m->t;
    const uint32_t n_head_kv = t->per_layer ? t->heads_kv[i] : t->n_head_kv;
    const uint32_t dim =
        t->windowed[i] && t->head_dim_window ? t->head_dim_window : t->head_dim;
    const uint32_t n_q = t->n_head * dim, n_kv = n_head_kv * dim;
    put_layer_norm(m, i, "attn_norm.weight", t->n_embd);
    if (has(m, TINY_NORM_BIAS))
        put_layer_bias(m, i, "attn_norm.bias", t->n_embd, 1);
    if (n_head_kv == 0) {
        put_convolution(m, i);
        return;
    }
    if (t->kv_lora) {
        put_latent(m, i);
        return;
    }
    put_qkv(m, i, n_q, n_kv);
    put_layer_matrix(m, i, "attn_output.weight", t->attn, n_q, t->n_embd);
    if (t->q_norm) {
        const bool by_head = t->q_norm == t->head_dim;
        put_layer_norm(m, i, "attn_q_norm.weight", by_head ? dim : t->q_norm);
        put_layer_norm(m, i, "attn_k_norm.weight", by_head ? dim : t->k_norm);
    }
    if (has(m, TINY_BRANCH_NORM))
        put_layer_norm(m, i, "post_attention_norm.weight", t->n_embd);
    if (has(m, TINY_OSS))
        put_layer_bias(m, i, "attn_sinks.weight", t->n_head, 1);
    if (!t->bias)
        return;
    put_layer_bias(m, i, "attn_q.bias", n_q, 1);
    put_layer_bias(m, i, "attn_k.bias", n_kv, 1);
    put_layer_bias(m, i, "attn_v.bias", n_kv, 1);
    put_layer_bias(m, i, "attn_output.bias", t->n_embd, 1);
}

/* ---- the feed-forward part ----------------------------------------------------------
 */

static void put_dense(struct tiny_maker *m, uint32_t i)
{
    const struct tiny *t = m->t;
    put_layer_matrix(m, i, "ffn_gate.weight", t->ffn, t->n_embd, t->n_ff);
    put_layer_matrix(m, i, "ffn_up.weight", t->ffn, t->n_embd, t->n_ff);
    put_layer_matrix(m, i, "ffn_down.weight", t->ffn, t->n_ff, t->n_embd);
}

static void put_experts(struct tiny_maker *m, uint32_t i)
{
    const struct tiny *t = m->t;
    const uint32_t n_exp = t->n_ff_exp ? t->n_ff_exp : t->n_ff;
    put_layer_matrix(m, i, "ffn_gate_inp.weight", QUANT_F32, t->n_embd, t->n_expert);
    if (has(m, TINY_BRANCH_NORM)) {
        put_bank(m, i, "ffn_gate_up_exps.weight", t->n_embd, 2 * n_exp);
    } else {
        put_bank(m, i, "ffn_gate_exps.weight", t->n_embd, n_exp);
        /* the other type: gate and up are not packed as one matrix then */
        tiny_put_matrix(m, tiny_in_layer(m, i, "ffn_up_exps.weight"),
                        t->up_exps ? t->up_exps : t->ffn, t->n_embd, n_exp, t->n_expert);
    }
    put_bank(m, i, "ffn_down_exps.weight", n_exp, t->n_embd);
    if (!has(m, TINY_OSS))
        return;
    put_layer_bias(m, i, "ffn_gate_inp.bias", t->n_expert, 1);
    put_layer_bias(m, i, "ffn_gate_exps.bias", n_exp, t->n_expert);
    put_layer_bias(m, i, "ffn_up_exps.bias", n_exp, t->n_expert);
    put_layer_bias(m, i, "ffn_down_exps.bias", t->n_embd, t->n_expert);
}

static void put_shared(struct tiny_maker *m, uint32_t i)
{
    const struct tiny *t = m->t;
    if (has(m, TINY_SWITCH))
        put_layer_matrix(m, i, "ffn_gate_inp_shexp.weight", QUANT_F32, t->n_embd, 1);
    put_layer_matrix(m, i, "ffn_gate_shexp.weight", t->ffn, t->n_embd, t->n_ff_shared);
    put_layer_matrix(m, i, "ffn_up_shexp.weight", t->ffn, t->n_embd, t->n_ff_shared);
    put_layer_matrix(m, i, "ffn_down_shexp.weight", t->ffn, t->n_ff_shared, t->n_embd);
}

/* A dense part beside the experts, and the norms of both. */
static void put_branches(struct tiny_maker *m, uint32_t i)
{
    const struct tiny *t = m->t;
    put_dense(m, i);
    put_layer_norm(m, i, "ffn_gate_inp.scale", t->n_embd);
    put_layer_norm(m, i, "ffn_down_exps.scale", t->n_expert);
    put_layer_norm(m, i, "post_ffw_norm_1.weight", t->n_embd);
    put_layer_norm(m, i, "pre_ffw_norm_2.weight", t->n_embd);
    put_layer_norm(m, i, "post_ffw_norm_2.weight", t->n_embd);
    put_layer_norm(m, i, "post_ffw_norm.weight", t->n_embd);
    put_layer_norm(m, i, "layer_output_scale.weight", 1);
}

void tiny_put_ffn(struct tiny_maker *m, uint32_t i)
{
    const struct tiny *t = m->t;
    put_layer_norm(
        m, i, has(m, TINY_POST_NORM) ? "post_attention_norm.weight" : "ffn_norm.weight",
        t->n_embd);
    if (has(m, TINY_NORM_BIAS))
        put_layer_bias(m, i, "ffn_norm.bias", t->n_embd, 1);
    if (t->n_expert == 0 || i < t->n_layer_dense_lead) {
        put_dense(m, i);
        return;
    }
    put_experts(m, i);
    if (has(m, TINY_SELECT))
        put_layer_bias(m, i, "exp_probs_b.bias", t->n_expert, 1);
    if (t->n_ff_shared)
        put_shared(m, i);
    if (has(m, TINY_BRANCH_NORM))
        put_branches(m, i);
}
