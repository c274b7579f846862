/* test_gguf.c - good GGUF files: every key, every getter's answers, every tensor. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "gguf/gguf.h"
#include "support/capture.h"
#include "support/gguf_samples.h"
#include "support/scratch.h"

/* A sample, open; its log goes to `capture`. */
struct open_sample {
    struct gguf_writer w;
    struct gguf *g;
    struct capture capture;
};

static void open_sample(struct open_sample *o, const char *name)
{
    size_t size;
    const struct lem_log log = capture_log(&o->capture);
    gguf_sample_make(&o->w, name);
    const uint8_t *data = gguf_writer_finish(&o->w, &size);
    const enum lem_status st = gguf_open_memory(&o->g, data, size, &log);
    assert_silent(&o->capture);
    assert_int_equal(st, LEM_OK);
}

static void close_sample(struct open_sample *o)
{
    gguf_close(&o->g);
    assert_null(o->g);
    gguf_writer_free(&o->w);
}

static void integers_have_a_range(void **state)
{
    (void)state;
    static const struct {
        const char *key;
        uint32_t min, max;
        enum gguf_answer answer;
        uint32_t value;
    } rows[] = {
        {"u8", 0, 255, GGUF_FOUND, 255},
        {"u8", 255, 255, GGUF_FOUND, 255},
        {"u8", 0, 254, GGUF_OUT_OF_RANGE, 0},
        {"u8", 256, 300, GGUF_OUT_OF_RANGE, 0},
        {"i8", 0, UINT32_MAX, GGUF_OUT_OF_RANGE, 0},
        {"u16", 0, UINT32_MAX, GGUF_FOUND, 65535},
        {"i16", 0, UINT32_MAX, GGUF_OUT_OF_RANGE, 0},
        {"u32", 0, UINT32_MAX, GGUF_FOUND, UINT32_MAX},
        {"i32", 0, UINT32_MAX, GGUF_OUT_OF_RANGE, 0},
        {"u64", 0, UINT32_MAX, GGUF_OUT_OF_RANGE, 0},
        {"i64", 0, UINT32_MAX, GGUF_OUT_OF_RANGE, 0},
        {"u64.small", 0, 10, GGUF_FOUND, 7},
        {"i64.small", 0, 10, GGUF_FOUND, 8},
        {"absent", 0, 10, GGUF_MISSING, 0},
        {"", 0, 10, GGUF_MISSING, 0},
        {"f32", 0, 10, GGUF_WRONG_TYPE, 0},
        {"yes", 0, 10, GGUF_WRONG_TYPE, 0},
        {"text", 0, 10, GGUF_WRONG_TYPE, 0},
        {"array.u8", 0, 10, GGUF_WRONG_TYPE, 0},
    };
    struct open_sample o;
    open_sample(&o, "keys");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint32_t v = 12345;
        assert_int_equal(gguf_get_u32(o.g, rows[i].key, rows[i].min, rows[i].max, &v),
                         rows[i].answer);
        assert_int_equal(v, rows[i].answer == GGUF_FOUND ? rows[i].value : 12345);
    }
    close_sample(&o);
}

static void other_values_have_their_types(void **state)
{
    (void)state;
    struct open_sample o;
    struct gguf_str s = {0};
    float f = 3;
    bool b = false;
    open_sample(&o, "keys");
    assert_int_equal(gguf_get_f32(o.g, "f32", &f), GGUF_FOUND);
    assert_true(f == -1.5f);
    assert_int_equal(gguf_get_f32(o.g, "f64", &f), GGUF_FOUND);
    assert_true(f == 0.25f);
    assert_int_equal(gguf_get_f32(o.g, "f64.large", &f), GGUF_OUT_OF_RANGE);
    assert_int_equal(gguf_get_f32(o.g, "f32.nan", &f), GGUF_OUT_OF_RANGE);
    assert_int_equal(gguf_get_f32(o.g, "u32", &f), GGUF_WRONG_TYPE);
    assert_int_equal(gguf_get_f32(o.g, "array.f32", &f), GGUF_WRONG_TYPE);
    assert_int_equal(gguf_get_f32(o.g, "absent", &f), GGUF_MISSING);
    assert_true(f == 0.25f);
    assert_int_equal(gguf_get_bool(o.g, "yes", &b), GGUF_FOUND);
    assert_true(b);
    assert_int_equal(gguf_get_bool(o.g, "no", &b), GGUF_FOUND);
    assert_false(b);
    assert_int_equal(gguf_get_bool(o.g, "u8", &b), GGUF_WRONG_TYPE);
    assert_int_equal(gguf_get_bool(o.g, "array.bool", &b), GGUF_WRONG_TYPE);
    assert_int_equal(gguf_get_str(o.g, "text", &s), GGUF_FOUND);
    assert_int_equal(s.len, 5);
    assert_memory_equal(s.ptr, "olmoe", 5);
    assert_int_equal(gguf_get_str(o.g, "text.empty", &s), GGUF_FOUND);
    assert_int_equal(s.len, 0);
    assert_int_equal(gguf_get_str(o.g, "words", &s), GGUF_WRONG_TYPE);
    assert_int_equal(gguf_get_str(o.g, "u8", &s), GGUF_WRONG_TYPE);
    close_sample(&o);
}

static void arrays_are_read_by_element(void **state)
{
    (void)state;
    static const char *const words[] = {"", "a", "experts", "\xc3\xa4\xc3\xb6"};
    struct open_sample o;
    struct gguf_str s;
    uint32_t v = 0;
    open_sample(&o, "keys");
    assert_int_equal(gguf_get_u32_at(o.g, "array.u8", 2, &v), GGUF_FOUND);
    assert_int_equal(v, 3);
    assert_int_equal(gguf_get_u32_at(o.g, "array.u8", 3, &v), GGUF_OUT_OF_RANGE);
    assert_int_equal(gguf_get_u32_at(o.g, "array.i32", 2, &v), GGUF_FOUND);
    assert_int_equal(v, 9);
    assert_int_equal(gguf_get_u32_at(o.g, "array.i32", 1, &v), GGUF_OUT_OF_RANGE);
    assert_int_equal(gguf_get_u32_at(o.g, "array.u64", 0, &v), GGUF_FOUND);
    assert_int_equal(v, 5);
    assert_int_equal(gguf_get_u32_at(o.g, "array.u64", 1, &v), GGUF_OUT_OF_RANGE);
    assert_int_equal(gguf_get_u32_at(o.g, "array.none", 0, &v), GGUF_OUT_OF_RANGE);
    assert_int_equal(gguf_get_u32_at(o.g, "array.f32", 0, &v), GGUF_WRONG_TYPE);
    assert_int_equal(gguf_get_u32_at(o.g, "words", 0, &v), GGUF_WRONG_TYPE);
    assert_int_equal(gguf_get_u32_at(o.g, "u8", 0, &v), GGUF_WRONG_TYPE);
    assert_int_equal(gguf_get_u32_at(o.g, "absent", 0, &v), GGUF_MISSING);

    const struct gguf_kv *kv = gguf_find_kv(o.g, "words");
    assert_true(kv->is_array && kv->type == GGUF_STRING && kv->count == 4);
    const uint8_t *at = kv->data;
    for (size_t i = 0; i < 4; i++) {
        assert_true(gguf_next_str(kv, &at, &s));
        assert_int_equal(s.len, strlen(words[i]));
        assert_memory_equal(s.ptr, words[i], s.len);
    }
    assert_false(gguf_next_str(kv, &at, &s));
    close_sample(&o);
}

static void complaints_say_key_place_and_reason(void **state)
{
    (void)state;
    struct open_sample o;
    open_sample(&o, "keys");
    assert_int_equal(gguf_complain(o.g, "absent", GGUF_MISSING, "a count"),
                     LEM_ERR_FORMAT);
    assert_said(&o.capture, "key absent is missing, expected a count");
    assert_int_equal(gguf_complain(o.g, "u8", GGUF_WRONG_TYPE, "a text"), LEM_ERR_FORMAT);
    assert_said(&o.capture, "key u8 at byte 24 is a U8, expected a text");
    assert_int_equal(gguf_complain(o.g, "words", GGUF_WRONG_TYPE, "a number"),
                     LEM_ERR_FORMAT);
    assert_said(&o.capture, "is an array of STRING, expected a number");
    assert_int_equal(gguf_complain(o.g, "i8", GGUF_OUT_OF_RANGE, "1 to 4"),
                     LEM_ERR_FORMAT);
    assert_said(&o.capture, "is -128, expected 1 to 4");
    assert_int_equal(gguf_complain(o.g, "u64", GGUF_OUT_OF_RANGE, "1 to 4"),
                     LEM_ERR_FORMAT);
    assert_said(&o.capture, "is 18446744073709551615, expected 1 to 4");
    assert_int_equal(gguf_complain(o.g, "f64.large", GGUF_OUT_OF_RANGE, "less"),
                     LEM_ERR_FORMAT);
    assert_said(&o.capture, "is 1e+300, expected less");
    assert_int_equal(gguf_complain(o.g, "u8", GGUF_FOUND, "a count"), LEM_OK);
    assert_silent(&o.capture);
    close_sample(&o);
}

/* What gguf_samples.c put into "tensors". */
static const struct {
    const char *name;
    uint32_t type, n_dim;
    uint64_t dim[4], bytes;
    uint8_t first;
} tensors[] = {
    {"output_norm.weight", QUANT_F32, 1, {5, 1, 1, 1}, 20, 1},
    {"token_embd.weight", QUANT_Q8_0, 2, {64, 3, 1, 1}, 204, 2},
    {"blk.0.ffn_up_exps.weight", QUANT_Q4_0, 3, {32, 2, 4, 1}, 144, 3},
    {"blk.0.odd", QUANT_F16, 4, {3, 1, 2, 1}, 12, 4},
    {"blk.0.known_only", QUANT_Q6_K, 1, {256, 1, 1, 1}, 210, 5},
};

static void check_tensors(const char *sample, uint32_t version, uint64_t alignment)
{
    struct open_sample o;
    open_sample(&o, sample);
    assert_int_equal(o.g->version, version);
    assert_int_equal(o.g->n_tensor, sizeof tensors / sizeof *tensors);
    assert_int_equal(o.g->file_bytes, o.w.file.size);
    for (size_t i = 0; i < sizeof tensors / sizeof *tensors; i++) {
        const struct gguf_tensor *t = gguf_find_tensor(o.g, tensors[i].name);
        assert_ptr_equal(t, &o.g->tensor[i]); /* in the order of the file */
        assert_int_equal(t->type->type, tensors[i].type);
        assert_int_equal(t->n_dim, tensors[i].n_dim);
        assert_memory_equal(t->dim, tensors[i].dim, sizeof t->dim);
        assert_int_equal(t->n_weight, t->dim[0] * t->dim[1] * t->dim[2] * t->dim[3]);
        assert_int_equal(t->bytes, tensors[i].bytes);
        assert_int_equal(t->file_offset % alignment, 0);
        assert_ptr_equal(t->data, o.w.file.data + t->file_offset);
        for (uint64_t b = 0; b < t->bytes; b++)
            assert_int_equal(t->data[b], (tensors[i].first + b) & 255);
    }
    assert_null(gguf_find_tensor(o.g, "blk.1.odd"));
    assert_null(gguf_find_tensor(o.g, ""));
    close_sample(&o);
}

static void tensors_are_where_they_were_put(void **state)
{
    (void)state;
    check_tensors("tensors", 3, 32);
    check_tensors("version_2", 2, 32);
    check_tensors("aligned", 3, 256);
}

static void files_without_tensors_open(void **state)
{
    (void)state;
    struct open_sample o;
    open_sample(&o, "vocabulary");
    assert_int_equal(o.g->n_tensor, 0);
    assert_null(gguf_find_tensor(o.g, "output.weight"));
    assert_int_equal(gguf_find_kv(o.g, "tokenizer.ggml.tokens")->count, 6);
    close_sample(&o);
    open_sample(&o, "header");
    assert_int_equal(o.g->n_kv, 0);
    assert_null(gguf_find_kv(o.g, "general.architecture"));
    close_sample(&o);
}

static void a_file_is_mapped_and_closed(void **state)
{
    (void)state;
    struct scratch scratch;
    struct capture capture;
    const struct lem_log log = capture_log(&capture);
    struct gguf_writer w;
    struct gguf *g;
    scratch_open(&scratch);
    const char *path = scratch_path(&scratch, "model.gguf");
    gguf_sample_make(&w, "tensors");
    assert_true(gguf_writer_save(&w, path));
    assert_int_equal(gguf_open(&g, path, &log), LEM_OK);
    assert_string_equal(g->path, path);
    assert_int_equal(g->n_part, 1);
    assert_int_equal(gguf_find_tensor(g, "token_embd.weight")->data[203],
                     (2 + 203) & 255);
    gguf_close(&g);
    assert_null(g);
    gguf_close(&g);
    gguf_close(NULL);
    assert_silent(&capture);

    assert_int_equal(gguf_open(&g, scratch.dir, &log), LEM_ERR_IO);
    assert_null(g);
    assert_said(&capture, "not a regular file");
    assert_int_equal(gguf_open(&g, scratch_path(&scratch, "absent.gguf"), &log),
                     LEM_ERR_IO);
    assert_null(g);
    assert_said(&capture, "absent.gguf");
    gguf_writer_free(&w);
    scratch_close(&scratch);
}

/* Thousands of names, put in no order: found by bisection, each one. */
static void many_names_are_found(void **state)
{
    (void)state;
    enum { n = 3000 };
    struct gguf_writer w;
    struct gguf *g;
    char name[32];
    size_t size;
    gguf_writer_init(&w);
    for (uint32_t i = 0; i < n; i++) {
        snprintf(name, sizeof name, "n%u", i * 7919 % n); /* 7919 is prime to 3000 */
        gguf_put_u32(&w, name, i);
        gguf_put_tensor(&w, name, QUANT_F32, 1, (uint64_t[]){1}, &(float){(float)i}, 4);
    }
    const uint8_t *data = gguf_writer_finish(&w, &size);
    assert_int_equal(gguf_open_memory(&g, data, size, NULL), LEM_OK);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t v = n;
        snprintf(name, sizeof name, "n%u", i * 7919 % n);
        assert_int_equal(gguf_get_u32(g, name, 0, n, &v), GGUF_FOUND);
        assert_int_equal(v, i);
        assert_ptr_equal(gguf_find_tensor(g, name), &g->tensor[i]);
    }
    gguf_close(&g);
    gguf_writer_free(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers_have_a_range),
        cmocka_unit_test(other_values_have_their_types),
        cmocka_unit_test(arrays_are_read_by_element),
        cmocka_unit_test(complaints_say_key_place_and_reason),
        cmocka_unit_test(tensors_are_where_they_were_put),
        cmocka_unit_test(files_without_tensors_open),
        cmocka_unit_test(a_file_is_mapped_and_closed),
        cmocka_unit_test(many_names_are_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
