/* test_bench.c - `lemnos bench` and `lemnos plan` as a program: synthetic models, stages,
 * the comparison with an earlier run, the plan's listing. No speed is asked for. */
#include <stdlib.h>
#include <string.h>

#include "model/program_bed.h"

enum { MAX_RESULT = 8 };

static const char *const names[] = {"pp3", "pp7", "tg4", "tg4@5", "tg4+tap"};

static void check_results(const cJSON *o)
{
    const cJSON *list = bed_item(o, "results");
    assert_int_equal(cJSON_GetArraySize(list), sizeof names / sizeof *names);
    for (int i = 0; i < cJSON_GetArraySize(list); i++) {
        const cJSON *s = cJSON_GetArrayItem(list, i);
        assert_string_equal(bed_item(s, "name")->valuestring, names[i]);
        assert_true(bed_number(s, "min") > 0);
        assert_true(bed_number(s, "min") <= bed_number(s, "median"));
        assert_true(bed_number(s, "median") <= bed_number(s, "max"));
        if (i >= 3)
            assert_true(bed_number(s, "ratio") > 0);
    }
}

static void check_stages(const cJSON *stages, const char *phase, uint32_t n_token)
{
    const cJSON *o = bed_item(stages, phase);
    double sum = 0;
    const cJSON *row;
    assert_int_equal(bed_number(o, "n_token"), n_token);
    cJSON_ArrayForEach(row, bed_item(o, "stages")) sum += bed_number(row, "ns");
    bed_near(o, "ns", sum);
}

/* Written once into the folder for caches, and found there the second time. */
static void a_synthetic_model_is_measured(void **state)
{
    struct bed *b = *state;
    struct program p = bed_run(
        b, ARGV("bench", "--synthetic", "tiny", "--type", "Q8_0", "-p0", "-n1", "-r1"),
        0);
    assert_contains(p.err, "wrote ");
    assert_contains(p.err, "tiny-q8_0-1.gguf");
    program_free(&p);
    p = bed_run(b,
                ARGV("bench", "--synthetic", "tiny", "--type", "q8_0", "-p", "3,7", "-n",
                     "4", "-r", "2", "--depth", "5", "--tap", "--stages", "--limit",
                     "--json"),
                0);
    assert_string_equal(p.err, "");
    cJSON *o = cJSON_Parse(p.out);
    assert_non_null(o);
    check_results(o);
    check_stages(bed_item(o, "stages"), "prompt", 2 * 7);
    check_stages(bed_item(o, "stages"), "generate", 2 * 4);
    const cJSON *limit = bed_item(o, "limit");
    assert_string_equal(bed_item(limit, "type")->valuestring, "Q8_0");
    assert_true(bed_number(limit, "token_bytes") > 0);
    bed_near(limit, "share",
             bed_number(limit, "token_bytes_per_s") / bed_number(limit, "bytes_per_s"));
    cJSON_Delete(o);
    program_free(&p);

    p = bed_run(b,
                ARGV("bench", "-q", "--synthetic", "tiny", "--type", "q8_0", "-p0", "-n2",
                     "-r1", "--stages", "--limit"),
                0);
    assert_contains(p.out, "Share of the device's limit: ");
    assert_contains(p.out, "attention, experts");
    assert_contains(p.out, "of a generated token");
    program_free(&p);
}

static void write_before(const struct bed *b, const char *text)
{
    FILE *f = fopen(b->file, "wb");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0 && fclose(f) == 0);
}

/* An earlier run that was slower, faster, or of other things. */
static void an_earlier_run_is_compared_with(void **state)
{
    struct bed *b = *state;
    const char *const argv[] = {
        LEM_TEST_PROGRAM, "bench", "-q", "-m", TALES, "-p4", "-n2", "-r1",
        "--against",      b->file, NULL};
    write_before(b, "{\"results\":[{\"name\":\"pp4\",\"median\":1e-6},"
                    "{\"name\":\"pp99\",\"median\":1e9}]}");
    struct program p = bed_run(b, argv, 0);
    assert_contains(p.err, "pp4 ");
    program_free(&p);
    write_before(b, "{\"results\":[{\"name\":\"tg2\",\"median\":1e9}]}");
    p = bed_run(b, argv, 1);
    assert_contains(p.err, "too slow");
    assert_contains(p.err, "1 of 1 are slower than before by more than 10 %");
    program_free(&p);
    write_before(b, "{\"results\":[{\"name\":\"tg3\",\"median\":1}]}");
    p = bed_run(b, argv, 1);
    assert_contains(p.err, "nothing to compare");
    program_free(&p);
    static const char *const junk[] = {"", "{", "[]", "{\"results\":3}"};
    for (size_t i = 0; i < sizeof junk / sizeof *junk; i++) {
        write_before(b, junk[i]);
        p = bed_run(b, argv, 1);
        assert_contains(p.err, "is not what lemnos bench --json prints");
        program_free(&p);
    }
}

/* The sums at the end are those of the rows, and every layer has as many. */
static void the_plan_is_listed(void **state)
{
    struct bed *b = *state;
    cJSON *o = bed_json(b, ARGV("plan", "-m", TALES, "-c", "64", "--json"));
    double weights = 0, flops = 0;
    uint32_t n_layer0 = 0, n_layer1 = 0;
    const cJSON *row;
    assert_int_equal(bed_number(o, "n_token"), 1);
    assert_int_equal(bed_number(o, "n_ctx"), 64);
    cJSON_ArrayForEach(row, bed_item(o, "dispatches"))
    {
        const char *label = bed_item(row, "label")->valuestring;
        weights += bed_number(row, "weight_bytes");
        flops += bed_number(row, "flops");
        n_layer0 += strncmp(label, "blk.0 ", 6) == 0;
        n_layer1 += strncmp(label, "blk.1 ", 6) == 0;
        assert_int_equal(cJSON_GetArraySize(bed_item(row, "workgroups")), 3);
    }
    bed_near(o, "weight_bytes", weights);
    bed_near(o, "flops", flops);
    assert_true(n_layer0 > 0);
    assert_int_equal(n_layer0, n_layer1);
    cJSON_Delete(o);

    struct program p = bed_run(b, ARGV("plan", "-m", TALES, "--prompt", "-b", "16"), 0);
    assert_contains(p.out, "of 16 tokens at once");
    assert_contains(p.out, "by the device");
    assert_contains(p.out, " dispatches, ");
    program_free(&p);
    p = bed_run(b, ARGV("plan", "-m", TALES, "--prompt", "-b", "1"), 1);
    assert_contains(p.err, "larger -b");
    program_free(&p);
}

static int remove_bed(void **state)
{
    struct bed *b = *state;
    struct scratch models = {0};
    strcpy(models.dir, scratch_path(&b->cache, "synthetic"));
    scratch_close(&models);
    return bed_remove(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_synthetic_model_is_measured),
        cmocka_unit_test(an_earlier_run_is_compared_with),
        cmocka_unit_test(the_plan_is_listed),
    };
    return cmocka_run_group_tests(tests, bed_make, remove_bed);
}
