/* test_chat.c - conversations on a device: turns, what is kept of them between turns,
 * commands, files, a terminal, Ctrl-C. Formats are in tests/unit/test_chat_formats.c. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "model/program_bed.h"
#include "support/make_tiny.h"
#include "support/terminal.h"

#define CHATML                                                                           \
    "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\\n' + "         \
    "message['content'] + '<|im_end|>' + '\\n'}}{% endfor %}"

struct chat_bed {
    struct bed *bed;
    char chatml[512];  /* random weights, with a template */
    char bare[512];    /* the same without */
    char foreign[512]; /* with a template that is not known */
    char endless[512]; /* no token ends a text */
    char file[512], other[512];
};

static int make_chats(void **state)
{
    static const struct tiny_change with[] = {
        {.name = "tokenizer.chat_template", .what = TINY_STR, .text = CHATML}, TINY_END};
    static const struct tiny_change foreign[] = {
        {.name = "tokenizer.chat_template", .what = TINY_STR, .text = "{{ 'Bob: ' }}"},
        TINY_END};
    static const struct tiny_change endless[] = {
        {.name = "tokenizer.ggml.token_type", .what = TINY_REMOVE},
        {.name = "tokenizer.ggml.bos_token_id", .what = TINY_REMOVE},
        {.name = "tokenizer.ggml.eos_token_id", .what = TINY_REMOVE},
        TINY_END};
    struct chat_bed *b = calloc(1, sizeof *b);
    void *bed = NULL;
    assert_non_null(b);
    assert_int_equal(bed_make(&bed), 0);
    b->bed = bed;
    strcpy(b->chatml, scratch_path(&b->bed->scratch, "chatml.gguf"));
    strcpy(b->bare, scratch_path(&b->bed->scratch, "bare.gguf"));
    strcpy(b->foreign, scratch_path(&b->bed->scratch, "foreign.gguf"));
    strcpy(b->endless, scratch_path(&b->bed->scratch, "endless.gguf"));
    strcpy(b->file, scratch_path(&b->bed->scratch, "talk.json"));
    strcpy(b->other, scratch_path(&b->bed->scratch, "other.json"));
    tiny_save(tiny_find("olmoe"), b->chatml, with);
    tiny_save(tiny_find("olmoe"), b->bare, NULL);
    tiny_save(tiny_find("olmoe"), b->foreign, foreign);
    tiny_save(tiny_find("olmoe"), b->endless, endless);
    *state = b;
    return 0;
}

static int remove_chats(void **state)
{
    struct chat_bed *b = *state;
    void *bed = b->bed;
    free(b);
    return bed_remove(&bed);
}

/* The model's file, and more options. */
#define CHAT(...)                                                                        \
    ARGV("chat", "--greedy", "-n", "12", "-c", "512", "-v", "-m", __VA_ARGS__)

/* Run the program on lines of input; fails unless it ends with `code`. */
static struct program say(const struct chat_bed *b, const char *lines,
                          const char *const *argv, int code)
{
    struct program p = {.env = b->bed->env, .in = lines};
    program_run(&p, argv);
    if (p.code != code)
        fail_msg("exit code %d, not %d: %s", p.code, code, p.err);
    return p;
}

static void says(const struct chat_bed *b, const char *lines, const char *const *argv,
                 int code, const char *what)
{
    struct program p = say(b, lines, argv, code);
    assert_contains(p.err, what);
    program_free(&p);
}

/* The `i`th "prompt of N tokens, M of them known". */
static void prompt_figures(const char *err, int i, unsigned *n, unsigned *known)
{
    const char *at = err;
    for (; i >= 0; i--) {
        at = strstr(at, "prompt of ");
        assert_non_null(at);
        at++;
    }
    assert_int_equal(sscanf(at, "rompt of %u tokens, %u of them", n, known), 2);
}

static void write_file(const char *path, const char *text)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0 && fclose(f) == 0);
}

/* The text of message `i` of a saved conversation; lives as long as `o`. */
static const char *message(const cJSON *o, int i, const char *role)
{
    const cJSON *m = cJSON_GetArrayItem(bed_item(o, "messages"), i);
    assert_non_null(m);
    assert_string_equal(bed_item(m, "role")->valuestring, role);
    return bed_item(m, "content")->valuestring;
}

static cJSON *read_json(const char *path)
{
    char *text = bed_read(path);
    cJSON *o = cJSON_Parse(text);
    assert_non_null(o);
    free(text);
    return o;
}

/* ---- turns --------------------------------------------------------------------- */

static void turns_go_on_from_what_is_known(void **state)
{
    const struct chat_bed *b = *state;
    char lines[1200], again[1200];
    snprintf(lines, sizeof lines, "hello\nworld\n/save %s\n", b->file);
    struct program p = say(b, lines, CHAT(b->chatml, "-s", "be brief"), 0);
    assert_true(p.n_out > 0 && p.out[p.n_out - 1] == '\n');
    unsigned n[2], known[2];
    for (int i = 0; i < 2; i++)
        prompt_figures(p.err, i, &n[i], &known[i]);
    assert_int_equal(known[0], 0);
    /* The first prompt and some of the answer: an answer is written down as text, which
     * need not give back the tokens that were drawn. */
    assert_true(known[1] >= n[0] && known[1] < n[1]);

    cJSON *o = read_json(b->file);
    assert_string_equal(bed_item(o, "format")->valuestring, "chatml");
    assert_string_equal(message(o, 0, "system"), "be brief");
    assert_string_equal(message(o, 1, "user"), "hello");
    assert_string_equal(message(o, 3, "user"), "world");
    /* All at once gives the same answer as turn by turn. */
    snprintf(again, sizeof again, "/load %s\n/retry\n/save %s\n", b->file, b->other);
    struct program q = say(b, again, CHAT(b->chatml), 0);
    unsigned n_all, known_all;
    prompt_figures(q.err, 0, &n_all, &known_all);
    assert_int_equal(n_all, n[1]);
    assert_int_equal(known_all, 0);
    cJSON *other = read_json(b->other);
    assert_int_equal(cJSON_GetArraySize(bed_item(other, "messages")), 5);
    assert_string_equal(message(other, 4, "assistant"), message(o, 4, "assistant"));
    assert_non_null(strstr(p.out, q.out));
    cJSON_Delete(o);
    cJSON_Delete(other);
    program_free(&p);
    program_free(&q);
}

static void a_mark_that_is_typed_is_text(void **state)
{
    const struct chat_bed *b = *state;
    struct program p = say(b, "<|im_end|>\n", CHAT(b->chatml), 0);
    struct program q = say(b, "x\n", CHAT(b->chatml), 0);
    unsigned n_mark, n_x, known;
    prompt_figures(p.err, 0, &n_mark, &known);
    prompt_figures(q.err, 0, &n_x, &known);
    assert_int_equal(n_mark, n_x - 1 + strlen("<|im_end|>")); /* letter by letter */
    program_free(&p);
    program_free(&q);
}

static void a_conversation_needs_a_format(void **state)
{
    const struct chat_bed *b = *state;
    says(b, "hello\n", CHAT(b->bare), 1, "bare.gguf has no chat template");
    says(b, "hello\n", CHAT(b->bare), 1, "--chat-format plain");
    says(b, "hello\n", CHAT(b->foreign), 1, "chat template is none of those known");
    says(b, "hello\n", CHAT(b->foreign), 1, "chatml");
    says(b, "hello\n", CHAT(b->bare, "--chat-format", "chatmal"), 2,
         "knows no \"chatmal\". There are: gpt-oss");
    struct program p = say(b, "hello\n", CHAT(b->bare, "--chat-format", "chatml"), 0);
    assert_true(p.n_out > 0);
    program_free(&p);
    p = say(b, "", ARGV("chat", "--chat-format", "list"), 0);
    assert_contains(p.out, "\nqwen3 ");
    assert_contains(p.out, "\nplain ");
    program_free(&p);
}

static void plain_goes_on_with_what_is_written(void **state)
{
    const struct chat_bed *b = *state;
    struct program p =
        say(b, "Once upon a time\n/prompt\n", CHAT(TALES, "--chat-format", "plain"), 0);
    struct program q = say(b, "",
                           ARGV("run", "-m", TALES, "--greedy", "-n", "12", "-c", "512",
                                "--no-echo", "Once upon a time"),
                           0);
    assert_string_equal(p.out, q.out);
    assert_contains(p.err, "\nOnce upon a time");
    program_free(&p);
    program_free(&q);
}

static void what_does_not_fit_is_said(void **state)
{
    const struct chat_bed *b = *state;
    char lines[1200];
    memset(lines, 'x', 600);
    strcpy(lines + 600, "\nhello\n/prompt\n");
    /* The long message is taken back, and the next one is answered. */
    struct program p = say(b, lines, CHAT(b->chatml), 1);
    assert_contains(p.err, "the context room for 512 and an answer");
    assert_contains(p.err, "<|im_start|>user\nhello<|im_end|>");
    assert_null(strstr(p.err, "xx"));
    assert_true(p.n_out > 0);
    program_free(&p);
    says(b, "hello\n",
         ARGV("chat", "-m", b->endless, "--chat-format", "plain", "-c", "40"), 0,
         "the context of 40 tokens is full");
    says(b, "\xff\xfe\n", CHAT(b->chatml), 1, "the message is not UTF-8");
}

/* ---- commands ----------------------------------------------------------------- */

static void commands_change_the_conversation(void **state)
{
    const struct chat_bed *b = *state;
    struct program p = say(b,
                           "/system be brief\n"
                           "hello\\\n"
                           "world\n"
                           "/undo\n"
                           "//slash\n"
                           "/prompt\n"
                           "/reset\n"
                           "/prompt\n"
                           "/system -\n"
                           "/system\n"
                           "/quit\n"
                           "/bad\n",
                           CHAT(b->chatml), 0);
    assert_contains(p.err, "<|im_start|>system\nbe brief<|im_end|>\n"
                           "<|im_start|>user\n/slash<|im_end|>\n"
                           "<|im_start|>assistant\n");
    assert_contains(p.err, "\n<|im_start|>system\nbe brief<|im_end|>\n"
                           "<|im_start|>assistant\n");
    assert_contains(p.err, "There is no system message.");
    assert_null(strstr(p.err, "world"));
    program_free(&p);
}

static void retry_draws_another_answer(void **state)
{
    const struct chat_bed *b = *state;
    char lines[1200];
    snprintf(lines, sizeof lines, "hello\n/save %s\n/retry\n/save %s\n", b->file,
             b->other);
    struct program p = say(b, lines,
                           ARGV("chat", "-m", b->endless, "--chat-format", "plain", "-n",
                                "16", "-c", "64", "--seed", "5", "--temp", "2"),
                           0);
    cJSON *one = read_json(b->file), *two = read_json(b->other);
    assert_int_equal(cJSON_GetArraySize(bed_item(two, "messages")), 2);
    /* 16 tokens of about 300 each: they do not come twice. */
    assert_string_not_equal(message(one, 1, "assistant"), message(two, 1, "assistant"));
    cJSON_Delete(one);
    cJSON_Delete(two);
    program_free(&p);
}

static void wrong_commands_are_told(void **state)
{
    const struct chat_bed *b = *state;
    static const char *const wrong[][2] = {
        {"/nonsense", "/nonsense is no command"},
        {"/re", "/re is the beginning of several commands"},
        {"/undo 3", "/undo takes nothing, but was given \"3\""},
        {"/undo", "there is nothing to undo"},
        {"/retry", "there is no message to answer again"},
        {"/save", "/save wants a file name"},
        {"/load /nowhere/at.all", "/nowhere/at.all: cannot open"},
        {"/experts some", "/experts takes on, off or the number of a block"},
        {"/experts 99", "block 99 of"},
        {"/ban 3", "/ban takes block:expert"},
        {"/ban 99:1", "99"},
        {"/device nowhere", "nowhere"},
        {"/system \xff", "the system message is not UTF-8"},
    };
    char lines[600] = "";
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        strcat(lines, wrong[i][0]);
        strcat(lines, "\n");
    }
    struct program p = say(b, lines, CHAT(b->chatml), 1);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_contains(p.err, wrong[i][1]);
    program_free(&p);
    says(b, "/help\n", CHAT(b->chatml), 0, "/retry ");
}

static void files_that_are_no_conversations_are_refused(void **state)
{
    const struct chat_bed *b = *state;
    static const char *const bad[][2] = {
        {"{\"messages\": [", "not JSON from byte"},
        {"[]", "it has no list \"messages\""},
        {"{\"messages\": [{\"role\": \"tool\", \"content\": \"x\"}]}",
         "messages[0] wants"},
        {"{\"messages\": [{\"role\": \"user\"}]}", "messages[0] wants"},
        {"{\"messages\": [{\"role\": \"user\", \"content\": \"x\"},"
         "{\"role\": \"system\", \"content\": \"x\"}]}",
         "messages[1] is a system message"},
        {"{\"messages\": [{\"role\": \"user\", \"content\": \"\xc3\"}]}", "is not UTF-8"},
    };
    enum { N = sizeof bad / sizeof *bad };
    char lines[N * 600] = "/system stay\n";
    for (int i = 0; i < N; i++) {
        char name[16];
        snprintf(name, sizeof name, "bad%d.json", i);
        const char *path = scratch_path(&b->bed->scratch, name);
        write_file(path, bad[i][0]);
        strcat(strcat(strcat(lines, "/load "), path), "\n");
    }
    struct program p = say(b, strcat(lines, "/system\n"), CHAT(b->chatml), 1);
    for (int i = 0; i < N; i++)
        assert_contains(p.err, bad[i][1]);
    assert_contains(p.err, "\nstay\n"); /* what was there is there still */
    program_free(&p);
}

/* A NUL is no text; where a file says it by an escape, it is a character like any that
 * cannot be read. */
static void no_text_has_a_nul(void **state)
{
    const struct chat_bed *b = *state;
    static const char typed[] =
        "printf 'a\\0b\\n/system x\\0y\\n/system\\n' | \"$0\" \"$@\"";
    struct program p = {.env = b->bed->env};
    program_run(&p, (const char *[]){"/bin/sh", "-c", typed, LEM_TEST_PROGRAM, "chat",
                                     "-m", b->chatml, NULL});
    assert_int_equal(p.code, 1);
    assert_contains(p.err, "the message has a NUL byte at offset 1");
    assert_contains(p.err, "the command has a NUL byte at offset 9");
    assert_contains(p.err, "There is no system message.");
    assert_int_equal(p.n_out, 0);
    program_free(&p);

    char lines[1200];
    write_file(b->file, "{\"messages\": [{\"role\": \"user\", \"content\": "
                        "\"one\\u0000two\\\\u0000\"}]}");
    snprintf(lines, sizeof lines, "/load %s\n/save %s\n", b->file, b->other);
    says(b, lines, CHAT(b->chatml), 0, "1 NUL characters are read as U+FFFD");
    cJSON *o = read_json(b->other);
    assert_string_equal(message(o, 0, "user"), "one\xef\xbf\xbdtwo\\u0000");
    cJSON_Delete(o);

    FILE *f = fopen(b->file, "wb");
    assert_non_null(f);
    assert_true(fwrite("{\"messages\": [\0]}", 1, 18, f) == 18 && fclose(f) == 0);
    says(b, lines, CHAT(b->chatml), 1, "has a NUL byte at offset 14");
    says(b, "", CHAT(b->chatml, "-s", "\xc3"), 1, "the system message is not UTF-8");
}

static void experts_are_shown_and_banned(void **state)
{
    const struct chat_bed *b = *state;
    struct program p = say(b,
                           "/experts on\nhello\n/experts\n/experts off\nworld\n"
                           "/ban all:0\n/ban\n/unban all:0\n/ban\n",
                           CHAT(b->chatml, "--color", "never"), 0);
    assert_contains(p.out, "[");
    assert_contains(p.out, "First expert of 12 tokens at block");
    assert_contains(p.err, "\"ban\": [0]");
    assert_contains(p.err, "\"layers\": []");
    program_free(&p);
    /* All of a policy can be changed between messages, written and read again. */
    char script[1200];
    const char *file = scratch_path(&b->bed->scratch, "policy.json");
    snprintf(script, sizeof script,
             "/force all:1\n/bias 0:2=+0.5\n/limit 1\n/write-policy %s\n/unban all:1\n"
             "/limit 0\n/unban 0:2\n/policy\n/policy %s\n/policy\n/bias 0:2\n/limit x\n",
             file, file);
    p = say(b, script, CHAT(b->chatml, "--color", "never"), 1);
    const char *empty = strstr(p.err, "\"layers\": []");
    assert_non_null(empty);
    assert_contains(empty, "\"force\": [1]");
    assert_contains(empty, "\"experts\": 1");
    assert_contains(empty, "\"2\": 0.5");
    assert_contains(p.err, "/bias takes block:expert=number");
    assert_contains(p.err, "/limit takes how many");
    program_free(&p);
    assert_int_equal(remove(file), 0);
    /* What is banned is not chosen. */
    p = say(b, "/ban all:0\n/experts on\nhello\n/experts\n",
            CHAT(b->chatml, "--color", "never"), 0);
    assert_null(strstr(p.out, "[0]"));
    program_free(&p);
}

static void the_conversation_moves_to_another_device(void **state)
{
    const struct chat_bed *b = *state;
    struct program p = say(b, "/ban all:0\nhello\n/device 0\n/retry\n/ban\n/device\n",
                           CHAT(b->chatml), 0);
    assert_contains(p.err, "now on ");
    assert_contains(p.err, "\"ban\": [0]"); /* the policy came along */
    assert_contains(p.err, "\n* 0  ");
    /* Nothing is known there, and the answer is the same. */
    unsigned n, known;
    prompt_figures(p.err, 1, &n, &known);
    assert_int_equal(known, 0);
    const char *half = p.out + p.n_out / 2;
    assert_int_equal(p.n_out % 2, 0);
    assert_memory_equal(p.out, half, p.n_out / 2);
    program_free(&p);
}

/* ---- Ctrl-C and a terminal ------------------------------------------------------ */

/* An answer that does not end by itself before the test is done with it. */
#define ENDLESS(b)                                                                       \
    ARGV("chat", "-m", (b)->endless, "--chat-format", "plain", "-c", "200000", "-n",     \
         "190000")

static void ctrl_c_stops_the_answer_only(void **state)
{
    const struct chat_bed *b = *state;
    struct program p = {.env = b->bed->env, .in = "hello\n/prompt\n"};
    program_start(&p, ENDLESS(b));
    const struct timespec ms = {.tv_nsec = 1000000};
    for (int i = 0; i < 120000 && program_out_bytes(&p) < 8; i++)
        nanosleep(&ms, NULL);
    kill(p.pid, SIGINT);
    program_wait(&p);
    if (p.code != 0)
        fail_msg("exit code %d: %s", p.code, p.err);
    assert_memory_equal(p.err, "hello", 5); /* what was said is kept */
    assert_true(p.n_out < 100000);          /* the whole answer has 190000 tokens */
    assert_null(strstr(p.err, "error"));
    program_free(&p);
}

static void a_terminal_edits_stops_and_ends(void **state)
{
    const struct chat_bed *b = *state;
    struct terminal t;
    terminal_open(&t, b->bed->env, ENDLESS(b));
    terminal_wait(&t, "Ctrl-D ends.");
    terminal_wait(&t, "> ");
    terminal_type(&t, "hellp\177o\r");
    terminal_wait_bytes(&t, 64); /* the line itself, and some of the answer */
    terminal_type(&t, "\003");
    terminal_wait(&t, "\n> ");
    terminal_type(&t, "/prompt\r");
    terminal_wait(&t, "/prompt");
    terminal_wait(&t, "hello");
    terminal_wait(&t, "\n> ");
#ifdef LEM_TEST_LIBEDIT
    terminal_type(&t, "half a line\003");
    terminal_wait(&t, "^C");
    terminal_wait(&t, "> ");
    terminal_type(&t, "\020\r"); /* the line before: Ctrl-P, as the arrow */
    terminal_wait(&t, "/prompt");
    terminal_wait(&t, "hello");
    terminal_wait(&t, "\n> ");
#endif
    terminal_type(&t, "\004");
    terminal_close(&t, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(turns_go_on_from_what_is_known),
        cmocka_unit_test(a_mark_that_is_typed_is_text),
        cmocka_unit_test(a_conversation_needs_a_format),
        cmocka_unit_test(plain_goes_on_with_what_is_written),
        cmocka_unit_test(what_does_not_fit_is_said),
        cmocka_unit_test(commands_change_the_conversation),
        cmocka_unit_test(retry_draws_another_answer),
        cmocka_unit_test(wrong_commands_are_told),
        cmocka_unit_test(files_that_are_no_conversations_are_refused),
        cmocka_unit_test(no_text_has_a_nul),
        cmocka_unit_test(experts_are_shown_and_banned),
        cmocka_unit_test(the_conversation_moves_to_another_device),
        cmocka_unit_test(ctrl_c_stops_the_answer_only),
        cmocka_unit_test(a_terminal_edits_stops_and_ends),
    };
    return cmocka_run_group_tests_name("chat", tests, make_chats, remove_chats);
}
