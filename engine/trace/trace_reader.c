/* trace_reader.c - opening a recording and reading its tokens. */
#include "trace/trace_reader.h"

#include <stdlib.h>
#include <string.h>

#include "base/half.h"
#include "base/log.h"

/* ---- the header ------------------------------------------------------------- */

static enum lem_status check_magic(const struct lem_trace *t, const uint8_t *data)
{
    if (t->file_bytes < 16)
        return log_fail(&t->log, LEM_ERR_FORMAT,
                        "%s: %llu bytes are too few for a recording; it was cut off "
                        "before its first token",
                        t->name, (unsigned long long)t->file_bytes);
    if (memcmp(data, trace_magic, sizeof trace_magic) != 0)
        return log_fail(&t->log, LEM_ERR_FORMAT,
                        "%s: not a recording of Lemnos (it does not begin with "
                        "LEMTRACE); make one with: lemnos run --trace FILE",
                        t->name);
    const uint32_t version = trace_get_u32(data + 8);
    if (version == 0 || version > LEM_TRACE_VERSION)
        return log_fail(
            &t->log, LEM_ERR_UNSUPPORTED,
            "%s: a recording of version %u, but this program reads versions 1 "
            "to %d; use the Lemnos it was made with",
            t->name, version, LEM_TRACE_VERSION);
    return LEM_OK;
}

static enum lem_status header_damaged(const struct lem_trace *t, const char *what)
{
    return log_fail(&t->log, LEM_ERR_FORMAT,
                    "%s: its header is damaged (%s); nothing after it can be read, "
                    "record it again",
                    t->name, what);
}

static bool take_string(struct cursor *c, char **at, const char **out)
{
    const uint32_t n = cursor_u32(c);
    const uint8_t *s = cursor_take(c, n);
    if (!s)
        return false;
    memcpy(*at, s, n);
    (*at)[n] = '\0';
    *out = *at;
    *at += n + 1;
    return true;
}

static enum lem_status read_facts(struct lem_trace *t, uint32_t version, struct cursor *c)
{
    struct lem_trace_facts *f = &t->facts;
    f->n_layer_moe = cursor_u32(c);
    f->n_expert = cursor_u32(c);
    f->n_expert_used = cursor_u32(c);
    f->n_vocab = cursor_u32(c);
    f->n_runner = cursor_u32(c);
    f->margins = version > 1;
    if (trace_slot_bytes(f) == 0 || trace_slot_bytes(f) != t->slot_bytes)
        return header_damaged(t, "its numbers contradict each other");
    t->strings = malloc((size_t)t->header_bytes + 3); /* three terminators */
    t->layer = calloc(f->n_layer_moe + 1u, sizeof *t->layer);
    if (!t->strings || !t->layer)
        return log_fail(&t->log, LEM_ERR_MEMORY, "%s: no memory for its header", t->name);
    char *at = t->strings;
    if (!take_string(c, &at, &f->name) || !take_string(c, &at, &f->architecture) ||
        !take_string(c, &at, &f->device))
        return header_damaged(t, "a name does not fit");
    for (uint32_t i = 0; i < f->n_layer_moe; i++)
        t->layer[i] = cursor_u32(c);
    f->layer = t->layer;
    return c->failed ? header_damaged(t, "the list of layers does not fit") : LEM_OK;
}

static enum lem_status read_header(struct lem_trace *t, const uint8_t *data)
{
    const enum lem_status st = check_magic(t, data);
    if (st != LEM_OK)
        return st;
    t->header_bytes = trace_get_u32(data + 12);
    if (t->header_bytes > t->file_bytes)
        return header_damaged(t, "it is cut off");
    if (t->header_bytes < TRACE_HEADER_FIXED + 4 || t->header_bytes % 8 != 0)
        return header_damaged(t, "its length is impossible");
    const size_t n = (size_t)t->header_bytes - 4;
    if (trace_get_u32(data + n) != trace_check(data, n))
        return header_damaged(t, "its check does not fit");
    t->slot_bytes = trace_get_u32(data + 16);
    struct cursor c = cursor_over(data + 20, n - 20);
    return read_facts(t, trace_get_u32(data + 8), &c);
}

/* ---- opening ---------------------------------------------------------------- */

static bool is_prompt(const struct lem_trace *t, uint32_t i)
{
    const uint8_t *s = trace_token_slot(t, i);
    return s && (s[TRACE_AT_FLAGS] & TRACE_FLAG_PROMPT);
}

/* The prompt stands in front: where it ends is found by halving. */
static uint32_t count_prompt(const struct lem_trace *t)
{
    uint32_t low = 0, high = t->n_token;
    while (low < high) {
        const uint32_t mid = low + (high - low) / 2;
        if (is_prompt(t, mid))
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

static enum lem_status read_all(struct lem_trace *t, const uint8_t *data, uint64_t size)
{
    t->file_bytes = size;
    enum lem_status st = read_header(t, data);
    if (st != LEM_OK)
        return st;
    t->slots = data + t->header_bytes;
    st = trace_index(t, (size - t->header_bytes) / t->slot_bytes);
    if (st == LEM_OK)
        t->n_prompt = count_prompt(t);
    return st;
}

static struct lem_trace *new_trace(const char *path, const struct lem_log *log)
{
    struct lem_trace *t = calloc(1, sizeof *t);
    if (!t)
        return NULL;
    t->log = log ? *log : (struct lem_log){0};
    const size_t n = strlen(path) + 1;
    t->path = malloc(n);
    if (!t->path) {
        free(t);
        return NULL;
    }
    t->name = memcpy(t->path, path, n);
    return t;
}

/* With `data` NULL the file is mapped. */
static enum lem_status open_trace(const char *path, const void *data, uint64_t size,
                                  const struct lem_log *log, struct lem_trace **out)
{
    struct lem_trace *t = new_trace(path, log);
    if (!t)
        return log_fail(log, LEM_ERR_MEMORY, "%s: no memory to open it", path);
    enum lem_status st = LEM_OK;
    if (!data) {
        st = file_map_open(&t->map, path, &t->log);
        data = t->map.data;
        size = t->map.size;
    }
    if (st == LEM_OK)
        st = read_all(t, data, size);
    if (st != LEM_OK) {
        lem_trace_close(&t);
        return st;
    }
    *out = t;
    return LEM_OK;
}

enum lem_status lem_trace_open(const char *path, const struct lem_log *log,
                               struct lem_trace **out)
{
    if (!out)
        return LEM_ERR_ARGUMENT;
    *out = NULL;
    if (!path)
        return log_fail(log, LEM_ERR_ARGUMENT, "lem_trace_open: path must be set");
    return open_trace(path, NULL, 0, log, out);
}

enum lem_status lem_trace_open_memory(const void *data, size_t size,
                                      const struct lem_log *log, struct lem_trace **out)
{
    if (!out)
        return LEM_ERR_ARGUMENT;
    *out = NULL;
    if (!data)
        return log_fail(log, LEM_ERR_ARGUMENT, "lem_trace_open_memory: no data");
    return open_trace("recording in memory", data, size, log, out);
}

void lem_trace_close(struct lem_trace **trace)
{
    if (!trace || !*trace)
        return;
    struct lem_trace *t = *trace;
    file_map_close(&t->map);
    free(t->event);
    free(t->memory);
    free(t->event_slot);
    free(t->layer);
    free(t->strings);
    free(t->path);
    free(t);
    *trace = NULL;
}

/* ---- reading ---------------------------------------------------------------- */

void lem_trace_get_info(const struct lem_trace *t, struct lem_trace_info *info)
{
    const uint64_t used = t->header_bytes + (uint64_t)t->n_slot * t->slot_bytes;
    *info = (struct lem_trace_info){.facts = t->facts,
                                    .n_token = t->n_token,
                                    .n_prompt = t->n_prompt,
                                    .n_event = t->n_event,
                                    .file_bytes = t->file_bytes,
                                    .slot_bytes = t->slot_bytes,
                                    .lost_bytes = t->file_bytes - used};
}

static enum lem_status bad_token(const struct lem_trace *t, uint64_t i)
{
    if (i >= t->n_token)
        return log_fail(&t->log, LEM_ERR_ARGUMENT, "%s: no token %llu, there are %u",
                        t->name, (unsigned long long)i, t->n_token);
    return log_fail(&t->log, LEM_ERR_FORMAT,
                    "%s: token %llu is damaged (near byte %llu); those around it can "
                    "still be read",
                    t->name, (unsigned long long)i,
                    (unsigned long long)(t->header_bytes + i * t->slot_bytes));
}

static void take_runner(struct lem_trace_runner *r, const uint8_t *at)
{
    const uint8_t n = at[6];
    r->id = (int32_t)trace_get_u32(at);
    r->probability = half_to_f32(trace_get_u16(at + 4));
    r->n_piece = n < LEM_TRACE_RUNNER_BYTES ? n : LEM_TRACE_RUNNER_BYTES;
    memcpy(r->piece, at + 7, r->n_piece);
}

enum lem_status lem_trace_get_token(const struct lem_trace *t, uint64_t i,
                                    struct lem_trace_token *out)
{
    if (!t || !out)
        return LEM_ERR_ARGUMENT;
    const uint8_t *s = trace_token_slot(t, i);
    if (!s)
        return bad_token(t, i);
    *out = (struct lem_trace_token){
        .id = (int32_t)trace_get_u32(s + TRACE_AT_ID),
        .probability = trace_get_f32(s + TRACE_AT_PROBABILITY),
        .prompt = (s[TRACE_AT_FLAGS] & TRACE_FLAG_PROMPT) != 0,
        .total_us = trace_get_u32(s + TRACE_AT_TOTAL),
    };
    for (unsigned k = 0; k < LEM_TRACE_STAGE_COUNT; k++)
        out->stage_us[k] = trace_get_u32(s + TRACE_AT_STAGES + 4 * k);
    for (uint32_t k = 0; k < LEM_TRACE_RUNNERS; k++) {
        out->runner[k].id = -1;
        if (k < t->facts.n_runner)
            take_runner(&out->runner[k],
                        s + TRACE_AT_RUNNERS + (size_t)k * TRACE_RUNNER_BYTES);
    }
    return LEM_OK;
}

enum lem_status lem_trace_routing(const struct lem_trace *t, uint64_t pos, uint32_t n,
                                  uint16_t *ids, float *weights)
{
    if (!t || (!ids && n))
        return LEM_ERR_ARGUMENT;
    const size_t pairs = (size_t)t->facts.n_layer_moe * t->facts.n_expert_used;
    for (uint32_t k = 0; k < n; k++) {
        const uint8_t *s = trace_token_slot(t, pos + k);
        if (!s || !trace_get_routing(&t->facts, s, ids + k * pairs,
                                     weights ? weights + k * pairs : NULL))
            return bad_token(t, pos + k);
    }
    return LEM_OK;
}

enum lem_status lem_trace_margins(const struct lem_trace *t, uint64_t pos, uint32_t n,
                                  float *margins, uint16_t *next)
{
    if (!t || (!margins && n))
        return LEM_ERR_ARGUMENT;
    const size_t row = t->facts.n_layer_moe;
    for (uint32_t k = 0; k < n; k++) {
        const uint8_t *s = trace_token_slot(t, pos + k);
        if (!s || !trace_get_margins(&t->facts, s, margins + k * row,
                                     next ? next + k * row : NULL))
            return bad_token(t, pos + k);
    }
    return LEM_OK;
}
