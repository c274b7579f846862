/* test_stats.c - the numbers of `stats` against a direct computation from a recording of
 * `eval --routing`: the same tokens, every count and measure once more by plain loops. */
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "model/program_bed.h"

/* Of the model that ships. Windows of 64 tokens, so that there is more than one. */
enum { EXPERTS = 16, LAYERS = 6, USED = 2, MAX_TOKEN = 1000, GROUPS = BED_TEXTS };

/* What eval recorded, and the text's windows. */
struct recording {
    uint32_t n;
    uint32_t group_from[GROUPS + 1];
    int32_t token[MAX_TOKEN];
    bool begins[MAX_TOKEN];
    uint32_t ids[MAX_TOKEN][LAYERS][USED];
    double weights[MAX_TOKEN][LAYERS][USED];
};

/* ---- the recording ----------------------------------------------------------- */

/* One window of ids through eval, added to `r`. */
static void record_window(const struct bed *b, struct recording *r, const char *ids)
{
    struct program p = bed_run(
        b, ARGV("eval", "-q", "-m", TALES, "--tokens", ids, "--routing", b->file), 0);
    program_free(&p);
    char *json = bed_read(b->file);
    cJSON *o = cJSON_Parse(json);
    assert_non_null(o);
    const cJSON *tokens = bed_item(o, "tokens"), *layers = bed_item(o, "layers");
    const uint32_t n = (uint32_t)cJSON_GetArraySize(tokens);
    assert_true(r->n + n <= MAX_TOKEN);
    assert_int_equal(cJSON_GetArraySize(layers), LAYERS);
    for (uint32_t t = 0; t < n; t++) {
        r->token[r->n + t] = (int32_t)bed_at(tokens, t);
        for (int il = 0; il < LAYERS; il++) {
            const cJSON *l = cJSON_GetArrayItem(layers, il);
            for (uint32_t k = 0; k < USED; k++) {
                r->ids[r->n + t][il][k] =
                    (uint32_t)bed_at(cJSON_GetArrayItem(bed_item(l, "ids"), (int)t), k);
                r->weights[r->n + t][il][k] =
                    bed_at(cJSON_GetArrayItem(bed_item(l, "weights"), (int)t), k);
            }
        }
    }
    r->begins[r->n] = true;
    r->n += n;
    cJSON_Delete(o);
    free(json);
}

/* The ids of a text without BOS, cut into windows of `room` tokens, BOS before each. */
static void record_text(const struct bed *b, struct recording *r, int g, uint32_t room)
{
    struct program bos = bed_run(b, ARGV("tokenize", "-m", TALES, "--bos", "x"), 0);
    struct program p = {.env = b->env, .in = bed_text[g]};
    program_run(&p, ARGV("tokenize", "-m", TALES));
    assert_int_equal(p.code, 0);
    const int first = atoi(bos.out);
    char window[8 * MAX_TOKEN];
    char *next = p.out;
    r->group_from[g] = r->n;
    while (*next && *next != '\n') {
        size_t used = (size_t)snprintf(window, sizeof window, "%d", first);
        for (uint32_t i = 0; i < room && *next && *next != '\n'; i++)
            used += (size_t)snprintf(window + used, sizeof window - used, ",%ld",
                                     strtol(next, &next, 10));
        record_window(b, r, window);
    }
    r->group_from[g + 1] = r->n;
    program_free(&p);
    program_free(&bos);
}

/* ---- the same numbers, by plain loops ------------------------------------------ */

static bool uses(const struct recording *r, uint32_t t, int il, uint32_t e)
{
    return r->ids[t][il][0] == e || r->ids[t][il][1] == e;
}

static uint32_t count(const struct recording *r, int il, uint32_t e, int from, int to)
{
    uint32_t n = 0;
    for (uint32_t t = r->group_from[from]; t < r->group_from[to]; t++)
        n += uses(r, t, il, e);
    return n;
}

static void check_counts(const struct recording *r, const cJSON *l, int il)
{
    for (uint32_t e = 0; e < EXPERTS; e++) {
        assert_true(bed_at(bed_item(l, "load"), e) == count(r, il, e, 0, GROUPS));
        uint32_t first = 0;
        for (uint32_t t = 0; t < r->n; t++)
            first += r->ids[t][il][0] == e;
        assert_true(bed_at(bed_item(l, "first"), e) == first);
        for (int g = 0; g < GROUPS; g++)
            assert_true(bed_at(cJSON_GetArrayItem(bed_item(l, "load_by_group"), g), e) ==
                        count(r, il, e, g, g + 1));
        for (uint32_t o = 0; o < EXPERTS; o++) {
            uint32_t both = 0;
            for (uint32_t t = 0; t < r->n; t++)
                both += o != e && uses(r, t, il, e) && uses(r, t, il, o);
            assert_true(bed_at(cJSON_GetArrayItem(bed_item(l, "pairs"), (int)e), o) ==
                        both);
        }
    }
}

static void check_measures(const struct recording *r, const cJSON *l, int il)
{
    double entropy = 0, most = 0, share = 0, repeat = 0;
    uint32_t n_never = 0, n_repeat = 0;
    for (uint32_t e = 0; e < EXPERTS; e++) {
        const double p = count(r, il, e, 0, GROUPS) / (double)(USED * r->n);
        entropy -= p > 0 ? p * log(p) / log(2) : 0;
        most = fmax(most, p);
        n_never += p == 0;
    }
    for (uint32_t t = 0; t < r->n; t++) {
        const double *w = r->weights[t][il];
        share += w[0] / (w[0] + w[1]) / r->n;
        if (r->begins[t])
            continue;
        n_repeat++;
        for (int k = 0; k < USED; k++)
            repeat += uses(r, t - 1, il, r->ids[t][il][k]) ? 1.0 / USED : 0;
    }
    bed_near(l, "entropy", entropy);
    bed_near(l, "imbalance", most * EXPERTS);
    bed_near(l, "n_never", n_never);
    bed_near(l, "n_repeat", n_repeat);
    bed_near(l, "repeat", repeat / n_repeat);
    assert_true(fabs(bed_number(l, "top1_share") - share) < 1e-6); /* of f32 weights */
}

/* An LRU cache with times of last use: not the stack that the program keeps. */
static uint32_t lru_hits(const struct recording *r, int il, uint32_t size)
{
    uint32_t held[EXPERTS], used[EXPERTS], n = 0, hits = 0, clock = 0;
    for (uint32_t t = 0; t < r->n; t++)
        for (int k = 0; k < USED; k++) {
            const uint32_t e = r->ids[t][il][k];
            uint32_t i = 0, oldest = 0;
            while (i < n && held[i] != e)
                i++;
            hits += i < n;
            for (uint32_t j = 1; j < n; j++)
                oldest = used[j] < used[oldest] ? j : oldest;
            if (i == n && n < size)
                n++;
            else if (i == n)
                i = oldest;
            held[i] = e;
            used[i] = clock++;
        }
    return hits;
}

static void check_divergence(const struct recording *r, const cJSON *l, int il)
{
    double entropy[3] = {0}; /* of either group and of their mean */
    for (uint32_t e = 0; e < EXPERTS; e++) {
        double p[3];
        for (int g = 0; g < GROUPS; g++)
            p[g] = count(r, il, e, g, g + 1) /
                   (double)(USED * (r->group_from[g + 1] - r->group_from[g]));
        p[2] = (p[0] + p[1]) / 2;
        for (int i = 0; i < 3; i++)
            entropy[i] -= p[i] > 0 ? p[i] * log(p[i]) / log(2) : 0;
    }
    const cJSON *m = bed_item(l, "js_divergence");
    const double want = entropy[2] - (entropy[0] + entropy[1]) / 2;
    assert_true(want > 0.001); /* a tale and a program are not the same */
    for (int a = 0; a < GROUPS; a++)
        for (uint32_t b = 0; b < GROUPS; b++)
            assert_true(fabs(bed_at(cJSON_GetArrayItem(m, a), b) -
                             ((uint32_t)a == b ? 0 : want)) < 1e-9);
}

/* The listed tokens have the right counts, and no other token has more. */
static void check_tokens(const struct recording *r, const cJSON *l, int il)
{
    for (uint32_t e = 0; e < EXPERTS; e++) {
        const cJSON *list = cJSON_GetArrayItem(bed_item(l, "top_tokens"), (int)e);
        const int n_list = cJSON_GetArraySize(list);
        double least = n_list < 5 ? 0 : INFINITY;
        for (int i = 0; i < n_list; i++)
            least = fmin(least, bed_number(cJSON_GetArrayItem(list, i), "count"));
        for (uint32_t t = 0; t < r->n; t++) {
            uint32_t n = 0, all = 0;
            for (uint32_t u = 0; u < r->n; u++) {
                all += r->token[u] == r->token[t];
                n += r->token[u] == r->token[t] && uses(r, u, il, e);
            }
            bool listed = false;
            for (int i = 0; i < n_list; i++) {
                const cJSON *o = cJSON_GetArrayItem(list, i);
                if (bed_number(o, "id") != r->token[t])
                    continue;
                listed = true;
                assert_true(bed_number(o, "count") == n && bed_number(o, "of") == all);
            }
            assert_true(listed || n <= least);
        }
    }
}

static void stats_are_those_of_the_recording(void **state)
{
    const struct bed *b = *state;
    enum { WINDOW = 64 };
    struct recording *r = calloc(1, sizeof *r);
    assert_non_null(r);
    for (int g = 0; g < GROUPS; g++)
        record_text(b, r, g, WINDOW - 1);
    cJSON *o = bed_json(b, ARGV("stats", "-q", "-m", TALES, "-c", "64", "--json", "-f",
                                b->path[0], b->path[1]));
    assert_true(bed_number(o, "n_token") == r->n);
    assert_true(bed_number(o, "n_window") > GROUPS);
    const cJSON *layers = bed_item(o, "layers");
    assert_int_equal(cJSON_GetArraySize(layers), LAYERS);
    for (int il = 0; il < LAYERS; il++) {
        const cJSON *l = cJSON_GetArrayItem(layers, il);
        assert_true(bed_number(l, "layer") == il &&
                    bed_number(l, "n_slot") == USED * r->n);
        check_counts(r, l, il);
        check_measures(r, l, il);
        check_divergence(r, l, il);
        check_tokens(r, l, il);
        for (uint32_t n = 1; n <= EXPERTS; n++)
            assert_true(bed_at(bed_item(l, "cache_hits"), n - 1) == lru_hits(r, il, n));
    }
    cJSON_Delete(o);
    free(r);
}

static void stats_writes_tables_and_figures(void **state)
{
    struct bed *b = *state;
    struct scratch out;
    scratch_open(&out);
    struct program p = bed_run(b,
                               ARGV("stats", "-q", "-m", TALES, "-f", b->path[0],
                                    b->path[1], "--csv", out.dir, "--figures", out.dir),
                               0);
    assert_contains(p.out, "group 1  code.txt");
    program_free(&p);
    assert_int_equal(scratch_count(&out), 10);
    static const char *const figure[] = {"load.svg", "cache.svg", "coactivation.svg",
                                         "specialization.svg"};
    for (int i = 0; i < 4; i++) {
        char *svg = bed_read(scratch_path(&out, figure[i]));
        assert_contains(svg, "<path d=");
        assert_true(strcmp(svg + strlen(svg) - 7, "</svg>\n") == 0);
        assert_null(strstr(svg, "nan"));
        free(svg);
    }
    scratch_close(&out);
    p = bed_run(b, ARGV("stats", "-q", "-m", TALES, "-f", "/nowhere/x.txt"), 1);
    assert_contains(p.err, "/nowhere/x.txt");
    program_free(&p);
    p = bed_run(b, ARGV("stats", "-m", TALES), 2);
    assert_contains(p.err, "which texts?");
    program_free(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stats_are_those_of_the_recording),
        cmocka_unit_test(stats_writes_tables_and_figures),
    };
    return cmocka_run_group_tests(tests, bed_make, bed_remove);
}
