/* trace_index.c - finding one's way in a recording: the last whole slot tells how many
 * tokens there are, and a chain leads from it through all events. Only where that
 * chain is damaged are all slots read. */
#include <stdlib.h>

#include "base/log.h"
#include "trace/trace_reader.h"

static uint32_t before(const uint8_t *slot)
{
    return trace_get_u32(slot + TRACE_AT_BEFORE);
}

static bool is_event(const uint8_t *slot)
{
    return slot[TRACE_AT_KIND] == TRACE_KIND_EVENT;
}

const uint8_t *trace_slot(const struct lem_trace *t, uint32_t number)
{
    if (!t->slots)
        return NULL;
    const uint8_t *s = t->slots + (uint64_t)number * t->slot_bytes;
    if (trace_get_u32(s) != trace_check(s + 4, t->slot_bytes - 4))
        return NULL;
    if (s[TRACE_AT_KIND] != TRACE_KIND_TOKEN && s[TRACE_AT_KIND] != TRACE_KIND_EVENT)
        return NULL;
    return before(s) <= number ? s : NULL;
}

static enum lem_status no_memory(const struct lem_trace *t)
{
    return log_fail(&t->log, LEM_ERR_MEMORY, "%s: no memory for its list of events",
                    t->name);
}

/* ---- the quick way ---------------------------------------------------------- */

/* False when the chain does not lead through as many events as there must be. */
static bool follow_chain(struct lem_trace *t, uint32_t next)
{
    for (uint32_t rank = t->n_event_slot; rank-- > 0;) {
        if (next == 0 || next > t->n_slot)
            return false;
        const uint32_t number = next - 1;
        const uint8_t *s = trace_slot(t, number);
        if (!s || !is_event(s) || number - before(s) != rank)
            return false;
        t->event_slot[rank] =
            (struct trace_event_slot){.slot = number, .before = before(s)};
        next = trace_get_u32(s + TRACE_AT_PREVIOUS);
    }
    return next == 0;
}

/* ---- the long way ----------------------------------------------------------- */

/* What stands in slots [from, to) between good ones cannot be known: `n_token` of
 * them are taken for tokens, those in front. */
static void fill_gap(struct lem_trace *t, uint32_t from, uint32_t to, uint32_t n_token)
{
    for (uint32_t s = from + n_token; s < to; s++)
        t->event_slot[t->n_event_slot++] =
            (struct trace_event_slot){.slot = s, .before = t->n_token + n_token};
    t->n_token += n_token;
}

static void scan(struct lem_trace *t)
{
    uint32_t done = 0; /* slots understood */
    t->n_token = 0;
    t->n_event_slot = 0;
    for (uint32_t number = 0; number < t->n_slot; number++) {
        const uint8_t *s = trace_slot(t, number);
        if (!s || before(s) < t->n_token || before(s) - t->n_token > number - done)
            continue;
        fill_gap(t, done, number, before(s) - t->n_token);
        if (is_event(s))
            t->event_slot[t->n_event_slot++] =
                (struct trace_event_slot){.slot = number, .before = t->n_token};
        else
            t->n_token++;
        done = number + 1;
    }
    t->n_slot = done;
}

/* ---- events from their parts ------------------------------------------------- */

/* Do the parts from `first` on hold the whole text? Then *next is what follows. */
static bool whole_event(const struct lem_trace *t, uint32_t first, uint32_t *next,
                        struct trace_event_entry *out)
{
    const uint32_t room = t->slot_bytes - TRACE_AT_TEXT;
    const struct trace_event_slot *e = t->event_slot;
    const uint8_t *s = trace_slot(t, e[first].slot);
    *next = first + 1;
    if (!s || !is_event(s) || trace_get_u32(s + TRACE_AT_OFFSET) != 0)
        return false;
    *out = (struct trace_event_entry){.first = first,
                                      .kind = trace_get_u32(s + TRACE_AT_WHAT),
                                      .before = e[first].before,
                                      .n_byte = trace_get_u32(s + TRACE_AT_LENGTH)};
    for (uint64_t offset = room; offset < out->n_byte; offset += room, ++*next) {
        if (*next >= t->n_event_slot || e[*next].slot != e[*next - 1].slot + 1)
            return false;
        s = trace_slot(t, e[*next].slot);
        if (!s || !is_event(s) || trace_get_u32(s + TRACE_AT_OFFSET) != offset ||
            trace_get_u32(s + TRACE_AT_LENGTH) != out->n_byte ||
            trace_get_u32(s + TRACE_AT_WHAT) != out->kind)
            return false;
    }
    return true;
}

static enum lem_status gather_events(struct lem_trace *t)
{
    if (t->n_event_slot == 0)
        return LEM_OK;
    t->event = calloc(t->n_event_slot, sizeof *t->event);
    if (!t->event)
        return no_memory(t);
    for (uint32_t i = 0; i < t->n_event_slot;)
        t->n_event += whole_event(t, i, &i, &t->event[t->n_event]);
    return trace_list_memory(t);
}

enum lem_status trace_index(struct lem_trace *t, uint64_t room)
{
    const uint8_t *last = NULL;
    t->n_slot = room < UINT32_MAX ? (uint32_t)room : UINT32_MAX - 1;
    while (t->n_slot > 0 && !(last = trace_slot(t, t->n_slot - 1)))
        t->n_slot--;
    if (!last)
        return LEM_OK;
    t->n_token = before(last) + !is_event(last);
    t->n_event_slot = t->n_slot - t->n_token;
    const uint32_t chain =
        is_event(last) ? t->n_slot : trace_get_u32(last + TRACE_AT_PREVIOUS);
    if (t->n_event_slot > 0) {
        t->event_slot = calloc(t->n_event_slot, sizeof *t->event_slot);
        if (!t->event_slot)
            return no_memory(t);
    }
    if (!follow_chain(t, chain)) {
        free(t->event_slot);
        t->event_slot = calloc(t->n_slot, sizeof *t->event_slot);
        if (!t->event_slot)
            return no_memory(t);
        scan(t);
        log_msg(&t->log, LEM_LOG_WARN,
                "%s: damaged in the middle; what can be read of its %u tokens is shown",
                t->name, t->n_token);
    }
    return gather_events(t);
}

const uint8_t *trace_token_slot(const struct lem_trace *t, uint64_t i)
{
    if (i >= t->n_token)
        return NULL;
    uint32_t low = 0, high = t->n_event_slot; /* entries with before <= i */
    while (low < high) {
        const uint32_t mid = low + (high - low) / 2;
        if (t->event_slot[mid].before <= i)
            low = mid + 1;
        else
            high = mid;
    }
    const uint8_t *s = trace_slot(t, (uint32_t)i + low);
    return s && !is_event(s) && before(s) == i ? s : NULL;
}
