/* test_trace_memory.c - recordings with times by stage and memory: read again as they
 * were written, at every token, however the file is cut or damaged; and without them. */
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

enum { N_LAYER = 3, N_EXPERT = 24, N_USED = 2, N_PAIR = N_LAYER * N_USED, N_TOKEN = 12 };
/* Memory is noted before these tokens; the last one is at the end. */
enum { N_NOTE = 4 };
static const uint64_t note_at[N_NOTE] = {0, 5, 6, N_TOKEN};

static const char policy[] = "{\"layers\":[{\"layer\":1,\"ban\":[1,2,3]}]}";
static const char long_piece[] = "a piece that is too long for the place it has";

static const struct lem_trace_facts facts = {.name = "small",
                                             .architecture = "olmoe",
                                             .device = "none",
                                             .n_layer_moe = N_LAYER,
                                             .n_expert = N_EXPERT,
                                             .n_expert_used = N_USED,
                                             .n_vocab = 100,
                                             .n_runner = 2,
                                             .margins = true};

static struct lem_trace_memory note_of(uint32_t k)
{
    const uint64_t big = k == 2 ? (uint64_t)1 << 40 : 0; /* beyond 32 bits */
    return (struct lem_trace_memory){.weights = 1000 + k + big,
                                     .session = 500 + k + big,
                                     .cache = 200 + k + big,
                                     .peak = 2000 + k + big,
                                     .device = 9000 + big,
                                     .n_ctx = 64 + k};
}

static struct lem_trace_token token_of(uint32_t i)
{
    return (struct lem_trace_token){.id = (int32_t)i,
                                    .probability = 0.5f,
                                    .prompt = i < 3,
                                    .total_us = 5000 + i,
                                    .stage_us = {1000 + i, 200, 3000000000u, 40, i}};
}

static void choice_of(uint32_t i, uint16_t *ids, float *weights, float *margins)
{
    for (uint32_t k = 0; k < N_PAIR; k++) {
        ids[k] = (uint16_t)((i * 5 + k * 7) % N_EXPERT);
        weights[k] = 0.5f;
    }
    for (uint32_t k = 0; k < N_LAYER; k++)
        margins[k] = 0.25f;
}

static const char *piece_of(uint32_t i)
{
    return i == 6 ? long_piece : i % 2 ? " odd" : " even";
}

static void write_token(struct lem_trace_writer *w, uint32_t i)
{
    uint16_t ids[N_PAIR];
    float weights[N_PAIR], margins[N_LAYER];
    const struct lem_trace_token token = token_of(i);
    const char *piece = piece_of(i);
    choice_of(i, ids, weights, margins);
    assert_int_equal(lem_trace_writer_margins(w, margins, NULL), LEM_OK);
    assert_int_equal(
        lem_trace_writer_token(w, &token, piece, strlen(piece), ids, weights), LEM_OK);
}

/* With a policy beside the memory, and a piece in an event of its own. */
static void write_sample(const char *path, bool memory)
{
    struct lem_trace_writer *w;
    assert_int_equal(lem_trace_writer_open(path, &facts, NULL, &w), LEM_OK);
    for (uint32_t i = 0, k = 0; i <= N_TOKEN; i++) {
        if (i == 5)
            assert_int_equal(lem_trace_writer_policy(w, policy, strlen(policy)), LEM_OK);
        if (i == note_at[k]) {
            const struct lem_trace_memory m = note_of(k++);
            if (memory)
                assert_int_equal(lem_trace_writer_memory(w, &m), LEM_OK);
        }
        if (i < N_TOKEN)
            write_token(w, i);
    }
    assert_int_equal(lem_trace_writer_close(&w), LEM_OK);
}

struct fixture {
    struct scratch scratch;
    struct capture capture;
    struct lem_log log;
    uint8_t *data;
    size_t size, header;
};

static void load(struct fixture *f, bool memory)
{
    const char *path = scratch_path(&f->scratch, "sample.lemtrace");
    write_sample(path, memory);
    free(f->data);
    f->data = (uint8_t *)program_read_file(path, &f->size);
    f->header = trace_get_u32(f->data + 12);
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    if (!f)
        return -1;
    scratch_open(&f->scratch);
    f->log = capture_log(&f->capture);
    load(f, true);
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

static struct lem_trace *open_sample(struct fixture *f, size_t size)
{
    struct lem_trace *t = NULL;
    assert_int_equal(lem_trace_open_memory(f->data, size, NULL, &t), LEM_OK);
    return t;
}

static bool same(const struct lem_trace_memory *a, const struct lem_trace_memory *b)
{
    return a->weights == b->weights && a->session == b->session && a->cache == b->cache &&
           a->peak == b->peak && a->device == b->device && a->n_ctx == b->n_ctx;
}

/* Which note is in force before token `i`: its number + 1; 0 = none; -1 = no note that
 * was ever written. */
static int note_before(const struct lem_trace *t, uint64_t i)
{
    const struct lem_trace_memory none = {0};
    struct lem_trace_memory got;
    assert_int_equal(lem_trace_get_memory(t, i, &got), LEM_OK);
    for (uint32_t k = 0; k < N_NOTE; k++) {
        const struct lem_trace_memory want = note_of(k);
        if (same(&got, &want))
            return (int)k + 1;
    }
    return same(&got, &none) ? 0 : -1;
}

static int want_before(uint64_t i)
{
    int n = 0;
    while (n < N_NOTE && note_at[n] <= i)
        n++;
    return n;
}

/* False when the token is not to be had; what is had is as it was written. */
static bool check_token(const struct lem_trace *t, uint32_t i)
{
    struct lem_trace_token got;
    const struct lem_trace_token want = token_of(i);
    char piece[64];
    if (lem_trace_get_token(t, i, &got) != LEM_OK)
        return false;
    assert_int_equal(got.id, want.id);
    assert_int_equal(got.total_us, want.total_us);
    assert_memory_equal(got.stage_us, want.stage_us, sizeof got.stage_us);
    const size_t n = lem_trace_piece(t, i, piece, sizeof piece);
    return n == strlen(piece_of(i)) && memcmp(piece, piece_of(i), n) == 0;
}

static void what_is_noted_is_read(void **state)
{
    struct fixture *f = *state;
    struct lem_trace *t = open_sample(f, f->size);
    struct lem_trace_info info;
    lem_trace_get_info(t, &info);
    assert_int_equal(info.n_token, N_TOKEN);
    assert_int_equal(info.n_event, N_NOTE + 2);
    for (uint32_t i = 0; i < N_TOKEN; i++) {
        assert_true(check_token(t, i));
        assert_int_equal(note_before(t, i), want_before(i));
    }
    assert_int_equal(note_before(t, N_TOKEN), N_NOTE);
    assert_int_equal(note_before(t, UINT64_MAX), N_NOTE);
    struct lem_trace_event event;
    assert_int_equal(lem_trace_get_event(t, 0, &event), LEM_OK);
    assert_int_equal(event.kind, LEM_TRACE_MEMORY);
    assert_int_equal(lem_trace_get_memory(t, 0, NULL), LEM_ERR_ARGUMENT);
    lem_trace_close(&t);
}

/* Files from before, and those of programs that keep no memory. */
static void without_notes_nothing_is_known(void **state)
{
    struct fixture *f = *state;
    load(f, false);
    struct lem_trace *t = open_sample(f, f->size);
    for (uint32_t i = 0; i <= N_TOKEN; i++)
        assert_int_equal(note_before(t, i), 0);
    for (uint32_t i = 0; i < N_TOKEN; i++)
        assert_true(check_token(t, i));
    lem_trace_close(&t);
    const char *old = LEM_TEST_DATA "/../fuzz/corpus/trace/tale"; /* of version 1 */
    assert_int_equal(lem_trace_open(old, &f->log, &t), LEM_OK);
    assert_silent(&f->capture);
    assert_int_equal(note_before(t, UINT64_MAX), 0);
    lem_trace_close(&t);
}

/* Everything before the cut is there, and nothing that stood after it. */
static void a_cut_file_opens_up_to_the_cut(void **state)
{
    struct fixture *f = *state;
    struct lem_trace *t = open_sample(f, f->size);
    struct lem_trace_info info;
    lem_trace_get_info(t, &info);
    const uint32_t slot = info.slot_bytes;
    lem_trace_close(&t);
    uint64_t most = 0;
    int most_note = 0;
    for (size_t size = 0; size <= f->size; size++) {
        /* memory of its own, so that a byte read behind the end is one read too many */
        uint8_t *part = malloc(size + 1);
        assert_non_null(part);
        memcpy(part, f->data, size);
        part = realloc(part, size ? size : 1);
        const enum lem_status st = lem_trace_open_memory(part, size, &f->log, &t);
        assert_int_equal(st, size < f->header ? LEM_ERR_FORMAT : LEM_OK);
        if (st != LEM_OK) {
            assert_said(&f->capture, NULL);
            free(part);
            continue;
        }
        lem_trace_get_info(t, &info);
        assert_int_equal(info.lost_bytes, (size - f->header) % slot);
        assert_true(info.n_token >= most);
        for (uint32_t i = 0; i < info.n_token; i++) {
            assert_true(check_token(t, i));
            assert_int_equal(note_before(t, i), want_before(i));
        }
        const int last = note_before(t, UINT64_MAX);
        assert_true(last >= most_note && last <= want_before(info.n_token));
        most = info.n_token;
        most_note = last;
        lem_trace_close(&t);
        free(part);
    }
    assert_int_equal(most, N_TOKEN);
    assert_int_equal(most_note, N_NOTE);
    assert_silent(&f->capture);
}

/* A byte changed in all ways that one bit, or all of its bits, can be: the header is
 * refused, or at most one token or note is missing, and none is ever shown wrong. */
static void damage_is_noticed(void **state)
{
    struct fixture *f = *state;
    static const uint8_t flip[] = {1, 2, 4, 8, 16, 32, 64, 128, 255};
    for (size_t at = 0; at < f->size; at++)
        for (size_t k = 0; k < sizeof flip; k++) {
            struct lem_trace *t = NULL;
            f->data[at] ^= flip[k];
            const enum lem_status st = lem_trace_open_memory(f->data, f->size, NULL, &t);
            if (at < f->header)
                assert_true(st == LEM_ERR_FORMAT || st == LEM_ERR_UNSUPPORTED);
            else
                assert_int_equal(st, LEM_OK);
            unsigned missing = 0, forgotten = 0;
            for (uint32_t i = 0; t && i < N_TOKEN; i++) {
                missing += !check_token(t, i);
                const int note = note_before(t, i), want = want_before(i);
                assert_in_range(note, want > 0 ? want - 1 : 0, want);
                forgotten += note != want;
            }
            if (t && note_before(t, UINT64_MAX) != N_NOTE)
                forgotten++;
            assert_in_range(missing, 0, 1);
            assert_true(missing == 0 || forgotten == 0);
            lem_trace_close(&t);
            f->data[at] ^= flip[k];
        }
}

/* ---- events made by other hands ------------------------------------------------------
 */

/* Slot 0 of the sample is its first note: change it, and make its check fit. */
static uint8_t *begin_forging(struct fixture *f)
{
    load(f, true);
    return f->data + f->header;
}

static struct lem_trace *end_forging(struct fixture *f)
{
    uint8_t *slot = f->data + f->header;
    trace_put_u32(slot, trace_check(slot + 4, trace_slot_bytes(&facts) - 4));
    return open_sample(f, f->size);
}

static void impossible_notes_are_passed_over(void **state)
{
    struct fixture *f = *state;
    struct lem_trace *t;
    for (int what = 0; what < 4; what++) {
        uint8_t *slot = begin_forging(f);
        if (what == 0) /* too short */
            trace_put_u32(slot + TRACE_AT_LENGTH, TRACE_MEMORY_BYTES - 1);
        if (what == 1) /* none of it is there */
            trace_put_u32(slot + TRACE_AT_LENGTH, 0);
        if (what == 2) /* a cache larger than the session it is in */
            trace_put_u64(slot + TRACE_AT_TEXT + 16, UINT64_MAX);
        if (what == 3) /* an event of a kind that nobody knows yet */
            trace_put_u32(slot + TRACE_AT_WHAT, 77);
        t = end_forging(f);
        assert_int_equal(note_before(t, 0), 0);
        assert_int_equal(note_before(t, 5), 2);
        for (uint32_t i = 0; i < N_TOKEN; i++)
            assert_true(check_token(t, i));
        lem_trace_close(&t);
    }
    /* longer than today's: a later program may know more of it */
    trace_put_u32(begin_forging(f) + TRACE_AT_LENGTH, TRACE_MEMORY_BYTES + 8);
    t = end_forging(f);
    assert_int_equal(note_before(t, 0), 1);
    lem_trace_close(&t);
}

static void wrong_notes_are_refused(void **state)
{
    struct fixture *f = *state;
    struct lem_trace_writer *w;
    const char *path = scratch_path(&f->scratch, "bad.lemtrace");
    const struct lem_trace_memory bad = {.session = 10, .cache = 11};
    assert_int_equal(lem_trace_writer_open(path, &facts, &f->log, &w), LEM_OK);
    assert_int_equal(lem_trace_writer_memory(w, &bad), LEM_ERR_ARGUMENT);
    assert_said(&f->capture, "cannot be larger");
    assert_int_equal(lem_trace_writer_memory(w, NULL), LEM_ERR_ARGUMENT);
    assert_int_equal(lem_trace_writer_memory(NULL, &bad), LEM_ERR_ARGUMENT);
    write_token(w, 0); /* the recording goes on */
    assert_int_equal(lem_trace_writer_close(&w), LEM_OK);
}

/* ---- sizes ---------------------------------------------------------------------------
 */

/* The smallest slot there is holds a note: of a dense model without runners-up. */
static void a_dense_model_has_notes(void **state)
{
    struct fixture *f = *state;
    const struct lem_trace_facts dense = {.n_vocab = 10};
    const struct lem_trace_memory m = note_of(2);
    const struct lem_trace_token token = token_of(4);
    struct lem_trace_memory got;
    struct lem_trace_writer *w;
    struct lem_trace *t;
    const char *path = scratch_path(&f->scratch, "dense.lemtrace");
    assert_int_equal(lem_trace_writer_open(path, &dense, &f->log, &w), LEM_OK);
    assert_int_equal(lem_trace_writer_memory(w, &m), LEM_OK);
    assert_int_equal(lem_trace_writer_token(w, &token, "x", 1, NULL, NULL), LEM_OK);
    assert_int_equal(lem_trace_writer_close(&w), LEM_OK);
    assert_int_equal(lem_trace_open(path, &f->log, &t), LEM_OK);
    assert_int_equal(lem_trace_get_memory(t, 0, &got), LEM_OK);
    assert_true(same(&got, &m));
    lem_trace_close(&t);
}

/* The promise of the format, for a whole file: 32 layers of top-8 with everything that
 * can be kept take at most 1.2 KB a token, header and events included. */
static void a_token_is_small(void **state)
{
    struct fixture *f = *state;
    enum { LAYERS = 32, USED = 8, MANY = 100 };
    static uint16_t ids[LAYERS * USED];
    static float weights[LAYERS * USED], margins[LAYERS];
    static const uint32_t n_expert[] = {8, 64, 128, 512};
    const struct lem_trace_memory m = note_of(0), n = note_of(1);
    for (size_t e = 0; e < sizeof n_expert / sizeof *n_expert; e++) {
        struct lem_trace_facts large = facts;
        struct lem_trace_writer *w;
        size_t size;
        large.n_layer_moe = LAYERS;
        large.n_expert = n_expert[e];
        large.n_expert_used = USED;
        large.n_runner = LEM_TRACE_RUNNERS;
        const char *path = scratch_path(&f->scratch, "large.lemtrace");
        assert_int_equal(lem_trace_writer_open(path, &large, &f->log, &w), LEM_OK);
        assert_int_equal(lem_trace_writer_memory(w, &m), LEM_OK);
        for (uint32_t i = 0; i < MANY; i++) {
            const struct lem_trace_token token = token_of(i);
            assert_int_equal(lem_trace_writer_margins(w, margins, NULL), LEM_OK);
            assert_int_equal(lem_trace_writer_token(w, &token, " word", 5, ids, weights),
                             LEM_OK);
        }
        assert_int_equal(lem_trace_writer_memory(w, &n), LEM_OK);
        assert_int_equal(lem_trace_writer_close(&w), LEM_OK);
        free(program_read_file(path, &size));
        assert_in_range(size, 800 * MANY, 1200 * MANY);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_noted_is_read, set_up, tear_down),
        cmocka_unit_test_setup_teardown(without_notes_nothing_is_known, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_cut_file_opens_up_to_the_cut, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(damage_is_noticed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(impossible_notes_are_passed_over, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(wrong_notes_are_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_dense_model_has_notes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_token_is_small, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
