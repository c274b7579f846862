/* state.h - the states of layers that do not attend: of short convolutions, the last
 * inputs of every channel, as a ring over positions. A part of cache/past.h.
 *
 * The ring of a layer is f32 [n_ring][n_embd]; position p stands in row p % n_ring. A
 * step reads the n_conv - 1 positions before its first token and writes those of its
 * own tokens; the ring is longer than both together, so it also remembers some more
 * positions, and rewinding over those is free. */
#ifndef CACHE_STATE_H
#define CACHE_STATE_H

#include "gpu/gpu.h"
#include "model/hparams.h"

struct state {
    uint32_t n_layer;
    uint32_t n_conv; /* tokens that a convolution sees; 0: the model has no states */
    uint32_t n_ring; /* positions held */
    struct gpu_buf **ring; /* [n_layer]; NULL where a layer attends */
    uint32_t lost;         /* positions below it were overwritten */
    uint64_t bytes;        /* of device memory */
};

/* For steps of up to `n_batch` tokens.
 * Returns LEM_OK, LEM_ERR_MEMORY, LEM_ERR_GPU_MEMORY. Close is safe on {0}. */
enum lem_status state_open(struct state *s, struct lem_device *device,
                           const struct hparams *hp, uint32_t n_batch,
                           const struct lem_log *log);
void state_close(struct state *s);

/* Positions up to `end` have been run. */
void state_append(struct state *s, uint32_t end);
/* Can the text go on at `length`? What a step at that position reads is still there. */
bool state_has(const struct state *s, uint32_t length);
void state_reset(struct state *s);

#endif
