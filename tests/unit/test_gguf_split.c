/* test_gguf_split.c - models in several files: good ones, and parts that are missing,
 * mixed up, renamed or say something else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "gguf/gguf.h"
#include "support/capture.h"
#include "support/gguf_writer.h"
#include "support/scratch.h"

enum { N_PART = 3 };

static const char *const part_names[N_PART] = {
    "m-00001-of-00003.gguf", "m-00002-of-00003.gguf", "m-00003-of-00003.gguf"};

/* Part `i`: keys about the split, and i tensors (none in the first) of 8 weights,
 * "tP.K", whose bytes are all P * 16 + K. */
static void make_part(struct gguf_writer *w, uint16_t no, uint16_t count, int32_t total,
                      uint32_t n_tensor)
{
    gguf_writer_init(w);
    gguf_put_u16(w, "split.no", no);
    gguf_put_u16(w, "split.count", count);
    if (total >= 0)
        gguf_put_i32(w, "split.tensors.count", total);
    if (no == 0)
        gguf_put_str(w, "general.architecture", "olmoe");
    for (uint32_t k = 0; k < n_tensor; k++) {
        char name[32];
        uint8_t data[32];
        snprintf(name, sizeof name, "t%u.%u", (unsigned)no, (unsigned)k);
        memset(data, (int)(no * 16u + k), sizeof data);
        gguf_put_tensor(w, name, QUANT_F32, 1, (uint64_t[]){8}, data, sizeof data);
    }
}

static void save_part(struct scratch *s, const char *name, uint16_t no, uint16_t count,
                      int32_t total, uint32_t n_tensor)
{
    struct gguf_writer w;
    make_part(&w, no, count, total, n_tensor);
    assert_true(gguf_writer_save(&w, scratch_path(s, name)));
    gguf_writer_free(&w);
}

struct fixture {
    struct scratch scratch;
    struct capture capture;
    struct lem_log log;
};

/* A folder with the three good parts of a model. */
static int set_up(void **state)
{
    static struct fixture f;
    scratch_open(&f.scratch);
    f.log = capture_log(&f.capture);
    for (uint16_t i = 0; i < N_PART; i++)
        save_part(&f.scratch, part_names[i], i, N_PART, 3, i);
    *state = &f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    scratch_close(&f->scratch);
    return 0;
}

static void refused(struct fixture *f, const char *name, enum lem_status status,
                    const char *says)
{
    struct gguf *g;
    const enum lem_status st = gguf_open(&g, scratch_path(&f->scratch, name), &f->log);
    assert_null(g);
    assert_said(&f->capture, says);
    assert_int_equal(st, status);
}

static void parts_are_one_model(void **state)
{
    struct fixture *f = *state;
    struct gguf *g;
    const char *first = scratch_path(&f->scratch, part_names[0]);
    const enum lem_status st = gguf_open(&g, first, &f->log);
    assert_silent(&f->capture);
    assert_int_equal(st, LEM_OK);
    assert_int_equal(g->n_part, N_PART);
    assert_int_equal(g->n_tensor, 3);
    assert_int_equal(g->file_bytes, g->map[0].size + g->map[1].size + g->map[2].size);
    static const struct {
        const char *name;
        uint32_t part;
        uint8_t byte;
    } rows[] = {{"t1.0", 1, 16}, {"t2.0", 2, 32}, {"t2.1", 2, 33}};
    for (size_t i = 0; i < 3; i++) {
        const struct gguf_tensor *t = gguf_find_tensor(g, rows[i].name);
        assert_ptr_equal(t, &g->tensor[i]);
        assert_int_equal(t->part, rows[i].part);
        assert_ptr_equal(t->data, g->map[t->part].data + t->file_offset);
        assert_int_equal(t->data[0], rows[i].byte);
        assert_int_equal(t->data[31], rows[i].byte);
    }
    uint32_t no = 9;
    assert_int_equal(gguf_get_u32(g, "split.no", 0, 9, &no), GGUF_FOUND);
    assert_int_equal(no, 0); /* the keys are those of the first part */
    gguf_close(&g);
}

static void a_missing_part_is_named(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(remove(scratch_path(&f->scratch, part_names[2])), 0);
    refused(f, part_names[0], LEM_ERR_IO, "m-00003-of-00003.gguf: cannot be opened");
    refused(f, part_names[0], LEM_ERR_IO, "part 3 of 3 of ");
}

static void a_later_part_points_to_the_first(void **state)
{
    struct fixture *f = *state;
    refused(f, part_names[1], LEM_ERR_FORMAT,
            "is part 2 of 3 (split.no); open the first");
}

static void a_renamed_first_part_is_refused(void **state)
{
    struct fixture *f = *state;
    char from[512];
    snprintf(from, sizeof from, "%s", scratch_path(&f->scratch, part_names[0]));
    assert_int_equal(rename(from, scratch_path(&f->scratch, "model.gguf")), 0);
    refused(f, "model.gguf", LEM_ERR_FORMAT, "does not end in -00001-of-00003.gguf");
}

/* The first part once more as the second: a chain that would never end. */
static void a_part_that_is_another_one_is_refused(void **state)
{
    struct fixture *f = *state;
    save_part(&f->scratch, part_names[1], 0, N_PART, 3, 0);
    refused(f, part_names[0], LEM_ERR_FORMAT,
            "says it is part 1 of 3 (split.no, split.count), but its name says 2 of 3");
    save_part(&f->scratch, part_names[1], 1, 7, 3, 1);
    refused(f, part_names[0], LEM_ERR_FORMAT, "says it is part 2 of 7");
}

static void a_part_without_split_keys_is_refused(void **state)
{
    struct fixture *f = *state;
    struct gguf_writer w;
    gguf_writer_init(&w);
    assert_true(gguf_writer_save(&w, scratch_path(&f->scratch, part_names[1])));
    gguf_writer_free(&w);
    refused(f, part_names[0], LEM_ERR_FORMAT, "key split.no is missing");
}

static void a_damaged_part_is_named(void **state)
{
    struct fixture *f = *state;
    FILE *file = fopen(scratch_path(&f->scratch, part_names[2]), "wb");
    assert_non_null(file);
    assert_true(fputs("GGUF", file) >= 0);
    assert_int_equal(fclose(file), 0);
    refused(f, part_names[0], LEM_ERR_FORMAT,
            "m-00003-of-00003.gguf: ends inside the header at byte 4");
}

static void a_tensor_in_two_parts_is_refused(void **state)
{
    struct fixture *f = *state;
    struct gguf_writer w;
    make_part(&w, 2, N_PART, 3, 1);
    gguf_put_tensor(&w, "t1.0", QUANT_F32, 1, (uint64_t[]){8}, NULL, 32);
    assert_true(gguf_writer_save(&w, scratch_path(&f->scratch, part_names[2])));
    gguf_writer_free(&w);
    refused(f, part_names[0], LEM_ERR_FORMAT, "tensor t1.0 is there twice");
}

static void a_wrong_total_is_refused(void **state)
{
    struct fixture *f = *state;
    save_part(&f->scratch, part_names[2], 2, N_PART, 3, 5);
    refused(f, part_names[0], LEM_ERR_FORMAT,
            "states 3 tensors in all parts (split.tensors.count), they have 6");
}

/* A count that only the file states costs nothing before the parts are there. */
static void a_huge_count_ends_at_the_first_gap(void **state)
{
    struct fixture *f = *state;
    save_part(&f->scratch, "h-00001-of-65535.gguf", 0, 65535, -1, 1);
    save_part(&f->scratch, "h-00002-of-65535.gguf", 1, 65535, -1, 1);
    refused(f, "h-00001-of-65535.gguf", LEM_ERR_IO, "h-00003-of-65535.gguf");
}

static void one_part_is_a_whole_file(void **state)
{
    struct fixture *f = *state;
    struct gguf *g;
    for (uint16_t count = 0; count < 2; count++) {
        save_part(&f->scratch, "whole.gguf", 0, count, 2, 2);
        const char *path = scratch_path(&f->scratch, "whole.gguf");
        assert_int_equal(gguf_open(&g, path, &f->log), LEM_OK);
        assert_int_equal(g->n_part, 1);
        assert_int_equal(g->n_tensor, 2);
        gguf_close(&g);
    }
    assert_silent(&f->capture);
}

#define SPLIT_TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SPLIT_TEST(parts_are_one_model),
        SPLIT_TEST(a_missing_part_is_named),
        SPLIT_TEST(a_later_part_points_to_the_first),
        SPLIT_TEST(a_renamed_first_part_is_refused),
        SPLIT_TEST(a_part_that_is_another_one_is_refused),
        SPLIT_TEST(a_part_without_split_keys_is_refused),
        SPLIT_TEST(a_damaged_part_is_named),
        SPLIT_TEST(a_tensor_in_two_parts_is_refused),
        SPLIT_TEST(a_wrong_total_is_refused),
        SPLIT_TEST(a_huge_count_ends_at_the_first_gap),
        SPLIT_TEST(one_part_is_a_whole_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
