/* test_compare.c - routing policies on the command line and in files, and `compare`. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lemnos/trace.h"
#include "model/program_bed.h"

static void write_file(const char *path, const char *what)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_true(fputs(what, f) >= 0 && fclose(f) == 0);
}

static void a_saved_policy_is_the_same_policy(void **state)
{
    struct bed *b = *state;
    char again[512];
    strcpy(again, scratch_path(&b->scratch, "again.json"));
    struct program p =
        bed_run(b,
                ARGV("run", "-q", "-m", TALES, "--greedy", "-n", "12", "--ban",
                     "all:1,2:4", "--force", "3:2", "--bias", "0:5=+0.3,1:7=-2",
                     "--experts", "2", "--save-policy", b->file, "Once"),
                0);
    struct program q = bed_run(b,
                               ARGV("run", "-q", "-m", TALES, "--greedy", "-n", "12",
                                    "--policy", b->file, "--save-policy", again, "Once"),
                               0);
    assert_string_equal(p.out, q.out);
    char *first = bed_read(b->file);
    char *second = bed_read(again);
    assert_string_equal(first, second);
    assert_contains(first, "\"layer\": 2, \"experts\": 2, \"ban\": [1, 4]");
    assert_contains(first, "\"bias\": {\"5\": 0.3");
    assert_contains(first, "\"force\": [2]");
    free(first);
    free(second);
    program_free(&p);
    program_free(&q);
}

static void bad_policies_are_refused(void **state)
{
    struct bed *b = *state;
    static const char *const bad[][2] = {
        {"{", "not JSON"},
        {"{}", "no list \"layers\""},
        {"{\"layers\": []} more", "something follows the policy, at byte 15"},
        {"{\"layers\": [], \"layer\": 1}", "\"layer\" is not known"},
        {"{\"layers\": [], \"layers\": []}", "there twice"},
        {"{\"layers\": [{\"layer\": 0, \"ban\": [1], \"ban\": [2]}]}", "there twice"},
        {"{\"layers\": [{\"layer\": 0, \"bias\": {\"-1\": 1}}]}", "an object such as"},
        {"{\"layers\": [{\"layer\": 0, \"bias\": {\" 1\": 1}}]}", "an object such as"},
        {"{\"layers\": [{\"ban\": [1]}]}", "\"layer\" must be"},
        {"{\"layers\": [{\"layer\": 0, \"bann\": [1]}]}", "\"bann\" is not known"},
        {"{\"layers\": [{\"layer\": 0, \"ban\": [1.5]}]}", "a list of experts"},
        {"{\"layers\": [{\"layer\": 0, \"bias\": [1]}]}", "an object such as"},
        {"{\"layers\": [{\"layer\": 6, \"ban\": [1]}]}", "block 6 does not route"},
        {"{\"layers\": [{\"layer\": 0, \"ban\": [16]}]}", "does not exist"},
        {"{\"layers\": [{\"layer\": 0, \"experts\": 3}]}", "uses 2"},
        {"{\"layers\": [{\"layer\": 0, \"ban\": "
         "[0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15]}]}",
         "would be banned"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        write_file(b->file, bad[i][0]);
        struct program p = bed_run(
            b, ARGV("run", "-q", "-m", TALES, "-n", "1", "--policy", b->file, "x"), 1);
        assert_contains(p.err, bad[i][1]);
        program_free(&p);
    }
    struct program twice =
        bed_run(b, ARGV("run", "-m", TALES, "--ban", "0:1", "--ban", "0:2", "x"), 2);
    assert_contains(twice.err, "--ban is given twice");
    program_free(&twice);
    twice = bed_run(b, ARGV("stats", "-m", TALES, "-f", b->file, "-f", b->file), 2);
    assert_contains(twice.err, "-f is given twice");
    program_free(&twice);
    static const char *const rules[] = {"3", "3:", "a:1", "3:1,", "3:1 ", ""};
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        struct program p =
            bed_run(b, ARGV("run", "-m", TALES, "--ban", rules[i], "x"), 2);
        assert_contains(p.err, "--ban takes");
        program_free(&p);
    }
    struct program p = bed_run(b, ARGV("run", "-m", TALES, "--bias", "3:1", "x"), 2);
    assert_contains(p.err, "--bias takes");
    program_free(&p);
}

/* Tokens may use fewer experts than usual; the recording says which policy did that. */
static void a_recording_holds_its_policy(void **state)
{
    struct bed *b = *state;
    enum { N_LAYER = 6, N_USED = 2, N_PAIR = N_LAYER * N_USED };
    struct program p =
        bed_run(b,
                ARGV("run", "-q", "-m", TALES, "--greedy", "-n", "4", "--experts", "1",
                     "--ban", "2:0,2:3", "--trace", b->file, "Once"),
                0);
    program_free(&p);
    struct lem_trace *t = NULL;
    struct lem_trace_info info;
    struct lem_trace_event event;
    char text[1024];
    assert_int_equal(lem_trace_open(b->file, NULL, &t), LEM_OK);
    lem_trace_get_info(t, &info);
    assert_int_equal(info.facts.n_layer_moe * info.facts.n_expert_used, N_PAIR);
    assert_int_equal(lem_trace_get_event(t, 0, &event), LEM_OK);
    assert_int_equal(event.kind, LEM_TRACE_POLICY);
    assert_int_equal(event.before, 0);
    const size_t n = lem_trace_event_text(t, 0, text, sizeof text - 1);
    assert_in_range(n, 1, sizeof text - 1);
    text[n] = '\0';
    assert_contains(text, "\"layer\": 2, \"experts\": 1, \"ban\": [0, 3]");
    for (uint64_t i = 0; i < info.n_token; i++) {
        uint16_t ids[N_PAIR];
        float weights[N_PAIR];
        assert_int_equal(lem_trace_routing(t, i, 1, ids, weights), LEM_OK);
        for (int k = 0; k < N_PAIR; k += N_USED) {
            assert_true(ids[k] < 16 && weights[k] > 0);
            assert_int_equal(ids[k + 1], LEM_NO_EXPERT);
            assert_true(weights[k + 1] == 0);
        }
    }
    lem_trace_close(&t);
    p = bed_run(b, ARGV("trace", "--csv", b->file), 0);
    assert_contains(p.out, ",,\n"); /* the second expert's columns are empty */
    program_free(&p);
    p = bed_run(b, ARGV("trace", b->file, b->file), 0);
    assert_contains(p.out, "100.0 %            0.00 %");
    program_free(&p);
}

static void compare_of_a_policy_with_none(void **state)
{
    struct bed *b = *state;
    write_file(b->file, "{\"layers\": [{\"layer\": \"all\", \"experts\": 1}]}");
    cJSON *o = bed_json(b, ARGV("compare", "-q", "-m", TALES, "--greedy", "-n", "16",
                                "--policy", b->file, "--json", "-p", "Once upon a time"));
    const cJSON *a = bed_item(o, "a"), *n = bed_item(o, "b"), *kl = bed_item(o, "kl");
    const int length = cJSON_GetArraySize(bed_item(a, "tokens"));
    const uint32_t n_prompt = (uint32_t)bed_number(o, "n_prompt");
    assert_int_equal(cJSON_GetArraySize(kl), length - 1);
    double sum[2] = {0}, divergence = 0;
    for (uint32_t i = n_prompt - 1; i < (uint32_t)length - 1; i++) {
        assert_true(bed_at(kl, i) >= 0);
        sum[0] += bed_at(bed_item(o, "log_p_a"), i);
        sum[1] += bed_at(bed_item(o, "log_p_b"), i);
        divergence += bed_at(kl, i);
    }
    const double written = (double)length - n_prompt;
    bed_near(a, "perplexity_under_a", exp(-sum[0] / written));
    bed_near(a, "perplexity_under_b", exp(-sum[1] / written));
    bed_near(o, "kl_mean", divergence / written);
    assert_true(divergence > 0);
    /* greedy: each side finds its own text the likelier */
    assert_true(bed_number(a, "perplexity_under_a") <
                bed_number(a, "perplexity_under_b"));
    assert_true(bed_number(n, "perplexity_under_b") <
                bed_number(n, "perplexity_under_a"));
    cJSON_Delete(o);
}

/* A policy against itself: the same texts, no divergence at all. */
static void compare_of_a_policy_with_itself(void **state)
{
    struct bed *b = *state;
    write_file(b->file, "{\"layers\": [{\"layer\": 3, \"ban\": [1, 2]}]}");
    cJSON *o = bed_json(b, ARGV("compare", "-q", "-m", TALES, "--seed", "5", "-n", "12",
                                "--policy", b->file, "--policy", b->file, "--json", "-p",
                                "Once upon a time"));
    assert_null(cJSON_GetObjectItemCaseSensitive(o, "part_at"));
    assert_true(bed_number(o, "kl_most") == 0);
    assert_string_equal(bed_item(bed_item(o, "a"), "written")->valuestring,
                        bed_item(bed_item(o, "b"), "written")->valuestring);
    cJSON_Delete(o);
    struct program p = bed_run(b, ARGV("compare", "-m", TALES, "-p", "Once"), 2);
    assert_contains(p.err, "which policies?");
    program_free(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_saved_policy_is_the_same_policy),
        cmocka_unit_test(bad_policies_are_refused),
        cmocka_unit_test(a_recording_holds_its_policy),
        cmocka_unit_test(compare_of_a_policy_with_none),
        cmocka_unit_test(compare_of_a_policy_with_itself),
    };
    return cmocka_run_group_tests(tests, bed_make, bed_remove);
}
