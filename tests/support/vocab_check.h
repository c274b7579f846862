/* vocab_check.h - a sample vocabulary, open, and what its texts become. */
#ifndef SUPPORT_VOCAB_CHECK_H
#define SUPPORT_VOCAB_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/vocab_open.h"

struct vocab_fixture {
    struct vocab_sample sample;
    struct vocab_opened o;
};

/* The samples as they are; `add_prefix` as in struct vocab_sample. */
void fixture_open_bpe(struct vocab_fixture *f, const char *pre);
void fixture_open_spm(struct vocab_fixture *f, int add_prefix);

int32_t fixture_id(const struct vocab_fixture *f, const char *text);

/* Fail unless the ids of `text` are the tokens `want`, named by their texts with a
 * space after each. */
void assert_tokens(const struct vocab_fixture *f, const char *text, uint32_t flags,
                   const char *want);

/* Fail unless encoding and decoding gives the text again. */
void assert_round_trip(const struct vocab_fixture *f, const char *text, size_t n,
                       uint32_t flags);

/* Bytes of any kind, and words, spaces and specials between them. */
size_t random_text(char *out, size_t cap, uint64_t *seed);

#endif
