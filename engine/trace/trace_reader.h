/* trace_reader.h - an open recording: where its tokens and events stand. */
#ifndef TRACE_TRACE_READER_H
#define TRACE_TRACE_READER_H

#include "base/file.h"
#include "trace/trace_format.h"

/* A slot that is no token. Slots of tokens follow from these: token i stands in slot
 * i + number of entries with before <= i. */
struct trace_event_slot {
    uint32_t slot, before;
};

/* An event whose text is all there. */
struct trace_event_entry {
    uint32_t first; /* index in `event_slot` of its first part */
    uint32_t kind, before, n_byte;
};

struct lem_trace {
    struct lem_log log;
    const char *name; /* of the file, for messages */
    char *path;
    struct file_map map;
    const uint8_t *slots;
    uint64_t file_bytes, header_bytes;
    uint32_t slot_bytes, n_slot, n_token, n_prompt;
    struct lem_trace_facts facts;
    char *strings; /* what the facts point to */
    uint32_t *layer;
    struct trace_event_slot *event_slot;
    uint32_t n_event_slot;
    struct trace_event_entry *event;
    uint32_t n_event;
    uint32_t *memory; /* [n_memory] events that are sound memory */
    uint32_t n_memory;
};

/* The slot, or NULL when its check does not fit. */
const uint8_t *trace_slot(const struct lem_trace *t, uint32_t number);
/* The slot of token `i`; NULL when there is none or it is damaged. */
const uint8_t *trace_token_slot(const struct lem_trace *t, uint64_t i);

/* Fill n_slot, n_token, the event slots and the events from `slots` and its
 * `room` whole slots. Returns LEM_OK or LEM_ERR_MEMORY, logged. (trace_index.c) */
enum lem_status trace_index(struct lem_trace *t, uint64_t room);
/* Fill the list of memory from the events. Returns as trace_index(). (trace_memory.c) */
enum lem_status trace_list_memory(struct lem_trace *t);

#endif
