/* fuzz_tokenizer.c - any bytes as text: they come back from their ids, alone and in
 * pieces, whatever the vocabulary.
 *
 * Input: one byte that picks a vocabulary (low bits) and whether special tokens are
 * looked for (the highest), then the text. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/vocab_open.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

/* Pre-tokenizers of byte-level BPE; three are no such, but stand for others. */
#define PREFIXED "SentencePiece, with a space before the text"
#define BARE     "SentencePiece, without"
#define MERGES   "SentencePiece with merges"
static const char *const rules[] = {
    "gpt-2",       "llama-bpe", "qwen2",    "qwen35",  "deepseek-llm", "deepseek-coder",
    "deepseek-v3", "gpt-4o",    "tekken",   "kimi-k2", "bailingmoe",   "falcon",
    "viking",      "default",   PREFIXED,   BARE,      MERGES,         "afmoe",
    "tiny_aya",    "youtu",     "superbpe", "jais-2",  "exaone-moe",   "laguna"};
enum { N_VOCAB = sizeof rules / sizeof *rules };

static struct vocab_opened opened[N_VOCAB]; /* made once: that is most of the time */

static bool is(int which, const char *rule)
{
    return strcmp(rules[which], rule) == 0;
}

static bool is_spm(int which)
{
    return is(which, PREFIXED) || is(which, BARE) || is(which, MERGES);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    static struct vocab_sample s;
    for (int i = 0; i < N_VOCAB; i++) {
        if (is(i, MERGES))
            vocab_sample_merges(&s, "gemma4", NULL);
        else if (is_spm(i))
            vocab_sample_spm(&s);
        else
            vocab_sample_bpe(&s, rules[i]);
        s.add_prefix = is(i, PREFIXED);
        vocab_open(&opened[i], &s);
    }
    return 0;
}

static void must(bool held, const char *what)
{
    if (held)
        return;
    fprintf(stderr, "does not hold: %s\n", what);
    abort();
}

/* SentencePiece cannot tell U+2581 from a space: what comes back has spaces. */
static size_t expected_back(char *out, const char *text, size_t n, bool spm)
{
    size_t len = 0;
    for (size_t i = 0; i < n; i++) {
        if (spm && n - i >= 3 && memcmp(text + i, "\xE2\x96\x81", 3) == 0) {
            out[len++] = ' ';
            i += 2;
        } else {
            out[len++] = text[i];
        }
    }
    return len;
}

static void check_room(const struct lem_tokenizer *t, const char *text, size_t n,
                       uint32_t flags, const int32_t *ids, size_t n_id)
{
    int32_t some[4];
    size_t n_some;
    const enum lem_status st = lem_tokenizer_encode(t, text, n, flags, some, 4, &n_some);
    must(n_some == n_id, "the number of ids does not depend on the room");
    must(st == (n_id > 4 ? LEM_ERR_ARGUMENT : LEM_OK), "too little room is an error");
    must(memcmp(some, ids, (n_id < 4 ? n_id : 4) * sizeof *ids) == 0,
         "the first ids do not depend on the room");
}

/* Printing token by token, never half a character, prints the same in the end. */
static void check_pieces(const struct lem_tokenizer *t, const int32_t *ids, size_t n_id,
                         const char *whole, size_t n_whole, size_t n_dropped)
{
    char *gathered = malloc(n_whole + n_dropped + 1);
    must(gathered != NULL, "there is memory");
    size_t n = 0, printed = 0;
    for (size_t i = 0; i < n_id; i++) {
        const size_t room = n_whole + n_dropped - n;
        const size_t len = lem_tokenizer_piece(t, ids[i], true, gathered + n, room);
        must(len <= room, "pieces are no longer than the text");
        n += len;
        const size_t now = lem_utf8_whole(gathered, n);
        must(now <= n && n - now <= 3, "at most three bytes wait");
        must(now >= printed, "what was printed stays printed");
        printed = now;
    }
    must(n == n_whole + n_dropped, "pieces are as long as the text");
    if (n_dropped == 0)
        must(memcmp(gathered, whole, n) == 0, "pieces join to the text");
    free(gathered);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    const int which = (data[0] & 0x7F) % N_VOCAB;
    const uint32_t flags = data[0] & 0x80 ? LEM_ENCODE_SPECIAL : 0;
    const bool spm = is_spm(which);
    const struct lem_tokenizer *t = opened[which].t;
    const char *text = (const char *)data + 1;
    const size_t n = size - 1;

    int32_t *ids = malloc((n + 1) * 4 * sizeof *ids); /* a prefix is 3 bytes at most */
    char *want = malloc(n + 1), *back = malloc(n + 1);
    must(ids && want && back, "there is memory");
    size_t n_id;
    must(lem_tokenizer_encode(t, text, n, flags, ids, 4 * (n + 1), &n_id) == LEM_OK,
         "any text can be encoded");
    check_room(t, text, n, flags, ids, n_id);

    const size_t n_want = expected_back(want, text, n, spm);
    const size_t n_back = lem_tokenizer_decode(t, ids, n_id, true, back, n + 1);
    must(n_back == n_want, "the text comes back in length");
    must(memcmp(back, want, n_want) == 0, "the text comes back");
    size_t n_pieces = 0;
    for (size_t i = 0; i < n_id; i++)
        n_pieces += lem_tokenizer_piece(t, ids[i], true, NULL, 0);
    must(n_pieces >= n_want, "pieces hold the text");
    must(is(which, PREFIXED) || n_pieces == n_want,
         "without a prefix nothing is dropped");
    check_pieces(t, ids, n_id, want, n_want, n_pieces - n_want);
    must(opened[which].capture.n_error == 0, "nothing is logged");
    free(back);
    free(want);
    free(ids);
    return 0;
}
