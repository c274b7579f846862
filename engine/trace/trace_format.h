/* trace_format.h - where things stand in a .lemtrace file; the format is described in
 * lemnos/trace.h. */
#ifndef TRACE_TRACE_FORMAT_H
#define TRACE_TRACE_FORMAT_H

#include "lemnos/trace.h"

enum {
    TRACE_HEADER_FIXED = 40, /* bytes before the strings */
    TRACE_AT_CHECK = 0,      /* of a slot */
    TRACE_AT_KIND = 4,
    TRACE_AT_FLAGS = 5,
    TRACE_AT_BEFORE = 8,
    TRACE_AT_PREVIOUS = 12,
    TRACE_AT_ID = 16, /* of a token */
    TRACE_AT_PROBABILITY = 20,
    TRACE_AT_TOTAL = 24,
    TRACE_AT_STAGES = 28,
    TRACE_AT_PIECE = 48,
    TRACE_PIECE_BYTES = 23,
    TRACE_PIECE_LONG = 255,
    TRACE_AT_RUNNERS = 72,
    TRACE_RUNNER_BYTES = 18,
    TRACE_AT_WHAT = 16, /* of an event */
    TRACE_AT_OFFSET = 20,
    TRACE_AT_LENGTH = 24,
    TRACE_AT_TEXT = 28,
    TRACE_MEMORY_BYTES = 44,
    TRACE_KIND_TOKEN = 1,
    TRACE_KIND_EVENT = 2,
    TRACE_FLAG_PROMPT = 1,
    TRACE_MAX_SLOT = 1 << 24, /* bytes; far above any model */
    TRACE_MAX_STRING = 1 << 16
};

extern const char trace_magic[8];

/* Bytes of a slot for these facts, or 0 when they are out of range. */
uint32_t trace_slot_bytes(const struct lem_trace_facts *facts);
/* The version of a file with these facts; bytes that a token takes of its slot. */
uint32_t trace_version(const struct lem_trace_facts *facts);
uint64_t trace_token_bytes(const struct lem_trace_facts *facts);
/* Is [n_layer_moe][n_expert_used] a token's choice: experts that exist, and LEM_NO_EXPERT
 * only after them? */
bool trace_routing_ok(const struct lem_trace_facts *facts, const uint16_t *ids);
/* A token's choice and its margins, into a slot of zeros and out of one; false where what
 * is read is no such thing. `next` NULL: none; `margins` NULL: not known. Without margins
 * in the facts none are written, and none are known. */
void trace_put_routing(const struct lem_trace_facts *facts, uint8_t *slot,
                       const uint16_t *ids, const float *weights);
bool trace_get_routing(const struct lem_trace_facts *facts, const uint8_t *slot,
                       uint16_t *ids, float *weights);
void trace_put_margins(const struct lem_trace_facts *facts, uint8_t *slot,
                       const float *margins, const uint16_t *next);
bool trace_get_margins(const struct lem_trace_facts *facts, const uint8_t *slot,
                       float *margins, uint16_t *next);
/* Memory in TRACE_MEMORY_BYTES; false for numbers that contradict each other. */
void trace_put_memory(uint8_t *at, const struct lem_trace_memory *m);
bool trace_take_memory(const uint8_t *at, struct lem_trace_memory *m);
bool trace_memory_ok(const struct lem_trace_memory *m);
/* Of `n` bytes, a multiple of 4. */
uint32_t trace_check(const uint8_t *data, size_t n);

uint16_t trace_get_u16(const uint8_t *at);
uint32_t trace_get_u32(const uint8_t *at);
uint64_t trace_get_u64(const uint8_t *at);
float trace_get_f32(const uint8_t *at);
void trace_put_u16(uint8_t *at, uint16_t v);
void trace_put_u32(uint8_t *at, uint32_t v);
void trace_put_u64(uint8_t *at, uint64_t v);
void trace_put_f32(uint8_t *at, float v);

#endif
