/* rows.h - rows of floats in a mapped buffer, as operations take and give them. */
#ifndef SUPPORT_ROWS_H
#define SUPPORT_ROWS_H

#include "gpu/gpu.h"

struct rows {
    struct gpu_buf *buf;
    float *v; /* mapped: row t begins at v + t * stride */
    uint32_t n, width;
    uint32_t stride; /* floats, a multiple of 32, >= width */
};

/* `gap` more blocks of 32 floats than needed lie between the rows. Zeros. Fails the
 * test when there is no memory. */
void rows_open(struct rows *r, struct lem_device *device, enum gpu_buf_kind kind,
               uint32_t n, uint32_t width, uint32_t gap);
void rows_close(struct rows *r);

/* Values in [-1, 1) for the width of every row; the gaps stay as they are. */
void rows_random(struct rows *r, uint64_t *seed);
/* `value` everywhere, gaps included. */
void rows_fill(struct rows *r, float value);

#endif
