/* test_program.c - the program on a device: text, routing files, logits, perplexity,
 * bench, a full context, Ctrl-C. What needs no device is in tests/unit/test_cli.c. */
#include "support/program.h"

#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cjson/cJSON.h>
#include <cmocka.h>

#include "support/make_tiny.h"
#include "support/scratch.h"

#define ARGV(...) ((const char *const[]){LEM_TEST_PROGRAM, __VA_ARGS__, NULL})
#define TALES     LEM_TEST_ASSETS "/moe-tales-q8_0.gguf"

struct bed {
    struct scratch scratch, cache;
    char moe[512], dense[512], file[512];
    char caps[64], xdg[300]; /* of the environment */
    const char *env[3];
};

static int make_bed(void **state)
{
    struct bed *b = calloc(1, sizeof *b);
    assert_non_null(b);
    scratch_open(&b->scratch);
    strcpy(b->moe, scratch_path(&b->scratch, "olmoe.gguf"));
    tiny_save(tiny_find("olmoe"), b->moe, NULL);
    strcpy(b->dense, scratch_path(&b->scratch, "llama.gguf"));
    tiny_save(tiny_find("llama"), b->dense, NULL);
    strcpy(b->file, scratch_path(&b->scratch, "result"));
    strcpy(b->cache.dir, scratch_path(&b->scratch, "lemnos"));
    const char *caps = getenv("LEMNOS_TEST_CAPS");
    snprintf(b->caps, sizeof b->caps, "LEMNOS_CAPS=%s", caps ? caps : "");
    snprintf(b->xdg, sizeof b->xdg, "XDG_CACHE_HOME=%s", b->scratch.dir);
    b->env[0] = b->caps;
    b->env[1] = b->xdg;
    *state = b;
    return 0;
}

static int remove_bed(void **state)
{
    struct bed *b = *state;
    scratch_close(&b->cache);
    scratch_close(&b->scratch);
    free(b);
    return 0;
}

static struct program run(const struct bed *b, const char *const *argv, int code)
{
    struct program p = {.env = b->env};
    program_run(&p, argv);
    if (p.code != code)
        fail_msg("%s: exit code %d, not %d: %s", argv[1], p.code, code, p.err);
    return p;
}

static void run_fails(const struct bed *b, const char *const *argv, const char *says)
{
    struct program p = run(b, argv, 1);
    assert_contains(p.err, says);
    program_free(&p);
}

/* ---- JSON ------------------------------------------------------------- */

static cJSON *parse(const char *text)
{
    cJSON *o = cJSON_Parse(text);
    if (!o)
        fail_msg("no JSON: %s", text);
    return o;
}

static const cJSON *item(const cJSON *o, const char *key)
{
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(o, key);
    if (!v)
        fail_msg("no \"%s\"", key);
    return v;
}

static double number(const cJSON *o, const char *key)
{
    const cJSON *v = item(o, key);
    assert_true(cJSON_IsNumber(v));
    return v->valuedouble;
}

/* ---- run ------------------------------------------------------------------------ */

static void assert_utf8(const char *s)
{
    for (const unsigned char *u = (const unsigned char *)s; *u;) {
        int more = *u < 0x80 ? 0 : *u >= 0xf0 ? 3 : *u >= 0xe0 ? 2 : 1;
        assert_true(*u < 0x80 || (*u >= 0xc2 && *u <= 0xf4));
        for (u++; more > 0; more--, u++)
            assert_int_equal(*u & 0xc0, 0x80);
    }
}

static void a_seed_gives_one_text(void **state)
{
    const struct bed *b = *state;
    const char *const argv[] = {LEM_TEST_PROGRAM,
                                "run",
                                "-m",
                                b->moe,
                                "--ignore-eos",
                                "--temp",
                                "3",
                                "-n",
                                "40",
                                "--seed",
                                "5",
                                "hello",
                                "caf\xc3\xa9",
                                NULL};
    struct program one = run(b, argv, 0), two = run(b, argv, 0);
    assert_string_equal(one.out, two.out);
    assert_int_equal(strncmp(one.out, "hello caf\xc3\xa9", 11), 0);
    assert_int_equal(one.out[one.n_out - 1], '\n');
    assert_utf8(one.out);
    assert_contains(one.err, "lemnos: load ");
    assert_contains(one.err, " | generation 40 tokens, ");
    assert_contains(one.err, " device memory\n");
    program_free(&one);

    const char *other[sizeof argv / sizeof *argv];
    memcpy(other, argv, sizeof argv);
    other[10] = "6";
    one = run(b, other, 0);
    assert_string_not_equal(one.out, two.out);
    program_free(&one);
    program_free(&two);
}

static void greedy_is_temperature_0(void **state)
{
    const struct bed *b = *state;
    struct program one =
        run(b, ARGV("run", "-qm", b->moe, "--greedy", "-n", "12", "hello"), 0);
    struct program two =
        run(b, ARGV("run", "-qm", b->moe, "--temp", "0", "-n12", "-p", "hello"), 0);
    assert_string_equal(one.out, two.out);
    assert_string_equal(one.err, "");
    program_free(&two);
    two = run(
        b, ARGV("run", "-q", "-m", b->moe, "--greedy", "-n12", "--no-echo", "hello"), 0);
    assert_string_equal(one.out + strlen("hello"), two.out);
    program_free(&two);
    /* a file's last newline is the editor's */
    two = (struct program){.in = "hello\n", .env = b->env};
    program_run(&two, ARGV("run", "-q", "-m", b->moe, "--greedy", "-n12", "-f", "-"));
    assert_string_equal(one.out, two.out);
    program_free(&two);
    program_free(&one);
}

/* Take "[3]" out of `text` in place; returns how many. */
static int drop_markers(char *text)
{
    int n = 0;
    char *to = text;
    for (const char *p = text; *p;) {
        const size_t digits = *p == '[' ? strspn(p + 1, "0123456789") : 0;
        if (digits && p[1 + digits] == ']') {
            n++;
            p += digits + 2;
        } else {
            *to++ = *p++;
        }
    }
    *to = '\0';
    return n;
}

static void experts_are_marked_counted_and_recorded(void **state)
{
    const struct bed *b = *state;
    struct program plain =
        run(b, ARGV("run", "-qm", b->moe, "--greedy", "-n", "9", "hello world"), 0);
    struct program p = run(b,
                           ARGV("run", "-qm", b->moe, "--greedy", "-n", "9",
                                "--show-experts=0", "--routing", b->file, "hello world"),
                           0);
    size_t n;
    char *text = program_read_file(b->file, &n);
    cJSON *o = parse(text);
    free(text);
    const int n_token = cJSON_GetArraySize(item(o, "tokens"));
    assert_int_equal(n_token, number(o, "n_prompt") + 9);
    assert_int_equal(cJSON_GetArraySize(item(o, "pieces")), n_token);
    const cJSON *layers = item(o, "layers");
    const struct tiny *t = tiny_find("olmoe");
    assert_int_equal(cJSON_GetArraySize(layers), t->n_layer);
    uint32_t count[16] = {0};
    for (int i = 0; i < n_token; i++) {
        const cJSON *ids =
            cJSON_GetArrayItem(item(cJSON_GetArrayItem(layers, 0), "ids"), i);
        const cJSON *w =
            cJSON_GetArrayItem(item(cJSON_GetArrayItem(layers, 0), "weights"), i);
        assert_int_equal(cJSON_GetArraySize(ids), t->n_expert_used);
        assert_int_equal(cJSON_GetArraySize(w), t->n_expert_used);
        const int best = cJSON_GetArrayItem(ids, 0)->valueint;
        assert_in_range(best, 0, t->n_expert - 1);
        count[best]++;
        assert_true(cJSON_GetArrayItem(w, 0)->valuedouble >=
                    cJSON_GetArrayItem(w, 1)->valuedouble);
    }
    cJSON_Delete(o);

    char *legend = strstr(p.out, "\nFirst expert of ");
    assert_non_null(legend);
    for (uint32_t e = 0; e < t->n_expert; e++) {
        char part[32];
        snprintf(part, sizeof part, "[%u] %u ", e, count[e]);
        if (count[e])
            assert_contains(legend, part);
    }
    *legend = '\0';
    assert_int_equal(remove(b->file), 0);
    /* tokens without bytes, and those amid a character, have none */
    assert_in_range(drop_markers(p.out), 4, n_token);
    assert_string_equal(p.out, plain.out);
    program_free(&p);
    program_free(&plain);
}

static void colors_are_escapes_and_no_bytes_of_text(void **state)
{
    const struct bed *b = *state;
    struct program p = run(b,
                           ARGV("run", "-qm", b->moe, "--greedy", "-n", "3",
                                "--show-experts", "--color=always", "hello world"),
                           0);
    assert_contains(p.out, "\033[");
    assert_contains(p.out, "\033[0m");
    assert_null(strstr(p.out, "[0]"));
    program_free(&p);
}

static void what_does_not_fit_is_said(void **state)
{
    const struct bed *b = *state;
    struct program p = run(
        b, ARGV("run", "-m", b->moe, "-c", "16", "-n", "-1", "--ignore-eos", "hello"), 0);
    assert_contains(p.err, "the context of 16 tokens is full");
    program_free(&p);
    run_fails(b, ARGV("run", "-m", b->moe, "-c", "2", "a b c d e f"),
              "the context room for 2");
    run_fails(b, ARGV("eval", "-m", b->moe, "-c", "2", "--tokens", "1,2,3"),
              "do not fit a context of 2");
    run_fails(b, ARGV("run", "-m", b->dense, "--show-experts", "x"), "is a dense model");
    run_fails(b, ARGV("bench", "-m", b->dense, "--tap"), "is a dense model");
    run_fails(b, ARGV("run", "-m", b->moe, "--show-experts=7", "x"), "from 0 to 1 do");
    run_fails(b, ARGV("run", "-m", b->moe, "-d", "no such thing", "x"), "no such thing");
    run_fails(b, ARGV("run", "-m", b->moe, "--memory", "1000", "x"), "memory");
}

static void text_that_cannot_be_printed_ends_it(void **state)
{
    const struct bed *b = *state;
    struct program p = {.env = b->env, .out_path = ""};
    program_run(&p, ARGV("run", "-qm", b->moe, "--routing", b->file, "hello"));
    assert_int_equal(p.code, 1);
    assert_contains(p.err, "standard output: cannot write");
    assert_int_not_equal(access(b->file, F_OK), 0);
    program_free(&p);
}

/* ---- eval and perplexity ---------------------------------------------------------- */

static float *eval_logits(const struct bed *b, const char *ids, const char *how,
                          size_t *n)
{
    struct program p =
        run(b, ARGV("eval", "-qm", b->moe, "--tokens", ids, "--logits", b->file, how), 0);
    program_free(&p);
    char *data = program_read_file(b->file, n);
    assert_int_equal(remove(b->file), 0);
    *n /= sizeof(float);
    return (float *)(void *)data;
}

static void eval_gives_the_same_in_any_batches(void **state)
{
    const struct bed *b = *state;
    const uint32_t n_vocab = tiny_find("olmoe")->n_vocab;
    static const char ids[] = "5,6,7,100,99,98,300";
    /* f32 sums of a few hundred terms in another order; a cache that is not rounded */
    static const struct {
        const char *option;
        float most;
    } how[] = {{"--steps", 1e-4f}, {"-b3", 1e-4f}, {"--exact", 5e-3f}};
    size_t n, m;
    float *want = eval_logits(b, ids, "-b7", &n);
    assert_int_equal(n, 7 * n_vocab);
    for (int k = 0; k < 3; k++) {
        float *got = eval_logits(b, ids, how[k].option, &m);
        assert_int_equal(m, n);
        for (size_t i = 0; i < n; i++)
            if (!(fabsf(got[i] - want[i]) <= how[k].most))
                fail_msg("%s: logit %zu is %g, not %g", how[k].option, i, (double)got[i],
                         (double)want[i]);
        free(got);
    }

    struct program p = run(
        b,
        ARGV("eval", "-qm", b->moe, "--tokens", ids, "--greedy", "3", "--routing", "-"),
        0);
    char *second = strchr(p.out, '\n') + 1; /* the routing comes first */
    cJSON *routing = parse(p.out), *o = parse(second);
    assert_int_equal(cJSON_GetArraySize(item(routing, "tokens")), 7);
    uint32_t best = 0;
    for (uint32_t i = 1; i < n_vocab; i++)
        if (want[6 * n_vocab + i] > want[6 * n_vocab + best])
            best = i;
    assert_int_equal(number(o, "argmax"), best);
    assert_int_equal(cJSON_GetArraySize(item(o, "greedy")), 3);
    assert_int_equal(cJSON_GetArrayItem(item(o, "greedy"), 0)->valueint, best);
    assert_int_equal(number(o, "n_token"), 7);
    cJSON_Delete(o);
    cJSON_Delete(routing);
    program_free(&p);
    free(want);
}

/* Sum of -ln softmax(row t)[id t+1] over a list of ids. */
static double sum_nll(const float *logits, const int *id, int n, uint32_t n_vocab)
{
    double sum = 0;
    for (int t = 0; t + 1 < n; t++) {
        const float *row = logits + (size_t)t * n_vocab;
        double all = 0;
        for (uint32_t i = 0; i < n_vocab; i++)
            all += exp((double)row[i]);
        sum += log(all) - (double)row[id[t + 1]];
    }
    return sum;
}

static void perplexity_is_that_of_the_logits(void **state)
{
    const struct bed *b = *state;
    static const char text[] = "hello world, it is a long way to go";
    struct program ids = run(b, ARGV("tokenize", "-m", b->moe, text), 0);
    int id[64], n = 0;
    for (char *p = ids.out, *end; n < 64; p = end) {
        const long v = strtol(p, &end, 10);
        if (end == p)
            break;
        id[n++] = (int)v;
    }
    assert_in_range(n, 10, 63);
    size_t n_logit;
    float *logits = eval_logits(b, ids.out, "-v", &n_logit);
    const double want =
        exp(sum_nll(logits, id, n, tiny_find("olmoe")->n_vocab) / (n - 1));
    free(logits);
    program_free(&ids);

    struct program p = {.in = text, .env = b->env};
    program_run(&p, ARGV("perplexity", "-qm", b->moe, "--json"));
    cJSON *o = parse(p.out);
    assert_int_equal(number(o, "n_scored"), n - 1);
    /* f32 logits of magnitude 10, rounded in other batches */
    assert_true(fabs(number(o, "perplexity") / want - 1) < 1e-4);
    assert_true(number(o, "standard_error") > 0);
    cJSON_Delete(o);
    program_free(&p);

    p = (struct program){.in = text, .env = b->env};
    program_run(&p, ARGV("perplexity", "-qm", b->moe, "--json", "-c", "4"));
    o = parse(p.out);
    const int rest = n % 4;
    assert_int_equal(number(o, "n_scored"), n / 4 * 3 + (rest ? rest - 1 : 0));
    cJSON_Delete(o);
    program_free(&p);
}

/* ---- bench and devices --------------------------------------------------------------
 */

static void bench_prints_what_it_measured(void **state)
{
    const struct bed *b = *state;
    struct program p = run(
        b, ARGV("bench", "-qm", b->moe, "-p9", "-n", "5", "-r", "3", "--tap", "--json"),
        0);
    cJSON *o = parse(p.out);
    static const char *const name[] = {"pp9", "tg5", "tg5+tap"};
    static const char *const key[] = {"pp", "tg", "tap"};
    const cJSON *s = NULL;
    for (int i = 0; i < 3; i++) {
        s = cJSON_GetArrayItem(item(o, "results"), i);
        assert_string_equal(item(s, "name")->valuestring, name[i]);
        assert_true(cJSON_Compare(s, item(o, key[i]), true));
        assert_int_equal(number(s, "n"), i == 0 ? 9 : 5);
        assert_true(number(s, "min") > 0);
        assert_true(number(s, "min") <= number(s, "median"));
        assert_true(number(s, "median") <= number(s, "max"));
    }
    assert_true(number(s, "ratio") > 0);
    assert_string_equal(item(o, "model")->valuestring, "olmoe.gguf");
    cJSON_Delete(o);
    program_free(&p);
}

/* ---- signals -------------------------------------------------------------------- */

/* Text that several tokens are needed for: a token is printed before it is run, so the
 * first one alone would leave nothing after the prompt in the recording. */
#define SOME_TEXT 100
/* And so long that no end of its own comes before the signal. */
#define LONG_CONTEXT "20000"

/* Start a text that is long in the making and wait until some of it is there. */
static struct program start_long_text(const struct bed *b)
{
    struct program p = {.env = b->env};
    program_start(&p, ARGV("run", "-m", TALES, "-n", "-1", "--ignore-eos", "--no-echo",
                           "-c", LONG_CONTEXT, "--routing", b->file, "Once upon a time"));
    const struct timespec ms = {.tv_nsec = 1000000};
    for (int i = 0; i < 120000 && program_out_bytes(&p) < SOME_TEXT; i++)
        nanosleep(&ms, NULL);
    assert_true(program_out_bytes(&p) >= SOME_TEXT);
    return p;
}

static void ctrl_c_stops_cleanly(void **state)
{
    const struct bed *b = *state;
    struct program p = start_long_text(b);
    kill(p.pid, SIGINT);
    program_wait(&p);
    if (p.code != 0)
        fail_msg("exit code %d: %s", p.code, p.err);
    assert_contains(p.err, " | generation ");
    assert_null(strstr(p.err, "error"));
    assert_int_equal(p.out[p.n_out - 1], '\n');
    size_t n;
    char *text = program_read_file(b->file, &n);
    cJSON *o = parse(text);
    assert_true(cJSON_GetArraySize(item(o, "tokens")) > number(o, "n_prompt"));
    assert_true(cJSON_GetArraySize(item(o, "tokens")) < 19000);
    cJSON_Delete(o);
    free(text);
    assert_int_equal(remove(b->file), 0);
    program_free(&p);
}

static void an_end_by_force_leaves_no_file(void **state)
{
    const struct bed *b = *state;
    const int before = scratch_count(&b->scratch);
    struct program p = start_long_text(b);
    kill(p.pid, SIGTERM);
    program_wait(&p);
    assert_int_equal(p.code, 128 + SIGTERM);
    assert_int_equal(scratch_count(&b->scratch), before);
    program_free(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_seed_gives_one_text),
        cmocka_unit_test(greedy_is_temperature_0),
        cmocka_unit_test(experts_are_marked_counted_and_recorded),
        cmocka_unit_test(colors_are_escapes_and_no_bytes_of_text),
        cmocka_unit_test(what_does_not_fit_is_said),
        cmocka_unit_test(text_that_cannot_be_printed_ends_it),
        cmocka_unit_test(eval_gives_the_same_in_any_batches),
        cmocka_unit_test(perplexity_is_that_of_the_logits),
        cmocka_unit_test(bench_prints_what_it_measured),
        cmocka_unit_test(ctrl_c_stops_cleanly),
        cmocka_unit_test(an_end_by_force_leaves_no_file),
    };
    return cmocka_run_group_tests_name("program", tests, make_bed, remove_bed);
}
