/* hparams_rope.c - rotary embedding: bases and the kinds of scaling. */
#include <math.h>
#include <string.h>

#include "base/log.h"
#include "model/hparams_parts.h"

static bool is_name(const struct gguf_str *s, const char *name)
{
    return s->len == strlen(name) && memcmp(s->ptr, name, (size_t)s->len) == 0;
}

/* Families with ARCH_YARN_LOG let the scores grow instead of cos and sin. */
static enum lem_status read_yarn(struct keys *r, struct hparams *hp,
                                 const struct arch_desc *arch)
{
    float own = 1, log_mul = 0;
    hp->rope_scaling = ROPE_SCALING_YARN;
    enum lem_status st =
        keys_f32(r, "rope.scaling.yarn_beta_fast", 0, 1e6f, &hp->rope_beta_fast);
    if (st == LEM_OK)
        st = keys_f32(r, "rope.scaling.yarn_beta_slow", 0, 1e6f, &hp->rope_beta_slow);
    if (st == LEM_OK)
        st = keys_f32(r, "rope.scaling.yarn_attn_factor", 1e-6f, 1e6f, &own);
    hp->rope_attn_factor *= own;
    hp->rope_grows = !(arch->keys & ARCH_YARN_LOG);
    if (st != LEM_OK || hp->rope_grows)
        return st;
    st = keys_f32(r, "rope.scaling.yarn_log_multiplier", 0, 1e3f, &log_mul);
    const float grow = 1 + log_mul * logf(fmaxf(1, hp->rope_scale_factor));
    for (uint32_t il = 0; il < hp->n_layer; il++)
        hp->layer[il].attn_scale *= grow * grow;
    return st;
}

/* Layers with a window rotate like the others unless the file says otherwise. */
static enum lem_status read_window_rope(struct keys *r, struct hparams *hp)
{
    const char *const base = "rope.freq_base_swa";
    const bool own_size = hp->n_rot_window && hp->n_rot_window != hp->n_rot;
    hp->rope_base_window = hp->rope_base;
    for (uint32_t il = 0; !own_size && !keys_stated(r, base) && il < hp->n_layer; il++)
        hp->layer[il].rope = ROPE_MAIN;
    return keys_f32(r, base, 1, 1e15f, &hp->rope_base_window);
}

static bool has_slot(const struct arch_desc *arch, enum arch_slot slot)
{
    for (uint32_t i = 0; arch->tensors[i]; i++)
        for (const struct arch_tensor *t = arch->tensors[i]; t->name; t++)
            if (t->slot == slot)
                return true;
    return false;
}

static enum lem_status read_kind(struct keys *r, struct hparams *hp,
                                 const struct arch_desc *arch,
                                 const struct gguf_str *type)
{
    const bool none = is_name(type, "none");
    if (none || hp->rope_scale_factor < 1e-6f)
        hp->rope_scale_factor = 1;
    if (is_name(type, "yarn"))
        return read_yarn(r, hp, arch);
    if (is_name(type, "longrope") && has_slot(arch, SLOT_ROPE_LONG))
        return LEM_OK; /* the divisors in the file are all of it */
    if (!none && !is_name(type, "linear"))
        return log_fail(&r->g->log, LEM_ERR_UNSUPPORTED,
                        "%s: key %s is \"%.*s\"; this build knows none, linear and yarn",
                        r->g->path, keys_full(r, "rope.scaling.type"),
                        (int)(type->len < 32 ? type->len : 32), type->ptr);
    if (hp->rope_scale_factor != 1)
        hp->rope_scaling = ROPE_SCALING_LINEAR;
    return LEM_OK;
}

/* The kind of scaling is linear unless stated; a factor of 0 or 1 means none. */
enum lem_status hparams_rope(struct keys *r, struct hparams *hp,
                             const struct arch_desc *arch)
{
    struct gguf_str type = {.ptr = "linear", .len = 6};
    hp->rope_base = 10000;
    hp->rope_scale_factor = hp->rope_attn_factor = 1;
    hp->rope_beta_fast = 32;
    hp->rope_beta_slow = 1;
    hp->rope_ctx_orig = hp->n_ctx_train;
    hp->rope_grows = true;

    enum lem_status st = keys_f32(r, "rope.freq_base", 1, 1e15f, &hp->rope_base);
    if (st == LEM_OK && keys_stated(r, "rope.scaling.type"))
        st = gguf_complain(r->g, r->key, gguf_get_str(r->g, r->key, &type), "a name");
    if (st == LEM_OK) /* the older name, then the newer one, which wins */
        st = keys_f32(r, "rope.scale_linear", 0, 1e6f, &hp->rope_scale_factor);
    if (st == LEM_OK)
        st = keys_f32(r, "rope.scaling.factor", 0, 1e6f, &hp->rope_scale_factor);
    if (st == LEM_OK)
        st = keys_f32(r, "rope.scaling.attn_factor", 1e-6f, 1e6f, &hp->rope_attn_factor);
    if (st == LEM_OK)
        st = keys_u32(r, "rope.scaling.original_context_length", 1, MAX_CTX,
                      &hp->rope_ctx_orig);
    if (st == LEM_OK)
        st = read_kind(r, hp, arch, &type);
    return st == LEM_OK ? read_window_rope(r, hp) : st;
}
