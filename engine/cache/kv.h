/* kv.h - keys and values of all layers that attend, in the slots that
 * shaders/common/kv.glsl describes. A part of cache/past.h. */
#ifndef CACHE_KV_H
#define CACHE_KV_H

#include "gpu/gpu.h"
#include "lemnos/session.h"
#include "model/hparams.h"

struct kv_layer {
    struct gpu_buf *buf; /* NULL: the layer does not attend */
    struct gpu_slice k;
    struct gpu_slice v; /* buf NULL: values are the first dims of the keys */
};

struct kv {
    enum lem_cache_type type;
    uint32_t n_ctx; /* positions, a multiple of OPS_CACHE_TILE */
    uint32_t n_layer;
    struct kv_layer *layer;
    uint64_t bytes; /* of device memory */
};

/* Room for at least `n_ctx` positions. Rewinding needs nothing here: what lies
 * beyond a token's own position is never read.
 * Returns LEM_OK, LEM_ERR_ARGUMENT (no such type), LEM_ERR_MEMORY,
 * LEM_ERR_GPU_MEMORY, LEM_ERR_UNSUPPORTED (one layer exceeds a binding). Close is safe on
 * {0} and on a half-made cache. */
enum lem_status kv_open(struct kv *kv, struct lem_device *device,
                        const struct hparams *hp, uint32_t n_ctx,
                        enum lem_cache_type type, const struct lem_log *log);
void kv_close(struct kv *kv);

#endif
