/* hparams.c - metadata -> numbers, each within its allowed range. The ranges are
 * wide enough for any model and small enough that no product of two of them
 * overflows 64 bits. */
#include "model/hparams.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/log.h"
#include "model/keys.h"

enum {
    MAX_LAYER = 4096,
    MAX_EMBD = 1 << 20,
    MAX_CTX = 1 << 30,
    MAX_HEAD = 1 << 14,
    MAX_HEAD_DIM = 1024,
    MAX_FF = 1 << 22,
    MAX_EXPERT = 65535,
    MAX_VOCAB = 1 << 24
};

static enum lem_status read_sizes(struct keys *r, struct hparams *hp)
{
    enum lem_status st = keys_need_u32(r, "block_count", 1, MAX_LAYER, &hp->n_layer);
    if (st == LEM_OK)
        st = keys_need_u32(r, "embedding_length", 1, MAX_EMBD, &hp->n_embd);
    if (st == LEM_OK)
        st = keys_need_u32(r, "context_length", 1, MAX_CTX, &hp->n_ctx_train);
    if (st != LEM_OK)
        return st;
    if (!keys_stated(r, "attention.layer_norm_rms_epsilon"))
        return gguf_complain(r->g, r->key, GGUF_MISSING, "a small number above 0");
    return keys_f32(r, "attention.layer_norm_rms_epsilon", 1e-15f, 1, &hp->norm_eps);
}

/* The vocabulary is what the embedding has rows for; the tokenizer must agree. */
static enum lem_status read_vocab(struct keys *r, struct hparams *hp)
{
    static const char embd[] = "token_embd.weight", tokens[] = "tokenizer.ggml.tokens";
    const struct gguf_tensor *t = gguf_find_tensor(r->g, embd);
    const struct gguf_kv *kv = gguf_find_kv(r->g, tokens);
    if (!t)
        return log_fail(&r->g->log, LEM_ERR_FORMAT,
                        "%s: tensor %s is missing; the file holds no weights, or not "
                        "all of them: download or convert it again",
                        r->g->path, embd);
    if (t->dim[1] > MAX_VOCAB)
        return log_fail(&r->g->log, LEM_ERR_FORMAT,
                        "%s: %s has %" PRIu64
                        " rows, at most %d tokens are possible; the file is damaged",
                        r->g->path, embd, t->dim[1], MAX_VOCAB);
    hp->n_vocab = (uint32_t)t->dim[1];
    if (kv && kv->count != hp->n_vocab)
        return log_fail(&r->g->log, LEM_ERR_FORMAT,
                        "%s: %s has %" PRIu32 " rows, but %s lists %" PRIu64
                        " tokens; the file contradicts itself: convert it again",
                        r->g->path, embd, hp->n_vocab, tokens, kv->count);
    return LEM_OK;
}

static enum lem_status check_heads(struct keys *r, const struct hparams *hp,
                                   uint32_t value_dim)
{
    const char *path = r->g->path, *p = r->prefix;
    if (hp->n_head % hp->n_head_kv)
        return log_fail(&r->g->log, LEM_ERR_FORMAT,
                        "%s: %s.attention.head_count %" PRIu32
                        " is no multiple of %s.attention.head_count_kv %" PRIu32
                        "; the file is damaged: convert it again",
                        path, p, hp->n_head, p, hp->n_head_kv);
    if (hp->head_dim % 4)
        return log_fail(&r->g->log, LEM_ERR_UNSUPPORTED,
                        "%s: heads of %" PRIu32
                        " values (%s.attention.key_length, or embedding_length / "
                        "head_count); only multiples of 4 can run",
                        path, hp->head_dim, p);
    if (value_dim != hp->head_dim)
        return log_fail(&r->g->log, LEM_ERR_UNSUPPORTED,
                        "%s: %s.attention.value_length %" PRIu32
                        " is not the key length %" PRIu32
                        "; this build runs only models where they are equal",
                        path, p, value_dim, hp->head_dim);
    if (hp->n_rot % 2)
        return log_fail(&r->g->log, LEM_ERR_FORMAT,
                        "%s: %s.rope.dimension_count %" PRIu32
                        " is odd, but values rotate in pairs; the file is damaged",
                        path, p, hp->n_rot);
    return LEM_OK;
}

static enum lem_status read_heads(struct keys *r, struct hparams *hp)
{
    enum lem_status st =
        keys_need_u32(r, "attention.head_count", 1, MAX_HEAD, &hp->n_head);
    if (st != LEM_OK)
        return st;
    hp->n_head_kv = hp->n_head;
    st = keys_u32(r, "attention.head_count_kv", 1, hp->n_head, &hp->n_head_kv);
    if (st != LEM_OK)
        return st;

    if (keys_stated(r, "attention.key_length")) {
        st = keys_u32(r, "attention.key_length", 1, MAX_HEAD_DIM, &hp->head_dim);
        if (st != LEM_OK)
            return st;
    } else {
        hp->head_dim = hp->n_embd / hp->n_head;
        if (hp->n_embd % hp->n_head || hp->head_dim > MAX_HEAD_DIM)
            return log_fail(
                &r->g->log, LEM_ERR_FORMAT,
                "%s: %" PRIu32 " values (%s.embedding_length) do not make %" PRIu32
                " heads (%s.attention.head_count) of at most %d; "
                "the file is damaged: convert it again",
                r->g->path, hp->n_embd, r->prefix, hp->n_head, r->prefix, MAX_HEAD_DIM);
    }
    hp->n_rot = hp->head_dim;
    st = keys_u32(r, "rope.dimension_count", 2, hp->head_dim, &hp->n_rot);

    uint32_t value_dim = hp->head_dim;
    if (st == LEM_OK)
        st = keys_u32(r, "attention.value_length", 1, MAX_HEAD_DIM, &value_dim);
    hp->attn_scale = 1.0f / sqrtf((float)hp->head_dim);
    if (st == LEM_OK)
        st = keys_f32(r, "attention.scale", 1e-6f, 1e6f, &hp->attn_scale);
    return st == LEM_OK ? check_heads(r, hp, value_dim) : st;
}

/* Does the family have the kind of layers that the file asks for? */
static enum lem_status check_kind(struct keys *r, const struct hparams *hp,
                                  const struct arch_desc *arch)
{
    const bool any_dense = hp->n_expert == 0 || hp->n_layer_dense_lead > 0;
    if (hp->n_expert == 0 && !arch->layer_dense)
        return log_fail(&r->g->log, LEM_ERR_FORMAT,
                        "%s: key %s.expert_count is missing or 0, but every %s model "
                        "has experts; convert it again",
                        r->g->path, r->prefix, arch->title);
    if (any_dense && !arch->layer_dense)
        return log_fail(&r->g->log, LEM_ERR_UNSUPPORTED,
                        "%s: %s.leading_dense_block_count is %" PRIu32
                        ", but %s models have no dense blocks here",
                        r->g->path, r->prefix, hp->n_layer_dense_lead, arch->title);
    if (hp->n_expert && !arch->layer_moe)
        return log_fail(&r->g->log, LEM_ERR_UNSUPPORTED,
                        "%s: %s.expert_count is %" PRIu32
                        ", but %s models run without experts only",
                        r->g->path, r->prefix, hp->n_expert, arch->title);
    return LEM_OK;
}

static enum lem_status read_ffn(struct keys *r, struct hparams *hp,
                                const struct arch_desc *arch)
{
    uint32_t width = 0;
    enum lem_status st = keys_u32(r, "feed_forward_length", 0, MAX_FF, &width);
    if (st == LEM_OK)
        st = keys_u32(r, "expert_count", 0, MAX_EXPERT, &hp->n_expert);
    if (st == LEM_OK && hp->n_expert)
        st = keys_u32(r, "leading_dense_block_count", 0, hp->n_layer - 1,
                      &hp->n_layer_dense_lead);
    if (st == LEM_OK)
        st = check_kind(r, hp, arch);
    if (st != LEM_OK)
        return st;

    if (hp->n_expert) {
        hp->n_ff_exp = width;
        st = keys_need_u32(r, "expert_used_count", 1, hp->n_expert, &hp->n_expert_used);
        if (st == LEM_OK)
            st = keys_u32(r, "expert_feed_forward_length", 1, MAX_FF, &hp->n_ff_exp);
    }
    const bool dense = hp->n_expert == 0 || hp->n_layer_dense_lead > 0;
    if (dense)
        hp->n_ff = width;
    const bool lacks_width = (dense && !hp->n_ff) || (hp->n_expert && !hp->n_ff_exp);
    if (st == LEM_OK && lacks_width) {
        const bool zero = keys_stated(r, "feed_forward_length");
        st = gguf_complain(r->g, r->key, zero ? GGUF_OUT_OF_RANGE : GGUF_MISSING,
                           "the width of the feed-forward layers");
    }
    return st;
}

static enum lem_status check_groups(struct keys *r, const struct hparams *hp)
{
    if (hp->n_expert % hp->n_group)
        return log_fail(&r->g->log, LEM_ERR_FORMAT,
                        "%s: %s.expert_count %" PRIu32
                        " does not split into %s.expert_group_count %" PRIu32
                        " equal groups; the file is damaged: convert it again",
                        r->g->path, r->prefix, hp->n_expert, r->prefix, hp->n_group);
    if (hp->n_expert / hp->n_group * hp->n_group_used < hp->n_expert_used)
        return log_fail(&r->g->log, LEM_ERR_FORMAT,
                        "%s: %" PRIu32 " groups (%s.expert_group_used_count) of %" PRIu32
                        " experts are fewer than %s.expert_used_count %" PRIu32
                        "; the file is damaged: convert it again",
                        r->g->path, hp->n_group_used, r->prefix,
                        hp->n_expert / hp->n_group, r->prefix, hp->n_expert_used);
    return LEM_OK;
}

/* The descriptor's router, overridden by what the file states. */
static enum lem_status read_router(struct keys *r, struct hparams *hp,
                                   const struct arch_router *desc)
{
    static const enum router_score by_number[] = {
        [1] = SCORE_SOFTMAX, [2] = SCORE_SIGMOID, [3] = SCORE_LOGIT};
    uint32_t score = 0;
    hp->router_scale = 1;
    hp->router_norm_eps = desc->norm_eps;
    hp->router_normalise = desc->normalise;
    hp->group_top = desc->group_top ? desc->group_top : 1;
    hp->n_group = hp->n_group_used = 1;
    hp->score = desc->score;
    if (hp->n_expert == 0)
        return LEM_OK;

    enum lem_status st = keys_u32(r, "expert_gating_func", 0, 3, &score);
    if (score)
        hp->score = by_number[score];
    if (st == LEM_OK)
        st = keys_bool(r, "expert_weights_norm", &hp->router_normalise);
    if (st == LEM_OK)
        st = keys_f32(r, "expert_weights_scale", 0, 1e6f, &hp->router_scale);
    if (st == LEM_OK)
        st = keys_u32(r, "expert_group_count", 0, hp->n_expert, &hp->n_group);
    if (st != LEM_OK)
        return st;
    /* Some tools write 0 for "none". */
    if (hp->router_scale == 0)
        hp->router_scale = 1;
    if (hp->n_group == 0)
        hp->n_group = 1;
    hp->n_group_used = hp->n_group;
    st = keys_u32(r, "expert_group_used_count", 0, hp->n_group, &hp->n_group_used);
    if (hp->n_group_used == 0)
        hp->n_group_used = hp->n_group;
    return st == LEM_OK ? check_groups(r, hp) : st;
}

static bool is_name(const struct gguf_str *s, const char *name)
{
    return s->len == strlen(name) && memcmp(s->ptr, name, (size_t)s->len) == 0;
}

static enum lem_status read_yarn(struct keys *r, struct hparams *hp)
{
    float own = 1;
    hp->rope_scaling = ROPE_SCALING_YARN;
    enum lem_status st = keys_u32(r, "rope.scaling.original_context_length", 1, MAX_CTX,
                                  &hp->rope_ctx_orig);
    if (st == LEM_OK)
        st = keys_f32(r, "rope.scaling.yarn_beta_fast", 0, 1e6f, &hp->rope_beta_fast);
    if (st == LEM_OK)
        st = keys_f32(r, "rope.scaling.yarn_beta_slow", 0, 1e6f, &hp->rope_beta_slow);
    if (st == LEM_OK)
        st = keys_f32(r, "rope.scaling.yarn_attn_factor", 1e-6f, 1e6f, &own);
    hp->rope_attn_factor *= own;
    return st;
}

/* The kind of scaling is linear unless stated; a factor of 0 or 1 means none. */
static enum lem_status read_rope(struct keys *r, struct hparams *hp)
{
    struct gguf_str type = {.ptr = "linear", .len = 6};
    hp->rope_base = 10000;
    hp->rope_scale_factor = hp->rope_attn_factor = 1;
    hp->rope_beta_fast = 32;
    hp->rope_beta_slow = 1;
    hp->rope_ctx_orig = hp->n_ctx_train;

    enum lem_status st = keys_f32(r, "rope.freq_base", 1, 1e15f, &hp->rope_base);
    if (st == LEM_OK && keys_stated(r, "rope.scaling.type"))
        st = gguf_complain(r->g, r->key, gguf_get_str(r->g, r->key, &type), "a name");
    if (st == LEM_OK) /* the older name, then the newer one, which wins */
        st = keys_f32(r, "rope.scale_linear", 0, 1e6f, &hp->rope_scale_factor);
    if (st == LEM_OK)
        st = keys_f32(r, "rope.scaling.factor", 0, 1e6f, &hp->rope_scale_factor);
    if (st == LEM_OK)
        st = keys_f32(r, "rope.scaling.attn_factor", 1e-6f, 1e6f, &hp->rope_attn_factor);
    if (st != LEM_OK)
        return st;

    const bool none = is_name(&type, "none");
    if (none || hp->rope_scale_factor < 1e-6f)
        hp->rope_scale_factor = 1;
    if (is_name(&type, "yarn"))
        return read_yarn(r, hp);
    if (!none && !is_name(&type, "linear"))
        return log_fail(&r->g->log, LEM_ERR_UNSUPPORTED,
                        "%s: key %s is \"%.*s\"; this build knows none, linear and yarn",
                        r->g->path, keys_full(r, "rope.scaling.type"),
                        (int)(type.len < 32 ? type.len : 32), type.ptr);
    if (hp->rope_scale_factor != 1)
        hp->rope_scaling = ROPE_SCALING_LINEAR;
    return LEM_OK;
}

/* A window as wide as the context cuts nothing. */
static enum lem_status check_window(struct keys *r, const struct hparams *hp)
{
    uint32_t window = 0;
    enum lem_status st = keys_u32(r, "attention.sliding_window", 0, UINT32_MAX, &window);
    if (st == LEM_OK && window && window < hp->n_ctx_train)
        st = log_fail(&r->g->log, LEM_ERR_UNSUPPORTED,
                      "%s: key %s is %" PRIu32 ", below the context length %" PRIu32
                      "; attention over a window cannot run yet",
                      r->g->path, r->key, window, hp->n_ctx_train);
    return st;
}

/* Keys that change the computation in ways that no step knows: ignoring them would
 * give wrong answers. Two values of each say that the thing is not in use. */
static enum lem_status check_unknown(struct keys *r)
{
    static const struct {
        const char *suffix;
        float off, neutral;
    } rows[] = {
        {"expert_shared_count", 0, 0},
        {"moe_every_n_layers", 0, 1},
        {"interleave_moe_layer_step", 0, 1},
        {"nextn_predict_layers", 0, 0},
        {"attention.clamp_kqv", 0, 0},
        {"attention.max_alibi_bias", 0, 0},
        {"attn_logit_softcapping", 0, 0},
        {"final_logit_softcapping", 0, 0},
        {"logit_scale", 0, 1},
        {"embedding_scale", 0, 1},
        {"residual_scale", 0, 1},
        {"rope.scaling.yarn_ext_factor", -1, 1},
        {"rope.scaling.yarn_log_multiplier", 0, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        float v = 0;
        uint32_t n = 0;
        if (!keys_stated(r, rows[i].suffix))
            continue;
        if (gguf_get_u32(r->g, r->key, 0, UINT32_MAX, &n) == GGUF_FOUND) {
            v = (float)n;
        } else {
            const enum gguf_answer a = gguf_get_f32(r->g, r->key, &v);
            if (a != GGUF_FOUND)
                return gguf_complain(r->g, r->key, a, "a number");
        }
        if (v != rows[i].off && v != rows[i].neutral)
            return log_fail(&r->g->log, LEM_ERR_UNSUPPORTED,
                            "%s: key %s is %g, which asks for something that this build "
                            "cannot compute; only %g can run",
                            r->g->path, r->key, (double)v, (double)rows[i].neutral);
    }
    return LEM_OK;
}

enum lem_status hparams_read(struct hparams *hp, const struct gguf *g,
                             const struct arch_desc *arch)
{
    struct keys r;
    *hp = (struct hparams){0};
    enum lem_status st = keys_open(&r, g);
    if (st == LEM_OK)
        st = read_sizes(&r, hp);
    if (st == LEM_OK)
        st = read_vocab(&r, hp);
    if (st == LEM_OK)
        st = read_heads(&r, hp);
    if (st == LEM_OK)
        st = read_ffn(&r, hp, arch);
    if (st == LEM_OK)
        st = read_router(&r, hp, &arch->router);
    if (st == LEM_OK)
        st = read_rope(&r, hp);
    if (st == LEM_OK)
        st = check_window(&r, hp);
    if (st == LEM_OK)
        st = check_unknown(&r);
    return st;
}
