/* op_env.c - lists, buffers and arrays for tests of single operations. */
#include "op_env.h"

#include <string.h>

#include "base/check.h"

struct lem_device *op_env_device(void **state)
{
    const struct gpu_fixture *fx = *state;
    return fx->device;
}

void op_env_open(struct op_env *env, struct lem_device *device, struct step_params step)
{
    *env = (struct op_env){.device = device, .n_token = step.n_token};
    assert_int_equal(gpu_list_open(device, "test", false, &env->list), LEM_OK);
    env->at = (struct op_at){.label = "test",
                             .step = op_env_put(env, &step, sizeof step),
                             .max_rows = step.n_token};
}

void op_env_close(struct op_env *env)
{
    gpu_list_close(&env->list);
    for (uint32_t i = 0; i < env->n_buf; i++)
        gpu_buf_close(&env->buf[i]);
}

struct gpu_slice op_env_put(struct op_env *env, const void *data, uint64_t bytes)
{
    assert_true(env->n_buf < OP_ENV_MAX_BUF);
    struct gpu_buf **buf = &env->buf[env->n_buf];
    assert_int_equal(gpu_buf_open(env->device, GPU_BUF_READBACK, bytes, "test", buf),
                     LEM_OK);
    env->n_buf++;
    if (data)
        memcpy(gpu_buf_map(*buf), data, bytes);
    return gpu_slice_all(*buf);
}

void *op_env_get(const struct gpu_slice *slice)
{
    return (char *)gpu_buf_map(slice->buf) + slice->offset;
}

void op_env_run(struct op_env *env)
{
    assert_int_equal(gpu_list_run(&env->list, 1, env->n_token, NULL), LEM_OK);
}

float *op_env_random(uint64_t *seed, size_t n)
{
    float *x = op_env_filled(n, 0);
    for (size_t i = 0; i < n; i++)
        x[i] = random_f32(seed);
    return x;
}

float *op_env_filled(size_t n, float value)
{
    float *x = malloc(n * sizeof *x);
    assert_non_null(x);
    for (size_t i = 0; i < n; i++)
        x[i] = value;
    return x;
}

uint32_t op_env_stride(uint32_t n)
{
    return round_up(n, 32);
}
