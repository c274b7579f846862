/* test_cli_info.c - `lemnos info` of files that cannot run: it says why and what of the
 * file has no place here, for people and as JSON; other commands refuse with one line. */
#include "support/program.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>
#include <cmocka.h>

#include "quant/quant.h"
#include "support/make_tiny.h"
#include "support/scratch.h"

#define ARGV(...) ((const char *const[]){LEM_TEST_PROGRAM, __VA_ARGS__, NULL})

struct files {
    struct scratch scratch;
    char mystery[512], types[512];
};

static int make_files(void **state)
{
    static const struct tiny_change unknown[] = {
        {"general.architecture", TINY_STR, .text = "mystery"},
        {"mystery.window_of_time", TINY_U32, .value = 7},
        {"blk.0.time_mix_key.weight", TINY_TYPE, .value = QUANT_F32},
        TINY_END};
    static const struct tiny_change type[] = {
        {"blk.0.ffn_up.weight", TINY_TYPE, .value = QUANT_NVFP4}, TINY_END};
    struct files *f = calloc(1, sizeof *f);
    assert_non_null(f);
    scratch_open(&f->scratch);
    strcpy(f->mystery, scratch_path(&f->scratch, "mystery.gguf"));
    strcpy(f->types, scratch_path(&f->scratch, "types.gguf"));
    tiny_save(tiny_find("olmoe"), f->mystery, unknown);
    tiny_save(tiny_find("qwen3"), f->types, type);
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

static void unknown_families_are_explained(void **state)
{
    struct files *f = *state;
    struct program p = {0};
    run(&p, ARGV("info", "-m", f->mystery), 0);
    assert_string_equal(p.err, "");
    assert_contains(p.out, "architecture \"mystery\" is not known. Known: llama");
    assert_contains(p.out, "what is missing   nearest family: OLMoE (olmoe)");
    assert_contains(p.out,
                    "\n                  no place for RWKV layers, with a recurrent "
                    "state: blk.N.time_mix_key.weight\n");
    assert_contains(p.out, "keys that nothing here reads: mystery.window_of_time\n");
    program_free(&p);
    run(&p, ARGV("tokenize", "-m", f->mystery, "hello"), 0); /* needs no family */
    program_free(&p);
    run(&p, ARGV("eval", "-m", f->mystery, "--tokens", "1"), 1);
    assert_contains(p.err, "architecture \"mystery\" is not known");
    program_free(&p);
}

static void weight_types_are_explained(void **state)
{
    struct files *f = *state;
    struct program p = {0};
    run(&p, ARGV("info", "-m", f->types), 0);
    assert_contains(p.out,
                    "blk.0.ffn_up.weight is of type NVFP4, which this build cannot");
    assert_contains(p.out,
                    "weight types that cannot run: NVFP4 in 1 tensor; make another "
                    "file with llama-quantize");
    program_free(&p);
    run(&p, ARGV("eval", "-m", f->types, "--tokens", "1"), 1);
    assert_contains(p.err, "llama-quantize");
    program_free(&p);
}

static void json_has_the_same(void **state)
{
    struct files *f = *state;
    struct program p = {0};
    run(&p, ARGV("info", "-m", f->types, "--json"), 0);
    cJSON *root = cJSON_Parse(p.out);
    assert_true(cJSON_IsFalse(cJSON_GetObjectItem(root, "can_run")));
    const char *missing = cJSON_GetStringValue(cJSON_GetObjectItem(root, "missing"));
    assert_non_null(missing);
    assert_ptr_equal(strstr(missing, "weight types that cannot run: NVFP4"), missing);
    cJSON_Delete(root);
    program_free(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unknown_families_are_explained),
        cmocka_unit_test(weight_types_are_explained),
        cmocka_unit_test(json_has_the_same),
    };
    return cmocka_run_group_tests(tests, make_files, remove_files);
}
