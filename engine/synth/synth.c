/* synth.c - writing a model with random weights. */
#include "synth/synth.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "lemnos/synthetic.h"

const char *lem_synthetic_shape(uint32_t i)
{
    const struct synth_shape *s = synth_at(i);
    return s ? s->name : NULL;
}

static enum lem_status find(const struct lem_synthetic_params *p,
                            const struct synth_shape **shape,
                            const struct quant_info **type)
{
    *shape = synth_find(p->shape);
    *type = quant_find_name(p->type);
    if (!*shape) {
        char known[128] = "";
        const char *name;
        for (uint32_t i = 0; (name = lem_synthetic_shape(i)) != NULL; i++) {
            const size_t at = strlen(known);
            snprintf(known + at, sizeof known - at, "%s%s", at ? ", " : "", name);
        }
        return log_fail(&p->log, LEM_ERR_ARGUMENT,
                        "there is no model shape \"%s\"; choose one of %s", p->shape,
                        known);
    }
    if (!*type || !(*type)->encode)
        return log_fail(&p->log, LEM_ERR_ARGUMENT,
                        "weights of type \"%s\" cannot be written; choose Q4_0, Q8_0, "
                        "Q4_K or another that lemnos quantize writes",
                        p->type);
    return LEM_OK;
}

static uint64_t sum_bytes(const struct gguf *g)
{
    uint64_t sum = 0, bytes;
    for (uint64_t i = 0; i < g->n_tensor; i++)
        if (quant_bytes(g->tensor[i].type, g->tensor[i].n_weight, &bytes))
            sum += bytes;
    return sum;
}

uint64_t lem_synthetic_bytes(const char *shape, const char *type)
{
    const struct synth_shape *s = shape ? synth_find(shape) : NULL;
    const struct quant_info *q = type ? quant_find_name(type) : NULL;
    struct gguf g = {0};
    const struct quant_info **types;
    uint64_t bytes = 0;
    if (s && q && synth_tensors(&g, s, q, &types) == LEM_OK)
        bytes = sum_bytes(&g);
    arena_free(&g.arena);
    return bytes;
}

static enum lem_status put_tensors(const struct lem_synthetic_params *p,
                                   const struct gguf *g, struct gguf_out *out)
{
    const uint64_t total = sum_bytes(g);
    uint64_t done = 0;
    struct synth_weights *w;
    enum lem_status st = synth_weights_open(&w, p->seed, &p->log);
    for (uint64_t i = 0; i < g->n_tensor && st == LEM_OK; i++) {
        const struct gguf_tensor *t = &g->tensor[i];
        uint64_t bytes = 0;
        log_progress(&p->progress, "writing random weights", done, total);
        st = synth_weights_put(w, t, t->type, out);
        if (st == LEM_OK)
            st = gguf_out_next(out);
        (void)quant_bytes(t->type, t->n_weight, &bytes);
        done += bytes;
    }
    if (st == LEM_OK)
        log_progress(&p->progress, "writing random weights", done, total);
    synth_weights_close(&w);
    return st;
}

static enum lem_status write_file(const struct lem_synthetic_params *p,
                                  const struct gguf *g,
                                  const struct quant_info *const *types,
                                  const struct quant_info *type)
{
    struct gguf_out out;
    enum lem_status st = gguf_out_open(&out, g, types, gguf_out_file_type(type), p->path);
    if (st != LEM_OK)
        return st;
    if (p->started && out.file.temporary)
        p->started(p->priv, out.file.temporary);
    st = put_tensors(p, g, &out);
    if (st == LEM_OK)
        return gguf_out_commit(&out);
    gguf_out_discard(&out);
    return st;
}

enum lem_status lem_synthetic_write(const struct lem_synthetic_params *params)
{
    if (!params || !params->path || !params->shape || !params->type)
        return log_fail(params ? &params->log : NULL, LEM_ERR_ARGUMENT,
                        "lem_synthetic_write: path, shape and type must not be NULL");
    const struct synth_shape *shape;
    const struct quant_info *type, **types;
    struct gguf g = {.path = params->path, .log = params->log};
    enum lem_status st = find(params, &shape, &type);
    if (st == LEM_OK)
        st = synth_tensors(&g, shape, type, &types);
    if (st == LEM_OK)
        st = synth_keys(&g, shape);
    if (st == LEM_OK)
        st = write_file(params, &g, types, type);
    arena_free(&g.arena);
    return st;
}
