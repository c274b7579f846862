/* model.c - GGUF file -> struct lem_model: pick the descriptor, read the numbers,
 * bind the tensors. Nothing here knows about Vulkan. */
#include "model/model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "model/parts.h"

enum lem_status model_no_memory(const struct lem_model *m)
{
    return log_fail(&m->log, LEM_ERR_MEMORY,
                    "%s: host memory ran out while opening the model; close other "
                    "programs",
                    m->file->path);
}

/* "llama, olmoe, qwen3moe, qwen3" */
static void list_known(char *text, size_t size)
{
    size_t at = 0;
    const struct arch_desc *a;
    for (uint32_t i = 0; (a = arch_at(i)) != NULL; i++)
        for (const char *const *n = a->names; *n && at < size; n++)
            at += (size_t)snprintf(text + at, size - at, "%s%s", at ? ", " : "", *n);
}

static enum lem_status pick_arch(struct lem_model *m)
{
    const char *name = m->info.architecture;
    m->arch = arch_find(name, strlen(name));
    if (m->arch)
        return LEM_OK;
    const char *missing = arch_missing(name, strlen(name));
    if (missing)
        return log_fail(&m->file->log, LEM_ERR_UNSUPPORTED,
                        "%s: architecture \"%s\" is not yet supported: it needs %s",
                        m->file->path, name, missing);
    char known[512];
    list_known(known, sizeof known);
    return log_fail(&m->file->log, LEM_ERR_UNSUPPORTED,
                    "%s: architecture \"%s\" is not known. Known: %s. To add one, see "
                    "engine/arch/README.md.",
                    m->file->path, name, known);
}

/* Everything that a model must have in order to run. */
static enum lem_status make_runnable(struct lem_model *m)
{
    enum lem_status st = pick_arch(m);
    if (st == LEM_OK)
        st = hparams_read(&m->hp, m->file, m->arch, &m->arena);
    if (st == LEM_OK)
        st = tensors_bind(m);
    if (st == LEM_OK)
        st = rope_check(m);
    return st;
}

/* ---- facts only: the reason why it cannot run is a fact, not a failure -------- */

struct capture {
    struct lem_model *m;
    char *reason;
};

static void keep_reason(void *priv, enum lem_log_level level, const char *text)
{
    struct capture *c = priv;
    if (level == LEM_LOG_ERROR)
        c->reason = arena_str(&c->m->arena, text, strlen(text));
    else
        log_msg(&c->m->log, level, "%s", text);
}

static enum lem_status try_runnable(struct lem_model *m)
{
    struct capture c = {.m = m};
    m->file->log = (struct lem_log){.fn = keep_reason, .priv = &c};
    const enum lem_status st = make_runnable(m);
    m->file->log = m->log;
    if (st == LEM_OK)
        return LEM_OK;
    if (st == LEM_ERR_MEMORY)
        return st;
    m->info.unsupported = c.reason;
    return c.reason ? missing_describe(m) : model_no_memory(m);
}

/* ---- public ------------------------------------------------------------------ */

enum lem_status lem_model_open(const struct lem_model_params *params,
                               struct lem_model **out)
{
    if (out)
        *out = NULL;
    if (!params || !out || !params->path)
        return log_fail(params ? &params->log : NULL, LEM_ERR_ARGUMENT,
                        "lem_model_open: params, params->path and out must not be NULL");
    struct lem_model *m = calloc(1, sizeof *m);
    if (!m)
        return log_fail(&params->log, LEM_ERR_MEMORY,
                        "%s: host memory ran out while opening the model", params->path);
    m->log = params->log;
    m->info.unsupported = m->info.missing = "";

    enum lem_status st = gguf_open(&m->file, params->path, &m->log);
    if (st == LEM_OK)
        st = facts_names(m);
    if (st == LEM_OK)
        st = params->facts_only ? try_runnable(m) : make_runnable(m);
    if (st == LEM_OK)
        st = facts_sizes(m);
    if (st != LEM_OK) {
        lem_model_close(&m); /* safe on a half-built model: it was zeroed */
        return st;
    }
    *out = m;
    return LEM_OK;
}

void lem_model_close(struct lem_model **model)
{
    if (!model || !*model)
        return;
    struct lem_model *m = *model;
    gguf_close(&m->file);
    arena_free(&m->arena);
    free(m);
    *model = NULL;
}

void lem_model_get_info(const struct lem_model *model, struct lem_model_info *info)
{
    *info = model->info;
}

enum lem_status lem_model_get_tensor(const struct lem_model *model, uint32_t i,
                                     struct lem_tensor_info *out)
{
    if (i >= model->info.n_tensor)
        return log_fail(&model->log, LEM_ERR_ARGUMENT,
                        "lem_model_get_tensor: no tensor %u, the model has %u", i,
                        model->info.n_tensor);
    const struct gguf_tensor *t = &model->file->tensor[i];
    *out = (struct lem_tensor_info){
        .name = t->name,
        .type = t->type->name,
        .n_dim = t->n_dim,
        .bytes = t->bytes,
        .file_offset = t->file_offset,
    };
    memcpy(out->dim, t->dim, sizeof out->dim);
    return LEM_OK;
}

/* Dense blocks lead, in every family so far. */
uint32_t lem_model_moe_layer(const struct lem_model *model, uint32_t i)
{
    const struct lem_model_info *info = &model->info;
    return i < info->n_layer_moe ? info->n_layer - info->n_layer_moe + i : UINT32_MAX;
}
