/* layer.c - opening and closing a Mixture-of-Experts layer made from arrays. */
#include "layer/layer.h"

#include <stdlib.h>

#include "base/log.h"

static enum lem_status fill(struct lem_layer *l, const struct lem_layer_params *p)
{
    enum lem_status st = layer_gates_make(l, p);
    if (st == LEM_OK)
        st = layer_banks_make(l, p);
    if (st == LEM_OK)
        st = layer_banks_place(l, p);
    if (st == LEM_OK)
        st = layer_memory_open(l, p);
    if (st != LEM_OK)
        return st;
    layer_gates_fill(l);
    st = layer_steps_make(l);
    return st == LEM_OK ? gpu_kernels_make(l->device, NULL) : st;
}

enum lem_status lem_layer_open(const struct lem_layer_params *params,
                               struct lem_layer **out)
{
    if (!out)
        return LEM_ERR_ARGUMENT;
    *out = NULL;
    if (!params)
        return LEM_ERR_ARGUMENT;
    enum lem_status st = layer_check(params);
    if (st != LEM_OK)
        return st;
    struct lem_layer *l = calloc(1, sizeof *l);
    if (!l)
        return log_fail(&params->log, LEM_ERR_MEMORY, "no memory for a layer");
    l->device = params->device;
    l->log = params->log;
    l->seed = params->seed;
    l->keep_responses = params->keep_responses;
    l->info.n_in = params->n_in;
    l->info.n_expert = params->n_expert;
    l->info.n_gate = params->n_gate;
    st = fill(l, params);
    if (st != LEM_OK) {
        lem_layer_close(&l);
        return st;
    }
    *out = l;
    return LEM_OK;
}

void lem_layer_close(struct lem_layer **layer)
{
    if (!layer || !*layer)
        return;
    struct lem_layer *l = *layer;
    gpu_list_close(&l->list);
    layer_memory_close(l);
    lem_weights_close(&l->weights);
    arena_free(&l->arena);
    free(l);
    *layer = NULL;
}

void lem_layer_get_info(const struct lem_layer *layer, struct lem_layer_info *info)
{
    *info = layer ? layer->info : (struct lem_layer_info){0};
}
