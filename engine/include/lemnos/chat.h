/* lemnos/chat.h - conversations: what a model's chat template makes of messages, and
 * what of an answer is meant for the reader. Needs no GPU.
 * Stability: may change until 1.0; every change is listed in README.md, "Changes". */
#ifndef LEMNOS_CHAT_H
#define LEMNOS_CHAT_H

#include "lemnos/common.h"
#include "lemnos/text.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- formats ------------------------------------------------------------ */

/*
 * How a family of models writes conversations down. The template that a file holds is a
 * program (Jinja) and is not run: the library has a table of the published templates
 * and recognises them by strings that stand in them. What a template says of tools is
 * left out. Formats are constants: they need no closing, and any thread may use them.
 */
struct lem_chat_format; /* opaque: a row of engine/text/chat_formats.c */

/** Format number `i` of the table; NULL when there is none. */
LEM_API const struct lem_chat_format *lem_chat_format_at(uint32_t i);
/** The format of this name ("chatml"); NULL when there is none. */
LEM_API const struct lem_chat_format *lem_chat_format_find(const char *name);
/** The format that a template belongs to, `n_byte` bytes of Jinja; NULL when it is not
 * one of those known. */
LEM_API const struct lem_chat_format *lem_chat_format_recognise(const char *chat_template,
                                                                size_t n_byte);

/** Its name, and the models that use it, for lists. They live forever. */
LEM_API const char *lem_chat_format_name(const struct lem_chat_format *format);
LEM_API const char *lem_chat_format_models(const struct lem_chat_format *format);

/** The file's chat template (tokenizer.chat_template), not terminated, and its length;
 * NULL and 0 when it has none. Lives as long as the model. */
LEM_API const char *lem_chat_template(const struct lem_tokenizer *tokenizer,
                                      size_t *n_byte);

/* ---- messages to text and ids ------------------------------------------- */

enum lem_chat_role { LEM_CHAT_SYSTEM, LEM_CHAT_USER, LEM_CHAT_ASSISTANT };

struct lem_chat_message {
    enum lem_chat_role role;
    const char *text; /* `n_byte` bytes, no terminator needed */
    size_t n_byte;
};

/** A conversation. All pointers are the caller's and are only read during a call. */
struct lem_chat {
    const struct lem_chat_format *format;
    const struct lem_chat_message *messages; /* [n_message]; a system message, if there
                                              * is one, comes first. Of an answer of a
                                              * model that thinks: the part the reader
                                              * gives as LEM_CHAT_ANSWER */
    size_t n_message;
    int year, month, day; /* today, for formats that tell the model; 0 = not told,
                           * which these write as 2024-07-26 */
    struct lem_log log;
};

/**
 * The text that the template makes of the messages, opening the answer when the last
 * one is not the assistant's. For people: lem_chat_encode() does not go by way of it.
 *
 * @param tokenizer  names the tokens that begin and end texts; NULL = those of the
 *                   models that the format is from
 * @param out  room for `cap` bytes; may be NULL when cap is 0
 * @param n    receives the number of bytes, also when > cap
 * @return LEM_OK; LEM_ERR_ARGUMENT when cap is too small (the first `cap` bytes are
 *         written, nothing is logged) or a system message is not the first
 */
LEM_API enum lem_status lem_chat_render(const struct lem_chat *chat,
                                        const struct lem_tokenizer *tokenizer, char *out,
                                        size_t cap, size_t *n);

/**
 * The same as ids. Marks of the format become special tokens; in the messages they are
 * plain text, so that nobody can end a turn by typing its mark.
 *
 * @param ids   room for `cap` ids; may be NULL when cap is 0
 * @param n_id  receives the number of ids, also when > cap
 * @return LEM_OK; LEM_ERR_ARGUMENT when cap is too small (the first `cap` ids are
 *         valid, nothing is logged) or a system message is not the first; LEM_ERR_MEMORY
 */
LEM_API enum lem_status lem_chat_encode(const struct lem_chat *chat,
                                        const struct lem_tokenizer *tokenizer,
                                        int32_t *ids, size_t cap, size_t *n_id);

/* ---- reading an answer -------------------------------------------------- */

enum lem_chat_part {
    LEM_CHAT_ANSWER,   /* to the user; this is what belongs into the next prompt */
    LEM_CHAT_THINKING, /* between <think> and </think>, in channels but "final" */
    LEM_CHAT_CALL      /* addressed to a tool */
};

/** Some text of an answer, whole characters only. `channel` is terminated: what the
 * model calls this part ("analysis"), "" where it has no name for it. */
typedef void lem_chat_text_fn(void *priv, enum lem_chat_part part, const char *channel,
                              const char *text, size_t n_byte);

struct lem_chat_reader; /* opaque: fields live in engine/text/chat_reader.c */

/**
 * Take tokens apart into the parts of an answer. Text is handed on as soon as it cannot
 * be part of a mark any more.
 *
 * @return LEM_OK, LEM_ERR_MEMORY
 * Ownership: the caller; close before the tokenizer.
 * Threads: one at a time; `fn` is called on the thread of the call.
 */
LEM_API enum lem_status lem_chat_reader_open(const struct lem_chat_format *format,
                                             const struct lem_tokenizer *tokenizer,
                                             lem_chat_text_fn *fn, void *priv,
                                             struct lem_chat_reader **out);
LEM_API void lem_chat_reader_close(struct lem_chat_reader **reader);

/**
 * The next token of the answer.
 * @param end  receives true when the token ends the answer, by its role in the
 *             vocabulary or because it completes a mark of the format
 * @return LEM_OK, LEM_ERR_MEMORY
 */
LEM_API enum lem_status lem_chat_reader_token(struct lem_chat_reader *reader, int32_t id,
                                              bool *end);
/** No more tokens: hand on what was held back. The reader can then be used for the next
 * answer. */
LEM_API void lem_chat_reader_finish(struct lem_chat_reader *reader);

#ifdef __cplusplus
}
#endif
#endif
