/* test_cli.c - the program without a GPU: help, wrong usage, messages, exit codes,
 * tokenize and info on small models, output that cannot be written. */
#include "support/program.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cjson/cJSON.h>
#include <cmocka.h>

#include "support/make_tiny.h"
#include "support/scratch.h"

#define ARGV(...) ((const char *const[]){LEM_TEST_PROGRAM, __VA_ARGS__, NULL})

static const char *const commands[] = {"run",     "eval",       "tokenize", "info",
                                       "devices", "perplexity", "bench",    "plan"};
enum { N_COMMAND = sizeof commands / sizeof *commands };

struct files {
    struct scratch scratch;
    char bpe[512], spm[512], junk[512];
};

static int make_files(void **state)
{
    struct files *f = calloc(1, sizeof *f);
    assert_non_null(f);
    scratch_open(&f->scratch);
    strcpy(f->bpe, scratch_path(&f->scratch, "olmoe.gguf"));
    tiny_save(tiny_find("olmoe"), f->bpe, NULL);
    strcpy(f->spm, scratch_path(&f->scratch, "mixtral.gguf"));
    tiny_save(tiny_find("mixtral"), f->spm, NULL);
    strcpy(f->junk, scratch_path(&f->scratch, "junk.gguf"));
    FILE *out = fopen(f->junk, "wb");
    assert_non_null(out);
    fputs("this is no model", out);
    fclose(out);
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

/* Run and compare the exit code; `err` must be in what stderr says, NULL = silent. */
static void expect(struct program *p, const char *const *argv, int code, const char *err)
{
    program_run(p, argv);
    if (p->code != code)
        fail_msg("%s: exit code %d, not %d: %s", argv[1] ? argv[1] : "no command",
                 p->code, code, p->err);
    if (err)
        assert_contains(p->err, err);
    else
        assert_string_equal(p->err, "");
}

/* ---- help and wrong usage ----------------------------------------------------- */

static void every_command_has_help(void **state)
{
    (void)state;
    for (int i = 0; i < N_COMMAND; i++) {
        struct program p = {0}, q = {0};
        char usage[64];
        snprintf(usage, sizeof usage, "Usage: lemnos %s ", commands[i]);
        expect(&p, ARGV(commands[i], "--help"), 0, NULL);
        assert_contains(p.out, usage);
        assert_contains(p.out, "Examples:\n  ");
        assert_contains(p.out, "--version");
        expect(&q, ARGV("help", commands[i]), 0, NULL);
        assert_string_equal(p.out, q.out);
        program_free(&p);
        program_free(&q);
    }
}

static void the_program_has_help_and_a_version(void **state)
{
    (void)state;
    struct program p = {0};
    expect(&p, ARGV("--help"), 0, NULL);
    for (int i = 0; i < N_COMMAND; i++)
        assert_contains(p.out, commands[i]);
    program_free(&p);
    expect(&p, ARGV("--version"), 0, NULL);
    assert_int_equal(strncmp(p.out, "lemnos ", 7), 0);
    program_free(&p);
    expect(&p, ARGV("run", "--version"), 0, NULL);
    program_free(&p);
    expect(&p, (const char *const[]){LEM_TEST_PROGRAM, NULL}, 2, "Usage: lemnos");
    assert_int_equal(p.n_out, 0);
    program_free(&p);
}

static void wrong_usage_is_2_and_named(void **state)
{
    (void)state;
    static const struct {
        const char *argv[6];
        const char *says;
    } wrong[] = {
        {{"runn"}, "Did you mean run?"},
        {{"--model", "x", "run"}, "the command comes first"},
        {{"run", "--tepm", "1", "x"}, "--tepm. Did you mean --temp?"},
        {{"run", "-t", "4", "x"}, "unknown option -t. Did you mean"},
        {{"run", "-ngl", "99", "x"}, "unknown option -ngl"},
        {{"run", "--zzzzzz", "x"}, "unknown option --zzzzzz."},
        {{"run", "--temp", "hot", "x"}, "from 0 to 100, not \"hot\""},
        {{"run", "--top-p", "1.5", "x"}, "from 0 to 1, not \"1.5\""},
        {{"run", "-n", "1e3", "x"}, "whole number from -1"},
        {{"run", "-n", "99999999999999999999", "x"}, "whole number"},
        {{"run", "-n"}, "-n needs a value"},
        {{"run", "--greedy=yes", "x"}, "takes no value"},
        {{"run", "--show-experts=high", "x"}, "whole number"},
        {{"run", "--memory", "-3G", "x"}, "a size such as"},
        {{"run", "--caps", "tiny", "x"}, "There are: minimal"},
        {{"run", "--color", "red", "x"}, "auto, always or never"},
        {{"run", "-p", "a", "b"}, "given twice"},
        {{"eval"}, "--tokens"},
        {{"eval", "1,2,3"}, "options only"},
        {{"eval", "--tokens", "1,,2"}, "each side of a comma, not \"1,,2\""},
        {{"eval", "--tokens", ",1"}, "each side of a comma"},
        {{"eval", "--tokens", "[1, 2 ,]"}, "each side of a comma"},
        {{"run", "-m", "", "x"}, "-m names no file: the path is empty"},
        {{"info", "--model="}, "--model names no file"},
        {{"run", "--trace", "-", "x"}, "cannot go to standard output"},
        {{"run", "--stages", "x"}, "--stages is for recordings"},
        {{"info", "x.gguf"}, "options only"},
        {{"tokenize", "-f", "x", "y"}, "given twice"},
        {{"tokenize", "--separator", "", "y"}, "must not be empty"},
        {{"perplexity", "-c", "1", "-f", "x"}, "2 tokens at least"},
        {{"bench", "-p", "0", "-n", "0"}, "nothing to measure"},
        {{"bench", "-r", "0"}, "from 1 to"},
        {{"bench", "-p", "1,,2"}, "such as 1,8,128"},
        {{"bench", "-p", "1,2x"}, "such as 1,8,128"},
        {{"bench", "-p", "1,1048577"}, "from 0 to 1048576"},
        {{"bench", "-p", "8", "--check-batch"}, "compares prompts"},
        {{"bench", "-n", "0", "--depth", "9"}, "-n must not be 0"},
        {{"plan", "model.gguf"}, "options only"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        const char *argv[8] = {LEM_TEST_PROGRAM};
        for (int k = 0; k < 6; k++)
            argv[k + 1] = wrong[i].argv[k];
        struct program p = {0};
        expect(&p, argv, 2, wrong[i].says);
        assert_contains(p.err, "--help");
        assert_int_equal(p.n_out, 0);
        program_free(&p);
    }
}

static void the_environment_sets_defaults(void **state)
{
    const struct files *f = *state;
    char model[600];
    snprintf(model, sizeof model, "LEMNOS_MODEL=%s", f->bpe);
    struct program p = {.env = (const char *const[]){model, NULL}};
    expect(&p, ARGV("info"), 0, NULL);
    assert_contains(p.out, "olmoe.gguf");
    program_free(&p);
    p.env = (const char *const[]){model, NULL};
    expect(&p, ARGV("info", "--model", f->spm), 0, NULL);
    assert_contains(p.out, "mixtral.gguf");
    program_free(&p);
    p.env = (const char *const[]){"LEMNOS_CAPS=tiny", NULL};
    expect(&p, ARGV("run", "x"), 2, "LEMNOS_CAPS knows no profile \"tiny\"");
    program_free(&p);
    /* What the command line says counts, and commands without the option do not care. */
    p.env = (const char *const[]){"LEMNOS_CAPS=tiny", NULL};
    expect(&p, ARGV("run", "-m", f->junk, "--caps", "minimal", "x"), 1, "junk.gguf");
    program_free(&p);
    p.env = (const char *const[]){"LEMNOS_CAPS=tiny", NULL};
    expect(&p, ARGV("info", "-m", f->bpe), 0, NULL);
    program_free(&p);
    p.env = (const char *const[]){"LEMNOS_CAPS=minimal", NULL};
    expect(&p, ARGV("run", "--caps", "tiny", "x"), 2, "--caps knows no profile \"tiny\"");
    program_free(&p);
    p.env = (const char *const[]){"LEMNOS_KERNELS=fast", NULL};
    expect(&p, ARGV("run", "x"), 2, "LEMNOS_KERNELS takes one of auto|");
    program_free(&p);
    p.env = (const char *const[]){"LEMNOS_KERNELS=fast", NULL};
    expect(&p, ARGV("run", "-m", f->junk, "--kernels", "rule", "x"), 1, "junk.gguf");
    program_free(&p);
}

/* ---- files ---------------------------------------------------------------------- */

static void models_that_cannot_be_opened(void **state)
{
    struct files *f = *state;
    char missing[512];
    strcpy(missing, scratch_path(&f->scratch, "missing.gguf"));
    for (int i = 0; i < N_COMMAND; i++) {
        if (strcmp(commands[i], "devices") == 0)
            continue;
        const bool run = strcmp(commands[i], "run") == 0;
        const bool eval = strcmp(commands[i], "eval") == 0;
        const char *const more = run ? "-pone" : eval ? "--tokens=1" : "-v";
        struct program p = {0};
        expect(&p, ARGV(commands[i], "-m", missing, more), 1, "missing.gguf");
        program_free(&p);
        expect(&p, ARGV(commands[i], "-m", f->junk, more), 1, "junk.gguf");
        assert_int_equal(p.n_out, 0);
        program_free(&p);
    }
}

/* In the place of an installed program: PREFIX/bin and PREFIX/share/lemnos. */
static void the_shipped_model_is_found(void **state)
{
    struct files *f = *state;
    char bin[600], program[640], share[600], lemnos[640], model[700];
    snprintf(bin, sizeof bin, "%s/bin", f->scratch.dir);
    snprintf(program, sizeof program, "%s/lemnos", bin);
    snprintf(share, sizeof share, "%s/share", f->scratch.dir);
    snprintf(lemnos, sizeof lemnos, "%s/lemnos", share);
    snprintf(model, sizeof model, "%s/moe-tales-q8_0.gguf", lemnos);
    assert_int_equal(mkdir(bin, 0700) | mkdir(share, 0700) | mkdir(lemnos, 0700), 0);
    struct program p = {0};
    expect(&p, (const char *const[]){"/bin/cp", LEM_TEST_PROGRAM, program, NULL}, 0,
           NULL);
    program_free(&p);

    const char *const env[] = {"LEMNOS_MODEL=", NULL};
    p.env = env;
    expect(&p, (const char *const[]){program, "info", NULL}, 1, "-m FILE");
    program_free(&p);
    tiny_save(tiny_find("olmoe"), model, NULL);
    p.env = env;
    expect(&p, (const char *const[]){program, "info", NULL}, 0, NULL);
    assert_contains(p.out, "olmoe");
    program_free(&p);

    assert_int_equal(unlink(model) | unlink(program), 0);
    assert_int_equal(rmdir(lemnos) | rmdir(share) | rmdir(bin), 0);
}

static void output_that_cannot_be_written(void **state)
{
    struct files *f = *state;
    if (access("/dev/full", W_OK) == 0) {
        struct program p = {.out_path = "/dev/full"};
        expect(&p, ARGV("info", "-m", f->bpe), 1, "standard output: cannot write");
        program_free(&p);
        p.out_path = "/dev/full";
        expect(&p, ARGV("--help"), 1, "standard output: cannot write");
        program_free(&p);
        p.out_path = "/dev/full";
        expect(&p, ARGV("tokenize", "-m", f->bpe, "hello"), 1, "cannot write");
        program_free(&p);
    }
    struct program p = {.out_path = ""};
    expect(&p, ARGV("info", "-m", f->bpe), 1, "standard output: cannot write");
    program_free(&p);

    const int before = scratch_count(&f->scratch);
    char bad[600];
    snprintf(bad, sizeof bad, "%s/nowhere/logits", f->scratch.dir);
    expect(&p, ARGV("eval", "-m", f->bpe, "--tokens", "1", "--logits", bad), 1, bad);
    program_free(&p);
    expect(&p, ARGV("eval", "-m", f->bpe, "--tokens", "1", "--routing", f->scratch.dir),
           1, f->scratch.dir);
    program_free(&p);
    /* the first of two files is taken away when the second cannot be made */
    snprintf(bad, sizeof bad, "%s", scratch_path(&f->scratch, "logits"));
    expect(&p,
           ARGV("eval", "-m", f->bpe, "--tokens", "1", "--logits", bad, "--routing",
                f->scratch.dir),
           1, f->scratch.dir);
    program_free(&p);
    assert_int_equal(scratch_count(&f->scratch), before);
}

static void ids_that_are_none(void **state)
{
    const struct files *f = *state;
    static const struct {
        const char *tokens, *says;
    } bad[] = {{"1,x,3", "\"x\" at byte 2"},
               {"1,-2", "no token id"},
               {"301", "not in the vocabulary, 0 to 300"},
               {" ", "no token ids"},
               {"99999999999999999999", "no token id"},
               {"", "no token ids"},
               {"@/nowhere/ids", "/nowhere/ids"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct program p = {0};
        expect(&p, ARGV("eval", "-m", f->bpe, "--tokens", bad[i].tokens), 1, bad[i].says);
        program_free(&p);
    }
}

/* ---- text --------------------------------------------------------------------- */

static void text_goes_to_ids_and_back(void **state)
{
    const struct files *f = *state;
    static const char *const texts[] = {
        "hello world",
        " two  spaces ",
        "line\nbreak",
        "caf\xc3\xa9 \xe2\x82\xac",
        "\xf0\x9f\xa6\x8a fox",
        "",
        "\n",
        "tab\tand 123",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        for (int spm = 0; spm < 2; spm++) {
            const char *model = spm ? f->spm : f->bpe;
            struct program to = {.in = texts[i]}, word = {0}, back = {0};
            expect(&to, ARGV("tokenize", "-m", model), 0, NULL);
            expect(&word, ARGV("tokenize", "-m", model, "--", texts[i]), 0, NULL);
            assert_string_equal(to.out, word.out);
            back.in = to.out;
            expect(&back, ARGV("tokenize", "-m", model, "--decode"), 0, NULL);
            char want[64];
            snprintf(want, sizeof want, "%s\n", texts[i]);
            assert_string_equal(back.out, want);
            program_free(&to);
            program_free(&word);
            program_free(&back);
        }
    }
}

static void a_separator_parts_texts(void **state)
{
    const struct files *f = *state;
    struct program p = {.in = "hello\n--\n\n--\nworld"}, one = {0};
    expect(&p, ARGV("tokenize", "-m", f->bpe, "--separator", "\\n--\\n"), 0, NULL);
    char want[256] = "";
    const char *const part[] = {"hello", "", "world"};
    for (int i = 0; i < 3; i++) {
        expect(&one, ARGV("tokenize", "-m", f->bpe, part[i]), 0, NULL);
        strncat(want, one.out, sizeof want - strlen(want) - 1);
        program_free(&one);
    }
    assert_string_equal(p.out, want);

    struct program back = {.in = p.out};
    expect(&back, ARGV("tokenize", "-m", f->bpe, "--decode", "--separator", "|"), 0,
           NULL);
    assert_string_equal(back.out, "hello||world\n");
    program_free(&back);
    program_free(&p);
}

static void bos_is_asked_for(void **state)
{
    const struct files *f = *state;
    struct program with = {0}, without = {0};
    expect(&with, ARGV("tokenize", "-m", f->spm, "--bos", "hello"), 0, NULL);
    expect(&without, ARGV("tokenize", "-m", f->spm, "hello"), 0, NULL);
    assert_true(with.n_out > without.n_out);
    assert_string_equal(with.out + (with.n_out - without.n_out), without.out);
    program_free(&with);
    program_free(&without);
}

static void text_that_is_no_utf8_is_refused(void **state)
{
    const struct files *f = *state;
    /* a lone byte, a cut character, an overlong one, a surrogate */
    static const char *const bad[] = {"ab\xff", "ab\xc3", "ab\xc0\xaf", "ab\xed\xa0\x80"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct program p = {.in = bad[i]};
        expect(&p, ARGV("tokenize", "-m", f->bpe), 1, "not UTF-8");
        assert_contains(p.err, "at offset 2");
        assert_int_equal(p.n_out, 0);
        program_free(&p);
        p.in = bad[i];
        expect(&p, ARGV("run", "-m", f->bpe), 1, "the prompt is not UTF-8");
        program_free(&p);
    }
}

/* ---- info ----------------------------------------------------------------------- */

static double number(const cJSON *o, const char *key)
{
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(o, key);
    if (!cJSON_IsNumber(v))
        fail_msg("no number \"%s\"", key);
    return v->valuedouble;
}

static void info_tells_the_sizes(void **state)
{
    const struct files *f = *state;
    const struct tiny *t = tiny_find("olmoe");
    struct program p = {0};
    expect(&p, ARGV("info", "-m", f->bpe, "--json", "--tensors"), 0, NULL);
    cJSON *o = cJSON_Parse(p.out);
    assert_non_null(o);
    assert_int_equal(number(o, "n_layer"), t->n_layer);
    assert_int_equal(number(o, "n_embd"), t->n_embd);
    assert_int_equal(number(o, "n_vocab"), t->n_vocab);
    assert_int_equal(number(o, "n_expert"), t->n_expert);
    assert_int_equal(number(o, "n_expert_used"), t->n_expert_used);
    assert_true(number(o, "n_param_active") < number(o, "n_param"));
    const cJSON *tensors = cJSON_GetObjectItemCaseSensitive(o, "tensors");
    assert_int_equal(cJSON_GetArraySize(tensors), number(o, "n_tensor"));
    double n_param = 0;
    const cJSON *tensor;
    cJSON_ArrayForEach(tensor, tensors)
    {
        double n = 1;
        const cJSON *dim;
        cJSON_ArrayForEach(dim, cJSON_GetObjectItemCaseSensitive(tensor, "shape")) n *=
            dim->valuedouble;
        n_param += n;
    }
    assert_true(n_param == number(o, "n_param"));
    cJSON_Delete(o);
    program_free(&p);

    expect(&p, ARGV("info", "-m", f->bpe, "--tensors"), 0, NULL);
    assert_contains(p.out, "10, of which a token uses 3");
    assert_contains(p.out, "blk.1.ffn_down_exps.weight");
    program_free(&p);
}

/* ---- no Vulkan -------------------------------------------------------------------- */

/* A library that is none hides the system's: as on a machine without a loader. */
static void hide_loader(struct scratch *s, char *env, size_t cap)
{
    static const char *const name[] = {"libvulkan.so", "libvulkan.so.1"};
    for (int i = 0; i < 2; i++) {
        FILE *f = fopen(scratch_path(s, name[i]), "w");
        assert_non_null(f);
        fputs("no library", f);
        fclose(f);
    }
    snprintf(env, cap, "LD_LIBRARY_PATH=%s", s->dir);
}

static void without_a_loader_it_says_what_to_install(void **state)
{
    const struct files *f = *state;
    struct scratch s;
    char library_path[300];
    scratch_open(&s);
    hide_loader(&s, library_path, sizeof library_path);
    const char *const env[] = {library_path, NULL};
    static const char say[] =
        "no Vulkan loader (libvulkan.so.1) on this machine: install";
    struct program p = {.env = env}, q = {.env = env}, r = {.env = env};
    expect(&p, ARGV("run", "-m", f->bpe, "word"), 1, say);
    assert_string_equal(p.out, "");
    expect(&q, ARGV("devices"), 1, say);
    expect(&r, ARGV("info", "-m", f->bpe), 0, NULL); /* needs none */
    program_free(&p);
    program_free(&q);
    program_free(&r);
    scratch_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_command_has_help),
        cmocka_unit_test(the_program_has_help_and_a_version),
        cmocka_unit_test(wrong_usage_is_2_and_named),
        cmocka_unit_test(the_environment_sets_defaults),
        cmocka_unit_test(models_that_cannot_be_opened),
        cmocka_unit_test(the_shipped_model_is_found),
        cmocka_unit_test(output_that_cannot_be_written),
        cmocka_unit_test(ids_that_are_none),
        cmocka_unit_test(text_goes_to_ids_and_back),
        cmocka_unit_test(a_separator_parts_texts),
        cmocka_unit_test(bos_is_asked_for),
        cmocka_unit_test(text_that_is_no_utf8_is_refused),
        cmocka_unit_test(info_tells_the_sizes),
        cmocka_unit_test(without_a_loader_it_says_what_to_install),
    };
    return cmocka_run_group_tests_name("cli", tests, make_files, remove_files);
}
