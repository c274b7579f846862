/* test_quantize.c - lem_model_quantize(): what becomes of tensors and keys, that threads
 * do not matter, and that failures say why and leave nothing behind. */
#include "lemnos/quantize.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "model/model.h"
#include "support/capture.h"
#include "support/make_tiny.h"
#include "support/program.h"
#include "support/scratch.h"
#include "support/tolerance.h"

struct place {
    struct scratch scratch;
    struct capture said;
    char in[512], out[512];
};

static int make_place(void **state)
{
    struct place *p = calloc(1, sizeof *p);
    assert_non_null(p);
    scratch_open(&p->scratch);
    strcpy(p->in, scratch_path(&p->scratch, "in.gguf"));
    strcpy(p->out, scratch_path(&p->scratch, "out.gguf"));
    *state = p;
    return 0;
}

static int remove_place(void **state)
{
    struct place *p = *state;
    scratch_close(&p->scratch);
    free(p);
    return 0;
}

static struct lem_model *open_model(struct place *p, const char *path)
{
    struct lem_model *m;
    const struct lem_model_params params = {
        .path = path, .facts_only = true, .log = capture_log(&p->said)};
    assert_int_equal(lem_model_open(&params, &m), LEM_OK);
    return m;
}

static struct lem_model *open_tiny(struct place *p, const char *name,
                                   const struct tiny_change *changes)
{
    tiny_save(tiny_find(name), p->in, changes);
    return open_model(p, p->in);
}

/* What was reported, to compare with what is in the file. */
struct reports {
    uint32_t n;
    struct {
        char name[64], from[16], to[16];
        uint64_t bytes;
        double rmse;
    } tensor[128];
};

static void keep(void *priv, const struct lem_quantize_tensor *t)
{
    struct reports *r = priv;
    assert_true(r->n < 128);
    strcpy(r->tensor[r->n].name, t->name);
    strcpy(r->tensor[r->n].from, t->from);
    strcpy(r->tensor[r->n].to, t->to);
    r->tensor[r->n].bytes = t->bytes;
    r->tensor[r->n].rmse = t->rmse;
    r->n++;
}

static bool ends_with(const char *s, const char *end)
{
    return strlen(s) >= strlen(end) && strcmp(s + strlen(s) - strlen(end), end) == 0;
}

/* The error by its definition. */
static double relative_error(const struct gguf_tensor *a, const struct gguf_tensor *b)
{
    float *x = malloc(a->n_weight * sizeof *x), *y = malloc(a->n_weight * sizeof *y);
    assert_true(x && y);
    a->type->decode(a->data, x, a->n_weight);
    b->type->decode(b->data, y, a->n_weight);
    double sum = 0, low = (double)x[0], high = low;
    for (uint64_t i = 0; i < a->n_weight; i++) {
        const double e = (double)x[i] - (double)y[i];
        sum += e * e;
        low = fmin(low, (double)x[i]);
        high = fmax(high, (double)x[i]);
    }
    free(x);
    free(y);
    return high > low ? sqrt(sum / (double)a->n_weight) / (high - low) : 0;
}

static void same_keys(const struct gguf *a, const struct gguf *b, uint32_t file_type)
{
    for (uint64_t i = 0; i < a->n_kv; i++) {
        const struct gguf_kv *k = &a->kv[i], *l = gguf_find_kv(b, k->key);
        assert_non_null(l);
        if (strcmp(k->key, "general.file_type") == 0 ||
            strcmp(k->key, "general.quantization_version") == 0)
            continue;
        assert_int_equal(k->type, l->type);
        assert_int_equal(k->is_array, l->is_array);
        assert_int_equal(k->count, l->count);
        assert_int_equal(k->bytes, l->bytes);
        assert_memory_equal(k->data, l->data, k->bytes);
    }
    uint32_t got = 0;
    assert_int_equal(gguf_get_u32(b, "general.file_type", 0, 100, &got), GGUF_FOUND);
    assert_int_equal(got, file_type);
    assert_int_equal(gguf_get_u32(b, "general.quantization_version", 2, 2, &got),
                     GGUF_FOUND);
}

static void a_copy_has_the_types_asked_for(void **state)
{
    struct place *p = *state;
    struct reports r = {0};
    struct lem_model *a = open_tiny(p, "qwen3moe", NULL);
    const struct lem_quantize_params params = {.path = p->out,
                                               .type = "q5_1",
                                               .experts = "Q4_1",
                                               .n_thread = 2,
                                               .report = keep,
                                               .priv = &r};
    assert_int_equal(lem_model_quantize(a, &params), LEM_OK);
    struct lem_model *b = open_model(p, p->out);
    assert_silent(&p->said);
    assert_string_equal(b->info.unsupported, "");
    same_keys(a->file, b->file, 3);

    assert_int_equal(a->file->n_tensor, b->file->n_tensor);
    assert_int_equal(a->file->n_tensor, r.n);
    uint32_t n_matrix = 0;
    for (uint32_t i = 0; i < r.n; i++) {
        const struct gguf_tensor *t = &a->file->tensor[i], *u = &b->file->tensor[i];
        assert_string_equal(t->name, u->name);
        assert_memory_equal(t->dim, u->dim, sizeof t->dim);
        const char *want = t->n_dim < 2                                ? "F32"
                           : ends_with(t->name, "ffn_gate_inp.weight") ? "F32"
                           : strstr(t->name, "_exps.")                 ? "Q4_1"
                                                                       : "Q5_1";
        n_matrix += want[0] == 'Q';
        assert_string_equal(u->type->name, want);
        assert_string_equal(r.tensor[i].name, t->name);
        assert_string_equal(r.tensor[i].from, t->type->name);
        assert_string_equal(r.tensor[i].to, want);
        assert_int_equal(r.tensor[i].bytes, u->bytes);
        const double error = relative_error(t, u);
        assert_true(fabs(r.tensor[i].rmse - error) <= 1e-9);
        assert_true(want[0] == 'F' ? error == 0 : error > 0 && error < 0.03);
    }
    assert_true(n_matrix >= 10);
    lem_model_close(&a);
    lem_model_close(&b);
}

static void the_same_type_is_copied(void **state)
{
    struct place *p = *state;
    struct lem_model *a = open_tiny(p, "mixtral", NULL);
    const struct lem_quantize_params params = {.path = p->out, .type = "Q8_0"};
    assert_int_equal(lem_model_quantize(a, &params), LEM_OK);
    struct lem_model *b = open_model(p, p->out);
    for (uint64_t i = 0; i < a->file->n_tensor; i++) {
        const struct gguf_tensor *t = &a->file->tensor[i], *u = &b->file->tensor[i];
        assert_ptr_equal(t->type, u->type);
        assert_memory_equal(t->data, u->data, t->bytes);
    }
    lem_model_close(&a);
    lem_model_close(&b);
    assert_silent(&p->said);
}

/* A K type where rows have 256 weights, its neighbour where they have 32, and what
 * there was where they have neither. */
static void rows_that_do_not_fit_get_other_types(void **state)
{
    struct place *p = *state;
    static const struct {
        const char *type, *in_place;
        double most; /* error: half a step of the range, a bit more for odd steps */
        uint32_t file_type;
    } pair[] = {{"Q2_K", "IQ4_NL", 0.12, 10},   {"Q3_K", "IQ4_NL", 0.06, 11},
                {"IQ4_XS", "IQ4_NL", 0.03, 30}, {"Q4_K", "Q5_0", 0.03, 14},
                {"Q5_K", "Q5_1", 0.015, 16},    {"Q6_K", "Q8_0", 0.008, 18}};
    const struct tiny_change changes[] = {
        {"blk.0.attn_q.weight", TINY_DIM0, .value = 512},
        {"blk.0.attn_k.weight", TINY_DIM0, .value = 96},
        TINY_END};
    for (size_t i = 0; i < sizeof pair / sizeof *pair; i++) {
        struct lem_model *a = open_tiny(p, "olmoe", changes);
        const struct lem_quantize_params params = {.path = p->out, .type = pair[i].type};
        p->said.n_other = 0;
        assert_int_equal(lem_model_quantize(a, &params), LEM_OK);
        assert_int_equal(p->said.n_other, 1); /* the warning */
        struct lem_model *b = open_model(p, p->out);
        const struct gguf *g = b->file;
        const struct gguf_tensor *q = gguf_find_tensor(g, "blk.0.attn_q.weight");
        assert_string_equal(q->type->name, pair[i].type);
        assert_string_equal(gguf_find_tensor(g, "blk.0.attn_k.weight")->type->name,
                            pair[i].in_place);
        assert_string_equal(gguf_find_tensor(g, "blk.0.attn_v.weight")->type->name,
                            "F32");
        const struct gguf_tensor *before = gguf_find_tensor(a->file, q->name);
        const double error = relative_error(before, q);
        assert_true(error > 0.0005 && error < pair[i].most);
        uint32_t file_type = 0;
        assert_int_equal(gguf_get_u32(g, "general.file_type", 0, 100, &file_type),
                         GGUF_FOUND);
        assert_int_equal(file_type, pair[i].file_type);
        lem_model_close(&a);
        lem_model_close(&b);
    }
    assert_silent(&p->said);
}

/* Any number of threads writes the same bytes, and errors are the same sums. */
static void threads_do_not_matter(void **state)
{
    struct place *p = *state;
    /* several pieces of 64 Ki weights */
    const struct tiny_change changes[] = {{"token_embd.weight", TINY_DIM0, .value = 1024},
                                          TINY_END};
    struct lem_model *a = open_tiny(p, "olmoe", changes);
    char *first = NULL;
    size_t n_first = 0;
    static struct reports one, many;
    one.n = 0;
    for (uint32_t n_thread = 1; n_thread <= 7; n_thread += 3) {
        many.n = 0;
        const struct lem_quantize_params params = {.path = p->out,
                                                   .type = "Q4_K",
                                                   .n_thread = n_thread,
                                                   .report = keep,
                                                   .priv = first ? &many : &one};
        assert_int_equal(lem_model_quantize(a, &params), LEM_OK);
        size_t n;
        char *bytes = program_read_file(p->out, &n);
        if (!first) {
            first = bytes;
            n_first = n;
            continue;
        }
        assert_int_equal(n, n_first);
        assert_memory_equal(bytes, first, n);
        for (uint32_t i = 0; i < one.n; i++)
            assert_memory_equal(&one.tensor[i].rmse, &many.tensor[i].rmse,
                                sizeof(double));
        free(bytes);
    }
    free(first);
    lem_model_close(&a);
    assert_silent(&p->said);
}

struct bad {
    struct tiny_change change;
    const char *type, *experts;
    enum lem_status status;
    const char *said;
};

static void failures_are_told_and_leave_nothing(void **state)
{
    struct place *p = *state;
    static const struct bad bad[] = {
        {TINY_END, "Q4_K_M", NULL, LEM_ERR_ARGUMENT,
         "weight type \"Q4_K_M\" cannot be written; choose one of F32, F16, Q4_0"},
        {TINY_END, "Q8_0", "IQ3_S", LEM_ERR_ARGUMENT, "\"IQ3_S\" cannot be written"},
        {{"blk.0.attn_q.weight", TINY_FILL, .number = NAN},
         "F16",
         NULL,
         LEM_ERR_FORMAT,
         "blk.0.attn_q.weight has weights that are not finite"},
        {{"blk.1.attn_k.weight", TINY_FILL, .number = 1e9f},
         "F16",
         NULL,
         LEM_ERR_UNSUPPORTED,
         "blk.1.attn_k.weight has weights from 1e+09 to 1e+09, too "
         "large for F16"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const struct tiny_change changes[] = {bad[i].change, TINY_END};
        struct lem_model *a = open_tiny(p, "olmoe", changes);
        const struct lem_quantize_params params = {
            .path = p->out, .type = bad[i].type, .experts = bad[i].experts};
        assert_int_equal(lem_model_quantize(a, &params), bad[i].status);
        assert_said(&p->said, bad[i].said);
        lem_model_close(&a);
        assert_int_equal(scratch_count(&p->scratch), 1); /* the model */
    }
}

static void types_without_a_decoder_are_named(void **state)
{
    struct place *p = *state;
    const struct tiny_change changes[] = {
        {"blk.0.ffn_down.weight", TINY_TYPE, .value = QUANT_Q8_1}, TINY_END};
    struct lem_model *a = open_tiny(p, "qwen3", changes);
    const struct lem_quantize_params params = {.path = p->out, .type = "Q8_0"};
    assert_int_equal(lem_model_quantize(a, &params), LEM_ERR_UNSUPPORTED);
    assert_said(&p->said,
                "blk.0.ffn_down.weight is of type Q8_1, which cannot be decoded");
    lem_model_close(&a);
    assert_int_equal(scratch_count(&p->scratch), 1);
}

static void places_that_cannot_be_written(void **state)
{
    struct place *p = *state;
    struct lem_model *a = open_tiny(p, "olmoe", NULL);
    struct lem_quantize_params params = {.path = p->in, .type = "F16"};
    assert_int_equal(lem_model_quantize(a, &params), LEM_ERR_ARGUMENT);
    assert_said(&p->said, "is the model itself");
    assert_int_equal(symlink(p->in, p->out), 0); /* nor by another name */
    params.path = p->out;
    assert_int_equal(lem_model_quantize(a, &params), LEM_ERR_ARGUMENT);
    assert_said(&p->said, "is the model itself");
    assert_int_equal(remove(p->out), 0);
    params.path = scratch_path(&p->scratch, "no/such/folder.gguf");
    assert_int_equal(lem_model_quantize(a, &params), LEM_ERR_IO);
    assert_said(&p->said, "folder.gguf: cannot be written");
    params.path = "/dev/full";
    assert_int_equal(lem_model_quantize(a, &params), LEM_ERR_IO);
    assert_said(&p->said, "/dev/full: could not be written whole");
    params.path = NULL;
    assert_int_equal(lem_model_quantize(a, &params), LEM_ERR_ARGUMENT);
    assert_said(&p->said, "must not be NULL");
    assert_int_equal(lem_model_quantize(NULL, &params), LEM_ERR_ARGUMENT);
    lem_model_close(&a);
    assert_int_equal(scratch_count(&p->scratch), 1);
}

static uint64_t last_done, last_total; /* of the progress */

static void on_progress(void *priv, const char *what, uint64_t done, uint64_t total)
{
    (void)priv;
    assert_string_equal(what, "writing weights");
    assert_true(done >= last_done && done <= total);
    last_done = done;
    last_total = total;
}

static void progress_ends_at_its_total(void **state)
{
    struct place *p = *state;
    struct lem_model *a = open_tiny(p, "mixtral-lead", NULL);
    const struct lem_quantize_params params = {
        .path = p->out, .type = "BF16", .progress = {.fn = on_progress}};
    last_done = last_total = 0;
    assert_int_equal(lem_model_quantize(a, &params), LEM_OK);
    assert_int_equal(last_done, last_total);
    assert_int_equal(last_total, a->info.n_param);
    lem_model_close(&a);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, make_place, remove_place)
    const struct CMUnitTest tests[] = {
        TEST(a_copy_has_the_types_asked_for),
        TEST(the_same_type_is_copied),
        TEST(rows_that_do_not_fit_get_other_types),
        TEST(threads_do_not_matter),
        TEST(failures_are_told_and_leave_nothing),
        TEST(types_without_a_decoder_are_named),
        TEST(places_that_cannot_be_written),
        TEST(progress_ends_at_its_total),
    };
#undef TEST
    return cmocka_run_group_tests(tests, NULL, NULL);
}
