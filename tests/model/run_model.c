/* run_model.c - a model with its weights on the test's device, and the CPU's answer
 * to the same tokens. */
#include "model/run_model.h"

#include <stdlib.h>

#include "ref/ref.h"
#include "support/tolerance.h"

void run_model_open(struct run_model *r, struct lem_device *device, const char *path)
{
    *r = (struct run_model){.device = device, .cache_type = LEM_CACHE_F32};
    const struct lem_log log = capture_log(&r->said);
    const struct lem_model_params mp = {.path = path, .log = log};
    if (lem_model_open(&mp, &r->model) != LEM_OK)
        fail_msg("%s", r->said.error);
    const struct lem_weights_params wp = {
        .model = r->model, .device = device, .log = log};
    if (lem_weights_open(&wp, &r->weights) != LEM_OK)
        fail_msg("%s: %s", path, r->said.error);
    r->n_vocab = r->model->hp.n_vocab;
    r->n_layer_moe = r->model->info.n_layer_moe;
    r->n_used = r->model->hp.n_expert_used;
}

void run_model_open_tiny(struct run_model *r, struct lem_device *device,
                         const struct tiny *tiny)
{
    struct scratch scratch;
    scratch_open(&scratch);
    const char *path = scratch_path(&scratch, "tiny.gguf");
    tiny_save(tiny, path, NULL);
    run_model_open(r, device, path);
    scratch_close(&scratch); /* the mapping keeps the bytes */
}

void run_model_close(struct run_model *r)
{
    lem_weights_close(&r->weights);
    lem_model_close(&r->model);
    assert_silent(&r->said);
}

struct lem_session *run_session(struct run_model *r, uint32_t n_ctx, uint32_t n_batch,
                                bool all)
{
    struct lem_session *s = NULL;
    const struct lem_session_params p = {.weights = r->weights,
                                         .n_ctx = n_ctx,
                                         .n_batch = n_batch,
                                         .logits = all ? LEM_LOGITS_ALL : LEM_LOGITS_LAST,
                                         .tap = r->n_layer_moe > 0,
                                         .cache_type = r->cache_type,
                                         .activations = LEM_ACTIVATIONS_F32,
                                         .log = capture_log(&r->said)};
    if (lem_session_open(&p, &s) != LEM_OK)
        fail_msg("%s", r->said.error);
    return s;
}

void run_append(struct run_model *r, struct lem_session *s, const int32_t *ids,
                uint32_t n, uint32_t batch, float *logits)
{
    for (uint32_t done = 0; done < n;) {
        const uint32_t k = n - done < batch ? n - done : batch;
        if (lem_session_append(s, ids + done, k) != LEM_OK)
            fail_msg("%s", r->said.error);
        if (logits) {
            uint32_t n_row = 0;
            const float *row = lem_session_logits(s, &n_row);
            assert_non_null(row);
            assert_int_equal(n_row, k);
            for (size_t i = 0; i < (size_t)k * r->n_vocab; i++)
                logits[(size_t)done * r->n_vocab + i] = row[i];
        }
        done += k;
    }
}

void run_reference_make(struct run_reference *ref, const struct run_model *r,
                        const int32_t *ids, uint32_t n)
{
    const size_t row = (size_t)r->n_layer_moe * r->n_used;
    struct ref_state *state = ref_open(r->model, n);
    ref->logits = calloc((size_t)n * r->n_vocab, sizeof *ref->logits);
    ref->ids = calloc(n * row + 1, sizeof *ref->ids);
    ref->weights = calloc(n * row + 1, sizeof *ref->weights);
    ref->margin = calloc((size_t)n * r->n_layer_moe + 1, sizeof *ref->margin);
    assert_true(state && ref->logits && ref->ids && ref->weights && ref->margin);
    for (uint32_t t = 0; t < n; t++)
        ref_token(state, ids[t], ref->logits + (size_t)t * r->n_vocab, ref->ids + t * row,
                  ref->weights + t * row, ref->margin + (size_t)t * r->n_layer_moe);
    ref_close(&state);
}

void run_reference_free(struct run_reference *ref)
{
    free(ref->logits);
    free(ref->ids);
    free(ref->weights);
    free(ref->margin);
    *ref = (struct run_reference){0};
}

void run_random_ids(int32_t *ids, uint32_t n, uint32_t n_vocab, uint64_t seed)
{
    for (uint32_t i = 0; i < n; i++)
        ids[i] = (int32_t)(random_u32(&seed) % n_vocab);
}
