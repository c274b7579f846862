/* trace_writer.c - a recording in the making: one slot after the other, each handed to
 * the system at once. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/half.h"
#include "base/log.h"
#include "trace/trace_format.h"

struct lem_trace_writer {
    struct lem_log log;
    struct lem_trace_facts facts; /* strings and layers are not kept */
    FILE *stream;
    char *path;
    uint8_t *slot; /* [slot_bytes] being filled */
    uint32_t slot_bytes;
    uint32_t n_token, n_slot;
    uint32_t last_event; /* its slot number + 1 */
    bool failed;
    bool has_margins; /* of the next token: */
    float *margins;   /* [n_layer_moe] */
    uint16_t *next;
};

static enum lem_status write_fails(struct lem_trace_writer *w)
{
    const int reason = errno ? errno : EIO;
    w->failed = true;
    return log_fail(&w->log, LEM_ERR_IO,
                    "%s: cannot be written: %s. The %u tokens so far are kept; free some "
                    "space or name another place",
                    w->path, strerror(reason), w->n_token);
}

/* ---- the header ------------------------------------------------------------- */

static size_t string_bytes(const char *s)
{
    const size_t n = s ? strlen(s) : 0;
    return n < TRACE_MAX_STRING ? n : TRACE_MAX_STRING;
}

static uint8_t *put_string(uint8_t *at, const char *s)
{
    const size_t n = string_bytes(s);
    trace_put_u32(at, (uint32_t)n);
    if (n)
        memcpy(at + 4, s, n);
    return at + 4 + n;
}

static enum lem_status write_header(struct lem_trace_writer *w,
                                    const struct lem_trace_facts *f)
{
    const size_t bare = TRACE_HEADER_FIXED + 12 + string_bytes(f->name) +
                        string_bytes(f->architecture) + string_bytes(f->device) +
                        4 * (size_t)f->n_layer_moe;
    const size_t n = (bare + 4 + 7) / 8 * 8;
    uint8_t *header = calloc(1, n);
    if (!header)
        return log_fail(&w->log, LEM_ERR_MEMORY, "%s: no memory for the header", w->path);
    const uint32_t numbers[] = {trace_version(f), (uint32_t)n, w->slot_bytes,
                                f->n_layer_moe,   f->n_expert, f->n_expert_used,
                                f->n_vocab,       f->n_runner};
    memcpy(header, trace_magic, sizeof trace_magic);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        trace_put_u32(header + 8 + 4 * i, numbers[i]);
    uint8_t *at = put_string(header + TRACE_HEADER_FIXED, f->name);
    at = put_string(at, f->architecture);
    at = put_string(at, f->device);
    for (uint32_t i = 0; i < f->n_layer_moe; i++, at += 4)
        trace_put_u32(at, f->layer ? f->layer[i] : i);
    trace_put_u32(header + n - 4, trace_check(header, n - 4));
    errno = 0;
    const bool ok = fwrite(header, 1, n, w->stream) == n && fflush(w->stream) == 0;
    free(header);
    return ok ? LEM_OK : write_fails(w);
}

/* ---- opening and closing ---------------------------------------------------- */

static enum lem_status begin(struct lem_trace_writer *w, const char *path,
                             const struct lem_trace_facts *facts)
{
    w->slot_bytes = trace_slot_bytes(facts);
    if (w->slot_bytes == 0)
        return log_fail(&w->log, LEM_ERR_ARGUMENT,
                        "%s: cannot record %u layers with %u of %u experts and %u "
                        "runners-up",
                        path, facts->n_layer_moe, facts->n_expert_used, facts->n_expert,
                        facts->n_runner);
    const size_t n_path = strlen(path) + 1;
    w->path = malloc(n_path);
    w->slot = malloc(w->slot_bytes);
    w->margins = calloc((size_t)facts->n_layer_moe + 1, sizeof *w->margins);
    w->next = calloc((size_t)facts->n_layer_moe + 1, sizeof *w->next);
    if (!w->path || !w->slot || !w->margins || !w->next)
        return log_fail(&w->log, LEM_ERR_MEMORY, "%s: no memory to record", path);
    memcpy(w->path, path, n_path);
    errno = 0;
    w->stream = fopen(path, "wb");
    if (!w->stream)
        return log_fail(&w->log, LEM_ERR_IO,
                        "%s: cannot be written: %s. Name a file in a folder that you may "
                        "write to",
                        path, strerror(errno));
    return write_header(w, facts);
}

enum lem_status lem_trace_writer_open(const char *path,
                                      const struct lem_trace_facts *facts,
                                      const struct lem_log *log,
                                      struct lem_trace_writer **out)
{
    if (!out)
        return LEM_ERR_ARGUMENT;
    *out = NULL;
    if (!path || !facts)
        return log_fail(log, LEM_ERR_ARGUMENT,
                        "lem_trace_writer_open: path and facts must be set");
    struct lem_trace_writer *w = calloc(1, sizeof *w);
    if (!w)
        return log_fail(log, LEM_ERR_MEMORY, "%s: no memory to record", path);
    w->log = log ? *log : (struct lem_log){0};
    w->facts = *facts;
    w->facts.layer = NULL;
    const enum lem_status st = begin(w, path, facts);
    if (st != LEM_OK) {
        w->failed = true; /* closing must not complain a second time */
        (void)lem_trace_writer_close(&w);
        return st;
    }
    *out = w;
    return LEM_OK;
}

enum lem_status lem_trace_writer_close(struct lem_trace_writer **writer)
{
    if (!writer || !*writer)
        return LEM_OK;
    struct lem_trace_writer *w = *writer;
    enum lem_status st = LEM_OK;
    errno = 0;
    if (w->stream && fclose(w->stream) != 0 && !w->failed)
        st = write_fails(w);
    free(w->path);
    free(w->slot);
    free(w->margins);
    free(w->next);
    free(w);
    *writer = NULL;
    return st;
}

/* ---- slots ------------------------------------------------------------------ */

static void begin_slot(struct lem_trace_writer *w, uint8_t kind)
{
    memset(w->slot, 0, w->slot_bytes);
    w->slot[TRACE_AT_KIND] = kind;
    trace_put_u32(w->slot + TRACE_AT_BEFORE, w->n_token);
    trace_put_u32(w->slot + TRACE_AT_PREVIOUS, w->last_event);
}

static enum lem_status end_slot(struct lem_trace_writer *w)
{
    trace_put_u32(w->slot, trace_check(w->slot + 4, w->slot_bytes - 4));
    errno = 0;
    if (fwrite(w->slot, 1, w->slot_bytes, w->stream) != w->slot_bytes ||
        fflush(w->stream) != 0)
        return write_fails(w);
    w->n_slot++;
    return LEM_OK;
}

static enum lem_status check_ready(struct lem_trace_writer *w, size_t n_byte)
{
    if (w->failed)
        return log_fail(&w->log, LEM_ERR_IO,
                        "%s: recording stopped after an earlier failure", w->path);
    /* Events of this call and the token itself must still have numbers. */
    const uint64_t slots = n_byte / (w->slot_bytes - TRACE_AT_TEXT) + 2;
    if (n_byte > UINT32_MAX || slots > UINT32_MAX - w->n_slot)
        return log_fail(&w->log, LEM_ERR_ARGUMENT,
                        "%s: a recording has room for 2^32 tokens and events, and this "
                        "one is full",
                        w->path);
    return LEM_OK;
}

static enum lem_status write_event(struct lem_trace_writer *w, uint32_t kind,
                                   const char *text, size_t n)
{
    const size_t room = w->slot_bytes - TRACE_AT_TEXT;
    size_t offset = 0;
    do {
        const size_t part = n - offset < room ? n - offset : room;
        begin_slot(w, TRACE_KIND_EVENT);
        trace_put_u32(w->slot + TRACE_AT_WHAT, kind);
        trace_put_u32(w->slot + TRACE_AT_OFFSET, (uint32_t)offset);
        trace_put_u32(w->slot + TRACE_AT_LENGTH, (uint32_t)n);
        if (part)
            memcpy(w->slot + TRACE_AT_TEXT, text + offset, part);
        const enum lem_status st = end_slot(w);
        if (st != LEM_OK)
            return st;
        w->last_event = w->n_slot;
        offset += part;
    } while (offset < n);
    return LEM_OK;
}

enum lem_status lem_trace_writer_policy(struct lem_trace_writer *w, const char *text,
                                        size_t n_byte)
{
    if (!w || (!text && n_byte))
        return LEM_ERR_ARGUMENT;
    const enum lem_status st = check_ready(w, n_byte);
    return st == LEM_OK ? write_event(w, LEM_TRACE_POLICY, text, n_byte) : st;
}

enum lem_status lem_trace_writer_memory(struct lem_trace_writer *w,
                                        const struct lem_trace_memory *memory)
{
    uint8_t bytes[TRACE_MEMORY_BYTES];
    if (!w || !memory)
        return LEM_ERR_ARGUMENT;
    if (!trace_memory_ok(memory))
        return log_fail(&w->log, LEM_ERR_ARGUMENT,
                        "lem_trace_writer_memory: the cache is part of the session and "
                        "cannot be larger");
    const enum lem_status st = check_ready(w, sizeof bytes);
    trace_put_memory(bytes, memory);
    return st == LEM_OK
               ? write_event(w, LEM_TRACE_MEMORY, (const char *)bytes, sizeof bytes)
               : st;
}

static void fill_token(struct lem_trace_writer *w, const struct lem_trace_token *t)
{
    uint8_t *s = w->slot;
    s[TRACE_AT_FLAGS] = t->prompt ? TRACE_FLAG_PROMPT : 0;
    trace_put_u32(s + TRACE_AT_ID, (uint32_t)t->id);
    trace_put_f32(s + TRACE_AT_PROBABILITY, t->probability);
    trace_put_u32(s + TRACE_AT_TOTAL, t->total_us);
    for (unsigned i = 0; i < LEM_TRACE_STAGE_COUNT; i++)
        trace_put_u32(s + TRACE_AT_STAGES + 4 * i, t->stage_us[i]);
    for (uint32_t i = 0; i < w->facts.n_runner; i++) {
        const struct lem_trace_runner *r = &t->runner[i];
        uint8_t *at = s + TRACE_AT_RUNNERS + (size_t)i * TRACE_RUNNER_BYTES;
        const uint8_t n =
            r->n_piece < LEM_TRACE_RUNNER_BYTES ? r->n_piece : LEM_TRACE_RUNNER_BYTES;
        trace_put_u32(at, (uint32_t)r->id);
        trace_put_u16(at + 4, half_from_f32(r->probability));
        at[6] = n;
        memcpy(at + 7, r->piece, n);
    }
}

static enum lem_status fill_routing(struct lem_trace_writer *w, const uint16_t *ids,
                                    const float *weights)
{
    const bool routes = w->facts.n_layer_moe > 0;
    if (routes && (!ids || !weights))
        return log_fail(&w->log, LEM_ERR_ARGUMENT,
                        "lem_trace_writer_token: ids and weights must be set");
    if (routes && !trace_routing_ok(&w->facts, ids))
        return log_fail(&w->log, LEM_ERR_ARGUMENT,
                        "lem_trace_writer_token: ids of experts must be below %u, and "
                        "none may follow a slot without one",
                        w->facts.n_expert);
    trace_put_routing(&w->facts, w->slot, ids, weights);
    trace_put_margins(&w->facts, w->slot, w->has_margins ? w->margins : NULL,
                      w->has_margins ? w->next : NULL);
    w->has_margins = false;
    return LEM_OK;
}

enum lem_status lem_trace_writer_margins(struct lem_trace_writer *w, const float *margins,
                                         const uint16_t *next)
{
    if (!w || !margins)
        return LEM_ERR_ARGUMENT;
    const size_t n = w->facts.n_layer_moe;
    memcpy(w->margins, margins, n * sizeof *margins);
    for (size_t i = 0; i < n; i++)
        w->next[i] = next ? next[i] : LEM_NO_EXPERT;
    w->has_margins = true;
    return LEM_OK;
}

enum lem_status lem_trace_writer_token(struct lem_trace_writer *w,
                                       const struct lem_trace_token *token,
                                       const char *piece, size_t n_piece,
                                       const uint16_t *ids, const float *weights)
{
    if (!w || !token || (!piece && n_piece))
        return LEM_ERR_ARGUMENT;
    enum lem_status st = check_ready(w, n_piece);
    const bool in_event = n_piece > TRACE_PIECE_BYTES;
    if (st == LEM_OK && in_event)
        st = write_event(w, LEM_TRACE_PIECE, piece, n_piece);
    if (st != LEM_OK)
        return st;
    begin_slot(w, TRACE_KIND_TOKEN);
    fill_token(w, token);
    w->slot[TRACE_AT_PIECE] = in_event ? TRACE_PIECE_LONG : (uint8_t)n_piece;
    if (!in_event && n_piece)
        memcpy(w->slot + TRACE_AT_PIECE + 1, piece, n_piece);
    st = fill_routing(w, ids, weights);
    if (st == LEM_OK)
        st = end_slot(w);
    if (st == LEM_OK)
        w->n_token++;
    return st;
}
