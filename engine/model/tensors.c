/* tensors.c - the descriptor's tensor lists -> checked views into the mapped file.
 * Each view has the shape that the metadata asks for and a type with a decoder. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "model/parts.h"

enum { MAX_NAME = 96, MAX_TEXT = 160 };

struct binder {
    struct lem_model *m;
    const char *path;
    const char *arch; /* general.architecture: keys start with it */
    bool *used;       /* [n_tensor of the file] */
    uint64_t n_used;
};

/* What a size is, for messages: "%s" is the architecture's name. */
static const char *const dim_source[DIM_COUNT] = {
    [DIM_NONE] = "the number of further sizes",
    [DIM_EMBD] = "%s.embedding_length",
    [DIM_EMBD_3] = "3 x %s.embedding_length",
    [DIM_VOCAB] = "the rows of token_embd.weight",
    [DIM_Q] = "%s.attention.head_count x the head size",
    [DIM_KV] = "%s.attention.head_count_kv x the head size",
    [DIM_QKV] = "(%s.attention.head_count + 2 head_count_kv) x the head size",
    [DIM_ATT] = "%s.attention.head_count x the size of a value",
    [DIM_HEAD] = "%s.attention.key_length, or embedding_length / head_count",
    [DIM_N_HEAD] = "%s.attention.head_count",
    [DIM_Q_LORA] = "%s.attention.q_lora_rank",
    [DIM_KV_LORA] = "%s.attention.kv_lora_rank",
    [DIM_KV_LORA_ROT] = "%s.attention.kv_lora_rank + rope.dimension_count",
    [DIM_NOPE] = "%s.attention.key_length_mla - rope.dimension_count",
    [DIM_VALUE] = "%s.attention.value_length_mla",
    [DIM_CONV] = "%s.shortconv.l_cache",
    [DIM_EXPERT] = "%s.expert_count",
    [DIM_FF] = "%s.feed_forward_length",
    [DIM_FF_EXP] = "%s.expert_feed_forward_length, or feed_forward_length",
    [DIM_FF_EXP_2] = "2 x %s.expert_feed_forward_length",
    [DIM_FF_SHARED] = "the rows of the first ffn_gate_shexp.weight",
    [DIM_ROT_HALF] = "half of %s.rope.dimension_count",
};

static uint32_t attn_dim(const struct hparams *hp, const struct layer_hparams *l,
                         enum arch_dim dim)
{
    const bool latent = hp->latent.kv_lora > 0;
    switch (dim) {
    case DIM_Q:
        return l->n_head * (latent ? hp->latent.nope + hp->n_rot : l->head_dim);
    case DIM_KV:
        return l->n_head_kv * l->head_dim;
    case DIM_QKV:
        return (l->n_head + 2 * l->n_head_kv) * l->head_dim;
    case DIM_ATT:
        return l->n_head * (latent ? hp->latent.value : l->head_dim_v);
    case DIM_HEAD:
        return l->head_dim;
    case DIM_N_HEAD:
        return l->n_head;
    default:
        return 0;
    }
}

/* `layer` matters for sizes that may differ between layers. */
static uint32_t dim_value(const struct hparams *hp, uint32_t layer, enum arch_dim dim)
{
    const uint32_t of_model[DIM_COUNT] = {
        [DIM_NONE] = 1,
        [DIM_EMBD] = hp->n_embd,
        [DIM_EMBD_3] = 3 * hp->n_embd,
        [DIM_VOCAB] = hp->n_vocab,
        [DIM_Q_LORA] = hp->latent.q_lora,
        [DIM_KV_LORA] = hp->latent.kv_lora,
        [DIM_KV_LORA_ROT] = hp->latent.kv_lora + hp->n_rot,
        [DIM_NOPE] = hp->latent.nope,
        [DIM_VALUE] = hp->latent.value,
        [DIM_CONV] = hp->n_conv,
        [DIM_EXPERT] = hp->n_expert,
        [DIM_FF] = hp->n_ff,
        [DIM_FF_EXP] = hp->n_ff_exp,
        [DIM_FF_EXP_2] = 2 * hp->n_ff_exp,
        [DIM_FF_SHARED] = hp->n_ff_shared,
        [DIM_ROT_HALF] = hp->n_rot / 2,
    };
    return of_model[dim] ? of_model[dim] : attn_dim(hp, &hp->layer[layer], dim);
}

/* "[64][32][8]", innermost first as in the file, without sizes of 1 at the end. */
static void print_shape(char *text, const uint64_t *dim)
{
    uint32_t n = GGUF_MAX_DIM;
    int at = 0;
    while (n > 1 && dim[n - 1] == 1)
        n--;
    for (uint32_t i = 0; i < n; i++)
        at += snprintf(text + at, MAX_TEXT - (size_t)at, "[%" PRIu64 "]", dim[i]);
}

static enum lem_status bad_shape(const struct binder *b, const struct gguf_tensor *t,
                                 const uint64_t *want, uint64_t differs,
                                 enum arch_dim dim)
{
    char found[MAX_TEXT], expected[MAX_TEXT], source[MAX_TEXT];
    print_shape(found, t->dim);
    print_shape(expected, want);
    snprintf(source, sizeof source, dim_source[dim], b->arch);
    return log_fail(&b->m->file->log, LEM_ERR_FORMAT,
                    "%s: %s: shape %s, expected %s: %" PRIu64
                    " is %s. The file is damaged or converted by an old tool: convert it "
                    "again.",
                    b->path, t->name, found, expected, differs, source);
}

static enum lem_status check_shape(const struct binder *b, const struct gguf_tensor *t,
                                   const struct arch_tensor *row, uint32_t layer)
{
    uint64_t want[GGUF_MAX_DIM] = {1, 1, 1, 1};
    for (uint32_t i = 0; i < 3; i++)
        want[i] = dim_value(&b->m->hp, layer, row->dim[i]);
    for (uint32_t i = 0; i < GGUF_MAX_DIM; i++)
        if (t->dim[i] != want[i])
            return bad_shape(b, t, want, want[i], i < 3 ? row->dim[i] : DIM_NONE);
    return LEM_OK;
}

/* Early Mixtral files have a tensor per expert: blk.0.ffn_gate.0.weight */
static bool has_split_experts(const struct gguf *g)
{
    return gguf_find_tensor(g, "blk.0.ffn_gate.0.weight") != NULL;
}

static enum lem_status missing(const struct binder *b, const struct arch_tensor *row,
                               const char *name)
{
    const struct lem_model *m = b->m;
    if (row->need == NEED_IF_MOE && has_split_experts(m->file))
        return log_fail(&m->file->log, LEM_ERR_UNSUPPORTED,
                        "%s: tensor %s is missing; the file has one tensor per expert "
                        "(blk.0.ffn_gate.0.weight), an old layout of Mixtral files. "
                        "Convert it again with a current tool.",
                        b->path, name);
    return log_fail(&m->file->log, LEM_ERR_FORMAT,
                    "%s: tensor %s is missing; %s models of %" PRIu32
                    " blocks (%s.block_count) and %" PRIu32
                    " experts (%s.expert_count) have it. The file is incomplete: "
                    "download or convert it again.",
                    b->path, name, m->arch->title, m->hp.n_layer, b->arch, m->hp.n_expert,
                    b->arch);
}

static enum lem_status bind_found(struct binder *b, const struct arch_tensor *row,
                                  const struct gguf_tensor *t, uint32_t layer,
                                  struct tensor *out)
{
    enum lem_status st = check_shape(b, t, row, layer);
    if (st != LEM_OK)
        return st;
    if (!t->type->decode)
        return log_fail(&b->m->file->log, LEM_ERR_UNSUPPORTED,
                        "%s: tensor %s is of type %s, which this build cannot run yet; "
                        "requantize the model, for example with llama-quantize to Q4_K_M",
                        b->path, t->name, t->type->name);
    *out = (struct tensor){
        .file = t,
        .type = t->type,
        .n_mat = (uint32_t)t->dim[2], /* check_shape: equal to 32-bit sizes */
        .n_row = (uint32_t)t->dim[1],
        .n_col = (uint32_t)t->dim[0],
        .data = t->data,
        .bytes = t->bytes,
    };
    const uint64_t index = (uint64_t)(t - b->m->file->tensor);
    b->n_used += !b->used[index];
    b->used[index] = true;
    return LEM_OK;
}

/* Does the layer have what the need is about? */
static bool applies(const struct lem_model *m, enum arch_need need, bool moe,
                    uint32_t layer)
{
    const bool has_state = m->hp.layer[layer].has_state;
    switch (need) {
    case NEED_ALWAYS:
    case NEED_OPTIONAL:
        return true;
    case NEED_IF_MOE:
        return moe;
    case NEED_IF_DENSE:
        return !moe;
    case NEED_IF_ATTN:
        return !has_state;
    case NEED_IF_STATE:
        return has_state;
    case NEED_IF_SHARED:
        return moe && m->hp.n_ff_shared > 0;
    case NEED_IF_Q_LORA:
        return m->hp.latent.q_lora > 0;
    case NEED_IF_Q_DIRECT:
        return m->hp.latent.q_lora == 0;
    }
    return true;
}

/* One row of a list, for one layer; `layer` is NULL for what belongs to none. */
static enum lem_status bind_one(struct binder *b, const struct arch_tensor *row,
                                struct model_layer *layer, uint32_t number)
{
    struct lem_model *m = b->m;
    char name[MAX_NAME];
    snprintf(name, sizeof name, row->name, number);
    const struct gguf_tensor *t = gguf_find_tensor(m->file, name);
    const bool moe = layer ? layer->moe : m->hp.n_expert > 0;

    if (!applies(m, row->need, moe, number)) {
        if (t && row->need == NEED_IF_MOE && m->hp.n_expert == 0)
            return log_fail(&m->file->log, LEM_ERR_FORMAT,
                            "%s: tensor %s belongs to experts, but key %s.expert_count "
                            "is missing or 0; the file contradicts itself: convert it "
                            "again",
                            b->path, name, b->arch);
        return LEM_OK;
    }
    if (!t)
        return row->need == NEED_OPTIONAL ? LEM_OK : missing(b, row, name);
    return bind_found(b, row, t, number,
                      layer ? &layer->t[row->slot - SLOT_GLOBAL_COUNT]
                            : &m->global[row->slot]);
}

static enum lem_status bind_list(struct binder *b, const struct arch_tensor *row)
{
    struct lem_model *m = b->m;
    enum lem_status st = LEM_OK;
    for (; st == LEM_OK && row->name; row++) {
        if (row->slot < SLOT_GLOBAL_COUNT)
            st = bind_one(b, row, NULL, 0);
        for (uint32_t i = 0; row->slot >= SLOT_GLOBAL_COUNT && i < m->hp.n_layer; i++)
            if (st == LEM_OK)
                st = bind_one(b, row, &m->layer[i], i);
    }
    return st;
}

static void make_layers(struct lem_model *m)
{
    uint32_t n_moe = 0;
    for (uint32_t i = 0; i < m->hp.n_layer; i++) {
        struct model_layer *l = &m->layer[i];
        l->moe = m->hp.n_expert > 0 && i >= m->hp.n_layer_dense_lead;
        if (m->hp.layer[i].has_state)
            l->steps = l->moe ? m->arch->state_moe : m->arch->state_dense;
        else
            l->steps = l->moe ? m->arch->layer_moe : m->arch->layer_dense;
        l->moe_index = l->moe ? n_moe++ : 0;
    }
}

/* Tensors of blocks that are in the file but are not run have their place. */
static void skip_extra(struct binder *b)
{
    const struct gguf *g = b->m->file;
    const struct hparams *hp = &b->m->hp;
    for (uint64_t i = 0; hp->n_layer_extra && i < g->n_tensor; i++) {
        uint32_t number = 0;
        if (sscanf(g->tensor[i].name, "blk.%" SCNu32 ".", &number) != 1)
            continue;
        if (b->used[i] || number < hp->n_layer ||
            number - hp->n_layer >= hp->n_layer_extra)
            continue;
        b->used[i] = true;
        b->n_used++;
    }
}

/* A norm of q without one of k, or the other way round, is no whole. */
static enum lem_status check_pairs(const struct binder *b)
{
    for (uint32_t i = 0; i < b->m->hp.n_layer; i++) {
        const struct tensor *q = model_tensor(b->m, SLOT_ATTN_Q_NORM, i);
        const struct tensor *k = model_tensor(b->m, SLOT_ATTN_K_NORM, i);
        if (!q->file != !k->file)
            return log_fail(&b->m->file->log, LEM_ERR_FORMAT,
                            "%s: block %" PRIu32
                            " has one of attn_q_norm.weight and attn_k_norm.weight, "
                            "expected both or none. The file is incomplete: download "
                            "or convert it again.",
                            b->path, i);
    }
    return LEM_OK;
}

/* A block beyond those that the file says it has: one of the two is wrong, and running
 * fewer blocks would give another text without a word. */
static enum lem_status check_blocks(const struct binder *b)
{
    const struct gguf *g = b->m->file;
    const uint32_t n = b->m->hp.n_layer + b->m->hp.n_layer_extra;
    for (uint64_t i = 0; i < g->n_tensor; i++) {
        uint32_t number = 0;
        if (sscanf(g->tensor[i].name, "blk.%" SCNu32 ".", &number) == 1 && number >= n)
            return log_fail(&g->log, LEM_ERR_FORMAT,
                            "%s: tensor %s is of block %" PRIu32
                            ", but %s.block_count says %" PRIu32
                            "; the file contradicts itself: download or convert it again",
                            b->path, g->tensor[i].name, number, b->arch, n);
    }
    return LEM_OK;
}

static void warn_unused(const struct binder *b)
{
    const struct gguf *g = b->m->file;
    uint64_t first = 0;
    if (b->n_used == g->n_tensor)
        return;
    while (b->used[first])
        first++;
    log_msg(&g->log, LEM_LOG_WARN,
            "%s: %" PRIu64 " of %" PRIu64
            " tensors have no place in %s models and are not used (first: %s)",
            b->path, g->n_tensor - b->n_used, g->n_tensor, b->m->arch->title,
            g->tensor[first].name);
}

enum lem_status tensors_bind(struct lem_model *m)
{
    struct binder b = {.m = m, .path = m->file->path, .arch = m->info.architecture};
    b.used = arena_alloc(&m->arena, (size_t)m->file->n_tensor, sizeof *b.used);
    m->layer = arena_alloc(&m->arena, m->hp.n_layer, sizeof *m->layer);
    if (!b.used || !m->layer)
        return model_no_memory(m);
    make_layers(m);

    enum lem_status st = LEM_OK;
    for (uint32_t i = 0; st == LEM_OK && m->arch->tensors[i]; i++)
        st = bind_list(&b, m->arch->tensors[i]);
    if (st == LEM_OK)
        st = check_pairs(&b);
    if (st == LEM_OK)
        st = check_blocks(&b);
    if (st != LEM_OK)
        return st;
    skip_extra(&b);
    warn_unused(&b);
    return LEM_OK;
}

const struct tensor *model_tensor(const struct lem_model *m, enum arch_slot slot,
                                  uint32_t layer)
{
    if (slot < SLOT_GLOBAL_COUNT)
        return &m->global[slot];
    return &m->layer[layer].t[slot - SLOT_GLOBAL_COUNT];
}

const struct tensor *model_output(const struct lem_model *m)
{
    const struct tensor *t = &m->global[SLOT_OUTPUT];
    return t->file ? t : &m->global[SLOT_TOKEN_EMBD];
}

void tensor_decode(const struct tensor *t, float *dst)
{
    t->type->decode(t->data, dst, (uint64_t)t->n_mat * t->n_row * t->n_col);
}

void tensor_decode_row(const struct tensor *t, uint32_t mat, uint32_t row, float *dst)
{
    const uint64_t row_bytes =
        (uint64_t)t->n_col / t->type->block_weights * t->type->block_bytes;
    t->type->decode(t->data + ((uint64_t)mat * t->n_row + row) * row_bytes, dst,
                    t->n_col);
}
