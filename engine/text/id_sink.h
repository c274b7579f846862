/* id_sink.h - where the algorithms put ids: counts all, keeps what there is room for. */
#ifndef TEXT_ID_SINK_H
#define TEXT_ID_SINK_H

#include <stddef.h>
#include <stdint.h>

struct id_sink {
    int32_t *ids;
    size_t cap, n;
};

static inline void id_sink_put(struct id_sink *s, int32_t id)
{
    if (s->n < s->cap)
        s->ids[s->n] = id;
    s->n++;
}

#endif
