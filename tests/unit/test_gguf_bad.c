/* test_gguf_bad.c - GGUF files that lie, in one place each: every one is refused with
 * one line that says what is wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "gguf/gguf.h"
#include "support/capture.h"
#include "support/gguf_writer.h"

static const uint64_t dim_8[] = {8};

static void put_good(struct gguf_writer *w, const char *name)
{
    gguf_put_tensor(w, name, QUANT_F32, 1, dim_8, NULL, 32);
}

static void version_0(struct gguf_writer *w)
{
    w->version = 0;
}
static void version_1(struct gguf_writer *w)
{
    w->version = 1;
}
static void version_4(struct gguf_writer *w)
{
    w->version = 4;
}
static void big_endian(struct gguf_writer *w)
{
    w->version = 0x03000000;
}
static void many_keys(struct gguf_writer *w)
{
    w->n_kv = UINT64_MAX;
}
static void many_tensors(struct gguf_writer *w)
{
    w->n_tensor = 1ull << 63;
}

/* Counts that overflow when multiplied by the size of an entry. */
static void keys_overflow(struct gguf_writer *w)
{
    w->n_kv = UINT64_MAX / 14 + 1;
}
static void tensors_overflow(struct gguf_writer *w)
{
    w->n_tensor = UINT64_MAX / 33 + 1;
}

static void one_key_too_many(struct gguf_writer *w)
{
    gguf_put_str(w, "a", "a text that is long enough for the count to be possible");
    w->n_kv++;
}

static void one_tensor_too_many(struct gguf_writer *w)
{
    put_good(w, "a");
    w->n_tensor++;
}

static void key_without_name(struct gguf_writer *w)
{
    gguf_put_u32(w, "", 1);
}
static void key_with_newline(struct gguf_writer *w)
{
    gguf_put_u32(w, "a\nb", 1);
}
static void type_unknown(struct gguf_writer *w)
{
    gguf_put_raw(w, "a", 13, "\0", 1);
}
static void bool_two(struct gguf_writer *w)
{
    gguf_put_raw(w, "a", GGUF_BOOL, "\2", 1);
}

static void key_with_zero(struct gguf_writer *w)
{
    gguf_put_u32(w, "abc", 1);
    w->keys.data[9] = 0;
}

static void key_name_huge(struct gguf_writer *w)
{
    gguf_put_u32(w, "abc", 1);
    memset(w->keys.data, 0xff, 8);
}

static void key_twice(struct gguf_writer *w)
{
    gguf_put_u32(w, "b", 1);
    gguf_put_u32(w, "a", 2);
    gguf_put_str(w, "b", "again");
}

static void text_huge(struct gguf_writer *w)
{
    gguf_put_raw(w, "a", GGUF_STRING, "\xff\xff\xff\xff\xff\xff\xff\xff rest", 13);
}

static void put_array_head(struct gguf_writer *w, uint32_t type, uint64_t n)
{
    struct gguf_bytes b = {0};
    gguf_bytes_add_le(&b, type, 4);
    gguf_bytes_add_le(&b, n, 8);
    gguf_bytes_add_le(&b, 0x0202, 8);
    gguf_put_raw(w, "a", GGUF_ARRAY, b.data, b.size);
    free(b.data);
}

static void array_of_unknown(struct gguf_writer *w)
{
    put_array_head(w, 99, 1);
}
static void array_of_arrays(struct gguf_writer *w)
{
    put_array_head(w, GGUF_ARRAY, 1);
}
static void array_huge(struct gguf_writer *w)
{
    put_array_head(w, GGUF_U8, UINT64_MAX);
}
static void bools_of_two(struct gguf_writer *w)
{
    put_array_head(w, GGUF_BOOL, 8);
}

/* 2^61 * 8 bytes is 0 in 64 bits. */
static void array_wraps(struct gguf_writer *w)
{
    put_array_head(w, GGUF_U64, 1ull << 61);
}

static void texts_huge(struct gguf_writer *w)
{
    put_array_head(w, GGUF_STRING, UINT64_MAX);
}

static void alignment_0(struct gguf_writer *w)
{
    gguf_put_u32(w, "general.alignment", 0);
}

static void alignment_48(struct gguf_writer *w)
{
    gguf_put_u32(w, "general.alignment", 48);
}

static void alignment_4(struct gguf_writer *w)
{
    gguf_put_u32(w, "general.alignment", 4);
}

static void alignment_2_31(struct gguf_writer *w)
{
    gguf_put_u32(w, "general.alignment", 1u << 31);
}

static void alignment_text(struct gguf_writer *w)
{
    gguf_put_str(w, "general.alignment", "32");
}

/* One tensor of type F32 with these dimensions, and 64 bytes of data. */
static void put_shape(struct gguf_writer *w, uint32_t n_dim, const uint64_t *dim)
{
    gguf_put_tensor(w, "t", QUANT_F32, n_dim, dim, NULL, 64);
}

static void no_dims(struct gguf_writer *w)
{
    put_shape(w, 0, NULL);
}
static void five_dims(struct gguf_writer *w)
{
    put_shape(w, 5, (uint64_t[]){1, 1, 1, 1, 1});
}
static void dim_0(struct gguf_writer *w)
{
    put_shape(w, 2, (uint64_t[]){4, 0});
}
/* 0 must be seen although the product of the others overflows. */
static void dim_0_behind(struct gguf_writer *w)
{
    put_shape(w, 3, (uint64_t[]){UINT64_MAX, UINT64_MAX, 0});
}
static void weights_wrap(struct gguf_writer *w)
{
    put_shape(w, 2, (uint64_t[]){1ull << 32, 1ull << 32});
}
static void bytes_wrap(struct gguf_writer *w)
{
    put_shape(w, 1, (uint64_t[]){1ull << 62});
}
static void too_long(struct gguf_writer *w)
{
    put_shape(w, 1, (uint64_t[]){17});
}

static void n_dim_huge(struct gguf_writer *w)
{
    put_good(w, "t");
    memset(w->tensors.data + 9, 0xff, 4);
}

static void type_given_up(struct gguf_writer *w)
{
    gguf_put_tensor(w, "t", 4, 1, dim_8, NULL, 32);
}

static void type_huge(struct gguf_writer *w)
{
    gguf_put_tensor(w, "t", UINT32_MAX, 1, dim_8, NULL, 32);
}

static void part_of_block(struct gguf_writer *w)
{
    gguf_put_tensor(w, "t", QUANT_Q8_0, 2, (uint64_t[]){16, 2}, NULL, 34);
}

static void offset_odd(struct gguf_writer *w)
{
    put_good(w, "a");
    gguf_put_tensor_entry(w, "t", QUANT_F32, 1, dim_8, 8);
}

static void offset_past_end(struct gguf_writer *w)
{
    put_good(w, "a");
    gguf_put_tensor_entry(w, "t", QUANT_F32, 1, dim_8, 1024);
}

static void offset_wraps(struct gguf_writer *w)
{
    put_good(w, "a");
    gguf_put_tensor_entry(w, "t", QUANT_F32, 1, dim_8, UINT64_MAX - 31);
}

static void same_place(struct gguf_writer *w)
{
    put_good(w, "a");
    gguf_put_tensor_entry(w, "t", QUANT_F32, 1, dim_8, 0);
}

/* A long one over two that lie inside it, stated in no order. */
static void overlap_inside(struct gguf_writer *w)
{
    gguf_put_tensor_entry(w, "inner", QUANT_F32, 1, dim_8, 64);
    gguf_put_tensor(w, "outer", QUANT_F32, 1, (uint64_t[]){40}, NULL, 160);
}

static void tensor_twice(struct gguf_writer *w)
{
    put_good(w, "b");
    put_good(w, "a");
    put_good(w, "b");
}

static void tensor_without_name(struct gguf_writer *w)
{
    put_good(w, "");
}
static void tensor_with_escape(struct gguf_writer *w)
{
    put_good(w, "\x1b[2J");
}

static void tensor_name_long(struct gguf_writer *w)
{
    char name[300];
    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    put_good(w, name);
}

static void split_in_memory(struct gguf_writer *w)
{
    gguf_put_u16(w, "split.no", 0);
    gguf_put_u16(w, "split.count", 2);
}

static const struct {
    void (*make)(struct gguf_writer *w);
    enum lem_status status;
    const char *says;
} lies[] = {
    {version_0, LEM_ERR_UNSUPPORTED, "version 0 (byte 4) is not known"},
    {version_1, LEM_ERR_UNSUPPORTED, "version 1 (byte 4) was replaced"},
    {version_4, LEM_ERR_UNSUPPORTED, "version 4 (byte 4) is not known, 2 and 3 are"},
    {big_endian, LEM_ERR_UNSUPPORTED, "big-endian"},
    {many_keys, LEM_ERR_FORMAT, "states 18446744073709551615 keys (byte 16)"},
    {many_tensors, LEM_ERR_FORMAT, "states 9223372036854775808 tensors (byte 8)"},
    {keys_overflow, LEM_ERR_FORMAT, "more than its 24 bytes can hold"},
    {tensors_overflow, LEM_ERR_FORMAT, "more than its 24 bytes can hold"},
    {one_key_too_many, LEM_ERR_FORMAT, "key 2 of 2, at byte 100, does not fit"},
    {one_tensor_too_many, LEM_ERR_FORMAT, "tensor 2 at byte 57 has no name"},
    {key_without_name, LEM_ERR_FORMAT, "key 1 at byte 24 has no name"},
    {key_with_newline, LEM_ERR_FORMAT, "key 1 at byte 24 has no name"},
    {key_with_zero, LEM_ERR_FORMAT, "key 1 at byte 24 has no name"},
    {key_name_huge, LEM_ERR_FORMAT, "key 1 of 1, at byte 24, does not fit"},
    {key_twice, LEM_ERR_FORMAT, "key b at byte 58 is there twice"},
    {type_unknown, LEM_ERR_FORMAT, "key a at byte 24 has a type that GGUF does not know"},
    {bool_two, LEM_ERR_FORMAT, "neither 0 nor 1"},
    {bools_of_two, LEM_ERR_FORMAT, "neither 0 nor 1"},
    {text_huge, LEM_ERR_FORMAT, "key 1 of 1, at byte 24, does not fit"},
    {array_of_unknown, LEM_ERR_FORMAT, "has a type that GGUF does not know"},
    {array_of_arrays, LEM_ERR_UNSUPPORTED, "is an array of arrays"},
    {array_huge, LEM_ERR_FORMAT, "key 1 of 1, at byte 24, does not fit"},
    {array_wraps, LEM_ERR_FORMAT, "key 1 of 1, at byte 24, does not fit"},
    {texts_huge, LEM_ERR_FORMAT, "key 1 of 1, at byte 24, does not fit"},
    {alignment_0, LEM_ERR_FORMAT, "is 0, expected a power of two from 8 to 2^30"},
    {alignment_48, LEM_ERR_FORMAT, "is 48, expected a power of two"},
    {alignment_4, LEM_ERR_FORMAT, "is 4, expected a power of two"},
    {alignment_2_31, LEM_ERR_FORMAT, "is 2147483648, expected a power of two"},
    {alignment_text, LEM_ERR_FORMAT, "is a STRING, expected a power of two"},
    {no_dims, LEM_ERR_FORMAT, "tensor t has 0 dimensions (byte 33)"},
    {five_dims, LEM_ERR_FORMAT, "tensor t has 5 dimensions (byte 33)"},
    {n_dim_huge, LEM_ERR_FORMAT, "tensor t has 4294967295 dimensions"},
    {dim_0, LEM_ERR_FORMAT, "tensor t has a dimension of 0"},
    {dim_0_behind, LEM_ERR_FORMAT, "tensor t has a dimension of 0"},
    {weights_wrap, LEM_ERR_FORMAT, "tensor t has more than 2^64 weights"},
    {bytes_wrap, LEM_ERR_FORMAT, "tensor t has more than 2^64 bytes"},
    {too_long, LEM_ERR_FORMAT, "68 bytes from byte 64 on, ends past the file of 128"},
    {type_given_up, LEM_ERR_UNSUPPORTED, "tensor t has type number 4,"},
    {type_huge, LEM_ERR_UNSUPPORTED, "tensor t has type number 4294967295,"},
    {part_of_block, LEM_ERR_FORMAT, "rows of 16 weights, no multiple of the 32"},
    {offset_odd, LEM_ERR_FORMAT, "offset 8, no multiple of the alignment 32"},
    {offset_past_end, LEM_ERR_FORMAT, "tensor t, 32 bytes from byte 1120 on, ends past"},
    {offset_wraps, LEM_ERR_FORMAT, "tensor t, 32 bytes from byte"},
    {same_place, LEM_ERR_FORMAT, "tensors a and t overlap at byte 96"},
    {overlap_inside, LEM_ERR_FORMAT, "tensors outer and inner overlap"},
    {tensor_twice, LEM_ERR_FORMAT, "tensor b is there twice (entries 0 and 2)"},
    {tensor_without_name, LEM_ERR_FORMAT, "tensor 1 at byte 24 has no name"},
    {tensor_with_escape, LEM_ERR_FORMAT, "tensor 1 at byte 24 has no name"},
    {tensor_name_long, LEM_ERR_FORMAT, "tensor 1 at byte 24 has no name"},
    {split_in_memory, LEM_ERR_UNSUPPORTED, "is one part of 2"},
};

static void lies_are_found_out(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
        struct gguf_writer w;
        struct capture c;
        const struct lem_log log = capture_log(&c);
        struct gguf *g;
        size_t size;
        gguf_writer_init(&w);
        lies[i].make(&w);
        const uint8_t *data = gguf_writer_finish(&w, &size);
        const enum lem_status st = gguf_open_memory(&g, data, size, &log);
        assert_null(g);
        assert_said(&c, lies[i].says);
        assert_int_equal(st, lies[i].status);
        gguf_writer_free(&w);
    }
}

/* Neighbours may touch, and gaps between tensors are no fault. */
static void what_is_no_lie_is_believed(void **state)
{
    (void)state;
    struct gguf_writer w;
    struct gguf *g;
    struct capture c;
    const struct lem_log log = capture_log(&c);
    size_t size;
    gguf_writer_init(&w);
    gguf_put_u32(&w, "general.alignment", 32);
    put_good(&w, "a");
    put_good(&w, "b");
    gguf_bytes_add(&w.data, NULL, 320);
    put_good(&w, "c");
    gguf_bytes_add(&w.data, NULL, 5);
    const uint8_t *data = gguf_writer_finish(&w, &size);
    const enum lem_status st = gguf_open_memory(&g, data, size, &log);
    assert_silent(&c);
    assert_int_equal(st, LEM_OK);
    assert_int_equal(gguf_find_tensor(g, "b")->file_offset,
                     gguf_find_tensor(g, "a")->file_offset + 32);
    gguf_close(&g);
    gguf_writer_free(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lies_are_found_out),
        cmocka_unit_test(what_is_no_lie_is_believed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
