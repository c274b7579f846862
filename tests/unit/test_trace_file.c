/* test_trace_file.c - recordings: what is written is read again, whatever happens to
 * the file in between. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "lemnos/trace.h"
#include "support/capture.h"
#include "support/program.h"
#include "support/scratch.h"
#include "trace/trace_format.h"

enum { N_LAYER = 2, N_EXPERT = 300, N_USED = 3, N_PAIR = N_LAYER * N_USED, N_TOKEN = 9 };

struct fixture {
    struct scratch scratch;
    struct capture capture;
    struct lem_log log;
    uint8_t *data; /* the sample recording */
    size_t size;
};

static const char long_piece[] = "a piece of one hundred bytes, more than a token's "
                                 "record has room for, so that it goes to an event..";
static const char policy[] =
    "{\"layers\":[{\"layer\":3,\"ban\":[1,2,3,4,5,6,7,8]}],\"note\":"
    "\"long enough for two records of this small model, which "
    "are about one hundred and eighty bytes each, header included\"}";

static const struct lem_trace_facts facts = {.name = "Märchen",
                                             .architecture = "olmoe",
                                             .device = "CPU",
                                             .n_layer_moe = N_LAYER,
                                             .n_expert = N_EXPERT,
                                             .n_expert_used = N_USED,
                                             .n_vocab = 1000,
                                             .n_runner = 5,
                                             .layer = (const uint32_t[]){3, 7}};

static const char *piece_of(uint32_t i)
{
    static const char *const pieces[] = {"Once", " upon", "", " \xc3", "\xa4"};
    return i == 6 ? long_piece : pieces[i % 5];
}

static struct lem_trace_token token_of(uint32_t i)
{
    struct lem_trace_token t = {.id = (int32_t)(i * 7),
                                .probability = i < 3 ? -1.0f : 0.125f * (float)(i % 8),
                                .prompt = i < 3,
                                .total_us = 1000 + i,
                                .stage_us = {1, 2, 3, 4, i}};
    for (uint32_t k = 0; k < LEM_TRACE_RUNNERS; k++)
        t.runner[k] = (struct lem_trace_runner){.id = (int32_t)(i + k),
                                                .probability = 0.25f / (float)(1 << k),
                                                .n_piece = 2,
                                                .piece = {'r', (char)('0' + k)}};
    return t;
}

/* Weights that f16 holds exactly. Some tokens use fewer experts than they might, as a
 * policy makes them. */
static void routing_of(uint32_t i, uint16_t *ids, float *weights)
{
    for (uint32_t k = 0; k < N_PAIR; k++) {
        const bool none = k % N_USED >= N_USED - i % N_USED;
        ids[k] = none ? LEM_NO_EXPERT : (uint16_t)((i * 31 + k * 17) % N_EXPERT);
        weights[k] = none ? 0 : (float)(1 + (i + k) % 16) / 16;
    }
}

static void write_sample(struct fixture *f, const char *path)
{
    struct lem_trace_writer *w;
    assert_int_equal(lem_trace_writer_open(path, &facts, &f->log, &w), LEM_OK);
    for (uint32_t i = 0; i < N_TOKEN; i++) {
        uint16_t ids[N_PAIR];
        float weights[N_PAIR];
        const struct lem_trace_token token = token_of(i);
        routing_of(i, ids, weights);
        if (i == 5)
            assert_int_equal(lem_trace_writer_policy(w, policy, strlen(policy)), LEM_OK);
        assert_int_equal(lem_trace_writer_token(w, &token, piece_of(i),
                                                strlen(piece_of(i)), ids, weights),
                         LEM_OK);
    }
    assert_int_equal(lem_trace_writer_close(&w), LEM_OK);
    assert_null(w);
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    if (!f)
        return -1;
    scratch_open(&f->scratch);
    f->log = capture_log(&f->capture);
    const char *path = scratch_path(&f->scratch, "sample.lemtrace");
    write_sample(f, path);
    f->data = (uint8_t *)program_read_file(path, &f->size);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    scratch_close(&f->scratch);
    free(f->data);
    free(f);
    return 0;
}

/* Token `i` is as it was written; damaged ones are refused. Returns whether it was
 * there. */
static bool check_token(const struct lem_trace *t, uint32_t i)
{
    struct lem_trace_token got;
    if (lem_trace_get_token(t, i, &got) != LEM_OK)
        return false;
    const struct lem_trace_token want = token_of(i);
    assert_int_equal(got.id, want.id);
    assert_true(got.probability == want.probability);
    assert_int_equal(got.prompt, want.prompt);
    assert_int_equal(got.total_us, want.total_us);
    assert_memory_equal(got.stage_us, want.stage_us, sizeof got.stage_us);
    for (uint32_t k = 0; k < LEM_TRACE_RUNNERS; k++) {
        assert_int_equal(got.runner[k].id, want.runner[k].id);
        assert_true(got.runner[k].probability == want.runner[k].probability);
        assert_int_equal(got.runner[k].n_piece, 2);
        assert_memory_equal(got.runner[k].piece, want.runner[k].piece, 2);
    }
    uint16_t ids[N_PAIR], want_ids[N_PAIR];
    float weights[N_PAIR], want_weights[N_PAIR];
    routing_of(i, want_ids, want_weights);
    assert_int_equal(lem_trace_routing(t, i, 1, ids, weights), LEM_OK);
    assert_memory_equal(ids, want_ids, sizeof ids);
    assert_memory_equal(weights, want_weights, sizeof weights);
    return true;
}

static bool piece_is(const struct lem_trace *t, uint32_t i)
{
    char piece[128];
    const size_t n = lem_trace_piece(t, i, piece, sizeof piece);
    return n == strlen(piece_of(i)) && memcmp(piece, piece_of(i), n) == 0;
}

static void what_is_written_is_read(void **state)
{
    struct fixture *f = *state;
    struct lem_trace *t;
    struct lem_trace_info info;
    assert_int_equal(
        lem_trace_open(scratch_path(&f->scratch, "sample.lemtrace"), &f->log, &t),
        LEM_OK);
    lem_trace_get_info(t, &info);
    assert_string_equal(info.facts.name, "Märchen");
    assert_string_equal(info.facts.architecture, "olmoe");
    assert_string_equal(info.facts.device, "CPU");
    assert_int_equal(info.facts.n_layer_moe, N_LAYER);
    assert_int_equal(info.facts.layer[1], 7);
    assert_int_equal(info.n_token, N_TOKEN);
    assert_int_equal(info.n_prompt, 3);
    assert_int_equal(info.n_event, 2);
    assert_int_equal(info.lost_bytes, 0);
    for (uint32_t i = 0; i < N_TOKEN; i++) {
        assert_true(check_token(t, i));
        assert_true(piece_is(t, i));
    }
    struct lem_trace_event event;
    char text[512];
    assert_int_equal(lem_trace_get_event(t, 0, &event), LEM_OK);
    assert_int_equal(event.kind, LEM_TRACE_POLICY);
    assert_int_equal(event.before, 5);
    assert_int_equal(lem_trace_event_text(t, 0, text, sizeof text), strlen(policy));
    assert_memory_equal(text, policy, strlen(policy));
    assert_int_equal(lem_trace_get_event(t, 2, &event), LEM_ERR_ARGUMENT);
    assert_silent(&f->capture);
    assert_int_equal(lem_trace_get_token(t, N_TOKEN, &(struct lem_trace_token){0}),
                     LEM_ERR_ARGUMENT);
    assert_said(&f->capture, "there are 9");
    lem_trace_close(&t);
    assert_null(t);
}

/* However much is missing at the end, all whole tokens before are there. */
static void a_cut_file_opens_up_to_the_cut(void **state)
{
    struct fixture *f = *state;
    struct lem_trace *t;
    struct lem_trace_info info, whole;
    assert_int_equal(lem_trace_open_memory(f->data, f->size, &f->log, &t), LEM_OK);
    lem_trace_get_info(t, &whole);
    lem_trace_close(&t);
    const size_t header = *(const uint32_t *)(const void *)(f->data + 12);
    uint64_t most = 0;
    for (size_t size = 0; size <= f->size; size++) {
        const enum lem_status st = lem_trace_open_memory(f->data, size, &f->log, &t);
        assert_int_equal(st, size < header ? LEM_ERR_FORMAT : LEM_OK);
        if (st != LEM_OK) {
            assert_said(&f->capture, NULL);
            continue;
        }
        lem_trace_get_info(t, &info);
        /* Before token 5 stand two slots of the policy, before token 6 one of its text.
         */
        const size_t slots = (size - header) / whole.slot_bytes;
        const size_t n_token = slots < 6    ? slots
                               : slots < 8  ? 5
                               : slots < 10 ? 6
                                            : slots - 3;
        assert_int_equal(info.n_token, n_token);
        assert_int_equal(info.lost_bytes, (size - header) % whole.slot_bytes);
        assert_true(info.n_token >= most);
        most = info.n_token;
        for (uint32_t i = 0; i < info.n_token; i++)
            assert_true(check_token(t, i) && piece_is(t, i));
        lem_trace_close(&t);
    }
    assert_int_equal(most, N_TOKEN);
    assert_silent(&f->capture);
}

/* One changed bit: the header is refused, or at most one token is missing, and no
 * token is ever shown wrong. */
static void a_flipped_bit_is_noticed(void **state)
{
    struct fixture *f = *state;
    const size_t header = *(const uint32_t *)(const void *)(f->data + 12);
    for (size_t bit = 0; bit < 8 * f->size; bit++) {
        struct lem_trace *t;
        f->data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        const enum lem_status st = lem_trace_open_memory(f->data, f->size, &f->log, &t);
        if (bit / 8 < header) {
            assert_true(st == LEM_ERR_FORMAT || st == LEM_ERR_UNSUPPORTED);
        } else {
            unsigned missing = 0;
            assert_int_equal(st, LEM_OK);
            for (uint32_t i = 0; i < N_TOKEN; i++)
                missing += !check_token(t, i) || !piece_is(t, i);
            assert_in_range(missing, 0, 1);
        }
        lem_trace_close(&t);
        f->data[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
}

static void other_files_are_named(void **state)
{
    struct fixture *f = *state;
    struct lem_trace *t;
    const uint8_t foreign[64] = "GGUF and so on, this is something else";
    assert_int_equal(lem_trace_open_memory(foreign, sizeof foreign, &f->log, &t),
                     LEM_ERR_FORMAT);
    assert_said(&f->capture, "not a recording of Lemnos");
    f->data[8] = 9;
    assert_int_equal(lem_trace_open_memory(f->data, f->size, &f->log, &t),
                     LEM_ERR_UNSUPPORTED);
    assert_said(&f->capture, "version 9");
    f->data[8] = 1;
    assert_int_equal(lem_trace_open("/no/such/file", &f->log, &t), LEM_ERR_IO);
    assert_said(&f->capture, "/no/such/file");
    assert_null(t);
}

static void wrong_arguments_are_refused(void **state)
{
    struct fixture *f = *state;
    struct lem_trace_writer *w;
    struct lem_trace_facts bad = facts;
    const char *path = scratch_path(&f->scratch, "bad.lemtrace");
    bad.n_expert_used = bad.n_expert + 1;
    assert_int_equal(lem_trace_writer_open(path, &bad, &f->log, &w), LEM_ERR_ARGUMENT);
    assert_said(&f->capture, "experts");
    assert_int_equal(lem_trace_writer_open("/no/such/dir/x", &facts, &f->log, &w),
                     LEM_ERR_IO);
    assert_said(&f->capture, "/no/such/dir/x");
    assert_int_equal(lem_trace_writer_open(path, &facts, &f->log, &w), LEM_OK);
    const struct lem_trace_token token = token_of(0);
    const uint16_t ids[][N_PAIR] = {
        {0, N_EXPERT}, {0, LEM_NO_EXPERT, 1}, {0, 1, 2, LEM_NO_EXPERT, LEM_NO_EXPERT, 5}};
    const float weights[N_PAIR] = {0};
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
        assert_int_equal(lem_trace_writer_token(w, &token, "x", 1, ids[i], weights),
                         LEM_ERR_ARGUMENT);
        assert_said(&f->capture, "must be below 300");
    }
    assert_int_equal(lem_trace_writer_close(&w), LEM_OK);
    bad = facts; /* where every number would be an expert's, none could mean none */
    bad.n_expert = LEM_NO_EXPERT + 1;
    assert_int_equal(lem_trace_writer_open(path, &bad, &f->log, &w), LEM_ERR_ARGUMENT);
    assert_said(&f->capture, "65536");
}

/* A slot without an expert before one with: no program of ours writes that, and a token
 * that says it is taken for damaged, not handed out. */
static void empty_slots_are_the_last(void **state)
{
    struct fixture *f = *state;
    struct lem_trace *t;
    struct lem_trace_info info;
    const size_t header = *(const uint32_t *)(const void *)(f->data + 12);
    assert_int_equal(lem_trace_open_memory(f->data, f->size, &f->log, &t), LEM_OK);
    lem_trace_get_info(t, &info);
    lem_trace_close(&t);
    uint8_t *slot = f->data + header; /* of token 0, which uses all its experts */
    uint8_t *ids = slot + TRACE_AT_RUNNERS + LEM_TRACE_RUNNERS * TRACE_RUNNER_BYTES;
    trace_put_u16(ids + 2, LEM_NO_EXPERT);
    trace_put_u32(slot, trace_check(slot + 4, info.slot_bytes - 4));
    assert_int_equal(lem_trace_open_memory(f->data, f->size, &f->log, &t), LEM_OK);
    uint16_t got[N_PAIR];
    assert_int_equal(lem_trace_routing(t, 0, 1, got, NULL), LEM_ERR_FORMAT);
    assert_said(&f->capture, "token 0 is damaged");
    lem_trace_close(&t);
    trace_put_u16(ids + 4, LEM_NO_EXPERT); /* now it is the last two */
    trace_put_u32(slot, trace_check(slot + 4, info.slot_bytes - 4));
    assert_int_equal(lem_trace_open_memory(f->data, f->size, &f->log, &t), LEM_OK);
    float weights[N_PAIR];
    assert_int_equal(lem_trace_routing(t, 0, 1, got, weights), LEM_OK);
    assert_int_equal(got[1], LEM_NO_EXPERT);
    assert_true(weights[1] == 0); /* whatever the file says there */
    lem_trace_close(&t);
}

/* /dev/full takes nothing: the writer says so once per call and never crashes. */
static void a_full_disk_is_told(void **state)
{
    struct fixture *f = *state;
    struct lem_trace_writer *w;
    assert_int_equal(lem_trace_writer_open("/dev/full", &facts, &f->log, &w), LEM_ERR_IO);
    assert_said(&f->capture, "/dev/full");
    assert_null(w);
}

static void the_likeliest_are_ranked(void **state)
{
    (void)state;
    /* exp gives 1, 2, 4, 8, 8, 16 (sum 39) */
    const float l2 = logf(2.0f);
    const float logits[] = {0, l2, 2 * l2, 3 * l2, 3 * l2, 4 * l2};
    struct lem_trace_token t = {.id = 3};
    lem_trace_rank(&t, logits, 6, 3);
    assert_true(fabsf(t.probability - 8.0f / 39) < 1e-6f);
    assert_int_equal(t.runner[0].id, 5);
    assert_int_equal(t.runner[1].id, 4);
    assert_int_equal(t.runner[2].id, 2);
    assert_int_equal(t.runner[3].id, -1);
    assert_true(fabsf(t.runner[0].probability - 16.0f / 39) < 1e-6f);
}

/* Opening and reaching a token must not depend on how many there are. */
static void a_long_recording_opens_at_once(void **state)
{
    struct fixture *f = *state;
    enum { MANY = 200000 };
    struct lem_trace_writer *w;
    struct lem_trace *t;
    struct lem_trace_info info;
    const char *path = scratch_path(&f->scratch, "long.lemtrace");
    assert_int_equal(lem_trace_writer_open(path, &facts, &f->log, &w), LEM_OK);
    for (uint32_t i = 0; i < MANY; i++) {
        uint16_t ids[N_PAIR];
        float weights[N_PAIR];
        const struct lem_trace_token token = token_of(i);
        routing_of(i, ids, weights);
        assert_int_equal(lem_trace_writer_token(w, &token, "x", 1, ids, weights), LEM_OK);
    }
    assert_int_equal(lem_trace_writer_close(&w), LEM_OK);
    clock_t used = clock();
    assert_int_equal(lem_trace_open(path, &f->log, &t), LEM_OK);
    lem_trace_get_info(t, &info);
    assert_int_equal(info.n_token, MANY);
    for (uint32_t i = 0; i < 1000; i++)
        assert_true(check_token(t, (i * 7919) % MANY));
    used = clock() - used;
    clock_t whole = clock(); /* 200 times as many tokens, on the same machine */
    for (uint32_t i = 0; i < MANY; i++)
        assert_true(check_token(t, i));
    whole = clock() - whole;
    assert_true(used < whole / 4);
    lem_trace_close(&t);
}

/* The promise of the format: 32 layers of top-8 in at most 1.2 KB per token. */
static void a_token_is_small(void **state)
{
    struct fixture *f = *state;
    struct lem_trace_facts large = facts;
    struct lem_trace_writer *w;
    struct lem_trace *t;
    struct lem_trace_info info;
    const char *path = scratch_path(&f->scratch, "large.lemtrace");
    large.n_layer_moe = 32;
    large.n_expert_used = 8;
    large.layer = NULL;
    assert_int_equal(lem_trace_writer_open(path, &large, &f->log, &w), LEM_OK);
    assert_int_equal(lem_trace_writer_close(&w), LEM_OK);
    assert_int_equal(lem_trace_open(path, &f->log, &t), LEM_OK);
    lem_trace_get_info(t, &info);
    assert_in_range(info.slot_bytes, 1024, 1200);
    assert_int_equal(info.n_token, 0);
    lem_trace_close(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_written_is_read, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_cut_file_opens_up_to_the_cut, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_flipped_bit_is_noticed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(other_files_are_named, set_up, tear_down),
        cmocka_unit_test_setup_teardown(wrong_arguments_are_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(empty_slots_are_the_last, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_full_disk_is_told, set_up, tear_down),
        cmocka_unit_test(the_likeliest_are_ranked),
        cmocka_unit_test_setup_teardown(a_long_recording_opens_at_once, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_token_is_small, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
