/* rows.c - rows of floats in a mapped buffer, as operations take and give them. */
#include "support/rows.h"

#include "base/check.h"
#include "support/tolerance.h"

void rows_open(struct rows *r, struct lem_device *device, enum gpu_buf_kind kind,
               uint32_t n, uint32_t width, uint32_t gap)
{
    *r = (struct rows){.n = n, .width = width, .stride = round_up(width, 32) + gap * 32};
    const uint64_t bytes = (uint64_t)n * r->stride * sizeof(float);
    assert_int_equal(gpu_buf_open(device, kind, bytes, "rows", &r->buf), LEM_OK);
    r->v = gpu_buf_map(r->buf);
    assert_non_null(r->v);
}

void rows_close(struct rows *r)
{
    gpu_buf_close(&r->buf);
    *r = (struct rows){0};
}

void rows_random(struct rows *r, uint64_t *seed)
{
    for (uint32_t t = 0; t < r->n; t++)
        for (uint32_t i = 0; i < r->width; i++)
            r->v[(size_t)t * r->stride + i] = random_f32(seed);
}

void rows_fill(struct rows *r, float value)
{
    for (size_t i = 0; i < (size_t)r->n * r->stride; i++)
        r->v[i] = value;
}
