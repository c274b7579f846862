/* kv.c - keys and values of all layers. */
#include "cache/kv.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/log.h"
#include "ops/ops.h"

/* Phones allow no more in one binding, and the slots of a layer are one. */
static const uint64_t BINDING_MAX = (uint64_t)128 << 20;

struct sizes {
    uint64_t k, v; /* bytes; v 0: the values are in the keys */
};

static struct sizes sizes_of(const struct kv *kv, const struct hparams *hp, uint32_t il)
{
    const struct layer_hparams *l = &hp->layer[il];
    const bool latent = hp->latent.kv_lora > 0;
    return (struct sizes){
        .k = ops_cache_bytes(kv->type, l->n_head_kv, kv->n_ctx, l->head_dim),
        .v = latent ? 0
                    : ops_cache_bytes(kv->type, l->n_head_kv, kv->n_ctx, l->head_dim_v)};
}

static enum lem_status open_layer(struct kv *kv, struct lem_device *device, uint32_t il,
                                  struct sizes size)
{
    const uint64_t align = gpu_caps(device)->storage_align;
    uint64_t v_at = 0;
    if (!check_round_up(size.k, align ? align : 1, &v_at))
        return LEM_ERR_UNSUPPORTED;
    char name[32];
    snprintf(name, sizeof name, "kv.%u", il);
    struct kv_layer *l = &kv->layer[il];
    const enum lem_status st =
        gpu_buf_open(device, GPU_BUF_DEVICE, v_at + size.v, name, &l->buf);
    if (st != LEM_OK)
        return st;
    l->k = (struct gpu_slice){l->buf, 0, size.k};
    if (size.v)
        l->v = (struct gpu_slice){l->buf, v_at, size.v};
    kv->bytes += v_at + size.v;
    return LEM_OK;
}

static enum lem_status check_binding(const struct kv *kv, const struct lem_device *device,
                                     uint32_t n_ctx, struct sizes size,
                                     const struct lem_log *log)
{
    const uint64_t range = gpu_caps(device)->max_buffer_range;
    const uint64_t limit = range < BINDING_MAX ? range : BINDING_MAX;
    const uint64_t most = size.v > size.k ? size.v : size.k;
    if (most <= limit)
        return LEM_OK;
    return log_fail(log, LEM_ERR_UNSUPPORTED,
                    "a context of %u tokens needs %llu bytes of keys per layer, over "
                    "the %llu that %s binds at once; use a context of at most %llu",
                    n_ctx, (unsigned long long)most, (unsigned long long)limit,
                    gpu_name(device),
                    (unsigned long long)(limit / (most / kv->n_ctx) / OPS_CACHE_TILE *
                                         OPS_CACHE_TILE));
}

enum lem_status kv_open(struct kv *kv, struct lem_device *device,
                        const struct hparams *hp, uint32_t n_ctx,
                        enum lem_cache_type type, const struct lem_log *log)
{
    *kv = (struct kv){
        .type = type, .n_ctx = round_up(n_ctx, OPS_CACHE_TILE), .n_layer = hp->n_layer};
    if (!ops_cache_name(type))
        return log_fail(log, LEM_ERR_ARGUMENT,
                        "there is no type %d of KV cache; see enum lem_cache_type",
                        (int)type);
    kv->layer = calloc(hp->n_layer, sizeof *kv->layer);
    if (!kv->layer)
        return log_fail(log, LEM_ERR_MEMORY, "no memory for the KV cache's table");
    enum lem_status st = LEM_OK;
    for (uint32_t il = 0; il < hp->n_layer && st == LEM_OK; il++) {
        const struct sizes size = sizes_of(kv, hp, il);
        if (hp->layer[il].has_state)
            continue;
        st = check_binding(kv, device, n_ctx, size, log);
        if (st == LEM_OK)
            st = open_layer(kv, device, il, size);
    }
    if (st != LEM_OK)
        kv_close(kv);
    return st;
}

void kv_close(struct kv *kv)
{
    for (uint32_t il = 0; kv->layer && il < kv->n_layer; il++)
        gpu_buf_close(&kv->layer[il].buf);
    free(kv->layer);
    *kv = (struct kv){0};
}
