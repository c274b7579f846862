/* test_pretokenize.c - how each rule cuts words, and that no rule loses a byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/capture.h"
#include "support/tolerance.h"
#include "text/byte_glyph.h"
#include "text/pretokenize.h"

static struct pretokenize *open_rule(const char *name)
{
    struct capture capture;
    const struct lem_log log = capture_log(&capture);
    const struct gguf file = {.path = "test"};
    struct pretokenize *p;
    const enum lem_status st =
        pretokenize_open(&p, &file, (struct gguf_str){name, strlen(name)}, &log);
    assert_silent(&capture);
    assert_int_equal(st, LEM_OK);
    return p;
}

static const struct {
    const char *rule, *text, *words; /* joined by '|' */
} samples[] = {
    {"gpt-2", "Hello, it's  me!\n\n", "Hello|,| it|'s| | me|!|\n\n"},
    {"gpt-2", "IT'S 1234 a1", "IT|'|S| 1234| a|1"},
    {"gpt-2", "a\t\tb", "a|\t|\t|b"},
    {"starcoder", "x 12", "x| |1|2"},
    {"llama-bpe", "IT'S 1234567.", "IT|'S| |123|456|7|."},
    {"llama-bpe", "a\n \nb  c", "a|\n \n|b| | c"},
    {"llama-bpe", "(x) !!\n", "(x|)| !!\n"},
    {"qwen2", "12 ab", "1|2| ab"},
    {"qwen2",
     "e\xCC\x81"
     "a",
     "e|\xCC\x81"
     "a"},
    {"qwen35",
     "e\xCC\x81"
     "a",
     "e\xCC\x81"
     "a"},
    {"deepseek-llm", "Hi  \xE4\xB8\xAD\xE6\x96\x87 12\n",
     "Hi|  |\xE4\xB8\xAD\xE6\x96\x87| |12|\n"},
    {"deepseek-llm", "a.b  ", "a|.|b|  "},
    {"deepseek-coder", "f(x) 12", "f|(|x|)| |1|2"},
    {"deepseek-v3", "_foo 1234\xE4\xB8\xAD", "_foo| |123|4|\xE4\xB8\xAD"},
    {"gpt-4o", "camelCase HTTPServer don't", "camel|Case| HTTPServer| don't"},
    {"gpt-4o", "a//\nb", "a|//\n|b"},
    {"tekken", "camelCase 12", "camel|Case| |1|2"},
    {"kimi-k2",
     "ab\xE4\xB8\xAD\xE6\x96\x87"
     "cd",
     "ab|\xE4\xB8\xAD\xE6\x96\x87|cd"},
    {"bailingmoe2", "We'LL go\n\n", "We|'LL| go|\n\n"},
    {"seed-coder", "a!\n1", "a|!|\n|1"},
    {"falcon", "a+b 1234", "a|+|b| |123|4"},
    {"bloom", "a, b c", "a|,| b| c"},
    {"viking", "a12", "a|1|2"},
    {"afmoe", "a1234567 12 345", "a|1|234|567| |12| |345"},
    {"afmoe", "_foo\xE0\xB8\x81 x!\n",
     "_foo|\xE0\xB8\x81| x|!\n"}, /* a Thai letter stands apart */
    {"tiny_aya", "1234567 12345abc x6789.", "1|234|567| |123|45|abc| x|6|789|."},
    {"tiny_aya", "1234", "1|234"},
    {"tiny_aya", "fooBar a//\n", "foo|Bar| a|//\n"},
    {"youtu", "ab\xED\x95\x9C\xE4\xB8\xAD\xEF\xBC\x8C 12",
     "ab|\xED\x95\x9C|\xE4\xB8\xAD|\xEF\xBC\x8C| |1|2"},
    {"youtu", "camelCase don't", "camel|Case| don't"},
    {"exaone-moe", "one two  three'S 12!/", "one two| | three|'S| |1|2|!/"},
    {"exaone-moe", "a\n\nb", "a|\n\n|b"},
    {"superbpe", "It is 1234567, or 12.", "It is |1|234|567|, or |12|."},
    {"superbpe", "123456", "123|456"},
    {"superbpe", /* a half is no digit, but a number */
     "12\xC2\xBD"
     "345\xC2\xBD"
     "6",
     "12\xC2\xBD|345\xC2\xBD"
     "6"},
    {"superbpe",
     "\xC2\xBD"
     "3456",
     "\xC2\xBD"
     "3|456"},
    {"laguna", "a  \n b1", "a|  |\n| b|1"},
    {"qwen2", "a  \n b1", "a|  \n| b|1"}, /* what laguna is compared with */
    {"minicpm5", "ab 12345", "ab| |123|45"},
    {"k2-horizon",
     "e\xCC\x81\xE2\x80\x8D"
     "a 1234",
     "e\xCC\x81\xE2\x80\x8D"
     "a| |123|4"},
    {"jais-2", "a         b", "a|        | b"}, /* eight, and one before the word */
    {"jais-2", "a    b", "a|  | | b"},
    {"default", "a, 12345", "a|,| |123|45"},
};

static void rules_cut_words_as_their_models_do(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof samples / sizeof *samples; i++) {
        struct pretokenize *p = open_rule(samples[i].rule);
        struct pretokenize_cuts cuts = {0};
        char got[256];
        size_t at = 0;
        uint32_t from = 0;
        assert_int_equal(
            pretokenize_cut(p, samples[i].text, strlen(samples[i].text), &cuts, NULL),
            LEM_OK);
        for (size_t w = 0; w < cuts.n; w++) {
            at += (size_t)snprintf(got + at, sizeof got - at, "%s%.*s", w ? "|" : "",
                                   (int)(cuts.end[w] - from), samples[i].text + from);
            from = cuts.end[w];
        }
        assert_string_equal(got, samples[i].words);
        pretokenize_cuts_free(&cuts);
        pretokenize_close(&p);
        assert_null(p);
    }
}

/* Cuts rise to the end of the text, whatever its bytes. */
static void check_cuts(const struct pretokenize *p, const char *text, size_t n)
{
    struct pretokenize_cuts cuts = {0};
    assert_int_equal(pretokenize_cut(p, text, n, &cuts, NULL), LEM_OK);
    for (size_t i = 0; i < cuts.n; i++)
        assert_true(cuts.end[i] > (i ? cuts.end[i - 1] : 0));
    assert_int_equal(cuts.n ? cuts.end[cuts.n - 1] : 0, n);
    pretokenize_cuts_free(&cuts);
}

static void every_name_opens_and_keeps_every_byte(void **state)
{
    (void)state;
    uint64_t seed = 7;
    unsigned n_name = 0;
    for (const struct pretokenize_rule *r = pretokenize_rules; r->names; r++) {
        for (const char *at = r->names; *at;) {
            char name[64];
            const size_t len = strcspn(at, " ");
            assert_true(len > 0 && len < sizeof name);
            memcpy(name, at, len);
            name[len] = '\0';
            at += len + (at[len] == ' ');
            n_name++;

            struct pretokenize *p = open_rule(name);
            assert_ptr_equal(pretokenize_rule_of(p), r); /* no name stands twice */
            for (int i = 0; i < 30; i++) {
                char text[200];
                const size_t n = random_u32(&seed) % sizeof text;
                for (size_t k = 0; k < n; k++) {
                    const uint32_t byte = random_u32(&seed);
                    text[k] = byte & 0x100 ? (char)byte : " a'1\n.A\xC3"[byte & 7];
                }
                check_cuts(p, text, n);
            }
            check_cuts(p, "", 0);
            pretokenize_close(&p);
        }
    }
    assert_true(n_name > 40);
}

static void long_runs_of_anything_are_cut(void **state)
{
    (void)state;
    enum { N = 200000 };
    static const char *const runs[] = {" ", "\n",           "a",   "A", "1",
                                       "!", "\xE4\xB8\xAD", "\xFF"};
    char *text = malloc(N);
    assert_non_null(text);
    for (const struct pretokenize_rule *r = pretokenize_rules; r->names; r++) {
        char name[64] = "";
        memcpy(name, r->names, strcspn(r->names, " "));
        struct pretokenize *p = open_rule(name);
        for (size_t i = 0; i < sizeof runs / sizeof *runs; i++) {
            const size_t len = strlen(runs[i]);
            for (size_t at = 0; at < N; at++)
                text[at] = runs[i][at % len];
            text[N - 1] = '1'; /* the run ends in the text, not with it */
            check_cuts(p, text, N);
        }
        pretokenize_close(&p);
    }
    free(text);
}

static void glyphs_stand_for_all_bytes(void **state)
{
    (void)state;
    bool seen[324] = {false};
    for (int b = 0; b < 256; b++) {
        const int32_t code = byte_glyph_of((uint8_t)b);
        assert_in_range(code, 33, 323);
        assert_false(seen[code]);
        seen[code] = true;
        assert_int_equal(byte_glyph_to_byte(code), b);
    }
    assert_int_equal(byte_glyph_of(' '), 0x120); /* "Ġ", as GPT-2's vocabulary has it */
    assert_int_equal(byte_glyph_of('\n'), 0x10A);
    assert_int_equal(byte_glyph_to_byte(' '), -1);
    assert_int_equal(byte_glyph_to_byte(324), -1);
    assert_int_equal(byte_glyph_to_byte(-1), -1);
    char out[8];
    assert_true(byte_glyph_decode("a b", 3, out) == SIZE_MAX);
    assert_true(byte_glyph_decode("\xFF", 1, out) == SIZE_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rules_cut_words_as_their_models_do),
        cmocka_unit_test(every_name_opens_and_keeps_every_byte),
        cmocka_unit_test(long_runs_of_anything_are_cut),
        cmocka_unit_test(glyphs_stand_for_all_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
