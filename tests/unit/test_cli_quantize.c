/* test_cli_quantize.c - `lemnos quantize` as a program: what it prints and returns. */
#include "support/program.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/make_tiny.h"
#include "support/scratch.h"

#define ARGV(...) ((const char *const[]){LEM_TEST_PROGRAM, __VA_ARGS__, NULL})

struct files {
    struct scratch scratch;
    char in[512], out[512];
};

static int make_files(void **state)
{
    struct files *f = calloc(1, sizeof *f);
    assert_non_null(f);
    scratch_open(&f->scratch);
    strcpy(f->in, scratch_path(&f->scratch, "in.gguf"));
    strcpy(f->out, scratch_path(&f->scratch, "out.gguf"));
    tiny_save(tiny_find("qwen3moe"), f->in, NULL);
    *state = f;
    return 0;
}

static int remove_files(void **state)
{
    struct files *f = *state;
    scratch_close(&f->scratch);
    free(f);
    return 0;
}

static void run(struct program *p, const char *const *argv, int code)
{
    program_run(p, argv);
    if (p->code != code)
        fail_msg("exit code %d, not %d: %s", p->code, code, p->err);
}

static void a_model_is_written(void **state)
{
    struct files *f = *state;
    struct program p = {0}, info = {0};
    run(&p, ARGV("quantize", f->in, f->out, "--type", "F16", "--experts", "q5_0"), 0);
    assert_string_equal(p.out, "");
    assert_contains(p.err, "out.gguf: ");
    assert_contains(p.err, "largest error: ");
    assert_contains(p.err, "_exps.weight");
    run(&info, ARGV("info", "-m", f->out, "--tensors"), 0);
    assert_contains(info.out, "F16     96 x 128");
    assert_contains(info.out, "Q5_0    96 x 32 x 10");
    assert_contains(info.out, "F32     96 x 10 ");
    assert_int_equal(scratch_count(&f->scratch), 2);
    program_free(&p);
    program_free(&info);
}

/* A line per tensor under a heading, and nothing else on standard output. */
static void verbose_lists_the_tensors(void **state)
{
    struct files *f = *state;
    struct program p = {0}, q = {0};
    run(&p, ARGV("quantize", "-v", f->in, f->out, "--type", "Q4_0"), 0);
    assert_contains(p.out, "from    to ");
    assert_contains(p.out, "Q8_0    Q4_0 ");
    assert_contains(p.out, " exact    output_norm.weight\n");
    assert_contains(p.out, " %  blk.1.attn_q.weight\n");
    run(&q, ARGV("quantize", "-q", f->in, f->out, "--type", "Q4_0"), 0);
    assert_string_equal(q.out, "");
    assert_string_equal(q.err, "");
    program_free(&p);
    program_free(&q);
}

static void wrong_usage_is_told(void **state)
{
    struct files *f = *state;
    const struct {
        const char *const *argv;
        int code;
        const char *said;
    } wrong[] = {
        {ARGV("quantize", f->in, "--type", "Q8_0"), 2, "which files?"},
        {ARGV("quantize", f->in, f->out), 2, "which type?"},
        {ARGV("quantize", f->in, f->out, "--type", "Q4_K_M"), 1, "choose one of F32,"},
        {ARGV("quantize", f->in, f->in, "--type", "Q8_0"), 1, "is the model itself"},
        {ARGV("quantize", f->in, "/dev/full", "--type", "Q8_0"), 1,
         "/dev/full: could not"},
        {ARGV("quantize", f->out, f->in, "--type", "Q8_0"), 1, "out.gguf: "},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct program p = {0};
        run(&p, wrong[i].argv, wrong[i].code);
        assert_contains(p.err, wrong[i].said);
        assert_string_equal(p.out, "");
        program_free(&p);
        assert_int_equal(scratch_count(&f->scratch), 1);
    }
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, make_files, remove_files)
    const struct CMUnitTest tests[] = {
        TEST(a_model_is_written),
        TEST(verbose_lists_the_tensors),
        TEST(wrong_usage_is_told),
    };
#undef TEST
    return cmocka_run_group_tests(tests, NULL, NULL);
}
