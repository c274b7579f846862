/* test_synthetic.c - models with random weights: their sizes by hand, that the file is a
 * whole model, that weights are as wide as promised, and refusals. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lemnos/lemnos.h"
#include "model/model.h"
#include "support/capture.h"
#include "support/program.h"
#include "support/scratch.h"

struct bed {
    struct scratch scratch;
    struct capture said;
    char path[512], started[600];
    uint64_t done, total;
};

static int make_bed(void **state)
{
    struct bed *b = calloc(1, sizeof *b);
    assert_non_null(b);
    scratch_open(&b->scratch);
    strcpy(b->path, scratch_path(&b->scratch, "tiny.gguf"));
    *state = b;
    return 0;
}

static int remove_bed(void **state)
{
    struct bed *b = *state;
    scratch_close(&b->scratch);
    free(b);
    return 0;
}

static void on_start(void *priv, const char *temporary)
{
    struct bed *b = priv;
    snprintf(b->started, sizeof b->started, "%s", temporary);
}

static void on_progress(void *priv, const char *what, uint64_t done, uint64_t total)
{
    struct bed *b = priv;
    assert_non_null(what);
    assert_true(done >= b->done && done <= total);
    b->done = done;
    b->total = total;
}

static struct lem_synthetic_params params_of(struct bed *b, const char *type)
{
    b->done = 0;
    return (struct lem_synthetic_params){.path = b->path,
                                         .shape = "tiny",
                                         .type = type,
                                         .seed = 7,
                                         .progress = {.fn = on_progress, .priv = b},
                                         .started = on_start,
                                         .priv = b,
                                         .log = capture_log(&b->said)};
}

/* Weights of the matrices times bytes per block, and F32 for routers and norms. */
static void sizes_are_those_of_the_real_models(void **state)
{
    (void)state;
    /* 49155 x 1024, and 24 layers of 2 x 1024 x 1024, 2 x 1024 x 512, 3 x 32 x 512 x
     * 1024; 24 x (32 + 2) x 1024 + 1024 in F32 */
    const uint64_t granite = 50334720 + UINT64_C(24) * (2097152 + 1048576 + 50331648);
    assert_int_equal(lem_synthetic_bytes("granite-1b", "Q4_0"),
                     granite / 32 * 18 + 4 * (24 * 34 * 1024 + 1024));
    assert_int_equal(lem_synthetic_bytes("granite-1b", "q4_k"),
                     granite / 256 * 144 + 4 * (24 * 34 * 1024 + 1024));
    /* 2 x 50304 x 2048, and 16 layers of 4 x 2048 x 2048, 3 x 64 x 1024 x 2048 */
    const uint64_t olmoe = 206045184 + UINT64_C(16) * (16777216 + 402653184);
    assert_int_equal(lem_synthetic_bytes("olmoe-7b", "q8_0"),
                     olmoe / 32 * 34 + 4 * (16 * 68 * 2048 + 2048));
    assert_int_equal(lem_synthetic_bytes("olmoe-9b", "q8_0"), 0);
    assert_int_equal(lem_synthetic_bytes("olmoe-7b", "q9_9"), 0);
    assert_string_equal(lem_synthetic_shape(0), "granite-1b");
    assert_string_equal(lem_synthetic_shape(2), "tiny");
    assert_null(lem_synthetic_shape(3));
}

static struct lem_model *open_model(struct bed *b)
{
    struct lem_model *m = NULL;
    const struct lem_model_params p = {.path = b->path, .log = capture_log(&b->said)};
    if (lem_model_open(&p, &m) != LEM_OK)
        fail_msg("%s", b->said.error);
    return m;
}

static void the_vocabulary_is_whole(struct bed *b, const struct lem_model *m)
{
    static const char text[] = "The 12 foxes: \xc3\xa4\n";
    struct lem_tokenizer *tok = NULL;
    const struct lem_log log = capture_log(&b->said);
    assert_int_equal(lem_tokenizer_open(m, &log, &tok), LEM_OK);
    int32_t id[64];
    size_t n;
    assert_int_equal(lem_tokenizer_encode(tok, text, strlen(text), 0, id, 64, &n),
                     LEM_OK);
    assert_true(n < strlen(text)); /* pairs are used */
    char back[128];
    size_t len = 0;
    for (size_t i = 0; i < n; i++) {
        assert_in_range(id[i], 1, 514);
        len += lem_tokenizer_piece(tok, id[i], false, back + len, sizeof back - len);
    }
    assert_int_equal(len, strlen(text));
    assert_memory_equal(back, text, len);
    assert_true(lem_tokenizer_is_end(tok, 0));
    lem_tokenizer_close(&tok);
}

/* Mean 0 and standard deviation 1 / sqrt(256), to what the type rounds. */
static void weights_are_spread(const struct lem_model *m, enum arch_slot slot)
{
    const struct tensor *t = model_tensor(m, slot, 0);
    const size_t n = (size_t)t->n_mat * t->n_row * t->n_col;
    float *f = calloc(n, sizeof *f);
    assert_non_null(f);
    tensor_decode(t, f);
    double sum = 0, squares = 0;
    for (size_t i = 0; i < n; i++) {
        sum += (double)f[i];
        squares += (double)f[i] * (double)f[i];
    }
    /* 2048 weights at least: the mean within 5 of its standard errors, the deviation
     * within a tenth */
    assert_true(fabs(sum / (double)n) < 5.0 / 16 / sqrt((double)n) + 1e-3);
    assert_true(fabs(sqrt(squares / (double)n) * 16 - 1) < 0.1);
    free(f);
}

static void every_type_gives_a_model(void **state)
{
    struct bed *b = *state;
    const char *type;
    uint32_t n = 0;
    for (; (type = lem_quantize_type(n)) != NULL; n++) {
        const struct lem_synthetic_params p = params_of(b, type);
        if (lem_synthetic_write(&p) != LEM_OK)
            fail_msg("%s: %s", type, b->said.error);
        assert_int_equal(b->done, b->total);
        assert_int_equal(b->total, lem_synthetic_bytes("tiny", type));
        assert_int_equal(strncmp(b->started, b->path, strlen(b->path)), 0);
        assert_string_not_equal(b->started, b->path);
        struct lem_model *m = open_model(b);
        struct lem_model_info info;
        lem_model_get_info(m, &info);
        assert_string_equal(info.architecture, "olmoe");
        assert_int_equal(info.n_vocab, 515);
        assert_int_equal(info.n_layer_moe, 2);
        assert_int_equal(info.n_expert, 8);
        assert_int_equal(info.n_expert_used, 2);
        weights_are_spread(m, SLOT_ATTN_Q);
        weights_are_spread(m, SLOT_ROUTER);
        weights_are_spread(m, SLOT_DOWN_EXPS);
        the_vocabulary_is_whole(b, m);
        lem_model_close(&m);
    }
    assert_true(n > 5);
    assert_int_equal(scratch_count(&b->scratch), 1);
    assert_silent(&b->said);
}

static void the_seed_makes_the_file(void **state)
{
    struct bed *b = *state;
    struct lem_synthetic_params p = params_of(b, "q8_0");
    size_t n[3];
    char *file[3];
    for (int i = 0; i < 3; i++) {
        p.seed = i < 2 ? 7 : 8;
        b->done = 0;
        assert_int_equal(lem_synthetic_write(&p), LEM_OK);
        file[i] = program_read_file(b->path, &n[i]);
        assert_int_equal(n[i], n[0]);
    }
    assert_memory_equal(file[0], file[1], n[0]);
    assert_int_not_equal(memcmp(file[0], file[2], n[0]), 0);
    for (int i = 0; i < 3; i++)
        free(file[i]);
}

static void refusals_say_why(void **state)
{
    struct bed *b = *state;
    char nowhere[600];
    snprintf(nowhere, sizeof nowhere, "%s/no/folder/x.gguf", b->scratch.dir);
    struct lem_synthetic_params p = params_of(b, "q4_0");
    p.shape = "huge";
    assert_int_equal(lem_synthetic_write(&p), LEM_ERR_ARGUMENT);
    assert_said(&b->said, "granite-1b, olmoe-7b, tiny");
    p = params_of(b, "IQ1_S");
    assert_int_equal(lem_synthetic_write(&p), LEM_ERR_ARGUMENT);
    assert_said(&b->said, "cannot be written");
    p = params_of(b, "q4_0");
    p.path = NULL;
    assert_int_equal(lem_synthetic_write(&p), LEM_ERR_ARGUMENT);
    assert_said(&b->said, "must not be NULL");
    p.path = nowhere;
    assert_int_equal(lem_synthetic_write(&p), LEM_ERR_IO);
    assert_said(&b->said, "x.gguf");
    assert_int_equal(lem_synthetic_write(NULL), LEM_ERR_ARGUMENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_are_those_of_the_real_models),
        cmocka_unit_test(every_type_gives_a_model),
        cmocka_unit_test(the_seed_makes_the_file),
        cmocka_unit_test(refusals_say_why),
    };
    return cmocka_run_group_tests(tests, make_bed, remove_bed);
}
