/* test_chat_reader.c - answers taken apart: thoughts, channels, ends, however their marks
 * come in tokens. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lemnos/chat.h"
#include "support/vocab_check.h"

/* What came out: "{analysis|…}" for thoughts and calls, answers as they are. */
struct heard {
    char text[1024];
    size_t n;
    enum lem_chat_part part;
    char channel[64];
    unsigned n_call;
};

static void put(struct heard *h, const char *text, size_t n)
{
    assert_true(h->n + n < sizeof h->text);
    memcpy(h->text + h->n, text, n);
    h->n += n;
    h->text[h->n] = '\0';
}

static void close_part(struct heard *h)
{
    if (h->part != LEM_CHAT_ANSWER)
        put(h, "}", 1);
    h->part = LEM_CHAT_ANSWER;
    h->channel[0] = '\0';
}

static void on_text(void *priv, enum lem_chat_part part, const char *channel,
                    const char *text, size_t n)
{
    struct heard *h = priv;
    assert_true(n > 0);
    h->n_call++;
    if (part != h->part || strcmp(channel, h->channel) != 0) {
        close_part(h);
        if (part != LEM_CHAT_ANSWER) {
            put(h, part == LEM_CHAT_CALL ? "{call:" : "{", part == LEM_CHAT_CALL ? 6 : 1);
            put(h, channel, strlen(channel));
            put(h, "|", 1);
        }
        h->part = part;
        snprintf(h->channel, sizeof h->channel, "%s", channel);
    }
    assert_int_equal(lem_utf8_whole(text, n), n);
    put(h, text, n);
}

/* Marks are tokens of these types. */
static void open_marks(struct vocab_fixture *f, int32_t type)
{
    static const char *const mark[] = {"<think>",    "</think>",    "<|channel|>",
                                       "<|start|>",  "<|message|>", "<|end|>",
                                       "<|return|>", "<|call|>",    "<|user|>",
                                       "<|channel>", "<channel|>",  "<|other|>"};
    vocab_sample_bpe(&f->sample, "gpt-2");
    for (size_t i = 0; i < sizeof mark / sizeof *mark; i++)
        vocab_sample_add(&f->sample, mark[i], type, 0);
    f->sample.n_type = f->sample.n_token;
    vocab_open(&f->o, &f->sample);
}

/* Read `said` as an answer in the format; `flags` of the encoder. Returns whether it
 * came to an end before its last token. */
static bool hear(const struct vocab_fixture *f, const char *format, const char *said,
                 uint32_t flags, struct heard *h)
{
    int32_t ids[512];
    size_t n = 0, i = 0;
    bool end = false;
    struct lem_chat_reader *r;
    *h = (struct heard){0};
    assert_int_equal(
        lem_tokenizer_encode(f->o.t, said, strlen(said), flags, ids, 512, &n), LEM_OK);
    assert_int_equal(
        lem_chat_reader_open(lem_chat_format_find(format), f->o.t, on_text, h, &r),
        LEM_OK);
    for (; i < n && !end; i++)
        assert_int_equal(lem_chat_reader_token(r, ids[i], &end), LEM_OK);
    lem_chat_reader_finish(r);
    close_part(h);
    lem_chat_reader_close(&r);
    assert_null(r);
    return end;
}

/* The same with marks as control tokens, as user-defined ones, and letter by letter. */
static void assert_hears(const char *format, const char *said, const char *want,
                         bool ends)
{
    static const int32_t type[] = {3, 4, 1};
    for (int i = 0; i < 3; i++) {
        struct vocab_fixture f = {0};
        struct heard h;
        open_marks(&f, type[i]);
        const bool end = hear(&f, format, said, LEM_ENCODE_SPECIAL, &h);
        if (strcmp(h.text, want) != 0 || end != ends)
            fail_msg("%s, type %d: \"%s\" became \"%s\"%s, not \"%s\"", format, type[i],
                     said, h.text, end ? " and an end" : "", want);
        vocab_close(&f.o);
    }
}

static void thoughts_come_first_and_are_left_apart(void **state)
{
    (void)state;
    assert_hears("qwen3", "<think>\nhm\n</think>\n\nYes.", "{|\nhm\n}Yes.", false);
    assert_hears("qwen3", "\n <think>hm</think>Yes.", "{|hm}Yes.", false);
    assert_hears("qwen3", "No <think>x</think>", "No <think>x</think>", false);
    assert_hears("qwen3", "<think>hm", "{|hm}", false);
    assert_hears("qwen3", "<thin ice", "<thin ice", false);
    assert_hears("qwen3", " Yes.", " Yes.", false);
    /* The prompt has opened them. */
    assert_hears("deepseek-r1", "hm</think>\n\nYes.", "{|hm}Yes.", false);
    assert_hears("glm4.7", "hm", "{|hm}", false);
    assert_hears("gemma4-e", "<|channel>thought\nhm<channel|>Yes.", "{|hm}Yes.", false);
}

static void marks_of_the_format_end_an_answer(void **state)
{
    (void)state;
    assert_hears("chatml", "Yes.<|im_end|>\nNo.", "Yes.", true);
    assert_hears("glm4", "Yes.<|user|>No.", "Yes.", true);
    assert_hears("qwen3", "<think>hm<|im_end|>No.", "{|hm}", true);
    assert_hears("chatml", "Yes <|im_ or no", "Yes <|im_ or no", false);
    assert_hears("chatml", "<|im<|im_end|>", "<|im", true);
    assert_hears("chatml", "<|im_end|>", "", true);
}

static void channels_of_harmony_are_told_apart(void **state)
{
    (void)state;
    assert_hears("gpt-oss",
                 "<|channel|>analysis<|message|>hm<|end|><|start|>assistant<|channel|>"
                 "final<|message|>Yes.<|return|>No.",
                 "{analysis|hm}Yes.", true);
    assert_hears("gpt-oss",
                 "<|channel|>commentary to=functions.f <|constrain|>json<|message|>{}"
                 "<|call|>",
                 "{call:commentary|{}}", true);
    assert_hears("gpt-oss",
                 "<|channel|>commentary<|message|>First I look.<|end|><|start|>assistant"
                 "<|channel|>final<|message|>Yes.",
                 "{commentary|First I look.}Yes.", false);
    assert_hears("gpt-oss", "<|message|>Yes.", "Yes.", false);
    /* An end of message is missing. */
    assert_hears("gpt-oss",
                 "<|channel|>analysis<|message|>hm<|start|>assistant<|channel|>final"
                 "<|message|>Yes.",
                 "{analysis|hm}Yes.", false);
    /* No format at all is better than nothing. */
    assert_hears("gpt-oss", "Yes.", "Yes.", false);
    /* A header that never ends its message after one that did is no text. */
    assert_hears("gpt-oss", "<|message|>Yes.<|end|><|start|>assistant", "Yes.", false);
}

static void a_space_that_belongs_to_the_format_is_not_the_answer_s(void **state)
{
    (void)state;
    assert_hears("deepseek-v2", " Yes.", "Yes.", false);
    assert_hears("deepseek-v2", "  Yes.", " Yes.", false);
    assert_hears("mistral-v1", " Yes.", "Yes.", false);
    assert_hears("ernie4.5", " Yes.", " Yes.", false); /* the prompt ends in it */
    assert_hears("plain", " and then", " and then", false);
}

static void control_tokens_of_no_format_are_not_seen(void **state)
{
    (void)state;
    struct vocab_fixture f = {0};
    struct heard h;
    open_marks(&f, 3);
    assert_false(hear(&f, "chatml", "Y<|other|>es<think>.", LEM_ENCODE_SPECIAL, &h));
    assert_string_equal(h.text, "Yes.");
    /* The file's end of text ends an answer in any format. */
    assert_true(hear(&f, "plain", "Yes<|endoftext|>No", LEM_ENCODE_SPECIAL, &h));
    assert_string_equal(h.text, "Yes");
    vocab_close(&f.o);
    /* User-defined ones are words, where a format has no thoughts. */
    open_marks(&f, 4);
    assert_false(hear(&f, "chatml", "<think>hm</think>", 0, &h));
    assert_string_equal(h.text, "<think>hm</think>");
    vocab_close(&f.o);
}

static void characters_are_handed_on_whole_and_at_once(void **state)
{
    (void)state;
    struct vocab_fixture f = {0};
    struct heard h;
    open_marks(&f, 1);
    assert_false(hear(&f, "chatml", "\xE2\x82\xAC, \xC3\xA9 <", 0, &h));
    assert_string_equal(h.text, "\xE2\x82\xAC, \xC3\xA9 <");
    /* "€" "," " " "é" " " as they come, "<" at the end: it might begin a mark */
    assert_int_equal(h.n_call, 6);
    /* Half a character at the end is left out. */
    assert_false(hear(&f, "chatml", "a\xE2\x82", 0, &h));
    assert_string_equal(h.text, "a");
    vocab_close(&f.o);
}

static void a_reader_serves_one_answer_after_the_other(void **state)
{
    (void)state;
    struct vocab_fixture f = {0};
    struct heard h = {0};
    struct lem_chat_reader *r;
    bool end = false;
    open_marks(&f, 3);
    assert_int_equal(
        lem_chat_reader_open(lem_chat_format_find("deepseek-r1"), f.o.t, on_text, &h, &r),
        LEM_OK);
    for (int turn = 0; turn < 2; turn++) {
        assert_int_equal(lem_chat_reader_token(r, 'a', &end), LEM_OK);
        assert_false(end);
        assert_int_equal(lem_chat_reader_token(r, fixture_id(&f, "</think>"), &end),
                         LEM_OK);
        assert_int_equal(lem_chat_reader_token(r, 'b', &end), LEM_OK);
        assert_int_equal(lem_chat_reader_token(r, fixture_id(&f, "<|endoftext|>"), &end),
                         LEM_OK);
        assert_true(end);
        /* After the end nothing is heard. */
        assert_int_equal(lem_chat_reader_token(r, 'c', &end), LEM_OK);
        assert_true(end);
        lem_chat_reader_finish(r);
    }
    close_part(&h);
    assert_string_equal(h.text, "{|a}b{|a}b");
    /* Ids that are none are not heard either. */
    assert_int_equal(lem_chat_reader_token(r, -1, &end), LEM_OK);
    assert_int_equal(lem_chat_reader_token(r, 1 << 20, &end), LEM_OK);
    assert_false(end);
    lem_chat_reader_close(&r);
    lem_chat_reader_close(&r);
    vocab_close(&f.o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(thoughts_come_first_and_are_left_apart),
        cmocka_unit_test(marks_of_the_format_end_an_answer),
        cmocka_unit_test(channels_of_harmony_are_told_apart),
        cmocka_unit_test(a_space_that_belongs_to_the_format_is_not_the_answer_s),
        cmocka_unit_test(control_tokens_of_no_format_are_not_seen),
        cmocka_unit_test(characters_are_handed_on_whole_and_at_once),
        cmocka_unit_test(a_reader_serves_one_answer_after_the_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
