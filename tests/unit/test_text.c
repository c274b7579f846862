/* test_text.c - text to ids and back: byte-level BPE, special tokens, any bytes. */
#include <stdlib.h>
#include <string.h>

#include "support/vocab_check.h"

/* ---- byte-level BPE ------------------------------------------------------- */

static void bpe_joins_in_the_order_of_the_merges(void **state)
{
    (void)state;
    struct vocab_fixture f;
    fixture_open_bpe(&f, "gpt-2");
    assert_tokens(&f, "", 0, "");
    assert_tokens(&f, "hello world", 0, "hello Ġworld ");
    assert_tokens(&f, "hell", 0, "hell ");
    assert_tokens(&f, "hel", 0, "he l ");
    assert_tokens(&f, "lll", 0, "ll l "); /* equal ranks: the leftmost first */
    assert_tokens(&f, "abc", 0, "abc ");
    assert_tokens(&f, "ababc", 0, "ab abc ");
    assert_tokens(&f, "bcc", 0, "bc c ");
    assert_tokens(&f, "\xC3\xA9", 0, "Ã© ");
    assert_tokens(&f, "xyz", 0, "x y z "); /* a token, but no merge leads to it */
    assert_tokens(&f, "     or", 0,
                  "ĠĠĠĠ Ġ or "); /* "Ġor" is none: the cut leaves " or" */
    vocab_close(&f.o);
}

static void bpe_takes_whole_words_where_the_rule_says_so(void **state)
{
    (void)state;
    struct vocab_fixture f;
    fixture_open_bpe(&f, "llama-bpe");
    assert_tokens(&f, "xyz", 0, "xyz ");
    assert_tokens(&f, "xyz xyz", 0, "xyz Ġ x y z "); /* " xyz" is no token */
    assert_tokens(&f, "1212", 0, "12 1 2 ");         /* digits by threes: 121, 2 */
    vocab_close(&f.o);
}

static void bpe_is_quick_with_long_words(void **state)
{
    (void)state;
    /* A word of half a million bytes: hours if joining were quadratic. */
    enum { N = 1 << 19 };
    struct vocab_fixture f;
    fixture_open_bpe(&f, "gpt-2");
    char *text = malloc(N);
    int32_t *ids = malloc(N * sizeof *ids);
    size_t n_id;
    assert_true(text && ids);
    memset(text, 'l', N);
    assert_int_equal(lem_tokenizer_encode(f.o.t, text, N, 0, ids, N, &n_id), LEM_OK);
    assert_int_equal(n_id, N / 8);
    for (size_t i = 0; i < n_id; i++)
        assert_int_equal(ids[i], fixture_id(&f, "llllllll"));
    free(ids);
    free(text);
    vocab_close(&f.o);
}

static void bpe_bytes_without_a_token_become_unknown_or_replaced(void **state)
{
    (void)state;
    struct vocab_fixture f = {0};
    vocab_sample_bpe(&f.sample, "gpt-2");
    f.sample.token['Q'] = "unrelated";
    vocab_open(&f.o, &f.sample);
    assert_int_equal(f.o.capture.n_other, 1); /* a warning says so */
    assert_tokens(&f, "aQb", 0, "a ï ¿ ½ b ");
    vocab_close(&f.o);

    f.sample.unk = vocab_sample_add(&f.sample, "<unk>", 2, 0);
    f.sample.n_type = f.sample.n_token;
    vocab_open(&f.o, &f.sample);
    assert_tokens(&f, "aQb", 0, "a <unk> b ");
    vocab_close(&f.o);

    /* A user-defined token with the text of a glyph is that text, not the byte. No text
     * has this byte, so there is no warning. */
    vocab_sample_bpe(&f.sample, "gpt-2");
    f.sample.type[0xFC] = 4;
    vocab_open(&f.o, &f.sample);
    assert_int_equal(f.o.capture.n_other, 0);
    assert_tokens(&f, "\xC3\xBC", 0, "ü ");
    assert_tokens(&f, "\xFC", 0, "ï ¿ ½ ");
    vocab_close(&f.o);

    /* No tokens for U+FFFD either: nothing is left. */
    vocab_sample_bpe(&f.sample, "gpt-2");
    f.sample.token['Q'] = "unrelated";
    f.sample.token[0xEF] = "1st";
    f.sample.token[0xBF] = "2nd";
    f.sample.token[0xBD] = "3rd";
    vocab_open(&f.o, &f.sample);
    assert_tokens(&f, "Q", 0, "");
    assert_tokens(&f, "aQb", 0, "ab ");
    vocab_close(&f.o);
}

/* ---- special tokens ------------------------------------------------------- */

static void control_tokens_are_text_unless_asked_for(void **state)
{
    (void)state;
    struct vocab_fixture f;
    fixture_open_bpe(&f, "gpt-2");
    assert_tokens(&f, "he<|im_end|>", 0, "he < | i m _ e n d | > ");
    assert_tokens(&f, "he<|im_end|>", LEM_ENCODE_SPECIAL, "he <|im_end|> ");
    assert_tokens(&f, "<|im_end|>>>", LEM_ENCODE_SPECIAL,
                  "<|im_end|>> > "); /* the longest */
    assert_tokens(&f, "<|im_end|", LEM_ENCODE_SPECIAL, "< | i m _ e n d | ");
    assert_tokens(&f, "<<|im_end|><|im_start|>or", LEM_ENCODE_SPECIAL,
                  "< <|im_end|> <|im_start|> or ");
    /* User-defined ones are found in any case. */
    assert_tokens(&f, "he<sep>or", 0, "he <sep> or ");
    assert_tokens(&f, "<sep>=<sep>", 0, "<sep>= <sep> ");
    vocab_close(&f.o);
}

static void bos_and_eos_stand_where_the_file_wants_them(void **state)
{
    (void)state;
    const uint32_t both = LEM_ENCODE_BOS | LEM_ENCODE_EOS;
    struct vocab_fixture f = {0};
    vocab_sample_bpe(&f.sample, "gpt-2");
    vocab_open(&f.o, &f.sample);
    assert_tokens(&f, "he", both, "he "); /* byte-level: no BOS unless stated */
    vocab_close(&f.o);

    vocab_sample_bpe(&f.sample, "gpt-2");
    f.sample.add_bos = f.sample.add_eos = 1;
    vocab_open(&f.o, &f.sample);
    assert_tokens(&f, "he", both, "<|endoftext|> he <|endoftext|> ");
    assert_tokens(&f, "", LEM_ENCODE_BOS, "<|endoftext|> ");
    assert_tokens(&f, "he", 0, "he ");
    vocab_close(&f.o);

    fixture_open_spm(&f, -1); /* SentencePiece: BOS unless stated otherwise */
    assert_tokens(&f, "in", both, "<s> ▁in ");
    struct lem_tokenizer_info info;
    lem_tokenizer_get_info(f.o.t, &info);
    assert_int_equal(info.n_vocab, f.sample.n_token);
    assert_int_equal(info.bos, 1);
    assert_int_equal(info.eos, 2);
    assert_int_equal(info.unk, 0);
    assert_int_equal(info.eot, -1);
    assert_int_equal(info.pad, -1);
    assert_true(info.add_bos);
    assert_false(info.add_eos);
    vocab_close(&f.o);
}

static void ends_of_turns_are_known(void **state)
{
    (void)state;
    struct vocab_fixture f = {0};
    vocab_sample_bpe(&f.sample, "gpt-2");
    f.sample.eot = fixture_id(&f, "hello");
    vocab_sample_add(&f.sample, "<|end|>", 3, 0);
    vocab_sample_add(&f.sample, "</s>", 1, 0); /* ordinary: only looks like one */
    f.sample.n_type = f.sample.n_token;
    vocab_open(&f.o, &f.sample);
    static const char *const ends[] = {"<|endoftext|>", "<|im_end|>", "hello", "<|end|>"};
    static const char *const others[] = {"<|im_start|>", "<sep>", "</s>", "he"};
    for (size_t i = 0; i < 4; i++) {
        assert_true(lem_tokenizer_is_end(f.o.t, fixture_id(&f, ends[i])));
        assert_false(lem_tokenizer_is_end(f.o.t, fixture_id(&f, others[i])));
    }
    assert_false(lem_tokenizer_is_end(f.o.t, -1));
    assert_false(lem_tokenizer_is_end(f.o.t, (int32_t)f.sample.n_token));
    vocab_close(&f.o);

    /* With gpt-oss's other two, <|end|> only closes a message. */
    vocab_sample_add(&f.sample, "<|return|>", 3, 0);
    vocab_sample_add(&f.sample, "<|call|>", 3, 0);
    f.sample.n_type = f.sample.n_token;
    vocab_open(&f.o, &f.sample);
    assert_false(lem_tokenizer_is_end(f.o.t, fixture_id(&f, "<|end|>")));
    assert_true(lem_tokenizer_is_end(f.o.t, fixture_id(&f, "<|return|>")));
    vocab_close(&f.o);
}

/* ---- sizes, pieces, bytes ------------------------------------------------- */

static void too_little_room_is_told(void **state)
{
    (void)state;
    struct vocab_fixture f;
    fixture_open_bpe(&f, "gpt-2");
    int32_t ids[3] = {-7, -7, -7};
    size_t n = 0;
    assert_int_equal(lem_tokenizer_encode(f.o.t, "abcxy", 5, 0, ids, 2, &n),
                     LEM_ERR_ARGUMENT);
    assert_int_equal(n, 5 - 2);
    assert_int_equal(ids[0], fixture_id(&f, "abc"));
    assert_int_equal(ids[1], 'x');
    assert_int_equal(ids[2], -7);
    assert_int_equal(lem_tokenizer_encode(f.o.t, "abcxy", 5, 0, NULL, 0, &n),
                     LEM_ERR_ARGUMENT);
    assert_int_equal(n, 3);
    assert_silent(&f.o.capture);

    char out[8] = "------";
    const int32_t hello[2] = {fixture_id(&f, "he"), fixture_id(&f, "hello")};
    assert_int_equal(lem_tokenizer_piece(f.o.t, hello[1], false, out, 4), 5);
    assert_string_equal(out, "------");
    assert_int_equal(lem_tokenizer_decode(f.o.t, hello, 2, false, out, 4), 7);
    assert_string_equal(out, "hehe--");
    assert_int_equal(lem_tokenizer_decode(f.o.t, hello, 2, false, NULL, 0), 7);
    vocab_close(&f.o);
}

static void every_id_has_its_bytes(void **state)
{
    (void)state;
    struct vocab_fixture f;
    char out[32], joined[32];
    fixture_open_bpe(&f, "gpt-2");
    for (int b = 0; b < 256; b++) {
        assert_int_equal(lem_tokenizer_piece(f.o.t, b, false, out, sizeof out), 1);
        assert_int_equal((uint8_t)out[0], b);
    }
    assert_int_equal(lem_tokenizer_piece(f.o.t, fixture_id(&f, "Ġworld"), false, out, 32),
                     6);
    assert_memory_equal(out, " world", 6);
    const int32_t end = fixture_id(&f, "<|im_end|>");
    assert_int_equal(lem_tokenizer_piece(f.o.t, end, false, out, 32), 0);
    assert_int_equal(lem_tokenizer_piece(f.o.t, end, true, out, 32), 10);
    assert_memory_equal(out, "<|im_end|>", 10);
    assert_int_equal(lem_tokenizer_piece(f.o.t, fixture_id(&f, "<sep>"), false, out, 32),
                     5);
    assert_int_equal(lem_tokenizer_piece(f.o.t, -1, true, out, 32), 0);
    assert_int_equal(lem_tokenizer_piece(f.o.t, (int32_t)f.sample.n_token, true, out, 32),
                     0);
    vocab_close(&f.o);

    fixture_open_spm(&f, -1);
    for (int32_t id = 0; id < (int32_t)f.sample.n_token; id++) {
        /* In the middle of a text, decoding is joining. */
        const int32_t ids[2] = {fixture_id(&f, "a"), id};
        const size_t n = lem_tokenizer_piece(f.o.t, id, true, out, sizeof out);
        assert_true(n > 0 && n < sizeof out);
        assert_int_equal(lem_tokenizer_decode(f.o.t, ids, 2, true, joined, 32), n + 1);
        assert_memory_equal(joined + 1, out, n);
    }
    const int32_t start[2] = {1, fixture_id(&f, "▁there")};
    assert_int_equal(lem_tokenizer_decode(f.o.t, start, 2, false, out, 32), 5);
    assert_memory_equal(out, "there", 5);
    assert_int_equal(lem_tokenizer_piece(f.o.t, start[1], false, out, 32), 6);
    assert_memory_equal(out, " there", 6);
    vocab_close(&f.o);
}

static void any_bytes_come_back(void **state)
{
    (void)state;
    static const char *const pre[] = {"gpt-2",        "llama-bpe",   "qwen2",
                                      "deepseek-llm", "deepseek-v3", "gpt-4o",
                                      "kimi-k2"};
    char text[512];
    uint64_t seed = 20240501;
    for (size_t p = 0; p < sizeof pre / sizeof *pre; p++) {
        struct vocab_fixture f;
        fixture_open_bpe(&f, pre[p]);
        for (int i = 0; i < 400; i++) {
            const size_t n = random_text(text, sizeof text, &seed);
            assert_round_trip(&f, text, n, i % 2 ? LEM_ENCODE_SPECIAL : 0);
        }
        vocab_close(&f.o);
    }
    for (int prefix = 0; prefix < 2; prefix++) {
        struct vocab_fixture f;
        fixture_open_spm(&f, prefix);
        for (int i = 0; i < 400; i++) {
            const size_t n = random_text(text, sizeof text, &seed);
            assert_round_trip(&f, text, n, i % 2 ? LEM_ENCODE_SPECIAL : 0);
        }
        vocab_close(&f.o);
    }
}

/* ---- UTF-8 ---------------------------------------------------------------- */

static void whole_characters_are_told_from_begun_ones(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t whole;
    } rows[] = {
        {"", 0},
        {"a", 1},
        {"a\xC3", 1},
        {"\xE2\x82", 0},
        {"\xF0\x9F\x98", 0},
        {"\xF0\x9F\x98\x80", 4},
        {"\xC0", 1},     /* never the start of a character */
        {"\xC1\xBF", 2}, /* overlong */
        {"\xE0\x9F", 2}, /* overlong */
        {"\xE0\xA0", 0},
        {"\xED\x9F", 0},
        {"\xED\xA0", 2}, /* a surrogate */
        {"\xF0\x8F", 2}, /* overlong */
        {"\xF0\x90", 0},
        {"\xF4\x8F\xBF", 0},
        {"\xF4\x90", 2}, /* above U+10FFFF */
        {"\xF5", 1},
        {"\x80", 1},
        {"a\xBF\xBF\xBF", 4},
        {"\xE2\xE2\x82", 1}, /* the first is broken off, the second begun */
        {"\xE2\x82z", 3},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal(lem_utf8_whole(rows[i].text, strlen(rows[i].text)),
                         rows[i].whole);

    /* Every cut of good text gives the characters before it. */
    static const char text[] = "a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80z\xED\x9F\xBF";
    static const size_t whole[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 11, 11, 11, 14};
    for (size_t n = 0; n < sizeof whole / sizeof *whole; n++)
        assert_int_equal(lem_utf8_whole(text, n), whole[n]);
}

static void closing_nothing_is_fine(void **state)
{
    (void)state;
    struct lem_tokenizer *none = NULL;
    lem_tokenizer_close(NULL);
    lem_tokenizer_close(&none);
    assert_null(none);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bpe_joins_in_the_order_of_the_merges),
        cmocka_unit_test(bpe_takes_whole_words_where_the_rule_says_so),
        cmocka_unit_test(bpe_is_quick_with_long_words),
        cmocka_unit_test(bpe_bytes_without_a_token_become_unknown_or_replaced),
        cmocka_unit_test(control_tokens_are_text_unless_asked_for),
        cmocka_unit_test(bos_and_eos_stand_where_the_file_wants_them),
        cmocka_unit_test(ends_of_turns_are_known),
        cmocka_unit_test(too_little_room_is_told),
        cmocka_unit_test(every_id_has_its_bytes),
        cmocka_unit_test(any_bytes_come_back),
        cmocka_unit_test(whole_characters_are_told_from_begun_ones),
        cmocka_unit_test(closing_nothing_is_fine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
