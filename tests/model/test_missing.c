/* test_missing.c - what a model says that cannot run: tensors without a place, what the
 * file lacks, keys that nothing reads, weight types and the tool that makes others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model/model.h"
#include "support/capture.h"
#include "support/make_tiny.h"
#include "support/scratch.h"

static struct lem_model *open_facts(const char *path)
{
    struct capture said;
    struct lem_model *m = NULL;
    const struct lem_model_params p = {
        .path = path, .facts_only = true, .log = capture_log(&said)};
    if (lem_model_open(&p, &m) != LEM_OK)
        fail_msg("%s", said.error);
    assert_silent(&said);
    m->log = (struct lem_log){0}; /* `said` goes away */
    return m;
}

static struct lem_model *open_changed(const struct tiny *t, const struct tiny_change *c)
{
    struct scratch scratch;
    scratch_open(&scratch);
    const char *path = scratch_path(&scratch, "model.gguf");
    tiny_save(t, path, c);
    struct lem_model *m = open_facts(path);
    scratch_close(&scratch); /* the mapping stays */
    return m;
}

static void has(const struct lem_model *m, const char *line)
{
    if (!strstr(m->info.missing, line))
        fail_msg("\"%s\" does not say \"%s\"", m->info.missing, line);
}

static void has_not(const struct lem_model *m, const char *word)
{
    if (strstr(m->info.missing, word))
        fail_msg("\"%s\" should not say \"%s\"", m->info.missing, word);
}

static void unknown_families_are_compared_with_the_nearest(void **state)
{
    (void)state;
    const struct tiny_change changes[] = {
        {"general.architecture", TINY_STR, .text = "mystery"},
        {"mystery.expert_count", TINY_U32, .value = 10},
        {"mystery.ssm.inner_size", TINY_U32, .value = 10},
        {"mystery.vocab_size", TINY_U32, .value = 301},
        {"blk.0.ssm_in.weight", TINY_TYPE, .value = QUANT_F32},
        {"blk.1.ssm_in.weight", TINY_TYPE, .value = QUANT_F32},
        {"blk.1.ssm_a", TINY_TYPE, .value = QUANT_F32},
        {"blk.0.zz\xC3\xA9.weight", TINY_TYPE, .value = QUANT_F32},
        {"blk.0.ffn_norm.weight", TINY_REMOVE, .value = 0},
        {"blk.1.ffn_norm.weight", TINY_REMOVE, .value = 0},
        TINY_END};
    struct lem_model *m = open_changed(tiny_find("olmoe"), changes);
    /* OLMoE has 15 kinds of tensors, of which one was taken and three added. */
    has(m, "nearest family: OLMoE (olmoe), with a place for 14 of 17 kinds of tensors\n");
    has(m, "\nno place for state space or DeltaNet layers, with a recurrent state: "
           "blk.N.ssm_in.weight, blk.N.ssm_a\n");
    has(m, "\nno place for a part that is not known here: blk.N.zz??.weight\n");
    has(m, "\nthe file lacks: blk.N.ffn_norm.weight\n");
    has(m, "keys that nothing here reads: mystery.ssm.inner_size");
    has_not(m, "mystery.vocab_size");
    has_not(m, "olmoe."); /* keys of others are no keys of this */
    lem_model_close(&m);
}

/* All that the families' own models have, is known: then only what was taken is told. */
static void families_know_their_tensors_and_keys(void **state)
{
    (void)state;
    static const struct tiny_change changes[] = {
        {"token_embd.weight", TINY_REMOVE, .value = 0}, TINY_END};
    size_t n;
    const struct tiny *t = tiny_models(&n);
    for (size_t i = 0; i < n; i++) {
        struct lem_model *m = open_changed(&t[i], changes);
        assert_string_equal(m->info.missing, "the file lacks: token_embd.weight");
        lem_model_close(&m);
        m = open_changed(&t[i], NULL);
        assert_string_equal(m->info.unsupported, "");
        assert_string_equal(m->info.missing, "");
        lem_model_close(&m);
    }
}

static void weight_types_are_named_with_the_tool(void **state)
{
    (void)state;
    struct scratch scratch;
    struct gguf_writer w;
    scratch_open(&scratch);
    const char *path = scratch_path(&scratch, "types.gguf");
    gguf_writer_init(&w);
    gguf_put_str(&w, "general.architecture", "olmoe");
    uint32_t n_type = 0;
    static uint8_t data[512 * 8];
    for (uint32_t type = 0; type <= QUANT_NVFP4; type++) {
        const struct quant_info *q = quant_find(type);
        uint64_t bytes;
        char name[64];
        if (!q || q->decode)
            continue;
        assert_true(quant_bytes(q, 512, &bytes) && bytes <= sizeof data);
        for (int i = 0; i < 2; i++) {
            snprintf(name, sizeof name, "blk.%d.ffn_%s.weight", i, q->name);
            gguf_put_tensor(&w, name, type, 2, (uint64_t[]){256, 2}, data, bytes);
        }
        n_type++;
    }
    assert_true(n_type >= 12);
    assert_true(gguf_writer_save(&w, path));
    gguf_writer_free(&w);
    struct lem_model *m = open_facts(path);
    static const char *const names[] = {"IQ2_XXS", "IQ2_XS", "IQ3_XXS", "IQ1_S", "IQ3_S",
                                        "IQ2_S",   "IQ1_M",  "TQ1_0",   "TQ2_0", "NVFP4"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char want[64];
        snprintf(want, sizeof want, "%s in 2 tensors", names[i]);
        has(m, want);
    }
    has(m, "weight types that cannot run: Q8_1 in 2 tensors, ");
    has(m, "llama-quantize");
    lem_model_close(&m);
    scratch_close(&scratch);
}

/* More kinds and keys than there is room for are cut, not written past the end. */
static void long_lists_are_cut(void **state)
{
    (void)state;
    struct scratch scratch;
    struct gguf_writer w;
    scratch_open(&scratch);
    const char *path = scratch_path(&scratch, "many.gguf");
    gguf_writer_init(&w);
    gguf_put_str(&w, "general.architecture", "m");
    for (int i = 0; i < 300; i++) {
        char name[64];
        const float zeros[8] = {0};
        snprintf(name, sizeof name, "m.key_of_a_long_name_%d", i);
        gguf_put_u32(&w, name, 1);
        snprintf(name, sizeof name, "blk.%d.a_long_long_long_long_name_%dx.weight", i, i);
        gguf_put_tensor(&w, name, QUANT_F32, 1, (uint64_t[]){8}, zeros, sizeof zeros);
    }
    assert_true(gguf_writer_save(&w, path));
    gguf_writer_free(&w);
    struct lem_model *m = open_facts(path);
    has(m, "with a place for 0 of 96 kinds");
    has(m, "_5x.weight and 90 more\n");
    has(m, "m.key_of_a_long_name_5 and 90 more");
    lem_model_close(&m);
    scratch_close(&scratch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unknown_families_are_compared_with_the_nearest),
        cmocka_unit_test(families_know_their_tensors_and_keys),
        cmocka_unit_test(weight_types_are_named_with_the_tool),
        cmocka_unit_test(long_lists_are_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
