/* weights.c - a model's weights on a device: layout, memory, upload. */
#include "cache/weights.h"

#include <stdlib.h>

#include "base/log.h"
#include "cache/weights_layout.h"
#include "cache/weights_upload.h"

static struct gpu_slice slice_of(const struct lem_weights *w, const struct pack_place *p)
{
    return (struct gpu_slice){w->chunk[p->chunk], p->offset, p->size};
}

/* Take the memory of the layout and point all slices into it. */
static enum lem_status take_memory(struct lem_weights *w, const struct weights_layout *l)
{
    w->chunk = arena_alloc(&w->arena, l->n_chunk, sizeof(struct gpu_buf *));
    if (!w->chunk)
        return log_fail(&w->log, LEM_ERR_MEMORY, "no memory for %u chunks", l->n_chunk);
    for (uint32_t i = 0; i < l->n_chunk; i++) {
        const enum lem_status st = gpu_buf_open_blank(
            w->device, GPU_BUF_DEVICE, l->chunk_bytes[i], "weights", &w->chunk[i]);
        if (st != LEM_OK)
            return st;
        w->n_chunk = i + 1;
    }
    for (uint32_t i = 0; i < l->n_matrix; i++) {
        const struct pack_matrix *m = &l->matrix[i];
        struct ops_window *win = (struct ops_window *)m->dst->window;
        for (uint32_t k = 0; k < m->n_place; k++)
            win[k].slice = slice_of(w, &l->place[m->first_place + k]);
    }
    for (uint32_t i = 0; i < l->n_vector; i++)
        *l->vector[i].dst = slice_of(w, &l->place[l->vector[i].place]);
    return LEM_OK;
}

enum lem_status weights_place(struct lem_weights *w, const struct weights_layout *layout,
                              const struct lem_progress *progress)
{
    const enum lem_status st = take_memory(w, layout);
    return st == LEM_OK ? weights_upload(layout, w, progress) : st;
}

static enum lem_status fill(struct lem_weights *w, const struct lem_progress *progress)
{
    w->layer = arena_alloc(&w->arena, w->model->hp.n_layer, sizeof *w->layer);
    if (!w->layer)
        return log_fail(&w->log, LEM_ERR_MEMORY, "no memory for %u layers",
                        w->model->hp.n_layer);
    struct weights_layout layout = {0};
    enum lem_status st = weights_layout_make(&layout, w);
    if (st == LEM_OK)
        st = weights_place(w, &layout, progress);
    weights_layout_free(&layout);
    return st;
}

enum lem_status lem_weights_open(const struct lem_weights_params *params,
                                 struct lem_weights **out)
{
    if (!out)
        return LEM_ERR_ARGUMENT;
    *out = NULL;
    if (!params || !params->model || !params->device)
        return log_fail(params ? &params->log : NULL, LEM_ERR_ARGUMENT,
                        "lem_weights_open: model and device must be set");
    if (params->model->info.unsupported[0] || !params->model->arch)
        return log_fail(&params->log, LEM_ERR_UNSUPPORTED, "%s: %s",
                        params->model->file->path, params->model->info.unsupported);
    struct lem_weights *w = calloc(1, sizeof *w);
    if (!w)
        return log_fail(&params->log, LEM_ERR_MEMORY, "no memory for the weights' table");
    w->model = params->model;
    w->device = params->device;
    w->log = params->log;

    const enum lem_status st = fill(w, &params->progress);
    if (st != LEM_OK) {
        lem_weights_close(&w);
        return st;
    }
    *out = w;
    return LEM_OK;
}

void lem_weights_close(struct lem_weights **weights)
{
    if (!weights || !*weights)
        return;
    struct lem_weights *w = *weights;
    for (uint32_t i = 0; i < w->n_chunk; i++)
        gpu_buf_close(&w->chunk[i]);
    arena_free(&w->arena);
    free(w);
    *weights = NULL;
}

const struct ops_weight *weights_output(const struct lem_weights *w)
{
    const struct ops_weight *own = &w->global[W_OUTPUT];
    return own->n_mat ? own : &w->global[W_TOKEN_EMBD];
}
