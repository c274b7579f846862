/* op_env.h - what the tests of single operations share: a list with its step block,
 * buffers with given bytes, arrays of floats, and the places of the key and value
 * caches. Everything fails the test when it cannot be had. */
#ifndef GPU_OP_ENV_H
#define GPU_OP_ENV_H

#include "support/tolerance.h"

#include <stdlib.h>

#include "ops/ops.h"
#include "support/gpu_fixture.h"

enum { OP_ENV_MAX_BUF = 12 };

struct op_env {
    struct lem_device *device;
    struct gpu_list *list;
    struct op_at at; /* to pass to the operation under test */
    uint32_t n_token;
    struct gpu_buf *buf[OP_ENV_MAX_BUF];
    uint32_t n_buf;
};

/* The device of the fixture. */
struct lem_device *op_env_device(void **state);

void op_env_open(struct op_env *env, struct lem_device *device, struct step_params step);
/* All buffers with it. */
void op_env_close(struct op_env *env);

/* A new mapped buffer with a copy of `data`; NULL: zeros. */
struct gpu_slice op_env_put(struct op_env *env, const void *data, uint64_t bytes);
/* Its bytes now. */
void *op_env_get(const struct gpu_slice *slice);
/* Run the list once over the n_token rows of the step. */
void op_env_run(struct op_env *env);

/* Arrays to free(): uniform in [-1, 1), or all `value`. */
float *op_env_random(uint64_t *seed, size_t n);
float *op_env_filled(size_t n, float value);
/* Distance of rows of n floats. */
uint32_t op_env_stride(uint32_t n);

/* Floats of a cache, and where dim `i` of head `h` at position `p` stands in it. */
size_t op_env_k_floats(uint32_t n_head, uint32_t n_ctx, uint32_t dim);
size_t op_env_v_floats(uint32_t n_head, uint32_t n_ctx, uint32_t dim);
size_t op_env_k_at(uint32_t h, uint32_t p, uint32_t i, uint32_t n_ctx, uint32_t dim);
size_t op_env_v_at(uint32_t h, uint32_t p, uint32_t i, uint32_t n_ctx, uint32_t dim);

#endif
