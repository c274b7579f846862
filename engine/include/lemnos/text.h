/* lemnos/text.h - text to token ids and back, by the model's own tokenizer.
 * Needs no GPU.
 * Stability: may change until 1.0; every change is listed in README.md, "Changes". */
#ifndef LEMNOS_TEXT_H
#define LEMNOS_TEXT_H

#include "lemnos/common.h"
#include "lemnos/model.h"

#ifdef __cplusplus
extern "C" {
#endif

struct lem_tokenizer; /* opaque: fields live in engine/text/tokenizer.h */

/**
 * Build the tokenizer that the model's metadata describes.
 *
 * @param log  copied; may be NULL
 * @param out  receives the tokenizer; NULL on failure
 * @return LEM_OK, LEM_ERR_MEMORY, LEM_ERR_FORMAT (vocabulary or merges are
 *         damaged), LEM_ERR_UNSUPPORTED (tokenizer or pre-tokenizer unknown:
 *         the message names it)
 * Ownership: the caller; close before the model.
 * Threads: immutable once open; any number of threads may encode and decode.
 */
LEM_API enum lem_status lem_tokenizer_open(const struct lem_model *model,
                                           const struct lem_log *log,
                                           struct lem_tokenizer **out);
LEM_API void lem_tokenizer_close(struct lem_tokenizer **tokenizer);

enum lem_encode_flags {
    LEM_ENCODE_BOS = 1,     /* put BOS first, where the file wants one */
    LEM_ENCODE_SPECIAL = 2, /* recognise special tokens in the text */
    LEM_ENCODE_EOS = 4      /* put EOS last, where the file wants one */
};

/**
 * Text to ids. Invalid UTF-8 is never refused: each bad byte is taken as
 * U+FFFD where the algorithm needs code points.
 *
 * @param text   `n_byte` bytes, no terminator needed
 * @param flags  enum lem_encode_flags, or-ed
 * @param ids    room for `cap` ids; may be NULL when cap is 0
 * @param n_id   receives the number of ids the text has, also when > cap
 * @return LEM_OK; LEM_ERR_ARGUMENT when cap is too small (then the first `cap`
 *         ids are valid, nothing is logged); LEM_ERR_MEMORY
 */
LEM_API enum lem_status lem_tokenizer_encode(const struct lem_tokenizer *tokenizer,
                                             const char *text, size_t n_byte,
                                             uint32_t flags, int32_t *ids, size_t cap,
                                             size_t *n_id);

/**
 * The bytes of one token, as it stands in the middle of a text. May be part of
 * a character; gather until lem_utf8_whole() says it is whole. Control tokens
 * have no bytes unless `special`.
 *
 * @return number of bytes, also when > cap (then nothing is written)
 */
LEM_API size_t lem_tokenizer_piece(const struct lem_tokenizer *tokenizer, int32_t id,
                                   bool special, char *out, size_t cap);

/**
 * Ids to text: the pieces joined, with the space that the algorithm put in
 * front of the text taken away again.
 * @return number of bytes, also when > cap (then the first `cap` are written)
 */
LEM_API size_t lem_tokenizer_decode(const struct lem_tokenizer *tokenizer,
                                    const int32_t *ids, size_t n_id, bool special,
                                    char *out, size_t cap);

/** What the file says of its tokens. -1 = the file names none. */
struct lem_tokenizer_info {
    uint32_t n_vocab;
    int32_t bos, eos, eot, unk, pad;
    bool add_bos, add_eos;
};
LEM_API void lem_tokenizer_get_info(const struct lem_tokenizer *tokenizer,
                                    struct lem_tokenizer_info *info);

/** True for every id that ends a text or a turn. */
LEM_API bool lem_tokenizer_is_end(const struct lem_tokenizer *tokenizer, int32_t id);

/**
 * How many of the first bytes of `text` may be printed now: all but a last
 * character of which bytes are still to come. Bytes that can never become a
 * character count as whole.
 */
LEM_API size_t lem_utf8_whole(const char *text, size_t n_byte);

#ifdef __cplusplus
}
#endif
#endif
