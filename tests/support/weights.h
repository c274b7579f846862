/* weights.h - random matrices in the file format of a type, packed for the device and
 * cut into windows. */
#ifndef SUPPORT_WEIGHTS_H
#define SUPPORT_WEIGHTS_H

#include "ops/ops.h"

struct weights {
    struct lem_device *device;
    uint8_t *file; /* [n_mat][n_row] rows of row_bytes, as a file has them */
    uint64_t row_bytes;
    struct gpu_buf *buf;
    struct ops_window *window;
    struct ops_weight ops; /* what operations take */
};

/* n_mat matrices [n_row][n_col] of enum quant_type `type`, values below about 1, in
 * as few windows as the device allows. Fails the test when that is not possible. */
void weights_open(struct weights *w, struct lem_device *device, uint32_t type,
                  uint32_t n_mat, uint32_t n_row, uint32_t n_col, uint64_t *seed);
void weights_close(struct weights *w);

/* Place the same weights again, in windows of `mats` matrices; or, when `rows` (a
 * multiple of 8) is not 0, of so many rows of one matrix. */
void weights_cut(struct weights *w, uint32_t mats, uint32_t rows);

/* Row `row` of matrix `mat` as the file has it, and decoded to out[n_col]. */
const uint8_t *weights_row(const struct weights *w, uint32_t mat, uint32_t row);
void weights_decode(const struct weights *w, uint32_t mat, uint32_t row, float *out);

#endif
