/* hparams_ffn.c - the feed-forward part: widths, experts, the router in force. */
#include <inttypes.h>
#include <stdio.h>

#include "base/log.h"
#include "model/hparams_parts.h"

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
    const bool dense = hp->n_expert == 0 || hp->n_layer_dense_lead > 0 ||
                       arch_has_step(arch->layer_moe, STEP_FFN);
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

/* Files state the width of shared experts in several ways; their tensors say it. */
static enum lem_status read_shared(struct keys *r, struct hparams *hp,
                                   const struct arch_desc *arch)
{
    if (!(arch->keys & ARCH_SHARED) || hp->n_expert == 0)
        return LEM_OK;
    char name[64];
    snprintf(name, sizeof name, "blk.%" PRIu32 ".ffn_gate_shexp.weight",
             hp->n_layer_dense_lead);
    const struct gguf_tensor *t = gguf_find_tensor(r->g, name);
    enum lem_status st =
        keys_u32(r, "expert_shared_count", 0, MAX_EXPERT, &hp->n_expert_shared);
    if (st != LEM_OK)
        return st;
    if (!t && hp->n_expert_shared)
        return log_fail(&r->g->log, LEM_ERR_FORMAT,
                        "%s: tensor %s is missing, but key %s is %" PRIu32
                        "; the file is incomplete: download or convert it again",
                        r->g->path, name, r->key, hp->n_expert_shared);
    if (t && (t->dim[1] == 0 || t->dim[1] > MAX_FF))
        return log_fail(&r->g->log, LEM_ERR_FORMAT,
                        "%s: %s has %" PRIu64 " rows, expected 1 to %d; the file is "
                        "damaged: convert it again",
                        r->g->path, name, t->dim[1], MAX_FF);
    hp->n_ff_shared = t ? (uint32_t)t->dim[1] : 0;
    if (t && hp->n_expert_shared == 0)
        hp->n_expert_shared = 1;
    return LEM_OK;
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
    hp->n_group = hp->n_group_used = 1;
    hp->score = desc->score;
    if (hp->n_expert == 0)
        return LEM_OK;

    enum lem_status st = keys_u32(r, "expert_gating_func", 0, 3, &score);
    if (score)
        hp->score = by_number[score];
    hp->group_top = desc->group_top[hp->score] ? desc->group_top[hp->score] : 1;
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

enum lem_status hparams_ffn(struct keys *r, struct hparams *hp,
                            const struct arch_desc *arch)
{
    enum lem_status st = read_ffn(r, hp, arch);
    if (st == LEM_OK)
        st = read_shared(r, hp, arch);
    if (st == LEM_OK)
        st = read_router(r, hp, &arch->router);
    return st;
}
