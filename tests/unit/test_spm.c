/* test_spm.c - SentencePiece BPE with a small vocabulary. */
#include <string.h>

#include "support/vocab_check.h"

static void spm_joins_in_the_order_of_the_scores(void **state)
{
    (void)state;
    struct vocab_fixture f;
    fixture_open_spm(&f, -1);
    assert_tokens(&f, "", 0, "");
    assert_tokens(&f, "there", 0, "▁there ");
    assert_tokens(&f, "the there", 0, "▁the ▁there ");
    assert_tokens(&f, "in", 0, "▁in ");
    assert_tokens(&f, "er", 0, "▁ er ");
    assert_tokens(&f, "ere", 0, "▁ e re ");      /* "re" -5 before "er" -11 */
    assert_tokens(&f, "rerer", 0, "▁ re re r "); /* equal scores: the leftmost first */
    assert_tokens(&f, " a", 0, "▁ ▁a ");         /* "▁a" -3 before "▁▁" -10 */
    assert_tokens(&f, "ss", 0, "▁ s s ");        /* "ss" is unused: never made */
    vocab_close(&f.o);

    fixture_open_spm(&f, 0);
    assert_tokens(&f, "there", 0, "t he re ");
    assert_tokens(&f, " there", 0, "▁there ");
    vocab_close(&f.o);
}

static void spm_falls_back_to_bytes(void **state)
{
    (void)state;
    struct vocab_fixture f;
    fixture_open_spm(&f, 0);
    assert_tokens(&f, "\xC3\xA9", 0, "é ");
    assert_tokens(&f, "z\xE2\x82\xAC", 0, "<0x7A> <0xE2> <0x82> <0xAC> ");
    assert_tokens(&f, "a\n", 0, "a <0x0A> ");
    assert_tokens(&f, "\xE2\x82", 0, "<0xE2> <0x82> ");
    assert_tokens(&f, "<0x41>", 0, "< 0 x 4 1 > "); /* the name of a byte is only text */
    assert_tokens(&f, "<s>", 0, "<s > ");           /* "<s" is ordinary, "<s>" is not */
    vocab_close(&f.o);
}

static void spm_without_bytes_takes_the_unknown_token(void **state)
{
    (void)state;
    struct vocab_fixture f = {0};
    vocab_sample_spm(&f.sample);
    f.sample.token[3 + 0x82] = "gone";
    f.sample.type[3 + 0x82] = 1;
    f.sample.add_prefix = 0;
    vocab_open(&f.o, &f.sample);
    assert_tokens(&f,
                  "a\xE2\x82\xAC"
                  "e",
                  0, "a <unk> e "); /* once for the character */
    vocab_close(&f.o);
}

static void spm_needs_no_token_types(void **state)
{
    (void)state;
    struct vocab_fixture f = {0};
    vocab_sample_spm(&f.sample);
    f.sample.n_type = 0;
    vocab_open(&f.o, &f.sample);
    char piece[8];
    assert_int_equal(lem_tokenizer_piece(f.o.t, 3 + 'z', false, piece, 8), 1);
    assert_int_equal(piece[0], 'z');
    assert_tokens(&f, "z", 0, "▁ <0x7A> ");
    vocab_close(&f.o);
}

static void spm_puts_a_space_after_special_tokens(void **state)
{
    (void)state;
    struct vocab_fixture f;
    fixture_open_spm(&f, -1);
    assert_tokens(&f, "a<|im_end|>a", LEM_ENCODE_SPECIAL, "▁a <|im_end|> ▁a ");
    assert_tokens(&f, "a<sep>in<unk>", 0, "▁a <sep> ▁in < <0x75> n <0x6B> > ");
    assert_tokens(&f, "<unk>a", LEM_ENCODE_SPECIAL, "<unk> ▁a ");
    assert_tokens(&f, "<s>a", LEM_ENCODE_SPECIAL | LEM_ENCODE_BOS, "<s> <s> ▁a ");
    static const char text[] = " a<|im_end|> in<sep>there";
    assert_round_trip(&f, text, strlen(text), LEM_ENCODE_SPECIAL);
    vocab_close(&f.o);
}

static void spm_joins_word_by_word_as_it_would_all_at_once(void **state)
{
    (void)state;
    struct vocab_fixture words, all;
    fixture_open_spm(&words, -1);
    all = (struct vocab_fixture){0};
    vocab_sample_spm(&all.sample);
    /* A token over the end of a word, though never made: nothing leads to it. */
    vocab_sample_add(&all.sample, "zq▁zq", 1, -99);
    all.sample.n_type = all.sample.n_score = all.sample.n_token;
    vocab_open(&all.o, &all.sample);
    char text[512];
    uint64_t seed = 99;
    for (int i = 0; i < 1000; i++) {
        int32_t a[1024], b[1024];
        size_t n_a, n_b;
        const size_t n = random_text(text, sizeof text, &seed);
        assert_int_equal(lem_tokenizer_encode(words.o.t, text, n, 0, a, 1024, &n_a),
                         LEM_OK);
        assert_int_equal(lem_tokenizer_encode(all.o.t, text, n, 0, b, 1024, &n_b),
                         LEM_OK);
        assert_int_equal(n_a, n_b);
        for (size_t k = 0; k < n_a; k++)
            assert_string_equal(words.sample.token[a[k]], all.sample.token[b[k]]);
    }
    vocab_close(&words.o);
    vocab_close(&all.o);
}

/* ---- merges instead of scores ---------------------------------------------- */

static void merges_order_the_joins_of_characters(void **state)
{
    (void)state;
    static const char *const kinds[][2] = {{"gemma4", NULL},
                                           {"gemma4", "default"},
                                           {"gpt2", "gemma4"},
                                           {"gpt2", "sarvam-moe"}};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        struct vocab_fixture f = {0};
        vocab_sample_merges(&f.sample, kinds[i][0], kinds[i][1]);
        vocab_open(&f.o, &f.sample);
        assert_tokens(&f, "", 0, "");
        assert_tokens(&f, "there", 0, "the r e "); /* "t he" before "he r" */
        assert_tokens(&f, "here in", 0, "her e ▁in ");
        assert_tokens(&f, " the", 0, "▁ the "); /* a token that no merge gives */
        assert_tokens(&f, "   a", 0, "▁▁ ▁a "); /* no space is put before the text */
        assert_tokens(&f, "a\n\nin", 0, "a \n\n in ");
        assert_tokens(&f, "a\n\n\nin", 0, "a \n \n \n in "); /* three are no token */
        assert_tokens(&f, "\xC3\xA9z\xE2\x82\xAC", 0, "é <0x7A> <0xE2> <0x82> <0xAC> ");
        static const char text[] = " there\n\n\n\n <z> \xE2\x82\xAC\n\xFF ";
        assert_round_trip(&f, text, strlen(text), 0);
        vocab_close(&f.o);
    }
}

static void gemma_begins_with_bos_whatever_the_file_says(void **state)
{
    (void)state;
    struct vocab_fixture f = {0};
    vocab_sample_merges(&f.sample, "gemma4", NULL);
    f.sample.add_bos = 0;
    vocab_open(&f.o, &f.sample);
    assert_tokens(&f, "in", LEM_ENCODE_BOS, "<s> in ");
    vocab_close(&f.o);
    f.sample.model = "gpt2";
    f.sample.pre = "sarvam-moe";
    vocab_open(&f.o, &f.sample);
    assert_tokens(&f, "in", LEM_ENCODE_BOS, "in ");
    vocab_close(&f.o);
}

static void merges_must_be_there_and_be_right(void **state)
{
    (void)state;
    struct vocab_fixture f = {0};
    vocab_sample_merges(&f.sample, "gemma4", NULL);
    f.sample.n_merge = 0;
    gguf_writer_init(&f.o.w);
    assert_int_equal(vocab_open_written(&f.o, &f.sample), LEM_ERR_FORMAT);
    assert_non_null(strstr(f.o.capture.error, "tokenizer.ggml.merges is missing"));
    vocab_close(&f.o);
    f.o = (struct vocab_opened){0};
    vocab_sample_merges(&f.sample, "gemma4", NULL);
    f.sample.merge[0] = "h zz";
    gguf_writer_init(&f.o.w);
    assert_int_equal(vocab_open_written(&f.o, &f.sample), LEM_ERR_FORMAT);
    assert_non_null(strstr(f.o.capture.error, "joins a text that is no token"));
    vocab_close(&f.o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spm_joins_in_the_order_of_the_scores),
        cmocka_unit_test(spm_falls_back_to_bytes),
        cmocka_unit_test(spm_without_bytes_takes_the_unknown_token),
        cmocka_unit_test(spm_needs_no_token_types),
        cmocka_unit_test(spm_puts_a_space_after_special_tokens),
        cmocka_unit_test(spm_joins_word_by_word_as_it_would_all_at_once),
        cmocka_unit_test(merges_order_the_joins_of_characters),
        cmocka_unit_test(gemma_begins_with_bos_whatever_the_file_says),
        cmocka_unit_test(merges_must_be_there_and_be_right),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
