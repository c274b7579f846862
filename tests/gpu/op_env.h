/* op_env.h - what the tests of single operations share: a list with its step block,
 * buffers with given bytes, arrays of floats, and caches of keys and values. Everything
 * fails the test when it cannot be had. */
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

/* ---- caches of keys or values, as shaders/common/kv.glsl lays them out ------------ */

struct op_env_cache {
    enum lem_cache_type type;
    uint32_t n_head, n_ctx, dim; /* n_ctx a multiple of OPS_CACHE_TILE */
    uint32_t *word;              /* all of it */
    uint64_t bytes;
};

/* Every word is NaN, also as two halves and as a scale. */
void op_env_cache_open(struct op_env_cache *c, enum lem_cache_type type, uint32_t n_head,
                       uint32_t n_ctx, uint32_t dim);
void op_env_cache_close(struct op_env_cache *c);
/* Store a head at a position; `x` [dim] becomes what the cache gives back. */
void op_env_cache_set(struct op_env_cache *c, uint32_t head, uint32_t pos, float *x);
/* What a position holds: x [dim]. False when it was never set. */
bool op_env_cache_get(const struct op_env_cache *c, uint32_t head, uint32_t pos,
                      float *x);
/* Fail unless the position holds `want` [dim], each value within `exact` and what the
 * type rounds off; want NULL: unless it was never set. */
void op_env_cache_check(const struct op_env_cache *c, uint32_t head, uint32_t pos,
                        const float *want, float exact, const char *what);

#endif
