/* test_file.c - mapping files, and files that appear whole or not at all. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/path.h"
#include "support/capture.h"
#include "support/scratch.h"

struct fixture {
    struct scratch scratch;
    struct capture capture;
    struct lem_log log;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    if (!f)
        return -1;
    scratch_open(&f->scratch);
    f->log = capture_log(&f->capture);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    scratch_close(&f->scratch);
    free(f);
    return 0;
}

static void write_file(const char *path, const char *text)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

static void assert_content(const char *path, const char *text)
{
    char got[64] = {0};
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    const size_t n = fread(got, 1, sizeof got - 1, f);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(n, strlen(text));
    assert_string_equal(got, text);
}

static void a_file_is_mapped_whole(void **state)
{
    struct fixture *f = *state;
    const char *path = scratch_path(&f->scratch, "a");
    struct file_map map;
    write_file(path, "twelve bytes");
    assert_int_equal(file_map_open(&map, path, &f->log), LEM_OK);
    assert_int_equal(map.size, 12);
    assert_memory_equal(map.data, "twelve bytes", 12);
    file_map_close(&map);
    assert_null(map.data);
    file_map_close(&map); /* again: {0} is fine */

    write_file(path, "");
    assert_int_equal(file_map_open(&map, path, &f->log), LEM_OK);
    assert_int_equal(map.size, 0);
    file_map_close(&map);
    assert_silent(&f->capture);
}

/* Of any stretch, whole pages or not: the bytes are there before and after. */
static void advice_changes_no_byte(void **state)
{
    enum { SIZE = 5 * 4096 + 123 };
    static const struct {
        uint64_t at, size;
    } part[] = {{0, SIZE}, {0, 0}, {1, 1}, {4095, 2}, {4096, 8192}, {SIZE, 0}};
    struct fixture *f = *state;
    const char *path = scratch_path(&f->scratch, "pages");
    char text[SIZE + 1] = {0};
    for (size_t i = 0; i < SIZE; i++)
        text[i] = (char)('a' + i * 7 % 26);
    write_file(path, text);
    struct file_map map;
    assert_int_equal(file_map_open(&map, path, &f->log), LEM_OK);
    for (size_t i = 0; i < sizeof part / sizeof *part; i++) {
        file_map_expect(&map, map.data + part[i].at, part[i].size);
        assert_memory_equal(map.data, text, SIZE);
        file_map_forget(&map, map.data + part[i].at, part[i].size);
        assert_memory_equal(map.data, text, SIZE);
    }
    file_map_close(&map);
    assert_silent(&f->capture);
}

static void what_cannot_be_mapped_is_said(void **state)
{
    struct fixture *f = *state;
    struct file_map map;
    const char *missing = scratch_path(&f->scratch, "missing");
    assert_int_equal(file_map_open(&map, missing, &f->log), LEM_ERR_IO);
    assert_null(map.data);
    assert_said(&f->capture, "missing");
    assert_int_equal(file_map_open(&map, f->scratch.dir, &f->log), LEM_ERR_IO);
    assert_said(&f->capture, "not a regular file");
    assert_int_equal(file_map_open(&map, "/dev/null", &f->log), LEM_ERR_IO);
    assert_said(&f->capture, "/dev/null");
    const char *fifo = scratch_path(&f->scratch, "pipe"); /* nobody writes into it */
    assert_int_equal(mkfifo(fifo, 0600), 0);
    assert_int_equal(file_map_open(&map, fifo, &f->log), LEM_ERR_IO);
    assert_said(&f->capture, "pipe: not a regular file");
    assert_int_equal(remove(fifo), 0);
}

static void the_old_file_stays_until_commit(void **state)
{
    struct fixture *f = *state;
    const char *path = scratch_path(&f->scratch, "out");
    struct file_out out;
    write_file(path, "old");
    assert_int_equal(file_out_open(&out, path, &f->log), LEM_OK);
    assert_true(fputs("new", out.stream) >= 0);
    assert_int_equal(fflush(out.stream), 0);
    assert_content(path, "old");
    assert_int_equal(file_out_commit(&out, &f->log), LEM_OK);
    assert_content(path, "new");
    assert_int_equal(scratch_count(&f->scratch), 1);
    file_out_discard(&out); /* safe after commit */
    assert_content(path, "new");
    assert_silent(&f->capture);
}

static void discard_leaves_nothing(void **state)
{
    struct fixture *f = *state;
    struct file_out out;
    const char *path = scratch_path(&f->scratch, "out");
    assert_int_equal(file_out_open(&out, path, &f->log), LEM_OK);
    assert_int_equal(scratch_count(&f->scratch), 1);
    file_out_discard(&out);
    assert_int_equal(scratch_count(&f->scratch), 0);
    file_out_discard(&out); /* {0} is fine */
}

static void an_unwritable_place_is_said(void **state)
{
    struct fixture *f = *state;
    struct file_out out;
    const char *path = scratch_path(&f->scratch, "no/such/folder/out");
    assert_int_equal(file_out_open(&out, path, &f->log), LEM_ERR_IO);
    assert_said(&f->capture, "no/such/folder/out: cannot be written");
    assert_int_equal(file_out_open(&out, f->scratch.dir, &f->log), LEM_ERR_IO);
    assert_said(&f->capture, f->scratch.dir);
    file_out_discard(&out);
}

/* A limit on the size of files stands for the full disk. */
static void a_full_disk_leaves_nothing(void **state)
{
    struct fixture *f = *state;
    const char *path = scratch_path(&f->scratch, "out");
    struct rlimit old, small;
    struct file_out out;
    static const char block[4096];

    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    small = old;
    small.rlim_cur = 10000;
    void (*const handler)(int) = signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    write_file(path, "old");
    enum lem_status st = file_out_open(&out, path, &f->log);
    const bool opened = st == LEM_OK;
    for (int i = 0; opened && i < 8; i++)
        (void)fwrite(block, 1, sizeof block, out.stream);
    if (opened)
        st = file_out_commit(&out, &f->log);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    signal(SIGXFSZ, handler);

    assert_true(opened);
    assert_int_equal(st, LEM_ERR_IO);
    assert_said(&f->capture, "File too large; nothing is kept");
    assert_content(path, "old");
    assert_int_equal(scratch_count(&f->scratch), 1);
}

static void two_writers_do_not_meet(void **state)
{
    struct fixture *f = *state;
    const char *path = scratch_path(&f->scratch, "shared");
    struct file_out a, b;
    assert_int_equal(file_out_open(&a, path, &f->log), LEM_OK);
    assert_int_equal(file_out_open(&b, path, &f->log), LEM_OK);
    assert_string_not_equal(a.temporary, b.temporary);
    assert_true(fputs("first", a.stream) >= 0 && fputs("second", b.stream) >= 0);
    assert_int_equal(file_out_commit(&a, &f->log), LEM_OK);
    assert_content(path, "first");
    assert_int_equal(file_out_commit(&b, &f->log), LEM_OK);
    assert_content(path, "second");
    assert_int_equal(scratch_count(&f->scratch), 1);
}

static void devices_are_written_directly(void **state)
{
    struct fixture *f = *state;
    struct file_out out;
    struct stat st;
    assert_int_equal(file_out_open(&out, "/dev/null", &f->log), LEM_OK);
    assert_null(out.temporary);
    assert_true(fputs("gone", out.stream) >= 0);
    assert_int_equal(file_out_commit(&out, &f->log), LEM_OK);
    assert_int_equal(stat("/dev/null", &st), 0);
    assert_true(S_ISCHR(st.st_mode));

    if (access("/dev/full", W_OK) != 0)
        return; /* not every system has it */
    assert_int_equal(file_out_open(&out, "/dev/full", &f->log), LEM_OK);
    assert_true(fputs("does not fit", out.stream) >= 0);
    assert_int_equal(file_out_commit(&out, &f->log), LEM_ERR_IO);
    assert_said(&f->capture, "/dev/full: could not be written whole: No space left");
    assert_int_equal(stat("/dev/full", &st), 0);
    assert_true(S_ISCHR(st.st_mode));
}

static void links_stay_links(void **state)
{
    struct fixture *f = *state;
    struct file_out out;
    struct stat st;
    char target[512];
    snprintf(target, sizeof target, "%s", scratch_path(&f->scratch, "target"));
    const char *link_path = scratch_path(&f->scratch, "link");
    write_file(target, "old");
    assert_int_equal(symlink(target, link_path), 0);
    assert_int_equal(file_out_open(&out, link_path, &f->log), LEM_OK);
    assert_true(fputs("new", out.stream) >= 0);
    assert_int_equal(file_out_commit(&out, &f->log), LEM_OK);
    assert_int_equal(lstat(link_path, &st), 0);
    assert_true(S_ISLNK(st.st_mode));
    assert_content(target, "new");
    assert_silent(&f->capture);
}

static void folders_are_made_with_those_above(void **state)
{
    struct fixture *f = *state;
    struct stat st;
    char a[512], b[512];
    snprintf(a, sizeof a, "%s", scratch_path(&f->scratch, "a"));
    snprintf(b, sizeof b, "%s", scratch_path(&f->scratch, "a/b"));
    assert_true(path_make_dir(b));
    assert_true(path_make_dir(b)); /* there already */
    assert_int_equal(stat(b, &st), 0);
    assert_true(S_ISDIR(st.st_mode));
    assert_int_equal(rmdir(b), 0);
    write_file(b, "in the way");
    assert_false(path_make_dir(b));
    assert_int_equal(remove(b), 0);
    assert_int_equal(rmdir(a), 0);
}

#define FILE_TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FILE_TEST(a_file_is_mapped_whole),
        FILE_TEST(advice_changes_no_byte),
        FILE_TEST(what_cannot_be_mapped_is_said),
        FILE_TEST(the_old_file_stays_until_commit),
        FILE_TEST(discard_leaves_nothing),
        FILE_TEST(an_unwritable_place_is_said),
        FILE_TEST(a_full_disk_leaves_nothing),
        FILE_TEST(two_writers_do_not_meet),
        FILE_TEST(devices_are_written_directly),
        FILE_TEST(links_stay_links),
        FILE_TEST(folders_are_made_with_those_above),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
