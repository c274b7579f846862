/* quantize.c - an open model -> a file with weights of other types: which tensor gets
 * which type, and the file. */
#include "lemnos/quantize.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "model/model.h"
#include "model/reencode.h"

struct job {
    const struct lem_model *m;
    const struct lem_quantize_params *params;
    const struct quant_info *type, *experts;
    const struct quant_info **to; /* [n_tensor] what each becomes */
    uint64_t n_other;             /* tensors whose rows do not fit the type asked for */
    struct gguf_out out;
    struct reencoder *reencoder;
};

/* ---- which type ------------------------------------------------------------------ */

const char *lem_quantize_type(uint32_t i)
{
    for (uint32_t id = 0; id <= QUANT_NVFP4; id++) {
        const struct quant_info *q = quant_find(id);
        if (q && q->encode && i-- == 0)
            return q->name;
    }
    return NULL;
}

static enum lem_status find_type(const struct job *job, const char *name,
                                 const struct quant_info **out)
{
    *out = quant_find_name(name);
    if (*out && (*out)->encode)
        return LEM_OK;
    char list[256] = "";
    const char *known;
    for (uint32_t i = 0; (known = lem_quantize_type(i)) != NULL; i++) {
        const size_t at = strlen(list);
        snprintf(list + at, sizeof list - at, "%s%s", at ? ", " : "", known);
    }
    return log_fail(&job->m->log, LEM_ERR_ARGUMENT,
                    "weight type \"%s\" cannot be written; choose one of %s", name, list);
}

static bool ends_with(const char *name, const char *end)
{
    const size_t n = strlen(name), n_end = strlen(end);
    return n >= n_end && strcmp(name + n - n_end, end) == 0;
}

/* Matrices whose small errors cost much and whose size is nothing: routers, and the
 * kernels of convolutions. */
static bool is_delicate(const char *name)
{
    static const char *const ends[] = {".ffn_gate_inp.weight",
                                       ".ffn_gate_inp_shexp.weight", ".ssm_conv1d.weight",
                                       ".shortconv.conv.weight"};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        if (ends_with(name, ends[i]))
            return true;
    return false;
}

/* For rows that do not fill blocks of 256: the next larger type with blocks of 32. */
static uint32_t smaller_blocks(uint32_t type)
{
    switch (type) {
    case QUANT_Q2_K:
    case QUANT_Q3_K:
    case QUANT_IQ4_XS:
        return QUANT_IQ4_NL;
    case QUANT_Q4_K:
        return QUANT_Q5_0;
    case QUANT_Q5_K:
        return QUANT_Q5_1;
    default:
        return QUANT_Q8_0;
    }
}

static const struct quant_info *pick(struct job *job, const struct gguf_tensor *t)
{
    if (t->n_dim < 2 || is_delicate(t->name))
        return t->type->decode ? quant_find(QUANT_F32) : t->type;
    if (!ends_with(t->name, ".weight"))
        return t->type;
    const bool expert = strstr(t->name, "_exps.") != NULL;
    const struct quant_info *want = expert ? job->experts : job->type;
    if (t->dim[0] % want->block_weights == 0)
        return want;
    job->n_other++;
    const struct quant_info *small = quant_find(smaller_blocks(want->type));
    return t->dim[0] % small->block_weights == 0 ? small : t->type;
}

static enum lem_status choose(struct job *job)
{
    const struct gguf *g = job->m->file;
    const struct lem_quantize_params *p = job->params;
    enum lem_status st = find_type(job, p->type, &job->type);
    if (st == LEM_OK)
        st = find_type(job, p->experts ? p->experts : p->type, &job->experts);
    if (st != LEM_OK)
        return st;
    job->to = calloc((size_t)g->n_tensor + 1, sizeof(const struct quant_info *));
    if (!job->to)
        return log_fail(&job->m->log, LEM_ERR_MEMORY, "%s: no memory for its tensors",
                        g->path);
    for (uint64_t i = 0; i < g->n_tensor; i++)
        job->to[i] = pick(job, &g->tensor[i]);
    if (job->n_other)
        log_msg(&job->m->log, LEM_LOG_WARN,
                "%s: rows of %llu tensors do not fill whole blocks of the type asked "
                "for; they become IQ4_NL, Q5_0, Q5_1 or Q8_0, or stay as they are",
                g->path, (unsigned long long)job->n_other);
    return LEM_OK;
}

/* ---- the file --------------------------------------------------------------------- */

static enum lem_status write_tensor(struct job *job, uint64_t i)
{
    const struct gguf_tensor *t = &job->m->file->tensor[i];
    const struct quant_info *to = job->to[i];
    struct lem_quantize_tensor done = {
        .name = t->name, .from = t->type->name, .to = to->name, .n_weight = t->n_weight};
    enum lem_status st = reencode(job->reencoder, t, to, &job->out, &done.rmse);
    if (st == LEM_OK)
        st = gguf_out_next(&job->out);
    if (st == LEM_OK && job->params->report) {
        (void)quant_bytes(to, t->n_weight, &done.bytes);
        job->params->report(job->params->priv, &done);
    }
    return st;
}

static enum lem_status write_file(struct job *job)
{
    const struct gguf *g = job->m->file;
    const bool moe = job->m->info.n_expert > 0; /* then most weights are experts' */
    enum lem_status st = gguf_out_open(&job->out, g, job->to,
                                       gguf_out_file_type(moe ? job->experts : job->type),
                                       job->params->path);
    if (st == LEM_OK && job->params->started && job->out.file.temporary)
        job->params->started(job->params->priv, job->out.file.temporary);
    for (uint64_t i = 0; i < g->n_tensor && st == LEM_OK; i++)
        st = write_tensor(job, i);
    if (st == LEM_OK)
        return gguf_out_commit(&job->out);
    gguf_out_discard(&job->out);
    return st;
}

static enum lem_status open_reencoder(struct job *job)
{
    struct reencoder_params params = {.n_thread = job->params->n_thread,
                                      .progress = job->params->progress,
                                      .log = job->m->log};
    for (uint64_t i = 0; i < job->m->file->n_tensor; i++)
        params.n_weight += job->m->file->tensor[i].n_weight;
    return reencoder_open(&params, &job->reencoder);
}

enum lem_status lem_model_quantize(const struct lem_model *model,
                                   const struct lem_quantize_params *params)
{
    if (!model || !params || !params->path || !params->type)
        return log_fail(model ? &model->log : NULL, LEM_ERR_ARGUMENT,
                        "lem_model_quantize: model, params, params->path and "
                        "params->type must not be NULL");
    bool same = strcmp(params->path, model->file->path) == 0;
    for (uint32_t i = 0; i < model->file->n_part; i++)
        same = same || file_map_is(&model->file->map[i], params->path);
    if (same)
        return log_fail(&model->log, LEM_ERR_ARGUMENT,
                        "%s: is the model itself; give the new file another name",
                        params->path);
    struct job job = {.m = model, .params = params};
    enum lem_status st = choose(&job);
    if (st == LEM_OK)
        st = open_reencoder(&job);
    if (st == LEM_OK)
        st = write_file(&job);
    reencoder_close(&job.reencoder);
    free(job.to);
    return st;
}
