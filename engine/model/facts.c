/* facts.c - what lem_model_get_info() tells: names, sizes, counts of weights. Works
 * for files that cannot run, too: then the numbers are what the file states. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "model/keys.h"
#include "model/parts.h"

enum { MAX_TYPES = 64, MAX_MIX = 256 };

/* A copy that is safe to print: control characters become '?'. */
static const char *plain_copy(struct lem_model *m, const struct gguf_str *s)
{
    char *text = arena_str(&m->arena, s->ptr, (size_t)s->len);
    for (uint64_t i = 0; text && i < s->len; i++) {
        const unsigned char c = (unsigned char)text[i];
        /* Control characters move a terminal's cursor, those of C1 (UTF-8 C2 80 to
         * C2 9F) too. */
        const bool c1 = c == 0xC2 && i + 1 < s->len &&
                        (unsigned char)text[i + 1] >= 0x80 &&
                        (unsigned char)text[i + 1] < 0xA0;
        if (c < 0x20 || c == 0x7f || c1)
            text[i] = '?';
        if (c1)
            text[++i] = '?';
    }
    return text;
}

/* "" when the key is absent or no string; NULL when memory ran out. */
static const char *text_of(struct lem_model *m, const char *key)
{
    struct gguf_str s = {.ptr = "", .len = 0};
    (void)gguf_get_str(m->file, key, &s);
    return plain_copy(m, &s);
}

enum lem_status facts_names(struct lem_model *m)
{
    struct lem_model_info *info = &m->info;
    struct keys k;
    enum lem_status st = keys_open(&k, m->file); /* an architecture must be named */
    if (st != LEM_OK)
        return st;
    info->name = text_of(m, "general.name");
    info->architecture = text_of(m, "general.architecture");
    info->license = text_of(m, "general.license");
    const char *model = text_of(m, "tokenizer.ggml.model");
    const char *pre = text_of(m, "tokenizer.ggml.pre");
    if (!info->name || !info->architecture || !info->license || !model || !pre)
        return model_no_memory(m);
    info->tokenizer = *pre ? arena_printf(&m->arena, "%s/%s", model, pre) : model;
    return info->tokenizer ? LEM_OK : model_no_memory(m);
}

/* ---- counts of weights ------------------------------------------------------- */

/* Does it hold one matrix per expert, of which a token uses some? Either a bank,
 * blk.0.ffn_up_exps.weight, or the old one for each, blk.0.ffn_up.3.weight. */
static bool is_routed(const struct gguf_tensor *t)
{
    char end[8];
    return strstr(t->name, "_exps.") != NULL ||
           sscanf(t->name, "blk.%*[0-9].ffn_%*[a-z].%*[0-9].%7s", end) == 1;
}

/* The embedding and the output matrix count whole, as the papers of the models do. */
static void count_weights(struct lem_model *m)
{
    struct lem_model_info *info = &m->info;
    for (uint64_t i = 0; i < m->file->n_tensor; i++) {
        const struct gguf_tensor *t = &m->file->tensor[i];
        info->n_param += t->n_weight;
        if (info->n_expert_used < info->n_expert && is_routed(t))
            info->n_param_active += t->n_weight / info->n_expert * info->n_expert_used;
        else
            info->n_param_active += t->n_weight;
    }
}

/* "Q8_0 94.1 %, F32 5.9 %": shares of the weights, the largest first. */
static enum lem_status describe_mix(struct lem_model *m)
{
    uint64_t weights[MAX_TYPES] = {0};
    char text[MAX_MIX] = "";
    size_t at = 0;
    for (uint64_t i = 0; i < m->file->n_tensor; i++) {
        const struct gguf_tensor *t = &m->file->tensor[i];
        if (t->type->type < MAX_TYPES)
            weights[t->type->type] += t->n_weight;
    }
    for (;;) {
        uint32_t best = 0;
        for (uint32_t i = 1; i < MAX_TYPES; i++)
            if (weights[i] > weights[best])
                best = i;
        if (weights[best] == 0 || at >= sizeof text)
            break;
        const int n = snprintf(text + at, sizeof text - at, "%s%s %.1f %%",
                               at ? ", " : "", quant_find(best)->name,
                               100.0 * (double)weights[best] / (double)m->info.n_param);
        at += (size_t)n;
        weights[best] = 0;
    }
    m->info.quant_mix = arena_str(&m->arena, text, strlen(text));
    return m->info.quant_mix ? LEM_OK : model_no_memory(m);
}

/* ---- sizes ------------------------------------------------------------------- */

static void sizes_in_force(struct lem_model *m)
{
    const struct hparams *hp = &m->hp;
    struct lem_model_info *info = &m->info;
    info->n_layer = hp->n_layer;
    info->n_layer_moe = hp->n_expert ? hp->n_layer - hp->n_layer_dense_lead : 0;
    info->n_embd = hp->n_embd;
    info->n_head = hp->n_head;
    info->n_head_kv = hp->n_head_kv;
    info->head_dim = hp->latent.kv_lora ? hp->latent.nope + hp->n_rot : hp->head_dim;
    info->n_vocab = hp->n_vocab;
    info->n_ctx_train = hp->n_ctx_train;
    info->n_ff = hp->n_ff;
    info->n_ff_exp = hp->n_ff_exp;
    info->n_expert = hp->n_expert;
    info->n_expert_used = hp->n_expert_used;
    info->n_expert_shared = hp->n_expert_shared;
}

/* For a family that is not known here: the keys that most files have. */
static void sizes_stated(struct lem_model *m)
{
    struct lem_model_info *info = &m->info;
    uint32_t dense_lead = 0;
    const struct {
        const char *suffix;
        uint32_t *out;
    } rows[] = {
        {"block_count", &info->n_layer},
        {"embedding_length", &info->n_embd},
        {"attention.head_count", &info->n_head},
        {"attention.head_count_kv", &info->n_head_kv},
        {"attention.key_length", &info->head_dim},
        {"context_length", &info->n_ctx_train},
        {"feed_forward_length", &info->n_ff},
        {"expert_feed_forward_length", &info->n_ff_exp},
        {"expert_count", &info->n_expert},
        {"expert_used_count", &info->n_expert_used},
        {"expert_shared_count", &info->n_expert_shared},
        {"leading_dense_block_count", &dense_lead},
    };
    struct keys k;
    (void)keys_open(&k, m->file); /* facts_names() saw it succeed */
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        (void)gguf_get_u32(m->file, keys_full(&k, rows[i].suffix), 0, UINT32_MAX,
                           rows[i].out);
    if (info->n_expert) {
        info->n_layer_moe = info->n_layer > dense_lead ? info->n_layer - dense_lead : 0;
        if (info->n_ff_exp == 0) { /* then the one width is that of the experts */
            info->n_ff_exp = info->n_ff;
            info->n_ff = 0;
        }
    }
    if (info->head_dim == 0 && info->n_head)
        info->head_dim = info->n_embd / info->n_head;

    const struct gguf_kv *tokens = gguf_find_kv(m->file, "tokenizer.ggml.tokens");
    const struct gguf_tensor *embd = gguf_find_tensor(m->file, "token_embd.weight");
    const uint64_t n_vocab = embd ? embd->dim[1] : tokens ? tokens->count : 0;
    info->n_vocab = n_vocab <= UINT32_MAX ? (uint32_t)n_vocab : 0;
}

enum lem_status facts_sizes(struct lem_model *m)
{
    struct lem_model_info *info = &m->info;
    info->file_bytes = m->file->file_bytes;
    info->n_file = m->file->n_part;
    info->gguf_version = m->file->version;
    info->n_tensor = (uint32_t)m->file->n_tensor; /* gguf/: at most UINT32_MAX */
    if (*info->unsupported)
        sizes_stated(m);
    else
        sizes_in_force(m);
    count_weights(m);
    return describe_mix(m);
}
