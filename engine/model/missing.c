/* missing.c - for a file that cannot run: which of its tensors, keys and weight types
 * this build has no place for, compared with its family, or with the nearest one. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "model/keys.h"
#include "model/parts.h"

/* A kind is a tensor's name without numbers: blk.N.attn_q.weight. */
enum { KIND_LEN = 64, MAX_KIND = 96, SHOWN = 6, MAX_TEXT = 4096 };

struct kinds {
    char name[MAX_KIND][KIND_LEN];
    uint32_t n;
};

struct text {
    char s[MAX_TEXT];
    size_t n;
};

__attribute__((format(printf, 2, 3))) static void add(struct text *t, const char *fmt,
                                                      ...)
{
    va_list ap;
    va_start(ap, fmt);
    const int n = vsnprintf(t->s + t->n, sizeof t->s - t->n, fmt, ap);
    va_end(ap);
    t->n += n > 0 ? (size_t)n : 0;
    if (t->n >= sizeof t->s) /* cut */
        t->n = sizeof t->s - 1;
}

/* ---- kinds of tensors ----------------------------------------------------------------
 */

/* Parts of a name that are numbers become N, and what is no printable ASCII '?'. */
static void kind_of(const char *name, char out[KIND_LEN])
{
    size_t n = 0;
    while (*name && n + 1 < KIND_LEN) {
        const size_t part = strcspn(name, ".");
        const bool number = part > 0 && strspn(name, "0123456789") == part;
        for (size_t i = 0; i < (number ? 1 : part) && n + 1 < KIND_LEN; i++)
            out[n++] = number ? 'N' : name[i] > ' ' && name[i] < '\x7f' ? name[i] : '?';
        name += part;
        if (*name == '.' && n + 1 < KIND_LEN) {
            out[n++] = '.';
            name++;
        }
    }
    out[n] = '\0';
}

static bool has_kind(const struct kinds *k, const char *name)
{
    for (uint32_t i = 0; i < k->n; i++)
        if (strcmp(k->name[i], name) == 0)
            return true;
    return false;
}

static void collect(const struct gguf *g, struct kinds *k)
{
    k->n = 0;
    for (uint64_t i = 0; i < g->n_tensor && k->n < MAX_KIND; i++) {
        kind_of(g->tensor[i].name, k->name[k->n]);
        k->n += !has_kind(k, k->name[k->n]);
    }
}

/* The same for a row of a family's list: "blk.%u.attn_q.weight". */
static void kind_of_row(const struct arch_tensor *row, char out[KIND_LEN])
{
    const bool in_block = strncmp(row->name, "blk.%u.", 7) == 0;
    snprintf(out, KIND_LEN, "%s%s", in_block ? "blk.N." : "",
             row->name + (in_block ? 7 : 0));
}

static bool has_place(const struct arch_desc *a, const char *kind)
{
    char own[KIND_LEN];
    for (uint32_t i = 0; a->tensors[i]; i++)
        for (const struct arch_tensor *row = a->tensors[i]; row->name; row++) {
            kind_of_row(row, own);
            if (strcmp(own, kind) == 0)
                return true;
        }
    return false;
}

/* What every model of the family has, and the file lacks. */
static void find_lacking(const struct arch_desc *a, const struct kinds *in_file,
                         struct kinds *out)
{
    out->n = 0;
    for (uint32_t i = 0; a->tensors[i]; i++)
        for (const struct arch_tensor *row = a->tensors[i]; row->name; row++) {
            char *kind = out->name[out->n];
            kind_of_row(row, kind);
            if (row->need == NEED_ALWAYS && !has_kind(in_file, kind) &&
                !has_kind(out, kind) && out->n + 1 < MAX_KIND)
                out->n++;
        }
}

static uint32_t count_places(const struct arch_desc *a, const struct kinds *in_file)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < in_file->n; i++)
        n += has_place(a, in_file->name[i]);
    return n;
}

/* The family with places for most kinds of tensors, less what it wants besides. */
static const struct arch_desc *nearest(const struct kinds *in_file, struct kinds *scratch)
{
    const struct arch_desc *best = NULL, *a;
    int64_t most = INT64_MIN;
    for (uint32_t i = 0; (a = arch_at(i)) != NULL; i++) {
        find_lacking(a, in_file, scratch);
        const int64_t score = (int64_t)count_places(a, in_file) - (int64_t)scratch->n;
        if (score > most) {
            most = score;
            best = a;
        }
    }
    return best;
}

/* ---- what they are for ----------------------------------------------------------------
 */

/* By a part of the name, the first that fits. */
static const char *meaning(const char *kind)
{
    static const char *const parts[][2] = {
        {"ssm_", "state space or DeltaNet layers, with a recurrent state"},
        {"time_mix", "RWKV layers, with a recurrent state"},
        {"channel_mix", "RWKV layers, with a recurrent state"},
        {"shortconv", "short convolutions"},
        {"indexer", "an indexer that picks the keys to attend to"},
        {"nextn", "prediction of further tokens"},
        {"attn_kv_b", "keys and values of latent attention in one matrix, an old layout"},
        {"_kv_a_", "latent attention"},
        {"_k_b", "latent attention"},
        {"_v_b", "latent attention"},
        {"cross_attn", "attention to an encoder"},
        {"enc.blk.", "an encoder"},
        {"v.blk.", "an image encoder"},
        {"attn_qkv", "q, k and v in one matrix"},
        {"attn_rel_b", "relative positions in attention"},
        {"attn_gate", "a gate on the output of attention"},
        {"sinks", "attention sinks"},
        {"position_embd", "learned positions"},
        {"token_types", "embeddings of token types"},
        {"per_layer", "embeddings for each layer"},
        {"altup", "several residual streams"},
        {"laurel", "low-rank branches beside attention"},
        {"hc_", "several residual streams"},
        {"_chexps", "a second bank of experts"},
        {"_shexp", "shared experts"},
        {"exp_probs_b", "a bias for choosing experts"},
        {"_exps", "experts that are stored in another way"},
        {".bias", "biases"},
        {"norm", "further norms"},
        {"scale", "further scales"},
    };
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (strstr(kind, parts[i][0]))
            return parts[i][1];
    return "a part that is not known here";
}

static void add_list(struct text *t, const char *head, const struct kinds *k)
{
    for (uint32_t i = 0; i < k->n; i++)
        if (i < SHOWN)
            add(t, "%s%s", i ? ", " : head, k->name[i]);
    if (k->n > SHOWN)
        add(t, " and %" PRIu32 " more", k->n - SHOWN);
    if (k->n)
        add(t, "\n");
}

/* One line for each meaning, with the kinds that have it. */
static void add_unplaced(struct text *t, const struct arch_desc *a,
                         const struct kinds *in_file, struct kinds *scratch)
{
    bool told[MAX_KIND] = {false};
    for (uint32_t i = 0; i < in_file->n; i++) {
        const char *what = meaning(in_file->name[i]);
        scratch->n = 0;
        for (uint32_t j = i; j < in_file->n; j++)
            if (!told[j] && strcmp(meaning(in_file->name[j]), what) == 0 &&
                !has_place(a, in_file->name[j])) {
                told[j] = true;
                memcpy(scratch->name[scratch->n++], in_file->name[j], KIND_LEN);
            }
        char head[128];
        snprintf(head, sizeof head, "no place for %s: ", what);
        add_list(t, head, scratch);
    }
}

/* ---- keys and types
 * -------------------------------------------------------------------- */

/* What hparams*.c and text/ read, or refuse where it asks for something; a test holds
 * this list against the models of all families. */
static bool is_read(const char *suffix)
{
    static const char *const known[] = {"attention.clamp_kqv",
                                        "attention.head_count",
                                        "attention.head_count_kv",
                                        "attention.key_length",
                                        "attention.key_length_mla",
                                        "attention.key_length_swa",
                                        "attention.kv_lora_rank",
                                        "attention.layer_norm_rms_epsilon",
                                        "attention.max_alibi_bias",
                                        "attention.q_lora_rank",
                                        "attention.scale",
                                        "attention.shared_kv_layers",
                                        "attention.sliding_window",
                                        "attention.sliding_window_pattern",
                                        "attention.value_length",
                                        "attention.value_length_mla",
                                        "attention.value_length_swa",
                                        "attn_logit_softcapping",
                                        "block_count",
                                        "context_length",
                                        "embedding_length",
                                        "embedding_length_per_layer_input",
                                        "embedding_scale",
                                        "expert_count",
                                        "expert_feed_forward_length",
                                        "expert_gating_func",
                                        "expert_group_count",
                                        "expert_group_used_count",
                                        "expert_shared_count",
                                        "expert_shared_feed_forward_length",
                                        "expert_used_count",
                                        "expert_weights_norm",
                                        "expert_weights_scale",
                                        "feed_forward_length",
                                        "final_logit_softcapping",
                                        "interleave_moe_layer_step",
                                        "leading_dense_block_count",
                                        "logit_scale",
                                        "moe_every_n_layers",
                                        "nextn_predict_layers",
                                        "residual_scale",
                                        "rope.dimension_count",
                                        "rope.dimension_count_swa",
                                        "rope.freq_base",
                                        "rope.freq_base_swa",
                                        "rope.scale_linear",
                                        "rope.scaling.attn_factor",
                                        "rope.scaling.factor",
                                        "rope.scaling.original_context_length",
                                        "rope.scaling.type",
                                        "rope.scaling.yarn_attn_factor",
                                        "rope.scaling.yarn_beta_fast",
                                        "rope.scaling.yarn_beta_slow",
                                        "rope.scaling.yarn_ext_factor",
                                        "rope.scaling.yarn_log_multiplier",
                                        "shortconv.l_cache",
                                        "vocab_size"};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(known[i], suffix) == 0)
            return true;
    return false;
}

static void add_unread(struct text *t, const struct gguf *g, struct kinds *scratch)
{
    struct keys r;
    if (keys_open(&r, g) != LEM_OK)
        return;
    const size_t n = strlen(r.prefix);
    scratch->n = 0;
    for (uint64_t i = 0; i < g->n_kv && scratch->n < MAX_KIND; i++) {
        const char *key = g->kv[i].key;
        if (strncmp(key, r.prefix, n) == 0 && key[n] == '.' && !is_read(key + n + 1))
            kind_of(key, scratch->name[scratch->n++]);
    }
    add_list(t, "keys that nothing here reads: ", scratch);
}

static void add_types(struct text *t, const struct gguf *g)
{
    bool any = false;
    for (uint32_t type = 0; type <= QUANT_NVFP4; type++) {
        uint64_t n = 0;
        const struct quant_info *q = quant_find(type);
        for (uint64_t i = 0; q && !q->decode && i < g->n_tensor; i++)
            n += g->tensor[i].type == q;
        if (n)
            add(t, "%s%s in %" PRIu64 " tensor%s",
                any ? ", " : "weight types that cannot run: ", q->name, n,
                n == 1 ? "" : "s");
        any = any || n;
    }
    if (any)
        add(t, "; make another file with llama-quantize, best from one with F16 or BF16 "
               "weights, else with --allow-requantize: to Q4_K_M, for example\n");
}

enum lem_status missing_describe(struct lem_model *m)
{
    struct kinds *in_file = arena_alloc(&m->arena, 2, sizeof *in_file);
    struct text *t = arena_alloc(&m->arena, 1, sizeof *t);
    if (!in_file || !t)
        return model_no_memory(m);
    struct kinds *scratch = in_file + 1;
    collect(m->file, in_file);
    const struct arch_desc *a = m->arch ? m->arch : nearest(in_file, scratch);
    if (!m->arch && in_file->n)
        add(t,
            "nearest family: %s (%s), with a place for %" PRIu32 " of %" PRIu32
            " kinds of tensors\n",
            a->title, a->names[0], count_places(a, in_file), in_file->n);
    add_unplaced(t, a, in_file, scratch);
    find_lacking(a, in_file, scratch);
    if (in_file->n)
        add_list(t, "the file lacks: ", scratch);
    add_unread(t, m->file, scratch);
    add_types(t, m->file);
    if (t->n && t->s[t->n - 1] == '\n')
        t->s[--t->n] = '\0';
    m->info.missing = t->s;
    return LEM_OK;
}
