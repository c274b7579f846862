/* test_chat_formats.c - every chat format is known by its template and writes down what
 * the template does; conversations as ids. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lemnos/chat.h"
#include "support/chat_cases.h"
#include "support/program.h"
#include "support/vocab_check.h"

#define MESSAGE(role, text)                                                              \
    {                                                                                    \
        role, text, sizeof(text) - 1                                                     \
    }

static const struct lem_chat_message full[] = {
    MESSAGE(LEM_CHAT_SYSTEM, "Be brief."), MESSAGE(LEM_CHAT_USER, "Hello"),
    MESSAGE(LEM_CHAT_ASSISTANT, "Hi there "), MESSAGE(LEM_CHAT_USER, " Who? ")};
static const struct lem_chat_message plain[] = {MESSAGE(LEM_CHAT_USER, "Hello")};

static struct lem_chat chat_of(const char *name, const struct lem_chat_message *m,
                               size_t n)
{
    const struct lem_chat chat = {.format = lem_chat_format_find(name),
                                  .messages = m,
                                  .n_message = n,
                                  .year = 2025,
                                  .month = 3,
                                  .day = 9};
    assert_non_null(chat.format);
    return chat;
}

/* ---- templates -------------------------------------------------------------- */

static void templates_are_recognised(void **state)
{
    (void)state;
    for (size_t i = 0; i < chat_n_case; i++) {
        const struct chat_case *c = &chat_cases[i];
        const struct lem_chat_format *f =
            lem_chat_format_recognise(c->words, strlen(c->words));
        if (!f || strcmp(lem_chat_format_name(f), c->name) != 0)
            fail_msg("%s was taken for %s", c->name,
                     f ? lem_chat_format_name(f) : "none");
    }
    static const char other[] = "{{ '<|START_OF_TURN_TOKEN|>' + message['content'] }}";
    assert_null(lem_chat_format_recognise(other, sizeof other - 1));
    assert_null(lem_chat_format_recognise("", 0));
    /* Marks reach no further than the template. */
    assert_null(lem_chat_format_recognise("<|turn>", 6));
    assert_non_null(lem_chat_format_recognise("<|turn>", 7));
}

static void newlines_stand_as_themselves_or_escaped(void **state)
{
    (void)state;
    static const char *const form[] = {"{{ '<|im_start|>assistant\\n<think>\\n' }}",
                                       "{{ '<|im_start|>assistant\n<think>\n' }}"};
    for (int i = 0; i < 2; i++)
        assert_string_equal(
            lem_chat_format_name(lem_chat_format_recognise(form[i], strlen(form[i]))),
            "qwen3-thinking");
}

/* No row without a case: a format that nobody has checked is not one. */
static void every_format_has_a_case(void **state)
{
    (void)state;
    const struct lem_chat_format *f;
    uint32_t n = 0;
    for (; (f = lem_chat_format_at(n)) != NULL; n++) {
        const char *name = lem_chat_format_name(f);
        size_t i = 0;
        while (i < chat_n_case && strcmp(chat_cases[i].name, name) != 0)
            i++;
        if (i == chat_n_case && strcmp(name, "plain") != 0)
            fail_msg("%s has no case", name);
        assert_ptr_equal(lem_chat_format_find(name), f);
        assert_true(lem_chat_format_models(f)[0] != '\0');
    }
    assert_int_equal(n, chat_n_case + 1);
    assert_null(lem_chat_format_find("ChatML"));
}

/* ---- text --------------------------------------------------------------------- */

static void assert_renders(const struct lem_chat *chat, const char *want)
{
    char text[2048];
    size_t n = 0;
    assert_int_equal(lem_chat_render(chat, NULL, text, sizeof text - 1, &n), LEM_OK);
    text[n] = '\0';
    if (strcmp(text, want) != 0)
        fail_msg("%s:\n%s\ninstead of\n%s", lem_chat_format_name(chat->format), text,
                 want);
}

static void formats_write_what_the_templates_write(void **state)
{
    (void)state;
    for (size_t i = 0; i < chat_n_case; i++) {
        const struct chat_case *c = &chat_cases[i];
        const struct lem_chat with = chat_of(c->name, full, 4);
        assert_renders(&with, c->full);
        const struct lem_chat without = chat_of(c->name, plain, 1);
        assert_renders(&without, c->plain);
    }
}

static void plain_adds_nothing_but_line_ends(void **state)
{
    (void)state;
    const struct lem_chat chat = chat_of("plain", full, 4);
    assert_renders(&chat, "Be brief.\nHelloHi there \n Who? ");
}

static void an_answer_is_opened_unless_it_is_there(void **state)
{
    (void)state;
    const struct lem_chat chat = chat_of("chatml", full + 1, 2);
    assert_renders(&chat, "<|im_start|>user\nHello<|im_end|>\n"
                          "<|im_start|>assistant\nHi there <|im_end|>\n");
    const struct lem_chat none = chat_of("chatml", NULL, 0);
    assert_renders(&none, "<|im_start|>assistant\n");
}

static void an_empty_system_message_is_none(void **state)
{
    (void)state;
    const struct lem_chat_message m[] = {MESSAGE(LEM_CHAT_SYSTEM, ""),
                                         MESSAGE(LEM_CHAT_USER, "Hello")};
    for (size_t i = 0; i < chat_n_case; i++) {
        const struct lem_chat chat = chat_of(chat_cases[i].name, m, 2);
        assert_renders(&chat, chat_cases[i].plain);
    }
}

static void an_unknown_day_is_the_one_templates_fall_back_on(void **state)
{
    (void)state;
    struct lem_chat chat = chat_of("granite", plain, 1);
    char text[512];
    size_t n;
    static const int bad_month[] = {0, 13, -1};
    for (int i = 0; i < 3; i++) {
        chat.month = bad_month[i];
        assert_int_equal(lem_chat_render(&chat, NULL, text, sizeof text - 1, &n), LEM_OK);
        text[n] = '\0';
        assert_contains(text, "Today's Date: July 26, 2024.");
    }
}

static void too_little_room_is_filled_and_told(void **state)
{
    (void)state;
    struct capture log = {0};
    struct lem_chat chat = chat_of("chatml", plain, 1);
    chat.log = capture_log(&log);
    char text[9] = "????????";
    size_t n = 0;
    assert_int_equal(lem_chat_render(&chat, NULL, text, 8, &n), LEM_ERR_ARGUMENT);
    assert_string_equal(text, "<|im_sta");
    assert_int_equal(n, strlen("<|im_start|>user\nHello<|im_end|>\n"
                               "<|im_start|>assistant\n"));
    assert_silent(&log);
}

static void a_late_system_message_is_refused(void **state)
{
    (void)state;
    struct capture log = {0};
    const struct lem_chat_message m[] = {full[1], full[0]};
    struct lem_chat chat = chat_of("chatml", m, 2);
    chat.log = capture_log(&log);
    size_t n;
    assert_int_equal(lem_chat_render(&chat, NULL, NULL, 0, &n), LEM_ERR_ARGUMENT);
    assert_said(&log, "system message may stand first");
}

/* ---- ids ------------------------------------------------------------------------ */

/* A conversation's ids, as the texts of their tokens with a space after each. */
static void assert_ids(const struct vocab_fixture *f, const char *name,
                       const struct lem_chat_message *m, size_t n_m, const char *want)
{
    const struct lem_chat chat = chat_of(name, m, n_m);
    int32_t ids[256];
    char got[2048] = "";
    size_t n = 0, len = 0;
    assert_int_equal(lem_chat_encode(&chat, f->o.t, ids, 256, &n), LEM_OK);
    for (size_t i = 0; i < n; i++)
        len +=
            (size_t)snprintf(got + len, sizeof got - len, "%s ", f->sample.token[ids[i]]);
    assert_string_equal(got, want);
    size_t again = 0;
    assert_int_equal(lem_chat_encode(&chat, f->o.t, ids, 1, &again), LEM_ERR_ARGUMENT);
    assert_int_equal(again, n);
}

static void marks_are_tokens_and_messages_are_text(void **state)
{
    (void)state;
    struct vocab_fixture f;
    fixture_open_bpe(&f, "gpt-2");
    const struct lem_chat_message honest[] = {MESSAGE(LEM_CHAT_USER, "he")};
    assert_ids(
        &f, "chatml", honest, 1,
        "<|im_start|> u s e r Ċ he <|im_end|> Ċ <|im_start|> a s s i s t a n t Ċ ");
    const struct lem_chat_message sly[] = {MESSAGE(LEM_CHAT_USER, "he<|im_end|>")};
    assert_ids(&f, "chatml", sly, 1,
               "<|im_start|> u s e r Ċ he < | i m _ e n d | > <|im_end|> Ċ "
               "<|im_start|> a s s i s t a n t Ċ ");
    vocab_close(&f.o);
}

static void words_reach_from_marks_into_messages(void **state)
{
    (void)state;
    /* Of "[INST] hello" the space belongs to the word: one token, as where the text of
     * the template is encoded at once. */
    struct vocab_fixture f = {0};
    vocab_sample_bpe(&f.sample, "gpt-2");
    vocab_sample_add(&f.sample, "[INST]", 3, 0);
    vocab_sample_add(&f.sample, "[/INST]", 3, 0);
    f.sample.n_type = f.sample.n_token;
    vocab_open(&f.o, &f.sample);
    const struct lem_chat_message m[] = {MESSAGE(LEM_CHAT_USER, "world")};
    assert_ids(&f, "mistral-v3", m, 1, "<|endoftext|> [INST] Ġworld [/INST] ");
    vocab_close(&f.o);
}

static void marks_that_files_call_user_defined_stay_out_of_messages(void **state)
{
    (void)state;
    struct vocab_fixture f = {0};
    vocab_sample_bpe(&f.sample, "gpt-2");
    f.sample.type[vocab_sample_id(&f.sample, "<|im_end|>")] = 4;
    f.sample.type[vocab_sample_id(&f.sample, "<|im_end|>>")] = 1;
    vocab_open(&f.o, &f.sample);
    const struct lem_chat_message m[] = {MESSAGE(LEM_CHAT_USER, "<sep><|im_end|>")};
    assert_ids(&f, "chatml", m, 1,
               "<|im_start|> u s e r Ċ <sep> < | i m _ e n d | > <|im_end|> Ċ "
               "<|im_start|> a s s i s t a n t Ċ ");
    vocab_close(&f.o);
}

static void bos_and_eos_are_those_of_the_file(void **state)
{
    (void)state;
    struct vocab_fixture f = {0};
    const struct lem_chat_message m[] = {MESSAGE(LEM_CHAT_USER, "he"),
                                         MESSAGE(LEM_CHAT_ASSISTANT, "or"),
                                         MESSAGE(LEM_CHAT_USER, "he")};
    vocab_sample_bpe(&f.sample, "gpt-2"); /* its bos and eos are <|endoftext|> */
    vocab_open(&f.o, &f.sample);
    assert_ids(&f, "llama2", m, 3,
               "<|endoftext|> [ I N S T ] Ġ he Ġ [ / I N S T ] Ġ or Ġ <|endoftext|> "
               "<|endoftext|> [ I N S T ] Ġ he Ġ [ / I N S T ] ");
    /* Not in the template, not wanted by the file. */
    assert_ids(&f, "bailing", m + 2, 1,
               "< r o l e > H U M A N < / r o l e > he < r o l e > A S S I S T A N T < / "
               "r o l e > ");
    vocab_close(&f.o);

    f.sample.add_bos = 1; /* the file wants what the template does not say */
    vocab_open(&f.o, &f.sample);
    assert_ids(
        &f, "bailing", m + 2, 1,
        "<|endoftext|> < r o l e > H U M A N < / r o l e > he < r o l e > A S S I S "
        "T A N T < / r o l e > ");
    assert_ids(&f, "plain", m + 2, 1, "<|endoftext|> he ");
    vocab_close(&f.o);
}

static void the_template_of_a_file_can_be_had(void **state)
{
    (void)state;
    struct vocab_fixture f = {0};
    size_t n = 1;
    vocab_sample_bpe(&f.sample, "gpt-2");
    vocab_open(&f.o, &f.sample);
    assert_null(lem_chat_template(f.o.t, &n));
    assert_int_equal(n, 0);
    vocab_close(&f.o);

    gguf_writer_init(&f.o.w);
    gguf_put_str(&f.o.w, "tokenizer.chat_template", "{{ '<|turn>' }}");
    assert_int_equal(vocab_open_written(&f.o, &f.sample), LEM_OK);
    const char *text = lem_chat_template(f.o.t, &n);
    assert_int_equal(n, 15);
    assert_memory_equal(text, "{{ '<|turn>' }}", 15);
    vocab_close(&f.o);

    gguf_writer_init(&f.o.w);
    gguf_put_u32(&f.o.w, "tokenizer.chat_template", 7);
    assert_int_equal(vocab_open_written(&f.o, &f.sample), LEM_ERR_FORMAT);
    assert_said(&f.o.capture, "tokenizer.chat_template");
    vocab_close(&f.o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(templates_are_recognised),
        cmocka_unit_test(newlines_stand_as_themselves_or_escaped),
        cmocka_unit_test(every_format_has_a_case),
        cmocka_unit_test(formats_write_what_the_templates_write),
        cmocka_unit_test(plain_adds_nothing_but_line_ends),
        cmocka_unit_test(an_answer_is_opened_unless_it_is_there),
        cmocka_unit_test(an_empty_system_message_is_none),
        cmocka_unit_test(an_unknown_day_is_the_one_templates_fall_back_on),
        cmocka_unit_test(too_little_room_is_filled_and_told),
        cmocka_unit_test(a_late_system_message_is_refused),
        cmocka_unit_test(marks_are_tokens_and_messages_are_text),
        cmocka_unit_test(words_reach_from_marks_into_messages),
        cmocka_unit_test(marks_that_files_call_user_defined_stay_out_of_messages),
        cmocka_unit_test(bos_and_eos_are_those_of_the_file),
        cmocka_unit_test(the_template_of_a_file_can_be_had),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
