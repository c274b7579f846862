/* past.c - what a session remembers of its text. */
#include "cache/past.h"

enum lem_status past_open(struct past *p, struct lem_device *device,
                          const struct hparams *hp, uint32_t n_ctx, uint32_t n_batch,
                          enum lem_cache_type type, const struct lem_log *log)
{
    *p = (struct past){.n_ctx = n_ctx};
    enum lem_status st = kv_open(&p->kv, device, hp, n_ctx, type, log);
    if (st == LEM_OK)
        st = state_open(&p->state, device, hp, n_batch, log);
    p->bytes = p->kv.bytes + p->state.bytes;
    if (st != LEM_OK)
        past_close(p);
    return st;
}

void past_close(struct past *p)
{
    kv_close(&p->kv);
    state_close(&p->state);
    p->bytes = 0;
}

void past_append(struct past *p, uint32_t end)
{
    state_append(&p->state, end);
}

uint32_t past_rewind(struct past *p, uint32_t length)
{
    if (length > 0 && state_has(&p->state, length))
        return length;
    state_reset(&p->state);
    return 0;
}
