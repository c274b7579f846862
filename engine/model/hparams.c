/* hparams.c - metadata -> numbers, each within its allowed range: the sizes of the
 * whole model, its multipliers, and keys that nothing here computes with. */
#include "model/hparams.h"

#include <inttypes.h>
#include <math.h>

#include "base/log.h"
#include "model/hparams_parts.h"

static enum lem_status read_sizes(struct keys *r, struct hparams *hp,
                                  const struct arch_desc *arch)
{
    enum lem_status st = keys_need_u32(r, "block_count", 1, MAX_LAYER, &hp->n_layer);
    if (st == LEM_OK && arch->keys & ARCH_NEXTN)
        st = keys_u32(r, "nextn_predict_layers", 0, hp->n_layer - 1, &hp->n_layer_extra);
    hp->n_layer -= hp->n_layer_extra;
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
    uint32_t stated = hp->n_vocab; /* fewer than the rows is fair: those may be padded */
    return keys_u32(r, "vocab_size", 1, hp->n_vocab, &stated);
}

static enum lem_status read_multipliers(struct keys *r, struct hparams *hp,
                                        const struct arch_desc *arch)
{
    enum lem_status st = LEM_OK;
    float divisor = 1;
    hp->embd_scale = arch->embd_root ? sqrtf((float)hp->n_embd) : 1;
    hp->residual_scale = 1;
    if (arch->keys & ARCH_MULTIPLIERS) {
        st = keys_f32(r, "embedding_scale", 1e-6f, 1e6f, &hp->embd_scale);
        if (st == LEM_OK)
            st = keys_f32(r, "residual_scale", 1e-6f, 1e6f, &hp->residual_scale);
        if (st == LEM_OK)
            st = keys_f32(r, "logit_scale", 1e-6f, 1e6f, &divisor);
    }
    hp->logit_scale = 1 / divisor;
    if (st == LEM_OK && arch->keys & ARCH_LOGIT_CAP)
        st = keys_f32(r, "final_logit_softcapping", 0, 1e6f, &hp->logit_softcap);
    return st;
}

/* Keys that change the computation in ways that no step knows, or that this family's
 * steps do not: ignoring them would give wrong answers. Two values of each say that
 * the thing is not in use. */
static enum lem_status check_unknown(struct keys *r, const struct arch_desc *arch)
{
    static const struct {
        const char *suffix;
        float off, neutral;
        uint32_t honoured; /* ARCH_…: families that compute with it */
    } rows[] = {
        {"expert_shared_count", 0, 0, ARCH_SHARED},
        {"moe_every_n_layers", 0, 1, 0},
        {"interleave_moe_layer_step", 0, 1, 0},
        {"nextn_predict_layers", 0, 0, ARCH_NEXTN},
        {"attention.clamp_kqv", 0, 0, 0},
        {"attention.max_alibi_bias", 0, 0, 0},
        {"attention.shared_kv_layers", 0, 0, 0},
        {"embedding_length_per_layer_input", 0, 0, 0},
        {"attn_logit_softcapping", 0, 0, 0},
        {"final_logit_softcapping", 0, 0, ARCH_LOGIT_CAP},
        {"logit_scale", 0, 1, ARCH_MULTIPLIERS},
        {"embedding_scale", 0, 1, ARCH_MULTIPLIERS},
        {"residual_scale", 0, 1, ARCH_MULTIPLIERS},
        {"rope.scaling.yarn_ext_factor", -1, 1, 0},
        {"rope.scaling.yarn_log_multiplier", 0, 0, ARCH_YARN_LOG},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        float v = 0;
        uint32_t n = 0;
        if (arch->keys & rows[i].honoured || !keys_stated(r, rows[i].suffix))
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
                             const struct arch_desc *arch, struct arena *arena)
{
    struct keys r;
    *hp = (struct hparams){0};
    enum lem_status st = keys_open(&r, g);
    if (st == LEM_OK)
        st = read_sizes(&r, hp, arch);
    if (st == LEM_OK)
        st = read_vocab(&r, hp);
    if (st == LEM_OK)
        st = hparams_attn(&r, hp, arch, arena);
    if (st == LEM_OK)
        st = hparams_ffn(&r, hp, arch);
    if (st == LEM_OK)
        st = hparams_rope(&r, hp, arch);
    if (st == LEM_OK)
        st = read_multipliers(&r, hp, arch);
    if (st == LEM_OK)
        st = check_unknown(&r, arch);
    return st;
}
