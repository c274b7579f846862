/* lemnos/trace.h - recordings of a text in the making: every token, how likely it
 * was, which experts it chose with which weights. Needs no model and no GPU to read.
 * Stability: may change until 1.0; every change is listed in README.md, "Changes".
 *
 * The file format, ".lemtrace" versions 1 and 2: the second has margins. All numbers
 * are little-endian.
 *
 *   header   0  "LEMTRACE"            8 bytes
 *            8  version               u32, 1 or 2
 *           12  bytes of the header   u32, a multiple of 8
 *           16  bytes of a slot       u32, S
 *           20  n_layer_moe           u32, L
 *           24  n_expert              u32
 *           28  n_expert_used         u32, K
 *           32  n_vocab               u32
 *           36  runners-up per token  u32, R, at most 5
 *           40  name, architecture, device: each u32 length and its UTF-8 bytes
 *               block numbers of the L routing layers, u32 each
 *               zeros, then in the last 4 bytes the check of all before
 *
 * After it stand slots of S bytes each, one for each token, in order, and some for
 * events between tokens. Nothing written is ever changed, so a file that was cut off
 * holds all its whole slots; any token is found without reading those before it.
 *
 *   slot     0  check of bytes 4 … S  u32
 *            4  kind                  u8, 1 = token, 2 = event
 *            5  flags                 u8, 1 = the token is part of the prompt
 *            6  0                     u16
 *            8  tokens before it      u32
 *           12  event slot before it  u32, its number + 1; 0 = none
 *   token   16  id                    i32
 *           20  probability           f32, negative = not known
 *           24  time, all of it       u32 microseconds
 *           28  time of five stages   u32 each, enum lem_trace_stage; 0 = not known
 *           48  length of its bytes   u8, 255 = they are in the event before it
 *           49  its bytes             23
 *           72  runners-up            R times: id i32, probability f16, length u8,
 *                                     the first 11 bytes; id -1 = none
 *               expert ids            [L][K] u16, best first; 0xffff = none: a policy
 *                                     left fewer than K, only the last ones, weight 0
 *                                     in version 2 see below
 *               their weights         [L][K] f16
 *               margins               [L] f16, in version 2: see
 *                                     lem_session_margins(); NaN = not known
 *               zeros up to S = that rounded up to a multiple of 8
 *   event   16  what                  u32, enum lem_trace_event_kind
 *           20  offset of this part   u32; a long text fills several slots
 *           24  bytes of the text     u32
 *           28  the text, or the part of it that fits; of memory no text but, in 44
 *               bytes or more: weights, session, cache, peak, device u64 each, n_ctx u32
 *               as in struct lem_trace_memory
 *
 * Readers pass over events they do not know, so that a new kind of event needs no new
 * version: files with memory open in programs that know nothing of it.
 *
 * In version 2 an id of an expert has as many bits as n_expert needs, and n_expert itself
 * says none. The ids [L][K], followed by [L] of the first experts left out, stand without
 * gaps, the lowest bit first from the lowest bit of each byte, up to a whole byte.
 *
 * check, over 32-bit words w: h = 0x4c454d54; then for each w
 *   h ^= w; h *= 0x9e3779b1; h ^= h >> 15   (modulo 2^32) */
#ifndef LEMNOS_TRACE_H
#define LEMNOS_TRACE_H

#include "lemnos/common.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { LEM_TRACE_VERSION = 2, LEM_TRACE_RUNNERS = 5, LEM_TRACE_RUNNER_BYTES = 11 };

/** What the time of a token went to. */
enum lem_trace_stage {
    LEM_TRACE_ATTENTION,
    LEM_TRACE_ROUTER,
    LEM_TRACE_EXPERTS,
    LEM_TRACE_HEAD,
    LEM_TRACE_SAMPLING,
    LEM_TRACE_STAGE_COUNT
};

/** What a recording says of its model. */
struct lem_trace_facts {
    const char *name;         /* of the model; NULL is taken as "" */
    const char *architecture; /* "olmoe" */
    const char *device;       /* that it ran on */
    uint32_t n_layer_moe;     /* layers that route; 0 = a dense model */
    uint32_t n_expert;        /* per layer */
    uint32_t n_expert_used;   /* per token and layer */
    uint32_t n_vocab;
    uint32_t n_runner;     /* runners-up kept per token, at most 5 */
    const uint32_t *layer; /* [n_layer_moe] block numbers; NULL = 0, 1, 2 … */
    bool margins;          /* they are kept, too: version 2 of the file */
};

/** Device memory that a run takes, in bytes; 0 = not known. */
struct lem_trace_memory {
    uint64_t weights; /* of the model */
    uint64_t session; /* of the session: cache and work space */
    uint64_t cache;   /* of these, keys, values and states */
    uint64_t peak;    /* most that was in use at once so far, by everything */
    uint64_t device;  /* what there is on the device */
    uint32_t n_ctx;   /* tokens that the cache holds */
};

/** A token that might have been chosen. */
struct lem_trace_runner {
    int32_t id; /* -1 = none */
    float probability;
    uint8_t n_piece; /* of the kept bytes of its text, at most 11 */
    char piece[LEM_TRACE_RUNNER_BYTES];
};

struct lem_trace_token {
    int32_t id;
    float probability; /* the model's, before sampling; negative = not known */
    bool prompt;       /* given, not written by the model */
    uint32_t total_us; /* microseconds of all the work on it; 0 = not known */
    uint32_t stage_us[LEM_TRACE_STAGE_COUNT]; /* of that; of prompts the mean of all */
    struct lem_trace_runner runner[LEM_TRACE_RUNNERS]; /* likeliest first */
};

/**
 * Softmax of a row of logits: the probability of `token->id`, and into
 * `token->runner` the likeliest `n_runner` others (their pieces are left empty).
 *
 * @param logits    [n_vocab], as lem_session_logits() gives them
 * @param n_runner  at most LEM_TRACE_RUNNERS; the other entries get id -1
 */
LEM_API void lem_trace_rank(struct lem_trace_token *token, const float *logits,
                            uint32_t n_vocab, uint32_t n_runner);

/* ---- writing ---------------------------------------------------------------- */

struct lem_trace_writer; /* opaque: fields live in engine/trace/trace_writer.c */

/**
 * Begin a recording. A file already there is replaced.
 *
 * @param facts  copied
 * @param log    copied; may be NULL
 * @return LEM_OK, LEM_ERR_ARGUMENT, LEM_ERR_MEMORY, LEM_ERR_IO
 * Ownership: the caller, until lem_trace_writer_close().
 * Threads: one at a time.
 */
LEM_API enum lem_status lem_trace_writer_open(const char *path,
                                              const struct lem_trace_facts *facts,
                                              const struct lem_log *log,
                                              struct lem_trace_writer **out);

/**
 * Add a token. When the call returns it is out of the process's hands: a crash
 * later loses nothing.
 *
 * @param piece    its `n_piece` bytes of text
 * @param ids      [n_layer_moe][n_expert_used], as lem_session_routing() gives them:
 *                 each below n_expert, or LEM_NO_EXPERT in the last slots of a layer
 * @param weights  same shape; kept as f16 (as 0 in slots without an expert)
 * @return LEM_OK, LEM_ERR_ARGUMENT, LEM_ERR_IO (a full disk: what is there stays
 *         readable, and every later call fails the same way)
 */
LEM_API enum lem_status lem_trace_writer_token(struct lem_trace_writer *writer,
                                               const struct lem_trace_token *token,
                                               const char *piece, size_t n_piece,
                                               const uint16_t *ids, const float *weights);

/**
 * The margins of the token that is written next; without this call they are not known.
 * Kept as f16, and only where the facts say that margins are kept.
 *
 * @param margins  [n_layer_moe], as lem_session_margins() gives them
 * @param next     same shape; may be NULL
 * @return LEM_OK or LEM_ERR_ARGUMENT
 */
LEM_API enum lem_status lem_trace_writer_margins(struct lem_trace_writer *writer,
                                                 const float *margins,
                                                 const uint16_t *next);

/** Note that from the next token on another routing policy is in force. The text
 * (JSON) is kept as it is. Returns as lem_trace_writer_token(). */
LEM_API enum lem_status lem_trace_writer_policy(struct lem_trace_writer *writer,
                                                const char *text, size_t n_byte);

/** Note the memory in use from the next token on. Returns as lem_trace_writer_token();
 * also LEM_ERR_ARGUMENT for a cache larger than its session. */
LEM_API enum lem_status lem_trace_writer_memory(struct lem_trace_writer *writer,
                                                const struct lem_trace_memory *memory);

/** Close and set *writer to NULL; NULL is fine.
 *  @return LEM_OK, or LEM_ERR_IO when the last bytes could not be written */
LEM_API enum lem_status lem_trace_writer_close(struct lem_trace_writer **writer);

/* ---- reading ---------------------------------------------------------------- */

struct lem_trace; /* opaque: fields live in engine/trace/trace_reader.h */

/**
 * Open a recording. Costs the same for ten tokens and for ten million, unless the
 * file is damaged. A file that was cut off opens up to its last whole token.
 *
 * @return LEM_OK, LEM_ERR_ARGUMENT, LEM_ERR_MEMORY, LEM_ERR_IO, or
 *         LEM_ERR_FORMAT       it is no recording, or its header is damaged
 *         LEM_ERR_UNSUPPORTED  it is of another version
 * Ownership: the caller, until lem_trace_close().
 * Threads: any; it is immutable once open.
 */
LEM_API enum lem_status lem_trace_open(const char *path, const struct lem_log *log,
                                       struct lem_trace **out);

/** The same from memory, which must stay until lem_trace_close(). */
LEM_API enum lem_status lem_trace_open_memory(const void *data, size_t size,
                                              const struct lem_log *log,
                                              struct lem_trace **out);
LEM_API void lem_trace_close(struct lem_trace **trace);

struct lem_trace_info {
    struct lem_trace_facts facts; /* strings and list live as long as the trace */
    uint64_t n_token;
    uint32_t n_prompt; /* tokens at the start that were given */
    uint32_t n_event;
    uint64_t file_bytes;
    uint32_t slot_bytes; /* what one token takes */
    uint64_t lost_bytes; /* at the end: a part of a token, or damaged */
};
LEM_API void lem_trace_get_info(const struct lem_trace *trace,
                                struct lem_trace_info *info);

/** @return LEM_OK; LEM_ERR_ARGUMENT (no such token), LEM_ERR_FORMAT (its bytes are
 *  damaged). Costs the same for every `i`. */
LEM_API enum lem_status lem_trace_get_token(const struct lem_trace *trace, uint64_t i,
                                            struct lem_trace_token *out);

/** The text of a token.
 *  @return number of bytes, also when > cap (then nothing is written); 0 when there
 *  is no such token or it is damaged */
LEM_API size_t lem_trace_piece(const struct lem_trace *trace, uint64_t i, char *out,
                               size_t cap);

/**
 * Experts of tokens [pos, pos + n), shaped as lem_session_routing() gives them.
 *
 * @param ids      [n][n_layer_moe][n_expert_used]; each below n_expert, or
 *                 LEM_NO_EXPERT (weight 0) in the last slots of a layer
 * @param weights  same shape; may be NULL
 * @return as lem_trace_get_token()
 */
LEM_API enum lem_status lem_trace_routing(const struct lem_trace *trace, uint64_t pos,
                                          uint32_t n, uint16_t *ids, float *weights);

/**
 * Margins of tokens [pos, pos + n), shaped as lem_session_margins() gives them.
 *
 * @param margins  [n][n_layer_moe]; NaN where they are not known
 * @param next     same shape, each below n_expert or LEM_NO_EXPERT; may be NULL
 * @return as lem_trace_get_token()
 */
LEM_API enum lem_status lem_trace_margins(const struct lem_trace *trace, uint64_t pos,
                                          uint32_t n, float *margins, uint16_t *next);

/**
 * The memory that was noted last before token `i`; `i` may be n_token and more: the last
 * of all. Costs about the same for every `i`.
 *
 * @param out  all zeros where nothing was noted
 * @return LEM_OK or LEM_ERR_ARGUMENT
 */
LEM_API enum lem_status lem_trace_get_memory(const struct lem_trace *trace, uint64_t i,
                                             struct lem_trace_memory *out);

enum lem_trace_event_kind {
    LEM_TRACE_POLICY = 1, /* text: JSON of the policy in force from now on */
    LEM_TRACE_PIECE = 2,  /* text: the bytes of the next token, too long for it */
    LEM_TRACE_MEMORY = 3  /* no text, but numbers: see lem_trace_get_memory() */
};

struct lem_trace_event {
    uint32_t kind;   /* enum lem_trace_event_kind; others are to be passed over */
    uint64_t before; /* it happened before this token */
    uint64_t n_byte; /* of its text */
};

/** @param k below lem_trace_info.n_event
 *  @return LEM_OK or LEM_ERR_ARGUMENT */
LEM_API enum lem_status lem_trace_get_event(const struct lem_trace *trace, uint32_t k,
                                            struct lem_trace_event *out);
/** The text of an event. Returns as lem_trace_piece(). */
LEM_API size_t lem_trace_event_text(const struct lem_trace *trace, uint32_t k, char *out,
                                    size_t cap);

#ifdef __cplusplus
}
#endif
#endif
