/* test_weights.c - both ways of loading, into mapped memory and through staging rings,
 * give the same bytes for every tiny model, however the work is cut; and what they say.
 */
#include <stdlib.h>
#include <string.h>

#include "cache/weights_piece.h"
#include "model/run_model.h"
#include "support/gpu_fixture.h"
#include "support/tolerance.h"

static struct lem_device *open_logging(const char *caps, const struct lem_log *log)
{
    const struct lem_device_params p = {.selector = getenv("LEMNOS_TEST_DEVICE"),
                                        .caps = caps,
                                        .validation = true,
                                        .log = *log};
    struct lem_device *d = NULL;
    if (lem_device_open(&p, &d) != LEM_OK)
        fail_msg("no device with caps %s", caps ? caps : "of its own");
    return d;
}

static struct lem_device *open_with(const char *caps, struct capture *said)
{
    const struct lem_log log = capture_log(said);
    return open_logging(caps, &log);
}

/* The device once more, with its memory mapped if the fixture's is not, and the other way
 * round. */
static struct lem_device *open_other(struct capture *said)
{
    const char *caps = getenv("LEMNOS_TEST_CAPS");
    return open_with(caps && caps[0] ? NULL : "unmapped", said);
}

/* ---- the same bytes ----------------------------------------------------------- */

static void read_slice(const struct gpu_slice *s, uint8_t *out)
{
    assert_int_equal(gpu_buf_read(s->buf, s->offset, s->size, out), LEM_OK);
}

static void compare_slices(const struct gpu_slice *a, const struct gpu_slice *b,
                           const char *what)
{
    assert_int_equal(a->size, b->size);
    uint8_t *x = malloc(a->size + 1), *y = malloc(a->size + 1);
    assert_true(x && y);
    read_slice(a, x);
    read_slice(b, y);
    if (memcmp(x, y, a->size) != 0)
        fail_msg("%s: the bytes differ", what);
    free(x);
    free(y);
}

/* Slices compared; those that are absent are not. */
static uint32_t compare_matrices(const struct ops_weight *a, const struct ops_weight *b,
                                 uint32_t n, const char *what)
{
    uint32_t compared = 0;
    for (uint32_t i = 0; i < n; i++) {
        assert_int_equal(a[i].n_window, b[i].n_window);
        for (uint32_t k = 0; k < a[i].n_window; k++, compared++)
            compare_slices(&a[i].window[k].slice, &b[i].window[k].slice, what);
    }
    return compared;
}

static uint32_t compare_vectors(const struct gpu_slice *a, const struct gpu_slice *b,
                                uint32_t n, const char *what)
{
    uint32_t compared = 0;
    for (uint32_t i = 0; i < n; i++) {
        assert_int_equal(a[i].buf != NULL, b[i].buf != NULL);
        if (a[i].buf && ++compared)
            compare_slices(&a[i], &b[i], what);
    }
    return compared;
}

static void compare_weights(const struct run_model *a, const struct run_model *b,
                            const char *name)
{
    const struct lem_weights *x = a->weights, *y = b->weights;
    uint32_t n = compare_matrices(x->global, y->global, W_GLOBAL_COUNT, name);
    n += compare_vectors(x->global_vector, y->global_vector, V_GLOBAL_COUNT, name);
    n += compare_vectors(x->rope_freq, y->rope_freq, ROPE_TABLE_COUNT, name);
    for (uint32_t il = 0; il < a->model->hp.n_layer; il++) {
        n += compare_matrices(x->layer[il].matrix, y->layer[il].matrix, W_LAYER_COUNT,
                              name);
        n += compare_vectors(x->layer[il].vector, y->layer[il].vector, V_LAYER_COUNT,
                             name);
    }
    assert_true(n > 4);
}

static void both_ways_give_the_same_bytes(void **state)
{
    struct gpu_fixture *fx = *state;
    struct capture said = {0};
    struct lem_device *other = open_other(&said);
    /* On a GPU with memory of its own there is one way only. */
    const bool shared = gpu_is_unified(fx->device) || gpu_is_unified(other);
    size_t n;
    const struct tiny *tiny = tiny_models(&n);
    for (size_t i = 0; i < n; i++) {
        struct run_model a, b;
        run_model_open_tiny(&a, fx->device, &tiny[i]);
        run_model_open_tiny(&b, other, &tiny[i]);
        const bool mapped = gpu_buf_map(a.weights->chunk[0]) != NULL;
        assert_int_equal(shared && !mapped, gpu_buf_map(b.weights->chunk[0]) != NULL);
        compare_weights(&a, &b, tiny[i].name);
        run_model_close(&b);
        run_model_close(&a);
    }
    lem_device_close(&other);
    assert_silent(&said);
}

/* ---- however it is cut ---------------------------------------------------------- */

/* All pieces of at most `bytes` into one array per chunk; every byte of every place must
 * have been in exactly one piece. */
static uint32_t pack_cut(const struct lem_model *m, const struct weights_layout *l,
                         uint64_t bytes, uint8_t *const *chunk, const struct lem_log *log)
{
    struct weights_pieces pieces;
    uint64_t total = 0;
    assert_int_equal(weights_pieces_cut(l, bytes, log, &pieces), LEM_OK);
    const uint32_t n = pieces.n;
    for (uint32_t i = 0; i < n; i++) {
        const struct weights_piece *p = &pieces.at[i];
        assert_true(p->bytes > 0 && p->bytes <= pieces.most_bytes);
        assert_true(p->offset + p->bytes <= l->chunk_bytes[p->chunk]);
        weights_piece_expect(m, p);
        weights_piece_pack(m, p, chunk[p->chunk] + p->offset);
        total += p->bytes;
    }
    assert_int_equal(total, l->total_bytes);
    weights_pieces_free(&pieces);
    return n;
}

static uint8_t **make_chunks(const struct weights_layout *l)
{
    uint8_t **chunk = calloc(l->n_chunk, sizeof *chunk);
    assert_non_null(chunk);
    for (uint32_t i = 0; i < l->n_chunk; i++)
        assert_non_null(chunk[i] = calloc(1, l->chunk_bytes[i]));
    return chunk;
}

static void free_chunks(const struct weights_layout *l, uint8_t **chunk)
{
    for (uint32_t i = 0; i < l->n_chunk; i++)
        free(chunk[i]);
    free(chunk);
}

static void check_cuts(struct run_model *r, const char *name)
{
    struct lem_weights w = {
        .model = r->model, .device = r->device, .log = capture_log(&r->said)};
    struct weights_layout l = {0};
    w.layer = arena_alloc(&w.arena, r->model->hp.n_layer, sizeof *w.layer);
    assert_non_null(w.layer);
    assert_int_equal(weights_layout_make(&l, &w), LEM_OK);
    uint8_t **whole = make_chunks(&l), **cut = make_chunks(&l);
    const uint32_t n_whole = pack_cut(r->model, &l, UINT64_MAX, whole, &w.log);
    static const uint64_t bytes[] = {16, 4096, 10000};
    for (size_t i = 0; i < sizeof bytes / sizeof *bytes; i++) {
        for (uint32_t k = 0; k < l.n_chunk; k++)
            memset(cut[k], 0, l.chunk_bytes[k]);
        assert_true(pack_cut(r->model, &l, bytes[i], cut, &w.log) > n_whole);
        for (uint32_t k = 0; k < l.n_chunk; k++)
            if (memcmp(whole[k], cut[k], l.chunk_bytes[k]) != 0)
                fail_msg("%s in pieces of %u: the bytes differ", name,
                         (unsigned)bytes[i]);
    }
    free_chunks(&l, whole);
    free_chunks(&l, cut);
    weights_layout_free(&l);
    arena_free(&w.arena);
}

static void pieces_of_any_size_give_the_same_bytes(void **state)
{
    struct gpu_fixture *fx = *state;
    size_t n;
    const struct tiny *tiny = tiny_models(&n);
    for (size_t i = 0; i < n; i++) {
        struct run_model r;
        run_model_open_tiny(&r, fx->device, &tiny[i]);
        check_cuts(&r, tiny[i].name);
        run_model_close(&r);
    }
}

/* ---- what is said -------------------------------------------------------------- */

struct watch {
    uint64_t done, total;
    uint32_t n;
    bool forward;
};

static void watch(void *priv, const char *what, uint64_t done, uint64_t total)
{
    struct watch *w = priv;
    assert_string_equal(what, "loading weights");
    w->forward = w->forward && done > w->done && done <= total;
    w->done = done;
    w->total = total;
    w->n++;
}

static void progress_ends_with_all(void **state)
{
    struct gpu_fixture *fx = *state;
    struct capture said = {0};
    struct lem_device *other = open_other(&said);
    struct lem_device *const both[] = {fx->device, other};
    struct run_model r;
    run_model_open_tiny(&r, fx->device, tiny_find("olmoe"));
    for (int i = 0; i < 2; i++) {
        struct watch seen = {.forward = true};
        struct lem_weights *w = NULL;
        const struct lem_weights_params p = {.model = r.model,
                                             .device = both[i],
                                             .progress = {.fn = watch, .priv = &seen},
                                             .log = capture_log(&said)};
        assert_int_equal(lem_weights_open(&p, &w), LEM_OK);
        assert_true(seen.forward && seen.n > 1 && seen.done == seen.total);
        lem_weights_close(&w);
    }
    run_model_close(&r);
    lem_device_close(&other);
    assert_silent(&said);
}

/* Messages and the thread they come on: true on the one that made the failing call. */
static _Thread_local bool is_caller;

struct lines {
    struct capture said;
    unsigned n_foreign;
};

static void hear(void *priv, enum lem_log_level level, const char *text)
{
    struct lines *l = priv;
    const struct lem_log log = capture_log(&l->said);
    l->n_foreign += !is_caller;
    log.fn(log.priv, level, text);
}

/* All threads meet the loss, from the first submission on or with others under way; it is
 * told once, and by the thread that asked for the weights. */
static void a_lost_device_is_told_once(void **state)
{
    struct gpu_fixture *fx = *state;
    struct run_model r;
    run_model_open_tiny(&r, fx->device, tiny_find("olmoe"));
    for (uint32_t n_before = 0; n_before < 8; n_before++) {
        struct lines lines = {0};
        const struct lem_log log = {.fn = hear, .priv = &lines};
        is_caller = true;
        struct lem_device *d = open_logging("unmapped", &log);
        struct lem_weights *w = NULL;
        const struct lem_weights_params p = {.model = r.model, .device = d, .log = log};
        gpu_pretend_lost(d, n_before);
        assert_int_equal(lem_weights_open(&p, &w), LEM_ERR_DEVICE_LOST);
        assert_null(w);
        lem_device_close(&d);
        assert_said(&lines.said, "stopped responding");
        assert_int_equal(lines.n_foreign, 0);
    }
    run_model_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_ways_give_the_same_bytes),
        cmocka_unit_test(pieces_of_any_size_give_the_same_bytes),
        cmocka_unit_test(progress_ends_with_all),
        cmocka_unit_test(a_lost_device_is_told_once),
    };
    return cmocka_run_group_tests(tests, gpu_fixture_open, gpu_fixture_close);
}
