/* test_devices.c - `lemnos devices` as a program, and what the way of sampling changes in
 * the plan and leaves alone in the text. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "model/program_bed.h"

static void devices_are_listed(void **state)
{
    const struct bed *b = *state;
    cJSON *o = bed_json(b, ARGV("devices", "--json"));
    const cJSON *first = cJSON_GetArrayItem(bed_item(o, "devices"), 0);
    assert_non_null(first);
    assert_int_equal(bed_number(first, "index"), 0);
    assert_true(bed_number(bed_item(first, "caps"), "subgroup_size") >= 1);
    assert_true(bed_number(cJSON_GetArrayItem(bed_item(first, "heaps"), 0), "size") > 0);
    struct program p = bed_run(b, ARGV("devices"), 0);
    assert_contains(p.out, bed_item(first, "name")->valuestring);
    cJSON_Delete(o);
    program_free(&p);
}

/* As the other commands would see them with this option. */
static void devices_are_listed_under_a_profile(void **state)
{
    const struct bed *b = *state;
    cJSON *o = bed_json(b, ARGV("devices", "--json", "--caps", "minimal"));
    const cJSON *device, *list = bed_item(o, "devices");
    assert_true(cJSON_GetArraySize(list) > 0);
    cJSON_ArrayForEach(device, list)
    {
        const cJSON *caps = bed_item(device, "caps");
        assert_true(bed_number(caps, "max_workgroup") == 128);
        assert_true(bed_number(caps, "max_shared_bytes") == 16384);
        assert_true(bed_number(caps, "storage_align") >= 256);
        assert_true(cJSON_IsFalse(bed_item(caps, "int_dot")));
        assert_true(cJSON_IsFalse(bed_item(caps, "subgroup_arithmetic")));
    }
    cJSON_Delete(o);
    struct program p = bed_run(b, ARGV("devices", "--caps", "minimal"), 0);
    assert_contains(p.out, "shared memory 16.0 KiB");
    program_free(&p);
}

/* With -v, and not without. */
static void devices_tell_their_kernels(void **state)
{
    const struct bed *b = *state;
    struct program p = bed_run(b, ARGV("devices", "-v", "--kernels", "tiles"), 0);
    assert_contains(p.out, "kernels      tokens: registers");
    assert_contains(p.out, "prompts: tiles");
    program_free(&p);
    cJSON *o = bed_json(b, ARGV("devices", "-v", "--json", "--kernels", "registers"));
    const cJSON *k = bed_item(cJSON_GetArrayItem(bed_item(o, "devices"), 0), "kernels");
    assert_true(cJSON_IsFalse(bed_item(k, "measured")));
    assert_contains(bed_item(bed_item(k, "prompt"), "way")->valuestring, "registers");
    assert_true(bed_number(bed_item(k, "prompt"), "gain") == 0);
    cJSON_Delete(o);
    p = bed_run(b, ARGV("devices"), 0);
    assert_null(strstr(p.out, "kernels  "));
    program_free(&p);
}

/* ---- where a token is drawn ------------------------------------------------------ */

static char *text_of(const struct bed *b, const char *where, const char *top_k)
{
    struct program p = bed_run(b,
                               ARGV("run", "-q", "-m", TALES, "-n", "6", "--seed", "5",
                                    "--sampling", where, "--top-k", top_k, "Once"),
                               0);
    char *text = strdup(p.out);
    assert_non_null(text);
    program_free(&p);
    return text;
}

/* Of 40 the best are enough, of all tokens not. */
static void the_text_is_the_same(void **state)
{
    static const char *const top_k[] = {"40", "0"};
    for (int i = 0; i < 2; i++) {
        char *host = text_of(*state, "host", top_k[i]);
        char *device = text_of(*state, "device", top_k[i]);
        assert_string_equal(device, host);
        assert_true(strlen(host) > 10);
        free(host);
        free(device);
    }
}

/* Dispatches of the stage in what `lemnos plan` lists. */
static int n_sampling(const struct bed *b, const char *where)
{
    cJSON *o = bed_json(b, ARGV("plan", "-m", TALES, "--json", "--sampling", where));
    const cJSON *row;
    int n = 0;
    cJSON_ArrayForEach(row, bed_item(o, "dispatches"))
    {
        const bool sampling = !strcmp(bed_item(row, "stage")->valuestring, "sampling");
        assert_int_equal(!strcmp(bed_item(row, "kernel")->valuestring, "pick"), sampling);
        n += sampling;
    }
    cJSON_Delete(o);
    return n;
}

static void the_plan_shows_it(void **state)
{
    assert_int_equal(n_sampling(*state, "host"), 0);
    assert_in_range(n_sampling(*state, "device"), 1, 2);
}

/* A stage of the device beside the host's, of the same name. */
static void its_time_is_measured(void **state)
{
    cJSON *o = bed_json(*state, ARGV("bench", "-m", TALES, "-p", "0", "-n", "2", "-r",
                                     "1", "--stages", "--json", "--sampling", "device"));
    const cJSON *token = bed_item(bed_item(o, "stages"), "generate");
    const cJSON *row;
    int n_host = 0, n_device = 0;
    cJSON_ArrayForEach(row, bed_item(token, "stages"))
    {
        if (strcmp(bed_item(row, "name")->valuestring, "sampling") != 0)
            continue;
        n_host += cJSON_IsTrue(bed_item(row, "on_host"));
        n_device += cJSON_IsFalse(bed_item(row, "on_host"));
        assert_true(bed_number(row, "ns") > 0);
    }
    assert_int_equal(n_host, 1);
    assert_int_equal(n_device, 1);
    cJSON_Delete(o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(devices_are_listed),
        cmocka_unit_test(devices_are_listed_under_a_profile),
        cmocka_unit_test(devices_tell_their_kernels),
        cmocka_unit_test(the_text_is_the_same),
        cmocka_unit_test(the_plan_shows_it),
        cmocka_unit_test(its_time_is_measured),
    };
    return cmocka_run_group_tests_name("devices", tests, bed_make, bed_remove);
}
