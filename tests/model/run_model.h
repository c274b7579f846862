/* run_model.h - a model with its weights on the test's device, and the CPU's answer
 * to the same tokens. Everything fails the test when it cannot be had. */
#ifndef MODEL_RUN_MODEL_H
#define MODEL_RUN_MODEL_H

#include "lemnos/session.h"
#include "model/model.h"
#include "support/capture.h"
#include "support/make_tiny.h"
#include "support/scratch.h"

struct run_model {
    struct lem_device *device;
    struct lem_model *model;
    struct lem_weights *weights;
    enum lem_cache_type cache_type; /* of run_session(): f32 unless changed */
    struct capture said;
    uint32_t n_vocab, n_layer_moe, n_used;
};

void run_model_open(struct run_model *r, struct lem_device *device, const char *path);
/* One of tests/support/make_tiny.h, written to a file that is gone afterwards. */
void run_model_open_tiny(struct run_model *r, struct lem_device *device,
                         const struct tiny *tiny);
void run_model_close(struct run_model *r);

/* n_ctx 0: the default; all rows of logits when `all`; tap on when the model routes. */
struct lem_session *run_session(struct run_model *r, uint32_t n_ctx, uint32_t n_batch,
                                bool all);

/* Append, `batch` tokens at a time, and fail on any error. Logits of all rows into
 * `logits` [n][n_vocab] when not NULL (the session must have been opened with all). */
void run_append(struct run_model *r, struct lem_session *s, const int32_t *ids,
                uint32_t n, uint32_t batch, float *logits);

/* What ref/ computes: arrays to free(); margin is the least one of each token's
 * layers. */
struct run_reference {
    float *logits; /* [n][n_vocab] */
    uint32_t *ids; /* [n][n_layer_moe][n_used] */
    float *weights;
    float *margin; /* [n][n_layer_moe] */
};
void run_reference_make(struct run_reference *ref, const struct run_model *r,
                        const int32_t *ids, uint32_t n);
void run_reference_free(struct run_reference *ref);

/* `n` ids below n_vocab from a seed. */
void run_random_ids(int32_t *ids, uint32_t n, uint32_t n_vocab, uint64_t seed);

#endif
