/* test_recording.c - what `run --trace` records of time and memory, and what `trace`
 * tells of it. The file itself is tested in tests/unit/test_trace_memory.c. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lemnos/trace.h"
#include "model/program_bed.h"

enum { N_WRITE = 6 };

static const char *const stage_name[LEM_TRACE_STAGE_COUNT] = {
    "attention", "router", "experts", "head", "sampling"};

/* Records a short text in b->file. */
static struct lem_trace *record(struct bed *b, bool stages)
{
    struct lem_trace *t = NULL;
    struct program p =
        bed_run(b,
                ARGV("run", "-q", "-m", TALES, "--greedy", "-n", "6", "-c", "64",
                     "--trace", b->file, "Once upon a time", stages ? "--stages" : NULL),
                0);
    program_free(&p);
    assert_int_equal(lem_trace_open(b->file, NULL, &t), LEM_OK);
    return t;
}

static struct lem_trace_memory memory_at(const struct lem_trace *t, uint64_t i)
{
    struct lem_trace_memory m;
    assert_int_equal(lem_trace_get_memory(t, i, &m), LEM_OK);
    return m;
}

static void check_memory(const struct lem_trace *t)
{
    const struct lem_trace_memory first = memory_at(t, 0),
                                  last = memory_at(t, UINT64_MAX);
    assert_true(first.weights > 11000000); /* of 11.7 million in at least a byte each */
    assert_true(first.cache > 0 && first.cache < first.session);
    assert_true(first.peak >= first.weights + first.session);
    assert_true(first.device >= last.peak && last.peak >= first.peak);
    assert_int_equal(first.n_ctx, 64);
}

static void times_and_memory_are_recorded(void **state)
{
    struct bed *b = *state;
    struct lem_trace *t = record(b, true);
    struct lem_trace_info info;
    lem_trace_get_info(t, &info);
    assert_int_equal(info.n_token, info.n_prompt + N_WRITE);
    struct lem_trace_token first, token;
    assert_int_equal(lem_trace_get_token(t, 0, &first), LEM_OK);
    assert_true(first.prompt && info.n_prompt > 1);
    for (uint64_t i = 0; i < info.n_token; i++) {
        assert_int_equal(lem_trace_get_token(t, i, &token), LEM_OK);
        assert_true(token.total_us > 0);
        for (int k = 0; k < LEM_TRACE_STAGE_COUNT; k++)
            /* a prompt is not drawn */
            assert_true((token.stage_us[k] > 0) ==
                        !(token.prompt && k == LEM_TRACE_SAMPLING));
        if (token.prompt) /* the mean of all of it */
            assert_memory_equal(token.stage_us, first.stage_us, sizeof first.stage_us);
    }
    check_memory(t);
    lem_trace_close(&t);
}

/* Times by stage take time themselves: without being asked for there are none. */
static void without_stages_there_is_memory(void **state)
{
    struct bed *b = *state;
    struct lem_trace *t = record(b, false);
    struct lem_trace_info info;
    struct lem_trace_token token;
    lem_trace_get_info(t, &info);
    for (uint64_t i = 0; i < info.n_token; i++) {
        assert_int_equal(lem_trace_get_token(t, i, &token), LEM_OK);
        assert_true(token.total_us > 0);
        for (int k = 0; k < LEM_TRACE_STAGE_COUNT; k++)
            assert_int_equal(token.stage_us[k], 0);
    }
    check_memory(t);
    lem_trace_close(&t);
    cJSON *o = bed_json(b, ARGV("trace", "--json", b->file));
    assert_true(cJSON_IsNull(bed_item(bed_item(o, "time"), "stages_us")));
    assert_true(bed_number(bed_item(o, "time"), "us") > 0);
    cJSON_Delete(o);
}

/* Nine digits are printed. */
static void mean_is(const cJSON *o, const char *key, double want)
{
    const double got = bed_number(o, key);
    if (fabs(got - want) > 1e-8 * want)
        fail_msg("%s is %.12g, not %.12g", key, got, want);
}

static void json_tells_what_is_recorded(void **state)
{
    struct bed *b = *state;
    struct lem_trace *t = record(b, true);
    const struct lem_trace_memory m = memory_at(t, UINT64_MAX);
    lem_trace_close(&t);
    cJSON *o = bed_json(b, ARGV("trace", "--json", b->file));
    const cJSON *memory = bed_item(o, "memory"), *time = bed_item(o, "time");
    assert_true(bed_number(memory, "weights_bytes") == (double)m.weights);
    assert_true(bed_number(memory, "session_bytes") == (double)m.session);
    assert_true(bed_number(memory, "cache_bytes") == (double)m.cache);
    assert_true(bed_number(memory, "peak_bytes") == (double)m.peak);
    assert_true(bed_number(memory, "device_bytes") == (double)m.device);
    assert_true(bed_number(memory, "n_ctx") == 64);
    assert_true(bed_number(time, "n_token") == N_WRITE);
    double all = 0, stage[LEM_TRACE_STAGE_COUNT] = {0};
    const cJSON *token;
    cJSON_ArrayForEach(token, bed_item(o, "tokens"))
    {
        const cJSON *us = bed_item(token, "stages_us");
        if (cJSON_IsTrue(bed_item(token, "prompt")))
            continue;
        all += bed_number(token, "us");
        for (int k = 0; k < LEM_TRACE_STAGE_COUNT; k++)
            stage[k] += bed_number(us, stage_name[k]);
    }
    mean_is(time, "us", all / N_WRITE);
    for (int k = 0; k < LEM_TRACE_STAGE_COUNT; k++)
        mean_is(bed_item(time, "stages_us"), stage_name[k], stage[k] / N_WRITE);
    cJSON_Delete(o);
}

/* Cells of a line, those in quotes as one. */
static int count_cells(const char *line, size_t n)
{
    int cells = 1;
    bool quoted = false;
    for (size_t i = 0; i < n; i++) {
        quoted ^= line[i] == '"';
        cells += line[i] == ',' && !quoted;
    }
    return cells;
}

static void tables_tell_what_is_recorded(void **state)
{
    struct bed *b = *state;
    struct lem_trace *t = record(b, true);
    lem_trace_close(&t);
    struct program p = bed_run(b, ARGV("trace", b->file), 0);
    static const char *const lines[] = {
        "\ntime per token ", "\n  attention ",
        "\n  router ",       "\n  experts ",
        "\n  head ",         "\n  sampling ",
        "\n  the rest ",     "\nmemory            weights",
        "\n  at most "};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        assert_contains(p.out, lines[i]);
    program_free(&p);
    p = bed_run(b, ARGV("trace", "--csv", b->file), 0);
    assert_contains(p.out, ",us,attention_us,router_us,experts_us,head_us,sampling_us,"
                           "weights_bytes,session_bytes,cache_bytes,peak_bytes,layer,");
    int want = 0, n_line = 0;
    for (const char *line = p.out, *end; (end = strchr(line, '\n')); line = end + 1) {
        const int n = count_cells(line, (size_t)(end - line));
        want = n_line++ ? want : n;
        assert_int_equal(n, want);
    }
    assert_true(n_line > 6 * N_WRITE);
    program_free(&p);
}

static void two_recordings_are_set_side_by_side(void **state)
{
    struct bed *b = *state;
    char other[512];
    struct lem_trace *t = record(b, false);
    lem_trace_close(&t);
    snprintf(other, sizeof other, "%s", scratch_path(&b->scratch, "other.lemtrace"));
    assert_int_equal(rename(b->file, other), 0);
    t = record(b, true);
    lem_trace_close(&t);
    cJSON *o = bed_json(b, ARGV("trace", "--json", b->file, other));
    const cJSON *time = bed_item(o, "time"), *memory = bed_item(o, "memory");
    assert_true(cJSON_IsFalse(bed_item(o, "parts")));
    assert_true(bed_number(bed_item(cJSON_GetArrayItem(time, 0), "stages_us"), "head") >
                0);
    assert_true(cJSON_IsNull(bed_item(cJSON_GetArrayItem(time, 1), "stages_us")));
    assert_true(bed_number(cJSON_GetArrayItem(memory, 0), "weights_bytes") ==
                bed_number(cJSON_GetArrayItem(memory, 1), "weights_bytes"));
    cJSON_Delete(o);
    struct program p = bed_run(b, ARGV("trace", b->file, other), 0);
    assert_contains(p.out, "\ntime per token ");
    assert_contains(p.out, "\nmemory at most ");
    assert_null(strstr(p.out, "  attention")); /* one of them does not know */
    program_free(&p);
    p = bed_run(b, ARGV("trace", b->file, b->file), 0);
    assert_contains(p.out, "\n  attention ");
    program_free(&p);
    remove(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_and_memory_are_recorded),
        cmocka_unit_test(without_stages_there_is_memory),
        cmocka_unit_test(json_tells_what_is_recorded),
        cmocka_unit_test(tables_tell_what_is_recorded),
        cmocka_unit_test(two_recordings_are_set_side_by_side),
    };
    return cmocka_run_group_tests(tests, bed_make, bed_remove);
}
