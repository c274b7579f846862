/* state.c - rings of what short convolutions remember. */
#include "cache/state.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/log.h"

/* Positions that can be taken back without running the text again. */
enum { KEEP = 64 };

enum lem_status state_open(struct state *s, struct lem_device *device,
                           const struct hparams *hp, uint32_t n_batch,
                           const struct lem_log *log)
{
    *s = (struct state){.n_layer = hp->n_layer, .n_conv = hp->n_conv};
    if (hp->n_conv == 0)
        return LEM_OK;
    s->n_ring = n_batch + hp->n_conv - 1 + KEEP;
    s->ring = calloc(hp->n_layer, sizeof(struct gpu_buf *));
    if (!s->ring)
        return log_fail(log, LEM_ERR_MEMORY, "no memory for the table of states");
    const uint64_t bytes = (uint64_t)s->n_ring * hp->n_embd * sizeof(float);
    enum lem_status st = LEM_OK;
    for (uint32_t il = 0; il < hp->n_layer && st == LEM_OK; il++) {
        char name[32];
        if (!hp->layer[il].has_state)
            continue;
        snprintf(name, sizeof name, "state.%u", il);
        st = gpu_buf_open(device, GPU_BUF_DEVICE, bytes, name, &s->ring[il]);
        if (st == LEM_OK)
            s->bytes += bytes;
    }
    if (st != LEM_OK)
        state_close(s);
    return st;
}

void state_close(struct state *s)
{
    for (uint32_t il = 0; s->ring && il < s->n_layer; il++)
        gpu_buf_close(&s->ring[il]);
    free(s->ring);
    *s = (struct state){0};
}

void state_append(struct state *s, uint32_t end)
{
    if (s->n_conv && end > s->n_ring && end - s->n_ring > s->lost)
        s->lost = end - s->n_ring;
}

bool state_has(const struct state *s, uint32_t length)
{
    if (s->n_conv == 0 || length == 0)
        return true;
    const uint32_t n_before = s->n_conv - 1;
    return (length > n_before ? length - n_before : 0) >= s->lost;
}

void state_reset(struct state *s)
{
    s->lost = 0;
}
