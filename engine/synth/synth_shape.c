/* synth_shape.c - the shapes that models with random weights come in, and the tensors of
 * each. */
#include "synth/synth.h"

#include <string.h>

#include "base/log.h"

/* Sources: config.json of ibm-granite/granite-3.0-1b-a400m-base and of
 * allenai/OLMoE-1B-7B-0924; "tiny" is ours, to try the tools with. */
static const struct synth_shape shapes[] = {
    {.name = "granite-1b",
     .arch = "granitemoe",
     .title = "Granite 3 1B A400M",
     .n_layer = 24,
     .n_embd = 1024,
     .n_head = 16,
     .n_head_kv = 8,
     .n_ff = 512,
     .n_expert = 32,
     .n_used = 8,
     .n_vocab = 49155,
     .n_ctx = 4096,
     .eps = 1e-6f,
     .rope_base = 10000,
     .tied = true,
     .scaled = true,
     .embd_scale = 12,
     .residual_scale = 0.22f,
     .attn_scale = 0.015625f,
     .logit_scale = 6},
    {.name = "olmoe-7b",
     .arch = "olmoe",
     .title = "OLMoE 1B 7B",
     .n_layer = 16,
     .n_embd = 2048,
     .n_head = 16,
     .n_head_kv = 16,
     .n_ff = 1024,
     .n_expert = 64,
     .n_used = 8,
     .n_vocab = 50304,
     .n_ctx = 4096,
     .eps = 1e-5f,
     .rope_base = 10000,
     .qk_norm = true},
    {.name = "tiny",
     .arch = "olmoe",
     .title = "tiny OLMoE",
     .n_layer = 2,
     .n_embd = 256,
     .n_head = 4,
     .n_head_kv = 4,
     .n_ff = 256,
     .n_expert = 8,
     .n_used = 2,
     .n_vocab = 515,
     .n_ctx = 512,
     .eps = 1e-5f,
     .rope_base = 10000,
     .qk_norm = true},
};

const struct synth_shape *synth_at(uint32_t i)
{
    return i < sizeof shapes / sizeof *shapes ? &shapes[i] : NULL;
}

const struct synth_shape *synth_find(const char *name)
{
    const struct synth_shape *s;
    for (uint32_t i = 0; (s = synth_at(i)) != NULL; i++)
        if (strcmp(s->name, name) == 0)
            return s;
    return NULL;
}

/* ---- tensors ------------------------------------------------------------------------
 */

enum { MAX_GLOBAL = 3, MAX_LAYER = 12 };

struct maker {
    struct gguf *g;
    const struct synth_shape *s;
    const struct quant_info *type;
    const struct quant_info **types;
    uint32_t layer;
    enum lem_status st;
};

/* `small`: F32 whatever the model's type is. Trailing dims of 0 are none. */
static void add(struct maker *m, const char *name, bool small, uint32_t d0, uint32_t d1,
                uint32_t d2)
{
    struct gguf *g = m->g;
    const struct quant_info *type = small ? quant_find(QUANT_F32) : m->type;
    if (m->st == LEM_OK && d0 % type->block_weights)
        m->st = log_fail(&g->log, LEM_ERR_ARGUMENT,
                         "rows of %u weights (%s of shape %s) do not fill blocks of %s; "
                         "choose Q8_0 or Q4_0",
                         d0, name, m->s->name, type->name);
    const bool global = strncmp(name, "blk.", 4) != 0;
    struct gguf_tensor t = {
        .name = global ? name
                       : arena_printf(&g->arena, "blk.%u.%s.weight", m->layer, name + 4),
        .type = type,
        .n_dim = d2   ? 3
                 : d1 ? 2
                      : 1,
        .dim = {d0, d1 ? d1 : 1, d2 ? d2 : 1, 1}};
    if (m->st == LEM_OK && !t.name)
        m->st = log_fail(&g->log, LEM_ERR_MEMORY, "no memory for tensor %s", name);
    if (m->st != LEM_OK)
        return;
    t.n_weight = t.dim[0] * t.dim[1] * t.dim[2];
    m->types[g->n_tensor] = type;
    g->tensor[g->n_tensor++] = t;
}

static void add_layer(struct maker *m)
{
    const struct synth_shape *s = m->s;
    const uint32_t n_kv = s->n_embd / s->n_head * s->n_head_kv;
    add(m, "blk.attn_norm", true, s->n_embd, 0, 0);
    add(m, "blk.attn_q", false, s->n_embd, s->n_embd, 0);
    add(m, "blk.attn_k", false, s->n_embd, n_kv, 0);
    add(m, "blk.attn_v", false, s->n_embd, n_kv, 0);
    if (s->qk_norm) {
        add(m, "blk.attn_q_norm", true, s->n_embd, 0, 0);
        add(m, "blk.attn_k_norm", true, n_kv, 0, 0);
    }
    add(m, "blk.attn_output", false, s->n_embd, s->n_embd, 0);
    add(m, "blk.ffn_norm", true, s->n_embd, 0, 0);
    add(m, "blk.ffn_gate_inp", true, s->n_embd, s->n_expert, 0);
    add(m, "blk.ffn_gate_exps", false, s->n_embd, s->n_ff, s->n_expert);
    add(m, "blk.ffn_up_exps", false, s->n_embd, s->n_ff, s->n_expert);
    add(m, "blk.ffn_down_exps", false, s->n_ff, s->n_embd, s->n_expert);
}

enum lem_status synth_tensors(struct gguf *g, const struct synth_shape *s,
                              const struct quant_info *type,
                              const struct quant_info ***types)
{
    const size_t most = MAX_GLOBAL + (size_t)MAX_LAYER * s->n_layer;
    struct maker m = {.g = g, .s = s, .type = type};
    g->tensor = arena_alloc(&g->arena, most, sizeof *g->tensor);
    m.types = arena_alloc(&g->arena, most, sizeof(const struct quant_info *));
    *types = m.types;
    if (!g->tensor || !m.types)
        return log_fail(&g->log, LEM_ERR_MEMORY, "no memory for %zu tensors", most);
    add(&m, "token_embd.weight", false, s->n_embd, s->n_vocab, 0);
    if (!s->tied)
        add(&m, "output.weight", false, s->n_embd, s->n_vocab, 0);
    add(&m, "output_norm.weight", true, s->n_embd, 0, 0);
    for (m.layer = 0; m.layer < s->n_layer; m.layer++)
        add_layer(&m);
    return m.st;
}
