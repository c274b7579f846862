/* vocab_check.c - a sample vocabulary, open, and what its texts become. */
#include "support/vocab_check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/tolerance.h"

enum { IDS_MAX = 4096 };

void fixture_open_bpe(struct vocab_fixture *f, const char *pre)
{
    *f = (struct vocab_fixture){0};
    vocab_sample_bpe(&f->sample, pre);
    vocab_open(&f->o, &f->sample);
}

void fixture_open_spm(struct vocab_fixture *f, int add_prefix)
{
    *f = (struct vocab_fixture){0};
    vocab_sample_spm(&f->sample);
    f->sample.add_prefix = add_prefix;
    vocab_open(&f->o, &f->sample);
}

int32_t fixture_id(const struct vocab_fixture *f, const char *text)
{
    return vocab_sample_id(&f->sample, text);
}

void assert_tokens(const struct vocab_fixture *f, const char *text, uint32_t flags,
                   const char *want)
{
    int32_t ids[IDS_MAX];
    size_t n_id;
    char got[IDS_MAX] = "";
    assert_int_equal(
        lem_tokenizer_encode(f->o.t, text, strlen(text), flags, ids, IDS_MAX, &n_id),
        LEM_OK);
    for (size_t i = 0, at = 0; i < n_id; i++)
        at += (size_t)snprintf(got + at, sizeof got - at, "%s ", f->sample.token[ids[i]]);
    assert_string_equal(got, want);
}

void assert_round_trip(const struct vocab_fixture *f, const char *text, size_t n,
                       uint32_t flags)
{
    int32_t *ids = malloc((n + 1) * sizeof *ids);
    char *back = malloc(n + 1);
    size_t n_id;
    assert_true(ids && back);
    assert_int_equal(lem_tokenizer_encode(f->o.t, text, n, flags, ids, n + 1, &n_id),
                     LEM_OK);
    assert_int_equal(lem_tokenizer_decode(f->o.t, ids, n_id, true, back, n), n);
    assert_memory_equal(back, text, n);
    free(back);
    free(ids);
}

size_t random_text(char *out, size_t cap, uint64_t *seed)
{
    static const char *const parts[] = {
        "hello",      " world",           "  ",    "\n\n",   "<sep>",
        "<|im_end|>", "\xC3\xA9",         "the",   " there", "\xE2\x82",
        "'ll",        "\xF0\x9F\x98\x80", "12345", "\xFF",
    };
    size_t n = 0;
    for (uint32_t k = random_u32(seed) % 20; k > 0; k--) {
        const uint32_t pick = random_u32(seed) % 20;
        const char byte = (char)random_u32(seed);
        const size_t len = pick < 14 ? strlen(parts[pick]) : 1;
        if (n + len > cap)
            break;
        memcpy(out + n, pick < 14 ? parts[pick] : &byte, len);
        n += len;
    }
    return n;
}
