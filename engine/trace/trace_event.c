/* trace_event.c - what happened between the tokens of a recording, and texts that are
 * kept there. */
#include <string.h>

#include "trace/trace_reader.h"

enum lem_status lem_trace_get_event(const struct lem_trace *t, uint32_t k,
                                    struct lem_trace_event *out)
{
    if (!t || !out || k >= t->n_event)
        return LEM_ERR_ARGUMENT;
    *out = (struct lem_trace_event){.kind = t->event[k].kind,
                                    .before = t->event[k].before,
                                    .n_byte = t->event[k].n_byte};
    return LEM_OK;
}

size_t lem_trace_event_text(const struct lem_trace *t, uint32_t k, char *out, size_t cap)
{
    if (!t || k >= t->n_event)
        return 0;
    const struct trace_event_entry *e = &t->event[k];
    const size_t room = t->slot_bytes - TRACE_AT_TEXT;
    if (e->n_byte > cap)
        return e->n_byte;
    const struct trace_event_slot *part = &t->event_slot[e->first];
    for (size_t done = 0; done < e->n_byte; done += room, part++) {
        const size_t n = e->n_byte - done < room ? e->n_byte - done : room;
        const uint8_t *s = t->slots + (uint64_t)part->slot * t->slot_bytes;
        memcpy(out + done, s + TRACE_AT_TEXT, n);
    }
    return e->n_byte;
}

/* The event that holds the bytes of token `i`: of those before it, the last. */
static uint32_t piece_event(const struct lem_trace *t, uint64_t i)
{
    uint32_t low = 0, high = t->n_event;
    while (low < high) {
        const uint32_t mid = low + (high - low) / 2;
        if (t->event[mid].before <= i)
            low = mid + 1;
        else
            high = mid;
    }
    const bool found = low > 0 && t->event[low - 1].before == i &&
                       t->event[low - 1].kind == LEM_TRACE_PIECE;
    return found ? low - 1 : t->n_event;
}

size_t lem_trace_piece(const struct lem_trace *t, uint64_t i, char *out, size_t cap)
{
    const uint8_t *s = t ? trace_token_slot(t, i) : NULL;
    if (!s)
        return 0;
    const uint8_t n = s[TRACE_AT_PIECE];
    if (n == TRACE_PIECE_LONG)
        return lem_trace_event_text(t, piece_event(t, i), out, cap);
    if (n > TRACE_PIECE_BYTES)
        return 0;
    if (n <= cap && n > 0)
        memcpy(out, s + TRACE_AT_PIECE + 1, n);
    return n;
}
