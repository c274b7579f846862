/* hazard.c - which dispatches must wait for earlier ones, found from the bytes that
 * they read and write. */
#include "gpu/list.h"

#include <stdlib.h>

static bool clash(const struct gpu_hazards *h, const struct gpu_touch *t)
{
    for (uint32_t i = 0; i < h->n; i++) {
        const struct gpu_touch *o = &h->touch[i];
        if (o->buf == t->buf && (o->write || t->write) && o->begin < t->end &&
            t->begin < o->end)
            return true;
    }
    return false;
}

static uint32_t touches(const struct gpu_dispatch *d, struct gpu_touch *out)
{
    const struct gpu_reflection *info = &d->kernel->info;
    uint32_t n = 0;
    for (uint32_t i = 0; i < info->n_binding; i++) {
        const struct gpu_slice *s = &d->bind[i];
        if (info->bind[i].kind != GPU_BIND_NONE)
            out[n++] = (struct gpu_touch){s->buf, s->offset, s->offset + s->size,
                                          info->bind[i].write};
    }
    if (d->indirect.buf)
        out[n++] = (struct gpu_touch){d->indirect.buf, d->indirect.offset,
                                      d->indirect.offset + 3 * sizeof(uint32_t), false};
    return n;
}

bool gpu_hazards_add(struct gpu_hazards *h, const struct gpu_dispatch *d, bool *barrier)
{
    struct gpu_touch mine[GPU_MAX_BINDING + 1];
    const uint32_t n = touches(d, mine);
    *barrier = false;
    for (uint32_t i = 0; i < n; i++)
        *barrier = *barrier || clash(h, &mine[i]);
    if (*barrier)
        h->n = 0; /* a global barrier: everything before is done */

    if (h->n + n > h->cap) {
        const uint32_t cap = 2 * h->cap + GPU_MAX_BINDING + 1;
        struct gpu_touch *bigger = realloc(h->touch, cap * sizeof *bigger);
        if (!bigger)
            return false;
        h->touch = bigger;
        h->cap = cap;
    }
    for (uint32_t i = 0; i < n; i++)
        h->touch[h->n++] = mine[i];
    return true;
}

void gpu_hazards_close(struct gpu_hazards *h)
{
    free(h->touch);
    *h = (struct gpu_hazards){0};
}
