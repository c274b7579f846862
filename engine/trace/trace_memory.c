/* trace_memory.c - the memory that a run took, as events of its recording. */
#include <assert.h>
#include <stdlib.h>

#include "base/log.h"
#include "trace/trace_reader.h"

bool trace_memory_ok(const struct lem_trace_memory *m)
{
    return m->cache <= m->session;
}

void trace_put_memory(uint8_t *at, const struct lem_trace_memory *m)
{
    const uint64_t v[] = {m->weights, m->session, m->cache, m->peak, m->device};
    for (size_t i = 0; i < sizeof v / sizeof *v; i++)
        trace_put_u64(at + 8 * i, v[i]);
    trace_put_u32(at + sizeof v, m->n_ctx);
}

bool trace_take_memory(const uint8_t *at, struct lem_trace_memory *m)
{
    *m = (struct lem_trace_memory){.weights = trace_get_u64(at),
                                   .session = trace_get_u64(at + 8),
                                   .cache = trace_get_u64(at + 16),
                                   .peak = trace_get_u64(at + 24),
                                   .device = trace_get_u64(at + 32),
                                   .n_ctx = trace_get_u32(at + 40)};
    return trace_memory_ok(m);
}

/* Event `k` is of memory, and sound. */
static bool take_event(const struct lem_trace *t, uint32_t k,
                       struct lem_trace_memory *out)
{
    static_assert(TRACE_AT_TEXT + TRACE_MEMORY_BYTES <= TRACE_AT_RUNNERS,
                  "the first part of the event, in the smallest slot, holds all of it");
    const struct trace_event_entry *e = &t->event[k];
    if (e->kind != LEM_TRACE_MEMORY || e->n_byte < TRACE_MEMORY_BYTES)
        return false;
    const uint64_t slot = t->event_slot[e->first].slot;
    return trace_take_memory(t->slots + slot * t->slot_bytes + TRACE_AT_TEXT, out);
}

enum lem_status trace_list_memory(struct lem_trace *t)
{
    struct lem_trace_memory m;
    uint32_t n = 0;
    for (uint32_t k = 0; k < t->n_event; k++)
        n += take_event(t, k, &m);
    if (n == 0)
        return LEM_OK;
    t->memory = calloc(n, sizeof *t->memory);
    if (!t->memory)
        return log_fail(&t->log, LEM_ERR_MEMORY, "%s: no memory for its list of events",
                        t->name);
    for (uint32_t k = 0; k < t->n_event; k++)
        if (take_event(t, k, &m))
            t->memory[t->n_memory++] = k;
    return LEM_OK;
}

enum lem_status lem_trace_get_memory(const struct lem_trace *t, uint64_t i,
                                     struct lem_trace_memory *out)
{
    if (!t || !out)
        return LEM_ERR_ARGUMENT;
    uint32_t low = 0, high = t->n_memory; /* those before token `i` */
    while (low < high) {
        const uint32_t mid = low + (high - low) / 2;
        if (t->event[t->memory[mid]].before <= i)
            low = mid + 1;
        else
            high = mid;
    }
    if (low == 0 || !take_event(t, t->memory[low - 1], out))
        *out = (struct lem_trace_memory){0};
    return LEM_OK;
}
