/* test_gguf_damage.c - GGUF files that are cut short, have a wrong bit, or are another
 * kind of file: none does harm, none is read past its end (run it with
 * AddressSanitizer too). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "gguf/gguf.h"
#include "support/capture.h"
#include "support/gguf_samples.h"

/* Opens a copy that ends exactly where the file ends. */
static enum lem_status open_copy(const uint8_t *data, size_t size, struct capture *c,
                                 uint64_t *sum)
{
    const struct lem_log log = capture_log(c);
    uint8_t *copy = malloc(size ? size : 1);
    struct gguf *g;
    assert_non_null(copy);
    memcpy(copy, data, size);
    const enum lem_status st = gguf_open_memory(&g, copy, size, &log);
    assert_int_equal(g != NULL, st == LEM_OK);
    if (g) {
        assert_silent(c);
        *sum += gguf_read_all(g);
    } else {
        assert_said(c, NULL);
    }
    gguf_close(&g);
    free(copy);
    return st;
}

static void a_file_cut_anywhere_is_refused(void **state)
{
    (void)state;
    size_t n, size;
    const struct gguf_sample *samples = gguf_samples(&n);
    for (size_t i = 0; i < n; i++) {
        struct gguf_writer w;
        struct capture c;
        uint64_t sum = 0;
        gguf_sample_make(&w, samples[i].name);
        const uint8_t *data = gguf_writer_finish(&w, &size);
        for (size_t cut = 0; cut < size; cut++)
            if (open_copy(data, cut, &c, &sum) != LEM_ERR_FORMAT)
                fail_msg("%s of %zu bytes cut to %zu was not refused as damaged",
                         samples[i].name, size, cut);
        assert_int_equal(open_copy(data, size, &c, &sum), LEM_OK);
        gguf_writer_free(&w);
    }
}

static void no_flipped_bit_does_harm(void **state)
{
    (void)state;
    size_t n, size;
    uint64_t sum = 0, refused = 0, opened = 0;
    const struct gguf_sample *samples = gguf_samples(&n);
    for (size_t i = 0; i < n; i++) {
        struct gguf_writer w;
        struct capture c;
        gguf_sample_make(&w, samples[i].name);
        (void)gguf_writer_finish(&w, &size);
        for (size_t bit = 0; bit < size * 8; bit++) {
            w.file.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
            const enum lem_status st = open_copy(w.file.data, size, &c, &sum);
            assert_true(st == LEM_OK || st == LEM_ERR_FORMAT ||
                        st == LEM_ERR_UNSUPPORTED);
            refused += st != LEM_OK;
            opened += st == LEM_OK;
            w.file.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
        gguf_writer_free(&w);
    }
    /* Bits of values and weights may flip unseen; those of structure may not. */
    assert_true(refused > 1000 && opened > 1000 && sum > 0);
}

static void other_files_are_named(void **state)
{
    (void)state;
    static const struct {
        const char *bytes, *says;
    } rows[] = {
        {"", "has only 0 bytes, no GGUF header"},
        {"GGU", "has only 3 bytes, no GGUF header"},
        {"ggjt and more of an old file", "does not start with \"GGUF\""},
        {"GGUF\3", "ends inside the header at byte 5 of 24"},
        {"version https://git-lfs.github.com/spec/v1", "is a Git LFS pointer"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct capture c;
        const struct lem_log log = capture_log(&c);
        struct gguf *g;
        assert_int_equal(gguf_open_memory(&g, (const uint8_t *)rows[i].bytes,
                                          strlen(rows[i].bytes), &log),
                         LEM_ERR_FORMAT);
        assert_null(g);
        assert_said(&c, rows[i].says);
    }
    struct gguf *g;
    assert_int_equal(gguf_open_memory(&g, NULL, 0, NULL), LEM_ERR_FORMAT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_cut_anywhere_is_refused),
        cmocka_unit_test(no_flipped_bit_does_harm),
        cmocka_unit_test(other_files_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
