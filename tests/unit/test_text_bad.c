/* test_text_bad.c - vocabularies that contradict themselves: each is refused with one
 * line that names the key. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/vocab_open.h"

/* Breaks a good sample, or writes keys of its own before those of the sample. */
typedef void breaker(struct vocab_sample *s, struct gguf_writer *w);

static void no_model(struct vocab_sample *s, struct gguf_writer *w)
{
    (void)w;
    s->model = NULL;
}

static void unknown_model(struct vocab_sample *s, struct gguf_writer *w)
{
    (void)w;
    s->model = "bert";
}

static void number_as_model(struct vocab_sample *s, struct gguf_writer *w)
{
    s->model = NULL;
    gguf_put_u32(w, "tokenizer.ggml.model", 3);
}

static void unknown_pre(struct vocab_sample *s, struct gguf_writer *w)
{
    (void)w;
    s->pre = "martian-7b";
}

static void bool_as_pre(struct vocab_sample *s, struct gguf_writer *w)
{
    s->pre = NULL;
    gguf_put_bool(w, "tokenizer.ggml.pre", true);
}

static void no_tokens(struct vocab_sample *s, struct gguf_writer *w)
{
    (void)w;
    s->n_token = 0;
}

static void empty_tokens(struct vocab_sample *s, struct gguf_writer *w)
{
    s->n_token = 0;
    gguf_put_str_array(w, "tokenizer.ggml.tokens", 0, NULL);
}

static void numbers_as_tokens(struct vocab_sample *s, struct gguf_writer *w)
{
    s->n_token = 0;
    gguf_put_array(w, "tokenizer.ggml.tokens", GGUF_F32, 3, s->score);
}

static void equal_tokens(struct vocab_sample *s, struct gguf_writer *w)
{
    (void)w;
    s->token[70] = s->token[80];
}

static void few_types(struct vocab_sample *s, struct gguf_writer *w)
{
    (void)w;
    s->n_type--;
}

static void type_7(struct vocab_sample *s, struct gguf_writer *w)
{
    (void)w;
    s->type[5] = 7;
}

static void type_negative(struct vocab_sample *s, struct gguf_writer *w)
{
    (void)w;
    s->type[5] = -1;
}

static void byte_type_without_byte(struct vocab_sample *s, struct gguf_writer *w)
{
    (void)w;
    s->type[200] = 6;
    s->token[200] = "<0x4g>";
}

static void floats_as_types(struct vocab_sample *s, struct gguf_writer *w)
{
    s->n_type = 0;
    gguf_put_array(w, "tokenizer.ggml.token_type", GGUF_F32, s->n_token, s->score);
}

static void many_scores(struct vocab_sample *s, struct gguf_writer *w)
{
    (void)w;
    s->n_score = s->n_token + 1;
}

static void score_nan(struct vocab_sample *s, struct gguf_writer *w)
{
    (void)w;
    s->n_score = s->n_token;
    s->score[9] = NAN;
}

static void no_scores(struct vocab_sample *s, struct gguf_writer *w)
{
    (void)w;
    s->n_score = 0;
}

static void no_merges(struct vocab_sample *s, struct gguf_writer *w)
{
    (void)w;
    s->n_merge = 0;
}

static void merge_of_unknown(struct vocab_sample *s, struct gguf_writer *w)
{
    (void)w;
    s->merge[3] = "he nothing";
}

static void merge_to_unknown(struct vocab_sample *s, struct gguf_writer *w)
{
    (void)w;
    s->merge[3] = "x y";
}

static void merge_to_longer_than_all(struct vocab_sample *s, struct gguf_writer *w)
{
    (void)w;
    s->merge[3] = "<|endoftext|> <|endoftext|>";
}

static void merge_with_itself(struct vocab_sample *s, struct gguf_writer *w)
{
    (void)w;
    s->merge[3] = "hello "; /* hello + nothing = hello: round and round */
}

static void merge_without_left(struct vocab_sample *s, struct gguf_writer *w)
{
    (void)w;
    s->merge[3] = " hello";
}

static void merge_of_three(struct vocab_sample *s, struct gguf_writer *w)
{
    (void)w;
    s->merge[3] = "h e ll";
}

static void merge_of_one(struct vocab_sample *s, struct gguf_writer *w)
{
    (void)w;
    s->merge[3] = "hello";
}

static void bos_too_large(struct vocab_sample *s, struct gguf_writer *w)
{
    (void)w;
    s->bos = s->n_token;
}

static void eos_negative(struct vocab_sample *s, struct gguf_writer *w)
{
    s->eos = -1;
    gguf_put_i32(w, "tokenizer.ggml.eos_token_id", -5);
}

static void eot_as_text(struct vocab_sample *s, struct gguf_writer *w)
{
    (void)s;
    gguf_put_str(w, "tokenizer.ggml.eot_token_id", "<|im_end|>");
}

static void bos_wanted_but_missing(struct vocab_sample *s, struct gguf_writer *w)
{
    (void)w;
    s->bos = -1;
    s->add_bos = 1;
}

static void add_eos_as_number(struct vocab_sample *s, struct gguf_writer *w)
{
    (void)s;
    gguf_put_u32(w, "tokenizer.ggml.add_eos_token", 1);
}

static void prefix_as_number(struct vocab_sample *s, struct gguf_writer *w)
{
    (void)s;
    gguf_put_u32(w, "tokenizer.ggml.add_space_prefix", 1);
}

static void fewer_rows_than_tokens(struct vocab_sample *s, struct gguf_writer *w)
{
    gguf_put_str(w, "general.architecture", "olmoe");
    gguf_put_u32(w, "olmoe.vocab_size", s->n_token - 1);
}

static void bad_metadata_is_refused_by_name(void **state)
{
    (void)state;
    static const struct {
        breaker *break_it;
        bool spm;
        enum lem_status status;
        const char *said;
    } rows[] = {
        {no_model, 0, LEM_ERR_FORMAT, "tokenizer.ggml.model is missing"},
        {unknown_model, 0, LEM_ERR_UNSUPPORTED,
         "\"bert\" (WordPiece), which cannot be used here. Known: gpt2"},
        {number_as_model, 0, LEM_ERR_FORMAT, "tokenizer.ggml.model"},
        {unknown_pre, 0, LEM_ERR_UNSUPPORTED, "\"martian-7b\" is not known"},
        {unknown_pre, 0, LEM_ERR_UNSUPPORTED, " qwen2 "}, /* lists the known ones */
        {bool_as_pre, 0, LEM_ERR_FORMAT, "tokenizer.ggml.pre"},
        {no_tokens, 0, LEM_ERR_FORMAT, "tokenizer.ggml.tokens is missing"},
        {empty_tokens, 0, LEM_ERR_FORMAT, "tokenizer.ggml.tokens has 0 elements"},
        {numbers_as_tokens, 0, LEM_ERR_FORMAT, "tokenizer.ggml.tokens"},
        {equal_tokens, 0, LEM_ERR_FORMAT, "tokens 70 and 80 have the same text \"P\""},
        {few_types, 0, LEM_ERR_FORMAT, "tokenizer.ggml.token_type has"},
        {type_7, 0, LEM_ERR_FORMAT, "tokenizer.ggml.token_type: element 5"},
        {type_negative, 0, LEM_ERR_FORMAT, "tokenizer.ggml.token_type: element 5"},
        {byte_type_without_byte, 0, LEM_ERR_FORMAT, "\"<0x4g>\""},
        {floats_as_types, 0, LEM_ERR_FORMAT, "tokenizer.ggml.token_type"},
        {many_scores, 1, LEM_ERR_FORMAT, "tokenizer.ggml.scores has"},
        {score_nan, 1, LEM_ERR_FORMAT, "tokenizer.ggml.scores: element 9"},
        {no_scores, 1, LEM_ERR_FORMAT, "tokenizer.ggml.scores is missing"},
        {no_merges, 0, LEM_ERR_FORMAT, "tokenizer.ggml.merges is missing"},
        {merge_of_unknown, 0, LEM_ERR_FORMAT, "merges: element 3 \"he nothing\""},
        {merge_to_unknown, 0, LEM_ERR_FORMAT, "merges: element 3 \"x y\""},
        {merge_to_longer_than_all, 0, LEM_ERR_FORMAT, "merges: element 3"},
        {merge_with_itself, 0, LEM_ERR_FORMAT, "merges: element 3 \"hello \""},
        {merge_without_left, 0, LEM_ERR_FORMAT, "merges: element 3"},
        {merge_of_three, 0, LEM_ERR_FORMAT, "merges: element 3"},
        {merge_of_one, 0, LEM_ERR_FORMAT, "merges: element 3"},
        {bos_too_large, 0, LEM_ERR_FORMAT, "tokenizer.ggml.bos_token_id is"},
        {bos_too_large, 1, LEM_ERR_FORMAT, "tokenizer.ggml.bos_token_id is"},
        {eos_negative, 0, LEM_ERR_FORMAT, "tokenizer.ggml.eos_token_id"},
        {eot_as_text, 1, LEM_ERR_FORMAT, "tokenizer.ggml.eot_token_id"},
        {bos_wanted_but_missing, 0, LEM_ERR_FORMAT,
         "tokenizer.ggml.add_bos_token is true"},
        {add_eos_as_number, 0, LEM_ERR_FORMAT, "tokenizer.ggml.add_eos_token"},
        {prefix_as_number, 1, LEM_ERR_FORMAT, "tokenizer.ggml.add_space_prefix"},
        {fewer_rows_than_tokens, 0, LEM_ERR_FORMAT, "olmoe.vocab_size"},
        {fewer_rows_than_tokens, 1, LEM_ERR_FORMAT, "olmoe.vocab_size"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct vocab_sample s;
        struct vocab_opened o = {0};
        gguf_writer_init(&o.w);
        if (rows[i].spm)
            vocab_sample_spm(&s);
        else
            vocab_sample_bpe(&s, "gpt-2");
        rows[i].break_it(&s, &o.w);
        const enum lem_status st = vocab_open_written(&o, &s);
        assert_said(&o.capture, rows[i].said);
        assert_int_equal(st, rows[i].status);
        assert_null(o.t);
        vocab_close(&o);
    }
}

static void odd_but_usable_metadata_is_accepted(void **state)
{
    (void)state;
    struct vocab_sample s;
    struct vocab_opened o = {0};
    vocab_sample_bpe(&s, NULL);   /* no pre-tokenizer named: a warning */
    s.token[200] = "";            /* some files have tokens without text */
    s.merge[s.n_merge++] = "h e"; /* and merges that are listed twice */
    s.bos = -1;
    gguf_writer_init(&o.w);
    gguf_put_u32(&o.w, "tokenizer.ggml.bos_token_id", UINT32_MAX); /* "none" */
    gguf_put_str(&o.w, "general.architecture", "olmoe");
    gguf_put_u32(&o.w, "olmoe.vocab_size", s.n_token + 7); /* padding */
    assert_int_equal(vocab_open_written(&o, &s), LEM_OK);
    assert_silent(&o.capture);
    assert_int_equal(o.capture.n_other, 3); /* default rule, padding, a byte less */
    struct lem_tokenizer_info info;
    lem_tokenizer_get_info(o.t, &info);
    assert_int_equal(info.bos, -1);
    char out[4];
    assert_int_equal(lem_tokenizer_piece(o.t, 200, true, out, 4), 0);
    int32_t id;
    size_t n;
    assert_int_equal(lem_tokenizer_encode(o.t, "hello", 5, 0, &id, 1, &n), LEM_OK);
    assert_int_equal(id, vocab_sample_id(&s, "hello"));
    vocab_close(&o);
}

/* Complaints go to the tokenizer's own log, also those about keys. */
static void the_message_goes_to_the_callers_log(void **state)
{
    (void)state;
    struct vocab_sample s;
    struct vocab_opened o = {0};
    vocab_sample_bpe(&s, "gpt-2");
    gguf_writer_init(&o.w);
    assert_int_equal(vocab_open_written(&o, &s), LEM_OK);
    lem_tokenizer_close(&o.t);
    gguf_close(&o.g);
    gguf_writer_free(&o.w);

    gguf_writer_init(&o.w);
    s.model = NULL;
    vocab_sample_write(&s, &o.w);
    size_t size;
    const uint8_t *data = gguf_writer_finish(&o.w, &size);
    struct capture of_file, of_tokenizer;
    const struct lem_log file_log = capture_log(&of_file),
                         log = capture_log(&of_tokenizer);
    assert_int_equal(gguf_open_memory(&o.g, data, size, &file_log), LEM_OK);
    assert_int_equal(tokenizer_open(&o.t, o.g, &log), LEM_ERR_FORMAT);
    assert_silent(&of_file);
    assert_said(&of_tokenizer, "tokenizer.ggml.model");
    assert_int_equal(tokenizer_open(&o.t, o.g, NULL), LEM_ERR_FORMAT); /* silent */
    assert_silent(&of_file);
    vocab_close(&o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bad_metadata_is_refused_by_name),
        cmocka_unit_test(odd_but_usable_metadata_is_accepted),
        cmocka_unit_test(the_message_goes_to_the_callers_log),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
