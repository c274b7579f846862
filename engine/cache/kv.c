/* kv.c - keys and values of all layers. */
#include "cache/kv.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/log.h"

/* Phones allow no more in one binding, and the slots of a layer are one. */
static const uint64_t BINDING_MAX = (uint64_t)128 << 20;

static enum lem_status open_layer(struct kv *kv, struct lem_device *device, uint32_t il,
                                  uint64_t k_bytes, uint64_t v_bytes)
{
    const uint64_t align = gpu_caps(device)->storage_align;
    uint64_t v_at = 0;
    if (!check_round_up(k_bytes, align ? align : 1, &v_at))
        return LEM_ERR_UNSUPPORTED;
    char name[32];
    snprintf(name, sizeof name, "kv.%u", il);
    struct kv_layer *l = &kv->layer[il];
    const enum lem_status st = gpu_buf_open(device, GPU_BUF_DEVICE, v_at + v_bytes, name,
                                            &l->buf);
    if (st != LEM_OK)
        return st;
    l->k = (struct gpu_slice){l->buf, 0, k_bytes};
    l->v = (struct gpu_slice){l->buf, v_at, v_bytes};
    kv->bytes += v_at + v_bytes;
    return LEM_OK;
}

enum lem_status kv_open(struct kv *kv, struct lem_device *device,
                        const struct hparams *hp, uint32_t n_ctx,
                        const struct lem_log *log)
{
    *kv = (struct kv){.n_ctx = round_up(n_ctx, 8), .n_layer = hp->n_layer};
    const uint64_t range = gpu_caps(device)->max_buffer_range;
    const uint64_t limit = range < BINDING_MAX ? range : BINDING_MAX;
    const uint64_t per_pos = (uint64_t)hp->n_head_kv * sizeof(float);
    const uint64_t k_bytes = per_pos * hp->head_dim * kv->n_ctx;
    const uint64_t v_bytes = per_pos * round_up(hp->head_dim, 8) * kv->n_ctx;
    if (v_bytes > limit)
        return log_fail(log, LEM_ERR_UNSUPPORTED,
                        "a context of %u tokens needs %llu bytes of keys per layer, over "
                        "the %llu that %s binds at once; use a context of at most %llu",
                        n_ctx, (unsigned long long)v_bytes, (unsigned long long)limit,
                        gpu_name(device),
                        (unsigned long long)(limit / (v_bytes / kv->n_ctx) / 8 * 8));
    kv->layer = calloc(hp->n_layer, sizeof *kv->layer);
    if (!kv->layer)
        return log_fail(log, LEM_ERR_MEMORY, "no memory for the KV cache's table");
    enum lem_status st = LEM_OK;
    for (uint32_t il = 0; il < hp->n_layer && st == LEM_OK; il++)
        st = open_layer(kv, device, il, k_bytes, v_bytes);
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
