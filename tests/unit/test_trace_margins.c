/* test_trace_margins.c - recordings with margins, the second version of the file: packed
 * ids of any width, what is not known, and what is damaged. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lemnos/trace.h"
#include "support/capture.h"
#include "support/program.h"
#include "support/scratch.h"
#include "trace/trace_format.h"

enum { N_LAYER = 5, N_USED = 3, N_PAIR = N_LAYER * N_USED, N_TOKEN = 7 };

/* One token's choice, made from its number. */
struct choice {
    uint16_t ids[N_PAIR], next[N_LAYER];
    float weights[N_PAIR], margins[N_LAYER];
};

/* Weights and margins that f16 holds exactly; the largest id is among them. */
static struct choice choice_of(uint32_t token, uint32_t n_expert)
{
    struct choice c;
    for (uint32_t k = 0; k < N_PAIR; k++) {
        const bool none = k % N_USED == N_USED - 1 && (token + k / N_USED) % 4 == 3;
        c.ids[k] = none ? LEM_NO_EXPERT
                        : (uint16_t)(n_expert - 1 - (token * 31 + k * 17) % n_expert);
        c.weights[k] = none ? 0 : (float)(1 + (token + k) % 16) / 16;
    }
    for (uint32_t i = 0; i < N_LAYER; i++) {
        const bool none = (token + i) % 5 == 0;
        c.next[i] = none ? LEM_NO_EXPERT : (uint16_t)((token * 7 + i * 13) % n_expert);
        c.margins[i] = none ? INFINITY : (float)((token * 3 + i) % 64) / 256;
    }
    return c;
}

static void write_tokens(const char *path, const struct lem_trace_facts *facts)
{
    struct lem_trace_writer *w;
    assert_int_equal(lem_trace_writer_open(path, facts, NULL, &w), LEM_OK);
    for (uint32_t i = 0; i < N_TOKEN; i++) {
        const struct choice c = choice_of(i, facts->n_expert);
        const struct lem_trace_token token = {.id = (int32_t)i, .probability = 0.5f};
        /* the last but one without the call: not known */
        if (i != N_TOKEN - 2)
            assert_int_equal(lem_trace_writer_margins(w, c.margins, c.next), LEM_OK);
        assert_int_equal(lem_trace_writer_token(w, &token, "ab", 2, c.ids, c.weights),
                         LEM_OK);
    }
    assert_int_equal(lem_trace_writer_close(&w), LEM_OK);
}

static void check_token(const struct lem_trace *t, uint32_t i,
                        const struct lem_trace_facts *facts)
{
    const struct choice want = choice_of(i, facts->n_expert);
    struct choice got;
    assert_int_equal(lem_trace_routing(t, i, 1, got.ids, got.weights), LEM_OK);
    assert_memory_equal(got.ids, want.ids, sizeof got.ids);
    assert_memory_equal(got.weights, want.weights, sizeof got.weights);
    assert_int_equal(lem_trace_margins(t, i, 1, got.margins, got.next), LEM_OK);
    for (uint32_t k = 0; k < N_LAYER; k++)
        if (!facts->margins || i == N_TOKEN - 2) {
            assert_true(isnan(got.margins[k]));
            assert_int_equal(got.next[k], LEM_NO_EXPERT);
        } else {
            assert_true(got.margins[k] == want.margins[k]);
            assert_int_equal(got.next[k], want.next[k]);
        }
}

static struct lem_trace_facts facts_of(uint32_t n_expert, bool margins)
{
    return (struct lem_trace_facts){.n_layer_moe = N_LAYER,
                                    .n_expert = n_expert,
                                    .n_expert_used = N_USED,
                                    .n_vocab = 100,
                                    .n_runner = 2,
                                    .margins = margins};
}

static void any_number_of_experts(void **state)
{
    (void)state;
    static const uint32_t n_expert[] = {3, 4, 7, 8, 63, 64, 255, 256, 300, 4096, 65535};
    struct scratch scratch;
    scratch_open(&scratch);
    for (size_t i = 0; i < sizeof n_expert / sizeof *n_expert; i++)
        for (int margins = 0; margins < 2; margins++) {
            const struct lem_trace_facts facts = facts_of(n_expert[i], margins);
            const char *path = scratch_path(&scratch, "some.lemtrace");
            struct lem_trace *t;
            struct lem_trace_info info;
            write_tokens(path, &facts);
            assert_int_equal(lem_trace_open(path, NULL, &t), LEM_OK);
            lem_trace_get_info(t, &info);
            assert_int_equal(info.n_token, N_TOKEN);
            assert_int_equal(info.facts.margins, margins);
            assert_int_equal(info.facts.n_expert, n_expert[i]);
            for (uint32_t k = 0; k < N_TOKEN; k++)
                check_token(t, k, &facts);
            lem_trace_close(&t);
        }
    scratch_close(&scratch);
}

/* The file's own numbers: the version, and ids that no expert has. */
static void damage_is_noticed(void **state)
{
    (void)state;
    struct scratch scratch;
    struct capture capture = {0};
    const struct lem_log log = capture_log(&capture);
    const struct lem_trace_facts facts = facts_of(5, true);
    struct lem_trace *t;
    struct lem_trace_info info;
    size_t n = 0;
    scratch_open(&scratch);
    const char *path = scratch_path(&scratch, "five.lemtrace");
    write_tokens(path, &facts);
    uint8_t *data = (uint8_t *)program_read_file(path, &n);
    assert_int_equal(data[8], 2);
    assert_int_equal(lem_trace_open_memory(data, n, &log, &t), LEM_OK);
    lem_trace_get_info(t, &info);
    lem_trace_close(&t);

    /* three bits an id: 7 is neither an expert nor none */
    uint8_t *slot = data + trace_get_u32(data + 12);
    uint8_t *ids = slot + TRACE_AT_RUNNERS + 2 * TRACE_RUNNER_BYTES;
    const size_t n_id = N_PAIR + N_LAYER;
    struct choice got;
    for (size_t i = 0; i < n_id; i++) {
        uint8_t kept[8];
        memcpy(kept, ids, sizeof kept);
        for (size_t bit = 3 * i; bit < 3 * i + 3; bit++)
            ids[bit / 8] |= (uint8_t)(1 << bit % 8);
        trace_put_u32(slot, trace_check(slot + 4, info.slot_bytes - 4));
        assert_int_equal(lem_trace_open_memory(data, n, &log, &t), LEM_OK);
        const bool next = i >= N_PAIR;
        assert_int_equal(lem_trace_routing(t, 0, 1, got.ids, got.weights),
                         next ? LEM_OK : LEM_ERR_FORMAT);
        assert_int_equal(lem_trace_margins(t, 0, 1, got.margins, got.next),
                         next ? LEM_ERR_FORMAT : LEM_OK);
        assert_said(&capture, "token 0 is damaged");
        lem_trace_close(&t);
        memcpy(ids, kept, sizeof kept);
    }
    data[8] = 3;
    assert_int_equal(lem_trace_open_memory(data, n, &log, &t), LEM_ERR_UNSUPPORTED);
    assert_said(&capture, "version 3");
    free(data);
    scratch_close(&scratch);
}

/* The promise of the format holds with margins, too: 1.2 KB for 32 layers of top-8. */
static void a_token_is_small(void **state)
{
    (void)state;
    static const uint32_t n_expert[] = {8, 64, 128, 512};
    for (size_t i = 0; i < sizeof n_expert / sizeof *n_expert; i++) {
        struct lem_trace_facts f = facts_of(n_expert[i], true);
        f.n_layer_moe = 32;
        f.n_expert_used = 8;
        f.n_runner = LEM_TRACE_RUNNERS;
        assert_in_range(trace_slot_bytes(&f), 800, 1200);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_number_of_experts),
        cmocka_unit_test(damage_is_noticed),
        cmocka_unit_test(a_token_is_small),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
